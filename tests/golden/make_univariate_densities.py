#!/usr/bin/env python3
"""Log densities and their derivatives to 50 digits, as make_densities.py's, of the distributions that it does not have.

    python3 tests/golden/make_univariate_densities.py [names ...]

Needs mpmath; writes continuous_densities.json, discrete_densities.json and category_densities.json beside itself, all or
the named distributions anew. Derivatives are central differences at 80 digits. Argument order and parameterisation are
those of include/lockstep/distributions.

A case is left out if a value of it is beyond the range of a double; or if it hangs on rounding: one rounding of an input,
or of its logarithm, moves the log density or the gradient by a tenth of what the tests allow. Of a location family that is
one of y - mu, which is exact. `single` marks the cases that single precision must get right: those that float's rounding of
inputs, y and mu too, moves by less than 2e-6.
"""

import json
import pathlib
import platform
import sys

import mpmath
from mpmath import cos, exp, expm1, log, log1p, loggamma, mp, mpf, pi, sqrt

mp.dps = 50
HALF = mpf(1) / 2


def sign(x):
    return mpmath.sign(x)


def log_choose(n, k):
    return loggamma(n + 1) - loggamma(k + 1) - loggamma(n - k + 1)


def log_beta(a, b):
    return loggamma(a) + loggamma(b) - loggamma(a + b)


def softplus(x):
    return log1p(exp(x)) if x < 0 else x + log1p(exp(-x))


# ---- continuous


def normal(y, mu, sigma):
    return -(((y - mu) / sigma) ** 2) / 2 - log(sigma) - log(2 * pi) / 2


def laplace(y, mu, b):
    return -log(2 * b) - abs(y - mu) / b


def asymmetric_laplace(y, kappa, mu, b):
    return log(b / (kappa + 1 / kappa)) - abs(y - mu) * b * (kappa if y > mu else 1 / kappa)


def logistic(y, mu, s):
    z = abs(y - mu) / s
    return -z - 2 * log1p(exp(-z)) - log(s)


def log_logistic(y, alpha, beta):
    return logistic(log(y), log(alpha), 1 / beta) - log(y)


def gumbel(y, mu, beta):
    z = (y - mu) / beta
    return -z - exp(-z) - log(beta)


def weibull(y, alpha, beta):
    return log(alpha / beta) + (alpha - 1) * log(y / beta) - (y / beta) ** alpha


def frechet(y, alpha, sigma):
    return log(alpha / sigma) - (alpha + 1) * log(y / sigma) - (y / sigma) ** -alpha


def rayleigh(y, sigma):
    return log(y) - 2 * log(sigma) - (y / sigma) ** 2 / 2


def gen_extreme(y, mu, sigma, xi):
    z = (y - mu) / sigma
    t = z if xi == 0 else log1p(xi * z) / xi
    return -log(sigma) - (1 + xi) * t - exp(-t)


def gen_pareto(y, mu, sigma, xi):
    z = (y - mu) / sigma
    t = z if xi == 0 else log1p(xi * z) / xi
    return -log(sigma) - (1 + xi) * t


def pareto(y, alpha, m):
    return log(alpha) + alpha * log(m) - (alpha + 1) * log(y)


def pareto_2(y, mu, lam, alpha):
    return log(alpha / lam) - (alpha + 1) * log1p((y - mu) / lam)


def gamma(y, alpha, beta):
    return alpha * log(beta) - loggamma(alpha) + (alpha - 1) * log(y) - beta * y


def chi_squared(y, nu):
    return gamma(y, nu / 2, HALF)


def chi(y, nu):
    return chi_squared(y * y, nu) + log(2 * y)


def maxwell(y, a):
    return log(2 / pi) / 2 + 2 * log(y) - 3 * log(a) - (y / a) ** 2 / 2


def kumaraswamy(y, a, b):
    return log(a * b) + (a - 1) * log(y) + (b - 1) * log(-expm1(a * log(y)))


def logit_normal(y, mu, sigma):
    return normal(log(y) - log1p(-y), mu, sigma) - log(y) - log1p(-y)


def beta(y, alpha, beta):
    return (alpha - 1) * log(y) + (beta - 1) * log1p(-y) - log_beta(alpha, beta)


def beta_proportion(y, mu, kappa):
    return beta(y, mu * kappa, (1 - mu) * kappa)


def zero_one_inflated_beta(y, zoi, coi, alpha, b):
    if y == 0:
        return log(zoi) + log1p(-coi)
    return log(zoi) + log(coi) if y == 1 else log1p(-zoi) + beta(y, alpha, b)


def triangular(y, lower, upper, c):
    if y < c:
        return log(2 * (y - lower) / ((upper - lower) * (c - lower)))
    return log(2 * (upper - y) / ((upper - lower) * (upper - c)))


def wald(y, mu, lam):
    return log(lam / (2 * pi)) / 2 - 3 * log(y) / 2 - lam * (y - mu) ** 2 / (2 * mu * mu * y)


def shifted_wald(y, mu, lam, alpha):
    return wald(y - alpha, mu, lam)


def moyal(y, mu, sigma):
    z = (y - mu) / sigma
    return -(z + exp(-z)) / 2 - log(sigma) - log(2 * pi) / 2


def exponential_log(y, eta):
    return -eta - y * exp(-eta)


def gamma_log(y, alpha, eta):
    return gamma(y, alpha, alpha * exp(-eta))


def polya_gamma(y, h, z):
    """By the alternating series, with as many more digits as its terms cancel."""
    wanted = mp.dps + 10
    digits = wanted + 20
    while True:
        with mp.workdps(digits):
            # exp(-((2 n + h)^2 - h^2)/(8 y)), each from the one before
            fall, falling, step = mpf(1), exp(-(1 + h) / (2 * y)), exp(-1 / y)
            total, largest, weight, n = mpf(0), mpf(0), mpf(1), 0
            while True:
                term = weight * (2 * n + h) * fall
                total += -term if n % 2 else term
                largest = max(largest, term)
                if term < largest * mpf(10) ** -digits:
                    break
                weight, fall, falling, n = weight * (n + h) / (n + 1), fall * falling, falling * step, n + 1
            if total > largest * mpf(10) ** (wanted - digits):
                tilt = h * log(mpmath.cosh(z / 2)) - z * z * y / 2
                return tilt + (h - 1) * log(2) + log(total) - h * h / (8 * y) - log(2 * pi * y**3) / 2
        digits *= 2


def hurdle_gamma(y, psi, alpha, beta):
    return log1p(-psi) if y == 0 else log(psi) + gamma(y, alpha, beta)


def hurdle_lognormal(y, psi, mu, sigma):
    return log1p(-psi) if y == 0 else log(psi) + normal(log(y), mu, sigma) - log(y)


def von_mises(y, mu, kappa):
    return kappa * cos(y - mu) - log(2 * pi) - log(mpmath.besseli(0, kappa))


def rice(y, nu, sigma):
    x = y * nu / sigma**2
    return log(y) - 2 * log(sigma) - (y * y + nu * nu) / (2 * sigma**2) + log(mpmath.besseli(0, x))


def log_normal_cdf(x):
    return log(mpmath.erfc(-x / sqrt(mpf(2))) / 2)


def skew_normal(y, mu, sigma, alpha):
    return log(2) + normal(y, mu, sigma) + log_normal_cdf(alpha * (y - mu) / sigma)


def ex_gaussian(y, mu, sigma, nu):
    a, z = sigma / nu, (y - mu) / sigma
    return -log(nu) + a * a / 2 - a * z + log_normal_cdf(z - a)


def skew_student_t(y, a, b, mu, sigma):
    z, c = (y - mu) / sigma, a + b
    r = sqrt(c + z * z)
    up, down = 1 + z / r, 1 - z / r
    return (a + HALF) * log(up) + (b + HALF) * log(down) - (c - 1) * log(2) - log_beta(a, b) - log(c) / 2 - log(sigma)


def log_normal_mass(a, b):
    if a + b > 0:
        a, b = -b, -a
    return log((mpmath.erfc(-b / sqrt(mpf(2))) - mpmath.erfc(-a / sqrt(mpf(2)))) / 2)


def truncated_normal(y, mu, sigma, lower, upper):
    return normal(y, mu, sigma) - log_normal_mass((lower - mu) / sigma, (upper - mu) / sigma)


def normal_above(y, mu, sigma, lower):
    return normal(y, mu, sigma) - log_normal_cdf((mu - lower) / sigma)


def normal_below(y, mu, sigma, upper):
    return normal(y, mu, sigma) - log_normal_cdf((upper - mu) / sigma)


def wiener(y, alpha, tau, b, delta):
    w, v = (1 - b, -delta) if y > 0 else (b, delta)
    time = abs(y) - tau
    u = time / alpha**2
    if u < 1:
        f = sum((w + 2 * k) * exp(-((w + 2 * k) ** 2) / (2 * u)) for k in range(-20, 21)) / sqrt(2 * pi * u**3)
    else:
        f = pi * sum(k * exp(-k * k * pi**2 * u / 2) * mpmath.sin(k * pi * w) for k in range(1, 16))
    return log(f) - 2 * log(alpha) - v * alpha * w - v * v * time / 2


# ---- discrete


def poisson(y, mu):
    return y * log(mu) - mu - loggamma(y + 1)


def binomial(y, n, p):
    return log_choose(n, y) + y * log(p) + (n - y) * log1p(-p)


def negative_binomial(y, mu, alpha):
    ways = loggamma(y + alpha) - loggamma(alpha) - loggamma(y + 1)
    return ways - alpha * log1p(mu / alpha) + y * log(mu / (alpha + mu))


def geometric(y, p):
    return log(p) + (y - 1) * log1p(-p)


def geometric_logit(y, eta):
    return -softplus(-eta) - (y - 1) * softplus(eta)


def discrete_uniform(y, lower, upper):
    return -log(upper - lower + 1)


def discrete_weibull(y, q, b):
    lower, upper = y**b if y > 0 else mpf(0), (y + 1) ** b
    return lower * log(q) + log(-expm1((upper - lower) * log(q)))


def zero_inflated(base):
    def density(y, psi, *args):
        if y > 0:
            return log(psi) + base(y, *args)
        return log(1 - psi + psi * exp(base(y, *args)))

    return density


def hurdle(base):
    def density(y, psi, *args):
        if y == 0:
            return log1p(-psi)
        return log(psi) + base(y, *args) - log(-expm1(base(mpf(0), *args)))

    return density


def beta_binomial(y, alpha, b, n):
    return log_choose(n, y) + log_beta(y + alpha, n - y + b) - log_beta(alpha, b)


def beta_negative_binomial(y, r, alpha, b):
    ways = loggamma(y + r) - loggamma(y + 1) - loggamma(r)
    return ways + log_beta(alpha + r, b + y) - log_beta(alpha, b)


def hypergeometric(y, everything, good, drawn):
    return log_choose(good, y) + log_choose(everything - good, drawn - y) - log_choose(everything, drawn)


def generalized_poisson(y, mu, lam):
    rate = mu + lam * y
    return log(mu) + (y - 1) * log(rate) - rate - loggamma(y + 1)


def skellam(y, mu1, mu2):
    x = 2 * sqrt(mu1 * mu2)
    order = abs(y)
    return -(mu1 + mu2) + y / 2 * log(mu1 / mu2) + log_bessel_i(order, x)


def log_bessel_i(order, x):
    return log(mpmath.besseli(order, x))


# ---- grids: pairs (y, arguments). Plain double arithmetic, because only the resulting doubles matter.

SCALES = [1e-8, 1e-3, 1.0, 250.0, 1e8]
POSITIVE = [1e-8, 1e-3, 0.3, 1.0, 7.5, 1e3, 1e8]
PROBABILITIES = [1e-300, 1e-8, 0.03, 0.5, 0.97, 1 - 1e-8]


def location_grid(standardised, *shapes):
    """y, mu, sigma around standardised values; `shapes` come first."""
    for mu, sigma in [(0.0, 1.0), (1.5, 1e-8), (-3e5, 250.0), (0.3, 1e8), (-2.0, 1e-3)]:
        for z in standardised:
            yield mu + z * sigma, [*shapes, mu, sigma]


def symmetric_grid():
    return location_grid([0.3, -0.9, -1.7, 4.0, -38.0, 1e3, -1e6, 1e10, 1e-6])


def falling_grid():
    return location_grid([0.0, 0.3, -0.9, -1.7, -6.0, 4.0, 38.0, 1e3, 1e6, 1e-7])


def asymmetric_laplace_grid():
    for kappa in [1e-3, 0.4, 1.0, 1.7, 300.0]:
        for y, (mu, b) in location_grid([0.3, -0.9, 4.0, -38.0, 1e3]):
            yield mu + (y - mu) / b**2, [kappa, mu, b]


def power_grid():
    """Shape and scale of what has (y/scale)^shape."""
    for shape in [1e-3, 0.5, 1.0, 2.5, 40.0, 1e4]:
        for scale in [1e-8, 0.7, 1e8]:
            for log_power in [-300.0, -20.0, -1.3, 0.4, 3.0, 6.0]:
                y = float(scale * mpmath.exp(log_power / shape))
                if 0 < y < 1e300:
                    yield y, [shape, scale]


def reflected_power_grid():
    for y, (shape, scale) in power_grid():
        if 0 < 1 / y < 1e300:
            yield 1 / y, [shape, scale]


def log_logistic_grid():
    for y, args in [*power_grid(), *reflected_power_grid()]:
        yield y, args[::-1]


def scale_grid():
    for scale in POSITIVE:
        for z in [1e-10, 0.01, 0.5, 1.3, 3.0, 38.0, 1e3, 1e6]:
            yield z * scale, [scale]


def gen_extreme_grid():
    for xi in [-2.0, -0.5, -1e-3, -1e-9, 0.0, 1e-12, 1e-5, 0.2, 1.0, 8.0]:
        for mu, sigma in [(0.0, 1.0), (1.5, 1e-8), (-3e5, 250.0)]:
            for z in [-6.0, -1.2, -1e-7, 0.0, 0.3, 2.2, 45.0, 1e6]:
                if xi * z > -1:
                    yield mu + z * sigma, [mu, sigma, xi]


def gen_pareto_grid():
    for xi in [-2.0, -0.5, -1e-3, -1e-9, 0.0, 1e-12, 1e-5, 0.2, 1.0, 8.0]:
        for mu, sigma in [(0.0, 1.0), (1.5, 1e-8), (-3e5, 250.0)]:
            for z in [1e-7, 0.3, 0.49, 2.2, 45.0, 1e6]:
                if xi * z > -1:
                    yield mu + z * sigma, [mu, sigma, xi]


def pareto_grid():
    for alpha in POSITIVE:
        for m in [1e-8, 0.7, 1e8]:
            for ratio in [1 + 1e-6, 1.02, 1.7, 30.0, 1e10]:
                yield m * ratio, [alpha, m]


def pareto_2_grid():
    for alpha in POSITIVE:
        for mu, scale in [(0.0, 1.0), (1.5, 1e-8), (-3e5, 250.0), (2.0, 1e8)]:
            for z in [1e-6, 0.02, 1.7, 30.0, 1e10]:
                yield mu + z * scale, [mu, scale, alpha]


SHAPES = [1e-3, 0.1, 0.5, 1.0, 2.5, 9.99, 20.0, 1e3, 1e5, 1e8]


def shape_factors(alpha):
    few = [1e-12, 1e-3, 0.3, 1.4, 10.0, 1e3] if alpha < 1 else [1e-12, 1e-3, 1e3]
    return few + ([1 + k / alpha**0.5 for k in (-0.8, -0.4, 0.5, 4.0)] if alpha >= 1 else [])


def chi_squared_grid():
    for alpha in SHAPES:
        for factor in shape_factors(alpha):
            yield 2 * alpha * factor, [2 * alpha]


def chi_grid():
    for y, args in chi_squared_grid():
        yield y**0.5, args


def unit_points():
    return [1e-300, 1e-10, 0.03, 0.4, 0.9, 1 - 1e-6]


def kumaraswamy_grid():
    for a in [1e-3, 0.5, 1.0, 3.0, 1e3]:
        for b in [1e-3, 0.5, 1.0, 3.0, 1e6]:
            for y in [*unit_points(), 1e-3 ** (1 / a), 0.6 ** (1 / a)]:
                if 0 < y < 1:
                    yield y, [a, b]


def logit_normal_grid():
    for mu in [0.0, 1.5, -20.0, 30.0]:
        for sigma in [1e-3, 0.3, 2.0, 40.0, 1e8]:
            for z in [0.0, 0.3, -1.7, 6.0]:
                y = float(1 / (1 + mpmath.exp(-(mu + z * sigma))))
                if 0 < y < 1:
                    yield y, [mu, sigma]


def beta_proportion_grid():
    for mu in [1e-8, 0.03, 0.5, 0.9, 1 - 1e-6]:
        for kappa in [1e-3, 1.0, 3.0, 50.0, 1e4, 1e8]:
            sd = (mu * (1 - mu) / (1 + kappa)) ** 0.5
            for y in [1e-10, 0.4, 0.999, mu - 1.2 * sd, mu + 0.7 * sd, mu + 5 * sd]:
                if 0 < y < 1:
                    yield y, [mu, kappa]


def zero_one_inflated_beta_grid():
    for zoi in [1e-8, 0.3, 1 - 1e-6]:
        for coi in [1e-8, 0.6, 1 - 1e-6]:
            for a, b in [(0.5, 0.5), (3.0, 50.0), (1e4, 1e4)]:
                for y in [0.0, 1.0, 1e-10, 0.07, 0.52]:
                    yield y, [zoi, coi, a, b]


def triangular_grid():
    for lower, upper in [(0.0, 1.0), (-1.0, 2.5), (3e5, 3e5 + 1e-2), (-1e8, 1e8)]:
        for share in [0.0, 1e-6, 0.3, 0.9, 1.0]:
            for at in [1e-9, 0.2, 0.5, 0.95, 1 - 1e-9]:
                c, y = lower + share * (upper - lower), lower + at * (upper - lower)
                if y != c and lower < y < upper:
                    yield y, [lower, upper, c]


def wald_grid():
    for mu in [1e-6, 0.4, 1.0, 30.0, 1e6]:
        for lam in [1e-6, 0.5, 2.0, 1e3, 1e8]:
            for ratio in [1e-8, 1e-2, 0.6, 1.3, 20.0, 1e6]:
                yield mu * ratio, [mu, lam]


def shifted_wald_grid():
    for y, (mu, lam) in wald_grid():
        for alpha in [0.0, -3.0]:
            if mu == 1.0 or mu == 30.0:
                yield alpha + y, [mu, lam, alpha]


def exponential_log_grid():
    for eta in [-700.0, -20.0, -1.0, 0.0, 0.4, 30.0, 700.0]:
        for ratio in [1e-10, 0.01, 0.6, 1.9, 30.0, 1e4]:
            y = float(ratio * mpmath.exp(eta))
            if 0 < y < 1e300:
                yield y, [eta]


def gamma_log_grid():
    for alpha in SHAPES:
        for eta in [-18.0, 0.3, 18.0]:
            for factor in shape_factors(alpha):
                yield float(factor * mpmath.exp(eta)), [alpha, eta]


def polya_gamma_grid():
    for h in [0.01, 0.3, 0.99, 1.0, 2.5, 20.0, 300.0]:
        for share in [1e-6, 1e-3, 0.05, 0.4, 0.9, 1.0, 1.6, *([4.0, 20.0, 100.0] if h < 10 else [])]:
            for z in [0.0, 0.5, -3.0, 40.0]:
                yield h / 4 * share, [h, z]
    for share in [0.93, 1.0, 1.05]:
        yield 750 * share, [3000.0, 0.5]


HURDLES = [1e-8, 0.2, 0.7, 1 - 1e-6]


def hurdle_gamma_grid():
    for psi in HURDLES:
        for alpha in [1e-3, 0.5, 1.0, 20.0, 1e5]:
            for rate in [1e-8, 0.3]:
                for y in [0.0, *(alpha / rate * f for f in shape_factors(alpha))]:
                    yield y, [psi, alpha, rate]


def hurdle_lognormal_grid():
    for psi in HURDLES:
        for mu in [0.0, 1.5, -20.0]:
            for sigma in [1e-3, 1.0, 250.0]:
                for z in [0.3, -1.7, 4.0]:
                    if abs(mu + z * sigma) < 700:
                        yield float(mpmath.exp(mu + z * sigma)), [psi, mu, sigma]
                yield 0.0, [psi, mu, sigma]


COUNTS = [0, 1, 2, 5, 10, 100, 10**4, 10**6, 10**8]


def rates(y):
    return [1e-4, 0.7, 52.0, 1e6 + 900] + ([y * 1e-2, y + 0.6 * y**0.5, y + 7.0 * y**0.5] if y > 0 else [])


def geometric_grid():
    for p in PROBABILITIES:
        for y in [1, 2, 3, 10, 1000, 10**8]:
            yield y, [p]


def geometric_logit_grid():
    for eta in [-300.0, -20.0, -0.4, 0.0, 1.3, 45.0]:
        for y in [1, 2, 3, 10, 1000, 10**8]:
            yield y, [eta]


def discrete_uniform_grid():
    for lower, upper in [(0, 0), (0, 1), (-3, 7), (10**6, 10**8), (-(10**8), 10**8)]:
        for y in sorted({lower, (lower + upper) // 2, upper}):
            yield y, [float(lower), float(upper)]


def discrete_weibull_grid():
    for q in [1e-8, 0.1, 0.5, 0.9, 1 - 1e-6]:
        for b in [1e-3, 0.3, 1.0, 1.6, 4.0]:
            for y in [0, 1, 2, 10, 1000, 10**6]:
                yield y, [q, b]


def with_psi(grid):
    def generate():
        for psi in HURDLES:
            for y, args in grid():
                yield y, [psi, *args]

    return generate


def poisson_grid():
    for y in COUNTS:
        for rate in rates(y):
            yield y, [rate]


def binomial_grid():
    for n in [1, 5, 30, 10**4, 10**8]:
        for y in sorted({0, 1, n // 3, n}):
            for p in [1e-8, 0.03, 0.5, 0.97]:
                yield y, [float(n), p]


def negative_binomial_grid():
    for y in COUNTS:
        for alpha in [1e-3, 0.5, 7.7, 1e3, 1e6]:
            for mu in rates(y)[:5]:
                yield y, [mu, alpha]


def von_mises_grid():
    for kappa in [1e-8, 1e-3, 0.5, 2.0, 7.9, 8.1, 50.0, 1e4, 1e8]:
        for mu in [0.0, 1.5, -3.0]:
            for y in [-3.1, -0.4, 0.01, 1.4, 3.0, mu + kappa**-0.5]:
                if -3.14 < y < 3.14:
                    yield y, [mu, kappa]


def rice_grid():
    for sigma in [1e-3, 1.0, 250.0]:
        for ratio in [1e-8, 0.1, 1.0, 3.0, 40.0, 1e4]:
            for y in [1e-6, 0.3, 1.7, 6.0, ratio, ratio + 1.3, 2 * ratio]:
                yield y * sigma, [ratio * sigma, sigma]


def skew_normal_grid():
    for alpha in [-300.0, -4.0, -0.3, 0.0, 1e-6, 1.0, 30.0]:
        for mu, sigma in [(0.0, 1.0), (1.5, 1e-8), (-3e5, 250.0)]:
            for z in [0.3, -0.9, -1.7, 4.0, -38.0, 1e3, -1e4]:
                yield mu + z * sigma, [mu, sigma, alpha]


def ex_gaussian_grid():
    for mu, sigma in [(0.0, 1.0), (1.5, 1e-3), (-300.0, 250.0)]:
        for ratio in [1e-3, 0.04, 0.5, 1.0, 7.0, 1e3]:
            for z in [0.3, -0.9, -6.0, 4.0, -38.0, 50.0, 1e3]:
                yield mu + z * sigma, [mu, sigma, sigma * ratio]


def skew_student_t_grid():
    for a, b in [(0.1, 3.0), (0.5, 0.5), (2.0, 1.0), (4.5, 30.0), (1e3, 1.1e3), (1e5, 1e5), (0.05, 1e4)]:
        for mu, sigma in [(0.0, 1.0), (1.5, 1e-8), (-300.0, 1e8)]:
            for z in [0.3, -1.7, 6.0, -1e3, 1e6]:
                yield mu + z * sigma, [a, b, mu, sigma]


def truncated_normal_grid():
    for mu, sigma in [(0.0, 1.0), (1.5, 1e-3), (-300.0, 250.0)]:
        for a, b in [(-1.0, 2.0), (-40.0, 0.1), (-0.3, -0.2), (3.0, 9.0), (30.0, 31.0), (-100.0, -99.9), (-1e3, 1e3),
                     (2.0, 2.0625)]:
            for share in [0.02, 0.4, 0.97]:
                yield mu + sigma * (a + share * (b - a)), [mu, sigma, mu + sigma * a, mu + sigma * b]


def one_sided_grid(side):
    def generate():
        for mu, sigma in [(0.0, 1.0), (1.5, 1e-3), (-300.0, 250.0)]:
            for a in [-40.0, -2.0, -0.3, 0.0, 1.1, 6.0, 40.0, 1e3]:
                for step in [1e-3, 0.4, 3.0]:
                    yield mu + side * sigma * (a + step), [mu, sigma, mu + side * sigma * a]

    return generate


SHAPE_PAIRS = [(1e-3, 0.5), (0.5, 0.5), (1.0, 3.0), (50.0, 7.0), (1e4, 1e4), (1e8, 1e6)]


def beta_binomial_grid():
    for n in [1, 5, 30, 10**4, 10**8]:
        for y in sorted({0, 1, n // 3, n // 2, n}):
            for a, b in SHAPE_PAIRS:
                yield y, [a, b, float(n)]


def beta_negative_binomial_grid():
    for y in COUNTS:
        for r in [0.3, 5.0, 1e4]:
            for a, b in SHAPE_PAIRS:
                yield y, [r, a, b]


def hypergeometric_grid():
    for everything, good, drawn in [(1, 1, 1), (10, 3, 4), (10, 8, 6), (100, 50, 20), (10**6, 300, 5 * 10**5),
                                    (10**8, 4 * 10**7, 10**6), (50, 0, 7), (50, 20, 50), (50, 20, 0)]:
        least, most, mean = max(0, drawn - everything + good), min(good, drawn), good * drawn // everything
        for y in sorted({least, mean, min(most, mean + 1), most}):
            yield y, [float(everything), float(good), float(drawn)]


def generalized_poisson_grid():
    for y in COUNTS:
        for mu in rates(y):
            for lam in [-0.2, -1e-6, 0.0, 1e-6, 0.3, 0.99]:
                if mu + lam * y > 0:
                    yield y, [mu, lam]


def skellam_grid():
    for mu1, mu2 in [(1e-6, 2e-6), (0.3, 0.2), (1.0, 7.0), (40.0, 30.0), (900.0, 3.0), (1e-3, 500.0), (1e5, 1.01e5)]:
        mean, sd = round(mu1 - mu2), (mu1 + mu2) ** 0.5
        for y in sorted({0, 1, -1, 5, 19, -20, 21, mean, round(mean + 1.3 * sd), round(mean - 5 * sd), 1000}):
            yield y, [mu1, mu2]


def wiener_grid():
    for alpha in [0.1, 1.0, 2.5]:
        for b in [0.01, 0.3, 0.5, 0.95]:
            for delta in [-4.0, 0.0, 0.3, 25.0]:
                for u in [1e-3, 0.04, 0.29, 0.31, 0.8, 7.0]:
                    for side in [1, -1]:
                        yield side * (0.2 + u * alpha**2), [alpha, 0.2, b, delta]


# name: (arguments, log density, grid, index of the location argument or None)
CONTINUOUS = {
    "laplace": (["mu", "b"], laplace, symmetric_grid, 0),
    "asymmetric_laplace": (["kappa", "mu", "b"], asymmetric_laplace, asymmetric_laplace_grid, 1),
    "logistic": (["mu", "s"], logistic, symmetric_grid, 0),
    "log_logistic": (["alpha", "beta"], log_logistic, log_logistic_grid, None),
    "gumbel": (["mu", "beta"], gumbel, falling_grid, 0),
    "weibull": (["alpha", "beta"], weibull, power_grid, None),
    "frechet": (["alpha", "sigma"], frechet, reflected_power_grid, None),
    "rayleigh": (["sigma"], rayleigh, scale_grid, None),
    "gen_extreme": (["mu", "sigma", "xi"], gen_extreme, gen_extreme_grid, 0),
    "gen_pareto": (["mu", "sigma", "xi"], gen_pareto, gen_pareto_grid, 0),
    "pareto": (["alpha", "m"], pareto, pareto_grid, None),
    "pareto_2": (["mu", "lambda", "alpha"], pareto_2, pareto_2_grid, 0),
    "chi_squared": (["nu"], chi_squared, chi_squared_grid, None),
    "chi": (["nu"], chi, chi_grid, None),
    "maxwell": (["a"], maxwell, scale_grid, None),
    "kumaraswamy": (["a", "b"], kumaraswamy, kumaraswamy_grid, None),
    "logit_normal": (["mu", "sigma"], logit_normal, logit_normal_grid, None),
    "beta_proportion": (["mu", "kappa"], beta_proportion, beta_proportion_grid, None),
    "zero_one_inflated_beta": (
        ["zoi", "coi", "alpha", "beta"], zero_one_inflated_beta, zero_one_inflated_beta_grid, None),
    "triangular": (["lower", "upper", "c"], triangular, triangular_grid, None),
    "wald": (["mu", "lambda"], wald, wald_grid, None),
    "shifted_wald": (["mu", "lambda", "alpha"], shifted_wald, shifted_wald_grid, 2),
    "moyal": (["mu", "sigma"], moyal, falling_grid, 0),
    "exponential_log": (["eta"], exponential_log, exponential_log_grid, None),
    "gamma_log": (["alpha", "eta"], gamma_log, gamma_log_grid, None),
    "von_mises": (["mu", "kappa"], von_mises, von_mises_grid, 0),
    "rice": (["nu", "sigma"], rice, rice_grid, None),
    "skew_normal": (["mu", "sigma", "alpha"], skew_normal, skew_normal_grid, 0),
    "ex_gaussian": (["mu", "sigma", "nu"], ex_gaussian, ex_gaussian_grid, 0),
    "skew_student_t": (["a", "b", "mu", "sigma"], skew_student_t, skew_student_t_grid, 2),
    "truncated_normal": (["mu", "sigma", "lower", "upper"], truncated_normal, truncated_normal_grid, None),
    "truncated_normal_above": (["mu", "sigma", "lower"], normal_above, one_sided_grid(1), None),
    "truncated_normal_below": (["mu", "sigma", "upper"], normal_below, one_sided_grid(-1), None),
    "polya_gamma": (["h", "z"], polya_gamma, polya_gamma_grid, None),
    "wiener": (["alpha", "tau", "beta", "delta"], wiener, wiener_grid, None),
    "hurdle_gamma": (["psi", "alpha", "beta"], hurdle_gamma, hurdle_gamma_grid, None),
    "hurdle_lognormal": (["psi", "mu", "sigma"], hurdle_lognormal, hurdle_lognormal_grid, None),
}
DISCRETE = {
    "geometric": (["p"], geometric, geometric_grid, None),
    "geometric_logit": (["eta"], geometric_logit, geometric_logit_grid, None),
    "discrete_uniform": (["lower", "upper"], discrete_uniform, discrete_uniform_grid, None),
    "discrete_weibull": (["q", "beta"], discrete_weibull, discrete_weibull_grid, None),
    "beta_binomial": (["alpha", "beta", "n"], beta_binomial, beta_binomial_grid, None),
    "beta_negative_binomial": (["r", "alpha", "beta"], beta_negative_binomial, beta_negative_binomial_grid, None),
    "hypergeometric": (["N", "k", "n"], hypergeometric, hypergeometric_grid, None),
    "generalized_poisson": (["mu", "lambda"], generalized_poisson, generalized_poisson_grid, None),
    "skellam": (["mu1", "mu2"], skellam, skellam_grid, None),
    "zero_inflated_poisson": (["psi", "mu"], zero_inflated(poisson), with_psi(poisson_grid), None),
    "zero_inflated_binomial": (["psi", "n", "p"], zero_inflated(binomial), with_psi(binomial_grid), None),
    "zero_inflated_negative_binomial": (
        ["psi", "mu", "alpha"], zero_inflated(negative_binomial), with_psi(negative_binomial_grid), None),
    "hurdle_poisson": (["psi", "mu"], hurdle(poisson), with_psi(poisson_grid), None),
    "hurdle_negative_binomial": (
        ["psi", "mu", "alpha"], hurdle(negative_binomial), with_psi(negative_binomial_grid), None),
}
# Values that have a probability of their own: no derivative by y there.
ATOMS = {zero_one_inflated_beta: (0, 1), hurdle_gamma: (0,), hurdle_lognormal: (0,)}
MOST_CASES = 150


def gradient(density, point, discrete, digits):
    """Central differences; zero by y where it is discrete."""
    result = []
    for i, x in enumerate(point):
        if i == 0 and (discrete or x in ATOMS.get(density, ())):
            result.append(mpf(0))
            continue
        step = (abs(x) or mpf(1)) * mpf(10) ** -(digits // 3)
        above, below = list(point), list(point)
        above[i] += step
        below[i] -= step
        with mp.workdps(digits + max(0, -int(mpmath.log10(step)) - digits // 3)):
            result.append((density(*above) - density(*below)) / (2 * step))
    return result


def shifted(point, location, i, size):
    """`point` with input i moved by one rounding; None if that input is exact."""
    moved = list(point)
    if location is not None and i == 0:
        moved[0] = point[1 + location] + (point[0] - point[1 + location]) * (1 + size)
    elif location is not None and i == 1 + location:
        return None
    elif point[i] == 0:
        return None
    else:
        moved[i] *= 1 + size * max(1, abs(log(abs(point[i]))))
    return moved


def movement(density, point, location, discrete, size, value, slopes):
    """How much roundings of size `size` move the log density and the gradient, relative to max(1, |what it is|)."""
    of_value = of_slopes = mpf(0)
    for i in range(1 if discrete else 0, len(point)):
        moved = shifted(point, location, i, size)
        if moved is None:
            continue
        try:
            with mp.workdps(60):
                of_value = max(of_value, abs(density(*moved) - value) / max(1, abs(value)))
                for new, old in zip(gradient(density, moved, discrete, 60), slopes):
                    of_slopes = max(of_slopes, abs(new - old) / max(1, abs(old)))
        except (ValueError, ZeroDivisionError, TypeError):
            return mpf("inf"), mpf("inf")
        if isinstance(of_value, mpmath.mpc) or isinstance(of_slopes, mpmath.mpc):
            return mpf("inf"), mpf("inf")
    return of_value, of_slopes


def case(density, location, discrete, y, args):
    """One case as a dict, or None if it is left out."""
    point = [mpf(y), *(mpf(a) for a in args)]
    with mp.workdps(80):
        value = density(*point)
        slopes = gradient(density, point, discrete, 80)
    numbers = [value, *slopes]
    if any(isinstance(v, mpmath.mpc) or not abs(v) < mpf(10) ** 300 for v in numbers):
        return None
    of_value, of_slopes = movement(density, point, location, discrete, mpf(2) ** -53, value, slopes)
    if of_value > 1e-11 or of_slopes > 1e-10:
        return None
    of_single = movement(density, point, None, discrete, mpf(2) ** -24, value, slopes)
    sizes = [abs(v) for v in [*point, *numbers] if v != 0]
    single = max(of_single) < 2e-6 and max(sizes) < 1e8 and min(sizes[:len(point)]) > 2e-3
    return {"y": y, "args": args, "log_density": float(value), "d_y": None if discrete else float(slopes[0]),
            "d_args": [float(s) for s in slopes[1:]], "single": bool(single)}


# ---- categories, whose arguments are a vector and, where they are ordered, a number: y, [eta, *vector] or [*vector]


def categorical(y, *p):
    return log(p[int(y)])


def categorical_logit(y, *eta):
    largest = max(eta)
    return eta[int(y)] - largest - log(sum(exp(e - largest) for e in eta))


def ordered(cdf, survival):
    """By whichever of the tails has the digits."""

    def density(y, eta, *cuts):
        k = int(y)
        lower = cuts[k - 1] - eta if k > 0 else None
        upper = cuts[k] - eta if k < len(cuts) else None
        if lower is None:
            return log(cdf(upper))
        if upper is None:
            return log(survival(lower))
        return log(cdf(upper) - cdf(lower) if lower + upper < 0 else survival(lower) - survival(upper))

    return density


def logistic_cdf(x):
    return 1 / (1 + exp(-x))


def normal_cdf(x):
    return mpmath.erfc(-x / sqrt(mpf(2))) / 2


def simplex_grid():
    for p in [[0.2, 0.8], [1e-300, 1 - 1e-16], [0.1, 0.2, 0.3, 0.4], [1e-8, 0.5, 0.25, 0.125, 0.124]]:
        for y in range(len(p)):
            yield y, p


def logits_grid():
    for eta in [[0.0, 0.0], [0.3, -0.4, 1.7], [-700.0, 0.0, 30.0], [1e8, 1e8 - 2.0, 5.0, -1e8], [-2e3, -2e3 + 0.4]]:
        for y in range(len(eta)):
            yield y, eta


def cuts_grid():
    for eta in [0.0, -0.7, 4.0, -30.0, 60.0]:
        for cuts in [[0.5], [-1.0, 2.5], [-3.0, -0.1, -0.05, 4.0], [-20.0, 30.0, 31.0], [1.0, 1.0 + 1e-3]]:
            for y in range(len(cuts) + 1):
                yield y, [eta, *cuts]


CATEGORIES = {
    "categorical": ("p", categorical, simplex_grid, None),
    "categorical_logit": ("eta", categorical_logit, logits_grid, None),
    "ordered_logistic": ("eta, cutpoints", ordered(logistic_cdf, lambda x: logistic_cdf(-x)), cuts_grid, None),
    "ordered_probit": ("eta, cutpoints", ordered(normal_cdf, lambda x: normal_cdf(-x)), cuts_grid, None),
}


def thinned(cases):
    if len(cases) <= MOST_CASES:
        return cases
    return [cases[i * len(cases) // MOST_CASES] for i in range(MOST_CASES)]


def write(file, table, discrete, names):
    path = pathlib.Path(__file__).with_name(file)
    kept = json.loads(path.read_text())["distributions"] if names and path.exists() else {}
    blocks = []
    for name, (arguments, density, grid, location) in table.items():
        if name in kept and name not in names:
            cases = kept[name]["cases"]
        else:
            cases = thinned([c for y, args in grid() if (c := case(density, location, discrete, y, args))])
            print(name, len(cases), sum(c["single"] for c in cases), flush=True)
        lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
        blocks.append(f'{json.dumps(name)}:{{"arguments":{json.dumps(arguments)},"cases":[\n{lines}\n]}}')
    header = {
        "command": "python3 tests/golden/make_univariate_densities.py",
        "versions": {"python": platform.python_version(), "mpmath": mpmath.__version__},
    }
    text = json.dumps(header)[:-1] + ',\n"distributions":{\n' + ",\n".join(blocks) + "\n}}\n"
    path.write_text(text, encoding="ascii")


def main():
    write("continuous_densities.json", CONTINUOUS, False, sys.argv[1:])
    write("discrete_densities.json", DISCRETE, True, sys.argv[1:])
    write("category_densities.json", CATEGORIES, True, sys.argv[1:])


if __name__ == "__main__":
    main()
