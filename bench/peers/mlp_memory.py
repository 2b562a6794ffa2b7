#!/usr/bin/env python3
"""The 3-layer net as an expert trains it: data in memory, or on the GPU, one gather a batch, the fused update."""
import torch

import data
import mlp
from turns import Turns, batches, one_cycle, options

arguments = options(__doc__)
device = arguments.device
images, labels = (tensor.to(device) for tensor in data.fashion(arguments.data))
net = mlp.make().to(device)
optimizer = torch.optim.SGD(net.parameters(), 0.1, 0.95, weight_decay=3e-4, nesterov=True, fused=True)
schedule = one_cycle(optimizer, 0.1)
turns = Turns(device)
for rows in batches(len(labels), arguments.batch):
    rows = rows.to(device)
    loss = torch.nn.functional.cross_entropy(net(images.index_select(0, rows)), labels.index_select(0, rows))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()
    turns.step_done()
