#!/usr/bin/env python3
"""Compares the figures of `lockstep summary FILE.nc --format json >FILE.json` with ArviZ's, at full precision.

    python3 tests/compare_with_arviz.py FILE.nc...
"""

import json
import pathlib
import sys

import arviz
import numpy

# mean and sd by numpy, the others by ArviZ: name, function of draws (chain, draw)
FIGURES = {
    "mean": numpy.mean,
    "sd": lambda draws: numpy.std(draws, ddof=1),
    "r_hat": lambda draws: arviz.rhat(draws, method="rank"),
    "ess_bulk": lambda draws: arviz.ess(draws, method="bulk"),
    "ess_tail": lambda draws: arviz.ess(draws, method="tail"),
    "mcse_mean": lambda draws: arviz.mcse(draws, method="mean"),
}
TOLERANCE = 1e-6


def scalars(variable):
    """The draws of each scalar of a variable, by its name in a summary."""
    dims = variable.dims[2:]
    for place in numpy.ndindex(*(variable.sizes[dim] for dim in dims)):
        labels = ", ".join(str(variable[dim].values[i]) for dim, i in zip(dims, place))
        yield variable.name + (f"[{labels}]" if dims else ""), variable.values[(slice(None), slice(None), *place)]


def compare(path):
    tree = arviz.from_netcdf(path)
    posterior = tree["posterior"]
    posterior = posterior.to_dataset() if hasattr(posterior, "to_dataset") else posterior
    expected = {name: draws for variable in posterior.data_vars.values() for name, draws in scalars(variable)}
    with open(pathlib.Path(path).with_suffix(".json"), encoding="utf-8") as file:
        summary = {row["name"]: row for row in json.load(file)}
    assert list(summary) == list(expected), f"the summary has {list(summary)}, the file {list(expected)}"
    largest = 0
    for name, draws in expected.items():
        for figure, function in FIGURES.items():
            ours, theirs = summary[name][figure], float(function(draws))
            # a mean near zero is known to the precision of its draws
            error = abs(ours - theirs) / (numpy.std(draws) if figure == "mean" else abs(theirs))
            assert error < TOLERANCE, f"{path}: {figure} of {name} is {ours}, and {theirs} by ArviZ"
            largest = max(largest, error)
    count = f"{len(FIGURES)} figures of {len(expected)} scalars"
    print(f"{path}: {count} equal ArviZ's, largest relative error {largest:.1e}")


for each in sys.argv[1:]:
    compare(each)
