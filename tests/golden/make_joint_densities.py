#!/usr/bin/env python3
"""Writes tests/golden/joint_densities.json: log densities of the multivariate distributions, from mpmath with 60 digits; and
their derivatives by every number that they are functions of, the event's too.

    python3 tests/golden/make_joint_densities.py

Needs mpmath. Inputs are doubles, written so that they read back exactly; the reference is the log density at just these.
Cases reach into the tails: concentrations from 1e-3 to 1e8, shares down to 1e-12, correlations up to 0.999, covariances with
condition numbers up to 1e8, counts from 0 to 1e8, degrees of freedom from 0.05 to 1e8. Shares and probabilities are multiples of
2^-50 that sum to exactly 1: beside the simplex there is no density to compare with, and concentrations or counts of 1e8 would
turn a rounding of the sum into an error of 1e-8. Where values are confined (to a simplex, to sums of zero), derivatives are those
of the formula in whose terms the density is written, by each value as if it were free.

Derivatives are central differences over 1e-15 of each number: with 60 digits right to 1e-25.
"""

import json
import pathlib
import random

from mpmath import det, diag, exp, log, log1p, loggamma, matrix, mp, mpf, pi, sqrt

mp.dps = 60


def text(x):
    return mp.nstr(x, 30)


def dirichlet(alpha, y):
    a = [mpf(v) for v in alpha]
    return loggamma(sum(a)) - sum(loggamma(v) for v in a) + sum((v - 1) * log(mpf(s)) for v, s in zip(a, y))


def lkj_cholesky(eta, y):
    n, eta = len(y), mpf(eta)
    value = sum((n - 3 - i + 2 * eta) * log(mpf(y[i][i])) for i in range(1, n))
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


def log_factorial(n):
    return loggamma(mpf(n) + 1)


def multinomial(p, y):
    return log_factorial(sum(y)) + sum((k * log(mpf(q)) if k else 0) - log_factorial(k) for k, q in zip(y, p))


def ordered_multinomial(eta, cutpoints, y):
    up = [1 / (1 + exp(mpf(eta) - mpf(c))) for c in cutpoints] + [mpf(1)]
    p = [up[0]] + [up[k] - up[k - 1] for k in range(1, len(up))]
    return log_factorial(sum(y)) + sum((k * log(q) if k else 0) - log_factorial(k) for k, q in zip(y, p))


def dirichlet_multinomial(alpha, y):
    a, n = [mpf(v) for v in alpha], sum(y)
    return (log_factorial(n) + loggamma(sum(a)) - loggamma(n + sum(a))
            + sum(loggamma(k + v) - loggamma(v) - log_factorial(k) for k, v in zip(y, a)))


def normal(y, mu, sigma):
    return -((y - mpf(mu)) / mpf(sigma)) ** 2 / 2 - log(mpf(sigma)) - log(2 * pi) / 2


def gaussian_random_walk(mu, sigma, init, y):
    y = [mpf(v) for v in y]
    return normal(y[0], *init) + sum(normal(y[t] - y[t - 1], mu[t], sigma[t]) for t in range(1, len(y)))


def student_t(y, nu, mu, sigma):
    nu, z = mpf(nu), (y - mpf(mu)) / mpf(sigma)
    return loggamma((nu + 1) / 2) - loggamma(nu / 2) - log(nu * pi) / 2 - log(mpf(sigma)) - (nu + 1) / 2 * log(1 + z**2 / nu)


def random_walk(step, init, y):
    y = [mpf(v) for v in y]
    return normal(y[0], *init) + sum(student_t(y[t] - y[t - 1], *step) for t in range(1, len(y)))


def ar(rho, sigma, init, y):
    y, order = [mpf(v) for v in y], len(rho)
    value = sum(normal(v, *init) for v in y[:order])
    for t in range(order, len(y)):
        value += normal(y[t] - sum(mpf(r) * y[t - 1 - k] for k, r in enumerate(rho)), 0, sigma)
    return value


def zero_sum_normal(sigma, y):
    return -sum(mpf(v) ** 2 for v in y) / (2 * mpf(sigma) ** 2) - (len(y) - 1) * (log(mpf(sigma)) + log(2 * pi) / 2)


def zero_sum_matrix_normal(sigma, y):
    free = (len(y) - 1) * (len(y[0]) - 1)
    squares = sum(mpf(v) ** 2 for row in y for v in row)
    return -squares / (2 * mpf(sigma) ** 2) - free * (log(mpf(sigma)) + log(2 * pi) / 2)


def laplacian(pairs, n):
    a = matrix(n, n)
    for i, j in pairs:
        a[i, i] += 1
        a[j, j] += 1
        a[i, j] -= 1
        a[j, i] -= 1
    return a


def icar(sigma, pairs, y):
    """The graph's constant by its number of spanning trees: n times that is the product of the Laplacian's other eigenvalues."""
    n = len(y)
    squares = sum((mpf(y[i]) - mpf(y[j])) ** 2 for i, j in pairs)
    trees = det(laplacian(pairs, n)[1:, 1:]) if n > 1 else mpf(1)
    return log(n * trees) / 2 - squares / (2 * mpf(sigma) ** 2) - (n - 1) * (log(mpf(sigma)) + log(2 * pi) / 2)


def car(mu, alpha, tau, pairs, y):
    n = len(y)
    precision = laplacian(pairs, n)
    for i, j in pairs:
        precision[i, j] = precision[j, i] = -mpf(alpha)
    x = matrix([mpf(v) - mpf(m) for v, m in zip(y, mu)])
    return (log(det(precision)) + n * log(mpf(tau) / (2 * pi)) - mpf(tau) * (x.T * precision * x)[0]) / 2


def stick_breaking_weights(alpha, y):
    """By the pieces: each Beta(1, alpha) of what is left, whose length is the derivative of the weight by the piece. What is left is
    the sum of the weights to come."""
    alpha = mpf(alpha)
    value = (alpha - 1) * log(sum(mpf(v) for v in y))
    for k in range(len(y) - 1):
        left, after = sum(mpf(v) for v in y[k:]), sum(mpf(v) for v in y[k + 1:])
        value += log(alpha) + (alpha - 1) * log(after / left) - (log(left) if k > 0 else 0)
    return value


def square(factor):
    """L L^T"""
    n = len(factor)
    l = matrix(n, n)
    for i, row in enumerate(factor):
        for j, v in enumerate(row):
            l[i, j] = mpf(v)
    return l * l.T


def with_unit_diagonal(lower):
    a = matrix(len(lower), len(lower))
    for i, row in enumerate(lower):
        for j, v in enumerate(row):
            a[i, j] = a[j, i] = mpf(v) if j < i else mpf(1)
    return a


def lkj_constant(eta, n):
    return lkj_cholesky(eta, [[0] * i + [1] for i in range(n)])


def lkj_corr(eta, y):
    """`y`: its elements on and below the diagonal, which is 1."""
    return (mpf(eta) - 1) * log(det(with_unit_diagonal(y))) + lkj_constant(eta, len(y))


def lkj_cholesky_cov(eta, scale, y):
    """Standard deviations are Gamma(*scale). By the Jacobian of (standard deviations, correlations) by the covariance matrix, and that
    of this by its factor."""
    n, a, b = len(y), mpf(scale[0]), mpf(scale[1])
    s = square(y)
    sd = [sqrt(s[i, i]) for i in range(n)]
    r = matrix(n, n)
    for i in range(n):
        for j in range(n):
            r[i, j] = s[i, j] / (sd[i] * sd[j])
    value = (mpf(eta) - 1) * log(det(r)) + lkj_constant(eta, n)
    for i in range(n):
        value += a * log(b) - loggamma(a) + (a - 1) * log(sd[i]) - b * sd[i]
        value += log(2) + (n - i) * log(mpf(y[i][i]))      # the covariance by its factor
        value -= log(2 * sd[i]) + (n - 1) * log(sd[i])     # the covariance by (standard deviations, correlations)
    return value


def log_multivariate_gamma(a, n):
    return mpf(n) * (n - 1) / 4 * log(pi) + sum(loggamma(a - mpf(j) / 2) for j in range(n))


def factor_jacobian(factor):
    n = len(factor)
    return n * log(2) + sum((n - i) * log(mpf(factor[i][i])) for i in range(n))


def wishart_cholesky(nu, factor, y):
    n, nu, w, v = len(y), mpf(nu), square(y), square(factor)
    trace = sum((v ** -1 * w)[i, i] for i in range(n))
    return ((nu - n - 1) / 2 * log(det(w)) - trace / 2 - nu * n / 2 * log(2) - nu / 2 * log(det(v))
            - log_multivariate_gamma(nu / 2, n) + factor_jacobian(y))


def inverse_wishart_cholesky(nu, factor, y):
    n, nu, w, v = len(y), mpf(nu), square(y), square(factor)
    trace = sum((v * w ** -1)[i, i] for i in range(n))
    return (nu / 2 * log(det(v)) - (nu + n + 1) / 2 * log(det(w)) - trace / 2 - nu * n / 2 * log(2)
            - log_multivariate_gamma(nu / 2, n) + factor_jacobian(y))


def symmetric(triangle):
    """A matrix by its elements on and below the diagonal."""
    n = len(triangle)
    return matrix([[mpf(triangle[max(i, j)][min(i, j)]) for j in range(n)] for i in range(n)])


def wishart(nu, factor, y):
    n, nu, w, v = len(y), mpf(nu), symmetric(y), square(factor)
    trace = sum((v ** -1 * w)[i, i] for i in range(n))
    return ((nu - n - 1) / 2 * log(det(w)) - trace / 2 - nu * n / 2 * log(2) - nu / 2 * log(det(v)) - log_multivariate_gamma(nu / 2, n))


def inverse_wishart(nu, factor, y):
    n, nu, w, v = len(y), mpf(nu), symmetric(y), square(factor)
    trace = sum((v * w ** -1)[i, i] for i in range(n))
    return (nu / 2 * log(det(v)) - (nu + n + 1) / 2 * log(det(w)) - trace / 2 - nu * n / 2 * log(2) - log_multivariate_gamma(nu / 2, n))


def mv_normal_low_rank(mu, loadings, variance, y):
    n = len(y)
    w = matrix([[mpf(v) for v in row] for row in loadings])
    covariance = w * w.T + diag([mpf(v) for v in variance])
    x = matrix([mpf(v) - mpf(m) for v, m in zip(y, mu)])
    return -((x.T * covariance ** -1 * x)[0] + log(det(covariance)) + n * log(2 * pi)) / 2


def matrix_normal(mu, rows_factor, factor, y):
    r, c = len(y), len(y[0])
    x = matrix([[mpf(v) - mpf(m) for v, m in zip(row, means)] for row, means in zip(y, mu)])
    rows, columns = square(rows_factor), square(factor)
    quadratic = (columns ** -1 * x.T * rows ** -1 * x)
    trace = sum(quadratic[j, j] for j in range(c))
    return -(trace + c * log(det(rows)) + r * log(det(columns)) + r * c * log(2 * pi)) / 2


def mv_gaussian_random_walk(mu, factor, init, y):
    value = mv_normal_cholesky([0] * len(mu), init, y[0])
    for before, now in zip(y, y[1:]):
        value += mv_normal_cholesky(mu, factor, [mpf(b) - mpf(a) for a, b in zip(before, now)])
    return value


def mv_student_t_random_walk(nu, mu, factor, init, y):
    value = mv_normal_cholesky([0] * len(mu), init, y[0])
    for before, now in zip(y, y[1:]):
        value += mv_student_t_cholesky(nu, mu, factor, [mpf(b) - mpf(a) for a, b in zip(before, now)])
    return value


def euler_maruyama(theta, mu, sigma, dt, init, y):
    """A mean-reverting diffusion: drift theta (mu - x), diffusion sigma sqrt(1 + x^2)."""
    theta, mu, sigma, dt = mpf(theta), mpf(mu), mpf(sigma), mpf(dt)
    y = [mpf(v) for v in y]
    value = normal(y[0], *init)
    for x, after in zip(y, y[1:]):
        value += normal(after, x + theta * (mu - x) * dt, sigma * sqrt(1 + x * x) * sqrt(dt))
    return value


def discrete_markov_chain(initial, transition, y):
    return log(mpf(initial[y[0]])) + sum(log(mpf(transition[a][b])) for a, b in zip(y, y[1:]))


def leaves(value, path=()):
    """Where the numbers of nested lists are."""
    if isinstance(value, list):
        return [found for k, v in enumerate(value) for found in leaves(v, path + (k,))]
    return [path]


def moved(value, path, by):
    if not path:
        return mpf(value) + by
    return [moved(v, path[1:], by) if k == path[0] else v for k, v in enumerate(value)]


def at(value, path):
    for k in path:
        value = value[k]
    return mpf(value)


def slopes(density, inputs, names):
    """By every number of the inputs that are named, in the order in which they are written."""
    result = {}
    for name in names:
        result[name] = []
        for path in leaves(inputs[name]):
            h = mpf(10) ** -15 * (abs(at(inputs[name], path)) or 1)
            up, down = (density(**{**inputs, name: moved(inputs[name], path, by)}) for by in (h, -h))
            result[name].append(mp.nstr((up - down) / (2 * h), 20))
    return result


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


def some_factor(rng, n, spread=1):
    return [[rng.uniform(-1, 1) * 10 ** rng.uniform(-spread, 0) for _ in range(i)] + [10 ** rng.uniform(-spread, 0)] for i in range(n)]


def add_case(cases, name, density, by=None, **inputs):
    """`by`: the inputs that there are derivatives by; all, if they are not named."""
    case = {**inputs, "log_density": text(density(**inputs)), "slopes": slopes(density, inputs, by or list(inputs))}
    cases.setdefault(name, []).append(case)


def matrix_cases(rng, cases):
    def add(name, density, by=None, **inputs):
        add_case(cases, name, density, by, **inputs)

    for n in (1, 2, 3, 6):
        for eta in (0.01, 1.0, 2.5, 1e4):
            factor = correlation_factor(rng, n, 0.6)
            correlations = [[float(v) for v in row[:i]] + [1.0] for i, row in enumerate(square(factor).tolist())]
            add("lkj_corr", lkj_corr, eta=eta, y=correlations)
            for sd in (1e-3, 1.0, 1e3):
                scaled = [[v * sd * rng.uniform(0.5, 2) for v in row] for row in factor]
                add("lkj_cholesky_cov", lkj_cholesky_cov, eta=eta, scale=[rng.uniform(0.5, 4), rng.uniform(0.5, 2) / sd], y=scaled)
        for degrees in (0.1, 1.0, 30.0, 1e4, 1e8):
            nu, factor = n - 1 + degrees, some_factor(rng, n)
            for far in (1, 30):
                t = [[far * rng.gauss(0, 1) for _ in range(i)] + [far * (nu - i) ** 0.5 * rng.uniform(0.8, 1.2)] for i in range(n)]
                x = [[sum(factor[i][k] * t[k][j] for k in range(j, i + 1)) for j in range(i + 1)] for i in range(n)]
                add("wishart_cholesky", wishart_cholesky, nu=nu, factor=factor, y=x)
                inverse = [[v / (nu + far) for v in row] for row in some_factor(rng, n)]
                add("inverse_wishart_cholesky", inverse_wishart_cholesky, nu=nu, factor=factor, y=inverse)
        for r in (1, 2):
            for small in (1.0, 1e-4):
                mu = [rng.uniform(-2, 2) for _ in range(n)]
                loadings = [[rng.uniform(-2, 2) for _ in range(r)] for _ in range(n)]
                variance = [small * rng.uniform(0.5, 2) for _ in range(n)]
                for far in (1, 100):
                    y = [m + far * rng.uniform(-1, 1) for m in mu]
                    add("mv_normal_low_rank", mv_normal_low_rank, mu=mu, loadings=loadings, variance=variance, y=y)
        for c in (1, 2, 4):
            mu = [[rng.uniform(-2, 2) for _ in range(c)] for _ in range(n)]
            for far in (1, 100):
                y = [[m + far * rng.uniform(-1, 1) for m in row] for row in mu]
                add("matrix_normal", matrix_normal, mu=mu, rows_factor=some_factor(rng, n), factor=some_factor(rng, c), y=y)
                add("mv_gaussian_random_walk", mv_gaussian_random_walk, mu=mu[0], factor=some_factor(rng, c),
                    init=some_factor(rng, c), y=y)
                for nu in (0.5, 4.5, 1e6):
                    add("mv_student_t_random_walk", mv_student_t_random_walk, nu=nu, mu=mu[0], factor=some_factor(rng, c),
                        init=some_factor(rng, c), y=y)
            for sigma in (1e-3, 1.0, 1e4):
                add("zero_sum_matrix_normal", zero_sum_matrix_normal, sigma=sigma, y=y)
    for n in (2, 3, 9):
        pairs = [[k, rng.randrange(k)] for k in range(1, n)] + [[0, n - 1]] * (n > 3)
        for alpha in (-0.99, -0.3, 1e-9, 0.5, 0.999, 0.999999):
            for tau in (1e-3, 1.0, 1e4):
                mu = [rng.uniform(-1, 1) for _ in range(n)]
                y = [m + rng.uniform(-2, 2) / tau ** 0.5 for m in mu]
                add("car", car, ["mu", "alpha", "tau", "y"], mu=mu, alpha=alpha, tau=tau, pairs=pairs, y=y)
    for n in (1, 2, 7):
        for dt in (1e-4, 0.1, 2.0):
            y = [rng.uniform(-3, 3) for _ in range(n)]
            add("euler_maruyama", euler_maruyama, theta=rng.uniform(0.1, 2), mu=rng.uniform(-1, 1), sigma=rng.uniform(0.2, 2), dt=dt,
                init=[rng.uniform(-1, 1), rng.uniform(0.5, 2)], y=y)
    for states in (1, 2, 4):
        for length in (1, 2, 12):
            initial = shares([10 ** rng.uniform(-3, 0) for _ in range(states)])
            transition = [shares([10 ** rng.uniform(-8, 0) for _ in range(states)]) for _ in range(states)]
            y = [rng.randrange(states) for _ in range(length)]
            add("discrete_markov_chain", discrete_markov_chain, ["initial", "transition"], initial=initial, transition=transition, y=y)
    for k in (2, 3, 6):
        for spread in (1, 30):
            cutpoints = sorted(rng.uniform(-spread, spread) for _ in range(k - 1))
            for eta in (0.0, 1.5, -20.0, 40.0):
                up = [float(1 / (1 + exp(mpf(eta) - mpf(c)))) for c in cutpoints] + [1.0]
                p = [up[0]] + [max(up[i] - up[i - 1], 0.0) for i in range(1, k)]
                for n in (0, 1, 50, 10**4):   # more would turn the rounding of a probability into an error, near the mode
                    y = [int(n * q) for q in p]
                    y[0] += n - sum(y)
                    add("ordered_multinomial", ordered_multinomial, ["eta", "cutpoints"], eta=eta, cutpoints=cutpoints, y=y)
                add("ordered_multinomial", ordered_multinomial, ["eta", "cutpoints"], eta=eta, cutpoints=cutpoints,
                    y=composition(rng, 10**8, k))


def more_cases(rng, cases):
    def add(name, density, by=None, **inputs):
        add_case(cases, name, density, by, **inputs)

    for n in (0, 1, 7, 1000, 10**8):
        for k in (1, 2, 3, 10):
            for near in (True, False):
                p = shares([10 ** rng.uniform(-3, 0) for _ in range(k)])
                y = [int(n * q) for q in p] if near else composition(rng, n, k)
                y[0] += n - sum(y)
                add("multinomial", multinomial, ["p"], p=p, y=y)
                for scale in (1e-3, 1.0, 1e4, 1e8):
                    alpha = [scale * rng.uniform(0.5, 2) for _ in range(k)]
                    if near:
                        y = [int(n * a / sum(alpha)) for a in alpha]
                        y[0] += n - sum(y)
                    add("dirichlet_multinomial", dirichlet_multinomial, ["alpha"], alpha=alpha, y=y)
    for n in (1, 2, 5, 12):
        for far in (1, 100):
            factor = [[rng.uniform(-1, 1) * 10 ** rng.uniform(-2, 0) for _ in range(i)] + [10 ** rng.uniform(-2, 0)]
                      for i in range(n)]
            mu = [rng.uniform(-2, 2) for _ in range(n)]
            y = [m + far * rng.uniform(-1, 1) * factor[i][i] for i, m in enumerate(mu)]
            add("mv_normal_precision_cholesky", mv_normal_precision_cholesky, mu=mu, factor=factor, y=y)
            for nu in (0.05, 1.0, 4.5, 60.0, 1e4, 1e8):
                add("mv_student_t_cholesky", mv_student_t_cholesky, nu=nu, mu=mu, factor=factor, y=y)
    for n in (1, 2, 3, 9):
        for scale in (1e-3, 1.0, 1e4):
            mu, sigma = [rng.uniform(-1, 1) for _ in range(n)], [scale * rng.uniform(0.5, 2) for _ in range(n)]
            init = [rng.uniform(-2, 2), rng.uniform(0.5, 2)]
            y = [rng.uniform(-3, 3) for _ in range(n)]
            add("gaussian_random_walk", gaussian_random_walk, mu=mu, sigma=sigma, init=init, y=y)
            add("random_walk", random_walk, step=[4.5, mu[0], sigma[0]], init=init, y=y)
            for order in (1, 2, 3):
                rho = [rng.uniform(-1, 1) for _ in range(order)]
                add("ar", ar, rho=rho, sigma=sigma[0], init=init, y=y)
            add("zero_sum_normal", zero_sum_normal, sigma=sigma[0], y=y)
            pairs = [[k, rng.randrange(k)] for k in range(1, n)] + [[0, n - 1]] * (n > 3)
            assert len({tuple(sorted(pair)) for pair in pairs}) == len(pairs)
            add("icar", icar, ["sigma", "y"], sigma=sigma[0], pairs=pairs, y=y)
        for alpha in (1e-3, 0.7, 1.0, 5.0, 1e4):
            for reach in (1, 6):
                w = shares([10 ** rng.uniform(-reach, 0) for _ in range(n)])
                add("stick_breaking_weights", stick_breaking_weights, alpha=alpha, y=w)


def covariance_cases(rng, cases):
    def triangle(factor, size):
        s = square(factor)
        return [[float(s[i, j] * size) for j in range(i + 1)] for i in range(len(factor))]

    for n in (1, 2, 3, 5):
        for degrees in (0.1, 1.0, 30.0, 1e4, 1e8):
            nu, factor = n - 1 + degrees, some_factor(rng, n, 0.5)
            for far in (1, 30):
                y = triangle(some_factor(rng, n, 0.5), (nu + 1) * rng.uniform(0.5, 2) * far)
                add_case(cases, "wishart", wishart, nu=nu, factor=factor, y=y)
                y = triangle(some_factor(rng, n, 0.5), rng.uniform(0.5, 2) * far / (nu + 1))
                add_case(cases, "inverse_wishart", inverse_wishart, nu=nu, factor=factor, y=y)


def main():
    rng = random.Random(20250310)
    cases = {"dirichlet": [], "lkj_cholesky": [], "mv_normal_cholesky": []}
    for n in (1, 2, 3, 10):
        for scale in (1e-3, 0.5, 1.0, 7.0, 1e4, 1e8):
            alpha = [scale * rng.uniform(0.5, 2) for _ in range(n)]
            for near in (True, False):  # where the mass is, and far away
                y = shares(alpha) if near else shares([10 ** rng.uniform(-12, 0) for _ in range(n)])
                add_case(cases, "dirichlet", dirichlet, alpha=alpha, y=y)
    for n in (1, 2, 3, 7, 20):
        for eta in (0.01, 0.5, 1.0, 2.0, 30.0, 1e6):
            for strength in (0.05, 0.6, 0.999):
                factor = correlation_factor(rng, n, strength)
                add_case(cases, "lkj_cholesky", lkj_cholesky, eta=eta, y=factor)
    for n in (1, 2, 5, 12):
        for spread in (0, 2, 4):
            for far in (1, 100):
                factor = [[rng.uniform(-1, 1) * 10 ** rng.uniform(-spread, 0) for _ in range(i)]
                          + [10 ** rng.uniform(-spread, 0)] for i in range(n)]
                mu = [rng.uniform(-2, 2) for _ in range(n)]
                y = [m + far * rng.uniform(-1, 1) * factor[i][i] for i, m in enumerate(mu)]
                add_case(cases, "mv_normal_cholesky", mv_normal_cholesky, mu=mu, factor=factor, y=y)
    more_cases(random.Random(20250420), cases)
    matrix_cases(random.Random(20250905), cases)
    covariance_cases(random.Random(20251127), cases)
    out = pathlib.Path(__file__).with_name("joint_densities.json")
    with out.open("w") as file:
        file.write('{"command": "python3 tests/golden/make_joint_densities.py",\n')
        for i, (name, rows) in enumerate(cases.items()):
            lines = ",\n".join(json.dumps(row) for row in rows)
            file.write(f'"{name}": [\n{lines}\n]' + ("\n}\n" if i == len(cases) - 1 else ",\n"))


if __name__ == "__main__":
    main()
