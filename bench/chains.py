"""How many chains reach an effective sample size soonest: gradients of all lanes, warmup included, by the number of chains.

    build/peers/venv/bin/python bench/chains.py [ESS ...]        (400 and 2000; needs h5py, and a finished build)

On one core a gradient costs the same however many chains there are, so the counts compare times; they do not depend on what
else the machine does. Medians of three seeds, in thousands.
"""

import pathlib
import statistics
import subprocess
import sys
import tempfile

import h5py
import numpy as np

LOCKSTEP = pathlib.Path(__file__).parents[1] / "build" / "release" / "lockstep"
MODELS = ["eight_schools", "radon", "garch11", "hmm", "diamonds", "irt_2pl"]
CHAINS = [4, 8, 16, 32, 64, 128]


def gradients(model, chains, ess, seed, folder):
    out = pathlib.Path(folder) / "fit.nc"
    words = [LOCKSTEP, "sample", model, "--threads", 1, "--seed", seed, "--chains", chains, "--until", f"ess={ess}",
             "--out", out, "--overwrite"]
    subprocess.run([str(w) for w in words], check=True, capture_output=True)
    with h5py.File(out) as fit:
        return float(np.ravel(fit["posterior"].attrs["gradients"])[0])


def main(sizes):
    with tempfile.TemporaryDirectory() as folder:
        for ess in sizes:
            print(f"ESS {ess}\n\n| model | " + " | ".join(f"{c} chains" for c in CHAINS) + " |\n|---|" + "---|" * len(CHAINS))
            for model in MODELS:
                medians = [statistics.median(gradients(model, c, ess, seed, folder) for seed in (1, 2, 3)) for c in CHAINS]
                print(f"| {model} | " + " | ".join(f"{m / 1000:.0f}" for m in medians) + " |", flush=True)
            print()


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [400, 2000])
