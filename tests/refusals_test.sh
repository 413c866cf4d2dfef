#!/usr/bin/env bash
# What would race where slices share a chain does not compile, with a sentence that says what to write: a linear predictor, whose rows
# slices own, read by what all of them read.
#
# From the environment (CMake knows them): CXX, CXXFLAGS (with include paths).
set -euo pipefail

read -ra flags <<<"${CXXFLAGS:-}"
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# Read once.
echo '#include "lockstep/lockstep.hpp"' >"$work/precompiled.hpp"
"${CXX:-c++}" "${flags[@]}" -w -x c++-header -o "$work/precompiled.hpp.gch" "$work/precompiled.hpp"

cases=(
  by_state_of_a_chain 'm.hidden_markov("y", y, obs, state, w, P, [&](auto, auto k) { return normal(level[k], 1); });'
  by_state_of_a_mixture 'm.mixture("y", y, obs, state, w, [&](auto, auto k) { return normal(level[k], 1); });'
  by_state_in_a_row 'm.mixture("y", y, obs, state, w, [&](auto, auto k) { return normal(levels(k, 0), 1); });'
  by_weight 'm.mixture("y", y, obs, state, [&](auto, auto k) { return exp(level[k]); }, [&](auto, auto) { return normal(0, 1); });'
  by_latent 'm.latent("z", categorical(w), obs, state, [&](const auto& given) { given.observe("y", y, obs, [&](auto, auto k) { return normal(level[k], 1); }); });'
  by_group 'm.observe("y", y, obs, [&](auto i) { return normal(lines(group_of[i], 0), 1); });'
  as_categories 'm.observe("y", y, obs, [&](auto) { return categorical_logit(level); });'
  as_a_mean 'm.observe("Y", Y, obs, [&](auto) { return mv_normal_cholesky(level, L); });'
  # What is right: rows by the plate's own index, columns by states.
  accepted 'm.mixture("y", y, obs, state, [&](auto i, auto k) { return exp(lines(i, k)); }, [&](auto i, auto k) { return normal(line[i] + lines(i, k), 1); });'
)
status=0
for ((c = 0; c < ${#cases[@]}; c += 2)); do
  name=${cases[c]}
  cat >"$work/$name.cpp" <<END
#include "precompiled.hpp"
using namespace lockstep;
struct Model {
  Dim obs, state, column;
  GroupIndex group_of;
  Real y;
  Matrix X, Y, Z;
  explicit Model(Dataset& d)
      : obs(d.dim("obs")), state(d.dim("state")), column(d.dim("column")), group_of(d.index("group_of", obs, obs)), y(d.real("y", obs)),
        X(d.matrix("X", obs, column)), Y(d.matrix("Y", obs, state)), Z(d.matrix("Z", state, column)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto b = m.param("b", normal(0, 1), column);
    auto B = m.param("B", normal(0, 1), column, state);
    auto line = m.linear(X, b);
    auto lines = m.linear(X, B);
    auto level = m.linear(Z, b);
    auto levels = m.linear(Z, B);
    auto w = m.param("w", dirichlet(1), state);
    auto P = m.param("P", dirichlet(1), state, state);
    auto L = m.param("L", lkj_cholesky(1), state);
    ${cases[c + 1]}
  }
};
const ModelTable* table() { return model_table<Model>(); }
END
  compiles=0
  "${CXX:-c++}" "${flags[@]}" -w -fsyntax-only "$work/$name.cpp" 2>"$work/errors" && compiles=1
  if [[ $name == accepted ]]; then
    ((compiles)) || { echo "failed: what is right does not compile"; cat "$work/errors"; status=1; }
  elif ((compiles)) || ! grep -q "error: .*read along \(its\|their\) rows only" "$work/errors"; then
    echo "failed: $name is not refused with a reason"
    status=1
  else
    echo "$name is refused"
  fi
done
exit $status
