"""What the golden files of a network and of an optimizer share: numbers by formula, cases as text, the check.

A file holds one case in several lines: `case NAME KEY=VALUE…`, then any number of `KEY number…` lines. C++ reads
it with tests/support/golden.h.
"""

import argparse
import sys

SKIPPED = 77


def import_torch():
    """PyTorch; ends the program with 77 (skipped) where it is missing or older than 2.11."""
    try:
        import torch
    except ImportError as error:
        print(f"skipped: needs Python with torch >= 2.11 ({sys.executable}: {error}); name one in ONECYCLE_PYTHON")
        sys.exit(SKIPPED)
    if tuple(map(int, torch.__version__.split("+")[0].split(".")[:2])) < (2, 11):
        print(f"skipped: needs torch >= 2.11, found {torch.__version__}; name another Python in ONECYCLE_PYTHON")
        sys.exit(SKIPPED)
    return torch


def fnv1a(text):
    result = 0xCBF29CE484222325
    for byte in text.encode():
        result = (result ^ byte) * 0x100000001B3 % 2**64
    return result


def formula(name, count, scale):
    """`count` numbers in [-scale/2, scale/2), the same as tests/support/formula.h gives to the last bit."""
    import numpy

    index = numpy.arange(count, dtype=numpy.uint64)
    bits = (index + numpy.uint64(fnv1a(name) % 2**32)) * numpy.uint64(0x9E3779B1)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        bits &= numpy.uint64(0xFFFFFFFF)
        bits = (bits ^ (bits >> numpy.uint64(shift))) * numpy.uint64(factor)
    bits &= numpy.uint64(0xFFFFFFFF)
    return ((bits >> numpy.uint64(8)).astype(numpy.float64) / 2**24 - 0.5) * scale


def case(name, **options):
    return f"case {name} " + " ".join(f"{key}={value}" for key, value in options.items())


def write(cases, file, source):
    with open(file, "w") as out:
        out.write(f"# {source}\n")
        for head, lines in cases:
            out.write(head + "\n")
            for key, numbers in lines:
                out.write(" ".join([key, *map(repr, map(float, numbers))]) + "\n")


def check(cases, golden, tolerance, giver):
    """Compares heads and keys exactly and numbers to `tolerance`; returns the exit code."""
    found = iter([line for line in golden.read_text().splitlines() if not line.startswith("#")])
    count = 0
    for head, lines in cases:
        count += 1
        if next(found, "") != head:
            print(f"{golden.name}: `{head}` is not where it was; rewrite the file with --write")
            return 1
        for key, numbers in lines:
            words = next(found, "").split()
            numbers = list(map(float, numbers))
            if words[:1] != [key] or len(words) != len(numbers) + 1 or any(
                    abs(float(a) - b) > tolerance * max(1.0, abs(b)) for a, b in zip(words[1:], numbers)):
                print(f"{golden.name} is not what the installed {giver} gives: {key} of `{head}`")
                return 1
    if next(found, None) is not None:
        print(f"{golden.name} holds more than its generator; rewrite it with --write")
        return 1
    print(f"{golden.name}: {count} cases, as the installed {giver} gives them")
    return 0


def main(description, golden, grid, dense_grid, tolerance, giver="torch"):
    """`giver`: the library whose numbers they are, with its version unless it is torch."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="writes the golden file")
    parser.add_argument("--check", action="store_true", help="compares it with what the installed torch gives")
    parser.add_argument("--dense", metavar="FILE", help="writes far more cases or numbers to FILE")
    arguments = parser.parse_args()
    torch_version = f"torch {import_torch().__version__.split('+')[0]}"
    versions = torch_version if giver == "torch" else f"{giver}, {torch_version}"
    source = f"{golden.with_suffix('.py').name}; {versions}"
    if arguments.write:
        write(grid(), golden, source)
    if arguments.check and (failed := check(grid(), golden, tolerance, giver)):
        return failed
    if arguments.dense:
        write(dense_grid(), arguments.dense, source)
    return 0
