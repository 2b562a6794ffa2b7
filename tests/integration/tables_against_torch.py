#!/usr/bin/env python3
"""Trains networks on tables with the program and with the installed PyTorch, from the same weights and in the same order,
and holds the RMSE of every step against each other: 1e-5 relative in fp32, 1e-9 in fp64. Of the made-up table also classes
with weights, as one batch, in parts and on two ranks: the trained weights, 1e-9 in fp64.

  tables_against_torch.py PROGRAM                                     a made-up table
  tables_against_torch.py PROGRAM --train diamonds.csv --target price --steps 50
"""
import argparse
import csv
import json
import math
import random
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "golden"), str(HERE.parent / "data")]
from common import import_torch  # noqa: E402
from random_golden import order  # noqa: E402

torch = import_torch()
from torch import nn  # noqa: E402

TOLERANCES = {"fp32": 1e-5, "fp64": 1e-9}
MODELS = {"plain": "{name: mlp, hidden: [32, 16], norm: layer}",
          "residual": "{name: mlp, block: residual, norm: batch, width: 32, hidden: [64, 48]}"}
OPTIMIZERS = {"sgd": ("{name: sgd, lr: 0.01, momentum: 0.9, weight_decay: 1e-3, weight_decay_mode: l2, decay_all: true}",
                      lambda p: torch.optim.SGD(p, 0.01, 0.9, weight_decay=1e-3)),
              "adamw": ("{name: adamw, lr: 1e-3, momentum: 0.9, weight_decay: 0.01, decay_all: true}",
                        lambda p: torch.optim.AdamW(p, 1e-3, (0.9, 0.999), weight_decay=0.01))}


def make_table(file):
    source = random.Random(1)
    with open(file, "w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["size", "kind", "shape", "weight", "wanted", "grade"])
        for _ in range(1000):
            size, kind, shape = source.gauss(3, 2), source.randrange(30), source.choice("abc")
            weight = source.gauss(-1, 1e3)
            wanted = size * (kind % 7) + weight / 500 + ord(shape) + source.gauss(0, .5)
            grade = "rare" if kind == 3 and size > 2 else "usual"
            writer.writerow([repr(size), f"kind {kind:02}", shape, repr(weight), repr(wanted), grade])


def read_table(file, target, leave_out=()):
    """float32 inputs [N, features + embedded columns], float64 standardised targets [N, 1] and their std, and the numbers
    of categories of the embedded columns: up to 10 categories are 0 or 1 each, more are numbered from 1."""
    with open(file, newline="") as rows:
        names, *cells = csv.reader(rows)
    features, embedded, sizes = [], [], []
    for name, column in zip(names, zip(*cells)):
        if name in leave_out:
            continue
        try:
            values = torch.tensor([float(cell) for cell in column], dtype=torch.float64)
        except ValueError:
            known = sorted(set(column))
            if len(known) <= 10:
                features += [torch.tensor([cell == one for cell in column]).double() for one in known]
            else:
                embedded.append(torch.tensor([known.index(cell) + 1 for cell in column]).double())
                sizes.append(len(known) + 1)
            continue
        mean = values.mean()
        std = (values - mean).square().mean().sqrt()
        values = (values - mean) / std
        if name == target:
            wanted, deviation = values[:, None], float(std)
        else:
            features.append(values)
    return torch.stack([*features, *embedded], 1).float(), wanted, deviation, sizes


class Block(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.norm, self.linear1, self.linear2 = nn.BatchNorm1d(width), nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        return x + self.linear2(torch.relu(self.linear1(self.norm(x))))


class Net(nn.Module):
    def __init__(self, kind, inputs, sizes, outputs=1):
        super().__init__()
        self.kind, self.categories = kind, len(sizes)
        widths = [min(600, round(1.6 * size ** .56)) for size in sizes]
        if sizes:
            self.embeddings = nn.ModuleList(nn.Embedding(size, w) for size, w in zip(sizes, widths))
        width = inputs - len(sizes) + sum(widths)
        if kind == "plain":
            self.layer1, self.norm1 = nn.Linear(width, 32), nn.LayerNorm(32)
            self.layer2, self.norm2 = nn.Linear(32, 16), nn.LayerNorm(16)
            self.layer3 = nn.Linear(16, outputs)
        else:
            self.input, self.block1, self.block2 = nn.Linear(width, 32), Block(32, 64), Block(32, 48)
            self.norm, self.output = nn.BatchNorm1d(32), nn.Linear(32, outputs)

    def forward(self, x):
        split = x.shape[1] - self.categories
        parts = [x[:, :split]] + [self.embeddings[i](x[:, split + i].long()) for i in range(self.categories)]
        x = torch.cat([part.to(x.dtype) for part in parts], 1)
        if self.kind == "plain":
            x = torch.relu(self.norm1(self.layer1(x)))
            return self.layer3(torch.relu(self.norm2(self.layer2(x))))
        return self.output(torch.relu(self.norm(self.block2(self.block1(self.input(x))))))


def stored_weights(file):
    data = file.read_bytes()
    length, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    types = {"F32": torch.float32, "F64": torch.float64}
    result = {}
    for name, entry in header.items():
        if name.startswith("model.") and entry["dtype"] in types:
            begin, end = (8 + length + at for at in entry["data_offsets"])
            values = torch.frombuffer(bytearray(data[begin:end]), dtype=types[entry["dtype"]])
            result[name.removeprefix("model.")] = values.view(entry["shape"]).double()
    return result


def ours(program, settings, *options):
    """The RMSE of every step, and the weights at the end."""
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "recipe.yaml"
        recipe.write_text("name: table\n" + "\n".join(f"{key}: {value}" for key, value in settings.items()))
        run = subprocess.run([program, "train", recipe, "--json", "--set", f"output.dir={folder}/runs", *options],
                             capture_output=True, text=True)
        if run.returncode != 0:
            sys.exit(f"{program}: {run.stderr}")
        weights = stored_weights(Path(folder) / "runs/table/1/checkpoints/last.safetensors")
    events = [json.loads(line) for line in run.stdout.splitlines()]
    return [event.get("train_rmse") for event in events if event["event"] == "log"], weights


def batches(samples, batch, steps):
    """Positions of each step's samples, as the program takes them with seed 1."""
    per_epoch = samples // batch
    for step in range(steps):
        epoch, at = divmod(step, per_epoch)
        if at == 0:
            shuffled = torch.tensor(order(1, epoch, samples))
        yield shuffled[at * batch:(at + 1) * batch]


def theirs(net, optimizer, inputs, wanted, deviation, batch, steps):
    errors = []
    for rows in batches(len(inputs), batch, steps):
        outputs = net(inputs[rows])
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(outputs, wanted[rows].to(outputs.dtype))
        loss.backward()
        optimizer.step()
        errors.append(deviation * float((outputs.detach().double() - wanted[rows]).square().mean().sqrt()))
    return errors


def data_of(table, batch, target, inputs=()):
    return (f"{{name: null, dir: {table.resolve().parent}, batch_size: {batch}, validation: 0, format: {{name: table, "
            f"train: {table.name}, target: [{target}], inputs: [{', '.join(inputs)}]}}}}")


def weighted_classes(program, table, folder, steps):
    """Whether classes with weights train as CrossEntropyLoss(weight=...) has it, however a batch is cut."""
    inputs, _, _, sizes = read_table(table, "wanted", leave_out=("grade",))
    with open(table, newline="") as rows:
        labels = torch.tensor([row["grade"] == "usual" for row in csv.DictReader(rows)]).long()
    torch.manual_seed(1)
    net = Net("plain", inputs.shape[1], sizes, outputs=2)
    torch.save(net.state_dict(), f"{folder}/weights.pt")
    net = net.double()
    optimizer = torch.optim.SGD(net.parameters(), 0.05, 0.9)
    loss_of = nn.CrossEntropyLoss(weight=torch.tensor([50.0, 1.0], dtype=torch.float64))
    for rows in batches(len(inputs), 128, steps):
        optimizer.zero_grad()
        loss_of(net(inputs[rows].double()), labels[rows]).backward()
        optimizer.step()
    good = True
    for title, batch, more in (("1 x 128", 128, []), ("4 x 32 accumulated", 32, ["--set", "train.accumulate=4"]),
                               ("2 ranks x 64", 64, ["--ranks", "2"])):
        _, found = ours(program, {
            "seed": 1, "data": data_of(table, batch, "grade", ("size", "kind", "shape", "weight")),
            "task": "{name: classification, weights: {rare: 50}}", "model": MODELS["plain"],
            "optimizer": "{name: sgd, lr: 0.05, momentum: 0.9}", "schedule": "{name: constant}",
            "weights": f"{{file: {folder}/weights.pt}}",
            "train": f"{{duration: {steps}it, precision: fp64, threads: 1}}"}, *more)
        worst = max((float((found[name] - value).abs().max()) if name in found else math.inf)
                    for name, value in net.state_dict().items())
        good &= worst <= 1e-9
        print(f"weighted classes, {title}, fp64: after {steps} steps the weights differ by {worst:.1e}"
              f"{'' if worst <= 1e-9 else '  FAILED'}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path)
    parser.add_argument("--train", type=Path)
    parser.add_argument("--target", default="wanted")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--batch", type=int, default=64)
    arguments = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        table = arguments.train or Path(folder) / "table.csv"
        if not arguments.train:
            make_table(table)
            failed |= not weighted_classes(arguments.program, table, folder, arguments.steps)
        inputs, wanted, deviation, sizes = read_table(table, arguments.target, leave_out=("grade",))
        for kind, model in MODELS.items():
            for name, (optimizer, make_optimizer) in OPTIMIZERS.items():
                for precision, tolerance in TOLERANCES.items():
                    torch.manual_seed(1)
                    net = Net(kind, inputs.shape[1], sizes)
                    torch.save(net.state_dict(), f"{folder}/weights.pt")
                    if precision == "fp64":
                        net, given = net.double(), inputs.double()
                    else:
                        given = inputs
                    expected = theirs(net, make_optimizer(net.parameters()), given, wanted, deviation, arguments.batch,
                                      arguments.steps)
                    columns = [] if arguments.train else ["size", "kind", "shape", "weight"]
                    found, _ = ours(arguments.program, {
                        "seed": 1, "data": data_of(table, arguments.batch, arguments.target, columns),
                        "task": "{name: regression}", "model": model, "optimizer": optimizer,
                        "schedule": "{name: constant}", "weights": f"{{file: {folder}/weights.pt}}",
                        "train": f"{{duration: {arguments.steps}it, log_every: 1, precision: {precision}, threads: 1}}"})
                    worst = max((abs(a - b) / b for a, b in zip(found, expected)), default=math.inf)
                    bad = len(found) != len(expected) or not worst <= tolerance
                    failed |= bad
                    print(f"{kind}, {name}, {precision}: {len(found)} steps, RMSE {expected[0]:.4f} to {expected[-1]:.4f}, "
                          f"largest difference {worst:.1e}{'  FAILED' if bad else ''}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
