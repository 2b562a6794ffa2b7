#!/usr/bin/env python3
"""Sends signals at random moments to train, ranks, range-test and search, and counts what goes wrong.

    tests/endurance/signals.py build/release/onecycle --signals 200
    ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 tests/endurance/signals.py build/release/onecycle --signals 60

Signals are dealt to the commands in turn. A run or study that was interrupted is resumed, and signalled again, until it
comes to its end: then it must be, bit for bit, the one that was left alone, and a new one begins. Wrong are: an exit
code other than 0 or 128 + the signal, "corrupted" on stderr, a process that does not end within two minutes, a
checkpoint that a resumed run warns of, a different end. Exit code 1 where anything was.

What was counted is kept in FOLDER/state.json; the same call with --folder FOLDER goes on. About 3 seconds a signal.
"""

import argparse
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from run_files import differences

RECIPE = """name: {name}
seed: 3
data:
  format: {{name: synthetic, train: 12000, test: 500, height: 28, width: 28}}
  batch_size: 128
  validation: 500
model: {{name: mlp, hidden: [256, 128]}}
schedule: {{name: one_cycle, lr_max: 0.1}}
train: {{duration: {duration}, precision: fp32, log_every: 20}}
output: {{dir: {folder}, checkpoint_every: 50it}}
"""
SPACE = """search:
  method: grid
  space:
    schedule.lr_max: [0.02, 0.05, 0.1]
"""
PATIENCE = 120  # seconds
KINDS = ("train", "ranks", "range-test", "search")
NOT_COMPARED = {"seconds", "run", "reason"}


def trials(folder):
    with open(folder / "trials.csv", newline="") as file:
        return [{key: value for key, value in row.items() if key not in NOT_COMPARED} for row in csv.DictReader(file)]


class Campaign:
    """One command, started again until it has had its signals."""

    def __init__(self, kind, given, folder, state):
        self.kind, self.given, self.state = kind, given, state
        self.folder = folder / kind
        self.folder.mkdir(exist_ok=True)
        self.recipe = self.folder / "recipe.yaml"
        self.recipe.write_text(RECIPE.format(name=kind, duration=given.duration if kind != "search" else "8ep",
                                             folder=self.folder / "runs"))
        (self.folder / "space.yaml").write_text(SPACE)

    def fresh(self):
        if self.kind == "range-test":
            return ["range-test", self.recipe, "--seeds", "1"]
        if self.kind == "search":
            return ["search", self.recipe, "--space", self.folder / "space.yaml"]
        return ["train", self.recipe, *(["--ranks", "2"] if self.kind == "ranks" else [])]

    def command(self):
        """What starts or goes on with the one under way."""
        if self.kind == "range-test" or self.latest() == self.state["last_whole"]:
            return self.fresh()
        if self.kind == "search":
            return ["search", "--resume", self.latest_folder()] if (self.latest_folder() / "study.db").exists() else self.fresh()
        resumed = ["train", "--resume", self.latest_folder()]
        return [*resumed, *(["--ranks", "2"] if self.kind == "ranks" else [])]

    def parent(self):
        suffix = {"search": "-search", "range-test": "-range"}.get(self.kind, "")
        return self.folder / "runs" / (self.kind + suffix)

    def latest(self):
        return max((int(path.name) for path in self.parent().glob("[0-9]*")), default=0)

    def latest_folder(self):
        return self.parent() / str(self.latest())

    def start(self, command):
        log = open(self.folder / "log", "w+b")
        return subprocess.Popen([self.given.program, *map(str, command)], stdout=log, stderr=subprocess.STDOUT), log

    def leave_alone(self):
        begun = time.monotonic()
        process, _ = self.start(self.fresh())
        if process.wait() != 0:
            sys.exit(f"{self.kind}: left alone, it ended with {process.returncode}: see {self.folder}/log")
        self.state["seconds"], self.state["last_whole"] = time.monotonic() - begun, self.latest()
        print(f"{self.kind}: left alone, {self.state['seconds']:.1f} s", flush=True)

    def disturb(self, randomly):
        """Sends one signal; returns what was wrong."""
        number = getattr(signal, "SIG" + randomly.choice(self.given.kinds))
        process, log = self.start(self.command())
        wait = randomly.uniform(0.1, self.state["seconds"])
        sent = False
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
            sent = True
        try:
            code = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return sent, f"SIG{signal.Signals(number).name[3:]} after {wait:.2f} s: it did not end"
        code = 128 - code if code < 0 else code
        log.seek(0)
        text = log.read().decode(errors="replace")
        wrong = []
        if code not in (0, 128 + number if sent and number != signal.SIGUSR1 else 0):
            wrong.append(f"exit code {code}")
        if "corrupted" in text or "double free" in text:
            wrong.append("corrupted memory")
        if "warning: " in text and "busy" not in text and "processors" not in text:
            wrong.append("a warning")
        if code == 0:
            wrong += self.compare()
        if wrong:
            (self.folder / f"log-{self.state['sent']}").write_text(text)
        return sent, f"{signal.Signals(number).name} after {wait:.2f} s: {', '.join(wrong)}" if wrong else ""

    def compare(self):
        """Of one that came to its end with the one left alone."""
        self.state["last_whole"] = self.latest()
        if self.kind == "range-test":
            return []
        if self.kind == "search":
            return [] if trials(self.parent() / "1") == trials(self.latest_folder()) else ["other trials"]
        return differences(self.parent() / "1", self.latest_folder())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--signals", type=int, default=200)
    parser.add_argument("--kinds", default="INT,TERM,HUP,USR1", help="of signals (INT,TERM,HUP,USR1)")
    parser.add_argument("--commands", default=",".join(KINDS), help=f"to send them to ({','.join(KINDS)})")
    parser.add_argument("--duration", default="30ep", help="of the run that is disturbed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="keeps runs and counts, and goes on with those that are there")
    given = parser.parse_args()
    given.program, given.kinds = os.path.abspath(given.program), given.kinds.split(",")
    folder = Path(given.folder or tempfile.mkdtemp(prefix="onecycle-signals-"))
    folder.mkdir(parents=True, exist_ok=True)
    state_file = folder / "state.json"
    state = json.loads(state_file.read_text()) if state_file.exists() else {}
    commands = given.commands.split(",")
    for kind in commands:
        state.setdefault(kind, {"sent": 0, "wrong": [], "last_whole": 0})
    campaigns = [Campaign(kind, given, folder, state[kind]) for kind in commands]
    for campaign in campaigns:
        if "seconds" not in campaign.state:
            campaign.leave_alone()

    def sent():
        return sum(state[kind]["sent"] for kind in commands)

    while sent() < given.signals:
        campaign = min(campaigns, key=lambda one: one.state["sent"])
        randomly = random.Random(f"{given.seed} {campaign.kind} {campaign.state['sent']} {campaign.latest()}")
        was_sent, wrong = campaign.disturb(randomly)
        campaign.state["sent"] += was_sent
        if wrong:
            campaign.state["wrong"].append(wrong)
            print(f"{campaign.kind}: {wrong}", flush=True)
        state_file.write_text(json.dumps(state, indent=1))
    for campaign in campaigns:  # what is under way must end as if it had been left alone
        if campaign.kind != "range-test" and campaign.latest() != campaign.state["last_whole"]:
            process, log = campaign.start(campaign.command())
            wrong = [f"exit code {process.returncode}"] if process.wait() != 0 else campaign.compare()
            campaign.state["wrong"] += [f"at the end: {one}" for one in wrong]
        print(f"{campaign.kind}: {campaign.state['sent']} signals, {len(campaign.state['wrong'])} wrong "
              f"{campaign.state['wrong']}")
    state_file.write_text(json.dumps(state, indent=1))
    print(f"all in {folder}")
    sys.exit(1 if any(state[kind]["wrong"] for kind in commands) else 0)


if __name__ == "__main__":
    main()
