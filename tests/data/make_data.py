#!/usr/bin/env python3
"""Writes the example data of the zoo (models/data) and the data of the tests (tests/data) from posteriordb.

    python3 tests/data/make_data.py POSTERIORDB

POSTERIORDB is a clone of the public posteriordb database, or any folder laid out like one. The same input always gives
the same bytes. The files follow CmdStan's conventions (a name maps to a scalar or an array, a matrix is an array of
rows). A key that is the name of a dimension holds that dimension's labels, or only its size. Where posteriordb has no
data for a model, they are simulated here, from a fixed seed and rounded.
"""

import json
import math
import pathlib
import random
import sys
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

# The schools of Rubin (1981), "Estimation in parallel randomized experiments", in the order of posteriordb's data.
SCHOOLS = [
    "Choate",
    "Deerfield",
    "Phillips Andover",
    "Phillips Exeter",
    "Hotchkiss",
    "Lawrenceville",
    "St. Paul's",
    "Mt. Hermon",
]


def load(posteriordb, name):
    """One data set of posteriordb, as a dict."""
    archive = posteriordb / "posterior_database" / "data" / "data" / f"{name}.json.zip"
    with zipfile.ZipFile(archive) as files:
        return json.loads(files.read(f"{name}.json"))


def eight_schools(posteriordb):
    data = load(posteriordb, "eight_schools")
    return {"school": SCHOOLS, "y": data["y"], "sigma": data["sigma"]}


def linear_regression(posteriordb):
    data = load(posteriordb, "kidiq")
    return {
        "predictor": ["intercept", "mom_iq"],
        "X": [[1, iq] for iq in data["mom_iq"]],
        "y": data["kid_score"],
    }


def flat_regression(posteriordb):
    """The regression of posteriordb's mesquite-logmesquite: leaf weight of bushes by their measures, in logarithms."""
    data = load(posteriordb, "mesquite")
    measures = ["diam1", "diam2", "canopy_height", "total_height", "density"]
    return {
        "predictor": ["intercept", *(f"log_{name}" for name in measures), "group"],
        "X": [
            [1, *(math.log(value) for value in values), group]
            for *values, group in zip(*(data[name] for name in measures), data["group"])
        ],
        "y": [math.log(weight) for weight in data["weight"]],
    }


def radon(posteriordb):
    data = load(posteriordb, "radon_mn")
    return {
        "county": data["J"],
        "county_idx": data["county_idx"],
        "log_uppm": data["log_uppm"],
        "floor_measure": data["floor_measure"],
        "log_radon": data["log_radon"],
    }


def ar_k(posteriordb):
    data = load(posteriordb, "arK")
    return {"lag": data["K"], "y": data["y"]}


def gauss_mix(posteriordb):
    return {"component": 2, "y": load(posteriordb, "low_dim_gauss_mix")["y"]}


def std_normal(posteriordb):
    return {"coordinate": 10}


def nes1976(posteriordb):
    """The regression of posteriordb's nes1976-nes, with the age groups written out as columns of X."""
    data = load(posteriordb, "nes1976")
    columns = zip(
        data["real_ideo"], data["race_adj"], data["age_discrete"], data["educ1"], data["gender"], data["income"]
    )
    return {
        "predictor": ["intercept", "real_ideo", "race_adj", "age_2", "age_3", "age_4", "educ1", "gender", "income"],
        "X": [
            [1, ideology, race, int(age == 2), int(age == 3), int(age == 4), education, gender, income]
            for ideology, race, age, education, gender, income in columns
        ],
        "y": data["partyid7"],
    }


def irt_2pl(posteriordb):
    """Answers one by one, item after item, instead of posteriordb's matrix."""
    data = load(posteriordb, "irt_2pl")
    items, persons = range(1, data["I"] + 1), range(1, data["J"] + 1)
    return {
        "item": data["I"],
        "person": data["J"],
        "item_of": [i for i in items for _ in persons],
        "person_of": [j for _ in items for j in persons],
        "correct": [answer for row in data["y"] for answer in row],
    }


def blr(posteriordb):
    data = load(posteriordb, "sblrc")
    return {"X": data["X"], "y": data["y"]}


def diamonds(posteriordb):
    """Every tenth diamond: all of them would be two megabytes. The first column, of ones, is the model's own."""
    data = load(posteriordb, "diamonds")
    return {"X": [row[1:] for row in data["X"][::10]], "y": data["Y"][::10]}


def lotka_volterra(posteriordb):
    """Pelts of 1900 to 1920, in thousands; posteriordb has the first year's apart."""
    data = load(posteriordb, "hudson_lynx_hare")
    years = [0, *data["ts"]]
    hare, lynx = zip(data["y_init"], *data["y"])
    return {
        "time": [str(1900 + year) for year in years],
        "species": ["hare", "lynx"],
        "years": years,
        "hare": hare,
        "lynx": lynx,
    }


def logistic_regression(posteriordb):
    rng = random.Random(1)
    intercept, slopes = -0.4, [1.2, -0.8, 0.5, 0.0, -0.3]
    X = [[round(rng.gauss(0, 1), 3) for _ in slopes] for _ in range(500)]
    linear = [intercept + sum(b * x for b, x in zip(slopes, row)) for row in X]
    return {"X": X, "y": [int(rng.random() < 1 / (1 + math.exp(-eta))) for eta in linear]}


def poisson_regression(posteriordb):
    """Counts over different exposures."""
    rng = random.Random(2)
    intercept, slopes = 0.3, [0.5, -0.4, 0.2]
    X, log_exposure, y = [], [], []
    for _ in range(300):
        row = [round(rng.gauss(0, 1), 3) for _ in slopes]
        exposure = round(rng.uniform(-1, 1.5), 3)
        rate = math.exp(exposure + intercept + sum(b * x for b, x in zip(slopes, row)))
        # The events of a unit interval, by the times between them.
        count, time = 0, rng.expovariate(rate)
        while time < 1:
            count, time = count + 1, time + rng.expovariate(rate)
        X.append(row)
        log_exposure.append(exposure)
        y.append(count)
    return {"X": X, "log_exposure": log_exposure, "y": y}


FILES = {
    "models/data/eight_schools.json": eight_schools,
    "models/data/linear_regression.json": linear_regression,
    "models/data/radon.json": radon,
    "models/data/ar_k.json": ar_k,
    "models/data/gauss_mix.json": gauss_mix,
    "models/data/std_normal.json": std_normal,
    "models/data/irt_2pl.json": irt_2pl,
    "models/data/blr.json": blr,
    "models/data/diamonds.json": diamonds,
    "models/data/logistic_regression.json": logistic_regression,
    "models/data/lotka_volterra.json": lotka_volterra,
    "models/data/poisson_regression.json": poisson_regression,
    "models/data/eight_schools_centered.json": eight_schools,
    "models/data/flat_regression.json": flat_regression,
    "tests/data/nes1976.json": nes1976,
}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    posteriordb = pathlib.Path(sys.argv[1])
    for path, make in FILES.items():
        # ensure_ascii keeps the bytes independent of the locale; the numbers keep Python's shortest exact form.
        text = json.dumps(make(posteriordb), separators=(",", ":"), ensure_ascii=True)
        (ROOT / path).write_text(text + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
