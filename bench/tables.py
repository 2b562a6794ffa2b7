#!/usr/bin/env python3
"""Held-out R² of networks on tables, beside scikit-learn's ridge regression and gradient boosting on the same splits.

Needs a Python with numpy, scikit-learn (its diabetes) and plotnine (its diamonds). Writes a split of one seed after the
other, trains it, and appends what it gave to RESULTS.json; what is there is not done again.

  bench/tables.py diabetes --seeds 20
  bench/tables.py diamonds --seeds 5 --program build/release/onecycle
  bench/tables.py diamonds --seeds 5 --recipe tuned/recipe.yaml    # what `onecycle tune` made of it
  bench/tables.py diamonds --only-split 0                          # tables/diamonds/{train,test}.csv, for other commands
"""
import argparse
import csv
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from common import ROOT


def diabetes():
    found = load_diabetes(scaled=False)
    rows = [[*map(repr, map(float, row)), repr(float(target))] for row, target in zip(found.data, found.target)]
    return [*found.feature_names, "target"], rows


def diamonds():
    package = Path(importlib.util.find_spec("plotnine").origin).parent
    with open(package / "data/diamonds.csv", newline="") as file:
        names, *rows = csv.reader(file)
    return names, rows


TABLES = {"diabetes": (diabetes, "target", .2, []), "diamonds": (diamonds, "price", .2, ["cut", "color", "clarity"])}


def write_split(name, seed, folder):
    """train.csv and test.csv: a random order of the seed, its first rows are the test split."""
    names, rows = TABLES[name][0]()
    order = np.random.default_rng(seed).permutation(len(rows))
    held_out = int(TABLES[name][2] * len(rows))
    folder.mkdir(parents=True, exist_ok=True)
    for split, chosen in (("train", order[held_out:]), ("test", order[:held_out])):
        with open(folder / f"{split}.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            writer.writerows(rows[i] for i in chosen)


def columns(folder, split, target):
    with open(folder / f"{split}.csv", newline="") as file:
        names, *rows = csv.reader(file)
    at = names.index(target)
    inputs = [name for name in names if name != target]
    values = [[cell for i, cell in enumerate(row) if i != at] for row in rows]
    return inputs, np.array(values, object), np.array([float(row[at]) for row in rows])


def peers(name, folder, seed):
    _, target, _, categories = TABLES[name]
    names, inputs, wanted = columns(folder, "train", target)
    _, test, truth = columns(folder, "test", target)
    named = [names.index(column) for column in categories]
    numbers = [i for i in range(len(names)) if i not in named]
    ridge = make_pipeline(
        make_column_transformer((StandardScaler(), numbers), (OneHotEncoder(handle_unknown="ignore"), named)),
        RidgeCV(np.logspace(-3, 3, 13)))
    boosting = make_pipeline(
        make_column_transformer((OrdinalEncoder(), named), ("passthrough", numbers)),
        HistGradientBoostingRegressor(categorical_features=list(range(len(named))), random_state=seed))
    result = {}
    for label, model in (("ridge", ridge), ("boosting", boosting)):
        model.fit(inputs, wanted)
        result[label] = r2_score(truth, model.predict(test))
    return result


def trained(program, recipe, folder, seed):
    with tempfile.TemporaryDirectory() as runs:
        subprocess.run([program, "train", recipe, "--set", f"data.dir={folder}", "--set", f"seed={seed}", "--set",
                        f"output.dir={runs}"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        with open(next(Path(runs).glob("*/1/metrics.csv")), newline="") as file:
            scores = [row["test_r2"] for row in csv.DictReader(file) if row["test_r2"]]
        return float(scores[-1])


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--recipe", type=Path, help="in place of bench/tables/TABLE.yaml")
    parser.add_argument("--program", type=Path, default=ROOT / "build/release/onecycle")
    parser.add_argument("--folder", type=Path, default=Path("tables"))
    parser.add_argument("--results", type=Path, metavar="RESULTS.json")
    parser.add_argument("--only-split", type=int, metavar="SEED", help="only write the split of this seed")
    return parser.parse_args()


def main():
    arguments = parsed()
    folder = arguments.folder / arguments.table
    if arguments.only_split is not None:
        write_split(arguments.table, arguments.only_split, folder)
        return
    recipe = arguments.recipe or ROOT / f"bench/tables/{arguments.table}.yaml"
    file = arguments.results or arguments.folder / f"{arguments.table}-{recipe.stem}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    results = json.loads(file.read_text()) if file.exists() else {}
    for seed in range(arguments.seeds):
        if str(seed) in results:
            continue
        write_split(arguments.table, seed, folder)
        results[str(seed)] = {"onecycle": trained(arguments.program, recipe, folder, seed),
                              **peers(arguments.table, folder, seed)}
        file.write_text(json.dumps(results, indent=1) + "\n")
        print(f"seed {seed}: " + ", ".join(f"{label} {value:.4f}" for label, value in results[str(seed)].items()),
              flush=True)
    for label in ("onecycle", "ridge", "boosting"):
        values = [result[label] for result in results.values()]
        print(f"{label:<9} R² {np.mean(values):.4f} ± {np.std(values, ddof=1):.4f} over {len(values)} splits")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(error.stderr.decode())
