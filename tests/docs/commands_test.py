#!/usr/bin/env python3
"""Every command in a block of README.md, CONTRIBUTING.md and docs/ runs as it is written, with words at its end that make it
short and no other change; or stands among those that cannot be run here, with the reason. Page by page, in a folder like a
new clone with what a reader of the page has by then.

    commands_test.py PROGRAM [PAGE...]
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import stand_ins  # noqa: E402
from pages import PAGES, ROOT, commands, fences  # noqa: E402

FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
SKIPPED = 77
LIMIT_SECONDS = 300

CONTAINER = "needs docker"
CLUSTER = "needs several machines or their launcher (Slurm, torchrun, mpirun)"
GPU = "needs a GPU"
BUNDLE = "the bundle for a GPU machine: minutes to make, and a machine to unpack it on"
NETWORK = "downloads"
LONG = "not the program: the whole test suite, and fastai in an environment of its own"
EXCUSES = (CONTAINER, CLUSTER, GPU, BUNDLE, NETWORK, LONG)

# PAGE: COMMAND as a regular expression -> why it is not run. The first that matches.
EXCUSED = [
    (r"README.md: docker |README.md: mkdir -p runs", CONTAINER),
    (r"README.md: tests/run", LONG),
    (r"tune.md: bench/tune_against_fastai.py", LONG),
    (r"distributed.md: (torchrun|mpirun|srun|export) ", CLUSTER),
    (r"--ranks gpus", GPU),
    (r"gpu.md: ", GPU),
    (r"installing.md: ", BUNDLE),
    (r": ./onecycle (data|weights) fetch |: curl ", NETWORK),
]

# What may be added: lengths and limits.
FEW = "--set data.limit=200 --set data.validation=40"
SHORT = f"--set train.duration=2it {FEW}"
SWEEP = "--seeds 1 --steps 20 --every 10 --held-out 10 --set data.batch_size=4 --set data.limit=100 --set data.validation=20"
LIMITS = {"train.duration", "data.limit", "data.validation", "data.batch_size", "search.trials", "--seeds", "--steps", "--every",
          "--held-out", "--max", "--budget", "--pairs"}

# Likewise -> the words at the end of every call of onecycle in it; of a script of bench/, at the end of the command.
SHORTENED = [
    (r"range-test.md: ", "--set data.limit=2000 --seeds 1"),
    (r": ./onecycle range-test recipes/cifar10", SWEEP),
    (r": ./onecycle tune recipes/quickstart", "--set data.limit=600 --set train.duration=4it --seeds 1 --budget 1ep"),
    (r": ./onecycle tune recipes/cifar10", "--set data.limit=40 --set data.validation=10 --set data.batch_size=2 "
     "--set train.duration=4it --seeds 1 --budget 1ep"),
    (r": ./onecycle fit-batch .*--compare", "--set data.limit=2000 --set train.duration=4it"),
    (r": ./onecycle fit-batch recipes/cifar10", f"{FEW} --max 16"),
    (r": ./onecycle fit-batch ", "--set data.limit=1000 --max 16"),
    (r": ./onecycle search --resume", ""),
    (r": ./onecycle search ", "--set search.trials=2 --set data.limit=1000 --set train.duration=4it"),
    (r"training.md: ./onecycle train .*--extend", "--set train.duration=8it"),
    (r": ./onecycle train .*--resume", "--set train.duration=4it --set data.limit=1000"),
    (r"distributed.md: ./onecycle train .*--ranks 4", "--set train.duration=2it --set data.limit=2000"),
    (r": ./onecycle train .*--profile=100", "--set train.duration=120it --set data.limit=3000"),
    (r": ./onecycle train .*--profile", "--set train.duration=40it --set data.limit=3000"),
    (r": ./onecycle train recipes/cifar10-94.yaml", "--set train.duration=2it --set data.limit=128 --set data.batch_size=64"),
    (r": .*./onecycle train recipes/", SHORT),
    (r": ./onecycle (eval|predict) ", ""),
    (r"fast-cifar.md: bench/views.py", "--pairs 1"),
    (r": ./onecycle (export|data pack|weights list)", ""),
]

# What so short a range test may refuse to answer.
REFUSED = [(r"fine-tuning.md: ./onecycle range-test", ""), (r"tune.md: ./onecycle tune recipes/cifar10", "")]

# What a reader of the page has done before, or made himself as the page says.
BEFORE = {
    "docs/fine-tuning.md": ["./onecycle train recipes/cifar10-resnet20.yaml " + SHORT,
                            "./onecycle export runs/cifar10-resnet20/1 --to weights.pth",
                            "mv weights.pth resnet20-12fca82f.th"],
    "docs/training.md": ["for i in 1 2 3; do ./onecycle train recipes/quickstart.yaml "
                         "--set train.duration=4it --set data.limit=1000; done"],
    "docs/weights.md": ["./onecycle train recipes/cifar10-resnet20.yaml " + SHORT],
}


def row_of(rows, command):
    return next((row for row in rows if re.search(row[0], command)), None)


class Clone:
    """A folder that looks like a clone, in which onecycle is the built program and takes more words from the environment."""

    def __init__(self, folder, program):
        self.folder = folder
        for name in ("recipes", "datasets", "weights", "bench", "docs", "tools", "tests", "examples"):
            if (ROOT / name).exists():
                (folder / name).symlink_to(ROOT / name)
        front = folder / "onecycle"
        front.write_text(f'#!/bin/sh\nset -f\nexec "{program}" "$@" $ADDED_WORDS\n')
        front.chmod(0o755)
        (folder / "build/release").mkdir(parents=True)
        (folder / "build/release/onecycle").symlink_to(front)
        stand_ins.cifar10(folder / "data/cifar10")
        stand_ins.descriptor(ROOT / "datasets/cifar10.yaml", folder / "small")
        stand_ins.pictures(folder / "pictures", 3, side=32)
        stand_ins.class_folders(folder / "pets")

    def run(self, command, added=""):
        """Exit code and what was written."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ONECYCLE_")}
        environment.update(ADDED_WORDS=added, OMP_NUM_THREADS="1", ONECYCLE_DATASETS=str(self.folder / "small"),
                           PATH=f"{self.folder}:{os.environ['PATH']}")
        try:
            done = subprocess.run(["bash", "-e", "-c", command], cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT_SECONDS)
            return done.returncode, done.stdout.decode(errors="replace")
        except subprocess.TimeoutExpired as late:
            return "none: too long", (late.stdout or b"").decode(errors="replace")


class Commands(unittest.TestCase):
    program = ""
    pages = PAGES

    def test_what_is_added_are_lengths_and_limits(self):
        for _, words in SHORTENED:
            for key in re.findall(r"--set ([\w.]+)=|(--(?!set)[\w-]+)", words):
                self.assertIn("".join(key), LIMITS)

    def test_all_run_or_are_excused(self):
        ran, excused, used = 0, [], set()
        for page in self.pages:
            with tempfile.TemporaryDirectory() as folder, self.subTest(page):
                here = commands(page)
                if here and all(row_of(EXCUSED, f"{page}: {command}") for command in here):
                    clone = None
                elif here:
                    clone = Clone(Path(folder), self.program)
                    self.prepare(page, clone)
                for command in here:
                    written = f"{page}: {command}"
                    row = row_of(EXCUSED, written)
                    if row:
                        excused.append((row[1], written))
                    else:
                        row = row_of(SHORTENED, written)
                        self.assertIsNotNone(row, f"{written}\nsay in {__file__} what makes it short, or why it cannot be run")
                        ran += 1
                        self.check(clone, written, command, row[1])
                    used.add(row)
        print(f"{ran + len(excused)} commands: {ran} ran, {len(excused)} cannot be run here")
        for reason in EXCUSES:
            print(f"  {sum(1 for why, _ in excused if why == reason)} {reason}")
        if self.pages == PAGES:
            for row in EXCUSED + SHORTENED:
                self.assertIn(row, used, "no command needs this any more")
            self.assertEqual({why for why, _ in excused}, set(EXCUSES))

    def prepare(self, page, clone):
        if page == "docs/search.md":  # the file that the page shows
            (clone.folder / "space.yaml").write_text(fences(page, ("yaml",))[0])
        for command in BEFORE.get(page, []):
            self.check(clone, f"{page}, before: {command}", command, "")

    def check(self, clone, written, command, added):
        begin = time.monotonic()
        with self.subTest(written):
            if command.startswith("bench/"):
                command, added = f"{command} {added}", ""
            code, text = clone.run(command, added)
            if code == 1 and row_of(REFUSED, written) and "no learning rate:" in text:
                code = 0
            print(f"{time.monotonic() - begin:6.1f} s  {written}", flush=True)
            self.assertEqual(code, 0, f"{written} {added}\n{text[-3000:]}")


if __name__ == "__main__":
    if len(sys.argv) < 2 or not Path(sys.argv[1]).is_file():
        sys.exit(__doc__)
    if not FASHION_MNIST.is_dir() or not shutil.which("bash"):
        print(f"skipped: needs {FASHION_MNIST} (apt install dataset-fashion-mnist) and bash")
        sys.exit(SKIPPED)
    Commands.program = sys.argv[1]
    Commands.pages = sys.argv[2:] or PAGES
    unittest.main(argv=sys.argv[:1])
