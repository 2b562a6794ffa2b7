"""The short runs of tests/golden/bits: each a list of command lines of onecycle, in a folder of its own."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/endurance"))
import run_files  # noqa: E402

SECONDS = 300  # for one command; the longest of them takes ten
SPACE = "search:\n  trials: 3\n  space: {schedule.lr_max: {log_uniform: [0.01, 1]}, data.batch_size: [32, 64]}\n"
EVERYTHING = [
    "data.augment=[{pad_crop: 2}, flip, {cutout: 4}, {mixup: 0.2}]", "train.accumulate=2", "train.ema_decay=0.9",
    "train.lookahead={every: 5}", "train.freeze=[{to: layer1, until: 6it}]", "train.label_smoothing=0.1",
    "train.grad_clip=5", "train.tta=flip+shift", "optimizer.lr_slice=0.3", "model.bn_batch=8",
    "optimizer.groups=[{match: '*.bias', lr_scale: 2, decay_scale: 0}]"]


def pictures(channels, side, batch, samples=1000):
    """In place of the recipe's data set."""
    return (f"data={{name: null, format: {{name: synthetic, train: {samples}, test: 100, channels: {channels}, "
            f"height: {side}, width: {side}}}, batch_size: {batch}, validation: 100}}")


def command(name, recipe, *settings, flags=()):
    """Of later settings for one key the last counts."""
    usual = ["name=run", "output.dir=runs", "train.threads=2", "train.log_every=4", "train.test_every=1000ep"]
    overrides = [word for key in [*usual, *settings] for word in ("--set", key)]
    return [name, str(ROOT / "recipes" / recipe), *flags, *overrides]


def small(recipe, channels, side, batch, duration, *settings, flags=()):
    return command("train", recipe, pictures(channels, side, batch), f"train.duration={duration}",
                   "data.augment=[{pad_crop: 2}, flip]", *settings, flags=flags)


def digits(*settings, flags=()):
    return small("quickstart.yaml", 1, 28, 64, "60it", "data.augment=[]", *settings, flags=flags)


RUNS = {
    "quickstart": [command("train", "quickstart.yaml", "train.duration=200it")],
    "quickstart-auto": [digits("train.precision=auto")],
    "quickstart-fp16": [digits("train.precision=fp16")],
    "resnet20": [small("cifar10-resnet20.yaml", 3, 32, 64, "12it")],
    "resnet20-fp32": [small("cifar10-resnet20.yaml", 3, 32, 32, "12it", "train.precision=fp32")],
    "cnn3": [small("cifar10-cnn3.yaml", 3, 32, 64, "20it", "data.normalise=caffe")],
    "cifar_fast": [small("cifar10-94.yaml", 3, 32, 128, "12it", "model.whiten_samples=500",
                         "data.augment=[{pad_crop: {pixels: 2, mode: reflect}}, {flip: alternating}]",
                         "train.freeze=[{match: whiten.bias, from: 6it}]")],
    "adamw": [digits("optimizer={name: adamw, weight_decay: 0.01}", "schedule.lr_max=0.003")],
    "muon": [small("cifar10-94-muon.yaml", 3, 32, 128, "10it", "model.widths=[16, 32, 32]", "model.whiten_samples=500",
                   "train.freeze=[]")],
    "ranks": [digits("train.threads=1", "data.augment=[{pad_crop: 2}, flip]", flags=("--ranks", "2"))],
    "resumed": [digits("train.duration=25it", "output.checkpoint_every=10it"),
                ["train", "--resume", "runs/run/1", "--set", "train.duration=60it", "--extend", "stretch"]],
    "fallback": [digits("schedule={name: segments, lr: [{duration: 20it, from: 0.02, to: 0.02}, {from: 300, to: 300}]}",
                        "train.duration=40it", "output.checkpoint_every=10it",
                        "stop.on_divergence={lr_scale: 1e-4, retries: 2}")],
    "everything": [small("cifar10-resnet20.yaml", 3, 16, 16, "16it", "model=resnet8", *EVERYTHING)],
    "range-test": [command("range-test", "quickstart.yaml", pictures(1, 28, 64), "train.duration=80it",
                           flags=("--seeds", "1", "--steps", "60", "--every", "5", "--held-out", "100"))],
    "search": [command("search", "quickstart.yaml", pictures(1, 28, 64), "train.duration=30it",
                       flags=("--space", "space.yaml"))],
}
GIVES_NO_RATE = {"range-test": 1}  # a code that is an answer, too


class Failed(Exception):
    """A run that is none, in one line."""


def program_of(build):
    """The program of a build's folder, or the program itself."""
    path = pathlib.Path(build)
    found = path / "onecycle" if path.is_dir() else path
    if not os.access(found, os.X_OK):
        raise Failed(f"{build}: neither a program nor a folder with a built onecycle")
    return found.resolve()


def run(program, name, commands, folder, environment={}):
    """Its results in a new folder."""
    folder.mkdir(parents=True)
    (folder / "space.yaml").write_text(SPACE)
    for words in commands:
        try:
            done = subprocess.run([str(program), *words], cwd=folder, env={**os.environ, **environment}, text=True,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise Failed(f"{words[0]} took more than {SECONDS} s") from None
        except OSError as problem:
            raise Failed(str(problem)) from None
        if done.returncode not in (0, GIVES_NO_RATE.get(name)):
            said = done.stderr.strip().splitlines() or ["nothing on stderr"]
            raise Failed(f"{words[0]} ended with exit code {done.returncode}: {said[-1]}")
    try:
        return results(folder)
    except (OSError, KeyError, ValueError, run_files.Unsound) as problem:
        raise Failed(str(problem) or repr(problem)) from None


def digest(data):
    return hashlib.sha256(data).hexdigest()


def counts_from_0(folder):
    """Whether a run's tables are of an older program: their `step` is the number of steps done less 1."""
    columns = folder / "metrics.json"
    return not columns.exists() or isinstance(json.loads(columns.read_text()), list)


def results(folder):
    """What is compared, by its name: hashes of the last checkpoints' tensors, and the rows of tables without times."""
    found = {}
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder / "runs").as_posix() if folder / "runs" in path.parents else ""
        if path.name == "last.safetensors":
            for name, data in run_files.tensors(path).items():
                found[f"{place}: {name}"] = digest(data)
        elif path.name in ("steps.csv", "metrics.csv", "range_test.csv", "trials.csv"):
            from_0 = path.name in ("steps.csv", "metrics.csv") and counts_from_0(path.parent)
            for number, row in enumerate(run_files.rows(path), 1):
                if from_0:
                    row["step"] = str(int(row["step"]) + 1)
                for column, cell in row.items():
                    found[f"{place}: row {number}, {column}"] = cell
        elif path.name == "range_test.json":
            answer = json.loads(path.read_text())
            found |= {f"{place}: {key}": str(answer.get(key)) for key in ("lr_max", "lr_min", "refused")}
    if not found:
        raise ValueError("no checkpoint and no table was written")
    return found
