"""Figures of a run from its draws, and the tables and the plot of all runs. One estimator for all: ArviZ's."""

import functools
import json
import pathlib
import statistics

import numpy as np
from arviz_stats.base import array_stats
from scipy.stats import norm

import posteriors
from posteriors import POSTERIORS, WORK

BEGIN, END = "<!-- made by bench/peers/run: begin -->", "<!-- made by bench/peers/run: end -->"
TITLES = {"lockstep": "Lockstep", "lockstep_mams": "Lockstep, MAMS", "stan": "Stan", "nutpie": "nutpie",
          "nutpie_low_rank": "nutpie, low rank", "pymc": "PyMC", "numpyro": "NumPyro, sequential",
          "numpyro_vectorized": "NumPyro, vectorised", "chees": "BlackJAX ChEES"}
GRID = 40  # checkpoints, geometric in draws


def ess(draws, method):
    """Of [chain, draw, element]: one number for each element."""
    quantiles = {"prob": (0.05, 0.95)} if method == "tail" else {}
    return np.array([array_stats.ess(draws[:, :, k], chain_axis=0, draw_axis=1, method=method, **quantiles)
                     for k in range(draws.shape[2])])


def truth_file(name):
    return WORK / "raw" / name / "stan-truth-1000.npz"


@functools.cache
def truth(name):
    """The reference: posteriordb's draws, or where it has none a long run of Stan. None if that has not been made."""
    file = truth_file(name)
    draws = posteriors.reference(name) if POSTERIORS[name][3] else None
    if draws is not None:
        draws = draws[None]
    elif file.exists():
        with np.load(file) as saved:
            draws = saved["draws"].astype(float)
    else:
        return None
    return {"draws": draws, **moments(draws)}


def moments(draws):
    """Means, sds and their standard errors over [chain, draw, element] (rules: agreement)."""
    flat = draws.reshape(-1, draws.shape[2])
    mean, sd = flat.mean(axis=0), flat.std(axis=0)
    square = (draws - mean) ** 2
    return {"mean": mean, "sd": sd, "mean_se": sd / np.sqrt(ess(draws, "mean")),
            "sd_se": square.reshape(flat.shape).std(axis=0) / (2 * sd * np.sqrt(ess(square, "mean"))),
            "mean_2": (flat**2).mean(axis=0), "sd_2": (flat**2).std(axis=0)}


def agreement(draws, reference):
    """max |z| of means, sds and three quantiles, and its limit."""
    ours, z = moments(draws), []
    z += [np.abs(ours["mean"] - reference["mean"]) / np.hypot(ours["mean_se"], reference["mean_se"])]
    z += [np.abs(ours["sd"] - reference["sd"]) / np.hypot(ours["sd_se"], reference["sd_se"])]
    for p in (0.05, 0.5, 0.95):
        at = np.quantile(reference["draws"].reshape(-1, draws.shape[2]), p, axis=0)
        below, theirs = (draws <= at).astype(float), (reference["draws"] <= at).astype(float)
        spread = below.reshape(-1, draws.shape[2]).std(axis=0) > 0
        size = np.ones(draws.shape[2])
        size[spread] = ess(below[:, :, spread], "mean")
        se = np.sqrt(p * (1 - p) * (1 / size + 1 / ess(theirs, "mean")))
        z += [np.abs(below.mean(axis=(0, 1)) - p) / se]
    z = np.concatenate(z)
    return float(np.max(z)), float(norm.ppf(1 - 0.005 / z.size))


def time_to_truth(draws, steps, record, reference):
    """Seconds until the squared error of every E[x] and E[x²] is, and stays, at most a hundredth of its variance. Time
    between draws is interpolated by leapfrog steps, chains advancing together; warmup comes first."""
    n = draws.shape[1]
    grid = np.unique(np.geomspace(1, n, GRID).astype(int))
    sums, squares = (np.cumsum(v.sum(axis=0), axis=0)[grid - 1] / (grid[:, None] * draws.shape[0]) for v in (draws, draws**2))
    worst = np.maximum(((sums - reference["mean"]) / reference["sd"]) ** 2,
                       ((squares - reference["mean_2"]) / reference["sd_2"]) ** 2).max(axis=1)
    bad = np.flatnonzero(~(worst <= 0.01))
    first = 0 if bad.size == 0 else bad[-1] + 1
    if first == len(grid):
        return None
    done = np.cumsum(steps.sum(axis=0)) / steps.sum()
    return record["run_s"] * (record["warm_share"] + (1 - record["warm_share"]) * float(done[grid[first] - 1]))


def figures(name, file, record):
    with np.load(file) as saved:
        draws, steps = saved["draws"].astype(float), saved["steps"].astype(float)
    if not np.all(np.isfinite(draws)):
        return {"status": "draws that are not finite"}
    moving = draws.reshape(-1, draws.shape[2]).std(axis=0) > 0
    if not np.all(moving):
        return {"status": "chains that do not move"}
    smallest = float(min(ess(draws, "bulk").min(), ess(draws, "tail").min()))
    found = {"ess": smallest, "chains": draws.shape[0], "draws": draws.shape[1],
             # "~": chains shorter than 20 autocorrelation times
             "unsure": bool(draws.shape[0] * 20 > smallest), "z": None, "z_limit": None, "truth_s": None}
    reference = None if record["kind"] == "truth" else truth(name)
    if reference is not None:
        found["z"], found["z_limit"] = agreement(draws, reference)
        found["truth_s"] = time_to_truth(draws, steps, record, reference)
    return found


# ---------------------------------------------------------------- tables


def load(raw):
    return [json.loads(p.read_text()) for p in sorted(raw.glob("*/*.json"))]


def failed(r):
    return r["status"] != 0 or (r["z"] is not None and r["z"] > r["z_limit"])


def rate(r):
    """ESS per core-second; a failure has spent its limit for one effective draw."""
    return 1 / r["limit_s"] if failed(r) else r["ess"] / r["run_s"]


def bias_seconds(r):
    return r["limit_s"] if failed(r) or r["truth_s"] is None else r["truth_s"]


def number(x):
    return f"{x:.3g}" if 0.001 <= abs(x) < 1000 else f"{x:,.0f}" if abs(x) >= 1000 else f"{x:.1e}"


def interval(values, of=statistics.median, count=2000):
    random = np.random.default_rng(1)
    values = list(values)
    again = [of([values[i] for i in random.integers(len(values), size=len(values))]) for _ in range(count)]
    return np.quantile(again, [0.025, 0.975])


def cell(values):
    low, high = interval(values) if len(values) > 1 else (values[0], values[0])
    return f"{number(statistics.median(values))} ({number(low)}–{number(high)})"


def table(head, rows):
    return "\n".join(["| " + " | ".join(r) + " |" for r in [head, ["---"] * len(head), *rows]])


def present(keys):
    """Posteriors and peers among (posterior, peer), in the tables' order."""
    return [n for n in POSTERIORS if any(key[0] == n for key in keys)], [p for p in TITLES if any(key[1] == p for key in keys)]


def matrix(cells):
    """A row for each posterior, a column for each peer, of {(posterior, peer): text}."""
    names, peers = present(cells)
    return table(["posterior"] + [TITLES[p] for p in peers], [[n] + [cells.get((n, p), "") for p in peers] for n in names])


def ratios(runs, names, value, against):
    """Geometric mean over posteriors of the ratio of medians, Lockstep's to another's; its interval resamples seeds."""
    random = np.random.default_rng(1)
    usable = [n for n in names if runs.get((n, "lockstep")) and any(runs.get((n, p)) for p in against)]
    if not usable:
        return None

    def once(pick):
        logs = []
        for n in usable:
            theirs = [statistics.median(pick([value(r) for r in runs[n, p]])) for p in against if runs.get((n, p))]
            logs.append(np.log(statistics.median(pick([value(r) for r in runs[n, "lockstep"]])) / max(theirs)))
        return float(np.exp(np.mean(logs)))

    resampled = [once(lambda v: [v[i] for i in random.integers(len(v), size=len(v))]) for _ in range(2000)]
    low, high = np.quantile(resampled, [0.025, 0.975])
    return f"{once(lambda v: v):.3g} ({low:.3g}–{high:.3g}; {len(usable)} posteriors)"


def of_kind(records, kind):
    runs = {}
    for r in records:
        if r["kind"] == kind:
            runs.setdefault((r["posterior"], r["peer"]), []).append(r)
    return runs


def section(title, records, kind):
    runs = of_kind(records, kind)
    if not runs:
        return [], runs
    # The setting that is soonest at the truth, where it is not the one with the most effective draws a second.
    to_truth = runs | of_kind(records, f"{kind}-truth")
    names, peers = present(runs)
    out = [f"### {title}", ""]

    def mark(rs):
        count = sum(map(failed, rs))
        return ("~" if any(r.get("unsure") for r in rs) else "") + cell([rate(r) for r in rs]) + (f" {count} failed" if count else "")

    def seconds(rs):
        if all(not failed(r) and r["z"] is None for r in rs):
            return "no reference"
        late = sum(failed(r) or r["truth_s"] is None for r in rs)
        return cell([bias_seconds(r) for r in rs]) + (f" {late} not" if late else "")

    def per_draw(rs):
        known = [r["gradients"] / r["ess"] for r in rs if not failed(r)]
        return number(statistics.median(known)) if known else "failed"

    for what, text, by in [
            ("Seconds until every squared error of E[x] and E[x²] is at most a hundredth of the variance", seconds, to_truth),
            ("min(bulk, tail) ESS per core-second, warmup included", mark, runs),
            ("Gradients per effective draw, warmup included", per_draw, runs)]:
        out += [f"{what}:", "", matrix({key: text(rs) for key, rs in by.items()}), ""]
    if kind == "tuned":
        setting = lambda rs: "{chains} {metric}".format(**rs[0]["options"])
        chosen = {key: f"{setting(to_truth[key])} / {setting(rs)}" for key, rs in runs.items()}
        out += ["Chains and metric, chosen for time to the truth / for effective draws a second:", "", matrix(chosen), ""]
    others = [p for p in peers if not p.startswith("lockstep")]
    for what, value, by in [("ESS per core-second", rate, runs),
                            ("seconds to the truth, as speed", lambda r: 1 / bias_seconds(r), to_truth)]:
        use = names if value is rate else [n for n in names if POSTERIORS[n][3] or truth_file(n).exists()]
        compared = {"Stan": ["stan"]}
        if others != ["stan"]:
            compared["the best peer of each posterior"] = others
        for whom, against in compared.items():
            mean = ratios(by, use, value, against)
            if mean:
                out.append(f"- Lockstep over {whom}, {what}, geometric mean: {mean}")
    seeds = sorted(len(v) for v in runs.values())
    out += ["", f"Runs of each: {seeds[0]} to {seeds[-1]}. Medians, 95% bootstrap intervals over seeds.", ""]
    return out, runs


def starts(records):
    """Cold and warm: from source to draws on disk, the interpreter's start included; for JAX a second call in a process, too."""
    seconds = {}
    for kind, field in (("cold", "process_s"), ("defaults", "process_s"), ("again", "again_s")):
        for key, runs in of_kind([r for r in records if r["status"] == 0], kind).items():
            seconds.setdefault(key, {})[kind] = number(statistics.median(r[field] for r in runs))
    # Without one of the first two the others would be taken for it.
    seconds = {key: " / ".join(found.values()) for key, found in seconds.items() if {"cold", "defaults"} <= found.keys()}
    if not seconds:
        return []
    return ["### From source to result", "",
            "Seconds of the whole process, caches empty / filled; for JAX also of a second call in the same process:", "",
            matrix(seconds), ""]


def plot(runs, file):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "peers"
    import matplotlib.pyplot as plt

    names, _ = present(runs)
    figure, axes = plt.subplots(figsize=(9, 0.5 * len(names) + 2))
    for i, (peer, title) in enumerate(TITLES.items()):
        at = [k for k, n in enumerate(names) if (n, peer) in runs]
        if not at:
            continue
        middle = [statistics.median(map(rate, runs[names[k], peer])) for k in at]
        ends = [interval([rate(r) for r in runs[names[k], peer]]) for k in at]
        errors = np.abs([[m - e[0] for m, e in zip(middle, ends)], [e[1] - m for m, e in zip(middle, ends)]])
        axes.errorbar(middle, [k + (i - (len(TITLES) - 1) / 2) * 0.09 for k in at], xerr=errors, fmt="o", markersize=4, label=title)
    axes.set(xscale="log", xlabel="min(bulk, tail) ESS per core-second, warmup included (more is better)",
             yticks=range(len(names)), yticklabels=names)
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside upper center", ncols=4, fontsize=8, frameon=False)
    figure.subplots_adjust(left=0.2, bottom=0.8 / (0.5 * len(names) + 2), top=1 - 0.7 / (0.5 * len(names) + 2))
    figure.savefig(file, metadata={"Date": None})


def about(records):
    import importlib.metadata as metadata
    import re
    import subprocess
    import sys

    import httpstan

    text = lambda *command: subprocess.run(command, capture_output=True, text=True).stdout.strip()
    header = (pathlib.Path(httpstan.__file__).parent / "include" / "stan" / "version.hpp").read_text()
    stan = ".".join(re.search(rf"STAN_{part} (\d+)", header)[1] for part in ("MAJOR", "MINOR", "PATCH"))
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    packages = ", ".join(f"{p} {metadata.version(p)}" for p in ("pystan", "pymc", "nutpie", "numba", "numpyro", "jax", "blackjax",
                                                               "arviz-stats"))
    commits = ", ".join(sorted({r["commit"] for r in records if r["peer"].startswith("lockstep")}))
    loads = [r["load"] for r in records]
    return (f"Processor: {cpu[1] if cpu else 'unknown'}, one core; {text('g++', '--version').splitlines()[0]}; Python "
            f"{sys.version.split()[0]}; Stan {stan} ({packages}); Lockstep {commits}. Load average of the machine at the ends of "
            f"runs: {min(loads):.1f} to {max(loads):.1f}.")


def densities():
    file = WORK / "density.json"
    if not file.exists():
        return []
    found = json.loads(file.read_text())
    engines = ["NumPyro", "PyMC", "Stan"]
    return ["### The same densities", "", "Largest relative difference from Lockstep's gradients, and log densities, at ten points:", "",
            table(["posterior", *engines], [[n, *(f"{found[n][e]:.0e}" for e in engines)] for n in POSTERIORS if n in found]), ""]


def write(work, readme, kind):
    records = load(work / "raw")
    records = [r for r in records if r["kind"] != "compiled"]
    lines, runs = section("By everyone's defaults", records, kind)
    if not runs:
        return
    tuned, _ = section("By everyone's best of chains {4, 64, 512} and metric, chosen on other seeds", records, "tuned")
    few = []
    for chains in sorted({int(r["kind"].split("-")[0]) for r in records if r["kind"].endswith("-chains")}):
        title = f"With {chains} {'chain' if chains == 1 else 'chains'} of 1000 draws for everyone"
        few += section(title, records, f"{chains}-chains")[0]
    picture = readme.with_name("peers.svg")
    with open(readme.with_name("peers.json"), "w") as file:  # the figures of every run, one a line
        file.write("[\n" + ",\n".join(json.dumps(r) for r in records) + "\n]\n")
    plot(runs, picture)
    text = "\n".join([about([r for r in records if r["kind"] in (kind, "tuned")]), "",
                      f"![ESS per core-second, by defaults]({picture.name})", "",
                      *lines, *few, *tuned, *starts(records), *densities()]).strip()
    whole = readme.read_text() if readme.exists() else f"{BEGIN}\n{END}\n"
    before, rest = whole.split(BEGIN, 1)
    readme.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END, 1)[1]}")
    print(f"tables: {readme}")
