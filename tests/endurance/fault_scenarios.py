"""The runs that tests/endurance/faults.py disturbs: how each is started and resumed, what it must leave, and whether it
has."""

import filecmp
import glob
import json
import os
import re

import injector
import run_files
from run_files import Unsound

_RECIPE = """name: small
seed: 3
data:
  format: {name: synthetic, train: 500, test: 60, height: 8, width: 8, noise: 0.6}
  batch_size: 50
  validation: 100
model: {name: mlp, hidden: [16]}
optimizer: {name: sgd, weight_decay_mode: l2}
schedule: {name: one_cycle, lr_max: 0.1}
"""
_TRAIN = "train: {duration: 40it, log_every: 5, threads: 1, precision: fp32, device: cpu}\n"


def _text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def _without_seconds(value):
    """JSON without what is measured."""
    if isinstance(value, dict):
        return {key: _without_seconds(item) for key, item in value.items() if "second" not in key}
    return [_without_seconds(item) for item in value] if isinstance(value, list) else value


def _number(path):
    return int(re.search(r"(\d+)", os.path.basename(path)).group(1))


def _run_result(run):
    """What a finished training must have left in its folder, whatever happened on the way."""
    kept = sorted(glob.glob(f"{run}/checkpoints/step-*.safetensors"))
    return {
        "weights": run_files.tensors(f"{run}/checkpoints/last.safetensors"),
        "best": run_files.tensors(f"{run}/checkpoints/best.safetensors"),
        "checkpoints": [os.path.basename(path) for path in kept],
        "steps.csv": run_files.rows(f"{run}/steps.csv"),
        "metrics.csv": run_files.rows(f"{run}/metrics.csv"),
        "recipe.yaml": _text(f"{run}/recipe.yaml"),
        "report": os.path.exists(f"{run}/report.html"),
    }


def _run_faults(run, over):
    """What is unsound in a run's folder; `over`: it says that it is done."""
    found = []
    kept = sorted(glob.glob(f"{run}/checkpoints/step-*.safetensors"), key=_number)
    for path in kept + [f"{run}/checkpoints/{name}.safetensors" for name in ("last", "best")]:
        try:
            if os.path.exists(path):
                run_files.checkpoint(path)
        except Unsound as problem:
            found.append(f"unsound: {problem}")
    if not over:
        return found
    last = f"{run}/checkpoints/last.safetensors"
    if kept and not (os.path.exists(last) and filecmp.cmp(last, kept[-1], shallow=False)):
        found.append(f"last is not {os.path.basename(kept[-1])}")
    page = f"{run}/report.html"
    if os.path.exists(page) and not _text(page).rstrip().endswith("</html>"):
        found.append("report.html is not whole")
    try:
        events = [row["event"] for row in run_files.rows(f"{run}/events.csv")]
        if events.count("finished") > 1:
            found.append(f"events.csv tells of {events.count('finished')} ends: {' '.join(events)}")
    except (OSError, Unsound, ValueError, KeyError) as problem:
        found.append(f"events.csv: {problem}")
    return found


def _newest_step(calls, below):
    """Of the checkpoints that were put in place by these calls, all of which were made."""
    name = re.compile(re.escape(below) + r"/checkpoints/step-\d+\.safetensors")
    return max((_number(call.path) for call in calls if call.kind == "rename" and name.fullmatch(call.path)), default=0)


class Scenario:
    """`folder`: the case's own; the program's files go to `runs` in it, its recipe lies beside that."""

    name = ""
    says = ""
    seconds = 120  # after which it hangs
    processes = 1  # that may say what failed
    strict = ("weights",)  # what even a run that had to warn must have right
    made_again = ("report",)  # what a command makes from the rest at any time

    def __init__(self, program):
        self.program = program

    def files(self):
        return {"recipe.yaml": self.recipe()}

    def prepare(self, folder):
        for name, text in self.files().items():
            with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
                file.write(text)

    def run(self, command, folder, fault=None):
        # Without gnuplot, whose pictures of reports take longer than all the rest.
        environment = {**os.environ, "PATH": folder}
        return injector.run(command, f"{folder}/runs", fault, self.seconds, folder, environment)

    def goes_on(self, before, out):
        """Whether the program went on with its work, where these calls were made before the fault and it should."""
        return True

    def set_in(self, folder):
        return ["--set", f"output.dir={folder}/runs"]

    def newest(self, folder):
        """The folder that the program made last, or None."""
        made = [path for path in glob.glob(f"{folder}/runs/{self.made}/*") if os.path.basename(path).isdigit()]
        return max(made, key=_number, default=None)


class Train(Scenario):
    name = "train"
    says = "a training of 40 steps: evaluations every 8, checkpoints every 10, two kept beside the best"
    made = "small"
    more = ()

    def recipe(self):
        return _RECIPE + _TRAIN + "output: {checkpoint_every: 10it, keep: 2}\n"

    def start(self, folder):
        return [self.program, "train", f"{folder}/recipe.yaml", *self.set_in(folder), *self.more]

    def resume(self, folder):
        run = self.newest(folder)
        return run and [self.program, "train", "--resume", run, *self.more]

    def result(self, folder):
        return _run_result(self.newest(folder))

    def faults(self, folder, over):
        run = self.newest(folder)
        return _run_faults(run, over) if run else []

    def lost(self, folder, calls):
        """What was complete and is not there any more; `calls`: those that were made before the fault."""
        newest = _newest_step(calls, f"{self.made}/1")
        kept = [_number(path) for path in glob.glob(f"{folder}/runs/{self.made}/1/checkpoints/step-*.safetensors")]
        return [] if max(kept, default=0) >= newest else [f"the checkpoint of step {newest} is gone"]

    def goes_on(self, before, out):
        # No file stops a training that has begun: the row of its first log point was to be written.
        rows = sum(call.kind == "write" and call.path.endswith("/steps.csv") for call in before)
        return rows < 2 or "\nepoch 5 " in out

    def begun(self, calls):
        """Whether there is work that a resume may not leave out."""
        return _newest_step(calls, f"{self.made}/1") > 0


class Ranks(Train):
    name = "ranks"
    says = "the same on two ranks"
    more = ("--ranks", "2")
    processes = 3


class Search(Scenario):
    name = "search"
    says = "a grid of 4 trials, one worker"
    made = "small-search"
    jobs = "1"
    strict = ("trials", "best.yaml", "trial 1", "trial 2", "trial 3", "trial 4")

    def recipe(self):
        return (_RECIPE + "train: {duration: 8it, log_every: 4, threads: 1, precision: fp32, device: cpu}\n"
                "search: {method: grid, space: {schedule.lr_max: [0.1, 0.3], optimizer.weight_decay: [0, 1e-3]}}\n")

    def start(self, folder):
        return [self.program, "search", f"{folder}/recipe.yaml", *self.set_in(folder), "--jobs", self.jobs]

    def resume(self, folder):
        study = self.newest(folder)
        return study and [self.program, "search", "--resume", study, "--jobs", self.jobs]

    def result(self, folder):
        study = self.newest(folder)
        kept = ("number", "setting", "rung", "share", "values", "state", "reason", "metric", "validation_loss",
                "validation_accuracy", "test_loss", "test_accuracy")
        found = {"trials": [{key: row[key] for key in kept} for row in run_files.study_rows(f"{study}/study.db")],
                 "best.yaml": _text(f"{study}/best.yaml"), "trials.csv": run_files.rows(f"{study}/trials.csv")}
        for number in range(1, len(found["trials"]) + 1):
            run = f"{study}/trials/{number}"
            found[f"trial {number}"] = run_files.tensors(f"{run}/checkpoints/last.safetensors")
            found[f"rows of trial {number}"] = [run_files.rows(f"{run}/{name}.csv") for name in ("steps", "metrics")]
        return found

    def faults(self, folder, over):
        study = self.newest(folder)
        found = []
        if not study or not os.path.exists(f"{study}/study.db"):
            return found
        try:
            trials = run_files.study_rows(f"{study}/study.db")
        except Unsound as problem:
            return [f"unsound: {problem}"]
        found += [f"trial {row['number']} is {row['state']}: {row['reason']}" for row in trials
                  if row["state"] in ("failed", "diverged")]
        for run in glob.glob(f"{study}/trials/*"):
            found += [f"{os.path.basename(run)}: {fault}" for fault in _run_faults(run, over)]
        return found

    def lost(self, folder, calls):
        return []  # that a trial was done stands in the study alone, which `faults` reads

    def begun(self, calls):
        return any(call.kind == "rename" and "/checkpoints/" in call.path for call in calls)


class SearchOfTwo(Search):
    name = "search-2"
    says = "the same, two workers"
    jobs = "2"


class Tune(Scenario):
    name = "tune"
    says = "a whole tuning of a few seconds, and its run of 48 steps"
    made = "small-tune"
    seconds = 600
    strict = ("tuned.yaml", "weights")

    def recipe(self):
        text = _RECIPE.replace("train: 500", "train: 1700").replace("batch_size: 50", "batch_size: 100")
        return text + "train: {duration: 3ep, threads: 1, precision: fp32, device: cpu}\n"

    def start(self, folder):
        return [self.program, "tune", f"{folder}/recipe.yaml", *self.set_in(folder), "--seeds", "1"]

    def resume(self, folder):
        made = self.newest(folder)
        return made and self.start(folder)[:3] + ["--resume", made] + self.start(folder)[3:]

    def result(self, folder):
        made = self.newest(folder)
        # A range test that was broken off is made anew in another folder.
        text = re.sub(r"/range/\d+", "/range/N", _text(f"{made}/tune.json"))
        found = {"tune.json": _without_seconds(json.loads(text))}
        return {**found, "tuned.yaml": _text(f"{made}/tuned.yaml"), **_run_result(f"{made}/final")}

    def faults(self, folder, over):
        made = self.newest(folder)
        if not made:
            return []
        found = _run_faults(f"{made}/final", over)
        for name in ("tune.json", "batch.json", "tuning.json"):
            try:
                if os.path.exists(f"{made}/{name}"):
                    json.loads(_text(f"{made}/{name}"))
            except ValueError as problem:
                found.append(f"{name}: {problem}")
        return found

    def lost(self, folder, calls):
        results = sum(call.kind == "rename" and call.path.endswith("/tune.json") for call in calls)
        newest = _newest_step(calls, f"{self.made}/1/final")
        made = f"{folder}/runs/{self.made}/1"
        kept = [_number(path) for path in glob.glob(f"{made}/final/checkpoints/step-*.safetensors")]
        found = [] if max(kept, default=0) >= newest else [f"the checkpoint of step {newest} is gone"]
        try:
            there = len(json.loads(_text(f"{made}/tune.json"))["results"]) if results else 0
        except (OSError, ValueError, KeyError) as problem:
            return found + [f"tune.json: {problem}"]
        return found if there >= results else found + [f"tune.json: {there} of {results} results"]

    def begun(self, calls):
        return any(call.kind == "rename" and call.path.endswith("/tune.json") for call in calls)


SCENARIOS = {kind.name: kind for kind in (Train, Search, SearchOfTwo, Ranks, Tune)}
