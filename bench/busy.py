#!/usr/bin/env python3
"""What other work on the machine costs a run with the default number of threads, and what that costs where there is none.

In turns: the program with its default threads and with `train.threads=1`, while so many loops keep processors busy;
then, without them, the program and another build of it (--before). Each pair stands side by side; prints the median of
the pairs' ratios, their quartiles, and each program's own median.

  bench/busy.py                                        10 pairs beside 4 loops
  bench/busy.py --before /tmp/other/onecycle           and 10 pairs with that build on the quiet machine
  bench/busy.py --spins 300,1000,3000,10000            each of them as GOMP_SPINCOUNT, beside the program's own
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile

from common import ROOT, last_json


class Loops:
    """Processes that do nothing but keep processors busy."""

    def __init__(self, count):
        self.processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()


class Variant:
    def __init__(self, name, program, settings=(), **environment):
        self.name, self.program, self.settings, self.environment = name, program, settings, environment

    def seconds(self, given, folder):
        pairs = [f"output.dir={folder}", f"train.duration={given.duration}", *self.settings]
        command = ["env", *(f"{name}={value}" for name, value in self.environment.items()), self.program, "train",
                   given.recipe, "--json", *(word for pair in pairs for word in ("--set", pair))]
        return last_json(command)["train_seconds"]


def compare(title, first, second, given, folder):
    times = []
    for pair in range(given.pairs):
        both = [(first, 0), (second, 1)] if pair % 2 == 0 else [(second, 1), (first, 0)]
        measured = {place: variant.seconds(given, folder) for variant, place in both}
        times.append((measured[0], measured[1]))
    ratios = [b / a for a, b in times]
    low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    print(f"{title}: {second.name} / {first.name} = {middle:.3f} [{low:.3f} to {high:.3f}], "
          f"{statistics.median(b for _, b in times):.2f} s / {statistics.median(a for a, _ in times):.2f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=ROOT / "build/release/onecycle")
    parser.add_argument("--before", help="another build, to compare with on the quiet machine")
    parser.add_argument("--recipe", default=ROOT / "recipes/quickstart.yaml")
    parser.add_argument("--duration", default="2ep")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--loops", type=int, default=2 * (os.cpu_count() or 1))
    parser.add_argument("--spins", default="", help="values of GOMP_SPINCOUNT to compare as well")
    given = parser.parse_args()
    own = Variant("default threads", given.program)
    others = [Variant(f"GOMP_SPINCOUNT={spins}", given.program, GOMP_SPINCOUNT=spins)
              for spins in given.spins.split(",") if spins]
    with tempfile.TemporaryDirectory() as folder:
        with Loops(given.loops):
            one = Variant("one thread", given.program, ["train.threads=1"])
            for variant in [own, *others]:
                compare(f"{given.loops} busy loops", one, variant, given, folder)
        if given.before:
            before = Variant("before", given.before)
            for variant in [own, *others]:
                compare("quiet", before, variant, given, folder)


if __name__ == "__main__":
    main()
