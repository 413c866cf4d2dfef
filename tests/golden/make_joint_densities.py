#!/usr/bin/env python3
"""Writes tests/golden/joint_densities.json: log densities of the multivariate distributions, from mpmath with 50 digits.

    python3 tests/golden/make_joint_densities.py

Needs mpmath. Inputs are doubles, written so that they read back exactly; the reference is the log density at just these.
Cases reach into the tails: concentrations from 1e-3 to 1e8, shares down to 1e-12, correlations up to 0.999, covariances with
condition numbers up to 1e8. A Dirichlet's shares are multiples of 2^-50 that sum to exactly 1: beside the simplex there is no
density to compare with, and concentrations of 1e8 would turn a rounding of the sum into an error of 1e-8.
"""

import json
import pathlib
import random

from mpmath import log, loggamma, mp, mpf, pi

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


def mv_normal_cholesky(mu, factor, y):
    n = len(y)
    z = []
    for i in range(n):
        rest = mpf(y[i]) - mpf(mu[i]) - sum(mpf(factor[i][j]) * z[j] for j in range(i))
        z.append(rest / mpf(factor[i][i]))
    return -sum(v * v for v in z) / 2 - sum(log(mpf(factor[i][i])) for i in range(n)) - mpf(n) / 2 * log(2 * pi)


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
    out = pathlib.Path(__file__).with_name("joint_densities.json")
    with out.open("w") as file:
        file.write('{"command": "python3 tests/golden/make_joint_densities.py",\n')
        for i, (name, rows) in enumerate(cases.items()):
            lines = ",\n".join(json.dumps(row) for row in rows)
            file.write(f'"{name}": [\n{lines}\n]' + ("\n}\n" if i == len(cases) - 1 else ",\n"))


if __name__ == "__main__":
    main()
