#!/usr/bin/env python3
"""The 3-layer net as a fastai user trains it: its DataLoader, SGD, fit_one_cycle."""
from functools import partial

from fastai.basics import SGD, Callback, CrossEntropyLossFlat, DataLoader, DataLoaders, Learner
from fastai.callback import progress, schedule  # noqa: F401  no_bar and fit_one_cycle
from torch.utils.data import TensorDataset

import data
import mlp
from turns import Turns, options


class InTurns(Callback):
    def before_fit(self):
        self.turns = Turns()

    def after_batch(self):
        self.turns.step_done()


arguments = options(__doc__)
train = DataLoader(TensorDataset(*data.fashion(arguments.data)), bs=arguments.batch, shuffle=True, drop_last=True,
                   num_workers=0)
learner = Learner(DataLoaders(train, []), mlp.make(), loss_func=CrossEntropyLossFlat(),
                  opt_func=partial(SGD, mom=0.9, wd=3e-4))
with learner.no_bar(), learner.no_logging():
    learner.fit_one_cycle(10 ** 6, 0.1, cbs=InTurns())
