#!/usr/bin/env bash
# What the README shows is what there is: its C++ compiles, its model has the log density and gradient of the zoo's, and
# each ./lockstep line of its shell blocks names a command that exists; sample and summary lines are run.
#
#   readme_test.sh PROGRAM [README]
#
# From the environment (CMake knows them): CXX, CXXFLAGS (with include paths), LIBRARIES.
set -euo pipefail

program=$(readlink -f -- "$1")
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
readme=${2:-$root/README.md}
read -ra flags <<<"${CXXFLAGS:-}"
read -ra libraries <<<"${LIBRARIES:-}"

die() { echo "failed: $*"; exit 1; }

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# blocks LANGUAGE: each code block of that language into $work/LANGUAGE-N.
blocks() {
  awk -v language="$1" -v prefix="$work/$1-" '
    !inside && $0 == "```" language { inside = 1; count++; file = prefix count; printf "" >file; next }
    inside && /^```/ { inside = 0; close(file); next }
    inside { print >file }' "$readme"
}
blocks cpp
blocks sh

# ---------------------------------------------------------------- C++

# The compiler's words are shown only if it fails.
compile() { "${CXX:-c++}" "${flags[@]}" "$@" 2>"$work/log" || { cat "$work/log"; return 1; }; }

model=''
for block in "$work"/cpp-*; do
  [[ -f $block ]] || die "$readme has no \`\`\`cpp block"
  if grep -q '^struct EightSchools' "$block"; then
    model=$block
    continue
  fi
  compile -fsyntax-only -x c++ "$block" || die "this does not compile:"$'\n'"$(<"$block")"
done
[[ -n $model ]] || die "$readme has no model EightSchools"
{ echo '#pragma once'; cat "$model"; } >"$work/readme_model.hpp"
compile -I "$work" -o "$work/driver" "$root/tests/readme_driver.cpp" "${libraries[@]}" ||
  die "the README's model does not compile"
"$work/driver" "$root/models/data/eight_schools.json"

# ---------------------------------------------------------------- shell

# Commands: those of the program, and those that the script adds.
commands=$("$program" help | awk '/^Commands:/ { listed = 1; next } /^[^ ]/ { listed = 0 } listed && NF { print $1 }')
commands+=$'\n'$(sed -n 's/^  \([a-z]*\)) run_[a-z]* .*/\1/p' "$root/lockstep")

mkdir "$work/here"
cd "$work/here"
count=0
while IFS= read -r line; do
  read -ra words <<<"${line%%#*}"
  command=${words[1]:-}
  grep -qxF -- "$command" <<<"$commands" || die "there is no command '$command': $line"
  case $command in
    test | bench) ;;   # the script's own; this is one of its tests
    conformance) ;;    # wants a database, and minutes
    *) "$program" "${words[@]:1}" >out 2>err || die "exit status $?: $line"$'\n'"$(<err)" ;;
  esac
  count=$((count + 1))
done < <(cat "$work"/sh-* | grep '^\./lockstep')
((count > 0)) || die "$readme has no line that starts with ./lockstep"
echo "all $count ./lockstep lines run"
