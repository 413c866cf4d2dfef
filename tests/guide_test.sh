#!/usr/bin/env bash
# Every whole model (a struct) that models/README.md shows compiles, in every meaning; so does every row of its table of priors, and
# of the tables of models/FROM_PYMC_AND_STAN.md.
#
# From the environment (CMake knows them): CXX, CXXFLAGS (with include paths).
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
read -ra flags <<<"${CXXFLAGS:-}"
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# Read once: what all of them include, all that a model may use, as the guide says.
echo '#include "lockstep/model.hpp"' >"$work/precompiled.hpp"
"${CXX:-c++}" "${flags[@]}" -w -x c++-header -o "$work/precompiled.hpp.gch" "$work/precompiled.hpp"

awk -v prefix="$work/block-" '
  !inside && $0 == "```cpp" { inside = 1; count++; file = prefix count ".hpp"; next }
  inside && /^```/ { inside = 0; close(file); next }
  inside { print >file }' "$root/models/README.md"

count=0
for block in "$work"/block-*.hpp; do
  name=$(sed -n 's/^struct \([A-Za-z]*\) {$/\1/p' "$block" | head -n 1)
  [[ -n $name ]] || continue  # a fragment
  {
    echo '#include "precompiled.hpp"'
    echo 'using namespace lockstep;'
    cat "$block"
    echo '#include "lockstep/lockstep.hpp"'
    echo "const ModelTable* table_of_$name() { return model_table<$name>(); }"
  } >"$work/model.cpp"
  "${CXX:-c++}" "${flags[@]}" -w -fsyntax-only "$work/model.cpp" || { echo "failed: $name does not compile"; exit 1; }
  echo "$name compiles"
  count=$((count + 1))
done
((count > 1)) || { echo "failed: the guide has too few models"; exit 1; }

# ---- the tables: the code of each row's last cell, in a model that has what it reads; errors name the table's line ----

tables=models/FROM_PYMC_AND_STAN.md
# rows SECTION BEFORE AFTER [FILE]: the code of the section's rows, each between these.
rows() {
  local file=${4:-$tables}
  awk -v section="## $1" -v before="$2" -v after="$3" -v file="$file" '
    /^## / { inside = $0 == section }
    !/^\|/ { body = 0 }
    inside && body {
      sub(/ \|$/, ""); cell = substr($0, match($0, / \| [^|]*$/) + 3)
      if (match(cell, /`[^`]*`/)) printf "#line %d \"%s\"\n%s%s%s\n", NR, file, before, substr(cell, RSTART + 1, RLENGTH - 2), after
      else { printf "#error no code in the last cell of line %d\n", NR }
    }
    /^\|-/ { body = 1 }' "$root/$file"
}

{
  cat <<'EOF'
#include "precompiled.hpp"
using namespace lockstep;
struct Tables {
  Dim obs, group, state, column, pair;
  GroupIndex group_of;
  NeighbourSpectrum map;
  Real x, y;
  Integer total;
  Matrix X, Y;
  explicit Tables(Dataset& d)
      : obs(d.dim("obs")), group(d.dim("group")), state(d.dim("state")), column(d.dim("column")), pair(d.dim("pair")),
        group_of(d.index("group_of", obs, group)),
        map(d.neighbour_spectrum(d.index("first", pair, group), d.index("second", pair, group))),
        x(d.real("x", obs)), y(d.real("y", obs)), total(d.integer("total", obs)), X(d.matrix("X", obs, column)),
        Y(d.matrix("Y", obs, state)) {
EOF
  rows Data '    { ' ' }'
  cat <<'EOF'
  }
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 1)), eta = m.param("eta", normal(0, 1)), xi = m.param("xi", normal(0, 1));
    auto sigma = m.param("sigma", half_normal(1)), tau = m.param("tau", half_normal(1)), nu = m.param("nu", half_normal(1)),
         a = m.param("a", half_normal(1)), b = m.param("b", half_normal(1)), s = m.param("s", half_normal(1)),
         kappa = m.param("kappa", half_normal(1)), lambda = m.param("lambda", half_normal(1));
    auto p = m.param("p", beta(1, 1)), psi = m.param("psi", beta(1, 1));
    auto theta = m.param("theta", normal(0, 1), group), weights = m.param("weights", normal(0, 1), column);
    auto w = m.param("w", dirichlet(1), state);
    auto P = m.param("P", dirichlet(1), state, state);
    auto B = m.param("B", normal(0, 1), group, state);
    auto o = m.param("o", normal(0, 1), state, ordered());
    auto L = m.param("L", lkj_cholesky(2), state);
EOF
  rows 'The program' '    { ' ' }'
  rows 'Distributions of numbers' '    m.observe("y", y, obs, [&](auto i) { return ' '; });'
  rows 'Distributions of vectors' '    { auto v = m.param("v", ' ', state); }'
  rows 'Priors worth starting from' '    { ' ' }' models/README.md
  rows Functions '    { auto e = m.deterministic("e", ' '); }'
  cat <<'EOF'
  }
};
#include "lockstep/lockstep.hpp"
template void Tables::operator()(LogDensity<double>&) const;
template void Tables::operator()(Generate&) const;
#include "lockstep/evaluate.hpp"
#include "lockstep/find_constrained_prior.hpp"
void outside_of_a_model(const Fit& fit, const Fit& predictions, Stream& stream) {
EOF
  rows 'Outside of a model' '  { auto e = ' '; }'
  echo '}'
} >"$work/tables.cpp"
in_tables=$(grep -c '^#line' "$work/tables.cpp")
((in_tables > 100)) || { echo "failed: the tables have too few rows ($in_tables)"; exit 1; }
"${CXX:-c++}" "${flags[@]}" -w -fsyntax-only "$work/tables.cpp" || { echo "failed: a row of a table does not compile"; exit 1; }
echo "$in_tables rows of the tables compile"
