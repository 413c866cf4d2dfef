#!/usr/bin/env bash
# Builds the programs of this folder with the thread sanitizer, and runs them. Exit status 77: skipped.
#
#   CXX=COMPILER CXXFLAGS=FLAGS tests/races/run.sh
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# The sanitizer's memory map and the kernel's randomised addresses may collide.
fixed=()
if command -v setarch >/dev/null && setarch -R true 2>/dev/null; then fixed=(setarch -R); fi
printf 'int main() {}\n' >"$work/empty.cpp"
if ! "${CXX:-g++}" -fsanitize=thread -o "$work/empty" "$work/empty.cpp" 2>/dev/null || ! "${fixed[@]}" "$work/empty" 2>/dev/null; then
  echo "skipped: programs built with the thread sanitizer do not run here"
  exit 77
fi

# Its flags as they come: only the last optimisation counts.
read -ra flags <<<"${CXXFLAGS:--std=c++20 -march=native}"
build_and_run() {  # NAME SOURCE...
  "${CXX:-g++}" "${flags[@]}" -O1 -g -w -fsanitize=thread -I "$root/include" -I "$root" -o "$work/$1" "$root/tests/races/$1.cpp" "${@:2}"
  "${fixed[@]}" "$work/$1"
}
build_and_run device_ensemble "$root"/kernels/{device_ensemble,ensemble,geometry}.cpp
build_and_run slices "$root"/kernels/{cpu/slices,ensemble}.cpp
