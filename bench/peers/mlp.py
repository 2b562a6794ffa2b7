"""The 3-layer net of the comparisons, and its training loop where the data are in memory."""
import torch
from torch import nn

import data
from turns import Turns, batches, one_cycle, options


def make():
    return nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))


def train(description, compiled=False):
    arguments = options(description)
    device = arguments.device
    images, labels = (tensor.to(device) for tensor in data.fashion(arguments.data))
    net = make().to(device)
    forward = torch.compile(net, mode="max-autotune" if device == "cuda" else None) if compiled else net
    optimizer = torch.optim.SGD(net.parameters(), 0.1, 0.95, weight_decay=3e-4, nesterov=True, fused=True)
    schedule = one_cycle(optimizer, 0.1)
    turns = Turns(device)
    for rows in batches(len(labels), arguments.batch, device):
        loss = nn.functional.cross_entropy(forward(images.index_select(0, rows)), labels.index_select(0, rows))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        turns.step_done()
