"""What two runs that should be the same have in their folders."""

import csv
import json
import struct

TIMINGS = {"samples_per_second", "train_seconds", "seconds"}


def tensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__")
    return {name: data[slice(*entry["data_offsets"])] for name, entry in header.items()}


def rows(path):
    with open(path, newline="") as file:
        return [{key: value for key, value in row.items() if key not in TIMINGS} for row in csv.DictReader(file)]


def differences(whole, parts):
    a, b = (tensors(f"{run}/checkpoints/last.safetensors") for run in (whole, parts))
    found = [f"tensor {name}" for name in sorted(a.keys() | b.keys()) if a.get(name) != b.get(name)]
    for name in ("steps.csv", "metrics.csv"):
        if rows(f"{whole}/{name}") != rows(f"{parts}/{name}"):
            found.append(name)
    return found
