"""Programs that train in turns, and what else the machine did meanwhile.

Speeds of a shared machine drift by half within minutes: only ratios of turns taken next to one another hold. All
programs stay alive; between turns they wait for a line and use no processor.
"""
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass

TICK = os.sysconf("SC_CLK_TCK")
# A program that spins while it waits for work would slow the one whose turn it is.
PASSED_ON = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_", "KMP_"))}


def busy_seconds():
    """Of all processors since boot, and how many there are."""
    with open("/proc/stat") as stat:
        lines = [line.split() for line in stat if line.startswith("cpu")]
    user, nice, system, _, _, irq, softirq, steal = map(int, lines[0][1:9])
    return (user + nice + system + irq + softirq + steal) / TICK, len(lines) - 1


@dataclass
class Turn:
    figure: float   # seconds, or whatever is compared
    foreign: float  # share of all processors' time that others used meanwhile
    cpu: float = 0.0  # seconds of processors' time that it took, as `figure` is counted


class Watch:
    """What others use from now on, while a program has used `own` seconds so far."""

    def __init__(self, own=0.0):
        self.busy, self.processors = busy_seconds()
        self.own, self.began = own, time.perf_counter()

    def seconds(self):
        return time.perf_counter() - self.began

    def foreign(self, own):
        return max(0.0, busy_seconds()[0] - self.busy - (own - self.own)) / (self.seconds() * self.processors)


class Ended(Exception):
    """A program ended before its answer."""


class Program:
    def __init__(self, variant):
        self.command = [str(part) for part in variant.command]
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
                                        text=True, env={**PASSED_ON, **variant.environment})

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            raise Ended(f"{' '.join(self.command)} ended:\n{self.log.read()[-3000:]}")
        return line.strip()

    def ready(self):
        self.answer()
        return self

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return sum(int(field) for field in fields[11:15]) / TICK

    def peak_megabytes(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

    def ask(self, steps):
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        return float(self.answer())

    def turn(self, steps):
        before = self.cpu_seconds()
        watch = Watch(before)
        seconds = self.ask(steps)
        after = self.cpu_seconds()
        foreign = watch.foreign(after)
        time.sleep(0.05)  # its threads go to sleep
        return Turn(seconds / steps, foreign, (after - before) / steps)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()
