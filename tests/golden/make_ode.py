#!/usr/bin/env python3
"""Writes tests/golden/ode.json: solutions of stiff differential equations with their derivatives by the parameters.

    python3 tests/golden/make_ode.py

Needs scipy. Each system is solved together with its variational equations, S' = (df/dy) S + df/dp for S = dy/dp, by Radau's
method of order 5 at the tolerances below. Solved again at a tenth of them, nothing may change by more than 1e-9 of the largest
value that the element, or the derivative, has at any of the times.
"""

import json
import pathlib

import numpy
import scipy
from scipy.integrate import solve_ivp


def robertson(y, p):
    """Robertson's (1966) chemical reactions: rates 0.04, 1e4, 3e7."""
    a, b, c = p
    f = [-a * y[0] + b * y[1] * y[2], a * y[0] - b * y[1] * y[2] - c * y[1] ** 2, c * y[1] ** 2]
    by_y = [[-a, b * y[2], b * y[1]], [a, -b * y[2] - 2 * c * y[1], -b * y[1]], [0, 2 * c * y[1], 0]]
    by_p = [[-y[0], y[1] * y[2], 0], [y[0], -y[1] * y[2], -y[1] ** 2], [0, 0, y[1] ** 2]]
    return f, by_y, by_p


def van_der_pol(y, p):
    """Van der Pol's oscillator, slow phases and sudden turns."""
    (mu,) = p
    f = [y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]]
    by_y = [[0, 1], [-2 * mu * y[0] * y[1] - 1, mu * (1 - y[0] ** 2)]]
    by_p = [[0], [(1 - y[0] ** 2) * y[1]]]
    return f, by_y, by_p


SYSTEMS = {
    "robertson": (robertson, [1, 0, 0], [0.04, 1e4, 3e7], [0.4, 4, 40, 400, 4000, 40000], 1e-12, 1e-17),
    "van_der_pol": (van_der_pol, [2, 0], [200], [50, 100, 150, 170, 250, 300], 1e-12, 1e-15),
}


def solve(system, start, p, times, relative, absolute):
    """Rows of y and of dy/dp, [time][element][parameter]."""
    n, k = len(start), len(p)

    def f(t, z):
        y, s = z[:n], z[n:].reshape(n, k)
        rate, by_y, by_p = system(y, p)
        return numpy.concatenate([rate, (numpy.array(by_y) @ s + numpy.array(by_p)).ravel()])

    # Derivatives are as large as y / p: so are their tolerances.
    tolerances = numpy.concatenate([[absolute] * n, numpy.tile(absolute / numpy.array(p), n)])
    first = numpy.concatenate([start, numpy.zeros(n * k)])
    z = solve_ivp(f, (0, times[-1]), first, "Radau", times, rtol=relative, atol=tolerances)
    assert z.success, z.message
    return z.y.T[:, :n], z.y.T[:, n:].reshape(-1, n, k)


def main():
    systems = {}
    for name, (system, start, p, times, relative, absolute) in SYSTEMS.items():
        y, s = solve(system, start, p, times, relative, absolute)
        for found, closer in zip((y, s), solve(system, start, p, times, relative / 10, absolute / 10)):
            change = (abs(found - closer) / abs(closer).max(axis=0)).max()
            print(name, f"{change:.1e}")
            assert change < 1e-9
        systems[name] = {"parameters": p, "start": start, "times": times, "y": y.tolist(), "derivatives": s.tolist()}
    text = {"command": "python3 tests/golden/make_ode.py", "versions": {"scipy": scipy.__version__}, "systems": systems}
    path = pathlib.Path(__file__).resolve().parent / "ode.json"
    path.write_text(json.dumps(text, indent=1) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
