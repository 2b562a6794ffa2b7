#!/usr/bin/env python3
"""The usual way: fastai's lr_find (its valley) and fit_one_cycle, on the networks of bench/tasks.

Prints one JSON object: the rate found, test accuracy, seconds. The networks are those of tests/golden/model.py.
Training samples are as many as the task's recipe trains on, drawn anew with every seed.
"""
import argparse
import json
import sys
import time
from functools import partial
from pathlib import Path

import torch
from fastai.basics import SGD, Adam, CrossEntropyLossFlat, DataLoader, DataLoaders, Learner
from fastai.callback import progress, schedule  # noqa: F401  no_bar, lr_find and fit_one_cycle
from fastai.callback.schedule import valley

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "tests" / "golden"))
import model  # noqa: E402
import data  # noqa: E402


def fashion(folder):
    return [(images.reshape(-1, 1, 28, 28), labels)
            for images, labels in (data.fashion(folder, split) for split in ("train", "t10k"))]


def cifar10(folder):
    folder = folder / "cifar-10-batches-bin"
    return [data.cifar10(folder, files) for files in (data.TRAIN_FILES, ["test_batch.bin"])]


class Batches:
    """Batches of a set in memory in a new order each epoch, flipped left to right one time in two."""

    def __init__(self, images, labels, size, flip):
        self.images, self.labels, self.size, self.flip = images, labels, size, flip

    def __len__(self):
        return len(self.labels) // self.size

    def __iter__(self):
        order = torch.randperm(len(self.labels))
        for i in range(len(self)):
            rows = order[i * self.size:(i + 1) * self.size]
            batch = self.images[rows]
            if self.flip:
                mirrored = torch.rand(len(rows)) < 0.5
                batch[mirrored] = batch[mirrored].flip(3)
            yield batch, self.labels[rows]


def initialised(net):
    """Kaiming normal and zero biases, as the recipes have it."""
    for layer in net.modules():
        if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear)):
            torch.nn.init.kaiming_normal_(layer.weight)
            if layer.bias is not None:
                torch.nn.init.zeros_(layer.bias)
    return net


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--net", choices=["mlp", "resnet8"], required=True)
    parser.add_argument("--data", choices=["fashion", "cifar10"], required=True)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--optimizer", choices=["sgd", "adam"], required=True)
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--epochs", type=float, required=True)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)

    folder = arguments.folder or Path("/usr/share/datasets/fashion-mnist")
    (images, labels), (test_images, test_labels) = {"fashion": fashion, "cifar10": cifar10}[arguments.data](folder)
    chosen = torch.randperm(len(images))[:arguments.samples]
    ResNet, Mlp, *_ = model.networks()
    if arguments.net == "mlp":
        net = Mlp(images[0].numel(), [256, 128], 10)
    else:
        net = ResNet(8, "A", images.shape[1], 10)
    train = Batches(images[chosen], labels[chosen], arguments.batch, flip=arguments.net == "resnet8")
    optimizer = {"sgd": partial(SGD, mom=0.9), "adam": Adam}[arguments.optimizer]
    learner = Learner(DataLoaders(train, []), initialised(net), loss_func=CrossEntropyLossFlat(), opt_func=optimizer)
    begin = time.perf_counter()
    with learner.no_bar(), learner.no_logging():
        found = learner.lr_find(suggest_funcs=(valley,), show_plot=False).valley
        learner.fit_one_cycle(max(1, round(arguments.epochs)), found)
    seconds = time.perf_counter() - begin
    with torch.no_grad():
        net.eval()
        correct = sum((net(test_images[i:i + 1000]).argmax(1) == test_labels[i:i + 1000]).sum().item()
                      for i in range(0, len(test_labels), 1000))
    print(json.dumps({"lr": found, "seconds": seconds, "test_accuracy": correct / len(test_labels)}))


if __name__ == "__main__":
    main()
