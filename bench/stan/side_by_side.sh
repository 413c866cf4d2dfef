#!/usr/bin/env bash
# Measures Stan 2.21 and Lockstep side by side, in one run, on one core: see README.md here.
#
#   bench/stan/side_by_side.sh [REPETITIONS]       10 unless given
#
# POSTERIORS='NAME ...'   only these
# SEED=N                  added to every seed (0)
# CORE=N                  the core to run on (the last one)
# STAN_CXXFLAGS=FLAGS     how the Stan programs are compiled (-O3)
#
# It needs Debian's r-cran-rstan; no network. Tables go to stdout; raw figures and compiled programs to build/stan.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
work=$root/build/stan
release=$root/build/release
repetitions=${1:-10}
export CORE=${CORE:-$(($(nproc --all) - 1))}
# Not -march=native: rstan's prebuilt library would disagree with the programs about Eigen's alignment, and crash.
export STAN_CXXFLAGS=${STAN_CXXFLAGS:--O3}

fail() { printf 'side_by_side: %s\n' "$*" >&2; exit 1; }

[[ $repetitions =~ ^[1-9][0-9]*$ ]] || fail "REPETITIONS is '$repetitions' (a positive number is needed)."
command -v Rscript >/dev/null && Rscript -e 'quit(status = !requireNamespace("rstan", quietly = TRUE))' >/dev/null 2>&1 ||
  fail "rstan is missing. Install it: apt-get install --no-install-recommends r-cran-rstan"
command -v taskset >/dev/null || fail "taskset is missing. Install it: apt-get install util-linux"

# The program, its library and bench/gradients.
"$root/lockstep" help >/dev/null
"$root/lockstep" bench --benchmark_list_tests >/dev/null
mkdir -p "$work"

"$root/bench/stan/build_side.sh" "$release" "$work/lockstep_side"
commands=$(ninja -C "$release" -t commands lockstep_cli)

LOCKSTEP_COMMIT=$(git -C "$root" rev-parse --short=10 HEAD 2>/dev/null || echo unknown)
changes=$(git -C "$root" status --porcelain -- include kernels host models 2>/dev/null || true)
[[ -z $changes ]] || LOCKSTEP_COMMIT+=" with local changes"
LOCKSTEP_FLAGS=$(grep -oE ' -(O[0-9]|march=[^ ]+|mprefer[^ ]+)' <<<"$commands" | sort -u | tr -d '\n' | sed 's/^ //')
export LOCKSTEP_COMMIT LOCKSTEP_FLAGS

# R compiles with these flags instead of Debian's, which harden and do not optimise as far.
export R_MAKEVARS_USER=$work/Makevars
makevars="CXX14FLAGS = $STAN_CXXFLAGS -w"
[[ -f $R_MAKEVARS_USER && $(<"$R_MAKEVARS_USER") == "$makevars" ]] || printf '%s\n' "$makevars" >"$R_MAKEVARS_USER"

exec taskset -c "$CORE" Rscript --vanilla "$root/bench/stan/side_by_side.R" "$work" "$release/bench/gradients" "$repetitions"
