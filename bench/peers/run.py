"""Runs the peers and writes the tables: see `run`, which sets up and calls this."""

import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import report
from posteriors import POSTERIORS, ROOT, WORK

HERE = pathlib.Path(__file__).parent
PEERS = ["stan", "lockstep", "lockstep_mams", "nutpie", "nutpie_low_rank", "chees", "numpyro_vectorized", "numpyro", "pymc"]
JAX = ["numpyro", "numpyro_vectorized", "chees"]  # a second call in the process is timed, too
RAW = WORK / "raw"

# Everyone's defaults are no options. ChEES has no default number of chains: peers.py says what is taken.
DEFAULTS = {"defaults": {}}

# Tuned: chains and metrics, with the draws that keep the total at some thousands. What a peer has no word for is left out.
METRICS = {"stan": ["diagonal"], "lockstep": ["diagonal", "low-rank", "dense"],
           "lockstep_mams": ["diagonal", "low-rank", "dense"], "nutpie": ["diagonal", "low-rank"],
           "chees": ["diagonal"], "numpyro_vectorized": ["diagonal", "dense"]}
CHAINS = {4: {"draws": 1000, "warmup": 1000}, 64: {"draws": 250, "warmup": 400}, 512: {"draws": 100, "warmup": 300}}


# Stan's, so that it is not Lockstep's own word; it may take longer than what is compared.
TRUTH = {"chains": 8, "warmup": 1000, "draws": 2500}
TRUTH_LIMIT = 3600


def tuned_settings(peer):
    settings = {}
    for metric in METRICS.get(peer, []):
        for chains, counts in CHAINS.items():
            options = {"chains": chains, **counts, "metric": metric}
            if peer.startswith("lockstep"):
                del options["warmup"]  # it ends by itself
            settings[f"{chains}-{metric}"] = options
    return settings


def commit():
    """What is built, if all of it is committed."""
    text = lambda *words: subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True).stdout.strip()
    return text("rev-parse", "--short=10", "HEAD") + ("+" if text("status", "--porcelain", "include", "kernels", "host", "models") else "")


def environment(cache):
    return {**os.environ, "XDG_CACHE_HOME": str(cache), "JAX_CACHE": str(cache / "jax"), "NUMBA_CACHE_DIR": str(cache / "numba"),
            "PYTENSOR_FLAGS": f"base_compiledir={cache / 'pytensor'}", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def run_one(peer, posterior, kind, seed, options, limit, core, cache):
    """One run; its figures go to one JSON file, a failure's too."""
    file = RAW / posterior / f"{peer}-{kind}-{seed}"
    file.parent.mkdir(parents=True, exist_ok=True)
    begun = time.perf_counter()
    command = ["taskset", "-c", str(core), sys.executable, str(HERE / "peers.py"), peer, posterior, str(seed), str(file),
               json.dumps(options)]
    with open(f"{file}.log", "w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment(cache), start_new_session=True)
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # the run and what it started, and nothing else
            process.wait()
            status = "timeout"
    record = {"peer": peer, "posterior": posterior, "kind": kind, "seed": seed, "options": options, "limit_s": limit,
              "commit": commit(), "load": os.getloadavg()[0], "process_s": time.perf_counter() - begun, "status": status}
    timings, raw = pathlib.Path(f"{file}.timings"), pathlib.Path(f"{file}.json")
    if status == 0:
        record |= json.loads(timings.read_text())
        record |= report.figures(posterior, f"{file}.npz", record)
    raw.with_suffix(".part").write_text(json.dumps(record))
    raw.with_suffix(".part").rename(raw)  # whole, or the run counts as not made
    timings.unlink(missing_ok=True)
    return record


def finished(peer, posterior, kind, seed):
    return (RAW / posterior / f"{peer}-{kind}-{seed}.json").exists()


def carry_out(plan, settings, options, deadline):
    """What of (peer, posterior, kind, seed, options) has no run yet. False: there was no time for all."""
    for peer, name, kind, seed, chosen in plan:
        if finished(peer, name, kind, seed):
            continue
        if time.monotonic() > deadline:
            print("time is up: type the same again to go on", file=sys.stderr)
            return False
        cache = WORK / "cache"
        if kind == "cold":
            cache = WORK / "cold-cache"
            shutil.rmtree(cache, ignore_errors=True)
        elif kind in settings and seed == 1 and not finished(peer, name, "compiled", 0) and not options.quick:
            # Caches are filled by a run that does not count.
            run_one(peer, name, "compiled", 0, {"draws": 20, "warmup": 20}, options.limit, options.core, cache)
        limit = TRUTH_LIMIT if kind == "truth" else options.limit
        result = run_one(peer, name, kind, seed, chosen, limit, options.core, cache)
        say = f"ESS/s {result['ess'] / result['run_s']:.4g}" if result["status"] == 0 else f"failed ({result['status']})"
        print(f"{name:20} {peer:20} {kind} seed {seed}: {result['process_s']:.1f} s, {say}", flush=True)
    return True


def main():
    parser = argparse.ArgumentParser(prog="bench/peers/run", description="Lockstep and its peers on the same posteriors.")
    parser.add_argument("posteriors", nargs="*", metavar="POSTERIOR", help=f"of {', '.join(POSTERIORS)}; default: all")
    parser.add_argument("--seeds", type=int, default=10, help="runs of each peer on each posterior (10)")
    parser.add_argument("--peers", default=",".join(PEERS), help=f"default: {','.join(PEERS)}")
    parser.add_argument("--minutes", type=float, default=1e9, help="start no run after so many minutes (no limit)")
    parser.add_argument("--limit", type=float, default=600, help="seconds after which a run is a failure (600)")
    parser.add_argument("--core", type=int, default=(os.cpu_count() or 1) - 1, help="the core to run on (the last)")
    parser.add_argument("--tuned", action="store_true", help="also the search over chains and metrics, on other seeds")
    parser.add_argument("--chains", type=int, help="also with so many chains for everyone, of 1000 draws")
    parser.add_argument("--cold", action="store_true", help="also one run of each with empty caches")
    parser.add_argument("--quick", action="store_true", help="tiny runs, to try the pipeline: kept apart, no tables in README")
    parser.add_argument("--report-only", action="store_true", help="only make tables and plot of what there is")
    options = parser.parse_args()
    names, peers = options.posteriors or list(POSTERIORS), options.peers.split(",")
    unknown = [n for n in names if n not in POSTERIORS] + [p for p in peers if p not in PEERS]
    if unknown:
        parser.error(f"there is no {unknown[0]} (posteriors: {', '.join(POSTERIORS)}; peers: {', '.join(PEERS)})")
    deadline = time.monotonic() + 60 * options.minutes
    settings, seeds = DEFAULTS, options.seeds
    if options.quick:
        settings, seeds = {"quick": {"draws": 100, "warmup": 200}}, 1

    # Round by round: every peer has a run on every posterior before any has two. First a truth where posteriordb has none.
    plan = []
    if not options.report_only:
        if not options.quick:
            plan += [("stan", n, "truth", 1000, TRUTH) for n in names if POSTERIORS[n][3] is None]
        for seed in range(1, seeds + 1):
            plan += [(p, n, kind, seed, chosen) for n in names for kind, chosen in settings.items() for p in peers]
            if options.chains:
                same = {"chains": options.chains, "draws": 1000}
                plan += [(p, n, f"{options.chains}-chains", seed, same) for n in names for p in peers]
        if options.cold:
            # Lockstep's own models are part of the program: cold, it is given the file, which it compiles as a user's.
            plan += [(p, n, "cold", 1, {"file": True} if p.startswith("lockstep") else {}) for n in names for p in peers]
            plan += [(p, n, "again", 1, {"again": True}) for n in names for p in peers if p in JAX]
        if options.tuned:
            plan += [(p, n, f"search-{k}", 1001, chosen) for n in names for p in peers for k, chosen in tuned_settings(p).items()]
    all_done = carry_out(plan, settings, options, deadline)
    if options.tuned and all_done and not options.report_only:
        carry_out(tuned_plan(names, peers, options.seeds), settings, options, deadline)
    report.write(WORK, ROOT / "bench" / "README.md" if not options.quick else WORK / "quick.md",
                 "quick" if options.quick else "defaults")


def best_settings(records, name, peer):
    """{kind of run: options} of a peer's best settings by the searches' runs. Where both figures choose the same setting, one
    run serves both."""
    found = [r for r in records if r["peer"] == peer and r["posterior"] == name
             and r["kind"].startswith("search-") and r["status"] == 0]
    if not found:
        return {}
    most, soonest = max(found, key=report.rate), min(found, key=report.bias_seconds)
    return {"tuned": most["options"]} | ({"tuned-truth": soonest["options"]} if soonest is not most else {})


def tuned_plan(names, peers, seeds):
    """The reported runs of the tuned tables: on seeds that chose nothing."""
    records = report.load(RAW)
    best = {(p, n): best_settings(records, n, p) for n in names for p in peers}
    return [(p, n, kind, seed, chosen) for seed in range(1, seeds + 1) for (p, n), kinds in best.items()
            for kind, chosen in kinds.items()]


if __name__ == "__main__":
    main()
