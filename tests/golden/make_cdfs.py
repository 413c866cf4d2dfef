#!/usr/bin/env python3
"""Log CDFs and log CCDFs with their derivatives to 50 digits, written to tests/golden/cdfs.json.

    python3 tests/golden/make_cdfs.py

Needs mpmath. Every input is a double and is converted exactly. Of each distribution D the file has D_log_cdf and
D_log_ccdf, with cases as in densities.json. Derivatives are central differences taken with 600
digits. A case is left out if a value of it is beyond the range of a double.
"""

import json
import pathlib
import platform

import mpmath
from mpmath import atan, erfc, exp, expm1, log, log1p, mp, mpf, pi, sqrt

mp.dps = 600
DOUBLE = (mpf(2) ** -1000, mpf(2) ** 1000)


def phi(z):
    return erfc(-z / sqrt(mpf(2))) / 2


def cauchy_cdf(z):
    return atan(-1 / z) / pi if z < 0 else mpf(1) / 2 if z == 0 else 1 - atan(1 / z) / pi


# The probabilities below and above y.
DISTRIBUTIONS = {
    "normal": lambda y, m, s: (phi((y - m) / s), phi((m - y) / s)),
    "half_normal": lambda y, s: (1 - 2 * phi(-y / s), 2 * phi(-y / s)),
    "lognormal": lambda y, m, s: (phi((log(y) - m) / s), phi((m - log(y)) / s)),
    "cauchy": lambda y, m, b: (cauchy_cdf((y - m) / b), cauchy_cdf((m - y) / b)),
    "half_cauchy": lambda y, b: (2 * atan(y / b) / pi, 2 * atan(b / y) / pi),
    "exponential": lambda y, r: (-expm1(-r * y), exp(-r * y)),
    "laplace": lambda y, m, b: laplace((y - m) / b),
    "logistic": lambda y, m, s: (1 / (1 + exp((m - y) / s)), 1 / (1 + exp((y - m) / s))),
    "log_logistic": lambda y, a, b: (1 / (1 + (y / a) ** -b), 1 / (1 + (y / a) ** b)),
    "gumbel": lambda y, m, b: (exp(-exp((m - y) / b)), -expm1(-exp((m - y) / b))),
    "weibull": lambda y, a, b: (-expm1(-((y / b) ** a)), exp(-((y / b) ** a))),
    "frechet": lambda y, a, s: (exp(-((y / s) ** -a)), -expm1(-((y / s) ** -a))),
    "rayleigh": lambda y, s: (-expm1(-((y / s) ** 2) / 2), exp(-((y / s) ** 2) / 2)),
    "uniform": lambda y, a, b: ((y - a) / (b - a), (b - y) / (b - a)),
    "pareto": lambda y, a, m: (1 - (m / y) ** a, (m / y) ** a),
    "pareto_2": lambda y, m, s, a: (1 - (1 + (y - m) / s) ** -a, (1 + (y - m) / s) ** -a),
    "kumaraswamy": lambda y, a, b: (1 - (1 - y**a) ** b, (1 - y**a) ** b),
    "logit_normal": lambda y, m, s: (phi((log(y / (1 - y)) - m) / s), phi((m - log(y / (1 - y))) / s)),
}


# Sums of the smaller tail for counts too large for mpmath's incomplete gamma function.
def poisson(y, rate):
    if y <= 10**4:
        return mpmath.gammainc(y + 1, rate, regularized=True), mpmath.gammainc(y + 1, 0, rate, regularized=True)
    below = y < rate
    k = y if below else y + 1
    term = total = exp(k * log(rate) - rate - mpmath.loggamma(k + 1))
    while term > total * mpf(10) ** -90:
        term *= k / rate if below else rate / (k + 1)
        k += -1 if below else 1
        total += term
    return (total, 1 - total) if below else (1 - total, total)


# Of counts there is no derivative by y.
COUNTS = {
    "poisson": poisson,
    "poisson_log": lambda y, eta: poisson(y, exp(eta)),
    "geometric": lambda y, p: (1 - (1 - p) ** y, (1 - p) ** y),
}


def laplace(z):
    tail = exp(-abs(z)) / 2
    return (tail, 1 - tail) if z < 0 else (1 - tail, tail)


LINE = [-1250.0, -38.0, -7.5, -1.2, -0.3, 0.125, 0.9, 4.0, 9.5, 40.0, 1250.0]
POSITIVE = [1e-9, 1e-3, 0.2, 0.9, 1.75, 4.0, 12.0, 60.0]
LOCATIONS = [(0.0, 1.0), (0.7, 2.5), (-3.0, 0.4)]
SHAPES = [(0.5, 1.0), (2.0, 3.0), (6.0, 0.7)]
SCALES = [(1.0,), (0.3,), (7.0,)]
GRIDS = {name: (LINE, LOCATIONS) for name in ("normal", "cauchy", "laplace", "logistic", "gumbel")}
WIDE = [1e-200, 1e-60, *POSITIVE, 1e60]
GRIDS |= {name: (WIDE, SCALES) for name in ("half_normal", "half_cauchy", "exponential", "rayleigh")}
GRIDS |= {name: (WIDE, SHAPES) for name in ("log_logistic", "weibull", "frechet")}
GRIDS["lognormal"] = ([1e-300, 1e-40, *POSITIVE, 1e40, 1e300], [(0.0, 1.0), (0.5, 0.3), (-2.0, 4.0)])
GRIDS["uniform"] = ([-0.75, 0.1, 0.5, 1.9], [(-1.0, 2.0), (-0.8, 1.95)])
GRIDS["pareto"] = ([1.5, 2.0, 7.5, 60.0, 1e9, 1e60, 1e200], [(0.5, 1.0), (2.0, 1.25), (6.0, 0.7)])
GRIDS["pareto_2"] = ([1e-9, *POSITIVE, 1e9, 1e60, 1e200], [(0.0, 1.0, 0.5), (-0.5, 2.5, 2.0), (-3.0, 0.4, 6.0)])
UNIT = [1e-200, 1e-60, 1e-9, 1e-3, 0.125, 0.3, 0.5, 0.7, 0.9, 0.999, 1 - 2.0**-40]
GRIDS["kumaraswamy"] = (UNIT, SHAPES)
GRIDS["logit_normal"] = (UNIT, LOCATIONS)
SIZES = [0, 1, 2, 5, 10, 100, 10**4, 10**6, 10**8]


def rates(y):
    near = [y * 0.1, y * 3.0, y + 0.6 * y**0.5, y + 7.0 * y**0.5, y - 0.5 * y**0.5, y - 9.0 * y**0.5, float(y)]
    return [r for r in near if r > 0] + ([1e-8, 1e-3, 0.7, 3.3, 52.0] if y < 1000 else [])


GRIDS["poisson"] = [(y, [(r,) for r in rates(y)]) for y in SIZES]
GRIDS["poisson_log"] = [(y, [(float(log(r)),) for r in rates(y)]) for y in SIZES]
GRIDS["geometric"] = [(y, [(1e-8,), (0.125,), (0.3,), (0.7,), (0.96,)]) for y in SIZES[1:]]


def fits(value):
    return value == 0 or DOUBLE[0] < abs(value) < DOUBLE[1]


# A central difference over a distance of 1e-50 times x, whose relative error is about 1e-98.
def slope(f, point, k):
    h = (abs(point[k]) or mpf(1)) * mpf(10) ** -50
    up, down = list(point), list(point)
    up[k] += h
    down[k] -= h
    return (f(*up) - f(*down)) / (2 * h)


def cases(tail, grid):
    for args in grid[1]:
        for y in grid[0]:
            point = [mpf(y), *map(mpf, args)]

            def f(*x):
                return log(tail(*x))

            try:
                value = f(*point)
                slopes = [slope(f, point, k) for k in range(len(point))]
            except (ValueError, ZeroDivisionError, OverflowError):
                continue
            if not all(map(fits, [value, *slopes])):
                continue
            # What float's rounding of the inputs does to value and slopes is small here.
            single = all(abs(v) < 5 for v in [value, *slopes]) and abs(value) > 1e-2
            yield {"y": y, "args": list(args), "log_density": float(value), "d_y": float(slopes[0]),
                   "d_args": [float(s) for s in slopes[1:]]} | ({"single": True} if single else {})


def count_cases(tail, grid):
    with mp.workdps(150):
        for y, all_args in grid:
            for args in all_args:
                value = log(tail(y, *map(mpf, args)))
                slopes = [slope(lambda *x: log(tail(y, *x)), list(map(mpf, args)), k) for k in range(len(args))]
                if not all(map(fits, [value, *slopes])):
                    continue
                # Of larger counts a float does not hold how far a rate is from them.
                single = y <= 10**4 and all(abs(v) < 5 for v in [value, *slopes]) and abs(value) > 1e-2
                yield {"y": y, "args": list(args), "log_density": float(value), "d_y": None,
                       "d_args": [float(s) for s in slopes]} | ({"single": True} if single else {})


def main():
    distributions = {}
    for name, both in COUNTS.items():
        for which, suffix in enumerate(("log_cdf", "log_ccdf")):
            distributions[f"{name}_{suffix}"] = {"cases": list(count_cases(lambda *x: both(*x)[which], GRIDS[name]))}
    for name, both in DISTRIBUTIONS.items():
        for which, suffix in enumerate(("log_cdf", "log_ccdf")):
            distributions[f"{name}_{suffix}"] = {"cases": list(cases(lambda *x: both(*x)[which], GRIDS[name]))}
    rows = ",\n".join(
        f'{json.dumps(name)}: {{"cases": [\n' + ",\n".join(json.dumps(c) for c in d["cases"]) + "\n]}"
        for name, d in distributions.items()
    )
    text = (
        f'{{"generator": {json.dumps("tests/golden/make_cdfs.py")}, "python": {json.dumps(platform.python_version())}, '
        f'"mpmath": {json.dumps(mpmath.__version__)},\n"distributions": {{\n{rows}\n}}}}\n'
    )
    json.loads(text)
    (pathlib.Path(__file__).parent / "cdfs.json").write_text(text)
    for name, d in distributions.items():
        print(f"{name}: {len(d['cases'])} cases")


main()
