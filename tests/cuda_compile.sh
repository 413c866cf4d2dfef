#!/usr/bin/env bash
# Compiles every zoo model's gradient for the GPU and fails if a kernel needs a stack frame or spills registers:
# either means that a node or an expression went to memory (design §2). Needs nvcc, no GPU.
#
#   cuda_compile.sh [FILE.cu]      exit status 77: skipped
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
source_file=${1:-$root/kernels/cuda/gradient.cu}

nvcc=$(PATH=$PATH:/usr/local/cuda/bin command -v nvcc || true)
if [[ -z $nvcc ]]; then
  echo "skipped: nvcc is not installed"
  exit 77
fi
if [[ ! -f $source_file ]]; then
  echo "failed: $source_file is not there"
  exit 1
fi

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
status=0
printf '%-6s %9s %6s %7s  %s\n' arch registers stack spills kernel
for arch in sm_80 sm_90; do
  if ! "$nvcc" -std=c++20 "-arch=$arch" -cubin -Xptxas -v --expt-relaxed-constexpr -I "$root/include" -I "$root" \
    -o "$work/gradient.cubin" "$source_file" >"$work/$arch.log" 2>&1; then
    cat "$work/$arch.log"
    echo "failed: it does not compile for $arch"
    exit 1
  fi
  # ptxas names the kernel first, then its stack frame and spills (bytes), then its registers. Device functions that
  # were not inlined are reported alike, without registers: they count too.
  { command -v c++filt >/dev/null && c++filt || cat; } <"$work/$arch.log" | awk -v arch="$arch" '
    function flush_kernel() {
      if (name == "") return
      bad = stack > 0 || spills > 0
      printf "%-6s %9s %6d %7d  %s%s\n", arch, registers, stack, spills, name, bad ? "   <- must be 0" : ""
      failed += bad; count++; name = ""; registers = "-"; stack = spills = 0
    }
    BEGIN { registers = "-" }
    /Function properties for / { flush_kernel(); name = $0; sub(/.*Function properties for /, "", name) }
    /bytes stack frame/ { stack = $1 + 0; spills = $5 + $9 }
    /Used [0-9]+ registers/ { match($0, /Used [0-9]+/); registers = substr($0, RSTART + 5, RLENGTH - 5); flush_kernel() }
    END { flush_kernel(); if (count == 0) print "failed: no kernel was found in the output of ptxas"; exit failed > 0 || count == 0 }
  ' || status=1
done
exit "$status"
