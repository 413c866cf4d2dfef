#!/usr/bin/env bash
# Compiles and links bench/stan/lockstep_side.cpp as the program is: by its build's own commands, with another source file.
#
#   bench/stan/build_side.sh BUILD OUT      BUILD: a finished build, as build/release
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
build=$1 out=$2 side=$root/bench/stan/lockstep_side.cpp

if [[ -x $out && $out -nt $side && $out -nt $build/liblockstep.a ]]; then exit 0; fi
commands=$(ninja -C "$build" -t commands lockstep_cli)
compile=$(grep -o '[^ ]*c++ .*-c [^ ]*host/main.cpp' <<<"$commands" | tail -n 1)
link=$(tail -n 1 <<<"$commands")
link=${link#*&& }
link=${link%% && *}
[[ -n $compile && $link == *main.cpp.o* ]] ||
  { echo "build_side: the build's commands look new (ninja -t commands lockstep_cli). Adapt this script." >&2; exit 1; }
compile=$(sed -E "s# -o [^ ]+##; s# -MD##; s# -M[TF] [^ ]+##g; s#-c [^ ]*main.cpp#-c '$side' -o '$out.o'#" <<<"$compile")
link=$(sed -E "s#[^ ]*main.cpp.o#'$out.o'#; s# -o [^ ]+# -o '$out'#" <<<"$link")
cd "$build" && eval "$compile" && eval "$link"
