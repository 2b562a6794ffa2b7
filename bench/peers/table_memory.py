#!/usr/bin/env python3
"""bench/tables/diamonds.yaml as an expert trains it: columns in memory, one gather a batch each, the fused update."""
import csv

import numpy as np
import torch
from torch import nn

from turns import Turns, batches, one_cycle, options


def read(file, target):
    """[N, features] standardised and [N, categories] from 1, and the numbers of categories."""
    with open(file, newline="") as rows:
        names, *cells = csv.reader(rows)
    numbers, categories, sizes = [], [], []
    for name, column in zip(names, zip(*cells)):
        try:
            values = np.array(column, np.float64)
        except ValueError:
            known = {category: i + 1 for i, category in enumerate(sorted(set(column)))}
            categories.append([known[cell] for cell in column])
            sizes.append(len(known) + 1)
            continue
        values = torch.from_numpy((values - values.mean()) / values.std()).float()
        if name == target:
            wanted = values[:, None]
        else:
            numbers.append(values)
    return torch.stack(numbers, 1), torch.tensor(categories).t().contiguous(), sizes, wanted


class Block(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.linear1 = nn.Linear(width, hidden)
        self.linear2 = nn.Linear(hidden, width)

    def forward(self, x):
        return x + self.linear2(torch.relu(self.linear1(self.norm(x))))


class Net(nn.Module):
    def __init__(self, features, sizes, width=128, hidden=(256, 256)):
        super().__init__()
        widths = [min(600, round(1.6 * size ** .56)) for size in sizes]
        self.embeddings = nn.ModuleList(nn.Embedding(size, w) for size, w in zip(sizes, widths))
        self.input = nn.Linear(features + sum(widths), width)
        self.blocks = nn.Sequential(*(Block(width, inner) for inner in hidden))
        self.norm = nn.BatchNorm1d(width)
        self.output = nn.Linear(width, 1)

    def forward(self, numbers, categories):
        vectors = [embedding(categories[:, i]) for i, embedding in enumerate(self.embeddings)]
        x = self.input(torch.cat([numbers, *vectors], 1))
        return self.output(torch.relu(self.norm(self.blocks(x))))


def main():
    arguments = options(__doc__)
    device = arguments.device
    numbers, categories, sizes, wanted = read(arguments.data / "train.csv", "price")
    numbers, categories, wanted = numbers.to(device), categories.to(device), wanted.to(device)
    net = Net(numbers.shape[1], sizes).to(device)
    optimizer = torch.optim.AdamW(net.parameters(), 5e-3, (.95, .999), weight_decay=.01, fused=True)
    schedule = one_cycle(optimizer, 5e-3)
    turns = Turns(device)
    for rows in batches(len(wanted), arguments.batch):
        rows = rows.to(device)
        outputs = net(numbers.index_select(0, rows), categories.index_select(0, rows))
        loss = nn.functional.mse_loss(outputs, wanted.index_select(0, rows))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        turns.step_done()


if __name__ == "__main__":
    main()
