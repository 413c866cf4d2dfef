#!/usr/bin/env bash
# Proves the images without a registry: builds them on a Debian root that debootstrap makes, and runs them as people do.
#
#   sudo docker/prove.sh [cpu] [cuda] [--keep]      both kinds, unless one is named
#
# --keep            leave images and work folder where they are, and say where
# BASE_ROOT=FOLDER  a root of Debian or Ubuntu to build on, instead of a new one
# SUITE, MIRROR     which Debian debootstrap makes (default: bookworm), and where its packages come from
# CUDA=FOLDER       the CUDA toolkit that stands in for the base image's (default: /usr/local/cuda)
# CUDA_ARCHITECTURES  GPUs to compile for (default here: 90 alone, to be done sooner)
# STORAGE_DRIVER    how podman stores images (default: overlay where the kernel has it, else vfs)
#
# Takes root, debootstrap, podman and runc (all are Debian packages), about 10 GB (with vfs 40 GB) in ${TMPDIR:-/tmp} and the time of a build
# of each kind. Exit status 0: all holds; 77: skipped, and why.
set -euo pipefail

repo=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
. "$repo/tests/debian_root.sh"

keep=0 kinds=()
for argument in "$@"; do
  case $argument in
    cpu | cuda) kinds+=("$argument") ;;
    --keep) keep=1 ;;
    *) sed -n '2,/^set/p' "${BASH_SOURCE[0]}" | sed '$d; s/^# \{0,1\}//'; exit 2 ;;
  esac
done
((${#kinds[@]})) || kinds=(cpu cuda)
toolkit=${CUDA:-/usr/local/cuda}

if ((EUID != 0)); then echo "skipped: making a Debian root takes root"; exit 77; fi
for tool in debootstrap podman runc; do
  if ! command -v "$tool" >/dev/null; then echo "skipped: $tool is not installed"; exit 77; fi
done

# In a mount namespace of its own: whatever happens, no mount made here outlives the script or is seen by others.
if [[ ${LOCKSTEP_IN_NAMESPACE:-0} == 0 ]]; then
  LOCKSTEP_IN_NAMESPACE=1 exec unshare --mount --propagation private -- bash "${BASH_SOURCE[0]}" "$@"
fi

work=$(mktemp -d -- "${TMPDIR:-/tmp}/lockstep-images.XXXXXX")
mkdir "$work"/{storage,run,tmp,out}
driver=vfs  # which copies every layer, but works everywhere
if grep -qw overlay /proc/filesystems; then driver=overlay; fi
engine=(podman --root "$work/storage" --runroot "$work/run" --storage-driver "${STORAGE_DRIVER:-$driver}"
        --cgroup-manager cgroupfs --runtime runc)
export TMPDIR=$work/tmp

cleanup() {
  if ((keep)); then
    echo "kept: $work; look at it with ${engine[*]}"
  else
    "${engine[@]}" rm --all --force --volumes >/dev/null 2>&1 || true
    if mountpoint -q "$work/storage/overlay"; then umount --recursive "$work/storage/overlay"; fi
    rm -rf --one-file-system -- "$work"
  fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM

passed=0
step() { printf '\n== %s (after %d s)\n' "$*" "$SECONDS"; }
die() { echo "failed: $*"; exit 1; }
holds() { echo "ok: $*"; passed=$((passed + 1)); }

# ---------------------------------------------------------------- building and running

# Moderate limits: podman's own are higher than root may set in some virtual machines.
limits=(--ulimit nofile=1024:1024 --ulimit nproc=4096:4096)

# in_container ARGUMENT...: as `docker run ARGUMENT...`
in_container() { "${engine[@]}" run --rm --network none "${limits[@]}" "$@"; }

# image_size IMAGE: its files in MB, without compression.
image_size() {
  du -sm -- "$("${engine[@]}" image mount "$1")" | cut -f1
  "${engine[@]}" image unmount "$1" >/dev/null
}

# build_image KIND TARGET OPTION...
build_image() {
  local kind=$1 target=$2 began=$SECONDS
  shift 2
  "${engine[@]}" build --isolation chroot --layers -f "$repo/docker/$kind.Dockerfile" --target "$target" \
    -t "localhost/lockstep:$kind-$target" --build-arg "REVISION=$revision" "$@" "$repo" >"$work/build.log" 2>&1 ||
    { tail -n 40 "$work/build.log"; die "building $kind, $target"; }
  local size
  size=$(image_size "localhost/lockstep:$kind-$target")
  holds "$kind, $target: built in $((SECONDS - began)) s; $size MB, $((size - base_size)) of them on top of the base"
}

# expect STATUS TEXT ARGUMENT...: what the container says, on either stream, contains TEXT, and it exits with STATUS.
expect() {
  local status=$1 text=$2 got=0
  shift 2
  in_container "$@" >"$work/said" 2>&1 </dev/null || got=$?
  if [[ $got != "$status" ]] || ! grep -qF -- "$text" "$work/said"; then
    cat "$work/said"
    die "exit status $got (expected $status) and \"$text\" in the above, from: $*"
  fi
  holds "exit status $status, \"$text\": ${*//$work/...}"
}

# work_folder OWNER: a new folder, to be mounted as /work.
work_folder() {
  folder=$(mktemp -d -- "$work/out/XXXXXX")
  chown "$1" "$folder"
  chmod 755 "$folder"
}

# owned_by FILE USER:GROUP
owned_by() {
  [[ $(stat -c %u:%g "$1") == "$2" ]] || die "$1 belongs to $(stat -c %u:%g "$1"), not to $2"
  holds "$(basename "$1") belongs to $2"
}

# ---------------------------------------------------------------- what is checked

check_metadata() {
  local image=$1 version label
  version=$(in_container "$image" version)
  version=${version#lockstep }
  for label in title=Lockstep licenses=Apache-2.0 "version=$version" "revision=$revision"; do
    [[ $("${engine[@]}" image inspect --format "{{index .Labels \"org.opencontainers.image.${label%%=*}\"}}" "$image") == "${label#*=}" ]] ||
      die "the label org.opencontainers.image.${label%%=*} is not ${label#*=}"
  done
  holds "labels"
  [[ $("${engine[@]}" image inspect --format '{{.User}}' "$image") == 1000:1000 ]] || die "the image runs as another user than 1000:1000"
  holds "not root"
}

check_sampling() {
  local image=$1
  expect 0 "Bayesian inference" "$image"
  work_folder 1000:1000
  expect 0 "Results: eight_schools.nc" -v "$folder:/work" "$image" sample eight_schools
  owned_by "$folder/eight_schools.nc" 1000:1000
  expect 0 "mu" -v "$folder:/work" "$image" summary eight_schools.nc

  work_folder 54321:12345
  expect 0 "Results: eight_schools.nc" --user 54321:12345 --read-only --cap-drop all -v "$folder:/work" "$image" sample eight_schools
  owned_by "$folder/eight_schools.nc" 54321:12345

  work_folder 0:0
  expect 2 "eight_schools.nc" -v "$folder:/work" "$image" sample eight_schools
  [[ -z $(ls -A "$folder") ]] || die "something was written to a folder that may not be written to"

  expect 2 "There is no command 'frobnicate'" "$image" frobnicate
  expect 2 "--chains" "$image" sample eight_schools --chains none
  expect 1 "no_such.json" "$image" sample eight_schools --data no_such.json
}

# check_stop IMAGE SIGNAL: to process 1 of a container that samples.
check_stop() {
  local image=$1 signal=$2 container status waited=0
  work_folder 1000:1000
  container=$("${engine[@]}" run -d --network none "${limits[@]}" -v "$folder:/work" "$image" \
    sample eight_schools --device cpu --chains 64 --draws 100000000 --keep mu --out long.nc)
  # There are draws as soon as the file grows.
  until [[ $(du -k "$folder" | cut -f1) -gt 2000 ]]; do
    sleep 0.2
    ((++waited < 300)) || die "no draws after a minute"
  done
  "${engine[@]}" kill --signal "$signal" "$container" >/dev/null
  status=$(timeout 60 "${engine[@]}" wait "$container") || die "$signal does not end it"
  "${engine[@]}" logs "$container" >"$work/said" 2>&1
  "${engine[@]}" rm "$container" >/dev/null
  [[ $status == 3 ]] || { tail "$work/said"; die "exit status $status after $signal, not 3"; }
  grep -qF "Stopped by a signal" "$work/said" || die "it does not say that it was stopped"
  holds "$signal: exit status 3"
  expect 0 "mu" -v "$folder:/work" "$image" summary long.nc
}

# A process 1 that handles no signal would not be ended by one.
check_end() {
  local image=$1 container status
  work_folder 1000:1000
  mkfifo "$folder/never.json"
  chown 1000:1000 "$folder/never.json"
  container=$("${engine[@]}" run -d --network none "${limits[@]}" -v "$folder:/work" "$image" sample eight_schools --data never.json)
  sleep 1
  "${engine[@]}" kill --signal INT "$container" >/dev/null
  status=$(timeout 10 "${engine[@]}" wait "$container") || die "INT does not end what reads its data"
  "${engine[@]}" rm "$container" >/dev/null
  [[ $status == 130 ]] || die "exit status $status of what INT ended, not 130"
  holds "INT while data are read: exit status 130"
}

write_model() {
  awk '!inside && $0 == "```cpp" { inside = 1; next } inside && /^```/ { exit } inside' "$repo/models/README.md" >"$folder/my_model.hpp"
  grep -q 'struct Slopes' "$folder/my_model.hpp" || die "the first example of models/README.md is not the one that is known here"
  echo '{"county": ["here", "there"], "county_of": [1, 1, 1, 2, 2], "x": [1, 2, 3, 1, 2], "y": [2.1, 3.9, 6.2, 1.1, 1.8]}' >"$folder/d.json"
}

check_without_compiler() {
  local image=$1
  work_folder 1000:1000
  write_model
  expect 1 "of the container images, devel has one" -v "$folder:/work" "$image" sample my_model.hpp --data d.json
}

check_own_models() {
  local image=$1 kept=models-${1##*:}
  work_folder 1000:1000
  write_model
  expect 0 "compiling my_model.hpp" -v "$folder:/work" -v "$kept:/var/cache/lockstep" "$image" sample my_model.hpp --data d.json
  grep -qF "slope" "$work/said" || die "the summary does not name the model's slopes"
  expect 0 "was built already" -v "$folder:/work" -v "$kept:/var/cache/lockstep" "$image" build my_model.hpp
  work_folder 54321:12345
  write_model
  expect 0 "Results: my_model.nc" --user 54321:12345 -v "$folder:/work" "$image" sample my_model.hpp --data d.json
  echo 'struct Broken { explicit Broken(Dataset& d) : x(d.real("x")) {} };' >"$folder/broken.hpp"
  expect 1 "broken.hpp:1" --user 54321:12345 -v "$folder:/work" "$image" build broken.hpp

  # Compiled with the flags of the program: the same draws, bit for bit.
  local how=(--seed 7 --chains 64 --device cpu) path=/opt/lockstep/models
  expect 0 "Results: zoo.nc" --user 54321:12345 -v "$folder:/work" "$image" sample radon "${how[@]}" --out zoo.nc
  expect 0 "Results: own.nc" --user 54321:12345 -v "$folder:/work" "$image" sample "$path/radon.hpp" --data "$path/data/radon.json" \
    "${how[@]}" --out own.nc
  local name
  for name in zoo own; do
    in_container -v "$folder:/work" "$image" draws "$name.nc" --csv >"$folder/$name.csv"
  done
  cmp "$folder/zoo.csv" "$folder/own.csv" || die "a model file of the zoo does not give the draws of the zoo"
  holds "a zoo model from its file gives the zoo's draws, bit for bit ($(wc -l <"$folder/zoo.csv") lines)"
}

check_processor() {
  local image=$1
  [[ $(uname -m) == x86_64 ]] || return 0
  in_container --entrypoint cat "$image" /usr/local/bin/lockstep >"$work/program"
  grep -qaF -- "-march=x86-64-v3" "$work/program" || die "the program was not compiled for x86-64-v3"
  expect 0 "4 chains to a pack" "$image" devices
  expect 0 "cpu      1 threads" -e OMP_NUM_THREADS=1 "$image" devices
}

check_cuda() {
  expect 0 "cuda     none" localhost/lockstep:cuda-runtime devices
  expect 1 "There is no GPU" localhost/lockstep:cuda-runtime sample eight_schools --device cuda
  work_folder 54321:12345
  write_model
  expect 0 "for the GPU" --user 54321:12345 -v "$folder:/work" localhost/lockstep:cuda-devel build my_model.hpp --device cuda
}

# ---------------------------------------------------------------- all of it

revision=$(git -C "$repo" rev-parse HEAD 2>/dev/null || echo unknown)

step "a base image"
base_root=${BASE_ROOT:-$work/base}
if [[ -z ${BASE_ROOT:-} ]]; then
  debian_root "$base_root" "${SUITE:-bookworm}" "${MIRROR:-}" "" >"$work/debootstrap.log" 2>&1 ||
    { tail -n 20 "$work/debootstrap.log"; die "debootstrap"; }
fi
tar -C "$base_root" -c . | "${engine[@]}" import - localhost/base:cpu >"$work/import.log" 2>&1 || die "the base image"
base_size=$(image_size localhost/base:cpu)
holds "base: $base_size MB"

# The toolkit where NVIDIA's images have it, without large libraries that are not used here.
cuda_base() {
  cat >"$work/cuda.Dockerfile" <<'EOF'
FROM localhost/base:cpu
COPY . /usr/local/cuda/
ENV PATH=/usr/local/cuda/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
RUN echo /usr/local/cuda/lib64 >/etc/ld.so.conf.d/cuda.conf && ldconfig
EOF
  printf '**/%s\n' 'libcudnn*' 'libcufft*' 'libcusolver*' 'libcusparse*' 'libnccl*' 'libcurand*' 'libcupti*' 'libnpp*' 'libnvrtc*' \
    'libnvJitLink*' 'libnvjpeg*' 'libnvblas*' 'libnvperf*' 'libcublas*_static*' 'nsight*' compute-sanitizer extras doc gds \
    >"$work/cuda.ignore"
  "${engine[@]}" build --isolation chroot --layers=false -f "$work/cuda.Dockerfile" --ignorefile "$work/cuda.ignore" \
    -t localhost/base:cuda "$toolkit" >"$work/import.log" 2>&1 || { tail "$work/import.log"; die "the base image with CUDA"; }
  base_size=$(image_size localhost/base:cuda)
  holds "base with $("$toolkit/bin/nvcc" --version | grep release): $base_size MB"
}

for kind in "${kinds[@]}"; do
  options=(--build-arg BASE=localhost/base:cpu)
  if [[ $kind == cuda ]]; then
    if [[ ! -x $toolkit/bin/nvcc ]]; then
      ((${#kinds[@]} > 1)) || { echo "skipped: there is no nvcc in $toolkit/bin"; exit 77; }
      step "cuda: skipped, there is no nvcc in $toolkit/bin"
      continue
    fi
    step "cuda: a base image"
    cuda_base
    options=(--build-arg DEVEL_BASE=localhost/base:cuda --build-arg RUNTIME_BASE=localhost/base:cuda
             --build-arg "CUDA_ARCHITECTURES=${CUDA_ARCHITECTURES:-90}")
  fi
  runtime=localhost/lockstep:$kind-runtime devel=localhost/lockstep:$kind-devel
  step "$kind: building"
  build_image "$kind" devel "${options[@]}"
  build_image "$kind" runtime "${options[@]}"
  for image in "$runtime" "$devel"; do
    step "${image#localhost/}: what it says of itself"
    check_metadata "$image"
    check_processor "$image"
    step "${image#localhost/}: sampling, users, exit codes"
    check_sampling "$image"
  done
  step "$kind: signals"
  check_stop "$runtime" INT
  check_stop "$runtime" TERM
  check_end "$runtime"
  step "$kind: models of one's own"
  check_without_compiler "$runtime"
  check_own_models "$devel"
  if [[ $kind == cuda ]]; then
    step "cuda: GPUs, which are not here"
    check_cuda
  fi
done

step "done: $passed checks"
