"""Everything that run.sh does once the programs are built: checks, ceilings, measurements, within a budget of seconds.

    measure.py RESULTS --build FOLDER [--budget SECONDS] [--dry-run]

One line of JSON for each fact goes to RESULTS/results.jsonl as soon as it is known; what does not fit the budget is a line
that says so. report.py makes RESULTS/README.md of them.
"""

import argparse
import json
import os
import pathlib
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

import report
from items import DRY_ITEMS, DRY_PRECISION_ITEMS, ITEMS, PEER_WARMUP, PRECISION_ITEMS

HERE = pathlib.Path(__file__).resolve().parent
RUN_SECONDS = 12  # after so many a run of Lockstep is stopped; its draws so far count
PEER_SECONDS, DRY_PEER_SECONDS = 30, 90  # that a peer may take for one item, compilation included
SANITIZER_SECONDS, ALL_SANITIZERS_SECONDS = 30, 100  # for one tool and model, and for all of them
TESTS_SECONDS = 120


def end_group(process):
    """The process and what it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


class Session:
    """The results, and the clock."""

    def __init__(self, folder, budget):
        self.folder, self.end = folder, time.monotonic() + budget
        self.started = time.monotonic()
        (folder / "results.jsonl").write_text("")

    def left(self):
        return self.end - time.monotonic()

    def record(self, kind, **facts):
        line = json.dumps({"kind": kind, **facts})
        with open(self.folder / "results.jsonl", "a") as file:
            file.write(line + "\n")
        print(f"[{time.monotonic() - self.started:5.0f} s] {line[:220]}", flush=True)

    def skip(self, what, why):
        self.record("skipped", what=what, why=why)

    def has_time_for(self, what, seconds):
        if self.left() >= seconds:
            return True
        self.skip(what, "the time was up")
        return False

    def command(self, words, seconds, **options):
        """Exit code (None: it took longer than `seconds`, or than is left), stdout, stderr."""
        process = subprocess.Popen(
            [str(word) for word in words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            stdin=subprocess.PIPE,
        )
        try:
            out, err = process.communicate(timeout=max(1, min(seconds, self.left())), **options)
            return process.returncode, out, err
        except subprocess.TimeoutExpired:
            end_group(process)
            return None, "", ""

    def json_command(self, words, seconds, **options):
        """The JSON that a command prints; or {"problem": why there is none}."""
        code, out, err = self.command(words, seconds, **options)
        if code == 0:
            return json.loads(out.splitlines()[-1])
        return {
            "problem": "it took too long" if code is None else (err.strip().splitlines() or [f"exit code {code}"])[-1]
        }


class Peers:
    """peers.py, started anew when it has been ended for taking too long."""

    def __init__(self, dry_run):
        self.environment = dict(os.environ, XLA_PYTHON_CLIENT_PREALLOCATE="false", TF_CPP_MIN_LOG_LEVEL="3")
        self.seconds = DRY_PEER_SECONDS if dry_run else PEER_SECONDS
        if dry_run:
            self.environment["JAX_PLATFORMS"] = "cpu"
        self.process = None

    def ask(self, request, seconds):
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, HERE / "peers.py"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self.environment,
                start_new_session=True,
            )
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return self.gone()
        ready, _, _ = select.select([self.process.stdout], [], [], max(1, seconds))
        if not ready:
            self.close()
            return {"problem": f"it took longer than {seconds:.0f} s, compilation included"}
        line = self.process.stdout.readline()
        return json.loads(line) if line else self.gone()

    def gone(self):
        self.close()
        return {"problem": "python ended (out of memory, or it cannot import jax or numpyro)"}

    def close(self):
        if self.process is not None:
            end_group(self.process)
        self.process = None


# ---------------------------------------------------------------- the machine and its ceilings


def first_line(words):
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=20).stdout.strip().splitlines()[0]
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return "unknown"


def machine(session, lockstep):
    query = "name,driver_version,memory.total,clocks.max.sm,clocks.max.memory,power.limit"
    processor = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    session.record(
        "machine",
        date=time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
        commit=os.environ.get("COMMIT", "unknown"),
        gpu=first_line(["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader"]),
        gpu_fields=query,
        devices=session.command([lockstep, "devices"], 20)[1],
        processor=processor[0] if processor else "unknown",
        cores=os.cpu_count(),
    )


def record_lines(session, kind, program):
    """What a program prints, a line of JSON for each fact."""
    if not program.exists():
        session.skip(program.name, "it is not built: make its target gpu_bench")
        return
    code, out, err = session.command([program], 40)
    if code != 0:
        session.skip(program.name, "it took too long" if code is None else err.strip())
    for line in out.splitlines():
        session.record(kind, **json.loads(line))


# ---------------------------------------------------------------- proof


def tests(session, build):
    file = session.folder / "ctest.xml"
    # ctest itself ends a test that hangs, and all of them in time, so that it can still say which have passed.
    end = time.strftime("%H:%M:%S", time.localtime(time.time() + TESTS_SECONDS))
    options = ["-j", 4, "--timeout", 60, "--stop-time", end, "--output-on-failure", "--no-tests=error"]
    command = ["ctest", "--test-dir", build, "-L", "gpu", *options, "--output-junit", file]
    code, out, _ = session.command(command, TESTS_SECONDS + 30)
    (session.folder / "ctest.txt").write_text(out)
    if code is None or not file.exists():
        session.skip("ctest -L gpu", "it took too long" if code is None else "ctest found no tests")
        return
    cases = xml.parse(file).getroot().findall("testcase")
    skipped = [case for case in cases if case.find("skipped") is not None]
    failed = [
        case.get("name")
        for case in cases
        if case not in skipped and (case.get("status") != "run" or case.find("failure") is not None)
    ]
    listed = session.command(["ctest", "--test-dir", build, "-L", "gpu", "-N"], 30)[1]
    every = int((listed.split("Total Tests:") + ["0"])[1].strip() or 0)
    passed = len(cases) - len(skipped) - len(failed)
    session.record("tests", passed=passed, failed=failed, skipped=len(skipped), not_started=every - len(cases))


def sanitizer(session, lockstep, work):
    program = shutil.which("compute-sanitizer") or shutil.which("compute-sanitizer", path="/usr/local/cuda/bin")
    if not program:
        session.skip("compute-sanitizer", "it is not installed")
        return
    end = time.monotonic() + ALL_SANITIZERS_SECONDS
    for model, geometry in (("eight_schools", "4x2r"), ("radon", "4x8"), ("logistic_regression", "4x2g")):
        for tool in ("memcheck", "racecheck", "synccheck", "initcheck"):
            what = f"{tool} {model} {geometry}"
            if time.monotonic() > end:
                session.skip(what, f"all of them have {ALL_SANITIZERS_SECONDS} s")
                continue
            if not session.has_time_for(what, 10):
                continue
            code, out, err = session.command(
                [
                    program,
                    "--tool",
                    tool,
                    "--error-exitcode",
                    9,
                    lockstep,
                    "sample",
                    model,
                    "--device",
                    "cuda:0",
                    "--geometry",
                    geometry,
                    "--chains",
                    10,
                    "--warmup",
                    3,
                    "--draws",
                    3,
                    "--out",
                    work / "sanitizer.nc",
                    "--overwrite",
                ],
                SANITIZER_SECONDS,
            )
            (session.folder / f"{tool}-{model}.txt").write_text(out + err)
            summary = [line.strip("= ") for line in (out + err).splitlines() if "SUMMARY" in line]
            if code is None:
                session.skip(what, "it took too long")
            else:
                ran = f"On teams of {geometry}" in out
                session.record(
                    "sanitizer",
                    tool=tool,
                    model=model,
                    geometry=geometry,
                    clean=code == 0 and bool(summary) and ran,
                    summary=summary[-1] if summary else (out + err).strip()[-200:],
                )


# ---------------------------------------------------------------- measurements


def densities_agree(session, peers, side, subject, description, folder):
    """Whether NumPyro's density is Lockstep's: gradients, and differences of log density, at a few points."""
    random.seed(20250401)
    points = [[random.uniform(-1, 1) for _ in range(description["coordinates"])] for _ in range(3)]
    ours = session.json_command(
        [side, "density", subject], 60, input="\n".join(json.dumps(point) for point in points) + "\n"
    )
    theirs = peers.ask(
        {
            "do": "density",
            "subject": subject,
            "data": str(folder),
            "parameters": description["parameters"],
            "points": points,
        },
        min(60, session.left()),
    )
    problem = theirs.get("problem") or (ours.get("problem") if isinstance(ours, dict) else None)
    if problem:
        session.skip(f"densities of {subject}", problem)
        return False
    worst = 0.0
    for a, b in zip(ours, theirs["densities"]):
        scale = max(1, *(abs(g) for g in a["gradient"]))
        worst = max([worst] + [abs(g - h) / scale for g, h in zip(a["gradient"], b["gradient"])])
        differences = [(x["log_density"] - y["log_density"]) for x, y in ((a, ours[0]), (b, theirs["densities"][0]))]
        worst = max(worst, abs(differences[0] - differences[1]) / max(1, abs(a["log_density"])))
    session.record("density", subject=subject, largest_difference=worst, agree=worst <= 1e-8)
    return worst <= 1e-8


def lockstep_item(session, side, item, device):
    common = {"subject": item.subject, "chains": item.chains}
    if session.has_time_for(f"Lockstep, {item.name}", 10):
        seconds = max(2, min(RUN_SECONDS, session.left() - 5))
        # Beyond the run: simulating the data, the GPU's first use, and effective sample sizes.
        answer = session.json_command(
            [side, "run", item.subject, device, item.chains, item.draws, 1, seconds], seconds + 45
        )
        if "problem" in answer:
            session.skip(f"Lockstep, {item.name}", answer["problem"])
        else:
            session.record("lockstep", **{**common, **answer})
    if item.subject == "eight_schools" and session.has_time_for(f"rate, {item.name}", 10):
        answer = session.json_command([side, "rate", item.subject, device, item.chains, 0.5], 30)
        if "problem" in answer:
            session.skip(f"rate, {item.name}", answer["problem"])
        else:
            session.record("rate", **{**common, **answer})


def precision_item(session, side, item, device, precision):
    what = f"precision {precision}, {item.name}"
    if not session.has_time_for(what, 10):
        return
    seconds = max(2, min(RUN_SECONDS, session.left() - 5))
    answer = session.json_command(
        [side, "run", item.subject, f"{device}:{precision}", item.chains, item.draws, 1, seconds], seconds + 45
    )
    if "problem" in answer:
        session.skip(what, answer["problem"])
    else:
        session.record("precision", precision=precision, **{"subject": item.subject, "chains": item.chains, **answer})


def peer_item(session, peers, side, item, which, description, folder, work):
    what = f"{which}, {item.name}"
    if not session.has_time_for(what, 15):
        return
    file = work / "draws"
    seconds = min(peers.seconds, session.left())
    answer = peers.ask(
        {
            "do": which,
            "subject": item.subject,
            "data": str(folder),
            "parameters": description["parameters"],
            "chains": item.chains,
            "draws": item.draws,
            "warmup": PEER_WARMUP[which],
            "seed": 1,
            "file": str(file),
        },
        seconds,
    )
    if "problem" not in answer:
        diagnosed = session.json_command([side, "ess", file, answer["elements"], item.chains, item.draws], 40)
        answer.update(diagnosed)
    if "problem" in answer:
        session.skip(what, answer["problem"])
    else:
        session.record(
            which, subject=item.subject, chains=item.chains, draws=item.draws, warmup=PEER_WARMUP[which], **answer
        )


def measure(session, side, items, device, dry_run, work):
    for item in items:
        lockstep_item(session, side, item, device)
    for item in DRY_PRECISION_ITEMS if dry_run else PRECISION_ITEMS:
        for precision in ("mixed",) if device == "cpu" else ("mixed", "tf32"):
            precision_item(session, side, item, device, precision)
    peers = Peers(dry_run)
    versions = peers.ask({"do": "versions"}, min(60, session.left()))
    if "problem" in versions:
        session.skip("NumPyro and BlackJAX", versions["problem"])
        return
    session.record("peers", **versions)
    prepared = {}

    def prepare(subject):
        if subject not in prepared and session.has_time_for(f"densities of {subject}", 15):
            description = session.json_command([side, "describe", subject], 60)
            folder = work / subject
            session.json_command([side, "data", subject, folder], 60)
            prepared[subject] = (
                description,
                folder,
                densities_agree(session, peers, side, subject, description, folder),
            )
        return prepared.get(subject, (None, None, False))

    for which in ("numpyro", "chees"):
        if which == "chees" and versions["chees"]:
            session.skip("BlackJAX ChEES", versions["chees"])
            continue
        for item in items:
            if which == "chees" and item.chains < 16:
                continue  # it adapts from many chains
            description, folder, agree = prepare(item.subject)
            if agree:
                peer_item(session, peers, side, item, which, description, folder, work)
            else:
                session.skip(f"{which}, {item.name}", "its density was not found to be the same")
    peers.close()


def main():
    parser = argparse.ArgumentParser(description="See the head of this file.")
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--budget", type=float, default=460)
    parser.add_argument("--dry-run", action="store_true")
    arguments = parser.parse_args()
    results, build = arguments.results.resolve(), arguments.build.resolve()
    results.mkdir(parents=True, exist_ok=True)
    session = Session(results, arguments.budget)
    lockstep, side = build / "lockstep", build / "bench" / "gpu_side"
    machine(session, lockstep)
    with tempfile.TemporaryDirectory(prefix="lockstep-gpu-") as work:
        work = pathlib.Path(work)
        record_lines(session, "state_traffic", build / "bench" / "state_traffic")
        if arguments.dry_run:
            session.record("dry_run", note="on the CPU, tiny sizes: these figures mean nothing")
        else:
            record_lines(session, "ceiling", build / "bench" / "ceilings")
        tests(session, build)
        if not arguments.dry_run:
            sanitizer(session, lockstep, work)
        items = DRY_ITEMS if arguments.dry_run else ITEMS
        measure(session, side, items, "cpu" if arguments.dry_run else "cuda", arguments.dry_run, work)
    session.record("end", seconds=round(time.monotonic() - session.started, 1))
    report.write(results)
    print(f"Results: {results / 'README.md'}")


if __name__ == "__main__":
    main()
