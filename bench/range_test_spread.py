#!/usr/bin/env python3
"""How far the LR range test's answer can be trusted: its spread over seeds, and what training at it reaches.

Repeats `onecycle range-test` with other seeds (--repeats), then trains the recipe at the median answer and at a
grid of rates around it (a factor of 2 apart) with several seeds, and prints the validation accuracy, or another
metric, at each. The range tests' curves go to --keep, if asked: bench_range_rules reads those of bench/curves.

  bench/range_test_spread.py recipes/quickstart.yaml
  bench/range_test_spread.py recipes/cifar10-resnet20.yaml --set data.limit=10000 --set train.duration=6ep
  bench/range_test_spread.py bench/tables/diabetes.yaml --metric r2
"""
import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from common import ROOT, last_json


def settings(arguments, folder, seed):
    pairs = [*arguments.set, f"output.dir={folder}", f"seed={seed}"]
    return [word for pair in pairs for word in ("--set", pair)]


def range_test(arguments, folder, repeat):
    seed = 100 * repeat + arguments.seed
    answer = last_json([arguments.program, "range-test", arguments.recipe, "--json", *arguments.range.split(),
                        *settings(arguments, folder, seed)])
    print(f"range test {repeat + 1}: {answer['lr_max'] or answer['refused']}", file=sys.stderr)
    return answer["lr_max"], json.loads((Path(answer["run_dir"]) / "range_test.json").read_text())


def recorded(tests, grid):
    """What bench_range_rules needs: the curves that rules read, and the rates that train as well as any."""
    best = max(statistics.mean(values) for values in grid.values())
    good = [lr for lr, values in grid.items() if statistics.mean(values) >= best - 0.5]
    curves = []
    for test in tests:
        final = [sweep for sweep in test["sweeps"] if sweep["shape"] == "linear" and ", to " not in sweep["label"]]
        metric = f"held_out_{test.get('metric', {'name': 'accuracy'})['name']}"
        looks = [[point["lr"], point[metric]] for sweep in final for point in sweep["points"]
                 if point[metric] is not None]
        coarse = [[float(f"{point['lr']:.6g}"), float(f"{point['train_loss']:.6g}")]
                  for point in test["sweeps"][0]["points"] if point["train_loss"] is not None]
        curves.append({"coarse": coarse, "looks": [[float(f"{lr:.6g}"), accuracy] for lr, accuracy in looks],
                       "fell": "then it falls" in test["suggestions"][0]["reason"]})
    return {"name": tests[0]["name"], "good": [min(good), max(good)], "curves": curves}


def trained(arguments, folder, lr, seed):
    rates = [f"schedule.lr_max={lr:.4g}"] + ([f"schedule.lr_min={lr / 10:.4g}"] if arguments.with_lr_min else [])
    command = [arguments.program, "train", arguments.recipe, "--json", *settings(arguments, folder, seed)]
    result = last_json([*command, *(word for rate in rates for word in ("--set", rate))])
    share = result.get(f"validation_{arguments.metric}") or 0
    print(f"lr_max {lr:.4g}, seed {seed}: validation {100 * share:.2f} %", file=sys.stderr)
    return 100 * share


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--points", type=int, default=7, help="of the grid, with the answer in the middle")
    parser.add_argument("--seeds", type=int, default=3, help="trained at each point of the grid")
    parser.add_argument("--seed", type=int, default=1, help="of the first repeat, and of the first training")
    parser.add_argument("--metric", default="accuracy", help="what trainings are compared by, 1 at best: r2 of a regression")
    parser.add_argument("--range", default="", help="further options of range-test")
    parser.add_argument("--with-lr-min", action="store_true", help="set schedule.lr_min to a tenth, too")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="the range tests' curves, as in bench/curves")
    parser.add_argument("--program", default=ROOT / "onecycle")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        answers, tests = zip(*(range_test(arguments, folder, repeat) for repeat in range(arguments.repeats)))
        found = [answer for answer in answers if answer]
        if not found:
            sys.exit("every range test refused to answer")
        middle = statistics.median(found)
        grid = {}
        for point in range(arguments.points):
            lr = middle * 2.0 ** (point - arguments.points // 2)
            grid[lr] = [trained(arguments, folder, lr, arguments.seed + seed) for seed in range(arguments.seeds)]
    print(f"answers: {' '.join(f'{answer:.3g}' if answer else 'refused' for answer in answers)}; "
          f"largest / smallest {max(found) / min(found):.2f}")
    if arguments.keep:
        arguments.keep.write_text(json.dumps(recorded(tests, grid)) + "\n")
    best = max(statistics.mean(values) for values in grid.values())
    for lr, values in grid.items():
        mark = "  <- the median answer" if lr == middle else ""
        print(f"lr_max {lr:9.4g}  validation {statistics.mean(values):6.2f} % [{min(values):.2f}–{max(values):.2f}]{mark}")
    print(f"the answer's mean is {best - statistics.mean(grid[middle]):.2f} points below the best of the grid")
    print(json.dumps({"recipe": arguments.recipe, "set": arguments.set, "answers": answers,
                      "grid": {f"{lr:.6g}": values for lr, values in grid.items()}}))


if __name__ == "__main__":
    main()
