#!/usr/bin/env python3
"""Reads files with all groups as a user of ArviZ would, and prints "ok".

    python3 tests/read_groups_with_arviz.py THINNED STOPPED

THINNED is of `lockstep sample eight_schools --thin 2 --keep-warmup --log-lik --predictive auto`; STOPPED is the same of a run
that a signal has ended. Works with ArviZ 0.x (InferenceData) and 1.x (xarray's DataTree).
"""

import sys

import arviz
import numpy
import xarray

GROUPS = {"posterior", "sample_stats", "log_likelihood", "posterior_predictive", "warmup_posterior",
          "warmup_sample_stats", "observed_data", "constant_data"}


def dataset(tree, group):
    """One group as an xarray.Dataset, whichever of the two ArviZ returned."""
    node = tree[group]
    return node.to_dataset() if hasattr(node, "to_dataset") else node


def check(tree, groups):
    assert {name.strip("/") for name in groups} - {""} == GROUPS, f"the groups are {sorted(groups)}"
    posterior = dataset(tree, "posterior")
    chains = posterior.sizes["chain"]
    numbers = posterior["draw"].values
    assert (numpy.diff(numbers) == 2).all() and numbers[0] == 0, f"the draws are {numbers}"
    for group in ("log_likelihood", "posterior_predictive"):
        y = dataset(tree, group)["y"]
        assert y.dims == ("chain", "draw", "school"), f"{group}/y has the dims {y.dims}"
        assert y.sizes["chain"] == chains
        assert chains * y.sizes["draw"] <= 4000, f"{group} has {y.sizes['draw']} draws of {chains} chains"
        assert set(y["draw"].values) <= set(numbers), f"{group} has draws that the posterior has not"
        assert numpy.isfinite(y.values).all()
    assert (dataset(tree, "log_likelihood")["draw"].values == dataset(tree, "posterior_predictive")["draw"].values).all()

    # Aligned by draw numbers: each log likelihood is that of the draw of its number.
    log_likelihood = dataset(tree, "log_likelihood")["y"]
    theta = posterior["theta"].sel(draw=log_likelihood["draw"])
    y = dataset(tree, "observed_data")["y"].values
    sigma = dataset(tree, "constant_data")["sigma"].values
    expected = -0.5 * ((y - theta.values) / sigma) ** 2 - numpy.log(sigma) - 0.5 * numpy.log(2 * numpy.pi)
    assert numpy.allclose(log_likelihood.values, expected, rtol=1e-10, atol=1e-10)

    warmup = dataset(tree, "warmup_posterior")
    assert warmup["theta"].dims == ("chain", "draw", "school")
    assert dataset(tree, "warmup_sample_stats")["diverging"].dtype == bool
    assert dataset(tree, "warmup_sample_stats").sizes["draw"] == warmup.sizes["draw"]


def main():
    for path in sys.argv[1:]:
        tree = arviz.from_netcdf(path)
        check(tree, tree.groups() if callable(tree.groups) else tree.groups)
        loo = arviz.loo(tree)
        # eight schools: elpd_loo is about -30.7
        elpd = float(getattr(loo, "elpd_loo", getattr(loo, "elpd", numpy.nan)))
        assert -32 < elpd < -29.5, f"elpd_loo is {elpd}"
        if hasattr(xarray, "open_datatree"):
            for engine in ("h5netcdf", "netcdf4"):
                try:
                    opened = xarray.open_datatree(path, engine=engine)
                except (ImportError, ValueError) as error:
                    if "engine" not in str(error):
                        raise
                    continue  # this engine is not installed
                check(opened.load(), opened.groups)
                opened.close()
    attributes = dataset(tree, "posterior").attrs
    draws = dataset(tree, "posterior").sizes["draw"]
    assert attributes["stopped_early"] == 1, "the second file is of a run that was not stopped"
    assert draws == (attributes["draws_made"] + 1) // 2 < attributes["draws_asked_for"], f"{draws} draws: {attributes}"
    print("ok")


main()
