#!/usr/bin/env bash
# Every whole model (a struct) that models/README.md shows compiles, in every meaning.
#
# From the environment (CMake knows them): CXX, CXXFLAGS (with include paths).
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
read -ra flags <<<"${CXXFLAGS:-}"
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

awk -v prefix="$work/block-" '
  !inside && $0 == "```cpp" { inside = 1; count++; file = prefix count ".hpp"; next }
  inside && /^```/ { inside = 0; close(file); next }
  inside { print >file }' "$root/models/README.md"

count=0
for block in "$work"/block-*.hpp; do
  name=$(sed -n 's/^struct \([A-Za-z]*\) {$/\1/p' "$block" | head -n 1)
  [[ -n $name ]] || continue  # a fragment
  {
    echo '#include "lockstep/lockstep.hpp"'
    echo 'using namespace lockstep;'
    cat "$block"
    echo "const ModelTable* table_of_$name() { return model_table<$name>(); }"
  } >"$work/model.cpp"
  "${CXX:-c++}" "${flags[@]}" -w -fsyntax-only "$work/model.cpp" || { echo "failed: $name does not compile"; exit 1; }
  echo "$name compiles"
  count=$((count + 1))
done
((count > 1)) || { echo "failed: the guide has too few models"; exit 1; }
