#!/usr/bin/env python3
"""Networks written with torch.nn: what they compute from given weights, forward and backward.

    model.py --write           writes model.txt beside this file
    model.py --check           says whether model.txt is what the installed PyTorch gives
    model.py --dense FILE      writes more networks, and every gradient whole, to FILE

Needs torch >= 2.11; without it, exits with 77 (skipped).

Weights, buffers and images come from common.formula. A case holds, in double precision, `logits` and `loss` of a
training pass (batch statistics), `sum:NAME`, `norm:NAME` and `grad:NAME` of every gradient (`grad` holds every
k-th element, k = max(1, elements // samples)), `shape:NAME` of every weight and buffer in order, `buffer:NAME`
after the pass, `evaluated`, the logits of an evaluation pass after it, and `single`, the training pass's logits in
single precision.
"""

import math
import pathlib
import sys

import common

GOLDEN = pathlib.Path(__file__).with_name("model.txt")
EVERYTHING = 20000  # but for the widest layer of a net of dense layers


def networks():
    """The classes, made once torch is there."""
    from torch import nn
    from torch.nn import functional as F

    class Padding(nn.Module):
        def __init__(self, planes):
            super().__init__()
            self.planes = planes

        def forward(self, x):
            return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.planes // 4, self.planes // 4), "constant", 0)

    class BasicBlock(nn.Module):
        def __init__(self, in_planes, planes, stride, option):
            super().__init__()
            self.conv1 = nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(planes)
            self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(planes)
            self.shortcut = nn.Sequential()
            if stride != 1 or in_planes != planes:
                self.shortcut = Padding(planes) if option == "A" else nn.Sequential(
                    nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False), nn.BatchNorm2d(planes))

        def forward(self, x):
            out = F.relu(self.bn1(self.conv1(x)))
            return F.relu(self.bn2(self.conv2(out)) + self.shortcut(x))

    class ResNet(nn.Module):
        def __init__(self, depth, option, channels, classes, width=16):
            super().__init__()
            self.conv1 = nn.Conv2d(channels, width, kernel_size=3, stride=1, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            before = width
            for stage in range(3):
                planes, blocks = width << stage, []
                for block in range((depth - 2) // 6):
                    blocks.append(BasicBlock(before, planes, 2 if stage and not block else 1, option))
                    before = planes
                setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
            self.linear = nn.Linear(before, classes)

        def forward(self, x):
            out = F.relu(self.bn1(self.conv1(x)))
            out = self.layer3(self.layer2(self.layer1(out)))
            return self.linear(F.avg_pool2d(out, out.shape[2:]).flatten(1))

    class Mlp(nn.Module):
        def __init__(self, inputs, hidden, classes):
            super().__init__()
            widths = [inputs, *hidden, classes]
            for i in range(len(widths) - 1):
                setattr(self, f"layer{i + 1}", nn.Linear(widths[i], widths[i + 1]))
            self.count = len(widths) - 1

        def forward(self, x):
            x = x.reshape(x.shape[0], -1)
            for i in range(1, self.count):
                x = F.relu(getattr(self, f"layer{i}")(x))
            return getattr(self, f"layer{self.count}")(x)

    return ResNet, Mlp


def tensor(name, shape, scale):
    return torch.from_numpy(common.formula(name, math.prod(shape), scale)).reshape(shape)


def fill(network):
    """Weights of about unit gain; norms near one; variances from .5 to 1.5."""
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            fan = math.prod(value.shape[1:])
            scale = math.sqrt(24 / fan) if value.dim() > 1 else 1.0
            positive = value.dim() == 1 and not name.endswith(("bias", "running_mean"))
            value.copy_(tensor(name, value.shape, scale) + (1.0 if positive else 0.0))


def passes(network, batch, channels, height, width, classes, samples):
    for name, value in network.state_dict().items():
        yield f"shape:{name}", value.shape
    images = tensor("images", (batch, channels, height, width), 4.0)
    labels = torch.arange(batch) * 3 % classes

    network.double()
    fill(network)
    logits = network(images)
    loss = torch.nn.functional.cross_entropy(logits, labels)
    loss.backward()
    yield "logits", logits.flatten().tolist()
    yield "loss", [loss.item()]
    for name, parameter in network.named_parameters():
        gradient = parameter.grad.flatten()
        yield f"sum:{name}", [gradient.sum().item()]
        yield f"norm:{name}", [gradient.norm().item()]
        yield f"grad:{name}", gradient[::max(1, gradient.numel() // samples)].tolist()
    for name, buffer in network.named_buffers():
        buffer = buffer.flatten()
        yield f"buffer:{name}", buffer[::max(1, buffer.numel() // samples)].tolist()
    network.eval()
    yield "evaluated", network(images).flatten().tolist()

    network.train().float()
    fill(network)
    yield "single", network(images.float()).flatten().tolist()


def case(name, make, batch, channels, height, width, classes, samples, **options):
    head = common.case(name, batch=batch, channels=channels, height=height, width=width, classes=classes,
                       samples=samples, **options)
    return head, list(passes(make(), batch, channels, height, width, classes, samples))


def resnet(depth, shortcut, batch, channels, height, width, classes, samples):
    return case(f"resnet{depth}", lambda: networks()[0](depth, shortcut, channels, classes), batch, channels, height,
                width, classes, samples, shortcut=shortcut)


def mlp(hidden, batch, channels, height, width, classes, samples):
    return case("mlp", lambda: networks()[1](channels * height * width, hidden, classes), batch, channels, height,
                width, classes, samples, hidden="[" + ",".join(map(str, hidden)) + "]")


def grid(samples=5):
    yield mlp([256, 128], 8, 1, 28, 28, 10, samples)
    yield resnet(20, "A", 4, 3, 32, 32, 10, samples)
    yield resnet(20, "B", 4, 3, 32, 32, 10, samples)


def dense_grid():
    yield from grid(EVERYTHING)
    yield mlp([7], 3, 2, 5, 9, 4, EVERYTHING)
    yield mlp([], 3, 1, 4, 4, 3, EVERYTHING)
    yield resnet(8, "A", 5, 1, 28, 28, 10, EVERYTHING)
    yield resnet(8, "B", 2, 4, 9, 13, 3, EVERYTHING)
    yield resnet(32, "A", 2, 3, 32, 32, 100, 50)


if __name__ == "__main__":
    torch = common.import_torch()
    sys.exit(common.main(__doc__, GOLDEN, grid, dense_grid, tolerance=1e-5))
