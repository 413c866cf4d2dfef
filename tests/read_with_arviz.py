#!/usr/bin/env python3
"""Reads a file that `lockstep sample eight_schools` wrote as a user of ArviZ would, and prints "ok".

    python3 tests/read_with_arviz.py FILE

Works with ArviZ 0.x (InferenceData) and 1.x (xarray's DataTree).
"""

import sys

import arviz
import numpy
import xarray


def dataset(tree, group):
    """One group as an xarray.Dataset, whichever of the two ArviZ returned."""
    node = tree[group]
    return node.to_dataset() if hasattr(node, "to_dataset") else node


def check(tree):
    posterior = dataset(tree, "posterior")
    for name, variable in posterior.data_vars.items():
        assert variable.dims[:2] == ("chain", "draw"), f"posterior/{name} has the dims {variable.dims}"
    theta = posterior["theta"]
    assert theta.dims == ("chain", "draw", "school"), f"theta has the dims {theta.dims}"
    assert theta.sizes["school"] == 8, f"theta has {theta.sizes['school']} schools"
    for coord in ("chain", "draw"):
        assert numpy.issubdtype(posterior[coord].dtype, numpy.integer), f"{coord} is {posterior[coord].dtype}"
    schools = posterior["school"].values.tolist()
    assert all(isinstance(school, str) for school in schools), f"the schools are {schools}, not strings"
    assert len(set(schools)) == 8, f"the schools are {schools}"

    stats = dataset(tree, "sample_stats")
    for name in ("diverging", "reached_max_treedepth"):
        assert stats[name].dtype == bool, f"sample_stats/{name} is {stats[name].dtype}, not bool"
        assert stats[name].dims == ("chain", "draw"), f"sample_stats/{name} has the dims {stats[name].dims}"

    observed = dataset(tree, "observed_data")
    assert observed["y"].dims == ("school",), f"observed_data/y has the dims {observed['y'].dims}"

    summary = arviz.summary(tree)
    print(summary.to_string())
    missing = {"mu", "tau", *(f"theta[{school}]" for school in schools)} - set(summary.index)
    assert not missing, f"arviz.summary has no row for {sorted(missing)}"
    # eight schools: the reference posterior's mean of mu is 4.4 (sd 3.3), of tau 3.6 (sd 3.2)
    mean = summary["mean"].astype(float)
    assert 3.5 < mean["mu"] < 5.3 and 2.8 < mean["tau"] < 4.4, f"means of mu and tau: {mean['mu']}, {mean['tau']}"


def main():
    path = sys.argv[1]
    check(arviz.from_netcdf(path))
    readers = [f"arviz {arviz.__version__}"]
    if hasattr(xarray, "open_datatree"):
        for engine in ("h5netcdf", "netcdf4"):
            try:
                tree = xarray.open_datatree(path, engine=engine)
            except (ImportError, ValueError) as error:
                if "engine" not in str(error):
                    raise
                continue  # this engine is not installed
            theta = tree["posterior"]["theta"]
            assert theta.dims == ("chain", "draw", "school"), f"{engine}: theta has the dims {theta.dims}"
            assert tree["sample_stats"]["diverging"].dtype == bool, f"{engine}: diverging is not bool"
            readers.append(f"xarray {xarray.__version__} with {engine}")
    print("read by", ", ".join(readers))
    print("ok")


main()
