#!/usr/bin/env python3
"""Reads a file that `lockstep sample eight_schools --keep summary` wrote, and prints "ok".

    python3 tests/read_summary_with_arviz.py FILE
"""

import sys

import arviz
import xarray


def main():
    path = sys.argv[1]
    summary = xarray.open_dataset(path, group="summary")
    assert summary["mu"].dims == ("statistic",), f"mu has the dims {summary['mu'].dims}"
    assert summary["theta"].dims == ("statistic", "school"), f"theta has the dims {summary['theta'].dims}"
    # eight schools: the reference posterior's mean of mu is 4.4 (sd 3.3)
    mean, sd = float(summary["mu"].sel(statistic="mean")), float(summary["mu"].sel(statistic="sd"))
    assert 3.5 < mean < 5.3 and 2.8 < sd < 3.8, f"mean and sd of mu: {mean}, {sd}"
    quantiles = summary["theta"].sel(statistic=["min", "q2.5", "q5", "q25", "median", "q75", "q95", "q97.5", "max"])
    assert (quantiles.diff("statistic") > 0).all(), "the quantiles do not ascend"
    assert float(summary.sel(statistic="r_hat").max().to_array().max()) < 1.1

    chains = xarray.open_dataset(path, group="chain_stats")
    assert chains["acceptance_rate"].dims == ("chain",), f"acceptance_rate has the dims {chains['acceptance_rate'].dims}"
    assert len(set(chains["superchain_id"].values)) == 16
    assert summary.attrs["summarised_draws"] == 250, summary.attrs["summarised_draws"]

    tree = arviz.from_netcdf(path)
    groups = {name.strip("/") for name in (tree.groups() if callable(tree.groups) else tree.groups)} - {""}
    assert groups == {"summary", "chain_stats", "observed_data", "constant_data"}, groups
    print("ok")


if __name__ == "__main__":
    main()
