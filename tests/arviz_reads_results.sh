#!/usr/bin/env bash
# ArviZ opens what the program writes, and computes the figures that the program prints.
#
#   arviz_reads_results.sh PROGRAM      exit status 77: skipped
#
# PYTHON: a Python that has arviz (default: python3).
set -euo pipefail

program=$(readlink -f -- "$1")
tests=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
python=''
for candidate in "${PYTHON:-}" python3; do
  if [[ -n $candidate ]] && "$candidate" -c 'import arviz' 2>/dev/null; then
    python=$candidate
    break
  fi
done
if [[ -z $python ]]; then
  echo "skipped: no Python with arviz was found (name one with PYTHON=...)"
  exit 77
fi

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd "$work"
# sample_as NAME MODEL OPTION...: leaves NAME.nc and NAME.json.
sample_as() {
  "$program" sample "$2" "${@:3}" --out "$1.nc" >/dev/null 2>err || { cat err; exit 1; }
  "$program" summary "$1.nc" --format json >"$1.json"
}
for model in eight_schools radon; do
  sample_as "$model-long" "$model" --chains 4 --draws 1000
  sample_as "$model-short" "$model" --chains 64 --draws 100
done
sample_as eight_schools eight_schools
"$program" sample eight_schools --chains 64 --keep summary --out kept.summary >/dev/null 2>err || { cat err; exit 1; }

# Everything that a file can have; and the same of a run that is stopped while it samples.
all_groups=(eight_schools --chains 16 --thin 2 --keep-warmup --log-lik --predictive auto)
"$program" sample "${all_groups[@]}" --out thinned.groups >/dev/null 2>err || { cat err; exit 1; }
"$program" sample "${all_groups[@]}" --draws 100000000 --out stopped.groups >/dev/null 2>err &
for ((i = 0; i < 600; i++)); do
  if grep -q 'warmup: done' err; then break; fi
  sleep 0.1
done
sleep 1
kill -TERM $!
status=0
wait $! || status=$?
[[ $status == 3 ]] || { cat err; echo "failed: a stopped run ends with $status"; exit 1; }

"$python" "$tests/read_groups_with_arviz.py" thinned.groups stopped.groups
"$python" "$tests/read_with_arviz.py" eight_schools.nc
"$python" "$tests/read_summary_with_arviz.py" kept.summary
"$python" "$tests/compare_with_arviz.py" *.nc
