#!/usr/bin/env python3
"""Learning rates and momenta of PyTorch's own schedulers, step by step.

    schedule.py --write           writes schedule.txt beside this file
    schedule.py --check           says whether schedule.txt is what the installed PyTorch gives
    schedule.py --dense FILE      writes a far larger grid to FILE

Needs torch >= 2.11; without it, --check and --dense exit with 77 (skipped).

The file holds one case in two or three lines: `case SOURCE NAME TOTAL KEY=VALUE…`, where NAME and KEY=VALUE
are a schedule and its options as a recipe names them; `lr …` and, where momentum is compared, `momentum …`:
one number a step.
"""

import itertools
import pathlib
import sys
import warnings

import common

GOLDEN = pathlib.Path(__file__).with_name("schedule.txt")


def record(make, lr, total, with_momentum):
    """Runs a scheduler for `total` steps; returns its rates and momenta."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=lr, momentum=0.9)
    scheduler = make(optimizer)
    group = optimizer.param_groups[0]
    rates, momenta = [], []
    for _ in range(total):
        rates.append(float(group["lr"]))
        momenta.append(float(group["momentum"]))
        optimizer.step()
        scheduler.step() if len(rates) < total else None
    return rates, momenta if with_momentum else None


def case(make, name, total, options, lr=1.0, momentum=False, source=""):
    words = " ".join(f"{key}={value!r}" if isinstance(value, float) else f"{key}={value}"
                     for key, value in options.items())
    return f"case {source} {name} {total} {words}", record(make, lr, total, momentum)


def one_cycle(total, lr_max, pct, div, final_div, shape, three_phase, momentum):
    high, low = momentum or (0.95, 0.85)
    options = dict(policy="torch", lr_max=lr_max, pct_start=pct, div_factor=div, final_div_factor=final_div,
                   shape=shape, three_phase=str(three_phase).lower())
    if momentum:
        options |= dict(momentum_max=high, momentum_min=low)

    def make(optimizer):
        return lr_scheduler.OneCycleLR(
            optimizer, max_lr=lr_max, total_steps=total, pct_start=pct, div_factor=div,
            final_div_factor=final_div, anneal_strategy={"cosine": "cos", "linear": "linear"}[shape],
            three_phase=three_phase, max_momentum=high, base_momentum=low)

    return case(make, "one_cycle", total, options, momentum=True, source="OneCycleLR")


def one_cycle_default(total):
    def make(optimizer):
        return lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=total)

    return case(make, "one_cycle", total, dict(policy="torch", lr_max=0.1), momentum=True, source="OneCycleLR")


def one_cycles(totals, pcts, factors, momenta):
    # Where pct * total is 1 PyTorch divides by zero; a recipe takes three_phase up to a pct of 0.5.
    for total, pct, (div, final_div), shape, three_phase, momentum in itertools.product(
            totals, pcts, factors, ("cosine", "linear"), (False, True), momenta):
        if pct * total != 1 and (not three_phase or pct <= 0.5):
            yield one_cycle(total, 0.1 * div / 7, pct, div, final_div, shape, three_phase, momentum)


def cyclical(total, bounds, mode, gamma, up, down, momentum):
    high, low = momentum
    options = dict(lr_max=bounds[1], lr_min=bounds[0], mode=mode, step_up=f"{up}it")
    if down:
        options |= dict(step_down=f"{down}it")
    if mode == "exp_range":
        options |= dict(gamma=gamma)
    options |= dict(momentum_max=high, momentum_min=low)

    def make(optimizer):
        return lr_scheduler.CyclicLR(
            optimizer, base_lr=bounds[0], max_lr=bounds[1], step_size_up=up, step_size_down=down, mode=mode,
            gamma=gamma, max_momentum=high, base_momentum=low)

    return case(make, "cyclical", total, options, momentum=True, source="CyclicLR")


def cyclicals(total, steps, bounds, gammas, momenta):
    for (up, down), pair, momentum in itertools.product(steps, bounds, momenta):
        for mode in ("triangular", "triangular2"):
            yield cyclical(total, pair, mode, 1.0, up, down, momentum)
        for gamma in gammas:
            yield cyclical(total, pair, "exp_range", gamma, up, down, momentum)


def restarts(total, first, factor, low):
    options = dict(lr_max=0.5, lr_min=low, cycle=f"{first}it", cycle_factor=factor)
    return case(lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, first, factor, low), "cosine", total,
                options, lr=0.5, source="CosineAnnealingWarmRestarts")


def cosine(total, low):
    return case(lambda o: lr_scheduler.CosineAnnealingLR(o, total - 1, low), "cosine", total,
                dict(lr_max=0.5, lr_min=low), lr=0.5, source="CosineAnnealingLR")


def milestones_text(milestones):
    return "[" + ",".join(f"{m}it" for m in milestones) + "]"


def multistep(total, milestones, gamma):
    options = dict(lr=0.35, milestones=milestones_text(milestones), gamma=gamma)
    return case(lambda o: lr_scheduler.MultiStepLR(o, milestones, gamma), "multistep", total, options, lr=0.35,
                source="MultiStepLR")


def linear(total, start, end, length):
    options = dict(lr_from=0.8 * start, lr_to=0.8 * end)
    if length != total - 1:
        options |= dict(duration=f"{length}it")
    return case(lambda o: lr_scheduler.LinearLR(o, start, end, length), "linear", total, options, lr=0.8,
                source="LinearLR")


def exponential(total, gamma):
    options = dict(lr_from=1e-3, lr_to=1e-3 * gamma ** (total - 1))
    return case(lambda o: lr_scheduler.ExponentialLR(o, gamma), "exponential", total, options, lr=1e-3,
                source="ExponentialLR")


def warmed_up(total, length, start, kind):
    options = {"warmup.duration": f"{length}it", "warmup.from": start}
    if kind == "constant":
        options["lr"] = 0.3
        return case(lambda o: lr_scheduler.LinearLR(o, start, 1.0, length), "constant", total, options, lr=0.3,
                    source="LinearLR")
    after = {"multistep": (lambda o: lr_scheduler.MultiStepLR(o, [5, 11], 0.2),
                           dict(lr=0.3, milestones=milestones_text([5, 11]), gamma=0.2)),
             "cosine": (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 6, 2, 0.01),
                        dict(lr_max=0.3, lr_min=0.01, cycle="6it", cycle_factor=2))}[kind]
    return case(lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, start, 1.0, length), after[0](o)], [length]), kind, total,
        options | after[1], lr=0.3, source="SequentialLR")


def others():
    for first, factor, low in ((1, 1, 0.0), (7, 1, 0.001), (5, 2, 0.0), (3, 3, 0.02)):
        yield restarts(50, first, factor, low)
    for total, low in ((2, 0.0), (40, 0.01)):
        yield cosine(total, low)
    yield multistep(30, [10, 20], 0.1)
    yield multistep(30, [1, 2, 2, 29], 0.5)
    yield linear(30, 1 / 3, 1.0, 29)
    yield linear(30, 0.001, 1.0, 11)
    yield linear(25, 1.0, 0.1, 24)
    yield exponential(40, 1.2)
    yield exponential(40, 0.9)
    for length, kind in itertools.product((1, 8), ("constant", "multistep", "cosine")):
        yield warmed_up(30, length, 0.1, kind)


def grid():
    for total in (4, 10, 101):
        yield one_cycle_default(total)
    yield from one_cycles((5, 17, 30), (0.21, 0.3, 0.45), ((25.0, 1e4), (7.0, 1.0)), ((0.95, 0.85),))
    yield from one_cycles((2, 3, 4, 7, 10, 30), (0.0, 0.01, 0.1, 0.3, 0.5, 1.0), ((25.0, 1e4),), ((0.95, 0.85),))
    yield from one_cycles((20,), (0.1, 0.5, 1.0), ((12.0, 1000.0),), (None,))
    yield from one_cycles((300,), (0.3,), ((25.0, 1e4),), ((0.99, 0.8),))
    yield from cyclicals(40, ((1, None), (6, None), (5, 12), (9, 2)), ((0.08, 0.8),), (0.99, 1.0), ((0.9, 0.8),))
    yield from cyclicals(90, ((20, 10),), ((0.0, 3.0),), (0.95,), ((0.95, 0.85),))
    yield from others()


def dense_grid():
    yield from one_cycles(range(2, 41), (0.0, 0.01, 0.025, 0.05, 0.1, 0.25, 0.3, 0.45, 0.5, 0.75, 0.9, 0.99, 1.0),
                          ((25.0, 1e4),), ((0.95, 0.85),))
    yield from one_cycles((3, 4, 6, 11, 50, 128, 400), (0.05, 0.125, 0.25, 0.3, 0.4, 0.49, 0.5, 0.7, 1.0),
                          ((25.0, 1e4), (1.0, 5.0), (3.7, 1.0)), ((0.95, 0.85),))
    yield from one_cycles((60,), (0.3,), ((10.0, 1e3),), ((0.9, 0.9), (0.99, 0.0)))
    yield from cyclicals(500, ((1, None), (1, 7), (7, 1), (13, 13), (50, 31), (400, 300)),
                         ((0.0, 3.0), (0.1, 0.1), (0.01, 0.1)), (0.5, 0.99, 0.99994, 1.0),
                         ((0.95, 0.85), (0.9, 0.8)))
    # After thousands of cycles the order of PyTorch's operations shows.
    yield cyclical(50_000, (0.08, 0.8), "triangular", 1.0, 1, 6, (0.95, 0.85))
    yield from others()


def lines_of(cases):
    for head, (rates, momenta) in cases:
        yield head, [("lr", rates)] + ([("momentum", momenta)] if momenta else [])


if __name__ == "__main__":
    torch = common.import_torch()
    from torch.optim import lr_scheduler

    warnings.simplefilter("ignore", UserWarning)
    # Numbers to 1e-13: the cosine's last bit belongs to the C library.
    sys.exit(common.main(__doc__, GOLDEN, lambda: lines_of(grid()), lambda: lines_of(dense_grid()), 1e-13))
