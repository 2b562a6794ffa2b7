#!/usr/bin/env python3
"""Training time of recipes/quickstart.yaml (fp32) against fastai: same net, batch, epochs and samples.

Runs the two in turn, --runs times, and prints the median with the smallest and largest, and the ratio
of each pair. Needs a Python with bench/requirements.txt installed:

  python3 -m venv /tmp/bench && /tmp/bench/bin/pip install -r bench/requirements.txt
  bench/fashion_mnist_mlp.py --python /tmp/bench/bin/python
"""
import argparse
import json
import statistics
import sys
import tempfile

from common import ROOT, last_json


def row(name, values, unit):
    return f"{name:<22}{statistics.median(values):8.3f} {unit} [{min(values):.3f}–{max(values):.3f}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="a Python with fastai")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=5)
    arguments = parser.parse_args()

    ours, peers = [], []
    with tempfile.TemporaryDirectory() as folder:
        for run in range(arguments.runs):
            ours.append(last_json([ROOT / "onecycle", "train", ROOT / "recipes/quickstart.yaml", "--json",
                                   "--set", f"output.dir={folder}", "--set", f"seed={run + 1}",
                                   "--set", f"train.duration={arguments.epochs}ep",
                                   "--set", f"train.evaluate_every={arguments.epochs}ep",
                                   "--set", "train.precision=fp32"]))
            peers.append(last_json([arguments.python, ROOT / "bench/peers/fastai_mlp.py",
                                    "--epochs", arguments.epochs]))
            print(f"run {run + 1}: onecycle {ours[-1]['train_seconds']:.2f} s, "
                  f"fastai {peers[-1]['train_seconds']:.2f} s", file=sys.stderr)

    seconds = [[result["train_seconds"] for result in results] for results in (ours, peers)]
    accuracy = [[100 * result["test_accuracy"] for result in results] for results in (ours, peers)]
    print(row("onecycle, training", seconds[0], "s"))
    print(row("fastai, training", seconds[1], "s"))
    print(row("onecycle / fastai", [a / b for a, b in zip(*seconds)], " "))
    print(row("onecycle, test", accuracy[0], "%"))
    print(row("fastai, test", accuracy[1], "%"))


if __name__ == "__main__":
    main()
