"""Writes batches of two CIFAR samples as Python 3 pickles them, for fuzz_cifar.cpp and tests/data/cifar_forms_test.cpp:
cifar_corpus.py FOLDER (needs numpy)."""

import pathlib
import pickle
import sys

import numpy as np

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)

pixels = (np.arange(2 * 3072) % 251 + 5).astype(np.uint8).reshape(2, 3072)
for name, protocol, batch in [
        ("protocol-0", 0, {"labels": [7, 3], "data": pixels}),
        ("protocol-1", 1, {b"batch_label": b"a", b"labels": [7, 3], b"data": pixels}),
        ("protocol-2", 2, {b"labels": [7, 3], b"data": pixels, b"filenames": [b"a.png", b"\xe9.png"]}),
        ("numpy-scalars-0", 0, {b"labels": list(np.array([7, 3])), b"data": pixels}),
        ("numpy-scalars-4", 4, {"labels": list(np.array([7, 3], dtype=np.uint8)), "data": pixels}),
        ("numpy-labels-2", 2, {"labels": np.array([7, 3], dtype=np.int32), "data": pixels}),
        ("numpy-labels-5", 5, {"labels": np.array([7, 3]), "data": pixels})]:
    (folder / name).write_bytes(pickle.dumps(batch, protocol))
