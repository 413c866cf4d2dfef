#!/usr/bin/env python3
"""Writes diagnostics.json: draws in awkward shapes and what ArviZ says about them.

    python3 tests/golden/make_diagnostics.py        # numpy, scipy, arviz 0.23; writes beside itself

A NaN is null and an infinity "inf" or "-inf". Nested R-hat, which ArviZ lacks, is written here plainly from its
definition (Margossian et al. 2024, equations 15 to 19).
"""

import json
import math
import pathlib
import warnings

warnings.simplefilter("ignore")

import arviz as az
import numpy as np
import scipy
from scipy import stats

random = np.random.default_rng(20240229)


def ar1(chains, draws, phi):
    """Stationary AR(1) chains of unit variance."""
    x = np.empty((chains, draws))
    x[:, 0] = random.normal(size=chains)
    for t in range(1, draws):
        x[:, t] = phi * x[:, t - 1] + math.sqrt(1 - phi**2) * random.normal(size=chains)
    return x


def with_value(x, where, value):
    x = x.copy()
    x[where] = value
    return x


def one_stuck(x):
    x = x.copy()
    x[-1] = 2.5
    return x


def cases():
    """name -> (draws, chains per superchain)"""
    yield "independent", ar1(4, 100, 0.0), 2
    yield "slow", ar1(4, 100, 0.9), 2
    yield "many short chains", ar1(64, 100, 0.6), 4
    yield "an odd number of draws", ar1(4, 101, 0.5), 1
    yield "one chain", ar1(1, 51, 0.3), 1
    yield "one long chain", ar1(1, 500, 0.7), 1
    yield "33 chains of 7", ar1(33, 7, 0.3), 3
    yield "6 draws", ar1(5, 6, 0.3), 1
    yield "5 draws", ar1(4, 5, 0.3), 2
    yield "4 draws", ar1(4, 4, 0.3), 2
    yield "3 draws", ar1(4, 3, 0.3), 2
    yield "1 draw", ar1(16, 1, 0.0), 4
    yield "1 draw, no shared starts", ar1(16, 1, 0.0), 1
    yield "no mixing", ar1(2, 2000, 0.9995), 1
    yield "one superchain", ar1(4, 100, 0.5), 4
    yield "shifted chains", ar1(4, 100, 0.3) + np.array([[0.0], [0.0], [1.0], [1.0]]), 2
    yield "chains of different scale", ar1(4, 100, 0.3) * np.array([[1.0], [1.0], [3.0], [3.0]]), 2
    yield "antithetic", ar1(4, 100, -0.9), 2
    yield "heavy tails", stats.cauchy.rvs(size=(4, 150), random_state=random), 2
    yield "ties", random.poisson(2.0, size=(4, 101)).astype(float), 2
    yield "binary", (ar1(8, 60, 0.8) > 0.4).astype(float), 2
    yield "balanced binary", np.tile([[0.0, 1.0, 1.0, 0.0]], (4, 8)), 2  # folded, all draws are equal
    yield "rounded", np.round(ar1(4, 64, 0.7), 1), 2
    yield "far from zero", 1e6 + ar1(4, 100, 0.5), 2
    yield "tiny", 1e-9 * ar1(4, 100, 0.5), 2
    yield "constant", np.full((4, 16), 2.5), 2
    yield "each chain its own constant", np.repeat([[1.0], [2.0], [3.0], [5.0]], 16, axis=1), 2
    yield "one stuck chain", one_stuck(ar1(4, 50, 0.4)), 2
    yield "a NaN", with_value(ar1(4, 20, 0.4), (2, 7), np.nan), 2
    yield "infinities", with_value(with_value(ar1(4, 40, 0.4), (1, 3), np.inf), (2, 7), -np.inf), 2


def nested_rhat(x, superchain):
    chains, draws = x.shape
    means, within = [], []
    for k in np.unique(superchain):
        own = x[superchain == k]
        chain_means = own.mean(axis=1)
        between_chains = chain_means.var(ddof=1) if len(own) > 1 else 0.0
        within_chains = own.var(axis=1, ddof=1).mean() if draws > 1 else 0.0
        means.append(chain_means.mean())
        within.append(between_chains + within_chains)
    if len(means) < 2 or (draws == 1 and chains == len(means)):
        return math.nan
    return float(np.sqrt(1 + np.var(means, ddof=1) / np.mean(within)))


def normal_scores(x):
    return stats.norm.ppf((stats.rankdata(x) - 0.375) / (x.size + 0.25)).reshape(x.shape)


def nested_rhat_rank(x, superchain):
    """The larger of bulk and folded, as ArviZ's "rank" method for the split form."""
    if np.isnan(x).any():
        return math.nan
    return max(nested_rhat(normal_scores(x), superchain),
               nested_rhat(normal_scores(np.abs(x - np.median(x))), superchain))


def expected(x, superchain):
    flat = x.ravel()
    bounds = [math.nan] * 4
    if not np.isnan(flat).any():  # with a NaN ArviZ's intervals are of the other draws, ours unknown
        bounds = [*az.hdi(flat, hdi_prob=0.94), *np.quantile(flat, [0.03, 0.97])]
    quantiles = np.quantile(flat, [0.05, 0.5, 0.95])
    ess_bulk = az.ess(x, method="bulk")
    return {
        "mean": flat.mean(), "sd": flat.std(ddof=1),
        "q5": quantiles[0], "median": quantiles[1], "q95": quantiles[2],
        "hdi_low": bounds[0], "hdi_high": bounds[1], "eti_low": bounds[2], "eti_high": bounds[3],
        "mcse_mean": az.mcse(x, method="mean"), "mcse_sd": az.mcse(x, method="sd"),
        "ess_mean": az.ess(x, method="mean"), "ess_bulk": ess_bulk, "ess_tail": az.ess(x, method="tail"),
        "ess_quantile_25": az.ess(x, method="quantile", prob=0.25),
        "r_hat": az.rhat(x, method="rank"), "r_hat_split": az.rhat(x, method="split"),
        "nested_rhat": nested_rhat(x, superchain), "r_hat_nested": nested_rhat_rank(x, superchain),
        "tau": x.size / ess_bulk,
    }


def plain(value):
    """A number as JSON can hold it, with all its digits."""
    value = float(value)
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else str(value)


def main():
    document = {
        "command": "python3 tests/golden/make_diagnostics.py",
        "versions": {"arviz": az.__version__, "numpy": np.__version__, "scipy": scipy.__version__},
        "cases": [],
    }
    for name, x, chains_per_superchain in cases():
        superchain = np.arange(len(x)) // chains_per_superchain
        document["cases"].append({
            "name": name,
            "chains": x.shape[0],
            "draws": x.shape[1],
            "superchain": superchain.tolist(),
            "expected": {key: plain(value) for key, value in expected(x, superchain).items()},
            "values": [plain(value) for value in x.ravel()],
        })
    path = pathlib.Path(__file__).with_name("diagnostics.json")
    text = ",\n".join(json.dumps(case) for case in document.pop("cases"))
    path.write_text(json.dumps(document)[:-1] + ', "cases": [\n' + text + "\n]}\n")


main()
