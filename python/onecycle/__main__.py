"""Becomes the program, beside the torch that this Python would import."""

import importlib.util
import os
import pathlib
import sys

from . import PROGRAM

if not os.environ.get("ONECYCLE_TORCH_SITE"):
    torch = importlib.util.find_spec("torch")
    if torch and torch.origin:
        os.environ["ONECYCLE_TORCH_SITE"] = str(pathlib.Path(torch.origin).parents[1])
os.execv(PROGRAM, ["onecycle", *sys.argv[1:]])
