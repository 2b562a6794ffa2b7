"""Learning rates that fastai's own rules suggest on made-up curves: range_rules.py > range_rules.txt

Needs fastai 2.8 (PyPI); the recorded values are what tests/tuning reads.
"""

import numpy as np
import torch
from fastai.callback.schedule import minimum, slide, steep, valley


def curves():
    rng = np.random.default_rng(5)
    for n, low, high in ((100, 1e-7, 10), (60, 1e-5, 1), (200, 1e-6, 100)):
        for noise in (0.0, 0.02, 0.2):
            lr = low * (high / low) ** (np.arange(n) / (n - 1))
            edge = high / 30
            loss = 2.3 - 1.5 / (1 + (edge / 50 / lr) ** 1.2) + (lr / edge) ** 2 * 0.5
            yield lr, np.minimum(loss, 12) + noise * rng.standard_normal(n)


def main():
    print("# range_rules.py; fastai 2.8")
    for lr, loss in curves():
        lrs, losses = torch.tensor(lr, dtype=torch.float32), torch.tensor(loss, dtype=torch.float32)
        answers = [float(rule(lrs, losses, len(lr))[0]) for rule in (steep, minimum, valley, slide)]
        print("case", len(lr))
        for name, values in (("lr", lrs.tolist()), ("loss", losses.tolist()), ("answers", answers)):
            print(name, *(repr(value) for value in values))


main()
