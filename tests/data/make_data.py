#!/usr/bin/env python3
"""Writes the example data of the zoo (models/data) and the data of the tests (tests/data) from posteriordb.

    python3 tests/data/make_data.py POSTERIORDB

POSTERIORDB is a clone of the public posteriordb database, or any folder laid out like one. The same input always gives
the same bytes. The files follow CmdStan's conventions (a name maps to a scalar or an array, a matrix is an array of
rows). A key that is the name of a dimension holds that dimension's labels, or only its size.
"""

import json
import pathlib
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


FILES = {
    "models/data/eight_schools.json": eight_schools,
    "models/data/linear_regression.json": linear_regression,
    "models/data/radon.json": radon,
    "models/data/ar_k.json": ar_k,
    "models/data/gauss_mix.json": gauss_mix,
    "models/data/std_normal.json": std_normal,
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
