#!/usr/bin/env python3
"""Weights that PyTorch's SGD gives over 50 steps of recorded gradients.

    optim.py --write           writes optim.txt beside this file
    optim.py --check           says whether optim.txt is what the installed PyTorch gives
    optim.py --dense FILE      writes every step, not just some, to FILE

Needs torch >= 2.11; without it, exits with 77 (skipped).

Two weights, `matrix` [3,4] and `vector` [5], and their gradients come from common.formula. Lines `matrix.STEP` and
`vector.STEP` hold the weights after STEP steps. Hyper-parameters stand still or follow `hyper` below, which C++
repeats.
"""

import math
import pathlib
import sys

import common

GOLDEN = pathlib.Path(__file__).with_name("optim.txt")
STEPS = 50
SHAPES = {"matrix": (3, 4), "vector": (5,)}


def hyper(moving, step, momentum, decay):
    """lr, momentum and weight decay of a step."""
    if not moving:
        return 0.1, momentum, decay
    wave = (step * 7 % 11) / 11
    return 0.02 + 0.2 * wave, momentum - 0.2 * wave if momentum else 0.0, decay * (1 + 2 * wave)


def tensor(name, shape, scale, dtype):
    return torch.from_numpy(common.formula(name, math.prod(shape), scale)).to(dtype).reshape(shape)


def run(dtype, mode, nesterov, momentum, decay, moving, decay_all, shown):
    weights = {name: torch.nn.Parameter(tensor(name, shape, 2.0, dtype)) for name, shape in SHAPES.items()}
    groups = [dict(params=[weight], name=name) for name, weight in weights.items()]
    optimizer = torch.optim.SGD(groups, lr=0.1, momentum=momentum, nesterov=nesterov)
    for step in range(STEPS):
        lr, m, wd = hyper(moving, step, momentum, decay)
        for group in optimizer.param_groups:
            name, weight = group["name"], group["params"][0]
            own = wd if decay_all or weight.dim() > 1 else 0.0
            group |= dict(lr=lr, momentum=m, weight_decay=own if mode == "l2" else 0.0)
            weight.grad = tensor(f"{name}.{step}", SHAPES[name], 1.0, dtype)
            if mode == "decoupled":
                with torch.no_grad():
                    weight.mul_(1 - lr * own)
        optimizer.step()
        if step + 1 in shown:
            for name, weight in weights.items():
                yield f"{name}.{step + 1}", weight.detach().double().flatten().tolist()


def cases(shown):
    for dtype in (torch.float32, torch.float64):
        for mode, decay in (("l2", 0.0), ("l2", 0.05), ("decoupled", 0.3)):
            for nesterov, momentum in ((False, 0.0), (False, 0.9), (True, 0.9)):
                for moving in (False, True):
                    yield one(dtype, mode, nesterov, momentum, decay, moving, False, shown)
            yield one(dtype, mode, True, 0.9, decay, True, True, shown)


def one(dtype, mode, nesterov, momentum, decay, moving, decay_all, shown):
    head = common.case("sgd", dtype=str(dtype).removeprefix("torch."), mode=mode, nesterov=int(nesterov),
                       momentum=momentum, decay=decay, moving=int(moving), decay_all=int(decay_all))
    return head, list(run(dtype, mode, nesterov, momentum, decay, moving, decay_all, shown))


if __name__ == "__main__":
    torch = common.import_torch()
    sys.exit(common.main(__doc__, GOLDEN, lambda: cases({1, 2, 10, STEPS}),
                         lambda: cases(set(range(1, STEPS + 1))), tolerance=1e-6))
