"""The posteriors: which zoo model and data, what the parameters are called, and a truth to compare with.

Names and order of the parameters are the zoo's. Data: the zoo's own files where they are posteriordb's; radon_all and all
rows of diamonds are read from posteriordb, the large logistic is simulated.
"""

import json
import os
import pathlib
import zipfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = pathlib.Path(os.environ.get("PEERS_WORK", ROOT / "build" / "peers"))
BUILD = pathlib.Path(os.environ.get("LOCKSTEP_BUILD", ROOT / "build" / "release"))
POSTERIORDB = pathlib.Path(os.environ.get("POSTERIORDB", ROOT.parent / "shared" / "posteriordb")) / "posterior_database"

EXAMPLES = ROOT / "models" / "data"


def from_posteriordb(folder, name):
    with zipfile.ZipFile(POSTERIORDB / folder / f"{name}.json.zip") as archive:
        return json.loads(archive.read(f"{name}.json"))


def radon_all():
    d = from_posteriordb("data/data", "radon_all")
    return {"county": d["J"], **{k: d[k] for k in ("county_idx", "log_uppm", "floor_measure", "log_radon")}}


def all_diamonds():
    d = from_posteriordb("data/data", "diamonds")
    return {"X": [row[1:] for row in d["X"]], "y": d["Y"]}


def logistic():
    """Standard normal predictors, coefficients of size 0.3, intercept 0.5."""
    random = np.random.default_rng(20250101)
    beta, x = 0.3 * random.standard_normal(50), random.standard_normal((10000, 50))
    y = random.random(10000) < 1 / (1 + np.exp(-(0.5 + x @ beta)))
    return {"X": x.tolist(), "y": y.astype(int).tolist()}


RADON = ["alpha_raw", "mu_alpha", "beta_uranium", "beta_floor", "sigma_alpha", "sigma_y"]

# name: zoo model, data (a file, or a function that makes them), parameters, reference draws in posteriordb.
POSTERIORS = {
    "eight_schools": ("eight_schools", EXAMPLES / "eight_schools.json", ["mu", "tau", "z"],
                      "eight_schools-eight_schools_noncentered"),
    "radon_mn": ("radon", EXAMPLES / "radon.json", RADON, None),
    "garch11": ("garch11", EXAMPLES / "garch11.json", ["mu", "alpha0", "alpha1", "beta1"], "garch-garch11"),
    "arK": ("ar_k", EXAMPLES / "ar_k.json", ["alpha", "beta", "sigma"], "arK-arK"),
    "nes1976": ("flat_regression", ROOT / "tests" / "data" / "nes1976.json", ["beta", "sigma"], "nes1976-nes"),
    "irt_2pl": ("irt_2pl", EXAMPLES / "irt_2pl.json",
                ["sigma_theta", "theta", "sigma_a", "a", "mu_b", "sigma_b", "b"], None),
    "hmm_example": ("hmm", EXAMPLES / "hmm.json", ["theta", "mu"], "hmm_example-hmm_example"),
    "low_dim_gauss_mix": ("gauss_mix", EXAMPLES / "gauss_mix.json", ["mu", "sigma", "theta"],
                          "low_dim_gauss_mix-low_dim_gauss_mix"),
    "diamonds": ("diamonds", all_diamonds, ["b", "Intercept", "sigma"], "diamonds-diamonds"),
    "logistic_10000x50": ("logistic_regression", logistic, ["alpha", "beta"], None),
    "radon_all": ("radon", radon_all, RADON, None),
}


def data_file(name):
    """The data in Lockstep's JSON."""
    source = POSTERIORS[name][1]
    if isinstance(source, pathlib.Path):
        return source
    file = WORK / "data" / f"{name}.json"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        whole = file.with_suffix(".part")
        whole.write_text(json.dumps(source()))
        whole.rename(file)
    return file


def data(name):
    """What the other programs read, by the names that their models use (numbers of groups from 0)."""
    d = json.loads(data_file(name).read_text())
    a = {k: np.asarray(v) for k, v in d.items() if k not in ("predictor", "school")}
    if name == "eight_schools":
        return {"y": a["y"].astype(float), "sigma": a["sigma"].astype(float)}
    if name.startswith("radon"):
        return {"J": int(d["county"]), "county": a["county_idx"].astype(int) - 1,
                "X": np.column_stack([a["log_uppm"], a["floor_measure"]]).astype(float), "y": a["log_radon"]}
    if name == "garch11":
        return {"y": a["y"], "sigma1": float(d["sigma1"])}
    if name == "arK":
        k, y = int(d["lag"]), a["y"]
        return {"X": np.column_stack([y[k - 1 - i : len(y) - 1 - i] for i in range(k)]), "y": y[k:]}
    if name == "irt_2pl":
        return {"I": int(d["item"]), "J": int(d["person"]), "item": a["item_of"].astype(int) - 1,
                "person": a["person_of"].astype(int) - 1, "correct": a["correct"].astype(int)}
    if name == "diamonds":
        x = a["X"].astype(float)
        return {"X": x - x.mean(axis=0), "y": a["y"]}
    if name in ("hmm_example", "low_dim_gauss_mix"):
        return {"y": a["y"]}
    return {"X": a["X"].astype(float), "y": a["y"]}


def stan_data(name):
    d = data(name)
    one_based = {"county": "county_idx", "item": "item_of", "person": "person_of"}
    stan = {one_based.get(k, k): v + 1 if k in one_based else v for k, v in d.items()}
    count = len(d["correct"] if name == "irt_2pl" else d["y"])
    stan[{"eight_schools": "J", "garch11": "T", "hmm_example": "T"}.get(name, "N")] = count
    if "X" in d and not name.startswith("radon"):
        stan["K"] = d["X"].shape[1]
    if name == "logistic_10000x50":
        stan["y"] = stan["y"].astype(int)
    elif "y" in stan:
        stan["y"] = stan["y"].astype(float)
    return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in stan.items()}


def stan_file(name):
    return pathlib.Path(__file__).parent / "stan" / ("radon.stan" if name.startswith("radon") else f"{name}.stan")


def flat(samples, parameters):
    """One array [chain, draw, element] of arrays [chain, draw, ...] by name."""
    parts = [np.asarray(samples[p], dtype=float) for p in parameters]
    return np.concatenate([p.reshape(*p.shape[:2], -1) for p in parts], axis=2)


def reference(name):
    """Reference draws, [draw, element], in the order of `flat`; None where posteriordb has none. Of eight schools z is made
    of theta, mu and tau; of the hidden Markov chain, theta is both rows."""
    posterior = POSTERIORS[name][3]
    if posterior is None:
        return None
    chains = from_posteriordb("reference_posteriors/draws/draws", posterior)
    draws = {k: np.concatenate([np.asarray(c[k]) for c in chains]) for k in chains[0]}
    if name == "eight_schools":
        z = [(draws[f"theta[{j}]"] - draws["mu"]) / draws["tau"] for j in range(1, 9)]
        return np.column_stack([draws["mu"], draws["tau"], *z])
    rows = {"theta": ["theta1", "theta2"]} if name == "hmm_example" else {}
    columns = []
    for p in POSTERIORS[name][2]:
        for q in rows.get(p, [p]):
            if q in draws:
                columns.append(draws[q])
            else:
                indices = [k for k in draws if k.startswith(q + "[")]
                columns += [draws[k] for k in sorted(indices, key=lambda k: int(k[len(q) + 1 : -1]))]
    return np.column_stack(columns)
