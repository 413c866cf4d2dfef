#!/usr/bin/env python3
"""Quantiles to 50 digits, written to tests/golden/quantiles.json.

    python3 tests/golden/make_quantiles.py

Needs mpmath. Every input is a double and is converted exactly. A case has the probability p of the lower tail, the arguments, the
quantile, and `size`: the largest of the quantile and of the terms that are added to give it, to which an error is relative. Of
counts those are left out of which a step of the CDF is within rounding of p.
"""

import json
import pathlib
import platform

import mpmath
from mpmath import cot, erfinv, exp, expm1, log, log1p, mp, mpf, pi, sqrt, tan

mp.dps = 60
PROBABILITIES = [1e-300, 1e-100, 1e-20, 1e-9, 1e-4, 0.03, 0.2, 0.3, 0.4999, 0.5, 0.5001, 0.7, 0.9, 0.9999]
PROBABILITIES += [1 - 2.0**-30, 1 - 2.0**-53]


def normal(p):
    """z with Phi(z) = p; by Newton's method on log Phi, from the left, where erfinv would need more digits than there are."""
    if p > mpf(1) / 2:
        return -normal(1 - p)
    if p == mpf(1) / 2:
        return mpf(0)
    z, step = -sqrt(-2 * log(p)), mpf(1)
    while abs(step) > mpf(10) ** -55:
        share = mpmath.erfc(-z / sqrt(mpf(2))) / 2
        step = log(p / share) * share / mpmath.npdf(z)
        z += step
    return z


def half_normal(p):
    return sqrt(mpf(2)) * erfinv(p) if p < mpf(1) / 2 else -normal((1 - p) / 2)


def shaped(t, xi):
    return t if xi == 0 else expm1(xi * t) / xi


def laplace(p):
    return log(2 * p) if p < mpf(1) / 2 else -log(2 * (1 - p))


def asymmetric_laplace(p, k):
    below = k**2 / (1 + k**2)
    return k * log(p / below) if p < below else -log((1 - p) * (1 + k**2)) / k


def triangular(p, a, b, c):
    return a + sqrt(p * (b - a) * (c - a)) if p < (c - a) / (b - a) else b - sqrt((1 - p) * (b - a) * (b - c))


# The terms of the quantile.
DISTRIBUTIONS = {
    "normal": lambda p, m, s: (m, s * normal(p)),
    "half_normal": lambda p, s: (s * half_normal(p),),
    "lognormal": lambda p, m, s: (exp(m + s * normal(p)),),
    "cauchy": lambda p, m, b: (m, mpf(0) if p == mpf(1) / 2 else -b * cot(pi * p)),
    "half_cauchy": lambda p, b: (b * tan(pi * p / 2),),
    "exponential": lambda p, r: (-log1p(-p) / r,),
    "exponential_log": lambda p, eta: (-log1p(-p) * exp(eta),),
    "laplace": lambda p, m, b: (m, b * laplace(p)),
    "asymmetric_laplace": lambda p, k, m, b: (m, asymmetric_laplace(p, k) / b),
    "logistic": lambda p, m, s: (m, s * log(p / (1 - p))),
    "log_logistic": lambda p, a, b: (a * (p / (1 - p)) ** (1 / b),),
    "gumbel": lambda p, m, b: (m, -b * log(-log(p))),
    "weibull": lambda p, a, b: (b * (-log1p(-p)) ** (1 / a),),
    "frechet": lambda p, a, s: (s * (-log(p)) ** (-1 / a),),
    "rayleigh": lambda p, s: (s * sqrt(-2 * log1p(-p)),),
    "uniform": lambda p, a, b: (a, b, a + p * (b - a) - a - b),
    "triangular": lambda p, a, b, c: (a, b, triangular(p, a, b, c) - a - b),
    "pareto": lambda p, a, m: (m * exp(-log1p(-p) / a),),
    "pareto_2": lambda p, m, s, a: (m, s * expm1(-log1p(-p) / a)),
    "gen_extreme": lambda p, m, s, x: (m, s * shaped(-log(-log(p)), x)),
    "gen_pareto": lambda p, m, s, x: (m, s * shaped(-log1p(-p), x)),
    "kumaraswamy": lambda p, a, b: ((-expm1(log1p(-p) / b)) ** (1 / a),),
    "logit_normal": lambda p, m, s: (1 / (1 + exp(-m - s * normal(p))),),
    "moyal": lambda p, m, s: (m, -2 * s * log(half_normal(1 - p) if p > mpf(1) / 2 else -normal(p / 2))),
    "geometric": lambda p, q: (mpmath.ceil(log1p(-p) / log1p(-q)),),
    "geometric_logit": lambda p, eta: (mpmath.ceil(-log1p(-p) / log1p(exp(eta))),),
    "discrete_uniform": lambda p, a, b: (a + mpmath.ceil(p * (b - a + 1)) - 1,),
    "discrete_weibull": lambda p, q, b: (mpmath.ceil((log1p(-p) / log(q)) ** (1 / b)) - 1,),
}
COUNTS = ("geometric", "geometric_logit", "discrete_uniform", "discrete_weibull")
LOCATIONS = [(0.0, 1.0), (0.3, 2.5), (-40.0, 0.25)]
SHAPES = [(0.25, 2.0), (1.0, 1.0), (2.5, 0.125), (30.0, 700.0)]
SHAPED = [(0.3, 2.0, xi) for xi in (-2.0, -0.25, 0.0, 1e-9, 0.375, 3.0)]
ARGUMENTS = {
    "normal": LOCATIONS,
    "half_normal": [(1.0,), (2.5,)],
    "lognormal": [(0.0, 1.0), (0.3, 2.5), (-4.0, 0.25)],
    "cauchy": LOCATIONS,
    "half_cauchy": [(1.0,), (2.5,)],
    "exponential": [(1.0,), (0.125,), (700.0,)],
    "exponential_log": [(0.0,), (-7.5,), (3.0,)],
    "laplace": LOCATIONS,
    "asymmetric_laplace": [(1.0, 0.0, 1.0), (0.25, 0.3, 2.5), (3.0, -4.0, 0.25)],
    "logistic": LOCATIONS,
    "log_logistic": SHAPES,
    "gumbel": LOCATIONS,
    "weibull": SHAPES,
    "frechet": SHAPES,
    "rayleigh": [(1.0,), (2.5,)],
    "uniform": [(0.0, 1.0), (-1.0, 2.0), (1e6, 1e6 + 1)],
    "triangular": [(0.0, 1.0, 0.5), (-1.0, 2.0, 1.5), (0.0, 1.0, 0.0), (0.0, 1.0, 1.0)],
    "pareto": SHAPES,
    "pareto_2": [(0.0, 1.0, 1.0), (-1.0, 2.5, 0.25), (3.0, 0.125, 40.0)],
    "gen_extreme": SHAPED,
    "gen_pareto": SHAPED,
    "kumaraswamy": SHAPES,
    "logit_normal": [(0.0, 1.0), (0.3, 2.5), (-4.0, 0.25)],
    "moyal": LOCATIONS,
    "geometric": [(0.3,), (0.999,), (1e-08,)],
    "geometric_logit": [(-0.5,), (6.0,), (-18.0,)],
    "discrete_uniform": [(0.0, 9.0), (-3.0, 3.0), (0.0, 1e8)],
    "discrete_weibull": [(0.5, 1.0), (0.9, 0.4), (0.999, 1.7)],
}


def cases(name):
    for args in ARGUMENTS[name]:
        for p in PROBABILITIES:
            terms = DISTRIBUTIONS[name](mpf(p), *map(mpf, args))
            y, near = sum(terms), mpf(10) ** -12 * min(mpf(p), 1 - mpf(p))
            if name in COUNTS and any(sum(DISTRIBUTIONS[name](mpf(p) + d, *map(mpf, args))) != y for d in (-near, near)):
                continue
            if y == 0 or mpf(2) ** -1000 < abs(y) < mpf(2) ** 1000:
                yield {"p": p, "args": list(args), "quantile": float(y), "size": float(max(map(abs, (y, *terms))))}


def main():
    distributions = {name: list(cases(name)) for name in DISTRIBUTIONS}
    lines = {name: ",\n".join(map(json.dumps, each)) for name, each in distributions.items()}
    rows = ",\n".join(f"{json.dumps(name)}: [\n{each}\n]" for name, each in lines.items())
    text = (
        f'{{"generator": {json.dumps("tests/golden/make_quantiles.py")}, "python": {json.dumps(platform.python_version())}, '
        f'"mpmath": {json.dumps(mpmath.__version__)},\n"distributions": {{\n{rows}\n}}}}\n'
    )
    json.loads(text)
    (pathlib.Path(__file__).parent / "quantiles.json").write_text(text)
    for name, each in distributions.items():
        print(f"{name}: {len(each)} cases")


main()
