#!/usr/bin/env python3
"""The network and recipe of recipes/cifar10-94.yaml as an expert writes them in eager PyTorch.

channels_last and bf16 (autocast on a CPU, bf16 weights elsewhere; --precision), data on the device, pictures augmented
there once an epoch. Prints one JSON line: training seconds (from whitening to the last step, without evaluations),
images a second, test accuracy with and without test-time augmentation.

After K. Jordan's airbench94 (github.com/KellerJordan/cifar10-airbench), written anew.
"""
import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

MEAN, STD = (0.49139968, 0.48215841, 0.44653091), (0.24703223, 0.24348513, 0.26158784)
MOMENTUM, WARM_UP = 0.85, 0.23


def read(folder, names):
    rows = np.concatenate([np.fromfile(folder / name, np.uint8).reshape(-1, 3073) for name in names])
    return torch.from_numpy(rows[:, 1:].reshape(-1, 3, 32, 32).copy()), torch.from_numpy(rows[:, 0].astype(np.int64))


class Group(nn.Module):
    def __init__(self, before, width):
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width, eps=1e-12, momentum=0.4)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width, eps=1e-12, momentum=0.4)
        for conv in (self.conv1, self.conv2):
            nn.init.dirac_(conv.weight.data[: conv.in_channels])
        for norm in (self.norm1, self.norm2):
            norm.weight.requires_grad_(False)

    def forward(self, x):
        x = F.gelu(self.norm1(F.max_pool2d(self.conv1(x), 2)))
        return F.gelu(self.norm2(self.conv2(x)))


class Network(nn.Module):
    def __init__(self, widths=(64, 256, 256)):
        super().__init__()
        self.whiten = nn.Conv2d(3, 24, 2)
        self.whiten.weight.requires_grad_(False)
        nn.init.zeros_(self.whiten.bias)
        self.groups = nn.Sequential(*(Group(a, b) for a, b in zip((24, *widths), widths)))
        self.head = nn.Linear(widths[-1], 10, bias=False)

    def start_from(self, images):
        patches = F.unfold(images, 2).transpose(1, 2).reshape(-1, 12)
        values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
        filters = (vectors / (values + 5e-4).sqrt()).T.reshape(-1, 3, 2, 2)
        self.whiten.weight.data.copy_(torch.cat([filters, -filters]))

    def forward(self, x):
        x = self.groups(F.gelu(self.whiten(x)))
        return self.head(F.max_pool2d(x, 3).flatten(1)) / 9


def crops(images, pad):
    """Of images already padded: one place each."""
    side = images.shape[-1] - 2 * pad
    device = images.device
    places = torch.randint(0, 2 * pad + 1, (2, len(images), 1), device=device) + torch.arange(side, device=device)
    index = torch.arange(len(images), device=device)[:, None, None]
    return images.permute(0, 2, 3, 1)[index, places[0][:, :, None], places[1][:, None, :]].permute(0, 3, 1, 2)


def rate(step, total):
    peak = int(WARM_UP * total)
    if step < peak:
        return 0.2 + 0.8 * step / peak
    return 1 - 0.93 * (step - peak) / (total - peak)


def logits_of(net, images, views):
    logits = (net(images) + net(images.flip(-1))) / 2 if views else net(images)
    if views < 2:
        return logits
    padded = F.pad(images, (1,) * 4, "reflect")
    moved = [logits_of(net, padded[:, :, i : i + 32, i : i + 32].contiguous(memory_format=torch.channels_last), 1)
             for i in (0, 2)]
    return logits / 2 + sum(moved) / 4


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default="data/cifar10", help="holds cifar-10-batches-bin")
    parser.add_argument("--epochs", type=float, default=9.9)
    parser.add_argument("--samples", type=int, default=50000)
    parser.add_argument("--test-samples", type=int, default=10000)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", choices=["autocast", "bf16", "fp32"])
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    torch.backends.cudnn.benchmark = True
    device = torch.device(arguments.device)
    precision = arguments.precision or ("autocast" if device.type == "cpu" else "bf16")
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32

    folder = arguments.data / "cifar-10-batches-bin"
    mean, std = (torch.tensor(v, device=device).view(1, 3, 1, 1) for v in (MEAN, STD))

    def load(names, count):
        images, labels = (tensor[:count].to(device) for tensor in read(folder, names))
        return ((images.float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last), labels

    images, labels = load([f"data_batch_{i}.bin" for i in range(1, 6)], arguments.samples)
    test_images, test_labels = load(["test_batch.bin"], arguments.test_samples)

    def synchronise():
        if device.type == "cuda":
            torch.cuda.synchronize()

    synchronise()
    begin = time.perf_counter()
    net = Network().to(device)
    net.start_from(images[:5000])
    net = net.to(dtype=dtype, memory_format=torch.channels_last)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.float()
    batch, steps_per_epoch = arguments.batch, len(images) // arguments.batch
    total = math.ceil(arguments.epochs * steps_per_epoch)
    scale = 1 + 1 / (1 - MOMENTUM)
    lr, decay = 11.5 / scale, 0.0153 / 11.5
    biases = [p for name, p in net.named_parameters() if "norm" in name and p.requires_grad]
    others = [p for name, p in net.named_parameters() if "norm" not in name and p.requires_grad]
    optimizer = torch.optim.SGD([dict(params=biases, lr=64 * lr, weight_decay=decay / 64),
                                 dict(params=others, lr=lr, weight_decay=decay)], momentum=MOMENTUM, nesterov=True)
    rates = [group["lr"] for group in optimizer.param_groups]
    live = [t for t in net.state_dict().values() if t.is_floating_point()]
    kept = [t.clone() for t in live]

    # In the step's precision, so that a batch is a slice.
    start = images.to(dtype)
    flips = torch.rand(len(start), device=device) < 0.5
    start = F.pad(torch.where(flips.view(-1, 1, 1, 1), start.flip(-1), start), (2,) * 4, "reflect")
    step = 0
    net.train()
    for epoch in range(math.ceil(arguments.epochs)):
        net.whiten.bias.requires_grad_(epoch < 3)
        epoch_images = crops(start, 2)
        epoch_images = epoch_images.flip(-1) if epoch % 2 else epoch_images
        order = torch.randperm(len(start), device=device)
        for i in range(steps_per_epoch):
            rows = order[i * batch : (i + 1) * batch]
            x = epoch_images[rows].contiguous(memory_format=torch.channels_last)
            for group, base in zip(optimizer.param_groups, rates):
                group["lr"] = base * rate(step, total)
            with torch.autocast(device.type, torch.bfloat16, enabled=precision == "autocast"):
                logits = net(x)
            loss = F.cross_entropy(logits.float(), labels[rows], label_smoothing=0.2)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            step += 1
            with torch.no_grad():
                if step % 5 == 0:
                    torch._foreach_lerp_(kept, live, 1 - 0.95**5 * (step / total) ** 3)
                if step % 5 == 0 or step == total:
                    torch._foreach_copy_(live, kept)
            if step == total:
                break
    synchronise()
    seconds = time.perf_counter() - begin

    net.eval()
    correct = {0: 0, 2: 0}
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "autocast"):
        for x, y in zip(test_images.to(dtype).split(500), test_labels.split(500)):
            for views in correct:
                correct[views] += (logits_of(net, x, views).argmax(1) == y).sum().item()
    print(json.dumps({"train_seconds": seconds, "images_per_second": step * batch / seconds, "steps": step,
                      "loss": loss.item(), "test_accuracy": correct[2] / len(test_labels),
                      "test_accuracy_plain": correct[0] / len(test_labels), "precision": precision,
                      "device": str(device), "threads": torch.get_num_threads()}))


if __name__ == "__main__":
    main()
