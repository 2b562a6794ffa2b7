"""What a wheel takes from the torch that it is built with. `python build_metadata.py` prints the folder that holds it.
"""

import importlib.util
import os
import pathlib
import re
import sys

LEAST = (2, 11)


def torch_site():
    """The folder of packages named by ONECYCLE_TORCH_SITE, or the one from which torch would be imported."""
    named = os.environ.get("ONECYCLE_TORCH_SITE")
    if named:
        return pathlib.Path(named)
    found = importlib.util.find_spec("torch")
    if not found or not found.origin:
        sys.exit("onecycle is built with the installed torch, and there is none here. pip hides it without this: "
                 "pip install --no-build-isolation . (needs scikit-build-core as well)")
    return pathlib.Path(found.origin).parents[1]


def first_match(pattern, file):
    match = re.search(pattern, file.read_text(encoding="utf-8"))
    return match.group(1) if match else sys.exit(f"onecycle: {file} does not say its version")


def torch_minor():
    site = torch_site()
    file = site / "torch/version.py"
    if not file.is_file():
        sys.exit(f"onecycle: ONECYCLE_TORCH_SITE={site} holds no torch/version.py")
    minor = first_match(r"__version__ = '(\d+\.\d+)", file)
    if tuple(map(int, minor.split("."))) < LEAST:
        sys.exit(f"onecycle: torch {minor} in {site} is too old: {'.'.join(map(str, LEAST))} or newer is needed")
    return minor


def dynamic_metadata(_settings, _project):
    root = pathlib.Path(__file__).parents[1]
    return {"version": first_match(r"project\(onecycle VERSION ([0-9.]+)", root / "CMakeLists.txt"),
            "dependencies": [f"torch=={torch_minor()}.*"]}


if __name__ == "__main__":
    print(torch_site())
