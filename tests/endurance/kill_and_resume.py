#!/usr/bin/env python3
"""Kills a run at random moments, resumes it each time, and holds the result against a run left alone.

    tests/endurance/kill_and_resume.py ./onecycle recipes/quickstart.yaml --kills 20 --set train.duration=250ep

Ends with exit code 1 where a weight, the optimizer's state or a CSV row (but for its timings) differs.
Minutes long: not part of tests/run, which has a short form of it (tests/integration/resume_test.cpp).
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

from runs import differences


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("recipe")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], help="recipe overrides, as onecycle takes them")
    given = parser.parse_args()
    randomly = random.Random(given.seed)
    folder = tempfile.mkdtemp(prefix="onecycle-kill-")
    overrides = [word for key in given.set + [f"output.dir={folder}", "name=run"] for word in ("--set", key)]
    quiet = {"stdout": subprocess.DEVNULL}

    begun = time.monotonic()
    subprocess.run([given.program, "train", given.recipe, *overrides], check=True, **quiet)
    length = time.monotonic() - begun
    print(f"left alone: {length:.0f} s", flush=True)

    whole, parts = f"{folder}/run/1", f"{folder}/run/2"
    command = [given.program, "train", given.recipe, *overrides]
    for kill in range(given.kills):
        process = subprocess.Popen(command, **quiet)
        # On average the kills are spread over the whole run.
        wait = randomly.uniform(0.2, 2 * length / (given.kills + 1))
        try:
            process.wait(wait)
            print(f"kill {kill + 1}: it had ended by itself (exit code {process.returncode})", flush=True)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            print(f"kill {kill + 1}: after {wait:.1f} s", flush=True)
        if os.path.isdir(parts):
            command = [given.program, "train", "--resume", parts]
    subprocess.run(command, check=True, **quiet)

    found = differences(whole, parts)
    print("identical" if not found else "DIFFERENT: " + ", ".join(found))
    print(f"runs in {folder}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
