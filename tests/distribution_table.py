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
of tails, 1e-9 for derivatives. "quantile" is the error of the tail's logarithm at the quantile; of counts, that of the quantile.
"draws" is the smallest p-value of the sampler against the density (Kolmogorov-Smirnov or chi-square, 20,000 draws; of vectors and
matrices, of several functions of them); those of numbers together, and those of vectors together, raise a false alarm with
probability 1e-3, so that a sampler fails below about 1e-5.

| distribution | log density | gradient | log CDF | log CCDF | their gradients | quantile | draws |
|---|---|---|---|---|---|---|---|"""

FUNCTIONS = """
## Special functions

What the distributions are made of, against mpmath with 50 digits. An error is relative to the value or, if that is smaller, to
the floor; in units of 2^-52.

| function | from | to | floor | allowed | scalar | lanes |
|---|---|---|---|---|---|---|"""
ULP = 2.0**-52


def measured(folder):
    """{distribution: {(kind, lanes): largest}}, {(function, from, to, floor, allowed): {lanes: largest}}"""
    programs = sorted(glob.glob(os.path.join(folder, "*distributions_test")))
    programs += [os.path.join(folder, name + "_test")
                 for name in ("cdfs", "mixed_cdfs", "integrated_cdfs", "distribution_draws", "joint_draws", "special_functions")]
    table, functions = collections.defaultdict(dict), collections.defaultdict(dict)
    with tempfile.NamedTemporaryFile(mode="r") as file:
        for program in programs:
            subprocess.run([program, "--gtest_brief=1"], check=True, stdout=subprocess.DEVNULL,
                           env={**os.environ, "LOCKSTEP_ERROR_TABLE": file.name})
        for line in file:
            *names, kind, lanes, value = line.rstrip("\n").split("\t")
            if kind == "function":
                functions[tuple(names)][lanes] = float(value)
                continue
            name = names[0]
            for tail in ("_log_cdf", "_log_ccdf"):
                if name.endswith(tail):
                    name = name[:-len(tail)]
                    kind = {"log density": tail[1:], "gradient": "tail gradient"}[kind]
            known = table[name].get((kind, lanes))
            table[name][kind, lanes] = float(value) if known is None else max(known, float(value))
    return table, functions


def cell(errors, kind):
    both = [errors.get((kind, lanes)) for lanes in ("scalar", "lanes")]
    return "" if both == [None, None] else " / ".join("-" if each is None else f"{each:.1e}" for each in both)


def main():
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        sys.exit(f"{sys.argv[1:]} is no folder of test programs (they are run to measure). Name one: build/release/tests")
    table, functions = measured(sys.argv[1])
    print(HEADER)
    for name, errors in sorted(table.items()):
        quantile, draws = errors.get(("quantile", "scalar")), errors.get(("draws", "scalar"))
        print(f"| `{name}` | " + " | ".join([
            *(cell(errors, kind) for kind in ("log density", "gradient", "log_cdf", "log_ccdf", "tail gradient")),
            "" if quantile is None else f"{quantile:.1e}", "" if draws is None else f"{-draws:.2g}"]) + " |")
    print(FUNCTIONS)
    for (name, *bounds, allowed), errors in sorted(functions.items()):
        print(f"| `{name}` | " + " | ".join([*bounds, *(f"{float(each) / ULP:.2g}" for each in
                                                      (allowed, errors["scalar"], errors["lanes"]))]) + " |")


main()
