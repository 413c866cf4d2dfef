#!/usr/bin/env python3
"""Summarises posteriordb's reference draws into tests/golden/references.json, each number with its standard error.

    python3 tests/golden/make_references.py POSTERIORDB

Needs arviz and numpy. POSTERIORDB is a clone of the public posteriordb database, or any folder laid out like one.

Every element of every reported parameter gets (x: its draws, ESS: ArviZ's method "mean" over the reference chains)
    mean         with standard error  sd / sqrt(ESS(x))
    sd           with standard error  sd((x - mean)^2) / (2 sd sqrt(ESS((x - mean)^2)))
    quantiles p  the value q, and the ESS of the indicator x <= q; the standard error of the share of draws below q is
                 sqrt(p (1 - p) / ESS)
"""

import json
import pathlib
import platform
import sys
import zipfile

import arviz
import numpy

# Those whose data are in tests/data/posteriordb.
POSTERIORS = [
    "arK-arK",
    "arma-arma11",
    "diamonds-diamonds",
    "earnings-logearn_interaction",
    "eight_schools-eight_schools_noncentered",
    "garch-garch11",
    "gp_pois_regr-gp_regr",
    "hmm_example-hmm_example",
    "kidiq-kidscore_interaction",
    "kidiq-kidscore_momiq",
    "kidiq_with_mom_work-kidscore_mom_work",
    "low_dim_gauss_mix-low_dim_gauss_mix",
    "mesquite-logmesquite",
    "nes1976-nes",
    "nes2000-nes",
    "sblrc-blr",
]
PROBABILITIES = [0.05, 0.25, 0.5, 0.75, 0.95]


def load(posteriordb, posterior):
    """Reference draws: name of the element -> array (chain, draw)."""
    folder = posteriordb / "posterior_database" / "reference_posteriors" / "draws" / "draws"
    with zipfile.ZipFile(folder / f"{posterior}.json.zip") as files:
        chains = json.loads(files.read(f"{posterior}.json"))
    return {name: numpy.array([chain[name] for chain in chains], dtype=float) for name in chains[0]}


def ess(x):
    return float(arviz.ess(x, method="mean"))


def summarise(x):
    mean, sd = float(x.mean()), float(x.std(ddof=1))
    square = (x - mean) ** 2
    quantiles = []
    for p in PROBABILITIES:
        value = float(numpy.quantile(x, p))
        quantiles.append({"p": p, "value": value, "ess": ess((x <= value).astype(float))})
    return {
        "mean": mean,
        "se_mean": sd / float(numpy.sqrt(ess(x))),
        "sd": sd,
        "se_sd": float(square.std(ddof=1)) / (2 * sd * float(numpy.sqrt(ess(square)))),
        "quantiles": quantiles,
        "n": int(x.size),
    }


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    posteriordb = pathlib.Path(sys.argv[1])
    posteriors = {}
    for posterior in POSTERIORS:
        draws = load(posteriordb, posterior)
        posteriors[posterior] = {name: summarise(x) for name, x in draws.items()}
    result = {
        "command": "python3 tests/golden/make_references.py POSTERIORDB",
        "versions": {
            "python": platform.python_version(),
            "arviz": arviz.__version__,
            "numpy": numpy.__version__,
        },
        "posteriors": posteriors,
    }
    path = pathlib.Path(__file__).with_name("references.json")
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
