"""Writes the corpus of fuzz_weights.cpp, small files of every kind: weights_corpus.py FOLDER (needs torch)."""

import argparse
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

# What torch.load(weights_only=True) reads beside plain tensors (but frozensets, which it refuses).
parameter = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
parameter.tag = "kept"
tagged = torch.tensor([5.0, 6.0])
tagged.tag = "kept"
kinds = collections.OrderedDict([
    ("parameter", parameter),
    ("tagged", tagged),
    ("u16", torch.tensor([1, 65535], dtype=torch.uint16)),
    ("u32", torch.tensor([[1], [2**32 - 1]], dtype=torch.uint32)),
    ("u64", torch.tensor([1, 2**63], dtype=torch.uint64)),
    ("fp8", torch.ones(2, 3).to(torch.float8_e4m3fn)),
    ("sparse", torch.eye(3).to_sparse()),
    ("csr", torch.eye(3).to_sparse_csr()),
    ("complex", torch.ones(4, dtype=torch.complex64)),
    ("quantised", torch.quantize_per_tensor(torch.ones(5), 0.1, 0, torch.qint8)),
    ("meta", torch.empty(2, 2, device="meta")),
])
kinds._metadata = collections.OrderedDict([("", {"version": 1})])
beside = {"state_dict": kinds, "counter": collections.Counter({3: 1, 7: 2}), "set": {1, 2}, "dtype": torch.bfloat16,
          "complex": 1 + 2j, "bytes": bytearray(b"ab"), "device": torch.device("cpu"), "size": torch.Size([1, 2]),
          "layout": torch.strided, "storage": torch.ones(1).untyped_storage()}
torch.save(beside, folder / "kinds.pth")
# Its legacy files with tensors of these types torch does not read itself.
del beside["storage"]
for name in ("u16", "u32", "u64", "fp8"):
    del kinds[name]
torch.save(beside, folder / "legacy-kinds.pth", _use_new_zipfile_serialization=False)
for name in ("kinds.pth", "legacy-kinds.pth"):
    torch.load(folder / name, weights_only=True)
sets = {"state_dict": {"w": torch.ones(2)}, "frozen": frozenset({1}), "set": {2}}
for protocol in (2, 4):
    torch.save(sets, folder / f"sets-{protocol}.pth", pickle_protocol=protocol)

# timm's and torchvision's averages beside the weights.
torch.save({"state_dict": {"w": torch.zeros(2)}, "state_dict_ema": {"w": torch.ones(2)}}, folder / "ema.pth")
averaged = torch.optim.swa_utils.AveragedModel(torch.nn.Linear(1, 1))
torch.save({"model": {"weight": torch.zeros(1, 1)}, "model_ema": averaged.state_dict()}, folder / "model-ema.pth")

# What it refuses, and what is no state_dict.
torch.save({"epoch": 3, "model": {"w": torch.ones(2)}, "args": argparse.Namespace(lr=0.1)}, folder / "namespace.pth")
torch.save({"model": torch.nn.Linear(2, 2), "epoch": 3}, folder / "model-within.pth")
torch.jit.save(torch.jit.script(torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())), folder / "script.pt")

header = json.dumps({"__metadata__": {"format": "pt"},
                     "a": {"dtype": "F16", "shape": [2, 2], "data_offsets": [0, 8]},
                     "b": {"dtype": "BOOL", "shape": [3], "data_offsets": [8, 11]}}).encode()
(folder / "small.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(range(11)))
