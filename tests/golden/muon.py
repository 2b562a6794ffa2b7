#!/usr/bin/env python3
"""Weights that Muon gives over 12 steps of recorded gradients, by an implementation of its own.

    muon.py --write           writes muon.txt beside this file
    muon.py --check           says whether muon.txt is what the installed PyTorch gives
    muon.py --dense FILE      writes every step, not just some, to FILE

Needs torch >= 2.11; without it, exits with 77 (skipped).

Muon: K. Jordan, kellerjordan.github.io/posts/muon; airbench scales each filter first (`normalise`). The orthogonal
direction comes from singular values here: a Newton-Schulz iteration is a polynomial of each of them. Weights and
gradients come from common.formula; lines `NAME.STEP` hold weights after so many steps. Muon takes `filter`, `wide` and
`tall`; SGD takes `vector` and `head`, with a learning rate and a momentum of its own.
"""

import math
import pathlib
import sys

import common

GOLDEN = pathlib.Path(__file__).with_name("muon.txt")
STEPS = 12
SHAPES = {"filter": (6, 4, 3, 3), "wide": (5, 8), "tall": (9, 4), "vector": (5,), "head": (3, 4)}


def hyper(step, decay):
    """lr, momentum and weight decay of a step."""
    wave = (step * 7 % 11) / 11
    return 0.02 + 0.2 * wave, 0.9 - 0.2 * wave, decay * (1 + 2 * wave)


def tensor(name, scale):
    shape = SHAPES[name.split(".")[0]]
    return torch.from_numpy(common.formula(name, math.prod(shape), scale)).reshape(shape)


def direction(momentum, iterations):
    matrix = momentum.flatten(1)
    u, s, vh = torch.linalg.svd(matrix / (matrix.norm() + 1e-7), full_matrices=False)
    for _ in range(iterations):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    return (u @ torch.diag(s) @ vh).reshape(momentum.shape)


def run(shown, nesterov, iterations, normalise, mode, decay, sgd_lr_scale, sgd_momentum):
    weights = {name: tensor(name, 2.0) for name in SHAPES}
    buffers = {name: torch.zeros(SHAPES[name], dtype=torch.float64) for name in SHAPES}
    for step in range(STEPS):
        for name, weight in weights.items():
            lr, momentum, wd = hyper(step, decay)
            is_matrix = name in ("filter", "wide", "tall")
            wd *= name != "vector"
            gradient = tensor(f"{name}.{step}", 1.0)
            if not is_matrix:
                lr *= sgd_lr_scale
                momentum = sgd_momentum or momentum
            if mode == "l2":
                gradient = gradient + wd * weight
            buffer = buffers[name] = momentum * buffers[name] + gradient
            along = gradient + momentum * buffer if nesterov else buffer
            if is_matrix:
                along = direction(along, iterations)
                if normalise:
                    weight = weight * (math.sqrt(len(weight)) / weight.norm())
            if mode == "decoupled":
                weight = weight * (1 - lr * wd)
            weights[name] = weight - lr * along
        if step + 1 in shown:
            for name, weight in weights.items():
                yield f"{name}.{step + 1}", weight.flatten().tolist()


def cases(shown):
    def one(nesterov=1, iterations=5, normalise=0, mode="decoupled", decay=0.0, sgd_lr_scale=1.0, sgd_momentum=0.0):
        options = dict(nesterov=nesterov, iterations=iterations, normalise=normalise, mode=mode, decay=decay,
                       sgd_lr_scale=sgd_lr_scale, sgd_momentum=sgd_momentum)
        return common.case("muon", **options), list(run(shown, **options))

    yield one()
    yield one(nesterov=0, iterations=3)
    yield one(iterations=3, normalise=1, sgd_lr_scale=2.5, sgd_momentum=0.85)
    yield one(decay=0.3)
    yield one(mode="l2", decay=0.05, sgd_lr_scale=0.5)


if __name__ == "__main__":
    torch = common.import_torch()
    sys.exit(common.main(__doc__, GOLDEN, lambda: cases({1, 2, STEPS}), lambda: cases(set(range(1, STEPS + 1))),
                         tolerance=1e-9))
