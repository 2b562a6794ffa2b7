#!/usr/bin/env python3
"""`onecycle tune` against the usual way: fastai's lr_find (valley), then fit_one_cycle, on the same network.

Each task of bench/tasks is tuned and trained with several seeds, the search anew with each, and so is its peer.
Test accuracy after equal epochs of the final run; with --equal-cost the peer also trains for as many epochs as
the whole tuning took, search included. Needs a Python with bench/requirements.txt:

  bench/tune_against_fastai.py --python /tmp/bench/bin/python --cifar10 data/cifar10
"""
import argparse
import csv
import json
import statistics
import sys
import tempfile
from pathlib import Path

from common import ROOT, last_json

# Peer's arguments: network, data, optimizer, samples that the task's recipe trains on, epochs.
TASKS = {
    "mlp": ("mlp", "fashion", "sgd", 55000, 5),
    "mlp-adamw": ("mlp", "fashion", "adam", 55000, 5),
    "resnet8-fashion": ("resnet8", "fashion", "sgd", 10000, 6),
    "resnet8-cifar10": ("resnet8", "cifar10", "sgd", 10000, 10),
}


def tuned(arguments, task, seed):
    with tempfile.TemporaryDirectory() as folder:
        command = [arguments.program, "tune", ROOT / f"bench/tasks/{task}.yaml", "--json",
                   "--set", f"seed={seed}", "--set", f"output.dir={folder}"]
        if arguments.threads:
            command += ["--set", f"train.threads={arguments.threads}"]
        if TASKS[task][1] == "cifar10":
            command += ["--set", f"data.dir={arguments.cifar10}"]
        result = last_json(command)
        with open(Path(result["recipe"]).parent / "final" / "metrics.csv") as rows:
            last = list(csv.DictReader(rows))[-1]
        choices = {choice["what"]: choice["value"] for choice in result["choices"]}
        return {"test_accuracy": float(last["test_accuracy"]), "search_epochs": result["search_epochs"],
                "choices": choices}


def usual(arguments, task, seed, epochs, optimizer=None):
    net, data, own_optimizer, samples, _ = TASKS[task]
    command = [arguments.python, ROOT / "bench/peers/fastai_find.py", "--net", net, "--data", data,
               "--optimizer", optimizer or own_optimizer, "--samples", samples, "--epochs", epochs, "--seed", seed,
               "--threads", arguments.threads]
    if data == "cifar10":
        command += ["--folder", arguments.cifar10]
    return last_json(command)


def row(task, way, epochs, values, note=""):
    values = [100 * value for value in values]
    spread = statistics.stdev(values) if len(values) > 1 else 0
    print(f"{task:<16} {way:<34} {epochs:>7.4g}  {statistics.mean(values):6.2f} % ±{spread:.2f} "
          f"[{min(values):.2f}–{max(values):.2f}]  {note}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="a Python with fastai")
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--cifar10", default=ROOT / "data/cifar10", help="folder of cifar-10-batches-bin")
    parser.add_argument("--equal-cost", action="store_true")
    parser.add_argument("--program", default=ROOT / "onecycle")
    arguments = parser.parse_args()

    seeds = range(1, arguments.seeds + 1)
    print(f"{'task':<16} {'way':<34} {'epochs':>7}  test accuracy: mean, deviation, range")
    for task in arguments.tasks.split(","):
        optimizer, epochs = TASKS[task][2], TASKS[task][4]
        ours = [tuned(arguments, task, seed) for seed in seeds]
        search = statistics.mean(one["search_epochs"] for one in ours)
        row(task, "onecycle tune", epochs, [one["test_accuracy"] for one in ours], f"search {search:.1f} epochs")
        for one in ours:
            print(f"{'':<16}   {json.dumps(one['choices'])}", flush=True)
        ways = [(optimizer, epochs)]
        if optimizer != "adam":
            ways.append(("adam", epochs))
        if arguments.equal_cost:
            ways.append((optimizer, epochs + search))
        for by, length in ways:
            peers = [usual(arguments, task, seed, length, by) for seed in seeds]
            rates = " ".join(f"{one['lr']:.2g}" for one in peers)
            row(task, f"fastai valley, fit_one_cycle, {by}", length, [one["test_accuracy"] for one in peers],
                f"rates {rates}")


if __name__ == "__main__":
    main()
