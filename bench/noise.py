#!/usr/bin/env python3
"""How often the LR range test believes noise: data sets of random pictures with random labels, or of random values.

Each set has its own size, number of classes and network. The answer to each goes to --results as a line of JSON, and
a set that is there is not run again. Ends with 1 where any of them was given a learning rate.

  bench/noise.py
  bench/noise.py --values --sets 20
"""
import argparse
import json
import random
import struct
import sys
import tempfile
from pathlib import Path

from common import ROOT, last_json

SAMPLES = (500, 1000, 2000, 3000, 6000)
CLASSES = (2, 3, 5, 10, 20)
HIDDEN = ("[8]", "[64]", "[64, 32]")
SIDE = 12  # pixels


def plan_of(number, values):
    draw = random.Random(number)
    plan = {"set": number, "samples": draw.choice(SAMPLES), "hidden": draw.choice(HIDDEN), "seed": draw.randrange(1000)}
    return plan if values else {**plan, "classes": draw.choice(CLASSES)}


def write_pictures(folder, plan, draw):
    count = plan["samples"]
    (folder / "images").write_bytes(struct.pack(">4i", 0x803, count, SIDE, SIDE) + draw.randbytes(count * SIDE * SIDE))
    labels = [index % plan["classes"] for index in range(count)]
    draw.shuffle(labels)
    (folder / "labels").write_bytes(struct.pack(">2i", 0x801, count) + bytes(labels))
    return "{name: idx, train_images: images, train_labels: labels, test_images: images, test_labels: labels}", ""


def write_values(folder, plan, draw):
    names = ["a", "b", "c", "d", "e", "target"]
    rows = [",".join(f"{draw.gauss(0, 1):.6g}" for _ in names) for _ in range(plan["samples"])]
    (folder / "train.csv").write_text("\n".join([",".join(names), *rows]) + "\n")
    return "{name: table, train: train.csv, target: [target]}", "task: {name: regression}\n"


def answer_to(arguments, plan):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write = write_values if arguments.values else write_pictures
        data, task = write(folder, plan, random.Random(f"noise {plan['set']}"))
        (folder / "recipe.yaml").write_text(
            f"name: noise\nseed: {plan['seed']}\n"
            f"data: {{name: null, format: {data}, dir: {folder}, batch_size: 16}}\n{task}"
            f"model: {{name: mlp, hidden: {plan['hidden']}}}\noptimizer: {{name: sgd}}\n"
            "schedule: {name: one_cycle, lr_max: 0.1}\ntrain: {duration: 2ep, precision: fp32, threads: 1}\n")
        answer = last_json([arguments.program, "range-test", folder / "recipe.yaml", "--json",
                            "--set", f"output.dir={folder / 'runs'}"])
    return {**plan, "lr_max": answer["lr_max"], "uncertain": answer["uncertain"], "refused": answer["refused"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=40)
    parser.add_argument("--values", action="store_true", help="a regression of values that no input tells")
    parser.add_argument("--results", type=Path, help="default: noise-labels.jsonl or noise-values.jsonl, here")
    parser.add_argument("--program", default=ROOT / "onecycle")
    arguments = parser.parse_args()
    results = arguments.results or Path(f"noise-{'values' if arguments.values else 'labels'}.jsonl")

    known = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    answers = {answer["set"]: answer for answer in known}
    for number in range(arguments.sets):
        if number not in answers:
            answers[number] = answer_to(arguments, plan_of(number, arguments.values))
            with results.open("a") as file:
                file.write(json.dumps(answers[number]) + "\n")
        answer = answers[number]
        print(f"set {number}: {answer['lr_max'] or answer['refused']}", file=sys.stderr)
    believed = [number for number in range(arguments.sets) if answers[number]["lr_max"]]
    print(f"{arguments.sets - len(believed)} of {arguments.sets} refused"
          + (f"; believed: {' '.join(map(str, believed))}" if believed else ""))
    sys.exit(1 if believed else 0)


if __name__ == "__main__":
    main()
