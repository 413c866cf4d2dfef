"""Makes RESULTS/README.md of RESULTS/results.jsonl:  report.py RESULTS"""

import json
import math
import pathlib
import sys

from items import data_bytes, multiply_adds


def simulated_shape(subject):
    if not subject.startswith("logistic"):
        return 0, 0
    return tuple(int(number) for number in subject.split("_")[1].split("x"))


def state_vectors(counts, steps_per_draw, resident):
    """Vectors that a chain's sampler moves per step, between the trajectories that state_traffic.cpp has counted."""
    known = sorted((math.log(c["steps_per_draw"]), c["vectors_per_step"]) for c in counts if c["resident"] == resident)
    at = min(max(math.log(steps_per_draw), known[0][0]), known[-1][0])
    for (low, a), (high, b) in zip(known, known[1:]):
        if at <= high:
            return a + (b - a) * (at - low) / (high - low)


def ceiling_of(run, facts, coordinates):
    """The most steps per second that the machine allows a run, and what limits them; (None, "") if not measured."""
    of = lambda kind: [each for each in facts if each["kind"] == kind]
    # What is staged is cuBLAS's product, which may be faster than plain multiply-adds.
    arithmetic = ("fma64", "gemm64") if run["geometry"].split(" ")[2].endswith("g") else ("fma64",)
    fma = max((c["multiply_adds_per_second"] for c in of("ceiling") if c["ceiling"] in arithmetic), default=None)
    triads = sorted((c["working_set"], c["bytes_per_second"]) for c in of("ceiling") if c["ceiling"] == "triad")
    if not fma or not triads or not of("state_traffic"):
        return None, ""
    rows, columns = simulated_shape(run["subject"])
    resident = run["geometry"].split(" ")[2].endswith("r")  # "teams of 8x2r on ..."
    chains = run["chains"]

    def bandwidth(working_set):  # of the smallest measured set that is as large; else of the largest
        return next((rate for size, rate in triads if size >= working_set), triads[-1][1])

    vectors = state_vectors(of("state_traffic"), run["steps"] / chains / run["draws"], resident)
    # An ensemble has fourteen vectors, a gradient, and three checkpoints for each of ten doublings.
    limits = {
        "arithmetic": fma / multiply_adds(run["subject"], rows, columns),
        "state traffic": bandwidth(chains * coordinates * 8 * (14 + 1 + 30)) / (8 * coordinates * vectors),
    }
    if rows:
        limits["data traffic"] = chains * bandwidth(data_bytes(rows, columns)) / data_bytes(rows, columns)
    what = min(limits, key=limits.get)
    return limits[what], what


def coordinates_of(subject):
    return {"eight_schools": 10, "radon": 90, "irt_2pl": 144}.get(subject) or 1 + simulated_shape(subject)[1]


def plain(value):
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def ess_per_second(facts):
    """NaN if a draw was not finite."""
    return math.nan if facts["ess"] is None else facts["ess"] / facts["seconds"]


def ess_text(facts):
    """Marked where chains are too short for their autocorrelation to be known (rules §2)."""
    return ("~" if facts["tau"] and facts["draws"] < 20 * facts["tau"] else "") + plain(ess_per_second(facts))


def table(rows):
    return "\n".join("| " + " | ".join(row) + " |" for row in [rows[0], ["---"] * len(rows[0])] + rows[1:]) + "\n"


def write(folder):
    facts = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    of = lambda kind: [each for each in facts if each["kind"] == kind]
    find = lambda kind, run: next(
        (e for e in of(kind) if (e["subject"], e["chains"]) == (run["subject"], run["chains"])), None
    )
    machine = of("machine")[0]
    text = "# Results on a GPU\n\nMade by `bench/gpu/run.sh`; `bench/gpu/README.md` says what the numbers mean.\n\n"
    if of("dry_run"):
        text += "**A dry run, on the CPU with tiny sizes: these figures mean nothing.**\n\n"
    text += f"- {machine['date']}, commit {machine['commit']}\n- GPU: {machine['gpu']} ({machine['gpu_fields']})\n"
    text += f"- CPU: {machine['processor']}, {machine['cores']} threads\n"
    for peers in of("peers"):
        text += f"- JAX {peers['jax']}, NumPyro {peers['numpyro']}, BlackJAX {peers.get('blackjax', 'absent')}, on {peers['device']}\n"
    text += "- " + (
        f"The whole took {of('end')[0]['seconds']:.0f} s\n" if of("end") else "**It did not come to its end**\n"
    )

    text += "\n## Proof\n\n"
    for tests in of("tests"):
        text += f"`ctest -L gpu`: {tests['passed']} passed, {len(tests['failed'])} failed, {tests['skipped']} skipped."
        text += f" **{tests['not_started']} were not started: the time was up.**" if tests["not_started"] > 0 else ""
        text += "\n" if tests["passed"] else " **None of them ran.**\n"
        text += "".join(f"- **failed**: {name}\n" for name in tests["failed"])
    if of("sanitizer"):
        text += "\n" + table(
            [["compute-sanitizer", "model", "geometry", "clean", "it says"]]
            + [
                [
                    s["tool"],
                    s["model"],
                    s["geometry"],
                    "yes" if s["clean"] else "**no**",
                    s["summary"].replace("|", "/").replace("\n", " "),
                ]
                for s in of("sanitizer")
            ]
        )
    if of("density"):
        text += "\nLargest relative difference of Lockstep's and NumPyro's log density and gradient:\n\n"
        text += table(
            [["subject", "difference", "the same"]]
            + [
                [d["subject"], f"{d['largest_difference']:.0e}", "yes" if d["agree"] else "**no**"]
                for d in of("density")
            ]
        )

    if of("ceiling"):
        text += "\n## Ceilings\n\n" + table(
            [["what", "working set, MiB", "measured"]]
            + [
                [
                    c["ceiling"],
                    str(c.get("working_set", 0) >> 20 or "–"),
                    (
                        f"{c['bytes_per_second'] / 1e9:,.0f} GB/s"
                        if "bytes_per_second" in c
                        else f"{2 * c['multiply_adds_per_second'] / 1e12:.3g} TFLOP/s"
                    ),
                ]
                for c in of("ceiling")
            ]
        )

    text += "\n## Speed\n\nESS per second: the smallest bulk ESS of all parameters, by wall time, warmup included.\n\n"
    rows = [
        ["subject", "chains", "draws", "Lockstep", "NumPyro", "ratio", "ChEES", "R-hat: Lockstep", "NumPyro", "ChEES"]
    ]
    ratios = []
    for run in of("lockstep"):
        numpyro, chees = find("numpyro", run), find("chees", run)
        ratio = ess_per_second(run) / ess_per_second(numpyro) if numpyro else math.nan
        if math.isfinite(ratio):
            ratios.append(ratio)
        cell = lambda peer, show: show(peer) if peer else "–"
        rows.append(
            [
                run["subject"],
                str(run["chains"]),
                str(run["draws"]) + ("*" if run["stopped_early"] else ""),
                ess_text(run),
                cell(numpyro, ess_text),
                plain(ratio),
                cell(chees, ess_text),
            ]
            + [
                cell(peer, lambda p: f"{p['r_hat']:.3f}" if p["r_hat"] is not None else "–")
                for peer in (run, numpyro, chees)
            ]
        )
    text += table(rows)
    if ratios:
        mean = math.exp(sum(math.log(ratio) for ratio in ratios) / len(ratios))
        text += f"\nGeometric mean of the {len(ratios)} ratios: {mean:.3g}.\n"
    text += "\n~: fewer than 20 autocorrelation times a chain. *: stopped by the clock, with the draws so far.\n"

    text += "\nGradients: leapfrog steps of all chains per second, while sampling. Alone: of warm chains whose draws nobody takes.\n"
    text += "Of the peers: of the whole run, taking warmup's steps, which they do not tell, to be as many a draw.\n\n"
    rows = [
        [
            "subject",
            "chains",
            "Lockstep",
            "of the ceiling",
            "alone",
            "of the ceiling",
            "what limits",
            "geometry",
            "NumPyro, about",
            "ChEES, about",
        ]
    ]
    for run in of("lockstep"):
        alone, numpyro, chees = find("rate", run), find("numpyro", run), find("chees", run)
        most, what = ceiling_of(run, facts, coordinates_of(run["subject"]))
        speed = run["steps"] / run["sampling_seconds"] if run["sampling_seconds"] > 0 else math.nan
        alone_speed = alone["steps"] / alone["seconds"] if alone else math.nan
        share = lambda value: f"{100 * value / most:.0f}%" if most and math.isfinite(value) else "–"
        rows.append(
            [
                run["subject"],
                str(run["chains"]),
                plain(speed),
                share(speed),
                plain(alone_speed),
                share(alone_speed),
                what or "–",
                run["geometry"].split(" on ")[0].replace("teams of ", ""),
            ]
            + [
                plain(peer["steps"] * (1 + peer["warmup"] / peer["draws"]) / peer["seconds"]) if peer else "–"
                for peer in (numpyro, chees)
            ]
        )
    text += table(rows)

    if of("precision"):
        text += "\nOther precisions: leapfrog steps per second beside those in doubles, and by how many standard deviations rounding\n"
        text += "may move a mean.\n\n"
        steps_per_second = lambda run: run["steps"] / run["sampling_seconds"]
        text += table(
            [["subject", "chains", "precision", "of doubles' speed", "moves means by at most"]]
            + [
                [
                    p["subject"],
                    str(p["chains"]),
                    p["precision"],
                    plain(steps_per_second(p) / steps_per_second(find("lockstep", p)) if find("lockstep", p) else math.nan),
                    plain(p["log_density_error"]),
                ]
                for p in of("precision")
            ]
        )

    if of("skipped"):
        text += "\n## Not measured\n\n" + "".join(f"- {s['what']}: {s['why']}\n" for s in of("skipped"))
    (folder / "README.md").write_text(text)


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]))
