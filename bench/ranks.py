#!/usr/bin/env python3
"""What ranks cost: one process through the Reducer against one without, and two processes of one thread against one
of two, at the same total batch. Training time without evaluations; interleaved, median and quartiles of the ratios.

  bench/ranks.py
  bench/ranks.py --recipe recipes/fashion-mnist-resnet20.yaml --steps 40 --runs 5
"""
import argparse
import statistics
import tempfile

from common import ROOT, last_json


def seconds(arguments, batch, threads, ranks=None):
    with tempfile.TemporaryDirectory() as folder:
        pairs = [f"output.dir={folder}", f"data.batch_size={batch}", f"train.threads={threads}",
                 f"train.duration={arguments.steps}it", f"train.evaluate_every={arguments.steps}it",
                 f"output.checkpoint_every={arguments.steps}it", *arguments.set]
        command = [arguments.program, "train", arguments.recipe, "--json"]
        command += [word for pair in pairs for word in ("--set", pair)]
        if ranks:
            command += ["--ranks", ranks]
        return last_json(command)["train_seconds"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default=ROOT / "recipes/quickstart.yaml")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=128, help="in all")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--program", default=ROOT / "onecycle")
    arguments = parser.parse_args()

    reducer, split = [], []
    for _ in range(arguments.runs):
        plain = seconds(arguments, arguments.batch, 1)
        reducer.append(seconds(arguments, arguments.batch, 1, 1) / plain)
        two_threads = seconds(arguments, arguments.batch, 2)
        split.append(seconds(arguments, arguments.batch // 2, 1, 2) / two_threads)
    for name, ratios in (("one process through the Reducer / without", reducer),
                         ("two processes of one thread / one of two", split)):
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(f"{name}: time {middle:.3f} [{low:.3f}–{high:.3f}] of {len(ratios)} runs")


if __name__ == "__main__":
    main()
