#!/usr/bin/env bash
# Installs the library into a folder of its own and builds the program of this folder against it, as another project would.
#
#   build_and_run.sh BUILD_FOLDER KOKKOS_DIR CXX
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log"; echo "failed: $*"; exit 1; }; }
quietly cmake --install "$1" --prefix "$work/prefix"
quietly cmake -S "$here" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_COMPILER=$3" \
  "-DCMAKE_PREFIX_PATH=$work/prefix" "-DKokkos_DIR=$2"
quietly cmake --build "$work/build"
"$work/build/fits"
