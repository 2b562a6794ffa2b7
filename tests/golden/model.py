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


def norms(bn_batch):
    """Makes a batch norm of so many channels: of the whole batch, or of groups of bn_batch samples."""
    from torch import nn
    from torch.nn import functional as F

    class GhostNorm(nn.BatchNorm2d):
        def forward(self, x):
            if not self.training:
                return super().forward(x)
            groups = [x[i:i + bn_batch] for i in range(0, len(x), bn_batch)]
            with torch.no_grad():
                means = torch.stack([group.mean((0, 2, 3)) for group in groups]).mean(0)
                variances = torch.stack([group.var((0, 2, 3), unbiased=True) for group in groups]).mean(0)
                self.running_mean.mul_(1 - self.momentum).add_(self.momentum * means)
                self.running_var.mul_(1 - self.momentum).add_(self.momentum * variances)
                self.num_batches_tracked += 1
            return torch.cat([F.batch_norm(group, None, None, self.weight, self.bias, True, eps=self.eps)
                              for group in groups])

    return GhostNorm if bn_batch else nn.BatchNorm2d


def networks(bn_batch=None):
    """The classes, made once torch is there."""
    from torch import nn
    from torch.nn import functional as F

    norm = norms(bn_batch)

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
            self.bn1 = norm(planes)
            self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)
            self.bn2 = norm(planes)
            self.shortcut = nn.Sequential()
            if stride != 1 or in_planes != planes:
                self.shortcut = Padding(planes) if option == "A" else nn.Sequential(
                    nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False), norm(planes))

        def forward(self, x):
            out = F.relu(self.bn1(self.conv1(x)))
            return F.relu(self.bn2(self.conv2(out)) + self.shortcut(x))

    class ResNet(nn.Module):
        def __init__(self, depth, option, channels, classes, width=16):
            super().__init__()
            self.conv1 = nn.Conv2d(channels, width, kernel_size=3, stride=1, padding=1, bias=False)
            self.bn1 = norm(width)
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

    class Tabular(nn.Module):
        """Embeddings of the last columns; dense layers with norms, or the ResNet of arXiv 2106.11959."""

        def __init__(self, numbers, categories, hidden, norm_name, block, width, embedding, outputs):
            super().__init__()
            of_rows = {"none": lambda width: None, "batch": nn.BatchNorm1d, "layer": nn.LayerNorm}[norm_name]
            if categories:
                widths = [embedding or min(600, round(1.6 * n**0.56)) for n in categories]  # fastai's emb_sz_rule
                self.embeddings = nn.ModuleList(map(nn.Embedding, categories, widths))
                numbers += sum(widths)
            self.count, self.numbers, self.block = len(hidden), -len(categories) or None, block
            if block == "plain":
                for i, (before, after) in enumerate(zip([numbers, *hidden], [*hidden, outputs]), 1):
                    setattr(self, f"layer{i}", nn.Linear(before, after))
                    setattr(self, f"norm{i}", of_rows(after) if i <= self.count else None)
                return
            width = width or hidden[0]
            self.input = nn.Linear(numbers, width)
            for i, inner in enumerate(hidden, 1):
                part = nn.Module()
                part.norm, part.linear1, part.linear2 = of_rows(width), nn.Linear(width, inner), nn.Linear(inner, width)
                setattr(self, f"block{i}", part)
            self.norm = of_rows(width)
            self.output = nn.Linear(width, outputs)

        def forward(self, x):
            def of(norm, x):
                return norm(x) if norm else x

            if self.numbers:
                codes = x[:, self.numbers:].long()
                x = torch.cat([x[:, :self.numbers]] + [e(codes[:, i]) for i, e in enumerate(self.embeddings)], 1)
            if self.block == "plain":
                for i in range(1, self.count + 1):
                    x = F.relu(of(getattr(self, f"norm{i}"), getattr(self, f"layer{i}")(x)))
                return getattr(self, f"layer{self.count + 1}")(x)
            x = self.input(x)
            for i in range(1, self.count + 1):
                part = getattr(self, f"block{i}")
                x = x + part.linear2(F.relu(part.linear1(of(part.norm, x))))
            return self.output(F.relu(of(self.norm, x)))

    class Cnn3(nn.Module):
        def __init__(self, channels, height, width, classes):
            super().__init__()
            self.conv1 = nn.Conv2d(channels, 32, 5, padding=2)
            self.conv2 = nn.Conv2d(32, 32, 5, padding=2)
            self.conv3 = nn.Conv2d(32, 64, 5, padding=2)
            self.fc = nn.Linear(64 * (height // 8) * (width // 8), classes)

        @staticmethod
        def norm(x):
            padded = F.pad(x * x, (1, 1, 1, 1))
            height, width = x.shape[2:]
            total = sum(padded[:, :, i:i + height, j:j + width] for i in range(3) for j in range(3))
            return x / (1 + 5e-5 * total / 9) ** 0.75

        @staticmethod
        def average(x):
            padded = F.pad(x, (0, 2, 0, 2))
            covered = F.pad(torch.ones_like(x), (0, 2, 0, 2))
            total, count = (sum(values[:, :, i:i + (x.shape[2] // 2) * 2:2, j:j + (x.shape[3] // 2) * 2:2]
                                for i in range(3) for j in range(3)) for values in (padded, covered))
            return total / count

        def forward(self, x):
            x = self.norm(F.relu(F.max_pool2d(self.conv1(x), 3, 2, ceil_mode=True)))
            x = self.norm(self.average(F.relu(self.conv2(x))))
            return self.fc(self.average(F.relu(self.conv3(x))).flatten(1))

    class ConvNorm(nn.Module):
        def __init__(self, before, planes):
            super().__init__()
            self.conv = nn.Conv2d(before, planes, 3, padding=1, bias=False)
            self.bn = norm(planes)

        def forward(self, x):
            return F.relu(self.bn(self.conv(x)))

    class Layer(ConvNorm):
        def __init__(self, before, planes, residual):
            super().__init__(before, planes)
            if residual:
                self.res1 = ConvNorm(planes, planes)
                self.res2 = ConvNorm(planes, planes)

        def forward(self, x):
            x = F.max_pool2d(super().forward(x), 2)
            return x + self.res2(self.res1(x)) if hasattr(self, "res1") else x

    class ResNet9(nn.Module):
        def __init__(self, width, channels, classes, logit_scale):
            super().__init__()
            self.prep = ConvNorm(channels, width)
            self.layer1 = Layer(width, 2 * width, True)
            self.layer2 = Layer(2 * width, 4 * width, False)
            self.layer3 = Layer(4 * width, 8 * width, True)
            self.linear = nn.Linear(8 * width, classes, bias=False)
            self.logit_scale = logit_scale

        def forward(self, x):
            x = self.layer3(self.layer2(self.layer1(self.prep(x))))
            return self.linear(F.adaptive_max_pool2d(x, 1).flatten(1)) * self.logit_scale

    class ConvGroup(nn.Module):
        def __init__(self, before, planes, convs, residual, **of_norms):
            super().__init__()
            self.count, self.residual = convs, residual
            for i in range(1, convs + 1):
                setattr(self, f"conv{i}", nn.Conv2d(before if i == 1 else planes, planes, 3, padding="same", bias=False))
                setattr(self, f"norm{i}", norm(planes, **of_norms))
                getattr(self, f"norm{i}").weight.requires_grad_(False)

        def forward(self, x):
            x = first = F.gelu(self.norm1(F.max_pool2d(self.conv1(x), 2)))
            for i in range(2, self.count + 1):
                x = getattr(self, f"norm{i}")(getattr(self, f"conv{i}")(x))
                x = F.gelu(x + first if self.residual and i == self.count else x)
            return x

    class CifarFast(nn.Module):
        def __init__(self, widths, convs, residual, logit_scale, channels, classes):
            super().__init__()
            self.whiten = nn.Conv2d(channels, 8 * channels, 2)
            self.whiten.weight.requires_grad_(False)
            self.groups = len(widths)
            for i, (before, planes) in enumerate(zip([8 * channels, *widths], widths), 1):
                setattr(self, f"group{i}", ConvGroup(before, planes, convs, residual, eps=1e-12, momentum=0.4))
            self.linear = nn.Linear(widths[-1], classes, bias=False)
            self.logit_scale = logit_scale

        def forward(self, x):
            x = F.gelu(self.whiten(x))
            for i in range(1, self.groups + 1):
                x = getattr(self, f"group{i}")(x)
            return self.linear(F.max_pool2d(x, x.shape[2:]).flatten(1)) * self.logit_scale

    return ResNet, Mlp, Cnn3, ResNet9, CifarFast, Tabular


def torchvision_resnet(layers, stem, groups=1, width_per_group=64, channels=3, classes=1000):
    """torchvision.models.resnet, written again: its parameters' names and its arithmetic."""
    from torch import nn
    from torch.nn import functional as F

    class Block(nn.Module):
        def __init__(self, before, planes, stride):
            super().__init__()
            after = planes * 4 if layers >= 50 else planes
            width = int(planes * width_per_group / 64) * groups
            shapes = [(before, width, 1, 1, 1), (width, width, 3, stride, groups), (width, after, 1, 1, 1)] \
                if layers >= 50 else [(before, planes, 3, stride, 1), (planes, planes, 3, 1, 1)]
            self.count = len(shapes)
            for i, (fan_in, fan_out, kernel, step, parts) in enumerate(shapes, 1):
                setattr(self, f"conv{i}", nn.Conv2d(fan_in, fan_out, kernel, step, kernel // 2, groups=parts,
                                                    bias=False))
                setattr(self, f"bn{i}", nn.BatchNorm2d(fan_out))
            self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False),
                                            nn.BatchNorm2d(after)) if stride != 1 or before != after else None
            self.after = after

        def forward(self, x):
            out = x
            for i in range(1, self.count + 1):
                out = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(out))
                out = F.relu(out) if i < self.count else out
            return F.relu(out + (self.downsample(x) if self.downsample else x))

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False) if stem == "imagenet" else nn.Conv2d(
                channels, 64, 3, 1, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(64)
            before = 64
            for stage, count in enumerate({18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3),
                                           101: (3, 4, 23, 3)}[layers]):
                blocks = []
                for i in range(count):
                    blocks.append(Block(before, 64 << stage, 2 if stage and not i else 1))
                    before = blocks[-1].after
                setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
            self.fc = nn.Linear(before, classes)

        def forward(self, x):
            x = F.relu(self.bn1(self.conv1(x)))
            x = F.max_pool2d(x, 3, 2, 1) if stem == "imagenet" else x
            x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
            return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))

    return Network()


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


def rows(batch, numbers, categories):
    """A table's rows: numbers, then codes of categories."""
    codes = [torch.arange(batch) * (column + 2) % n for column, n in enumerate(categories)]
    return torch.cat([tensor("images", (batch, numbers), 4.0), *(code[:, None] for code in codes)], 1)


def passes(network, images, classes, samples):
    for name, value in network.state_dict().items():
        yield f"shape:{name}", value.shape
    labels = torch.arange(len(images)) * 3 % classes

    network.double()
    fill(network)
    logits = network(images)
    loss = torch.nn.functional.cross_entropy(logits, labels)
    loss.backward()
    yield "logits", logits.flatten().tolist()
    yield "loss", [loss.item()]
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
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
    return head, list(passes(make(), tensor("images", (batch, channels, height, width), 4.0), classes, samples))


def resnet(depth, shortcut, batch, channels, height, width, classes, samples, **options):
    return case(f"resnet{depth}", lambda: networks(**options)[0](depth, shortcut, channels, classes), batch, channels,
                height, width, classes, samples, shortcut=shortcut, **options)


def imagenet_resnet(layers, stem, batch, channels, height, width, classes, samples, **options):
    return case(f"resnet{layers}", lambda: torchvision_resnet(layers, stem, channels=channels, classes=classes, **options),
                batch, channels, height, width, classes, samples, stem=stem, **options)


def mlp(hidden, batch, channels, height, width, classes, samples):
    return case("mlp", lambda: networks()[1](channels * height * width, hidden, classes), batch, channels, height,
                width, classes, samples, hidden="[" + ",".join(map(str, hidden)) + "]")


def tabular(hidden, norm, block, batch, numbers, categories, classes, samples, width=None, embedding=None):
    given = {key: value for key, value in (("stream", width), ("embedding", embedding)) if value}
    head = common.case("mlp", batch=batch, channels=numbers + len(categories), height=1, width=1,
                       classes=classes, samples=samples, hidden="[" + ",".join(map(str, hidden)) + "]", norm=norm,
                       block=block, categories=",".join(map(str, categories)), **given)
    network = networks()[5](numbers, categories, hidden, norm, block, width, embedding, classes)
    return head, list(passes(network, rows(batch, numbers, categories), classes, samples))


def cnn3(batch, channels, height, width, classes, samples):
    return case("cnn3", lambda: networks()[2](channels, height, width, classes), batch, channels, height, width,
                classes, samples)


def resnet9(planes, logit_scale, batch, channels, height, width, classes, samples, **options):
    return case("resnet9", lambda: networks(**options)[3](planes, channels, classes, logit_scale), batch, channels,
                height, width, classes, samples, planes=planes, logit_scale=logit_scale, **options)


def cifar_fast(widths, convs, residual, logit_scale, batch, channels, height, width, classes, samples):
    return case("cifar_fast", lambda: networks()[4](widths, convs, residual, logit_scale, channels, classes), batch,
                channels, height, width, classes, samples, widths="[" + ",".join(map(str, widths)) + "]", convs=convs,
                residual="true" if residual else "false", logit_scale=logit_scale)


def grid(samples=5):
    yield mlp([256, 128], 8, 1, 28, 28, 10, samples)
    yield resnet(20, "A", 4, 3, 32, 32, 10, samples)
    yield resnet(20, "B", 4, 3, 32, 32, 10, samples)
    yield resnet(8, "B", 5, 3, 16, 16, 10, samples, bn_batch=2)
    yield cnn3(4, 3, 32, 32, 10, samples)
    yield resnet9(4, 0.125, 4, 3, 32, 32, 10, samples)
    yield resnet9(4, 0.5, 5, 3, 19, 16, 10, samples, bn_batch=3)
    yield imagenet_resnet(18, "imagenet", 3, 3, 40, 37, 10, min(samples, 100))
    yield cifar_fast([5, 7, 6], 2, False, 0.1, 4, 3, 32, 32, 10, samples)
    yield cifar_fast([4, 5], 3, True, 0.5, 5, 1, 20, 17, 4, samples)
    yield tabular([9, 7], "none", "plain", 11, 4, [6, 3], 3, samples)
    yield tabular([16, 9], "batch", "plain", 12, 5, [4], 3, samples, embedding=3)
    yield tabular([16, 9], "layer", "plain", 7, 5, [], 2, samples)
    yield tabular([12, 9], "batch", "residual", 13, 4, [6, 3, 9], 2, samples, width=16)
    yield tabular([8], "layer", "residual", 6, 0, [5, 8], 3, samples)
    yield tabular([8, 3], "none", "residual", 6, 3, [2], 3, samples)


def dense_grid():
    yield from grid(EVERYTHING)
    yield mlp([7], 3, 2, 5, 9, 4, EVERYTHING)
    yield mlp([], 3, 1, 4, 4, 3, EVERYTHING)
    yield resnet(8, "A", 5, 1, 28, 28, 10, EVERYTHING)
    yield resnet(8, "B", 2, 4, 9, 13, 3, EVERYTHING)
    yield resnet(32, "A", 2, 3, 32, 32, 100, 50)
    yield resnet(8, "A", 6, 3, 17, 12, 10, EVERYTHING, bn_batch=2)
    yield cnn3(3, 1, 28, 28, 10, EVERYTHING)
    yield cnn3(3, 2, 8, 21, 4, EVERYTHING)
    yield resnet9(3, 0.125, 7, 1, 28, 28, 10, EVERYTHING, bn_batch=4)
    yield imagenet_resnet(18, "cifar", 4, 1, 9, 12, 7, 50)
    yield imagenet_resnet(50, "imagenet", 3, 3, 33, 40, 10, 20, groups=4, width_per_group=24)


if __name__ == "__main__":
    torch = common.import_torch()
    sys.exit(common.main(__doc__, GOLDEN, grid, dense_grid, tolerance=1e-5))
