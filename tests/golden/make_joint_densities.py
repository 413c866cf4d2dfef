#!/usr/bin/env python3
"""Writes tests/golden/joint_densities.json: log densities of the multivariate distributions, from mpmath with 50 digits; and
derivatives by the arguments whose special functions take part.

    python3 tests/golden/make_joint_densities.py

Needs mpmath. Inputs are doubles, written so that they read back exactly; the reference is the log density at just these.
Cases reach into the tails: concentrations from 1e-3 to 1e8, shares down to 1e-12, correlations up to 0.999, covariances with
condition numbers up to 1e8, counts from 0 to 1e8, degrees of freedom from 0.05 to 1e8. Shares and probabilities are multiples of
2^-50 that sum to exactly 1: beside the simplex there is no density to compare with, and concentrations or counts of 1e8 would
turn a rounding of the sum into an error of 1e-8.
"""

import json
import pathlib
import random

from mpmath import log, log1p, loggamma, mp, mpf, pi, psi

mp.dps = 50


def text(x):
    return mp.nstr(x, 30)


def dirichlet(alpha, y):
    a = [mpf(v) for v in alpha]
    return loggamma(sum(a)) - sum(loggamma(v) for v in a) + sum((v - 1) * log(mpf(s)) for v, s in zip(a, y))


def lkj_cholesky(eta, factor):
    n, eta = len(factor), mpf(eta)
    value = sum((n - 3 - i + 2 * eta) * log(mpf(factor[i][i])) for i in range(1, n))
    for k in range(1, n):
        value += loggamma(eta + mpf(n - 1) / 2) - loggamma(eta + mpf(n - 1 - k) / 2) - mpf(k) / 2 * log(pi)
    return value


def sum_of_squares(mu, factor, y):
    """Of z with factor z = y - mu."""
    z = []
    for i in range(len(y)):
        rest = mpf(y[i]) - mpf(mu[i]) - sum(mpf(factor[i][j]) * z[j] for j in range(i))
        z.append(rest / mpf(factor[i][i]))
    return sum(v * v for v in z)


def log_determinant(factor):
    return sum(log(mpf(row[-1])) for row in factor)


def mv_normal_cholesky(mu, factor, y):
    return -sum_of_squares(mu, factor, y) / 2 - log_determinant(factor) - mpf(len(y)) / 2 * log(2 * pi)


def mv_normal_precision_cholesky(mu, factor, y):
    n = len(y)
    z = [sum(mpf(factor[i][j]) * (mpf(y[i]) - mpf(mu[i])) for i in range(j, n)) for j in range(n)]
    return -sum(v * v for v in z) / 2 + log_determinant(factor) - mpf(n) / 2 * log(2 * pi)


def mv_student_t_cholesky(nu, mu, factor, y):
    n, nu = len(y), mpf(nu)
    return (loggamma((nu + n) / 2) - loggamma(nu / 2) - mpf(n) / 2 * log(nu * pi) - log_determinant(factor)
            - (nu + n) / 2 * log1p(sum_of_squares(mu, factor, y) / nu))


def mv_student_t_by_nu(nu, mu, factor, y):
    n, nu, q = len(y), mpf(nu), sum_of_squares(mu, factor, y)
    return [((psi(0, (nu + n) / 2) - psi(0, nu / 2) - n / nu - log1p(q / nu) + (nu + n) * q / (nu * (nu + q))) / 2)]


def dirichlet_multinomial_by_alpha(alpha, y):
    a, n = [mpf(v) for v in alpha], sum(y)
    return [psi(0, sum(a)) - psi(0, n + sum(a)) + psi(0, k + v) - psi(0, v) for k, v in zip(y, a)]


def log_factorial(n):
    return loggamma(mpf(n) + 1)


def multinomial(p, y):
    return log_factorial(sum(y)) + sum(k * log(mpf(q)) - log_factorial(k) for k, q in zip(y, p))


def dirichlet_multinomial(alpha, y):
    a, n = [mpf(v) for v in alpha], sum(y)
    return (log_factorial(n) + loggamma(sum(a)) - loggamma(n + sum(a))
            + sum(loggamma(k + v) - loggamma(v) - log_factorial(k) for k, v in zip(y, a)))


def normal(y, mu, sigma):
    return -((y - mpf(mu)) / mpf(sigma)) ** 2 / 2 - log(mpf(sigma)) - log(2 * pi) / 2


def gaussian_random_walk(mu, sigma, init, y):
    y = [mpf(v) for v in y]
    return normal(y[0], *init) + sum(normal(y[t] - y[t - 1], mu[t], sigma[t]) for t in range(1, len(y)))


def ar(rho, sigma, init, y):
    y, order = [mpf(v) for v in y], len(rho)
    value = sum(normal(v, *init) for v in y[:order])
    for t in range(order, len(y)):
        value += normal(y[t] - sum(mpf(r) * y[t - 1 - k] for k, r in enumerate(rho)), 0, sigma)
    return value


def zero_sum_normal(sigma, y):
    return -sum(mpf(v) ** 2 for v in y) / (2 * mpf(sigma) ** 2) - (len(y) - 1) * (log(mpf(sigma)) + log(2 * pi) / 2)


def icar(sigma, pairs, y):
    squares = sum((mpf(y[i]) - mpf(y[j])) ** 2 for i, j in pairs)
    return -squares / (2 * mpf(sigma) ** 2) - (len(y) - 1) * (log(mpf(sigma)) + log(2 * pi) / 2)


def stick_breaking_weights(alpha, w):
    """By the pieces: each Beta(1, alpha) of what is left, whose length is the derivative of the weight by the piece."""
    alpha, left, value = mpf(alpha), mpf(1), mpf(0)
    for v in w[:-1]:
        piece = mpf(v) / left
        value += log(alpha) + (alpha - 1) * log1p(-piece) - log(left)
        left -= mpf(v)
    return value


def shares(numbers):
    total = sum(numbers)
    parts = [max(1, round(v / total * 2**50)) for v in numbers]
    parts[parts.index(max(parts))] += 2**50 - sum(parts)
    return [p / 2**50 for p in parts]


def correlation_factor(rng, n, strength):
    """A lower factor with rows of length 1 (to rounding), by partial correlations of that strength."""
    rows = []
    for i in range(n):
        left, row = 1.0, []
        for _ in range(i):
            z = strength * rng.choice([-1, 1]) * rng.uniform(0.5, 1)
            row.append(z * left)
            left *= (1 - z * z) ** 0.5
        rows.append(row + [left])
    return rows


def composition(rng, n, parts):
    """Counts with sum n, of very different sizes."""
    weights = [10 ** rng.uniform(-6, 0) for _ in range(parts)]
    counts = [int(n * w / sum(weights)) for w in weights]
    counts[rng.randrange(parts)] += n - sum(counts)
    return counts


def more_cases(rng, cases):
    def add(name, density, slopes=None, **inputs):
        case = {**inputs, "log_density": text(density(**inputs))}
        if slopes:
            case["slopes"] = [text(d) for d in slopes(**inputs)]
        cases.setdefault(name, []).append(case)

    for n in (0, 1, 7, 1000, 10**8):
        for k in (1, 2, 3, 10):
            for near in (True, False):
                p = shares([10 ** rng.uniform(-3, 0) for _ in range(k)])
                y = [int(n * q) for q in p] if near else composition(rng, n, k)
                y[0] += n - sum(y)
                add("multinomial", multinomial, p=p, y=y)
                for scale in (1e-3, 1.0, 1e4, 1e8):
                    alpha = [scale * rng.uniform(0.5, 2) for _ in range(k)]
                    if near:
                        y = [int(n * a / sum(alpha)) for a in alpha]
                        y[0] += n - sum(y)
                    add("dirichlet_multinomial", dirichlet_multinomial, dirichlet_multinomial_by_alpha, alpha=alpha, y=y)
    for n in (1, 2, 5, 12):
        for far in (1, 100):
            factor = [[rng.uniform(-1, 1) * 10 ** rng.uniform(-2, 0) for _ in range(i)] + [10 ** rng.uniform(-2, 0)]
                      for i in range(n)]
            mu = [rng.uniform(-2, 2) for _ in range(n)]
            y = [m + far * rng.uniform(-1, 1) * factor[i][i] for i, m in enumerate(mu)]
            add("mv_normal_precision_cholesky", mv_normal_precision_cholesky, mu=mu, factor=factor, y=y)
            for nu in (0.05, 1.0, 4.5, 60.0, 1e4, 1e8):
                add("mv_student_t_cholesky", mv_student_t_cholesky, mv_student_t_by_nu, nu=nu, mu=mu, factor=factor, y=y)
    for n in (1, 2, 3, 9):
        for scale in (1e-3, 1.0, 1e4):
            mu, sigma = [rng.uniform(-1, 1) for _ in range(n)], [scale * rng.uniform(0.5, 2) for _ in range(n)]
            init = [rng.uniform(-2, 2), rng.uniform(0.5, 2)]
            y = [rng.uniform(-3, 3) for _ in range(n)]
            add("gaussian_random_walk", gaussian_random_walk, mu=mu, sigma=sigma, init=init, y=y)
            for order in (1, 2, 3):
                rho = [rng.uniform(-1, 1) for _ in range(order)]
                add("ar", ar, rho=rho, sigma=sigma[0], init=init, y=y)
            add("zero_sum_normal", zero_sum_normal, sigma=sigma[0], y=y)
            pairs = [[k, rng.randrange(k)] for k in range(1, n)] + [[0, n - 1]] * (n > 3)
            add("icar", icar, sigma=sigma[0], pairs=pairs, y=y)
        for alpha in (1e-3, 0.7, 1.0, 5.0, 1e4):
            for reach in (1, 6):
                w = shares([10 ** rng.uniform(-reach, 0) for _ in range(n)])
                add("stick_breaking_weights", stick_breaking_weights, alpha=alpha, w=w)


def main():
    rng = random.Random(20250310)
    cases = {"dirichlet": [], "lkj_cholesky": [], "mv_normal_cholesky": []}
    for n in (1, 2, 3, 10):
        for scale in (1e-3, 0.5, 1.0, 7.0, 1e4, 1e8):
            alpha = [scale * rng.uniform(0.5, 2) for _ in range(n)]
            for near in (True, False):  # where the mass is, and far away
                y = shares(alpha) if near else shares([10 ** rng.uniform(-12, 0) for _ in range(n)])
                cases["dirichlet"].append({"alpha": alpha, "y": y, "log_density": text(dirichlet(alpha, y))})
    for n in (1, 2, 3, 7, 20):
        for eta in (0.01, 0.5, 1.0, 2.0, 30.0, 1e6):
            for strength in (0.05, 0.6, 0.999):
                factor = correlation_factor(rng, n, strength)
                cases["lkj_cholesky"].append({"eta": eta, "factor": factor, "log_density": text(lkj_cholesky(eta, factor))})
    for n in (1, 2, 5, 12):
        for spread in (0, 2, 4):
            for far in (1, 100):
                factor = [[rng.uniform(-1, 1) * 10 ** rng.uniform(-spread, 0) for _ in range(i)]
                          + [10 ** rng.uniform(-spread, 0)] for i in range(n)]
                mu = [rng.uniform(-2, 2) for _ in range(n)]
                y = [m + far * rng.uniform(-1, 1) * factor[i][i] for i, m in enumerate(mu)]
                cases["mv_normal_cholesky"].append({"mu": mu, "factor": factor, "y": y,
                                                    "log_density": text(mv_normal_cholesky(mu, factor, y))})
    more_cases(random.Random(20250420), cases)
    out = pathlib.Path(__file__).with_name("joint_densities.json")
    with out.open("w") as file:
        file.write('{"command": "python3 tests/golden/make_joint_densities.py",\n')
        for i, (name, rows) in enumerate(cases.items()):
            lines = ",\n".join(json.dumps(row) for row in rows)
            file.write(f'"{name}": [\n{lines}\n]' + ("\n}\n" if i == len(cases) - 1 else ",\n"))


if __name__ == "__main__":
    main()
