#!/usr/bin/env python3
"""Log densities and their derivatives to 50 digits, written to tests/golden/densities.json.

    python3 tests/golden/make_densities.py

Needs mpmath. Every input is a double and is converted exactly, so a reference is the value at the very numbers a test
passes on. Densities are normalised. Argument order and parameterisation are PyMC's; normal_mixture2 is
weight1 N(mu1, sigma1) + (1 - weight1) N(mu2, sigma2).

Each distribution is a log density and the formulas of its partial derivatives; this script stops if one of them differs
from a central difference taken with more than 120 digits. A case is left out if a value of it is beyond the range of a
double, or if it needs more digits of log(y), exp(eta), n p or alpha + mu than a double holds (lognormal with a very small
sigma; counts of 1e8 that equal their expectation; a dispersion of 1e-8 near its estimate).
"""

import json
import pathlib
import platform
import sys

import mpmath
from mpmath import digamma, exp, log, log1p, loggamma, mp, mpf, pi, sqrt

mp.dps = 50
DIFFERENCE_DIGITS = 120


# Log densities, and the partial derivatives (with respect to y, then to each argument; a discrete y has none).


def normal(y, mu, sigma):
    return -(((y - mu) / sigma) ** 2) / 2 - log(sigma) - log(2 * pi) / 2


def normal_d(y, mu, sigma):
    z = (y - mu) / sigma
    return -z / sigma, [z / sigma, (z * z - 1) / sigma]


def half_normal(y, sigma):
    return normal(y, 0, sigma) + log(2)


def half_normal_d(y, sigma):
    d_y, (_, d_sigma) = normal_d(y, mpf(0), sigma)
    return d_y, [d_sigma]


def cauchy(y, mu, beta):
    return -log(pi) - log(beta) - log1p(((y - mu) / beta) ** 2)


def cauchy_d(y, mu, beta):
    z = (y - mu) / beta
    slope = 2 * z / (1 + z * z) / beta
    return -slope, [slope, (z * z - 1) / (1 + z * z) / beta]


def half_cauchy(y, beta):
    return cauchy(y, 0, beta) + log(2)


def half_cauchy_d(y, beta):
    d_y, (_, d_beta) = cauchy_d(y, mpf(0), beta)
    return d_y, [d_beta]


def student_t(y, nu, mu, sigma):
    z = (y - mu) / sigma
    return (
        loggamma((nu + 1) / 2) - loggamma(nu / 2) - log(nu * pi) / 2 - log(sigma) - (nu + 1) / 2 * log1p(z * z / nu)
    )


def student_t_d(y, nu, mu, sigma):
    z = (y - mu) / sigma
    slope = (nu + 1) * z / (nu + z * z) / sigma
    d_nu = (
        digamma((nu + 1) / 2) - digamma(nu / 2) - 1 / nu - log1p(z * z / nu) + (nu + 1) / nu * z * z / (nu + z * z)
    ) / 2
    return -slope, [d_nu, slope, nu * (z * z - 1) / (nu + z * z) / sigma]


def half_student_t(y, nu, sigma):
    return student_t(y, nu, 0, sigma) + log(2)


def half_student_t_d(y, nu, sigma):
    d_y, (d_nu, _, d_sigma) = student_t_d(y, nu, mpf(0), sigma)
    return d_y, [d_nu, d_sigma]


def exponential(y, rate):
    return log(rate) - rate * y


def exponential_d(y, rate):
    return -rate, [1 / rate - y]


def gamma(y, alpha, beta):
    return alpha * log(beta) - loggamma(alpha) + (alpha - 1) * log(y) - beta * y


def gamma_d(y, alpha, beta):
    return (alpha - 1) / y - beta, [log(beta * y) - digamma(alpha), alpha / beta - y]


def inverse_gamma(y, alpha, beta):
    return alpha * log(beta) - loggamma(alpha) - (alpha + 1) * log(y) - beta / y


def inverse_gamma_d(y, alpha, beta):
    return beta / y**2 - (alpha + 1) / y, [log(beta / y) - digamma(alpha), alpha / beta - 1 / y]


def beta(y, alpha, beta):
    return (
        (alpha - 1) * log(y)
        + (beta - 1) * log1p(-y)
        + loggamma(alpha + beta)
        - loggamma(alpha)
        - loggamma(beta)
    )


def beta_d(y, alpha, beta):
    both = digamma(alpha + beta)
    return (alpha - 1) / y - (beta - 1) / (1 - y), [log(y) - digamma(alpha) + both, log1p(-y) - digamma(beta) + both]


def lognormal(y, mu, sigma):
    return normal(log(y), mu, sigma) - log(y)


def lognormal_d(y, mu, sigma):
    z = (log(y) - mu) / sigma
    return -(z / sigma + 1) / y, [z / sigma, (z * z - 1) / sigma]


def uniform(y, lower, upper):
    return -log(upper - lower)


def uniform_d(y, lower, upper):
    return mpf(0), [1 / (upper - lower), -1 / (upper - lower)]


def bernoulli(y, p):
    return log(p) if y == 1 else log1p(-p)


def bernoulli_d(y, p):
    return None, [1 / p if y == 1 else -1 / (1 - p)]


def bernoulli_logit(y, eta):
    return -log1p(exp(-eta)) if y == 1 else -log1p(exp(eta))


def bernoulli_logit_d(y, eta):
    return None, [1 / (1 + exp(eta)) if y == 1 else -1 / (1 + exp(-eta))]


def poisson(y, rate):
    return y * log(rate) - rate - loggamma(y + 1)


def poisson_d(y, rate):
    return None, [(y - rate) / rate]


def poisson_log(y, eta):
    return y * eta - exp(eta) - loggamma(y + 1)


def poisson_log_d(y, eta):
    return None, [y - exp(eta)]


def binomial(y, n, p):
    return loggamma(n + 1) - loggamma(y + 1) - loggamma(n - y + 1) + y * log(p) + (n - y) * log1p(-p)


def binomial_d(y, n, p):
    d_n = digamma(n + 1) - digamma(n - y + 1) + log1p(-p)
    return None, [d_n, (y - n * p) / (p * (1 - p))]


def binomial_logit(y, n, eta):
    ways = loggamma(n + 1) - loggamma(y + 1) - loggamma(n - y + 1)
    return ways - y * log1p(exp(-eta)) - (n - y) * log1p(exp(eta))


def binomial_logit_d(y, n, eta):
    return None, [digamma(n + 1) - digamma(n - y + 1) - log1p(exp(eta)), y - n / (1 + exp(-eta))]


def negative_binomial(y, mu, alpha):
    ways = loggamma(y + alpha) - loggamma(alpha) - loggamma(y + 1)
    return ways - alpha * log1p(mu / alpha) + y * log(mu / (alpha + mu))


def negative_binomial_d(y, mu, alpha):
    total = alpha + mu
    d_alpha = digamma(y + alpha) - digamma(alpha) - log1p(mu / alpha) + (mu - y) / total
    return None, [alpha * (y - mu) / (mu * total), d_alpha]


def negative_binomial_log(y, eta, alpha):
    return negative_binomial(y, exp(eta), alpha)


def negative_binomial_log_d(y, eta, alpha):
    mu = exp(eta)
    _, (d_mu, d_alpha) = negative_binomial_d(y, mu, alpha)
    return None, [d_mu * mu, d_alpha]


def normal_mixture2(y, weight1, mu1, sigma1, mu2, sigma2):
    first = log(weight1) + normal(y, mu1, sigma1)
    second = log1p(-weight1) + normal(y, mu2, sigma2)
    larger, smaller = max(first, second), min(first, second)
    return larger + log1p(exp(smaller - larger))


def normal_mixture2_d(y, weight1, mu1, sigma1, mu2, sigma2):
    odds = log(weight1) - log1p(-weight1) + normal(y, mu1, sigma1) - normal(y, mu2, sigma2)
    share1, share2 = 1 / (1 + exp(-odds)), 1 / (1 + exp(odds))
    d_y1, (d_mu1, d_sigma1) = normal_d(y, mu1, sigma1)
    d_y2, (d_mu2, d_sigma2) = normal_d(y, mu2, sigma2)
    return (
        share1 * d_y1 + share2 * d_y2,
        [
            share1 / weight1 - share2 / (1 - weight1),
            share1 * d_mu1,
            share1 * d_sigma1,
            share2 * d_mu2,
            share2 * d_sigma2,
        ],
    )


# Grids: pairs (y, arguments). Plain double arithmetic, because only the resulting doubles matter.

STANDARDISED = [0.0, 0.3, -0.9, -1.7, 4.0, -38.0, 1e3, -1e6, 1e10]
LOCATIONS = [0.0, 1.5, -3e5]
SCALES = [1e-8, 1e-3, 1.0, 250.0, 1e8]
POSITIVE = [1e-8, 1e-5, 1e-3, 0.3, 1.0, 7.5, 1e3, 1e5, 1e8]


def location_scale_grid():
    for mu in LOCATIONS:
        for sigma in SCALES:
            for z in STANDARDISED:
                yield mu + z * sigma, [mu, sigma]


def half_grid():
    for scale in POSITIVE:
        for z in [0.0, 1e-10, 0.01, 0.5, 1.3, 3.0, 38.0, 1e3, 1e6, 1e10]:
            yield z * scale, [scale]


def student_t_grid():
    for nu in [0.1, 0.5, 1.0, 2.0, 3.0, 4.5, 30.0, 1e3, 1e5, 1e8]:
        for mu, sigma in [(0.0, 1.0), (1.5, 1e-8), (-300.0, 1e8)]:
            for z in [0.0, 0.3, -1.7, 6.0, -1e3, 1e10]:
                yield mu + z * sigma, [nu, mu, sigma]


def half_student_t_grid():
    for nu in [0.1, 1.0, 3.0, 4.5, 30.0, 1e5, 1e8]:
        for sigma in [1e-8, 0.7, 1e8]:
            for z in [0.0, 1e-10, 0.3, 1.7, 6.0, 1e3, 1e10]:
                yield z * sigma, [nu, sigma]


def exponential_grid():
    for rate in POSITIVE:
        for x in [0.0, 1e-10, 0.01, 0.6, 1.9, 30.0, 1e4, 1e10]:
            yield x / rate, [rate]


def gamma_grid():
    for alpha in [1e-3, 0.1, 0.5, 1.0, 2.5, 9.99, 20.0, 1e3, 1e5, 1e8]:
        for rate in [1e-8, 0.3, 1e8]:
            factors = [1e-12, 1e-3, 0.3, 1.4, 10.0, 1e3] if alpha < 1 else [1e-12, 1e-3, 1e3]
            if alpha >= 1:
                factors += [1 + k / alpha**0.5 for k in (-0.8, -0.4, 0.5, 4.0)]
            for factor in factors:
                yield alpha / rate * factor, [alpha, rate]


def inverse_gamma_grid():
    for x, (alpha, rate) in gamma_grid():
        if 0 < 1 / x < 1e300:
            yield 1 / x, [alpha, rate]


def beta_grid():
    shapes = [1e-3, 0.5, 1.0, 3.0, 50.0, 1e4, 1e8]
    for alpha in shapes:
        for b in shapes:
            total = alpha + b
            mean, sd = alpha / total, (alpha * b / (total + 1)) ** 0.5 / total
            points = [1e-300, 1e-10, 0.4, 1 - 1e-10, mean - 1.2 * sd, mean + 0.7 * sd, mean + 5 * sd]
            for y in points:
                if 0 < y < 1:
                    yield y, [alpha, b]


def lognormal_grid():
    for mu in [0.0, 1.5, -20.0]:
        for sigma in SCALES:
            for z in [0.0, 0.3, -0.9, -1.7, 4.0, -38.0, 1e3, -1e6, 1e10]:
                if abs(mu + z * sigma) < 700:
                    yield float(mpmath.exp(mu + z * sigma)), [mu, sigma]
    # Beside 1, where log(y) is small and keeps its digits however small sigma is.
    for offset in [-1e-6, -3e-10, 1e-12, 2e-8]:
        for sigma in [1e-10, 1e-8, 1e-4]:
            yield 1 + offset, [0.0, sigma]


def uniform_grid():
    for lower in [0.0, -1.0, 3e5, -1e8]:
        for width in [1e-6, 0.5, 2.0, 1e3, 1e8]:
            for share in [0.1, 0.5, 0.9]:
                yield lower + share * width, [lower, lower + width]


def bernoulli_grid():
    for p in [1e-300, 1e-100, 1e-16, 1e-10, 1e-5, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1 - 1e-5, 1 - 1e-10, 1 - 2**-53]:
        for y in [0, 1]:
            yield y, [p]


def bernoulli_logit_grid():
    for size in [0.0, 1e-10, 1e-3, 0.3, 1.0, 2.5, 7.0, 18.0, 30.0, 36.0, 37.5, 100.0, 300.0, 700.0]:
        for eta in sorted({size, -size}):
            for y in [0, 1]:
                yield y, [eta]


def poisson_rates(y):
    rates = [1e-8, 1e-3, 0.7, 3.3, 52.0, 1.1e4, 1e6 + 900, 1e8]
    if y > 0:
        rates += [y * 1e-3, y * 1e3, y + 0.6 * y**0.5, y + 7.0 * y**0.5, y - 0.5 * y**0.5]
    return rates


COUNTS = [0, 1, 2, 5, 10, 100, 10**4, 10**6, 10**8]


def poisson_grid():
    for y in COUNTS:
        for rate in poisson_rates(y):
            yield y, [rate]


def poisson_log_grid():
    for y in COUNTS:
        for eta in [-700.0, 0.0, 40.0, 300.0, 700.0] + [float(mpmath.log(rate)) for rate in poisson_rates(y)]:
            yield y, [eta]


def binomial_probabilities(y, n):
    probabilities = [1e-300, 1e-8, 0.03, 0.5, 0.97, 1 - 1e-8]
    if 0 < y < n:
        mean, sd = y / n, (y * (n - y) / n) ** 0.5 / n
        probabilities += [p for p in (mean - 0.6 * sd, mean + 0.9 * sd, mean + 7.0 * sd, mean - 6.0 * sd) if 0 < p < 1]
    return probabilities


def binomial_counts():
    for n in [1, 2, 5, 30, 10**4, 10**6, 10**8]:
        for y in sorted({0, 1, n // 3, n // 2, n - 1, n}):
            yield y, n


def binomial_grid():
    for y, n in binomial_counts():
        for p in binomial_probabilities(y, n):
            yield y, [float(n), p]


def binomial_logit_grid():
    for y, n in binomial_counts():
        etas = [float(mpmath.log(mpf(p)) - mpmath.log1p(-mpf(p))) for p in binomial_probabilities(y, n)]
        for eta in [-300.0, -0.4, 45.0, *etas]:
            yield y, [float(n), eta]


def negative_binomial_grid():
    for y in COUNTS:
        for alpha in [1e-8, 1e-3, 0.5, 1.0, 7.7, 1e3, 1e6, 1e8]:
            for mu in poisson_rates(y):
                yield y, [mu, alpha]


def negative_binomial_log_grid():
    for y in COUNTS:
        for alpha in [1e-8, 0.5, 7.7, 1e3, 1e8]:
            for eta in [-700.0, 0.0, 40.0, 300.0, 690.0] + [float(mpmath.log(rate)) for rate in poisson_rates(y)]:
                yield y, [eta, alpha]


def normal_mixture2_grid():
    components = [(-1.0, 1.0, 2.0, 1.0), (0.0, 1.0, 0.0, 10.0), (-2.75, 0.03, 2.87, 0.05), (5.0, 1e-3, -4e3, 200.0)]
    for weight1 in [1e-8, 0.1, 0.5, 0.63, 1 - 1e-8]:
        for mu1, sigma1, mu2, sigma2 in components:
            for y in [mu1, mu2, mu1 + 1.3 * sigma1, mu2 - 0.8 * sigma2, 0.45 * mu1 + 0.55 * mu2, -60.0, 1e10]:
                yield y, [weight1, mu1, sigma1, mu2, sigma2]


# name: (arguments, log density, derivatives, grid)
DISTRIBUTIONS = {
    "normal": (["mu", "sigma"], normal, normal_d, location_scale_grid),
    "half_normal": (["sigma"], half_normal, half_normal_d, half_grid),
    "cauchy": (["mu", "beta"], cauchy, cauchy_d, location_scale_grid),
    "half_cauchy": (["beta"], half_cauchy, half_cauchy_d, half_grid),
    "student_t": (["nu", "mu", "sigma"], student_t, student_t_d, student_t_grid),
    "half_student_t": (["nu", "sigma"], half_student_t, half_student_t_d, half_student_t_grid),
    "exponential": (["lambda"], exponential, exponential_d, exponential_grid),
    "gamma": (["alpha", "beta"], gamma, gamma_d, gamma_grid),
    "inverse_gamma": (["alpha", "beta"], inverse_gamma, inverse_gamma_d, inverse_gamma_grid),
    "beta": (["alpha", "beta"], beta, beta_d, beta_grid),
    "lognormal": (["mu", "sigma"], lognormal, lognormal_d, lognormal_grid),
    "uniform": (["lower", "upper"], uniform, uniform_d, uniform_grid),
    "bernoulli": (["p"], bernoulli, bernoulli_d, bernoulli_grid),
    "bernoulli_logit": (["eta"], bernoulli_logit, bernoulli_logit_d, bernoulli_logit_grid),
    "poisson": (["rate"], poisson, poisson_d, poisson_grid),
    "poisson_log": (["eta"], poisson_log, poisson_log_d, poisson_log_grid),
    "binomial": (["n", "p"], binomial, binomial_d, binomial_grid),
    "binomial_logit": (["n", "eta"], binomial_logit, binomial_logit_d, binomial_logit_grid),
    "negative_binomial": (["mu", "alpha"], negative_binomial, negative_binomial_d, negative_binomial_grid),
    "negative_binomial_log": (
        ["eta", "alpha"],
        negative_binomial_log,
        negative_binomial_log_d,
        negative_binomial_log_grid,
    ),
    "normal_mixture2": (["weight1", "mu1", "sigma1", "mu2", "sigma2"], normal_mixture2, normal_mixture2_d,
                        normal_mixture2_grid),
}


def check_derivatives(name, density, discrete, point, derivatives):
    """Stops if a derivative differs from a central difference by more than one part in 10^20 (or 10^-20)."""
    for i in range(1 if discrete else 0, len(point)):
        step = (abs(point[i]) or mpf(1)) * mpf(10) ** -35
        with mp.workdps(DIFFERENCE_DIGITS + max(0, -int(mpmath.log10(step)))):
            above, below = list(point), list(point)
            above[i] += step
            below[i] -= step
            numerical = (density(*above) - density(*below)) / (2 * step)
            if abs(numerical - derivatives[i]) > mpf(10) ** -20 * max(1, abs(numerical)):
                sys.exit(f"{name}: derivative {i} at {point} is {derivatives[i]}, numerically {numerical}")


def hangs_on_rounding(name, y, args, log_density):
    """Whether one rounding inside moves the log density or the gradient by a tenth of what the tests allow."""
    half_ulp = mpf(2) ** -53
    if name == "poisson_log":  # of exp(eta)
        return exp(args[0]) * half_ulp > mpf("1e-10") * max(1, abs(y - exp(args[0])))
    if name in ("negative_binomial", "negative_binomial_log"):
        mu, alpha = exp(args[0]) if name == "negative_binomial_log" else args[0], args[1]
        _, (d_mu, d_alpha) = negative_binomial_d(y, mu, alpha)
        of_sum = (alpha + y) / (alpha + mu) * half_ulp > mpf("1e-10") * max(1, abs(d_alpha))  # of alpha + mu
        of_mean = mu * half_ulp * alpha / (alpha + mu) > mpf("1e-10") * max(1, abs(d_mu * mu))  # of exp(eta)
        return of_sum or (of_mean and name == "negative_binomial_log")
    if name == "binomial":  # of n p
        n, p = args
        return n * half_ulp / (1 - p) > mpf("1e-10") * max(1, abs((y - n * p) / (p * (1 - p))))
    if name == "binomial_logit":  # of n p
        n, p = args[0], 1 / (1 + exp(-args[1]))
        return n * p * half_ulp > mpf("1e-10") * max(1, abs(y - n * p))
    if name == "lognormal":  # of log(y)
        mu, sigma = args
        z = (log(y) - mu) / sigma
        shift = abs(log(y)) / sigma * half_ulp  # of z
        return (
            shift * abs(z) > mpf("1e-11") * max(1, abs(log_density))
            or shift / sigma > mpf("1e-10") * max(1, abs(z / sigma))
            or shift * 2 * abs(z) / sigma > mpf("1e-10") * max(1, abs((z * z - 1) / sigma))
            or shift / sigma / y > mpf("1e-10") * max(1, abs((z / sigma + 1) / y))
        )
    return False


def to_double(x):
    value = float(x)
    if value in (float("inf"), float("-inf")):
        raise OverflowError
    return value


def case(name, density, derivatives, y, args):
    """One case as a dict, or None if it is left out."""
    exact_y, exact_args = mpf(y), [mpf(a) for a in args]
    log_density = density(exact_y, *exact_args)
    if hangs_on_rounding(name, exact_y, exact_args, log_density):
        return None
    d_y, d_args = derivatives(exact_y, *exact_args)
    check_derivatives(name, density, d_y is None, [exact_y, *exact_args], [d_y, *d_args])
    try:
        return {
            "y": y,
            "args": args,
            "log_density": to_double(log_density),
            "d_y": None if d_y is None else to_double(d_y),
            "d_args": [to_double(d) for d in d_args],
        }
    except OverflowError:
        return None


def main():
    blocks = []
    for name, (arguments, density, derivatives, grid) in DISTRIBUTIONS.items():
        cases = [case(name, density, derivatives, y, args) for y, args in grid()]
        lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases if c is not None)
        blocks.append(f'{json.dumps(name)}:{{"arguments":{json.dumps(arguments)},"cases":[\n{lines}\n]}}')
    header = {
        "command": "python3 tests/golden/make_densities.py",
        "versions": {"python": platform.python_version(), "mpmath": mpmath.__version__},
    }
    text = json.dumps(header)[:-1] + ',\n"distributions":{\n' + ",\n".join(blocks) + "\n}}\n"
    pathlib.Path(__file__).with_name("densities.json").write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()
