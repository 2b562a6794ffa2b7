"""Data sets in memory, normalised."""
import gzip

import numpy as np
import torch

MEAN_STD = {"fashion": (0.28604, 0.35302),
            "cifar10": ((0.49139968, 0.48215841, 0.44653091), (0.24703223, 0.24348513, 0.26158784))}


def read_idx(path):
    data = gzip.open(path).read()
    dims = data[3]
    shape = [int.from_bytes(data[4 + 4 * i:8 + 4 * i], "big") for i in range(dims)]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dims).reshape(shape)


def fashion(folder, split="train"):
    """[N,784] float32 and [N] int64; split: train or t10k."""
    images = read_idx(folder / f"{split}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{split}-labels-idx1-ubyte.gz")
    mean, std = MEAN_STD["fashion"]
    pixels = (images.reshape(len(images), -1).astype(np.float32) / 255 - mean) / std
    return torch.from_numpy(pixels), torch.from_numpy(labels.astype(np.int64))


def cifar10(folder, files):
    """[N,3,32,32] float32 and [N] int64 of files of the binary version."""
    rows = np.concatenate([np.fromfile(folder / name, np.uint8).reshape(-1, 3073) for name in files])
    pixels = torch.from_numpy(rows[:, 1:].reshape(-1, 3, 32, 32)).float() / 255
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in MEAN_STD["cifar10"])
    return (pixels - mean) / std, torch.from_numpy(rows[:, 0].astype(np.int64))


TRAIN_FILES = [f"data_batch_{i}.bin" for i in range(1, 6)]


class Pictures:
    """Batches of CIFAR-10, or of random pictures of its shape, with random crops (padding of 4) and flips in one index
    operation if asked for."""

    def __init__(self, folder, augment, channels_last, device="cpu"):
        if folder:
            images, labels = cifar10(folder, TRAIN_FILES)
        else:
            images, labels = torch.randn(10000, 3, 32, 32), torch.randint(10, (10000,))
        images, self.labels, self.device = images.to(device), labels.to(device), device
        self.augment, self.channels_last = augment, channels_last
        pad = 4 if augment else 0
        # [N,H,W,C]: a batch that is cut from it is channels_last already.
        self.images = torch.nn.functional.pad(images, [pad] * 4).permute(0, 2, 3, 1).contiguous()
        self.steps = torch.arange(32, device=device)

    def batch(self, rows):
        rows = rows.to(self.device)
        if self.augment:
            top, left = (torch.randint(9, (len(rows), 1), device=self.device) for _ in range(2))
            mirrored = torch.rand(len(rows), 1, device=self.device) < 0.5
            y = top + self.steps
            x = left + torch.where(mirrored, 31 - self.steps, self.steps)
            images = self.images[rows[:, None, None], y[:, :, None], x[:, None, :]]
        else:
            images = self.images.index_select(0, rows)
        images = images.permute(0, 3, 1, 2)
        return images if self.channels_last else images.contiguous(), self.labels[rows]
