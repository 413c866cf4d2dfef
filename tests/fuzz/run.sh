#!/usr/bin/env bash
# Fuzzes the readers of files: tests/fuzz/run.sh SECONDS [TARGET...]
#
# Builds each target (targets.hpp) with clang and the sanitizers and runs it for so long, one process at a time, starting
# from the corpus here and from what earlier runs found (build/fuzz/found). What breaks a reader is left in
# build/fuzz/broken; put it into the corpus with its repair, and every test run replays it. hdf5_bytes, which runs only if
# it is named, goes on after a crash: libhdf5 1.10 has some on damaged files (in H5HG_read and H5DSis_scale), so the program
# tries files in a process of its own first (host/hdf5.hpp), which is left out here. Needs clang and its libFuzzer:
# apt-get install clang libclang-rt-dev (Debian 12: libclang-rt-14-dev).
set -euo pipefail

root=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." && pwd -P)
build=$root/build/fuzz
(($# >= 1)) || { sed -n '2,9p' "${BASH_SOURCE[0]}"; exit 2; }
seconds=$1
shift
targets=("$@")
((${#targets[@]})) || targets=(json csv init hdf5)

flags=(-std=c++20 -g -O1 -march=native -fsanitize=address,undefined -fno-sanitize-recover=undefined -DFMT_HEADER_ONLY
       -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
       -I "$root" -I "$root/include" $(pkg-config --cflags hdf5 2>/dev/null || echo "-I /usr/include/hdf5/serial"))
libraries=($(pkg-config --libs hdf5 2>/dev/null || echo "-L /usr/lib/$(uname -m)-linux-gnu/hdf5/serial -lhdf5") -lhdf5_hl)
sources=("$root"/host/data*.cpp "$root"/host/{fit,fit_builder,hdf5,host_model,starts}.cpp "$root"/host/netcdf_{arrays,read}.cpp
         "$root"/tests/fuzz/{checks,text_targets,hdf5_targets}.cpp)

mkdir -p "$build"
objects=()
for source in "${sources[@]}"; do
  object=$build/$(basename "$source" .cpp).o
  objects+=("$object")
  if [[ ! -f $object || $source -nt $object ||
        -n $(find "$root"/{host,include,kernels,tests/fuzz} -name '*.hpp' -newer "$object" -print -quit) ]]
  then
    ${CMAKE_CXX_COMPILER_LAUNCHER:-} clang++ "${flags[@]}" -fsanitize=fuzzer-no-link -c "$source" -o "$object"
  fi
done

status=0
for target in "${targets[@]}"; do
  mkdir -p "$build/found/$target" "$build/broken"
  options=(-max_len=4096)
  [[ $target != hdf5_bytes ]] || options=(-max_len=16384 -fork=1 -ignore_crashes=1 -ignore_ooms=1 -ignore_timeouts=1)
  clang++ "${flags[@]}" -fsanitize=fuzzer -DTARGET="$target" "$root/tests/fuzz/driver.cpp" "${objects[@]}" "${libraries[@]}" \
    -o "$build/$target"
  "$build/$target" -max_total_time="$seconds" "${options[@]}" -rss_limit_mb=4096 -timeout=20 -print_final_stats=1 \
    -artifact_prefix="$build/broken/$target-" ${LOCKSTEP_FUZZ_OPTIONS:-} "$build/found/$target" "$root/tests/fuzz/corpus/$target" || status=1
done
exit "$status"
