#!/usr/bin/env python3
"""The 3-layer net on Fashion-MNIST as a fastai user trains it: fit_one_cycle, batch 128.

Prints one JSON object: training seconds (without evaluations), test accuracy. Data is read from IDX
files into memory beforehand; nothing is evaluated while the clock runs.
"""
import argparse
import gzip
import json
import time
from pathlib import Path

import numpy as np
import torch
from fastai.basics import CrossEntropyLossFlat, DataLoader, DataLoaders, Learner
from fastai.callback import progress, schedule  # noqa: F401  no_bar and fit_one_cycle


def read_idx(path):
    data = gzip.open(path).read()
    dims = data[3]
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(dims)]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dims).reshape(shape)


def load(folder, split):
    images = read_idx(folder / f"{split}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{split}-labels-idx1-ubyte.gz")
    pixels = (images.reshape(len(images), -1).astype(np.float32) / 255 - 0.28604) / 0.35302
    return torch.from_numpy(pixels), torch.from_numpy(labels.astype(np.int64))


class Samples(torch.utils.data.Dataset):
    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index], self.labels[index]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--samples", type=int, default=55000, help="as many as the recipe trains on")
    arguments = parser.parse_args()

    images, labels = load(arguments.data, "train")
    chosen = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[: arguments.samples]
    train = DataLoader(Samples(images[chosen], labels[chosen]), bs=128, shuffle=True, drop_last=True,
                       num_workers=0)
    net = torch.nn.Sequential(torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 128),
                              torch.nn.ReLU(), torch.nn.Linear(128, 10))
    learner = Learner(DataLoaders(train, []), net, loss_func=CrossEntropyLossFlat(), lr=1e-3)
    with learner.no_bar(), learner.no_logging():
        begin = time.perf_counter()
        learner.fit_one_cycle(arguments.epochs, 1e-3)
        seconds = time.perf_counter() - begin
    test_images, test_labels = load(arguments.data, "t10k")
    with torch.no_grad():
        correct = (net.eval()(test_images).argmax(1) == test_labels).float().mean().item()
    print(json.dumps({"train_seconds": seconds, "test_accuracy": correct}))


if __name__ == "__main__":
    main()
