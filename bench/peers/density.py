"""Are the densities the same? Gradients of the unconstrained log density at ten points, and its changes between them (each
program drops other constants), of every program against Lockstep's: the largest differences, relative to max(1, |value|).

    python density.py [POSTERIOR...]        exits with 1 if any is above 1e-8
"""

import json
import os
import subprocess
import sys

import jax

jax.config.update("jax_enable_x64", True)

import numpy as np

import peers
import posteriors
from posteriors import POSTERIORS, WORK

LIMIT = 1e-8


def lockstep(name, points):
    lines = "\n".join(" ".join(float(v).hex() for v in x) for x in points)
    out = subprocess.run([WORK / "lockstep_side", "density", POSTERIORS[name][0], posteriors.data_file(name)],
                         input=lines, check=True, capture_output=True, text=True).stdout
    return np.array([[float.fromhex(word) for word in line.split()] for line in out.splitlines()])


def coordinates(name):
    return peers.log_density_of(name)[2]


def by_jax(name, points):
    density, arrays, _, _ = peers.log_density_of(name)
    both = jax.jit(jax.value_and_grad(density))
    return np.array([[float(v), *g] for v, g in (both(x, arrays) for x in points)])


def by_pymc(name, points):
    model = peers.pymc_model(name)
    both = model.logp_dlogp_function(ravel_inputs=True)
    both.set_extra_values({})
    # PyMC's order of coordinates is that of its program, which is Lockstep's.
    return np.array([[v, *g] for v, g in (map(np.array, both(x)) for x in points)])


def by_stan(name, points):
    import stan

    model = stan.build(posteriors.stan_file(name).read_text(), data=posteriors.stan_data(name), random_seed=1)
    return np.array([[model.log_prob(x.tolist()), *model.grad_log_prob(x.tolist())] for x in points])


def differences(ours, theirs):
    relative = lambda a, b: np.max(np.abs(a - b) / np.maximum(1, np.abs(b)))
    return max(relative(theirs[:, 1:], ours[:, 1:]), relative(np.diff(theirs[:, 0]), np.diff(ours[:, 0])))


def main(names):
    os.environ.setdefault("XDG_CACHE_HOME", str(WORK / "cache"))  # of PyStan, which leaves objects in the current folder
    os.chdir(WORK)
    file = WORK / "density.json"
    found = json.loads(file.read_text()) if file.exists() else {}
    for name in names or POSTERIORS:
        points = np.random.default_rng(20).uniform(-2, 2, (10, coordinates(name)))
        ours = lockstep(name, points)
        found[name] = {engine: float(differences(ours, evaluate(name, points)))
                       for engine, evaluate in {"NumPyro": by_jax, "PyMC": by_pymc, "Stan": by_stan}.items()}
        print(f"{name:20}", "  ".join(f"{k} {v:.1e}" for k, v in found[name].items()), flush=True)
        file.write_text(json.dumps(found))
    return any(not v <= LIMIT for name in names or POSTERIORS for v in found[name].values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
