"""Muon for convolutions' filters, as K. Jordan's airbench94_muon has it."""
import torch


def orthogonal(matrix):
    """Near a matrix of the same singular vectors whose singular values are all 1: three Newton-Schulz steps in bf16."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.bfloat16()
    x = x / (x.norm() + 1e-7)
    tall = x.size(0) > x.size(1)
    if tall:
        x = x.T
    for _ in range(3):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if tall else x


class Muon:
    """Nesterov momentum; each filter bank is brought to its norm of sqrt(number of filters) before its update."""

    def __init__(self, filters, momentum=0.6, compiled=False):
        self.filters = list(filters)
        self.momenta = [torch.zeros_like(p) for p in self.filters]
        self.momentum = momentum
        self.orthogonal = torch.compile(orthogonal) if compiled else orthogonal

    @torch.no_grad()
    def step(self, lr):
        for p, momentum in zip(self.filters, self.momenta):
            momentum.mul_(self.momentum).add_(p.grad)
            direction = p.grad.add(momentum, alpha=self.momentum)
            p.mul_(len(p) ** 0.5 / p.norm())
            p.add_(self.orthogonal(direction.reshape(len(p), -1)).view_as(p).to(p.dtype), alpha=-lr)
