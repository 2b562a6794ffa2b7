#!/usr/bin/env python3
"""Learning rates and momenta of fastai's one-cycle schedule (`fit_one_cycle`), step by step.

    fastai_schedule.py --write        writes fastai_schedule.txt beside this file
    fastai_schedule.py --check        says whether fastai_schedule.txt is what the installed fastai gives
    fastai_schedule.py --dense FILE   writes a far larger grid to FILE

Needs fastai and torch >= 2.11; without them, --check and --dense exit with 77 (skipped).

The numbers are those of `combined_cos`, which fit_one_cycle makes its schedules with, at the share of the training
that a step begins at, t/T. The file's form is schedule.txt's.
"""

import itertools
import pathlib
import sys

import common

GOLDEN = pathlib.Path(__file__).with_name("fastai_schedule.txt")
PCTS = (0.0, 0.01, 0.025, 0.05, 0.1, 0.25, 0.3, 0.45, 0.5, 0.75, 0.9, 0.99, 1.0)


def import_fastai():
    """fastai's version and `combined_cos`; ends the program with 77 (skipped) where it is missing."""
    common.import_torch()
    try:
        import fastai
        from fastai.callback.schedule import combined_cos
    except ImportError as error:
        print(f"skipped: needs Python with fastai ({sys.executable}: {error}); name one in ONECYCLE_PYTHON")
        sys.exit(common.SKIPPED)
    return fastai.__version__, combined_cos


def one_cycle(total, lr_max, pct, div, final_div, momenta):
    options = dict(policy="fastai", lr_max=lr_max, pct_start=pct, div_factor=div, final_div_factor=final_div,
                   momentum_max=momenta[0], momentum_min=momenta[1])
    rate = combined_cos(pct, lr_max / div, lr_max, lr_max / final_div)
    momentum = combined_cos(pct, momenta[0], momenta[1], momenta[0])
    words = " ".join(f"{key}={value}" for key, value in options.items())
    steps = [t / total for t in range(total)]
    return f"case fit_one_cycle one_cycle {total} {words}", [("lr", map(rate, steps)), ("momentum", map(momentum, steps))]


def one_cycles(totals, pcts, factors, momenta):
    for total, pct, (div, final_div), pair in itertools.product(totals, pcts, factors, momenta):
        yield one_cycle(total, 0.1, pct, div, final_div, pair)


def grid():
    yield from one_cycles((2, 3, 4, 5, 7, 10, 20, 40), PCTS, ((25.0, 1e5),), ((0.95, 0.85),))
    yield from one_cycles((30,), (0.25,), ((3.0, 7.0),), ((0.99, 0.5),))


def dense_grid():
    yield from one_cycles(range(2, 41), PCTS, ((25.0, 1e5),), ((0.95, 0.85),))
    yield from one_cycles((101, 469, 2345), (0.2, 0.25, 1 / 3), ((25.0, 1e5), (7.0, 1.0)), ((0.95, 0.85), (0.9, 0.9)))


if __name__ == "__main__":
    version, combined_cos = import_fastai()
    sys.exit(common.main(__doc__, GOLDEN, grid, dense_grid, 1e-13, giver=f"fastai {version}"))
