#!/usr/bin/env python3
"""How far the LR range test's answer can be trusted: its spread over seeds, and what training at it reaches.

Repeats `onecycle range-test` with other seeds (--repeats), then trains the recipe at the median answer and at a
grid of rates around it (a factor of 2 apart) with several seeds, and prints validation accuracy at each. The
range test's own curves go to --keep, if asked, for bench_range_rules.

  bench/range_test_spread.py recipes/quickstart.yaml
  bench/range_test_spread.py recipes/cifar10-resnet20.yaml --set data.limit=10000 --set train.duration=6ep
"""
import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def last_json(command):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if not result.stdout.strip():
        sys.exit(f"{' '.join(map(str, command))} failed:\n{result.stderr}")
    return json.loads(result.stdout.strip().splitlines()[-1])


def settings(arguments, folder, seed):
    pairs = [*arguments.set, f"output.dir={folder}", f"seed={seed}"]
    return [word for pair in pairs for word in ("--set", pair)]


def range_test(arguments, folder, repeat):
    seed = 100 * repeat + arguments.seed
    answer = last_json([arguments.program, "range-test", arguments.recipe, "--json", *arguments.range.split(),
                        *settings(arguments, folder, seed)])
    if arguments.keep:
        test = json.loads((Path(answer["run_dir"]) / "range_test.json").read_text())
        arguments.keep.mkdir(parents=True, exist_ok=True)
        (arguments.keep / f"{test['name']}-{repeat}.json").write_text(json.dumps(
            {key: test[key] for key in ("name", "lr_max", "seed_numbers", "sweeps", "suggestions")}))
    print(f"range test {repeat + 1}: {answer['lr_max'] or answer['refused']}", file=sys.stderr)
    return answer["lr_max"]


def trained(arguments, folder, lr, seed):
    rates = [f"schedule.lr_max={lr:.4g}"] + ([f"schedule.lr_min={lr / 10:.4g}"] if arguments.with_lr_min else [])
    command = [arguments.program, "train", arguments.recipe, "--json", *settings(arguments, folder, seed)]
    result = last_json([*command, *(word for rate in rates for word in ("--set", rate))])
    accuracy = result.get("validation_accuracy") or 0
    print(f"lr_max {lr:.4g}, seed {seed}: validation {100 * accuracy:.2f} %", file=sys.stderr)
    return 100 * accuracy


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--points", type=int, default=7, help="of the grid, with the answer in the middle")
    parser.add_argument("--seeds", type=int, default=3, help="trained at each point of the grid")
    parser.add_argument("--seed", type=int, default=1, help="of the first repeat, and of the first training")
    parser.add_argument("--range", default="", help="further options of range-test")
    parser.add_argument("--with-lr-min", action="store_true", help="set schedule.lr_min to a tenth, too")
    parser.add_argument("--keep", type=Path, help="folder for the range tests' curves")
    parser.add_argument("--program", default=ROOT / "onecycle")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        answers = [range_test(arguments, folder, repeat) for repeat in range(arguments.repeats)]
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
    best = max(statistics.mean(values) for values in grid.values())
    for lr, values in grid.items():
        mark = "  <- the median answer" if lr == middle else ""
        print(f"lr_max {lr:9.4g}  validation {statistics.mean(values):6.2f} % [{min(values):.2f}–{max(values):.2f}]{mark}")
    print(f"the answer's mean is {best - statistics.mean(grid[middle]):.2f} points below the best of the grid")
    print(json.dumps({"recipe": arguments.recipe, "set": arguments.set, "answers": answers,
                      "grid": {f"{lr:.6g}": values for lr, values in grid.items()}}))


if __name__ == "__main__":
    main()
