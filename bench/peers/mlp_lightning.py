#!/usr/bin/env python3
"""The 3-layer net as a Lightning user trains it, without logger, progress bar and checkpoints."""
import logging
import warnings

import torch
from lightning import pytorch as lightning
from torch.utils.data import DataLoader, TensorDataset

import data
import mlp
from turns import STEPS, Turns, one_cycle, options


class Net(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = mlp.make()

    def training_step(self, batch, _):
        images, labels = batch
        return torch.nn.functional.cross_entropy(self.net(images), labels)

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), 0.1, 0.95, weight_decay=3e-4, nesterov=True)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": one_cycle(optimizer, 0.1), "interval": "step"}}


class InTurns(lightning.Callback):
    def on_train_start(self, *_):
        self.turns = Turns()

    def on_train_batch_end(self, *_):
        self.turns.step_done()


warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
arguments = options(__doc__)
loader = DataLoader(TensorDataset(*data.fashion(arguments.data)), arguments.batch, shuffle=True, drop_last=True)
trainer = lightning.Trainer(max_steps=STEPS, accelerator="cpu", devices=1, callbacks=[InTurns()], logger=False,
                            enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
trainer.fit(Net(), loader)
