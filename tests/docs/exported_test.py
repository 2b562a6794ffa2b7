#!/usr/bin/env python3
"""What docs/weights.md says of exported weights, by its own lines of Python: a network that PyTorch has loaded them into, with
inputs normalised as the file beside them says, has the loss and accuracy that `onecycle eval` tells of the run. Skipped where
there is no Python with torch >= 2.11.

    exported_test.py PROGRAM
"""
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE), str(HERE.parent / "golden")]
import stand_ins  # noqa: E402
from common import import_torch  # noqa: E402
from pages import ROOT, fences  # noqa: E402

torch = import_torch()
from model import networks  # noqa: E402


class Exported(unittest.TestCase):
    program = ""

    @classmethod
    def setUpClass(cls):
        made = tempfile.TemporaryDirectory()
        cls.addClassCleanup(made.cleanup)
        cls.folder = pathlib.Path(made.name)
        stand_ins.cifar10(cls.folder / "data/cifar10", test=100)
        stand_ins.descriptor(ROOT / "datasets/cifar10.yaml", cls.folder / "small")
        keys = ("train.duration=60it", "train.precision=fp32", "data.limit=400", "data.validation=50", "data.batch_size=16",
                "data.augment={}", "data.mean=[0.3, 0.4, 0.5]", "data.std=[0.1, 0.2, 0.3]", "schedule.lr_max=0.1",
                "schedule.lr_min=0.01")
        cls.onecycle("train", ROOT / "recipes/cifar10-resnet20.yaml", *(word for key in keys for word in ("--set", key)))
        cls.told = json.loads(cls.onecycle("eval", "runs/cifar10-resnet20/1", "--json", "--no-report").splitlines()[-1])

    @classmethod
    def onecycle(cls, *words):
        environment = dict(os.environ, OMP_NUM_THREADS="1", ONECYCLE_DATASETS=str(cls.folder / "small"))
        done = subprocess.run([cls.program, *map(str, words)], cwd=cls.folder, env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return done.stdout

    def test_the_network_does_not_guess(self):
        self.assertGreater(self.told["accuracy"], 0.2)

    def by_the_page(self, state):
        """Loss and accuracy on the test split by the last block of Python in docs/weights.md."""
        shortcut = json.loads((self.folder / "resnet20.pth.json").read_text())["model"]["shortcut"]
        model = networks()[0](20, shortcut, 3, 10)
        model.load_state_dict(state)
        records = (self.folder / "data/cifar10/cifar-10-batches-bin/test_batch.bin").read_bytes()
        samples = torch.frombuffer(bytearray(records), dtype=torch.uint8).view(-1, 3073)
        names = {"json": json, "pathlib": pathlib, "torch": torch, "model": model, "pixels": samples[:, 1:].view(-1, 3, 32, 32)}
        before = os.getcwd()
        os.chdir(self.folder)
        try:
            with torch.no_grad():
                exec(fences("docs/weights.md", ("python",))[-1], names)
        finally:
            os.chdir(before)
        labels = samples[:, 0].long()
        self.assertEqual(len(names["task"]["classes"]), 10)
        return (torch.nn.functional.cross_entropy(names["logits"], labels).item(),
                (names["logits"].argmax(1) == labels).float().mean().item())

    def check(self, state):
        loss, accuracy = self.by_the_page(state)
        self.assertAlmostEqual(loss, self.told["loss"], delta=1e-4 * max(1, loss))
        self.assertAlmostEqual(accuracy, self.told["accuracy"], delta=0.0101)  # a sample on the edge

    def test_pth(self):
        self.onecycle("export", "runs/cifar10-resnet20/1", "--to", "resnet20.pth")
        self.check(torch.load(self.folder / "resnet20.pth", weights_only=True))
        self.onecycle("export", "runs/cifar10-resnet20/1", "--to", "resnet20.pth", "--optimizer")
        self.check(torch.load(self.folder / "resnet20.pth", weights_only=True)["state_dict"])

    def test_safetensors_tells_the_same(self):
        self.onecycle("export", "runs/cifar10-resnet20/1", "--to", "resnet20.pth")
        self.onecycle("export", "runs/cifar10-resnet20/1", "--to", "resnet20.safetensors")
        data = (self.folder / "resnet20.safetensors").read_bytes()
        metadata = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])["__metadata__"]
        beside = json.loads((self.folder / "resnet20.pth.json").read_text())
        self.assertEqual(json.loads(metadata["task"]), beside["task"])
        self.assertEqual(json.loads(metadata["model"]), beside["model"])
        self.assertEqual(beside["task"]["mean"], [0.3, 0.4, 0.5])
        self.assertEqual(beside["task"]["std"], [0.1, 0.2, 0.3])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    Exported.program = sys.argv[1]
    unittest.main(argv=sys.argv[:1])
