#!/usr/bin/env python3
"""Disturbs every file operation of small runs, one at a time, and asks of each: is what was complete still there, does
it say in one line what failed, and does the run, gone on with, end with the bits of one that was left alone?

A run left alone gives the sequence of its calls below its output folder: write, pwrite, fsync, rename, link, open,
ftruncate, close, mkdir, unlink, over all its processes in order. Then, for every call k and every mode that fits it, a
fresh run has its k-th call disturbed:

  ENOSPC, EIO  the call fails so, once
  short        half of the bytes are written, and the call says so: nothing may come of it
  full         half of the bytes are written, and all later calls that need room fail with ENOSPC
  kill         the process is killed before the call
  torn         half of the bytes are written, then the process is killed

Needs Linux with seccomp's user notifications (5.5) and Python 3.9; exit code 77 where they are missing, 1 where a fault
was found, 0 where none was. Results are kept: a call that is broken off goes on where it was.
"""

import argparse
import collections
import hashlib
import json
import os
import random
import re
import shutil
import sys
import tempfile
import time
from concurrent import futures

import injector
import run_files
import seccomp
from fault_scenarios import SCENARIOS

EXAMPLES = """
examples:
  tests/endurance/faults.py --program build/release/onecycle --list
  tests/endurance/faults.py --program build/release/onecycle --results faults.jsonl --minutes 20
  tests/endurance/faults.py --program build/release/onecycle --results faults.jsonl --every 7
  tests/endurance/faults.py --program build/release/onecycle --sample 20 --scenario train
  tests/endurance/faults.py --program build/release/onecycle --scenario train --call 57 --mode EIO --keep /tmp/case
  tests/endurance/faults.py --results faults.jsonl --report
"""
SKIPPED = 77
UNREADABLE = ("terminate called", "what():", "c10::", "Exception raised from", "frame #", "Segmentation", "Aborted",
              "free():", "malloc", "corrupted", "std::", "bad_alloc", "core dumped", "filesystem error",
              "(-v shows where)")


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)


def without(value, *folders):
    """The value with folders taken out of its texts, which differ from case to case."""
    if isinstance(value, str):
        for folder in folders:
            value = value.replace(folder, "FOLDER")
        return value
    if isinstance(value, dict):
        return {key: without(item, *folders) for key, item in value.items()}
    return type(value)(without(item, *folders) for item in value) if isinstance(value, (list, tuple)) else value


def result_of(scenario, folder):
    return without(scenario.result(folder), scenario.newest(folder), folder)


class Verdict:
    def __init__(self):
        self.problems = []
        self.notes = []

    def hold_words(self, scenario, name, outcome, killed, codes):
        """What a person sees of a session."""
        if outcome.hung:
            self.problems.append(f"{name}: hangs")
        elif outcome.stayed:
            self.problems.append(f"{name}: processes stay behind")
        elif outcome.exit_code not in codes and not (killed and outcome.exit_code == 137):
            self.problems.append(f"{name}: exit code {outcome.exit_code}")
        lines = [re.sub(r"^\[rank \d+\] ", "", line) for line in outcome.err.splitlines()]
        self.problems += [f"{name}: says {line!r}" for line in lines if any(word in line for word in UNREADABLE)]
        said = [line for line in lines if line.startswith("onecycle: ")]
        if outcome.exit_code == 1 and not 1 <= len(said) <= scenario.processes:
            self.problems.append(f"{name}: {len(said)} lines say what failed")
        expected = ("onecycle: ", "warning: ")
        self.problems += [f"{name}: says {line!r}" for line in lines if not line.startswith(expected)]

    def hold_result(self, scenario, reference, folder, warned, in_study):
        """The end against that of a run left alone. A run that warned of what it could not keep may lack it. SQLite
        keeps its log beside a study where the last of its own files failed, and it is read with it."""
        try:
            result = result_of(scenario, folder)
        except (OSError, ValueError, KeyError, TypeError, run_files.Unsound) as problem:
            self.problems.append(f"end: {problem}")
            return
        for key in sorted(reference.keys() | result.keys()):
            if reference.get(key) != result.get(key):
                # One checkpoint more than are kept was not yet removed.
                more = key == "checkpoints" and set(reference[key]) < set(result[key])
                tolerated = more or key in scenario.made_again or (warned and key not in scenario.strict)
                (self.notes if tolerated else self.problems).append(f"end: {key} differs")
        for name in run_files.left_behind(scenario.newest(folder)):
            tolerated = in_study and name.startswith("study.db-")
            (self.notes if tolerated else self.problems).append(f"end: {name} is left")


def worker_words(folder):
    for place, _, names in os.walk(folder):
        for name in names:
            if os.path.basename(place) == "workers":
                with open(os.path.join(place, name), errors="replace") as file:
                    yield from (line for line in file if any(word in line for word in UNREADABLE))


def resume(scenario, folder, before, verdict):
    """Goes on with what was broken off; starts anew where nothing was complete."""
    command = scenario.resume(folder)
    if command:
        outcome = scenario.run(command, folder)
        if outcome.exit_code != 0 and not outcome.hung and not scenario.begun(before):
            verdict.hold_words(scenario, "resume", outcome, False, (1, 2))
            verdict.notes.append(f"resume refuses: {outcome.err.strip()}")
            command = None
    else:
        verdict.notes.append("nothing to resume")
    if not command:
        outcome = scenario.run(scenario.start(folder), folder)
    verdict.hold_words(scenario, "resume", outcome, False, (0,))
    if outcome.exit_code != 0:
        verdict.problems.append(f"resume: {outcome.err.strip()[-300:]}")
    return outcome


def examine(scenario, reference, fault, folder):
    """One disturbed run and its resume; returns the row of results."""
    fresh(folder)
    scenario.prepare(folder)
    outcome = scenario.run(scenario.start(folder), folder, fault)
    before = outcome.calls[: fault.call - 1]
    call = outcome.calls[fault.call - 1] if len(outcome.calls) >= fault.call else None
    killed = fault.mode in ("kill", "torn")
    verdict = Verdict()
    verdict.hold_words(scenario, "run", outcome, killed, (0,) if fault.mode == "short" else (0, 1))
    if call is None:
        verdict.notes.append("the call never came")
    elif fault.mode not in call.modes():
        verdict.notes.append("another call came in its place")
    verdict.problems += [f"workers: {line.strip()!r}" for line in worker_words(f"{folder}/runs")]
    if not killed and not scenario.goes_on(before, outcome.out):
        verdict.problems.append("run: does not go on")
    left = {}
    try:
        verdict.problems += scenario.lost(folder, before)
        verdict.problems += scenario.faults(folder, outcome.exit_code == 0)
        if outcome.exit_code != 0 and not outcome.hung:
            left = {"left": run_files.left_behind(f"{folder}/runs")}
            again = resume(scenario, folder, before, verdict)
            if again.exit_code == 0:
                verdict.problems += [f"resumed: {text}" for text in scenario.faults(folder, True)]
        if not outcome.hung:
            verdict.hold_result(scenario, reference, folder, "warning: " in outcome.out + outcome.err,
                                call is not None and "/study.db" in call.path)
    except OSError as problem:
        verdict.problems.append(str(problem))
    row = {"scenario": scenario.name, "call": fault.call, "mode": fault.mode, "kind": call.kind if call else "",
           "path": call.path if call else "", "exit_code": outcome.exit_code, "problems": verdict.problems,
           "notes": verdict.notes, "err": outcome.err[-600:], **left}
    return without(row, folder)


def undisturbed(scenario, folder):
    """Twice, for times with warm caches, and to see that what is compared is the same each time."""
    reference = None
    for _ in range(2):
        fresh(folder)
        scenario.prepare(folder)
        outcome = scenario.run(scenario.start(folder), folder)
        if outcome.exit_code != 0:
            sys.exit(f"{scenario.name}, left alone, ends with {outcome.exit_code}: {outcome.err}")
        verdict = Verdict()
        verdict.problems += scenario.faults(folder, True)
        reference = reference or result_of(scenario, folder)
        verdict.hold_result(scenario, reference, folder, warned=False, in_study=False)
        if verdict.problems:
            sys.exit(f"{scenario.name}, left alone: " + "; ".join(verdict.problems))
    return outcome, reference


def all_faults(calls):
    return [injector.Fault(number, mode) for number, call in enumerate(calls, 1) for mode in call.modes()]


def sample(calls, faults, count):
    """So many of them: of each kind of call and mode in turn, anywhere in the run, the same in each session."""
    randomly = random.Random(1)
    groups = collections.defaultdict(list)
    for fault in faults:
        groups[calls[fault.call - 1].kind, fault.mode].append(fault)
    piles = list(groups.values())
    for pile in piles:
        randomly.shuffle(pile)
    randomly.shuffle(piles)
    chosen = []
    while len(chosen) < min(count, len(faults)):
        chosen += [pile.pop() for pile in piles if pile]
    return chosen[:count]


class Results:
    """A file of a row a fault, to which later sessions add."""

    def __init__(self, path, program):
        self.path = path
        with open(program, "rb") as file:
            self.program = hashlib.sha256(file.read()).hexdigest()[:16]
        self.rows = read_results(path) if path and os.path.exists(path) else []
        if any(row["program"] != self.program for row in self.rows):
            sys.exit(f"{path}: holds results of another program; name another file")
        self.known = {(row["scenario"], row["call"], row["mode"]) for row in self.rows}

    def add(self, row):
        row["program"] = self.program
        self.rows.append(row)
        if self.path:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")


def read_results(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.endswith("\n")]


def table(rows):
    """How many were made and how many showed a fault, by scenario, kind and mode."""
    for name in dict.fromkeys(row["scenario"] for row in rows):
        own = [row for row in rows if row["scenario"] == name]
        bad = sum(bool(row["problems"]) for row in own)
        print(f"\n{name}: {len(own)} runs, {bad} with a fault")
        print(f"{'':10}" + "".join(f"{mode:>12}" for mode in injector.MODES) + f"{'all':>12}")
        for kind in sorted({row["kind"] for row in own}) + [None]:
            line = f"{kind or ('all' if kind is None else '(none)'):10}"
            for mode in [*injector.MODES, None]:
                cell = [row for row in own if kind in (None, row["kind"]) and mode in (None, row["mode"])]
                faulty = sum(bool(row["problems"]) for row in cell)
                line += f"{f'{faulty} of {len(cell)}' if cell else '':>12}"
            print(line)


def describe(row):
    where = f"{row['scenario']} {row['call']} {row['kind']} {row['path']} {row['mode']}: exit code {row['exit_code']}"
    return where + "".join(f"\n    {problem}" for problem in row["problems"])


def sequence(scenario, outcome):
    faults = all_faults(outcome.calls)
    kinds = collections.Counter(call.kind for call in outcome.calls)
    print(f"{scenario.name}: {scenario.says}: {len(outcome.calls)} calls ("
          + ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
          + f"), {len(faults)} disturbed runs, about {2 * outcome.seconds * len(faults) / 3600:.1f} h one at a time",
          flush=True)
    return faults


def disturb(scenario, given, results, scratch, deadline):
    outcome, reference = undisturbed(scenario, f"{scratch}/whole")
    faults = sequence(scenario, outcome)
    if given.list:
        for number, call in enumerate(outcome.calls, 1):
            print(f"{number:5} {call.kind:10} {call.path}")
        return True
    if given.sample:
        faults = sample(outcome.calls, faults, given.sample)
    faults = [fault for fault in faults[:: given.every]
              if (scenario.name, *fault) not in results.known and (not given.call or fault.call in given.call)
              and (not given.mode or fault.mode in given.mode)
              and (not given.kind or outcome.calls[fault.call - 1].kind in given.kind)]
    waiting = collections.deque(faults[: given.limit])
    with futures.ProcessPoolExecutor(given.jobs) as pool:
        running, free = {}, [f"{scratch}/{job}" for job in range(given.jobs)]
        while running or (waiting and time.monotonic() < deadline):
            while waiting and free and time.monotonic() < deadline:
                folder = given.keep or free.pop()
                running[pool.submit(examine, scenario, reference, waiting.popleft(), folder)] = folder
            for done in futures.wait(running, return_when=futures.FIRST_COMPLETED).done:
                free.append(running.pop(done))
                results.add(done.result())
                if results.rows[-1]["problems"] or given.verbose:
                    print(describe(results.rows[-1]), flush=True)
    if waiting:
        print(f"{scenario.name}: {len(waiting)} are left; the same command goes on with them")
    return not waiting


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", help="the onecycle to run")
    parser.add_argument("--scenario", nargs="+", choices=SCENARIOS, default=["train", "search", "tune"], metavar="NAME",
                        help="; ".join(f"{name}: {kind.says}" for name, kind in SCENARIOS.items()))
    parser.add_argument("--results", metavar="FILE",
                        help="results, a line of JSON each; what is in it is not made again")
    parser.add_argument("--report", action="store_true", help="print what FILE holds, and stop")
    parser.add_argument("--list", action="store_true", help="print the calls of a run left alone, and stop")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every N-th disturbed run only")
    parser.add_argument("--sample", type=int, metavar="N", help="N for each scenario, of all kinds of calls and modes")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N for each scenario")
    parser.add_argument("--minutes", type=float, default=1e6, metavar="M", help="begin no more after so long")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many at a time")
    parser.add_argument("--call", type=int, nargs="+", metavar="K", help="the K-th call only")
    parser.add_argument("--mode", nargs="+", choices=injector.MODES, metavar="MODE", help="these modes only")
    parser.add_argument("--kind", nargs="+", metavar="KIND", help="these kinds of calls only")
    parser.add_argument("--keep", metavar="FOLDER", help="make the run there, and leave it")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell of runs without a fault as well")
    given = parser.parse_args()
    if given.report and not given.results:
        parser.error("--report needs --results")
    if not given.report and not given.program:
        parser.error("--program is missing")
    if given.keep and given.jobs > 1:
        parser.error("--keep goes with one at a time")
    return given


def main():
    given = arguments()
    if given.report:
        rows = read_results(given.results)
        for row in rows:
            if row["problems"]:
                print(describe(row))
        table(rows)
        return 1 if any(row["problems"] for row in rows) else 0
    missing = seccomp.why_not()
    if missing:
        print(f"skipped: {missing}")
        return SKIPPED
    deadline = time.monotonic() + 60 * given.minutes
    results = Results(given.results, given.program)
    earlier = len(results.rows)
    # In memory: there, the flushes cost nothing.
    place = "/dev/shm" if "TMPDIR" not in os.environ and os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="onecycle-faults-", dir=place) as scratch:
        for name in given.scenario:
            disturb(SCENARIOS[name](os.path.abspath(given.program)), given, results, scratch, deadline)
    made = results.rows[earlier:]
    table(made)
    return 1 if any(row["problems"] for row in made) else 0


if __name__ == "__main__":
    sys.exit(main())
