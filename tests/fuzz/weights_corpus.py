"""Writes the corpus of fuzz_weights.cpp, small files of every kind: weights_corpus.py FOLDER (needs torch)."""

import collections
import json
import pathlib
import struct
import sys

import torch

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)

base = torch.arange(12, dtype=torch.float32)
shared = torch.arange(6, dtype=torch.float32)
state = collections.OrderedDict([
    ("f32", base.reshape(3, 4)),
    ("transposed", base.reshape(3, 4).t()),
    ("tail", base[5:9]),
    ("f64", torch.tensor([0.5, -0.25], dtype=torch.float64)),
    ("f16", torch.tensor([1.5, -2.0], dtype=torch.float16)),
    ("bf16", torch.tensor([1.5, -2.0], dtype=torch.bfloat16)),
    ("i64", torch.tensor(7)),
    ("bool", torch.tensor([True, False])),
    ("tied", shared),
    ("tied2", shared),
    ("empty", torch.zeros(0, 3)),
    ("parameter", torch.nn.Parameter(torch.ones(2))),
])
state._metadata = collections.OrderedDict([("", {"version": 1})])
wrapped = {"epoch": 3, "best": 0.5, "arch": "net", "state_dict": {f"module.{k}": v for k, v in state.items()},
           "optimizer": {"state": {0: {"momentum_buffer": torch.ones(2)}}, "param_groups": [{"params": [0]}]}}
torch.save(state, folder / "archive.pth")
torch.save(wrapped, folder / "wrapped.pth")
torch.save(state, folder / "legacy.pth", _use_new_zipfile_serialization=False)
torch.save(wrapped, folder / "legacy-wrapped.pth", _use_new_zipfile_serialization=False)
torch.save(torch.nn.Linear(2, 2), folder / "module.pth")

header = json.dumps({"__metadata__": {"format": "pt"},
                     "a": {"dtype": "F16", "shape": [2, 2], "data_offsets": [0, 8]},
                     "b": {"dtype": "BOOL", "shape": [3], "data_offsets": [8, 11]}}).encode()
(folder / "small.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(range(11)))
