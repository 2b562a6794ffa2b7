#!/usr/bin/env python3
"""The network and recipe of recipes/cifar10-94.yaml as an expert writes them in PyTorch; --muon: of cifar10-94-muon.yaml.

channels_last and bf16 (autocast on a CPU, bf16 weights elsewhere; --precision), data on the device, pictures augmented
there once an epoch. Prints one JSON line a run: training seconds (from whitening to the last step, without evaluations),
seconds since the process began, images a second, test accuracy with and without test-time augmentation. With --compile the
first run compiles and the others are warm.

After K. Jordan's airbench94 and airbench94_muon (github.com/KellerJordan/cifar10-airbench), written anew.
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

from muon import Muon

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
    def __init__(self, widths=(64, 256, 256), muon=False):
        super().__init__()
        self.scale = 1 / 256 if muon else 1 / 9
        self.whiten = nn.Conv2d(3, 24, 2)
        self.whiten.weight.requires_grad_(False)
        nn.init.zeros_(self.whiten.bias)
        self.groups = nn.Sequential(*(Group(a, b) for a, b in zip((24, *widths), widths)))
        self.head = nn.Linear(widths[-1], 10, bias=False)
        if muon:
            self.head.weight.data.div_(self.head.weight.data.std())

    def start_from(self, images):
        patches = F.unfold(images, 2).transpose(1, 2).reshape(-1, 12)
        values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
        filters = (vectors / (values + 5e-4).sqrt()).T.reshape(-1, 3, 2, 2)
        self.whiten.weight.data.copy_(torch.cat([filters, -filters]))

    def forward(self, x):
        x = self.groups(F.gelu(self.whiten(x)))
        return self.head(F.max_pool2d(x, 3).flatten(1)) * self.scale


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


class Sgd:
    """Nesterov SGD and Lookahead at the rates of airbench94, per mean loss."""

    def __init__(self, net, total):
        scale = 1 + 1 / (1 - MOMENTUM)
        lr, decay = 11.5 / scale, 0.0153 / 11.5
        named = [(name, p) for name, p in net.named_parameters() if p.requires_grad]
        self.optimizer = torch.optim.SGD(
            [dict(params=[p for name, p in named if "norm" in name], lr=64 * lr, weight_decay=decay / 64),
             dict(params=[p for name, p in named if "norm" not in name], lr=lr, weight_decay=decay)],
            momentum=MOMENTUM, nesterov=True)
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        self.live = [t for t in net.state_dict().values() if t.is_floating_point()]
        self.kept = [t.clone() for t in self.live]
        self.total = total

    def step(self, step):
        for group, base in zip(self.optimizer.param_groups, self.rates):
            group["lr"] = base * rate(step, self.total)
        self.optimizer.step()
        done = step + 1
        with torch.no_grad():
            if done % 5 == 0:
                torch._foreach_lerp_(self.kept, self.live, 1 - 0.95**5 * (done / self.total) ** 3)
            if done % 5 == 0 or done == self.total:
                torch._foreach_copy_(self.live, self.kept)


class WithMuon:
    """Filters by Muon, the rest by SGD at the rates of airbench94_muon, which are per summed loss."""

    def __init__(self, net, total, batch, compiled):
        filters = [p for name, p in net.named_parameters() if ".conv" in name]
        others = [p for name, p in net.named_parameters() if ".conv" not in name and "head" not in name and p.requires_grad]
        self.muon = Muon(filters, compiled=compiled)
        decay = 2e-6 * batch
        rates = (0.053 * batch, 0.67 * batch)
        self.optimizer = torch.optim.SGD([dict(params=params, lr=lr, weight_decay=decay / lr) for params, lr in
                                          zip((others, [net.head.weight]), rates)], momentum=MOMENTUM, nesterov=True)
        self.rates, self.total = rates, total

    def step(self, step):
        left = 1 - step / self.total
        for group, base in zip(self.optimizer.param_groups, self.rates):
            group["lr"] = base * left
        self.optimizer.step()
        self.muon.step(0.24 * left)


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default="data/cifar10", help="holds cifar-10-batches-bin")
    parser.add_argument("--epochs", type=float, help="9.9, with --muon 8")
    parser.add_argument("--samples", type=int, default=50000)
    parser.add_argument("--test-samples", type=int, default=10000)
    parser.add_argument("--batch", type=int, help="1024, with --muon 2000")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", choices=["autocast", "bf16", "fp32"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=1, help="one after the other, with seeds from --seed on")
    parser.add_argument("--compile", action="store_true", help="torch.compile: max-autotune on a GPU")
    parser.add_argument("--muon", action="store_true")
    arguments = parser.parse_args()
    arguments.epochs = arguments.epochs or (8 if arguments.muon else 9.9)
    arguments.batch = arguments.batch or (2000 if arguments.muon else 1024)
    return arguments


def main():
    began = time.perf_counter()
    arguments = parsed()
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

    net = Network(muon=arguments.muon).to(device=device, dtype=dtype, memory_format=torch.channels_last)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.float()
    mode = "max-autotune" if device.type == "cuda" else None
    forward = torch.compile(net, mode=mode) if arguments.compile else net
    batch, steps_per_epoch = arguments.batch, len(images) // arguments.batch
    total = math.ceil(arguments.epochs * steps_per_epoch)

    def train(seed):
        torch.manual_seed(seed)
        net.load_state_dict(Network(muon=arguments.muon).state_dict())
        net.start_from(images[:5000])
        net.whiten.bias.requires_grad_(True)
        if arguments.muon:
            optimizer = WithMuon(net, total, batch, arguments.compile)
        else:
            optimizer = Sgd(net, total)
        # In the step's precision, so that a batch is a slice.
        start = images.to(dtype)
        flips = torch.rand(len(start), device=device) < 0.5
        start = F.pad(torch.where(flips.view(-1, 1, 1, 1), start.flip(-1), start), (2,) * 4, "reflect")
        net.train()
        for step in range(total):
            epoch, i = divmod(step, steps_per_epoch)
            if i == 0:
                net.whiten.bias.requires_grad_(epoch < 3)
                epoch_images = crops(start, 2)
                epoch_images = epoch_images.flip(-1) if epoch % 2 else epoch_images
                order = torch.randperm(len(start), device=device)
            rows = order[i * batch : (i + 1) * batch]
            x = epoch_images[rows].contiguous(memory_format=torch.channels_last)
            with torch.autocast(device.type, torch.bfloat16, enabled=precision == "autocast"):
                logits = forward(x)
            loss = F.cross_entropy(logits.float(), labels[rows], label_smoothing=0.2)
            net.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step(step)
        return loss.item()

    def evaluate():
        net.eval()
        correct = {0: 0, 2: 0}
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "autocast"):
            for x, y in zip(test_images.to(dtype).split(500), test_labels.split(500)):
                for views in correct:
                    correct[views] += (logits_of(net, x, views).argmax(1) == y).sum().item()
        return {views: right / len(test_labels) for views, right in correct.items()}

    for seed in range(arguments.seed, arguments.seed + arguments.runs):
        synchronise()
        begin = time.perf_counter()
        loss = train(seed)
        synchronise()
        seconds = time.perf_counter() - begin
        accuracies = evaluate()
        print(json.dumps({"train_seconds": seconds, "process_seconds": time.perf_counter() - began,
                          "images_per_second": total * batch / seconds, "steps": total, "loss": loss,
                          "test_accuracy": accuracies[2], "test_accuracy_plain": accuracies[0], "seed": seed,
                          "precision": precision, "device": str(device), "threads": torch.get_num_threads()}), flush=True)


if __name__ == "__main__":
    main()
