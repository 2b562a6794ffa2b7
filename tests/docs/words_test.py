#!/usr/bin/env python3
"""Every command and option of onecycle that a page names, in a line or in a block, is one that --help tells of.

    words_test.py PROGRAM
"""
import re
import subprocess
import sys
import unittest
from functools import lru_cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from pages import PAGES, ROOT, commands, inline_code  # noqa: E402

# Options of Slurm and torchrun that pages name alone.
ELSEWHERE = {"--gpu-bind", "--gpus-per-task", "--standalone"}

# After `onecycle`, what is no command: an option, a place for one.
CALL = re.compile(r"(?:^|[\s/;(])onecycle +([a-z][a-z-]*)(?![\w/])((?: [^;|`]*)?)")


@lru_cache(maxsize=None)
def help_text(command=""):
    words = [Words.program, *([command] if command else []), "--help"]
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout


def command_names():
    listed = help_text().split("Commands:")[1].split("\n\n")[0]
    return set(re.findall(r"^  ([a-z-]+) ", listed, re.MULTILINE))


def options(command):
    return set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", help_text(command), re.MULTILINE))


def options_of_scripts():
    """Those of what else is in the repository: bench/, tools/, tests/ and what is beside them."""
    scripts = [file for folder in ("bench", "tools", "tests/endurance", "tests/golden") for file in (ROOT / folder).rglob("*")
               if file.is_file() and file.stat().st_size < 100_000 and file.suffix in ("", ".py", ".cpp")]
    return {option for file in scripts for option in re.findall(r"--[a-z][a-z-]*", file.read_text(errors="replace"))}


class Words(unittest.TestCase):
    program = ""

    def test_help_is_read(self):
        self.assertIn("train", command_names())
        self.assertIn("--resume", options("train"))
        self.assertIn("--quiet", options("train"))

    def test_commands_and_their_options_are_there(self):
        known, calls = command_names(), 0
        for page in PAGES:
            for code in commands(page) + inline_code(page):
                for command, rest in CALL.findall(code):
                    with self.subTest(f"{page}: {code}"):
                        calls += 1
                        self.assertIn(command, known)
                        for option in re.findall(r"(?:^|[\s\[(])(--[a-z][a-z-]*)", rest):
                            self.assertIn(option, options(command))
        print(f"{calls} calls of onecycle")
        self.assertGreater(calls, 50)

    def test_options_named_alone_are_of_some_command(self):
        known = set().union(*(options(command) for command in command_names()))
        known |= options_of_scripts() | ELSEWHERE
        for page in PAGES:
            for code in inline_code(page):
                if re.fullmatch(r"--[a-z][a-z-]*([ =].*)?", code):
                    with self.subTest(f"{page}: {code}"):
                        for option in re.findall(r"(?:^|\s)(--[a-z][a-z-]*)", code):
                            self.assertIn(option, known)

    def test_what_no_gpu_has_seen_is_marked_so(self):
        if "Nothing of this list has met a GPU yet" not in (ROOT / "docs/gpu.md").read_text():
            self.skipTest("a GPU has seen some of it: see docs/gpu.md for what to unmark in README.md")
        readme = (ROOT / "README.md").read_text()
        self.assertIn("\n¹ Nothing has run on a GPU yet", readme)
        for row in re.findall(r"^\|.*\bGPUs?\b.*\|$", readme, re.MULTILINE):
            self.assertRegex(row, r"GPUs?¹")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    Words.program = sys.argv[1]
    unittest.main(argv=sys.argv[:1])
