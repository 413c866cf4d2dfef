#!/usr/bin/env bash
# Compiles the samplers' kernels for the GPU ("machines"), and every zoo model's, and compares what they need with
# tests/cuda_resources.txt: no more registers, stack or spilled bytes than are written there. Stack or spills mean that a node
# or an expression went to memory (design §2). Needs nvcc, no GPU.
#
#   cuda_compile.sh [--update] [MODEL...]     all, unless some models (or machines) are named; exit status 77: skipped
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
table=$root/tests/cuda_resources.txt

update=0
if [[ ${1:-} == --update ]]; then update=1; shift; fi

nvcc=$(PATH=$PATH:/usr/local/cuda/bin command -v nvcc || true)
if [[ -z $nvcc ]]; then
  echo "skipped: nvcc is not installed"
  exit 77
fi

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# source_of MODEL ARGUMENTS: a file with the kernels of the table with these template arguments.
source_of() {
  printf '#include "models/%s.hpp"\n\n#include "kernels/cuda/model_kernels.cuh"\n\nconst lockstep::DeviceModelTable* table() { return lockstep::cuda_model_table<%s>(); }\n' \
    "$1" "$2" >"$work/$1.cu"
}
# kernels NAME SOURCE OPTION...
kernels() {
  local name=$1 source=$2
  shift 2
  "$nvcc" -std=c++20 -O3 "$@" --expt-relaxed-constexpr -Xptxas -v -I "$root/include" -I "$root" -c -o "$work/$name.o" "$source" 2>&1 |
    c++filt >>"$work/$name.log"
}

# model_class HEADER: the class that is constructed from a data set, if there is one.
model_class() { sed -nE 's/.*[ ]([A-Za-z0-9_]+)\((const )?Dataset&.*/\1/p' "$1" | head -n 1; }

newer=(-gencode 'arch=compute_90,code=[sm_90,compute_90]')
older=(-gencode arch=compute_80,code=sm_80)

# Those of a model in doubles are compiled for a newer generation, with PTX for the next, those in mixed precision for an older one:
# they differ by a type, and generations by a few registers.
compile_model() {
  source_of "$1" "lockstep::models::$2" && kernels "$1" "$work/$1.cu" "${newer[@]}" &&
    source_of "$1" "lockstep::models::$2, lockstep::Single" && kernels "$1" "$work/$1.cu" "${older[@]}"
}
compile_machines() {
  kernels machines "$root/kernels/cuda/machines.cu" "${newer[@]}" &&
    kernels machines "$root/kernels/cuda/machines.cu" "${older[@]}"
}

# compile NAME FUNCTION [CLASS]: the needs of NAME's kernels to NAME.needs, one "name arch kernel registers stack spills" per line.
compile() {
  local name=$1 function=$2
  if ! "$function" "$name" "${@:3}"; then
    touch "$work/$name.failed"
    return
  fi
  # ptxas names the kernel first, then its stack frame and spills (bytes), then its registers. Device functions that were not
  # inlined are reported alike, without registers: they count too.
  awk -v model="$name" '
    function flush_kernel() {
      if (name != "") printf "%s %s %s %s %d %d\n", model, arch, name, registers, stack, spills
      name = ""; registers = "-"; stack = spills = 0
    }
    BEGIN { registers = "-" }
    /Compiling entry function/ { match($0, /sm_[0-9]+/); arch = substr($0, RSTART, RLENGTH) }
    /Function properties for / {
      flush_kernel()
      name = $0; sub(/.*Function properties for /, "", name)
      # advance_kernel<MODEL, TYPE>, gradient_kernel<PART, MODEL, TYPE>, machine_kernel<HALF, MACHINE>
      mixed = name ~ /lockstep::Single/ ? "_mixed" : ""
      if (match(name, /[a-z]+_kernel<.*>\(/)) {
        name = substr(name, RSTART, RLENGTH - 2)
        gsub(/lockstep::|\(anonymous namespace\)::|TrajectoryKernel/, "", name)
        split(name, part, /[<>, ]+/)
        name = part[1] == "advance_kernel" ? "advance" : tolower(part[2]) (part[1] == "machine_kernel" ? "_" tolower(part[3]) : "")
        sub(/kernel$/, "", name)
        name = name mixed
      }
    }
    /bytes stack frame/ { stack = $1 + 0; spills = $5 + $9 }
    /Used [0-9]+ registers/ { match($0, /Used [0-9]+/); registers = substr($0, RSTART + 5, RLENGTH - 5); flush_kernel() }
    END { flush_kernel() }' "$work/$name.log" | sort >"$work/$name.needs"
}

models=()
if (($# == 0)) || [[ " $* " == *" machines "* ]]; then
  models+=(machines)
  compile machines compile_machines
fi
for header in "$root"/models/*.hpp; do
  name=$(basename "$header" .hpp)
  class=$(model_class "$header")
  [[ -n $class ]] || continue
  (($# == 0)) || [[ " $* " == *" $name "* ]] || continue
  models+=("$name")
  while (($(jobs -rp | wc -l) >= $(nproc))); do wait -n; done
  compile "$name" compile_model "$class" &
done
wait
((${#models[@]})) || { echo "failed: there is no such model"; exit 1; }

status=0
for name in "${models[@]}"; do
  if [[ -f $work/$name.failed ]]; then
    cat "$work/$name.log"
    echo "failed: $name does not compile"
    status=1
  elif [[ ! -s $work/$name.needs ]]; then
    echo "failed: no kernel of $name was found in the output of ptxas"
    status=1
  fi
done
((status == 0)) || exit 1

header="# model arch kernel registers stack spills    ($("$nvcc" --version | grep -o 'release [0-9.]*'); made by tests/cuda_compile.sh --update)"
for name in "${models[@]}"; do cat "$work/$name.needs"; done >"$work/needs"
if ((update)); then
  if (($#)); then echo "failed: the table holds all models"; exit 1; fi
  { echo "$header"; column -t <"$work/needs"; } >"$table"
  echo "wrote $table"
  exit 0
fi

# Another release of nvcc allocates other registers: a few more are not worth a failure, a stack is.
awk -v table="$table" '
  BEGIN { while ((getline line < table) > 0) if (line !~ /^#/) { split(line, f); known[f[1] " " f[2] " " f[3]] = f[4] " " f[5] " " f[6] } }
  {
    key = $1 " " $2 " " $3
    if (!(key in known)) verdict = "is not in the table"
    else {
      split(known[key], allowed, " ")
      verdict = ($4 > allowed[1] + 8 || $5 > allowed[2] || $6 > allowed[3]) ? "is more than " known[key] : ""
    }
    printf "%-26s %-6s %-22s %4s registers %4d stack %4d spills%s\n", $1, $2, $3, $4, $5, $6, verdict == "" ? "" : "   <- " verdict
    failed += verdict != ""
  }
  END { if (failed) print "failed: see tests/cuda_resources.txt"; exit failed > 0 }' "$work/needs"
