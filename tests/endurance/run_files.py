"""What runs leave behind, read by other means than the program's own: files, rows, checkpoints and studies."""

import csv
import hashlib
import io
import json
import os
import shutil
import sqlite3
import struct
import tempfile

TIMINGS = {"samples_per_second", "train_seconds", "seconds"}
_CHECKSUM = "sha256"


class Unsound(Exception):
    """A file that is not whole."""


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def checkpoint(path):
    """Its tensors' bytes by name and its metadata; every byte is held against the file's own checksum."""
    content = _read(path)
    try:
        (length,) = struct.unpack_from("<Q", content)
        text = content[8 : 8 + length]
        header = json.loads(text)
        metadata = header.pop("__metadata__")
        stated = metadata.pop(_CHECKSUM)
        data = content[8 + length :]
        found = {name: data[slice(*entry["data_offsets"])] for name, entry in header.items()}
        end = max(entry["data_offsets"][1] for entry in header.values())
    except (struct.error, ValueError, KeyError, AttributeError) as problem:
        raise Unsound(f"{path}: {len(content)} bytes that are no checkpoint: {problem}") from problem
    zeroed = content[:8] + text.replace(stated.encode(), b"0" * len(stated)) + data
    if end != len(data) or hashlib.sha256(zeroed).hexdigest() != stated:
        raise Unsound(f"{path}: not the bytes of its checksum")
    return found, metadata


def tensors(path):
    return checkpoint(path)[0]


def rows(path):
    """The rows of a CSV file as maps, without what is measured; torn, glued and unfinished ones are no rows."""
    text = _read(path).decode()
    if not text.endswith("\n"):
        raise Unsound(f"{path}: ends in the middle of a row: {text[-40:]!r}")
    names, *found = csv.reader(io.StringIO(text, newline=""))
    for row in found:
        if len(row) != len(names):
            raise Unsound(f"{path}: a row of {len(row)} cells under {len(names)} names: {row}")
    return [{name: cell for name, cell in zip(names, row) if name not in TIMINGS} for row in found]


def study_rows(path):
    """The trials of a study, from a copy: SQLite mends what it opens."""
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("", "-wal", "-journal"):
            if os.path.exists(path + suffix):
                shutil.copy(path + suffix, os.path.join(folder, "study.db" + suffix))
        database = sqlite3.connect(os.path.join(folder, "study.db"))
        try:
            database.row_factory = sqlite3.Row
            (sound,) = database.execute("PRAGMA integrity_check").fetchone()
            if sound != "ok":
                raise Unsound(f"{path}: {sound}")
            known = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'trials'").fetchone()
            return [dict(row) for row in database.execute("SELECT * FROM trials ORDER BY number")] if known else []
        except sqlite3.DatabaseError as problem:
            raise Unsound(f"{path}: {problem}") from problem
        finally:
            database.close()


def left_behind(folder):
    """Files that a finished run has no use for."""
    return sorted(os.path.relpath(os.path.join(place, name), folder) for place, _, names in os.walk(folder)
                  for name in names if name.endswith(".part") or name.endswith(("-wal", "-journal", "-shm")))


def differences(whole, parts):
    """In which tensors of the last checkpoint and which tables two runs differ."""
    a, b = (tensors(f"{run}/checkpoints/last.safetensors") for run in (whole, parts))
    found = [f"tensor {name}" for name in sorted(a.keys() | b.keys()) if a.get(name) != b.get(name)]
    return found + [name for name in ("steps.csv", "metrics.csv") if rows(f"{whole}/{name}") != rows(f"{parts}/{name}")]
