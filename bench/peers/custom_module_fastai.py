#!/usr/bin/env python3
"""examples/custom_module.cpp as a fastai user writes it."""
import sys

import torch
from fastai.basics import Adam, DataLoader, DataLoaders, Learner
from fastai.callback import progress, schedule  # noqa: F401  no_bar and fit_one_cycle
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import TensorDataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 64)
        self.second = nn.Linear(64, 64)
        self.out = nn.Linear(64, 1)

    def forward(self, inputs):
        return self.out(torch.relu(self.second(torch.relu(self.first(inputs)))))


# Yes or no, with half the weight on the noes.
def weighted_loss(outputs, yes):
    return binary_cross_entropy_with_logits(outputs, yes, 0.5 + 0.5 * yes)


def accuracy(outputs, yes):
    return ((outputs > 0) == (yes > 0.5)).float().mean()


def main():
    torch.manual_seed(1)
    points = torch.rand(6000, 2) * 2 - 1  # inside a ring?
    radius = points.square().sum(1, keepdim=True)
    inside = ((radius > 0.2) & (radius < 0.7)).float()
    train = DataLoader(TensorDataset(points[:5000], inside[:5000]), bs=100, shuffle=True, drop_last=True, num_workers=0)
    held_out = DataLoader(TensorDataset(points[5000:], inside[5000:]), bs=1000, num_workers=0)
    learner = Learner(DataLoaders(train, held_out), Net(), loss_func=weighted_loss, opt_func=Adam, metrics=accuracy)
    with learner.no_bar():
        learner.fit_one_cycle(10, 0.02, wd=1e-2)
    print("accuracy", learner.recorder.final_record[-1])
    return 0 if learner.recorder.final_record[-1] > 0.95 else 1


if __name__ == "__main__":
    sys.exit(main())
