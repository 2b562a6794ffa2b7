"""What a visit to a GPU is, what of it is done, and how a part of it runs. Nothing here knows what the parts are."""
import json
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Callable

VISIT_SECONDS = 240
SAVING_SECONDS = 15  # from SIGTERM to the end of a run that saves itself
TAIL = 4000          # characters of output that a part leaves in the state
SAVED = 128 + signal.SIGTERM


def nothing(_):
    return None


@dataclass(frozen=True)
class Part:
    name: str
    usual: int  # seconds that it takes, for the plan: it does not start with less left
    limit: int  # seconds after which it is ended
    command: Callable[[], list] | list  # the first: chosen when it starts
    read: Callable[[str], object] = nothing  # of what it printed
    wanted: str = ""
    needs: tuple = ()
    environment: dict = field(default_factory=dict)
    # At the end of the visit's time it gets SIGTERM, saves (exit code 143) and is gone on with: "" for other parts,
    # "next" where a later part does that, "here" where this one does.
    goes_on: str = ""
    empties: Path | None = None  # a folder that is emptied first

    def words(self):
        return [str(word) for word in (self.command() if callable(self.command) else self.command)]

    def text(self):
        return " ".join([*(f"{k}={shlex.quote(v)}" for k, v in self.environment.items()), shlex.join(self.words())])


@dataclass(frozen=True)
class Visit:
    number: int
    title: str
    parts: tuple

    def usual(self):
        return sum(part.usual for part in self.parts)


class State:
    """Results of parts in one JSON file, by visit and name."""

    def __init__(self, file):
        self.file = file
        self.results = {}
        if file.exists():
            self.results = json.loads(file.read_text()).get("visits", {})

    def of(self, visit, part):
        return self.results.get(str(visit.number), {}).get(part.name)

    def put(self, visit, part, result):
        before = self.of(visit, part)
        if "exit_code" not in result and before and "exit_code" in before:
            return  # left out today: what it gave the last time stands
        self.results.setdefault(str(visit.number), {})[part.name] = result
        partial = self.file.with_name(self.file.name + ".part")
        partial.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps({"visits": self.results}, indent=1) + "\n")
        partial.replace(self.file)

    def is_done(self, visit, part):
        code = (self.of(visit, part) or {}).get("exit_code")
        return code == 0 or (code == SAVED and part.goes_on == "next")

    def has_run(self, visit, part):
        result = self.of(visit, part) or {}
        unfinished = part.goes_on and (result.get("exit_code") == SAVED or "over" in result)
        return self.is_done(visit, part) or ("exit_code" in result and not unfinished)


def lacking(part, lacks):
    """Why it cannot run here: of `lacks`, {need: why}."""
    return "; ".join(lacks[need] for need in part.needs if need in lacks)


def is_ticked_off(visit, state, lacks):
    """Whether all that can run here has run, well or badly."""
    return all(state.has_run(visit, part) for part in visit.parts if not lacking(part, lacks))


def next_visit(visits, state, lacks):
    """None: all are ticked off."""
    return next((visit for visit in visits if not is_ticked_off(visit, state, lacks)), None)


def do_visit(visit, state, lacks, run, say=print, again=False, clock=time.monotonic):
    """Runs what is not done, in order. `run(part, seconds)` gives a result; what lacks something or would not end in
    time is left out, and says so."""
    began = clock()
    for part in visit.parts:
        if state.is_done(visit, part) and not again:
            continue
        left = VISIT_SECONDS - (clock() - began)
        why = lacking(part, lacks)
        if not why and part.usual > left:
            why = f"takes {part.usual} s, {max(0, left):.0f} s were left"
        result = {"left_out": why} if why else run(part, min(part.limit, left))
        state.put(visit, part, result)
        say(f"visit {visit.number}: {part.name}: {outcome(result)}")


def outcome(result):
    """In one phrase."""
    if not result:
        return "to be run"
    if "left_out" in result:
        return f"left out: {result['left_out']}"
    if result.get("over"):
        return f"FAILED: ended after {result['over']:.0f} s"
    if result["exit_code"] == SAVED:
        return "saved, goes on"
    if result["exit_code"] is None:
        return f"FAILED: {result['why']}"
    if result.get("unreadable"):
        return f"FAILED: unreadable output: {result['unreadable']}"
    return "done" if result["exit_code"] == 0 else f"FAILED: exit code {result['exit_code']}"


def wait(process, part, seconds):
    """Whether it ended by itself, or saved itself when asked; what did not is killed with its whole process group."""
    asked = bool(part.goes_on)
    try:
        process.wait(timeout=max(1, seconds - SAVING_SECONDS) if asked else seconds)
        return True
    except subprocess.TimeoutExpired:
        pass
    if asked:
        process.terminate()
        try:
            process.wait(timeout=SAVING_SECONDS)
            return True
        except subprocess.TimeoutExpired:
            pass
    return False


def end_group(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)  # the group that it leads
    except ProcessLookupError:
        pass
    process.wait()


def run_part(part, seconds, root, seen):
    """Runs it in `root` for at most so many seconds. `seen`: card, driver, date and version, kept with the result."""
    result = {"command": part.text(), "seen": {**seen, "date": datetime.now(timezone.utc).date().isoformat()}}
    if part.empties:
        shutil.rmtree(part.empties, ignore_errors=True)
    began = time.monotonic()
    with tempfile.TemporaryFile("w+", errors="replace") as out, tempfile.TemporaryFile("w+", errors="replace") as errors:
        try:
            process = subprocess.Popen(part.words(), cwd=root, stdin=subprocess.DEVNULL, stdout=out, stderr=errors,
                                       env={**os.environ, **part.environment}, start_new_session=True)
        except OSError as error:
            return {**result, "exit_code": None, "why": str(error), "seconds": 0}
        try:
            ended = wait(process, part, seconds)
        finally:
            end_group(process)  # its children too, and those of a visit that is broken off
        result["seconds"] = round(time.monotonic() - began, 2)
        result["exit_code"] = process.returncode if process.returncode >= 0 else 128 - process.returncode
        if not ended:
            result["over"] = seconds
        out.seek(0)
        errors.seek(0)
        output = out.read()
        result["stdout"], result["stderr"] = output[-TAIL:], errors.read()[-TAIL:]
    try:
        result["read"] = part.read(output)
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        result["read"] = None
        if result["exit_code"] == 0:
            result["unreadable"] = f"{type(error).__name__}: {error}"
    return result
