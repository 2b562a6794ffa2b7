"""What the comparisons need: the program, and a Python with the peers beside the project's own torch."""
import os
import subprocess
import sys
from pathlib import Path

from common import ROOT, last_json

BUILD = ROOT / "build/release"
FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "onecycle/bench"
REQUIREMENTS = ROOT / "bench/requirements.txt"
BUNDLED = (BUILD / "bundle.txt").exists()  # by tools/bundle: built elsewhere, for the Python that runs this


def must(command, what, **options):
    print(f"bench/run: {what}", file=sys.stderr)
    result = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            **options)
    if result.returncode != 0:
        sys.exit(f"bench/run: {what} failed:\n{result.stdout[-4000:]}")


PROGRAMS = {"custom_module": ["bench_custom_module", "bench_custom_module_libtorch"], "predictor": ["bench_predictor"]}


def build(groups):
    if BUNDLED:
        return
    if not (BUILD / "build.ninja").exists():
        must([ROOT / "onecycle", "info"], "setting up and building onecycle")
    programs = dict.fromkeys(program for group in groups for program in PROGRAMS.get(group, ["bench_turns"]))
    must(["cmake", "--build", BUILD, "--target", "onecycle_program", *programs], "building " + ", ".join(programs))


def why_no_bf16(device):
    """"" where the device multiplies bf16 values in hardware."""
    answer = last_json([BUILD / "onecycle", "info", "--json"])["CPU bf16"]
    return "" if device == "cuda" or answer.startswith("yes") else answer.removeprefix("no: ")


def configured(name):
    for line in (BUILD / "CMakeCache.txt").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return line.partition("=")[2]
    return ""


def python():
    """A virtual environment with bench/requirements.txt. Its torch is the one that onecycle is linked with where
    that is a whole one; pip gets another beside a slim one."""
    if BUNDLED:
        return Path(sys.executable)
    wanted = f"{configured('ONECYCLE_TORCH_SITE')}\n{REQUIREMENTS.read_text()}"
    stamp = FOLDER / "made-from.txt"
    executable = FOLDER / "bin/python"
    if stamp.exists() and stamp.read_text() == wanted and executable.exists():
        return executable
    own = configured("ONECYCLE_PYTHON")
    must([own or sys.executable, "-m", "venv", "--clear", FOLDER], f"making {FOLDER}")
    if own:
        site = next(FOLDER.glob("lib/python3*/site-packages"))
        (site / "torch.pth").write_text(configured("ONECYCLE_TORCH_SITE") + "\n")
    must([executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-cache-dir", "-r", REQUIREMENTS],
         "installing " + ", ".join(line.partition("==")[0] for line in REQUIREMENTS.read_text().split()))
    stamp.write_text(wanted)
    return executable


def tcmalloc():
    """The library of Debian's libtcmalloc-minimal4, or None."""
    listed = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True).stdout
    paths = [line.split()[-1] for line in listed.splitlines() if "libtcmalloc_minimal.so.4" in line]
    return paths[0] if paths else None
