#!/usr/bin/env python3
"""Log CDFs and log CCDFs, and log densities of censored and truncated distributions, with their derivatives to 50 digits, written
to tests/golden/cdfs.json.

    python3 tests/golden/make_cdfs.py

Needs mpmath. Every input is a double and is converted exactly. Of each distribution D the file has D_log_cdf and
D_log_ccdf, with cases as in densities.json. Derivatives are central differences taken with 600
digits; where the tails are sums of many terms, with 150. A case is left out if a value of it is beyond the range of a double.
"""

import functools
import json
import pathlib
import platform

import mpmath
from mpmath import atan, erf, erfc, exp, expm1, log, log1p, loggamma, mp, mpf, pi, sqrt

mp.dps = 600
DOUBLE = (mpf(2) ** -1000, mpf(2) ** 1000)


def phi(z):
    return erfc(-z / sqrt(mpf(2))) / 2


def cauchy_cdf(z):
    return atan(-1 / z) / pi if z < 0 else mpf(1) / 2 if z == 0 else 1 - atan(1 / z) / pi


def complemented(share):
    return share, 1 - share


def shaped_exponent(z, xi):
    if 1 + xi * z <= 0:
        raise ValueError("outside of the support")
    return log(1 + xi * z) / xi


def wald(y, m, r):
    up, down = sqrt(r / y) * (y / m - 1), sqrt(r / y) * (y / m + 1)
    return phi(up) + exp(2 * r / m) * phi(-down), phi(-up) - exp(2 * r / m) * phi(-down)


# The probabilities below and above y.
DISTRIBUTIONS = {
    "normal": lambda y, m, s: (phi((y - m) / s), phi((m - y) / s)),
    "half_normal": lambda y, s: (1 - 2 * phi(-y / s), 2 * phi(-y / s)),
    "lognormal": lambda y, m, s: (phi((log(y) - m) / s), phi((m - log(y)) / s)),
    "cauchy": lambda y, m, b: (cauchy_cdf((y - m) / b), cauchy_cdf((m - y) / b)),
    "half_cauchy": lambda y, b: (2 * atan(y / b) / pi, 2 * atan(b / y) / pi),
    "exponential": lambda y, r: (-expm1(-r * y), exp(-r * y)),
    "exponential_log": lambda y, eta: (-expm1(-exp(-eta) * y), exp(-exp(-eta) * y)),
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
    "triangular": lambda y, a, b, c: complemented((y - a) ** 2 / ((b - a) * (c - a)))
    if y < c
    else complemented((b - y) ** 2 / ((b - a) * (b - c)))[::-1],
    "asymmetric_laplace": lambda y, k, m, b: complemented(exp(b * k * (m - y)) / (1 + k**2))[::-1]
    if y > m
    else complemented(exp(b / k * (y - m)) * k**2 / (1 + k**2)),
    "moyal": lambda y, m, s: (erfc(exp((m - y) / (2 * s)) / sqrt(mpf(2))), erf(exp((m - y) / (2 * s)) / sqrt(mpf(2)))),
    "wald": wald,
    "shifted_wald": lambda y, m, r, a: wald(y - a, m, r),
    "ex_gaussian": lambda y, m, s, n: complemented(
        phi((y - m) / s) - exp((s / n) ** 2 / 2 - (y - m) / n) * phi((y - m) / s - s / n)
    ),
    "gen_extreme": lambda y, m, s, x: complemented(exp(-exp(-shaped_exponent((y - m) / s, x)))),
    "gen_pareto": lambda y, m, s, x: complemented(exp(-shaped_exponent((y - m) / s, x)))[::-1],
    "truncated_normal": lambda y, m, s, a, b: complemented(
        (phi((y - m) / s) - phi((a - m) / s)) / (phi((b - m) / s) - phi((a - m) / s))
    ),
    "truncated_normal_above": lambda y, m, s, a: complemented(phi((m - y) / s) / phi((m - a) / s))[::-1],
    "truncated_normal_below": lambda y, m, s, b: complemented(phi((y - m) / s) / phi((b - m) / s)),
    "hurdle_lognormal": lambda y, p, m, s: complemented(p * phi((m - log(y)) / s))[::-1],
    "mixture_of_normals": lambda y, w, m, s, n, t: (
        w * phi((y - m) / s) + (1 - w) * phi((y - n) / t),
        w * phi((m - y) / s) + (1 - w) * phi((n - y) / t),
    ),
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
GRIDS["exponential_log"] = (WIDE, [(0.0,), (-1.2,), (2.0,)])
GRIDS["lognormal"] = ([1e-300, 1e-40, *POSITIVE, 1e40, 1e300], [(0.0, 1.0), (0.5, 0.3), (-2.0, 4.0)])
GRIDS["uniform"] = ([-0.75, 0.1, 0.5, 1.9], [(-1.0, 2.0), (-0.8, 1.95)])
GRIDS["pareto"] = ([1.5, 2.0, 7.5, 60.0, 1e9, 1e60, 1e200], [(0.5, 1.0), (2.0, 1.25), (6.0, 0.7)])
GRIDS["pareto_2"] = ([1e-9, *POSITIVE, 1e9, 1e60, 1e200], [(0.0, 1.0, 0.5), (-0.5, 2.5, 2.0), (-3.0, 0.4, 6.0)])
UNIT = [1e-200, 1e-60, 1e-9, 1e-3, 0.125, 0.3, 0.5, 0.7, 0.9, 0.999, 1 - 2.0**-40]
GRIDS["kumaraswamy"] = (UNIT, SHAPES)
GRIDS["logit_normal"] = (UNIT, LOCATIONS)
GRIDS["triangular"] = ([-0.7, -0.2, 0.1, 0.5, 0.9, 1.9], [(-1.0, 2.0, 0.5), (-0.8, 1.95, -0.8), (-0.75, 2.5, 2.5)])
GRIDS["asymmetric_laplace"] = (LINE, [(1.0, 0.0, 1.0), (0.4, 0.7, 0.5), (30.0, -3.0, 2.0)])
GRIDS["moyal"] = (LINE, LOCATIONS)
GRIDS["wald"] = ([1e-60, *POSITIVE, 1e9], [(1.0, 1.0), (2.5, 1.5), (0.3, 40.0), (7.0, 0.01), (1e4, 1e-3), (2.0, 1e4)])
GRIDS["shifted_wald"] = (POSITIVE, [(1.0, 1.0, -0.5), (7.0, 0.01, -2.0)])
GRIDS["ex_gaussian"] = (LINE, [(0.0, 1.0, 1.0), (0.7, 2.5, 0.1), (-3.0, 0.4, 60.0), (0.0, 0.25, 1e4)])
EXTREME = [(0.0, 1.0, 0.3), (0.7, 2.5, -0.2), (-3.0, 0.4, 1e-7), (-1.0, 3.0, 2.5)]
GRIDS["gen_extreme"] = (LINE, EXTREME)
GRIDS["gen_pareto"] = ([*POSITIVE, 1250.0, 1e9], [*EXTREME[:1], (-0.5, 2.5, -0.2), (-3.0, 0.4, 1e-7), (-1.0, 3.0, 2.5)])
GRIDS["truncated_normal"] = ([-0.9, -0.3, 0.125, 1.9], [(0.0, 1.0, -1.0, 2.0), (20.0, 0.6, -1.5, 2.5), (0.0, 40.0, -2.0, 2.0)])
GRIDS["truncated_normal_above"] = (LINE[3:], [(0.0, 1.0, -2.0), (1.0, 3.0, -1.5), (-20.0, 0.7, -1.5), (30.0, 4.0, -1.25)])
GRIDS["hurdle_lognormal"] = ([1e-40, *POSITIVE, 1e40], [(0.3, 0.0, 1.0), (0.999, 0.5, 0.3), (1e-6, -2.0, 4.0)])
GRIDS["mixture_of_normals"] = (LINE, [(0.3, 0.0, 1.0, 2.0, 0.5), (0.999, -1.0, 3.0, 4.0, 2.0), (1e-9, 0.7, 2.5, -3.0, 0.4)])
GRIDS["truncated_normal_below"] = (LINE[:8], [(0.0, 1.0, 5.0), (20.0, 0.7, 4.5), (-30.0, 4.0, 4.25)])


# ---- tails that are sums of positive terms: the logarithms of both --------------------------------------------------


def rest(log_share):
    """log(1 - share)"""
    return log(-expm1(log_share))


@functools.cache
def lower_gamma(a, x, digits):
    """log P(a, x): NIST DLMF 8.11.4."""
    term = total = mpf(1)
    k = 0
    while term > total * mpf(10) ** -digits or x > a + k:
        k += 1
        term *= x / (a + k)
        total += term
    return a * log(x) - x - loggamma(a + 1) + log(total)


@functools.cache
def lower_beta(a, b, x, digits):
    """log I_x(a, b): NIST DLMF 8.17.8."""
    term = total = mpf(1)
    k = 0
    while term > total * mpf(10) ** -digits or x * (a + b + k) > a + k + 1:
        k += 1
        term *= x * (a + b + k - 1) / (a + k)
        total += term
    return a * log(x) + b * log(1 - x) - loggamma(a + 1) - loggamma(b) + loggamma(a + b) + log(total)


def with_complement(lower):
    """`lower`() and what it lacks to 1, with as many more digits as that costs."""
    extra = 30
    while True:
        with mp.workdps(mp.dps + extra):
            summed = lower()
            other = rest(summed) if summed < 0 else -mpf(10) ** 9
        if -other < (extra - 20) * log(10):
            return summed, other
        extra *= 2


@functools.cache
def upper_gamma(a, x, digits):
    """log Q(a, x) for x well above a: the continued fraction NIST DLMF 8.9.2, by Lentz's method."""
    b = x + 1 - a
    d = 1 / b
    c, fraction, change, k = mpf(10) ** (2 * digits), d, mpf(2), 0
    while abs(change - 1) > mpf(10) ** -digits:
        k += 1
        b += 2
        d = 1 / (b - k * (k - a) * d)
        c = b - k * (k - a) / c
        change = c * d
        fraction *= change
    return a * log(x) - x - loggamma(a) + log(fraction)


def gamma_tails(a, x):
    """log P(a, x) and log Q(a, x)."""
    if x > a + 10 * sqrt(a) + 10:
        return with_complement(lambda: upper_gamma(a, x, mp.dps))[::-1]
    return with_complement(lambda: lower_gamma(a, x, mp.dps))


def beta_tails(a, b, x):
    """log I_x(a, b) and log(1 - I_x(a, b)), by the series in x or in 1 - x."""
    if x < 0.7:
        return with_complement(lambda: lower_beta(a, b, x, mp.dps))
    return with_complement(lambda: lower_beta(b, a, 1 - x, mp.dps))[::-1]


def half_student_t(y, nu, s):
    square = (y / s) ** 2
    if square < nu:
        return beta_tails(mpf(1) / 2, nu / 2, square / (square + nu))
    return beta_tails(nu / 2, mpf(1) / 2, nu / (square + nu))[::-1]


def student_t(y, nu, m, s):
    if y == m:
        return -log(mpf(2)), -log(mpf(2))
    beyond = half_student_t(abs(y - m), nu, s)[1] - log(mpf(2))
    return (beyond, rest(beyond)) if y < m else (rest(beyond), beyond)


# Through mpmath's incomplete gamma function where that is not slow.
def poisson(y, rate):
    if y <= 10**4:
        return log(mpmath.gammainc(y + 1, rate, regularized=True)), log(mpmath.gammainc(y + 1, 0, rate, regularized=True))
    return gamma_tails(y + mpf(1), rate)[::-1]


def binomial(y, n, p):
    return beta_tails(y + mpf(1), n - y, p)[::-1]


def negative_binomial(y, m, a):
    return beta_tails(y + mpf(1), a, m / (a + m))[::-1]


def skew_student_t(y, a, b, m, s):
    z = (y - m) / s
    return beta_tails(a, b, (1 + z / sqrt(a + b + z**2)) / 2)


# 0 with probability 1 - p, else of the logarithms of two tails: all values of it, or those above 0, given those of 0.
def inflated(p, tails):
    return log(1 - p + p * exp(tails[0])), log(p) + tails[1]


def hurdle(y, p, tails, at_zero):
    beyond = p * exp(tails[1] - at_zero[1])
    return (log(1 - p) if y == 0 else log(1 - beyond)), log(beyond)


def zero_one_inflated_beta(y, ends, one, a, b):
    lower, upper = beta_tails(a, b, y)
    return log(ends * (1 - one) + (1 - ends) * exp(lower)), log(ends * one + (1 - ends) * exp(upper))


def both_logs(below, above):
    return log(below), log(above)


def owen(h, a):
    """T(h, a): the power series of exp(-h^2 x^2/2), term by term over 1/(1 + x^2)."""
    with mp.workdps(500):
        factor, moment, total, n = mpf(1), mpmath.atan(a), mpmath.atan(a), 0
        power = a
        while n < (h * a) ** 2 or abs(factor * moment) > mpf(10) ** -480:
            n += 1
            factor *= -(h**2) / (2 * n)
            moment = power / (2 * n - 1) - moment
            power *= a**2
            total += factor * moment
        return exp(-(h**2) / 2) * total / (2 * pi)


@functools.cache
def skew_normal(y, m, s, a):
    with mp.workdps(500):
        z = (y - m) / s
        t = owen(z, a)
        return both_logs(phi(z) - 2 * t, phi(-z) + 2 * t)


def poisson_window(rate, far):
    """[(k, p(k))] of all k whose p(k) is above 10^-far, as far as that matters."""
    first = max(int(rate - 4 * sqrt(rate * far) - 5 * far), 0)
    last = int(rate + 4 * sqrt(rate * far) + 5 * far)
    p = exp(first * log(rate) - rate - loggamma(mpf(first + 1)))
    window = []
    for k in range(first, last + 1):
        window.append((k, p))
        p *= rate / (k + 1)
    return window


def difference_above(y, r, s):
    """P(N - M > y) of two independent Poisson counts, for a whole y."""
    beyond, above = {}, mpf(0)
    window = poisson_window(r, 200)
    for k, p in reversed(window):
        beyond[k] = above
        above += p
    first, last = window[0][0], window[-1][0]
    of = lambda k: above if k < first else mpf(0) if k >= last else beyond[k]
    return sum(p * of(int(y) + k) for k, p in poisson_window(s, 200))


@functools.cache
def skellam(y, r, s):
    return both_logs(difference_above(-int(y) - 1, s, r), difference_above(int(y), r, s))


@functools.cache
def rice(y, v, s):
    """Given the count of a Poisson(v^2/(2 s^2)), the square is gamma: it is above if a Poisson(y^2/(2 s^2)) is not."""
    x, rate = (y / s) ** 2 / 2, (v / s) ** 2 / 2
    if rate == 0:
        return both_logs(-expm1(-x), exp(-x))
    return both_logs(difference_above(0, x, rate), difference_above(-1, rate, x))


@functools.cache
def von_mises(y, m, k):
    """By its Fourier series; the Bessel functions by Miller's recurrence."""
    orders = 400
    ratios = [mpf(0)] * (orders + 1)
    ratio = mpf(0)
    for j in range(orders, 0, -1):
        ratio = ratios[j] = 1 / (2 * j / k + ratio)
    def area(x):
        weight, total = mpf(1), x / 2
        for j in range(1, orders):
            weight *= ratios[j]
            total += weight * mpmath.sin(j * x) / j
        return total / pi
    return both_logs(area(y - m) - area(-pi - m), area(pi - m) - area(y - m))


def masses(log_mass, y, least, most):
    """The sums of masses up to y and beyond it."""
    return both_logs(*(sum(exp(log_mass(mpf(k))) for k in ks) for ks in (range(least, int(y) + 1), range(int(y) + 1, most + 1))))


def log_choose(n, k):
    return loggamma(n + 1) - loggamma(k + 1) - loggamma(n - k + 1)


def log_beta(a, b):
    return loggamma(a) + loggamma(b) - loggamma(a + b)


@functools.cache
def beta_binomial(y, a, b, n):
    whole = int(mpmath.nint(n))
    return masses(lambda k: log_choose(n, k) + log_beta(k + a, n - k + b) - log_beta(a, b), y, 0, whole)


@functools.cache
def hypergeometric(y, n, k, d):
    least, most = max(0, int(mpmath.nint(d - n + k))), int(mpmath.nint(min(k, d)))
    return masses(lambda x: log_choose(k, x) + log_choose(n - k, d - x) - log_choose(n, d), y, least, most)


def both_from(first, ratio, y):
    """The sum of masses up to y, of which the first is given and the ratio of k's to the one before; and what it lacks to 1."""
    with mp.workdps(400):
        mass = below = first()
        for k in range(1, int(y) + 1):
            mass *= ratio(k)
            below += mass
        return both_logs(below, 1 - below)


@functools.cache
def beta_negative_binomial(y, r, a, b):
    return both_from(
        lambda: exp(log_beta(a + r, b) - log_beta(a, b)),
        lambda k: (r + k - 1) * (b + k - 1) / (k * (r + a + b + k - 1)),
        y,
    )


@functools.cache
def generalized_poisson(y, m, t):
    with mp.workdps(400):
        factorial, one, power = mpf(1), exp(-t), exp(-m)
        last = int(y) if t >= 0 else int(mpmath.ceil(-m / t)) - 1
        below = above = mpf(0)
        for k in range(last + 1):
            if k:
                factorial *= k
                power *= one
            mass = m * (m + t * k) ** (k - 1) * power / factorial
            if k <= int(y):
                below += mass
            else:
                above += mass
        return both_logs(below, 1 - below if t >= 0 else above)


SUMS = {
    "skew_normal": skew_normal,
    "rice": rice,
    "von_mises": von_mises,
    "skew_student_t": skew_student_t,
    "zero_one_inflated_beta": zero_one_inflated_beta,
    "hurdle_gamma": lambda y, p, a, b: inflated(p, gamma_tails(a, b * y)),
    "gamma": lambda y, a, b: gamma_tails(a, b * y),
    "gamma_log": lambda y, a, eta: gamma_tails(a, a * exp(-eta) * y),
    "inverse_gamma": lambda y, a, b: gamma_tails(a, b / y)[::-1],
    "chi_squared": lambda y, nu: gamma_tails(nu / 2, y / 2),
    "chi": lambda y, nu: gamma_tails(nu / 2, y**2 / 2),
    "maxwell": lambda y, a: gamma_tails(mpf(3) / 2, (y / a) ** 2 / 2),
    "beta": lambda y, a, b: beta_tails(a, b, y),
    "beta_proportion": lambda y, m, k: beta_tails(m * k, (1 - m) * k, y),
    "student_t": student_t,
    "half_student_t": half_student_t,
}
# ---- log densities of censored, interval-censored and truncated ones: the last arguments are the bounds ---------------------


def gamma_log_density(y, a, b):
    return a * log(b) + (a - 1) * log(y) - b * y - loggamma(a)


def normal_log_density(y, m, s):
    return -(((y - m) / s) ** 2) / 2 - log(s) - log(2 * pi) / 2


def normal_tails(y, m, s):
    return both_logs(phi((y - m) / s), phi((m - y) / s))


def logistic_tails(y, m, s):
    return -log1p(exp((m - y) / s)), -log1p(exp((y - m) / s))


def truncated_gamma(y, a, b, lower, upper):
    between = exp(gamma_tails(a, b * upper)[0]) - exp(gamma_tails(a, b * lower)[0])
    return gamma_log_density(y, a, b) - log(between)


def censored_normal(y, m, s, lower, upper, where):
    if where < 0:
        return normal_tails(lower, m, s)[0]
    return normal_tails(upper, m, s)[1] if where > 0 else normal_log_density(y, m, s)


def interval_censored_logistic(y, m, s, upper):
    return log(exp(logistic_tails(upper, m, s)[0]) - exp(logistic_tails(y, m, s)[0]))


# Each is a function that depends on where y is: (y, arguments) -> log density by them.
BOUNDED = {
    "truncated_gamma": lambda y, args: truncated_gamma,
    "censored_normal": lambda y, args: lambda *x: censored_normal(*x, (y >= args[3]) - (y <= args[2])),
    "interval_censored_logistic": lambda y, args: interval_censored_logistic,
}
BOUNDED_POINTS = {
    "truncated_gamma": [
        (y, (a, b, lower, upper))
        for a, b, lower, upper in [(2.0, 3.0, 0.1, 2.0), (0.5, 1.0, 1e-3, 40.0), (40.0, 2.0, 5.0, 9.0), (3.0, 1.0, 30.0, 31.0)]
        for y in [lower + share * (upper - lower) for share in (0.01, 0.4, 0.97)]
    ],
    "censored_normal": [
        (y, (m, s, lower, upper))
        for m, s, lower, upper in [(0.0, 1.0, -0.5, 2.0), (0.7, 2.5, -40.0, 0.5), (-3.0, 0.4, -2.0, 9.0), (1.0, 3.0, 100.0, 300.0)]
        for y in [lower, lower + 0.25, 0.5 * (lower + upper), upper]
    ],
    "interval_censored_logistic": [
        (y, (m, s, y + width)) for m, s in LOCATIONS for y in [-60.0, -1.5, 0.3, 50.0] for width in [1e-2, 1.0, 20.0]
    ],
}


# Of counts there is no derivative by y.
def shares(y, weights):
    return both_logs(*(sum(part) / sum(weights) for part in (weights[: int(y) + 1], weights[int(y) + 1 :])))


# Of categories there is a vector. That of probabilities is not normalised.
COUNTS = {
    "categorical": lambda y, *p: both_logs(sum(p[: int(y) + 1]), sum(p[int(y) + 1 :])),
    "categorical_logit": lambda y, *eta: shares(y, [exp(e) for e in eta]),
    "ordered_logistic": lambda y, eta, *c: (-log1p(exp(eta - c[int(y)])), -log1p(exp(c[int(y)] - eta))),
    "ordered_probit": lambda y, eta, *c: both_logs(phi(c[int(y)] - eta), phi(eta - c[int(y)])),
    "skellam": skellam,
    "beta_binomial": beta_binomial,
    "hypergeometric": hypergeometric,
    "beta_negative_binomial": beta_negative_binomial,
    "generalized_poisson": generalized_poisson,
    "bernoulli": lambda y, p: (log1p(-p), log(p)),
    "bernoulli_logit": lambda y, eta: (-log(1 + exp(eta)), -log(1 + exp(-eta))),
    "zero_inflated_poisson": lambda y, p, r: inflated(p, poisson(y, r)),
    "zero_inflated_binomial": lambda y, p, n, q: inflated(p, binomial(y, n, q)),
    "zero_inflated_negative_binomial": lambda y, p, m, a: inflated(p, negative_binomial(y, m, a)),
    "hurdle_poisson": lambda y, p, r: hurdle(y, p, poisson(y, r), poisson(mpf(0), r)),
    "hurdle_negative_binomial": lambda y, p, m, a: hurdle(y, p, negative_binomial(y, m, a), negative_binomial(mpf(0), m, a)),
    "poisson": poisson,
    "poisson_log": lambda y, eta: poisson(y, exp(eta)),
    "geometric": lambda y, p: (log(1 - (1 - p) ** y), y * log(1 - p)),
    "discrete_uniform": lambda y, a, b: (log((y - a + 1) / (b - a + 1)), log((b - y) / (b - a + 1))),
    "discrete_weibull": lambda y, q, b: (log(1 - q ** ((y + 1) ** b)), (y + 1) ** b * log(q)),
    "geometric_logit": lambda y, eta: (log(1 - (1 + exp(eta)) ** -y), -y * log(1 + exp(eta))),
    "binomial": binomial,
    "binomial_logit": lambda y, n, eta: binomial(y, n, 1 / (1 + exp(-eta))),
    "negative_binomial": negative_binomial,
    "negative_binomial_log": lambda y, eta, a: negative_binomial(y, exp(eta), a),
}


# Grids of these: (y, arguments).
def around(mean, sd):
    """Values near a mean, and far from it on both sides."""
    near = [mean + k * sd for k in (-20.0, -6.0, -2.0, -0.4, 0.0, 0.4, 2.0, 6.0, 20.0)]
    return [y for y in near if y > 0] + [mean * f for f in (1e-9, 0.01, 0.3, 0.8, 1.3, 4.0, 20.0)]


def gamma_points(shapes):
    return [(y / b, (a, b)) for a, b in shapes for y in around(a, a**0.5) if a < 1e3 or abs(y - a) < 40 * a**0.5]


def unit_points(a, b):
    mean = a / (a + b)
    sd = (mean * (1 - mean) / (a + b + 1)) ** 0.5
    far = [1e-100, 1e-9, 0.125, 0.5, 0.9, 1 - 2.0**-40] if a + b < 100 else []
    return [y for y in [*around(mean, sd)[:9], *far] if 0 < y < 1]


def counts_around(mean, sd, end):
    found = {int(k) for k in [0, 1, 3, *around(mean, sd)] if abs(k - mean) < max(40 * sd, 100)}
    return sorted(k for k in found if 0 <= k < end)


def rates(y):
    near = [y * 0.1, y * 3.0, y + 0.6 * y**0.5, y + 7.0 * y**0.5, y - 0.5 * y**0.5, y - 9.0 * y**0.5, float(y)]
    return [r for r in near if r > 0] + ([1e-8, 1e-3, 0.7, 3.3, 52.0] if y < 1000 else [])


GAMMAS = [(1e-3, 1.0), (0.03, 0.4), (0.5, 1.0), (1.0, 2.0), (2.0, 3.0), (3.99, 1.0), (6.0, 0.7), (300.0, 2.0), (1e6, 10.0)]
BETAS = [(1e-3, 2.0), (0.1, 0.05), (0.5, 0.5), (1.0, 1.0), (2.0, 3.0), (6.0, 0.7), (40.0, 300.0), (1e5, 2.0)]
DEGREES = [0.05, 1.0, 2.5, 7.0, 40.0, 1e4]
SIZES = [0, 1, 2, 5, 10, 100, 10**4, 10**6, 10**8]
SHARES = [0.3, 0.999, 1e-6]
FEW = [0, 1, 2, 5, 40, 1000]
NEGATIVE_BINOMIALS = [(0.7, 0.05), (12.0, 1.0), (12.0, 300.0), (1e4, 6.5), (1e-6, 2.0)]
HYPERGEOMETRICS = [(20.0, 7.0, 9.0), (20.0, 15.0, 12.0), (1000.0, 30.0, 200.0), (5000.0, 2500.0, 600.0)]
CUTPOINTS = [(0.3, -0.5, 1.25), (-2.0, -3.0, 0.1, 0.2, 4.0), (30.0, -1.0, 2.0, 60.0), (0.4, -0.9, 1.6)]
POINTS = {
    "categorical": [
        (y, p) for p in [(0.2, 0.5, 0.3), (1e-9, 0.25, 0.7499999, 1e-7), (0.1, 0.2, 0.3, 0.4)] for y in range(len(p) - 1)
    ],
    "categorical_logit": [
        (y, eta) for eta in [(0.4, -1.0, 2.0), (-700.0, 0.3, 1.2, -40.0), (0.1, 0.2, -0.3, 0.5)] for y in range(len(eta) - 1)
    ],
    "ordered_logistic": [(y, args) for args in CUTPOINTS for y in range(len(args) - 1)],
    "ordered_probit": [(y, args) for args in CUTPOINTS for y in range(len(args) - 1)],
    "skew_normal": [
        (m + y * s, (m, s, a))
        for a, reach in [(0.0, 38.0), (0.4, 30.0), (-1.0, 25.0), (1.5, 15.0), (-4.0, 6.0), (100.0, 0.3), (-1e6, 2e-5)]
        for m, s in [(0.7, 2.5)]
        for y in [-1.0, -0.3, -0.1, -0.02, -1e-3, 1e-9, 0.01, 0.05, 0.2, 0.6, 1.0]
        for y in [y * reach]
    ],
    "rice": [
        (y * s, (v * s, s))
        for v, s in [(0.0, 1.0), (1e-3, 2.0), (0.7, 0.3), (3.0, 1.0), (20.0, 7.0), (60.0, 1.0)]
        for y in [1e-60, 1e-3, 0.3, 1.0, 1.9, 4.0, v - 6, v - 0.5, v, v + 0.3, v + 2, v + 9, v + 20]
        if y > 0 and (v > 0 or y < 9)
    ],
    "von_mises": [
        (y, (m, k))
        for m in [0.0, 0.7, -3.0, 3.125]
        for k in [1e-8, 0.3, 2.0, 20.0, 100.0]
        for y in [-3.14, -3.0, -2.0, -0.9, -1e-3, 0.3, 0.75, 1.7, 3.0, 3.12, 3.1415]
    ],
    "skellam": [
        (y, args)
        for args in [(1e-6, 0.3), (0.7, 0.05), (3.0, 12.0), (250.0, 40.0), (1e4, 9e3)]
        for y in [0, -1, 1, -2, -7, 5, 40, -40, 200, 1500, -1500]
        if abs(y - args[0] + args[1]) < 14 * (args[0] + args[1]) ** 0.5 + 20
    ],
    "beta_binomial": [
        (y, (a, b, n))
        for a, b, n in [(0.05, 0.1, 9.0), (2.0, 3.0, 1.0), (2.0, 3.0, 40.0), (1e-9, 2.0, 30.0), (300.0, 40.0, 500.0), (6.0, 0.7, 2000.0)]
        for y in sorted({0, 1, 3, 8, 20, 39, 200, 430, 1500, 1999})
        if y < n
    ],
    "hypergeometric": [
        (y, args) for args in HYPERGEOMETRICS for y in [0, 1, 2, 4, 6, 7, 8, 11, 20, 29, 150, 300, 450]
        if max(0, args[2] - args[0] + args[1]) <= y < min(args[1], args[2])
    ],
    "beta_negative_binomial": [
        (y, args)
        for args in [(0.7, 0.5, 0.3), (3.0, 2.5, 4.0), (40.0, 300.0, 20.0), (2.5, 0.1, 1e-6), (1e3, 6.0, 30.0), (1e4, 1e4, 5e3)]
        for y in [0, 1, 5, 40, 63, 64, 300, 2000, 5500]
        if y <= 300 or args[0] != 40.0
    ],
    "generalized_poisson": [
        (y, args)
        for args in [(1e-3, 0.5), (2.5, 1e-3), (2.5, 0.3), (40.0, 0.9), (0.7, 0.99), (9.1, -0.4), (2.1, -0.5)]
        for y in [0, 1, 3, 8, 20, 64, 150, 400]
        if args[1] >= 0 or args[0] + args[1] * (y + 1) > 0
    ],
    "bernoulli": [(0, (p,)) for p in [1e-300, 1e-9, 0.01, 0.125, 0.3, 0.5, 0.75, 0.9, 0.96, 1 - 2.0**-40]],
    "bernoulli_logit": [(0, (eta,)) for eta in [-600.0, -18.0, -2.0, -0.3, 0.0, 0.8, 1.5, 3.5, 40.0, 600.0]],
    "zero_inflated_poisson": [(y, (p, r)) for y in FEW for p in SHARES for r in [1e-3, 0.7, 3.3, 52.0, 1010.0]],
    "hurdle_poisson": [(y, (p, r)) for y in FEW for p in SHARES for r in [1e-3, 0.7, 3.3, 52.0, 1010.0]],
    "zero_inflated_binomial": [
        (y, (p, n, q)) for y in FEW for p in SHARES for n, q in [(7.0, 0.3), (1e3, 0.02), (1e4, 0.096)] if y < n
    ],
    "zero_inflated_negative_binomial": [(y, (p, *args)) for y in FEW for p in SHARES for args in NEGATIVE_BINOMIALS],
    "hurdle_negative_binomial": [(y, (p, *args)) for y in FEW for p in SHARES for args in NEGATIVE_BINOMIALS],
    "hurdle_gamma": [(y, (p, *args)) for p in SHARES for y, args in gamma_points(GAMMAS[2:8])],
    "zero_one_inflated_beta": [
        (y, (p, one, *args))
        for p, one in [(0.3, 0.6), (1e-6, 0.01), (0.9, 0.5)]
        for args in BETAS[1:7]
        for y in unit_points(*args)
        if y > 1e-50
    ],
    "skew_student_t": [
        (m + y * s, (a, b, m, s))
        for a, b in [(0.5, 0.5), (2.0, 3.0), (6.0, 0.7), (40.0, 300.0)]
        for m, s in LOCATIONS[:2]
        for y in [*LINE, 0.0]
        if a < 10 or abs(y) < 30
    ],
    "gamma": gamma_points(GAMMAS) + [(1e10 + k * 1e5, (1e10, 1.0)) for k in (-5.0, 0.3)],
    "gamma_log": [(y, (a, -0.5)) for y, (a, _) in gamma_points((a, a * float(exp(0.5))) for a, _ in GAMMAS)],
    "inverse_gamma": [(1 / y, args) for y, args in gamma_points(GAMMAS)],
    "chi_squared": [(y, (2 * a,)) for y, (a, _) in gamma_points((a, 0.5) for a, _ in GAMMAS)],
    "chi": [(y**0.5, (2 * a,)) for y, (a, _) in gamma_points((a, 0.5) for a, _ in GAMMAS)],
    "maxwell": [(y, args) for args in SCALES for y in [1e-60, *POSITIVE, 0.5, 7.5, 200.0]],
    "beta": [(y, args) for args in BETAS for y in unit_points(*args)] + [(0.2502, (1e7, 3e7)), (0.24985, (1e7, 3e7))],
    "beta_proportion": [(y, (a / (a + b), a + b)) for a, b in BETAS for y in unit_points(a, b)],
    "student_t": [
        (m + y * s, (nu, m, s)) for nu in DEGREES for m, s in LOCATIONS[:2] for y in [*LINE, 0.0] if nu < 1e3 or abs(y) < 30
    ],
    "half_student_t": [(y, (nu, *s)) for nu in DEGREES for s in SCALES for y in [*WIDE[1:], 1e200] if nu < 1e3 or y < 30 * s[0]],
    "poisson": [(y, (r,)) for y in SIZES for r in rates(y)] + [(10**10, (1e10 + 3e5,)), (10**10, (1e10 - 2e4,))],
    "poisson_log": [(y, (float(log(r)),)) for y in SIZES for r in rates(y)],
    "geometric": [(y, (p,)) for y in SIZES[1:] for p in (1e-8, 0.125, 0.3, 0.7, 0.96)],
    "geometric_logit": [(y, (eta,)) for y in SIZES[1:] for eta in (-18.0, -2.0, -0.3, 0.8, 3.5)],
    "discrete_uniform": [(y, ends) for ends in [(-2.0, 9.0), (0.0, 1e9), (3.0, 12.0)] for y in (3, 4, 5, 7, 8)],
    "discrete_weibull": [(y, args) for y in SIZES for args in [(0.5, 1.0), (0.9, 0.4), (0.999, 1.7), (0.2, 0.1)]],
    "binomial": [
        (y, (float(n), p))
        for n in SIZES[1:-2]
        for p in (1e-6, 0.02, 0.3, 0.5, 0.96)
        for y in counts_around(n * p, (n * p * (1 - p)) ** 0.5, n)
    ]
    + [(10**6 // 5 + 900, (1e6, 0.2)), (10**8 // 2 - 9 * 10**4, (1e8, 0.5)), (99, (1e8, 1e-6))],
    "negative_binomial": [
        (y, (m, a))
        for m in (1e-6, 0.7, 12.0, 1e4, 1e6)
        for a in (0.05, 1.0, 6.5, 300.0, 1e6)
        for y in counts_around(m, (m + m * m / a) ** 0.5, 1e8)
    ],
}
POINTS["binomial_logit"] = [(y, (n, float(log(p / (1 - p))))) for y, (n, p) in POINTS["binomial"] if n < 1e5]
POINTS["negative_binomial_log"] = [(y, (float(log(m)), a)) for y, (m, a) in POINTS["negative_binomial"] if m < 1e4]


FIXED = {"beta_binomial": 3}   # the place of an argument by which there is no derivative


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


def sum_cases(log_tail, points, is_of_counts, fixed=None):
    with mp.workdps(150):
        for y, args in points:
            point = [mpf(y), *map(mpf, args)]
            value = log_tail(*point)
            slopes = [slope(log_tail, point, k) if k != fixed else mpf(0) for k in range(int(is_of_counts), len(point))]
            if not all(map(fits, [value, *slopes])):
                continue
            # Of larger numbers a float does not hold how far they are from each other, nor from 1 of those next to it.
            held = max(y, *args) <= 10**4 and not 1 - 1e-7 < y < 1
            single = held and all(abs(v) < 5 for v in slopes) and 1e-2 < abs(value) < 2
            d_args = [float(s) for s in slopes[len(slopes) - len(args):]]
            yield {"y": y, "args": list(args), "log_density": float(value), "d_y": None if is_of_counts else float(slopes[0]),
                   "d_args": d_args} | ({"single": True} if single else {})


def bounded_cases(name):
    for y, args in BOUNDED_POINTS[name]:
        yield from sum_cases(BOUNDED[name](y, args), [(y, args)], False)


def main():
    distributions = {name: {"cases": list(bounded_cases(name))} for name in BOUNDED}
    for name, both in (COUNTS | SUMS).items():
        for which, suffix in enumerate(("log_cdf", "log_ccdf")):
            cases_of_tail = sum_cases(lambda *x: both(*x)[which], POINTS[name], name in COUNTS, FIXED.get(name))
            distributions[f"{name}_{suffix}"] = {"cases": list(cases_of_tail)}
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
