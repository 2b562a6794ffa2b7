#!/usr/bin/env python3
"""What views of the least sure samples alone cost and keep: the same weights evaluated with all views, and with those of a share.

In turns, whole processes; prints each one's accuracy and median seconds, the difference in points, and the median of the
pairs' ratios with its quartiles. Start-up and reading the data count for both.

  bench/views.py ./onecycle runs/cifar10-94/1 --share 0.25
  bench/views.py ./onecycle recipes/cifar10-eval-resnet20.yaml --weights resnet20-12fca82f.th --set data.dir=DIR
"""
import argparse
import statistics
import time

from common import last_json


def evaluated(given, share):
    pairs = [f"train.tta={given.views}", f"train.tta_share={share}", *given.set]
    weights = ["--weights", given.weights] if given.weights else []
    precision = ["--precision", given.precision] if given.precision else []
    command = [given.program, "eval", given.subject, "--no-report", "--json", *weights, *precision,
               *(word for pair in pairs for word in ("--set", pair))]
    begin = time.perf_counter()
    result = last_json(command)
    return result["accuracy"], time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("subject", help="a run's folder, or a recipe with --weights")
    parser.add_argument("--weights")
    parser.add_argument("--share", type=float, default=0.25)
    parser.add_argument("--views", default="flip+shift", choices=["flip", "flip+shift"])
    parser.add_argument("--precision", help="default: that of eval, fp32")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--set", action="append", default=[])
    given = parser.parse_args()
    times = []
    for _ in range(given.pairs):
        (all_right, all_seconds), (right, seconds) = evaluated(given, 1), evaluated(given, given.share)
        times.append((all_seconds, seconds))
    ratios = sorted(seconds / all_seconds for all_seconds, seconds in times)
    low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    print(f"all views      {100 * all_right:.2f} %  {statistics.median(one for one, _ in times):.2f} s")
    print(f"share {given.share:<8} {100 * right:.2f} %  {statistics.median(one for _, one in times):.2f} s")
    print(f"difference     {100 * (right - all_right):+.2f} points")
    print(f"ratio of time  {middle:.3f} [{low:.3f}-{high:.3f}], {given.pairs} pairs")


if __name__ == "__main__":
    main()
