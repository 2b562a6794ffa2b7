#!/usr/bin/env python3
"""The 3-layer net in PyTorch as usually written: a DataLoader, the default update, the loss read each step."""
import torch
from torch.utils.data import DataLoader, TensorDataset

import data
import mlp
from turns import Turns, one_cycle, options

arguments = options(__doc__)
loader = DataLoader(TensorDataset(*data.fashion(arguments.data)), arguments.batch, shuffle=True, drop_last=True)
net = mlp.make()
criterion = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), 0.1, 0.95, weight_decay=3e-4, nesterov=True)
schedule = one_cycle(optimizer, 0.1)
turns = Turns()
running = 0.0
while True:
    for images, labels in loader:
        optimizer.zero_grad()
        loss = criterion(net(images), labels)
        loss.backward()
        optimizer.step()
        schedule.step()
        running += loss.item()
        turns.step_done()
