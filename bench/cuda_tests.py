#!/usr/bin/env python3
"""cuda_tests.py BUILD FILTER [ROOMS COMMAND...]: the cases of all test programs that match, or of those in the folders
ROOMS (a list with commas), each under COMMAND, at most eight programs at a time; their output follows when
each has ended. Exit code 1 where one fails, ends by a signal or takes longer than a minute, or where
none ran."""
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SECONDS = 60


def run(program, words, under):
    with tempfile.TemporaryDirectory() as folder:
        try:
            result = subprocess.run([*under, program, f"--gtest_filter={words}"], cwd=folder, stdin=subprocess.DEVNULL, text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace", timeout=SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{error}\n[  FAILED  ] {program.name} (0 ms)\n", True
    output, failed = result.stdout, result.returncode != 0
    if failed and not re.search(r"^\[  FAILED  \]", output, re.M):
        output += f"\n[  FAILED  ] {program.name}, exit code {result.returncode} (0 ms)\n"
    return output, failed


def main():
    build, words, under = Path(sys.argv[1]), sys.argv[2], sys.argv[4:]
    rooms = sys.argv[3].split(",") if len(sys.argv) > 3 else None
    # Those of tests/fuzz are no GoogleTest programs.
    programs = sorted(path for path in build.glob("tests/*/test_*")
                      if path.is_file() and path.suffix == "" and path.parent.name != "fuzz"
                      and (rooms is None or path.parent.name in rooms))
    if not programs:
        sys.exit(f"cuda_tests.py: no test programs in {build}/tests: build them, or use a bundle")
    failures = passed = 0
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for program, (output, failed) in zip(programs, pool.map(lambda program: run(program, words, under), programs)):
            failures += failed
            ran = re.findall(r"^\[       OK \].*", output, re.M)
            passed += len(ran)
            if failed or ran or "SKIPPED" in output:
                print(f"{program.parent.name}/{program.name}\n{output}", flush=True)
    if passed == 0:
        print("cuda_tests.py: no case ran: there is no GPU here, or the build has no CUDA", file=sys.stderr)
    return 1 if failures or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
