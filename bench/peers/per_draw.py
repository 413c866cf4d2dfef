"""What a draw costs NUTS itself, Lockstep's and Stan's: gradients per effective draw, with nothing adapted.

    build/peers/venv/bin/python bench/peers/per_draw.py [POSTERIOR...] [--seeds N]      prints a table

Both start where a run of Lockstep has come to (the normals: at exact draws), with the same step size and diagonal metric, depth 10
at most, and make 4 chains of 2100 draws for each of 20 seeds, of which the first 100 are dropped. Coordinates are the unconstrained
ones. Gradients are leapfrog steps: lanes that wait, and the one with which Stan begins each draw, are not counted. Gradients per
effective draw are steps per draw times draws per effective draw, the mean over coordinates; once for their means (x), once for
their squared deviations from the mean (x²). Intervals: 95%, bootstrap over seeds.
"""

import argparse
import json
import os
import pathlib
import subprocess

import numpy as np
from scipy.stats import norm

import peers
import posteriors
import report
from posteriors import BUILD, POSTERIORS, ROOT, WORK

HERE = pathlib.Path(__file__).parent
CHAINS, DRAWS, DROPPED = 4, 2000, 100

# Normal posteriors: sds, and a step size at which about 0.8 are accepted under the unit metric.
NORMALS = {"normal, 10": (np.ones(10), 0.9), "normal, 100": (np.ones(100), 0.54),
           "normal, 10, sds 1 to 10": (np.arange(1.0, 11.0), 1.6)}
FITTED = ["eight_schools", "garch11", "nes1976", "radon_mn"]


def words(numbers):
    return " ".join(float(v).hex() for v in numbers)


class Case:
    """A posterior with both programs, and what both are told: the step size, the metric's scales, and starts [seed, chain]."""

    def __init__(self, name, seeds):
        self.name = name
        self.folder = WORK / "per_draw" / name.replace(", ", "-").replace(" ", "-")
        self.folder.mkdir(parents=True, exist_ok=True)
        if name in NORMALS:
            # A normal with these sds, in units of them: the metric is the unit metric then.
            sds, self.step = NORMALS[name]
            self.zoo, self.data, program = "std_normal", self.folder / "lockstep.json", HERE / "stan" / "std_normal.stan"
            self.data.write_text(json.dumps({"coordinate": sds.size}))
            stan_data = {"N": sds.size}
            self.scales = 1 / sds
            self.starts = np.random.default_rng(1).standard_normal((seeds, CHAINS, sds.size))
        else:
            self.zoo, self.data, program = POSTERIORS[name][0], posteriors.data_file(name), posteriors.stan_file(name)
            stan_data = posteriors.stan_data(name)
            tuned = subprocess.run([WORK / "lockstep_side", "tune", self.zoo, "1000", str(seeds * CHAINS), self.data],
                                   check=True, capture_output=True, text=True).stdout.splitlines()
            numbers = [np.array([float.fromhex(word) for word in line.split()]) for line in tuned]
            self.step, self.scales = numbers[0][0], numbers[1]
            self.starts = np.array(numbers[2:]).reshape(seeds, CHAINS, -1)
        self.stan_data = self.folder / "stan.json"
        self.stan_data.write_text(json.dumps(stan_data))
        self.stan_program = peers.stan_program(program, "stan_nuts.cpp", "-nuts")

    def run(self, engine, seed):
        """Draws [chain, draw, coordinate], and of each its leapfrog steps and acceptance."""
        out = self.folder / f"{engine}.bin"
        draws = str(DROPPED + DRAWS)
        command = {"lockstep": [WORK / "lockstep_side", "nuts", self.zoo, str(seed), draws, out, self.data],
                   "stan": [self.stan_program, self.stan_data, str(seed), draws, out]}[engine]
        lines = [words([self.step]), words(self.scales), *map(words, self.starts[seed - 1])]
        subprocess.run(command, check=True, input="\n".join(lines) + "\n", text=True)
        whole = np.fromfile(out).reshape(CHAINS, DROPPED + DRAWS, -1)[:, DROPPED:]
        out.unlink()
        return whole[:, :, :-2], whole[:, :, -2], whole[:, :, -1]


def cost(draws, steps):
    """Gradients per effective draw, the mean over coordinates."""
    return steps.mean() * np.mean(draws.shape[0] * draws.shape[1] / report.ess(draws, "mean"))


def ratio(ours, theirs):
    """Of means over seeds, with its interval; the seeds of each are resampled by themselves."""
    random = np.random.default_rng(1)
    again = lambda v: v[random.integers(len(v), size=(20000, len(v)))].mean(axis=1)
    low, high = np.quantile(again(ours) / again(theirs), [0.025, 0.975])
    return f"{ours.mean() / theirs.mean():.3f} ({low:.3f}–{high:.3f})"


def row(name, seeds):
    case = Case(name, seeds)
    runs = {engine: [case.run(engine, seed) for seed in range(1, seeds + 1)] for engine in ("lockstep", "stan")}
    middle = np.mean([draws.mean(axis=(0, 1)) for pair in runs.values() for draws, _, _ in pair], axis=0)
    of_means, of_squares, length, acceptance, moments = {}, {}, {}, {}, {}
    for engine, each in runs.items():
        of_means[engine] = np.array([cost(draws, steps) for draws, steps, _ in each])
        of_squares[engine] = np.array([cost((draws - middle) ** 2, steps) for draws, steps, _ in each])
        length[engine] = np.mean([s.mean() for _, s, _ in each])
        acceptance[engine] = np.mean([a.mean() for _, _, a in each])
        moments[engine] = report.moments(np.concatenate([draws for draws, _, _ in each]))
    # The same posterior? Means and sds of all runs, in standard errors of their difference.
    a, b = moments["lockstep"], moments["stan"]
    z = np.concatenate([(a[q] - b[q]) / np.hypot(a[f"{q}_se"], b[f"{q}_se"]) for q in ("mean", "sd")])
    both = lambda figures, form: f"{figures['lockstep']:{form}} / {figures['stan']:{form}}"
    per_draw = lambda costs: both({engine: values.mean() for engine, values in costs.items()}, ".2f")
    return [name, str(case.scales.size), f"{case.step:.3g}", both(acceptance, ".3f"), both(length, ".2f"),
            per_draw(of_means), ratio(of_means["lockstep"], of_means["stan"]),
            per_draw(of_squares), ratio(of_squares["lockstep"], of_squares["stan"]),
            f"{np.max(np.abs(z)):.2f} ({norm.ppf(1 - 0.005 / z.size):.2f})"]


def main():
    cases = [*NORMALS, *FITTED]
    parser = argparse.ArgumentParser(description="Gradients per effective draw of NUTS, Lockstep's and Stan's; nothing is adapted.")
    parser.add_argument("posteriors", nargs="*", metavar="POSTERIOR", help=f"of: {'; '.join(cases)}. Default: all")
    parser.add_argument("--seeds", type=int, default=20, help="of four chains each (20)")
    options = parser.parse_args()
    unknown = [n for n in options.posteriors if n not in cases]
    if unknown or options.seeds < 2:
        parser.error(f"there is no {unknown[0]} (there are: {'; '.join(cases)})" if unknown else "two seeds are needed at least")
    os.environ.setdefault("XDG_CACHE_HOME", str(WORK / "cache"))  # of Stan's programs
    subprocess.run([ROOT / "bench" / "stan" / "build_side.sh", BUILD, WORK / "lockstep_side"], check=True)
    head = ["posterior", "coordinates", "step size", "acceptance", "steps per draw", "gradients per effective draw, x", "ratio",
            "the same, x²", "ratio", "largest \\|z\\| (limit)"]
    print("Lockstep / Stan:\n\n" + report.table(head, []), flush=True)
    for name in options.posteriors or cases:
        print("| " + " | ".join(row(name, options.seeds)) + " |", flush=True)


if __name__ == "__main__":
    main()
