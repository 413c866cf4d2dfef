#!/usr/bin/env python3
"""Values of special functions to 50 digits, written to tests/golden/special_functions.json.

    python3 tests/golden/make_special_functions.py

Needs mpmath. Every argument is a double and is converted exactly. A function is a list of cases [value, argument, ...];
the names are those of include/lockstep/special.hpp and special_normal.hpp, of the elementary functions, and
    log1p_minus_of_quotient(p, q) = log(p/q) - (p - q)/q.
"""

import json
import math
import pathlib
import platform

import mpmath
from mpmath import digamma, exp, expm1, log, log1p, loggamma, mp, mpf, pi

mp.dps = 50


def stirling_error(x):
    # The two parts agree in up to 2 log10(x) digits more than the result has.
    with mp.workdps(80):
        return loggamma(x) - ((x - mpf(1) / 2) * log(x) - x + log(2 * pi) / 2)


def stirling_error_derivative(x):
    with mp.workdps(80):
        return digamma(x) - log(x) + 1 / (2 * x)


def log1p_minus(x):
    with mp.workdps(80):
        return log1p(x) - x


def log1p_minus_of_quotient(p, q):
    with mp.workdps(80):
        return log(p / q) - (p - q) / q


def softplus(x):
    return log1p(exp(x)) if x < 0 else x + log1p(exp(-x))


def sigmoid(x):
    return 1 / (1 + exp(-x))


def log_sum_exp(a, b):
    return max(a, b) + log1p(exp(-abs(a - b)))


def log1m_exp(x):
    return log(-expm1(x)) if x > -1 else log1p(-exp(x))


def log_normal_cdf(x):
    return log(mpmath.erfc(-x / mpmath.sqrt(2)) / 2) if x < 0 else log1p(-mpmath.erfc(x / mpmath.sqrt(2)) / 2)


def log_normal_cdf_slope(x):
    return exp(-x * x / 2 - log(2 * pi) / 2 - log_normal_cdf(x))


def scaled_normal_tail(x):
    with mp.workdps(80):
        return log_normal_cdf(x) + x * x / 2


def scaled_normal_tail_slope(x):
    with mp.workdps(80):
        return x + log_normal_cdf_slope(x)


def normal_interval(a, width):
    """Of the interval from a to a + width, which is rounded as the tests round it."""
    lower, upper = a, mpf(float(a + width))
    if lower + upper > 0:
        lower, upper = -upper, -lower
    with mp.workdps(60 + int(a * a)):
        return log((mpmath.erfc(-upper / mpmath.sqrt(2)) - mpmath.erfc(-lower / mpmath.sqrt(2))) / 2)


def normal_cdf(x):
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def probit(p):
    """By Newton's method for the logarithm of the smaller tail."""
    if 2 * p == 1:
        return mpf(0)
    wanted = log(min(p, 1 - p))
    z = -mpmath.sqrt(-2 * wanted) if wanted < -2 else mpf(-1)
    for _ in range(60):
        z -= (log_normal_cdf(z) - wanted) / log_normal_cdf_slope(z)
    return z if 2 * p < 1 else -z


def erfinv(x):
    with mp.workdps(80):
        return probit((1 + x) / 2) / mpmath.sqrt(2)


def erfcinv(x):
    with mp.workdps(80):
        return -probit(x / 2) / mpmath.sqrt(2)


def log_beta(a, b):
    with mp.workdps(80):
        return loggamma(a) + loggamma(b) - loggamma(a + b)


def log_beta_slope(a, b):
    with mp.workdps(80):
        return digamma(a) - digamma(a + b)


def log_choose(n, k):
    with mp.workdps(80):
        return loggamma(n + 1) - loggamma(k + 1) - loggamma(n - k + 1)


def mills_ratio(x):
    return normal_cdf(-x) * exp(x * x / 2) * mpmath.sqrt(2 * pi)


def log_lower_gamma(a, x):
    with mp.workdps(100):
        return log(mpmath.gammainc(a, 0, x, regularized=True))


def log_upper_gamma(a, x):
    with mp.workdps(100):
        return log(mpmath.gammainc(a, x, regularized=True))


def log_lower_beta(a, b, x):
    with mp.workdps(100):
        return log(mpmath.betainc(a, b, 0, x, regularized=True))


def log_upper_beta(a, b, x):
    return log_lower_beta(b, a, 1 - x)


def log_bessel_i0(x):
    return log(mpmath.besseli(0, x)) - x


def bessel_ratio(x):
    return mpmath.besseli(1, x) / mpmath.besseli(0, x)


def bessel_ratio_to_one(x):
    with mp.workdps(80):
        return 1 - mpmath.besseli(1, x) / mpmath.besseli(0, x)


def between(low, high, steps):
    """Equally spaced doubles, both ends included."""
    return [low + (high - low) * i / steps for i in range(steps + 1)]


def decades(low, high, per_decade):
    """Logarithmically spaced doubles from 10^low to 10^high."""
    steps = (high - low) * per_decade
    return [10.0 ** (low + i / per_decade) for i in range(steps + 1)]


def both_signs(points):
    return [-x for x in reversed(points)] + points


# Every regime of a function, and the numbers on both sides of where its formula changes.
POSITIVE = decades(-8, 10, 7) + between(0.25, 20.0, 79) + [math.nextafter(10, 0), math.nextafter(10, 11)]
BESIDE_MINUS_ONE = [x - 1 for x in decades(-15, -1, 3)]
ABOVE_MINUS_ONE = BESIDE_MINUS_ONE + both_signs(decades(-8, -1, 4)) + between(-0.89, 3.0, 97) + decades(0, 10, 4)
ABOVE_MINUS_ONE += [math.nextafter(-0.5, -1), math.nextafter(-0.5, 0), math.nextafter(1, 0), math.nextafter(1, 2)]
REAL = both_signs(decades(-8, 2, 4)) + between(-50.0, 50.0, 125) + [-700.0, -300.0, 0.0, 300.0, 700.0, 1e10]
NORMAL = [-x for x in decades(-8, 4, 5)] + between(-20.0, 20.0, 160) + decades(-8, 1, 4) + [25.0, 36.5, -1e6]
CONCENTRATIONS = [0.0] + decades(-8, 8, 4) + between(0.25, 20.0, 79) + [math.nextafter(8, 0), math.nextafter(8, 9)]

INSIDE = both_signs(decades(-8, -1, 4) + between(0.125, 0.984375, 55) + [1 - 1e-9, math.nextafter(1, 0)])
PROBABILITIES = decades(-300, -1, 1)[::4] + decades(-9, -1, 4) + between(0.0625, 0.9375, 112) + [0.125, math.nextafter(0.125, 0)]
PROBABILITIES += [0.5 + x for x in both_signs(decades(-12, -2, 1))] + [1 - x for x in decades(-15, -1, 2)]
BETA_ARGUMENTS = [
    (a, b) for a in [1e-8, 0.01, 0.5, 1.0, 2.5, 9.9, 10.0, 40.0, 1e4, 1e8] for b in [1e-6, 0.3, 1.0, 2.0, 7.5, 300.0, 1e6, 1e9]
]

GAMMA_POINTS = [
    (a, a * share)
    for a in [0.01, 0.5, 1.0, 2.5, 6.5, 40.0, 300.0]
    for share in [1e-9, 1e-3, 0.2, 0.7, 0.95, 1.0, 1.1, 1.6, 4.0, 20.0]
]

BETA_POINTS = [
    (a, x)
    for a in [0.01, 0.5, 1.0, 2.5, 5.5, 6.5, 40.0, 300.0]
    for x in [1e-9, 1e-3, 0.06, 0.2, 0.4, 0.5, 0.63, 0.8, 0.97, 0.999]
]

CASES = {
    "exp": (exp, [(x,) for x in both_signs(decades(-20, 2, 4)) + between(-708.0, 709.0, 200)]),
    "expm1": (expm1, [(x,) for x in both_signs(decades(-300, 0, 1)) + between(-60.0, 709.0, 200)]),
    "log": (log, [(x,) for x in decades(-307, 308, 1) + between(0.5, 2.0, 100) + [1 + 1e-10, 1 - 1e-10]]),
    "log1p": (log1p, [(x,) for x in ABOVE_MINUS_ONE + decades(-300, -8, 1)]),
    "asin": (mpmath.asin, [(x,) for x in INSIDE]),
    "acos": (mpmath.acos, [(x,) for x in INSIDE]),
    "asinh": (mpmath.asinh, [(x,) for x in both_signs(decades(-8, 8, 4))]),
    "acosh": (mpmath.acosh, [(1 + x,) for x in decades(-8, 8, 4)]),
    "atanh": (mpmath.atanh, [(x,) for x in INSIDE]),
    "log_gamma": (loggamma, [(x,) for x in POSITIVE]),
    "digamma": (digamma, [(x,) for x in POSITIVE]),
    "stirling_error": (stirling_error, [(x,) for x in POSITIVE]),
    "stirling_error_derivative": (stirling_error_derivative, [(x,) for x in POSITIVE]),
    "log1p_minus": (log1p_minus, [(x,) for x in ABOVE_MINUS_ONE]),
    "log1p_minus_of_quotient": (
        log1p_minus_of_quotient,
        [(q * p, q) for q in [1e-3, 1.0, 7.0, 1e8] for p in decades(-12, 12, 2) + between(0.4, 2.1, 34) + [1 + 1e-9]],
    ),
    "softplus": (softplus, [(x,) for x in REAL]),
    "sigmoid": (sigmoid, [(x,) for x in REAL]),
    "log_sum_exp": (
        log_sum_exp,
        [(a, a + d) for a in [-1e8, -300.0, -2.5, 0.0, 4.0, 1e10] for d in both_signs(decades(-6, 3, 2)) + [0.0]],
    ),
    "log_normal_cdf": (log_normal_cdf, [(x,) for x in NORMAL]),
    "log_normal_cdf_slope": (log_normal_cdf_slope, [(x,) for x in NORMAL]),
    "scaled_normal_tail": (scaled_normal_tail, [(x,) for x in NORMAL if x < 0]),
    "scaled_normal_tail_slope": (scaled_normal_tail_slope, [(x,) for x in NORMAL if x < 0]),
    "normal_interval": (
        normal_interval,
        [(a, w) for a in [-60.0, -9.0, -1.2, -0.25, 0.0, 0.4, 3.0, 30.0] for w in decades(-6, 1, 2) + [0.45, 0.55, 40.0]],
    ),
    "normal_cdf": (normal_cdf, [(x,) for x in NORMAL if abs(x) < 38]),
    "erf": (mpmath.erf, [(x,) for x in NORMAL if abs(x) < 26]),
    "erfc": (mpmath.erfc, [(-x,) for x in NORMAL if abs(x) < 26]),
    "probit": (probit, [(p,) for p in PROBABILITIES]),
    "erfinv": (erfinv, [(x,) for x in INSIDE]),
    "erfcinv": (erfcinv, [(2 * p,) for p in PROBABILITIES]),
    "mills_ratio": (mills_ratio, [(-x,) for x in NORMAL if x < 0]),
    "trigamma": (lambda x: mpmath.psi(1, x), [(x,) for x in POSITIVE]),
    "tetragamma": (lambda x: mpmath.psi(2, x), [(x,) for x in POSITIVE]),
    "log_beta": (log_beta, BETA_ARGUMENTS),
    "log_beta_slope": (log_beta_slope, BETA_ARGUMENTS),
    "log_choose": (log_choose, [(a + b, b) for a, b in BETA_ARGUMENTS]),
    "log_lower_gamma": (log_lower_gamma, GAMMA_POINTS),
    "log_upper_gamma": (log_upper_gamma, GAMMA_POINTS),
    # Of two parameters the first is given here; the second is 2.5, and 40.
    "log_lower_beta": (lambda a, x: log_lower_beta(a, mpf(2.5), x), BETA_POINTS),
    "log_upper_beta": (lambda a, x: log_upper_beta(a, mpf(2.5), x), BETA_POINTS),
    "log_lower_beta_40": (lambda a, x: log_lower_beta(a, mpf(40), x), BETA_POINTS),
    "log_upper_beta_40": (lambda a, x: log_upper_beta(a, mpf(40), x), BETA_POINTS),
    "log_bessel_i0": (log_bessel_i0, [(x,) for x in CONCENTRATIONS]),
    "bessel_ratio": (bessel_ratio, [(x,) for x in CONCENTRATIONS]),
    "bessel_ratio_to_one": (bessel_ratio_to_one, [(x,) for x in CONCENTRATIONS]),
    "log1m_exp": (log1m_exp, [(-x,) for x in decades(-10, 2, 5) + between(0.05, 5.0, 99) + [300.0, 700.0]]),
}


def main():
    header = {
        "command": "python3 tests/golden/make_special_functions.py",
        "versions": {"python": platform.python_version(), "mpmath": mpmath.__version__},
    }
    blocks = []
    for name, (function, points) in CASES.items():
        cases = [[float(function(*(mpf(x) for x in point))), *point] for point in points]
        lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
        blocks.append(f"{json.dumps(name)}:[\n{lines}\n]")
    text = json.dumps(header)[:-1] + ',\n"functions":{\n' + ",\n".join(blocks) + "\n}}\n"
    pathlib.Path(__file__).with_name("special_functions.json").write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()
