#!/usr/bin/env bash
# Proves and measures the CUDA backend on this machine's first GPU: README.md here says how, and what the numbers mean.
#
#   bench/gpu/run.sh [RESULTS]      results folder; default bench/gpu/results/DATE-DEVICE
#   bench/gpu/run.sh --list         what must be brought along to a machine without network
#   bench/gpu/run.sh --dry-run      everything on the CPU with tiny sizes, to try the script itself
#
# BUILD=FOLDER    a finished build (build/cuda; dry: build/release). Without one it is built here, which counts
# PYTHON=PYTHON   one that has jax, numpyro and, if possible, blackjax (python3)
# BUDGET=SECONDS  of everything, the build included (460)
# COMMIT=TEXT     what is measured, if this is no git checkout
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
here=$root/bench/gpu
python=${PYTHON:-python3}
budget=${BUDGET:-460}
started=$SECONDS

fail() { printf 'bench/gpu/run.sh: %s\n' "$*" >&2; exit 1; }

list() {
  cat <<EOF
Besides this folder tree (tests/ and models/data/ too):

1. A build: $root/build/cuda, made on a machine with the same distribution, compiler and kind of processor, at the same path:
     cmake --preset cuda -DCMAKE_CUDA_ARCHITECTURES=90-real -DLOCKSTEP_ARCH=x86-64-v3 -DLOCKSTEP_BUILD_TESTS=ON -DLOCKSTEP_BUILD_GPU_BENCH=ON
     cmake --build build/cuda --target gpu_bench
   (LOCKSTEP_ARCH: what both processors have. "native" if they are the same.) It needs, to run: the CUDA runtime and cuBLAS
   (libcudart, libcublas), HDF5, fmt, libzip; and cmake for ctest.
   Or, to build there: nvcc 12 or later, g++, cmake, ninja, and the Debian packages that ./lockstep names; Kokkos with OpenMP
   (build/kokkos, which ./lockstep makes; or Kokkos_ROOT). About three minutes of 16 cores, which count.
2. compute-sanitizer, of the CUDA toolkit (package cuda-sanitizer-XX-Y).
3. A Python with wheels, from a machine with network and the same Python:
     pip download -d wheels "jax[cuda12]" numpyro blackjax          # jax[cuda13] for a driver of CUDA 13
     pip install --no-index --find-links wheels "jax[cuda12]" numpyro blackjax
   and PYTHON=that python. Without it, Lockstep is measured alone.
4. nvidia-smi, of the driver.
EOF
}

dry=0
results=
while (($#)); do
  case $1 in
    --list) list; exit 0 ;;
    --dry-run) dry=1 ;;
    -*) fail "there is no option $1 (--list and --dry-run are all). See its head." ;;
    *) [[ -z $results ]] || fail "two results folders are named ($results and $1). Name one."
       results=$1 ;;
  esac
  shift
done
[[ $budget =~ ^[1-9][0-9]*$ ]] || fail "BUDGET is '$budget' (a positive number of seconds is needed)."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || fail "$python is no Python 3.9 or later. Name one in PYTHON."

if ((dry)); then
  device=dry-run
  build=${BUILD:-$root/build/release}
else
  command -v nvidia-smi >/dev/null && device=$(nvidia-smi -i 0 --query-gpu=name --format=csv,noheader | tr -c 'A-Za-z0-9\n' '-') ||
    fail "there is no GPU to measure (nvidia-smi is missing or fails). Try --dry-run, or --list."
  build=${BUILD:-$root/build/cuda}
fi
results=${results:-$here/results/$(date -u +%Y-%m-%d-%H%M)-$device}
[[ ! -e $results/results.jsonl ]] || fail "$results has results (they would be lost). Name another folder."

if [[ -z ${COMMIT:-} ]]; then
  COMMIT=$(git -C "$root" rev-parse --short=10 HEAD 2>/dev/null || echo unknown)
  [[ -z $(git -C "$root" status --porcelain -- include kernels host models 2>/dev/null) ]] || COMMIT+=" with local changes"
fi
export COMMIT

if [[ ! -x $build/bench/gpu_side || ! -x $build/bench/state_traffic || ! -x $build/lockstep ]]; then
  [[ -z ${BUILD:-} ]] || fail "BUILD is '$BUILD' (there is no bench/gpu_side in it). Build its target gpu_bench."
  echo "building (bring a finished build along to save this: --list)"
  preset=$(basename "$build")
  kokkos=${Kokkos_ROOT:-$root/build/kokkos}
  (cd "$root" && PATH=$PATH:/usr/local/cuda/bin cmake --preset "$preset" -DLOCKSTEP_BUILD_TESTS=ON -DLOCKSTEP_BUILD_GPU_BENCH=ON \
    -DKokkos_DIR="$(dirname "$(find "$kokkos" -name KokkosConfig.cmake | head -n 1)")" >"$build.configure.log" 2>&1 &&
    cmake --build "$build" -j "$(nproc)" --target gpu_bench >"$build.build.log" 2>&1) ||
    fail "the build failed: see $build.configure.log and $build.build.log"
fi

flags=()
((dry)) && flags=(--dry-run)
exec "$python" "$here/measure.py" "$results" --build "$build" --budget $((budget - (SECONDS - started))) "${flags[@]}"
