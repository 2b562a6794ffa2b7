"""A residual network's training loop; the files resnet_*.py are the ways to run it."""
import sys
from pathlib import Path

import torch

import data
from turns import Turns, batches, one_cycle, options

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests" / "golden"))


def make(name):
    if name == "resnet18":
        from torchvision.models import resnet18
        net = resnet18(num_classes=10)
        net.conv1 = torch.nn.Conv2d(3, 64, 3, padding=1, bias=False)
        net.maxpool = torch.nn.Identity()
        return net
    if name == "cifar_fast":
        import airbench94
        return airbench94.Network()
    import model
    return model.networks()[0](int(name.removeprefix("resnet")), "A", 3, 10)


def train(description, channels_last, autocast, fused, compiled=False):
    arguments = options(description)
    device = arguments.device
    pictures = data.Pictures(arguments.data, arguments.augment, channels_last, device)
    net = make(arguments.net).to(device)
    if channels_last:
        net = net.to(memory_format=torch.channels_last)
    forward = torch.compile(net, mode="max-autotune" if device == "cuda" else None) if compiled else net
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], 0.1, 0.95, weight_decay=5e-4, nesterov=True, fused=fused or None)
    schedule = one_cycle(optimizer, 0.1)
    autocast = autocast and not arguments.no_bf16
    turns = Turns(device)
    for rows in batches(len(pictures.labels), arguments.batch, device):
        images, labels = pictures.batch(rows)
        with torch.autocast(device, torch.bfloat16, enabled=autocast):
            loss = torch.nn.functional.cross_entropy(forward(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        turns.step_done()
