"""Training in turns, as bench/turns.cpp does it, and the options that every peer has.

"ready" before the first step; each line "N" on stdin is answered, N steps later, with the seconds that they took.
"""
import argparse
import os
import sys
import time
from pathlib import Path

import torch


class Turns:
    def __init__(self, device="cpu"):
        self.device = device
        self.answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)  # whatever else is printed stays out of the answers
        self.left = 0
        self.say("ready")
        self.wait()

    def say(self, text):
        print(text, file=self.answers, flush=True)

    def wait(self):
        line = sys.stdin.readline()
        if not line.strip():
            os._exit(0)
        self.left = int(line)
        self.began = time.perf_counter()

    def step_done(self):
        self.left -= 1
        if self.left == 0:
            if self.device == "cuda":
                torch.cuda.synchronize()
            self.say(f"{time.perf_counter() - self.began:.6f}")
            self.wait()


def options(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--data", type=Path, help="the data set's folder")
    parser.add_argument("--net", default="resnet20", help="resnet20, resnet56, resnet18 or cifar_fast")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--no-bf16", action="store_true", help="fp32 where autocast would be: bf16 is not in hardware")
    parser.add_argument("--augment", action="store_true", help="crops and flips, for residual networks")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    torch.backends.cudnn.benchmark = True
    if arguments.device == "cuda":
        torch.set_float32_matmul_precision("high")  # TF32, as in convolutions
    return arguments


def batches(samples, size, device="cpu"):
    """Positions of a batch, for ever: a new order each epoch, without its remainder."""
    while True:
        order = torch.randperm(samples, device=device)
        for i in range(samples // size):
            yield order[i * size:(i + 1) * size]


STEPS = 10 ** 7  # more than are ever taken


def one_cycle(optimizer, lr):
    return torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=STEPS)
