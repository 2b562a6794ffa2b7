#!/usr/bin/env python3
"""Weights that PyTorch's SGD, AdamW and Adam give over 50 steps of recorded gradients.

    optim.py --write           writes optim.txt beside this file
    optim.py --check           says whether optim.txt is what the installed PyTorch gives
    optim.py --dense FILE      writes every step, not just some, to FILE

Needs torch >= 2.11; without it, exits with 77 (skipped).

Two weights, `matrix` [3,4] and `vector` [5], and their gradients come from common.formula. Lines `matrix.STEP` and
`vector.STEP` hold the weights after STEP steps. Hyper-parameters stand still or follow `hyper` below, which C++
repeats, and so it does the parameter groups: with groups=1 each weight has a learning rate and a decay of its own.
"""

import math
import pathlib
import sys

import common

GOLDEN = pathlib.Path(__file__).with_name("optim.txt")
STEPS = 50
SHAPES = {"matrix": (3, 4), "vector": (5,)}
SCALES = {"matrix": (0.5 * 0.7, 2.0), "vector": (3 * 0.7, 0.3)}  # of lr and decay, with groups=1


def hyper(moving, step, peak, momentum, decay):
    """lr, momentum and weight decay of a step."""
    if not moving:
        return 0.1 * peak, momentum, decay
    wave = (step * 7 % 11) / 11
    return (0.02 + 0.2 * wave) * peak, momentum - 0.2 * wave if momentum else 0.0, decay * (1 + 2 * wave)


def tensor(name, shape, scale, dtype):
    return torch.from_numpy(common.formula(name, math.prod(shape), scale)).to(dtype).reshape(shape)


def optimizer_of(name, mode, parameters, nesterov, momentum, beta2, eps):
    if name == "sgd":
        return torch.optim.SGD(parameters, lr=0.1, momentum=momentum, nesterov=bool(nesterov))
    kind = torch.optim.Adam if mode == "l2" else torch.optim.AdamW
    return kind(parameters, lr=0.1, betas=(momentum, beta2), eps=eps, foreach=False)


def scales(name, weight, decay_all, groups):
    return SCALES[name] if groups else (1.0, 1.0 if decay_all or weight.dim() > 1 else 0.0)


def run(shown, optimizer, dtype, mode, nesterov, momentum, beta2, eps, peak, decay, moving, decay_all, groups):
    dtype = getattr(torch, dtype)
    weights = {name: torch.nn.Parameter(tensor(name, shape, 2.0, dtype)) for name, shape in SHAPES.items()}
    parameters = [dict(params=[weight], name=name) for name, weight in weights.items()]
    made = optimizer_of(optimizer, mode, parameters, nesterov, momentum, beta2, eps)
    for step in range(STEPS):
        lr, m, wd = hyper(moving, step, peak, momentum, decay)
        for group in made.param_groups:
            name, weight = group["name"], group["params"][0]
            lr_scale, decay_scale = scales(name, weight, decay_all, groups)
            by_hand = optimizer == "sgd" and mode == "decoupled"
            group |= dict(lr=lr * lr_scale, weight_decay=0.0 if by_hand else wd * decay_scale)
            group |= dict(momentum=m) if optimizer == "sgd" else dict(betas=(m, beta2))
            weight.grad = tensor(f"{name}.{step}", SHAPES[name], 1.0, dtype)
            if by_hand:
                with torch.no_grad():
                    weight.mul_(1 - lr * lr_scale * wd * decay_scale)
        made.step()
        if step + 1 in shown:
            for name, weight in weights.items():
                yield f"{name}.{step + 1}", weight.detach().double().flatten().tolist()


def cases(shown):
    def one(optimizer, dtype, mode, nesterov=0, momentum=0.9, beta2=0.0, eps=0.0, peak=1.0, decay=0.0, moving=0,
            decay_all=0, groups=0):
        options = dict(dtype=dtype, mode=mode, nesterov=nesterov, momentum=momentum, beta2=beta2, eps=eps, peak=peak,
                       decay=decay, moving=moving, decay_all=decay_all, groups=groups)
        return common.case(optimizer, **options), list(run(shown, optimizer, **options))

    for dtype in ("float32", "float64"):
        for mode, decay in (("l2", 0.0), ("l2", 0.05), ("decoupled", 0.3)):
            for nesterov, momentum in ((0, 0.0), (0, 0.9), (1, 0.9)):
                for moving in (0, 1):
                    yield one("sgd", dtype, mode, nesterov, momentum, decay=decay, moving=moving)
            yield one("sgd", dtype, mode, 1, decay=decay, moving=1, decay_all=1)
        for mode, decay in (("l2", 0.05), ("decoupled", 0.3)):
            for moving in (0, 1):
                yield one("sgd", dtype, mode, decay=decay, moving=moving, groups=1)
        adam = dict(beta2=0.999, eps=1e-8, peak=0.1)
        for mode, decay in (("decoupled", 0.0), ("decoupled", 0.3), ("l2", 0.05)):
            for moving in (0, 1):
                yield one("adamw", dtype, mode, decay=decay, moving=moving, **adam)
                yield one("adamw", dtype, mode, decay=decay, moving=moving, groups=1, **adam)
        yield one("adamw", dtype, "decoupled", decay=0.3, moving=1, beta2=0.9, eps=0.01, peak=0.1, decay_all=1)


if __name__ == "__main__":
    torch = common.import_torch()
    sys.exit(common.main(__doc__, GOLDEN, lambda: cases({1, 2, 10, STEPS}),
                         lambda: cases(set(range(1, STEPS + 1))), tolerance=1e-6))
