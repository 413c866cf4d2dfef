"""The table of distributions, models/DISTRIBUTIONS.md: how far each is from 50-digit values, by the tests that compare them.

    python3 tests/distribution_table.py build/release/tests >models/DISTRIBUTIONS.md

runs the test programs in that folder; the error of a value is relative to max(1, |value|).
"""

import collections
import glob
import os
import subprocess
import sys
import tempfile

HEADER = """# Distributions and their errors

Made by `python3 tests/distribution_table.py build/release/tests >models/DISTRIBUTIONS.md` from what the tests compare with
50-digit values, on grids with extreme tails and large counts (`tests/golden/`). An error is relative to max(1, |value|), and the
largest of the grid; "scalar / lanes": in one lane of doubles, and in SIMD lanes. Allowed are 1e-10 for logarithms of densities and
of tails, 1e-9 for derivatives. "quantile" is the error of the tail's logarithm at the quantile. "draws" is the smallest p-value
of the sampler against the density (Kolmogorov-Smirnov or chi-square, 20,000 draws); all together raise a false alarm with
probability 1e-3. Samplers without a p-value here are tested in `tests/random_test.cpp`.

| distribution | log density | gradient | log CDF | log CCDF | their gradients | quantile | draws |
|---|---|---|---|---|---|---|---|"""


def measured(folder):
    """{distribution: {(kind, lanes): largest}}"""
    programs = sorted(glob.glob(os.path.join(folder, "*distributions_test")))
    programs += [os.path.join(folder, name) for name in ("cdfs_test", "distribution_draws_test")]
    table = collections.defaultdict(dict)
    with tempfile.NamedTemporaryFile(mode="r") as file:
        for program in programs:
            subprocess.run([program, "--gtest_brief=1"], check=True, stdout=subprocess.DEVNULL,
                           env={**os.environ, "LOCKSTEP_ERROR_TABLE": file.name})
        for line in file:
            name, kind, lanes, value = line.rstrip("\n").split("\t")
            for tail in ("_log_cdf", "_log_ccdf"):
                if name.endswith(tail):
                    name = name[:-len(tail)]
                    kind = {"log density": tail[1:], "gradient": "tail gradient"}[kind]
            known = table[name].get((kind, lanes))
            table[name][kind, lanes] = float(value) if known is None else max(known, float(value))
    return table


def cell(errors, kind):
    both = [errors.get((kind, lanes)) for lanes in ("scalar", "lanes")]
    return "" if both == [None, None] else " / ".join("-" if each is None else f"{each:.1e}" for each in both)


def main():
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        sys.exit(f"{sys.argv[1:]} is no folder of test programs (they are run to measure). Name one: build/release/tests")
    print(HEADER)
    for name, errors in sorted(measured(sys.argv[1]).items()):
        quantile, draws = errors.get(("quantile", "scalar")), errors.get(("draws", "scalar"))
        print(f"| `{name}` | " + " | ".join([
            *(cell(errors, kind) for kind in ("log density", "gradient", "log_cdf", "log_ccdf", "tail gradient")),
            "" if quantile is None else f"{quantile:.1e}", "" if draws is None else f"{-draws:.2g}"]) + " |")


main()
