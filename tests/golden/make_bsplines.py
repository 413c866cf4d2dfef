#!/usr/bin/env python3
"""B-splines and their derivatives by SciPy, written to tests/golden/bsplines.json.

    python3 tests/golden/make_bsplines.py

Needs SciPy. A case has the knots, each once, the degree, the order of the derivative, x, and the values of all splines there. The
outer knots count degree + 1 times.
"""

import json
import pathlib
import platform

import numpy
import scipy
from scipy.interpolate import BSpline

KNOTS = [[0.0, 1.0], [-2.0, 0.5, 1.0, 7.0], [0.0, 0.125, 0.25, 0.375, 0.5, 1.0], [100.0, 101.5, 108.0]]


def cases():
    for knots in KNOTS:
        for degree in range(6):
            full = [knots[0]] * degree + knots + [knots[-1]] * degree
            count = len(knots) - 1 + degree
            inside = [knots[0] + (knots[-1] - knots[0]) * share for share in (0.03, 0.3, 0.61, 0.99)]
            for derivative in range(degree + 1):
                # SciPy takes a derivative at the last knot from beyond it.
                for x in [*knots[:-1], *inside, *([knots[-1]] if derivative == 0 else [])]:
                    splines = [BSpline(full, numpy.eye(count)[k], degree, extrapolate=False) for k in range(count)]
                    values = [float(spline(x, nu=derivative)) for spline in splines]
                    yield {"knots": knots, "degree": degree, "derivative": derivative, "x": x, "values": values}


def main():
    text = (
        f'{{"generator": {json.dumps("tests/golden/make_bsplines.py")}, "python": {json.dumps(platform.python_version())}, '
        f'"scipy": {json.dumps(scipy.__version__)},\n"cases": [\n' + ",\n".join(map(json.dumps, cases())) + "\n]}\n"
    )
    json.loads(text)
    (pathlib.Path(__file__).parent / "bsplines.json").write_text(text)
    print(f"{text.count(chr(10)) - 2} cases")


main()
