"""What is read from the output of a visit's parts, what is wanted of it, and the one table."""
import json
import math
import re
import statistics

from gpu_plan import outcome


def events(output):
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def trained(output):
    """Of `train --json`, with --seeds of each run: how they ended, losses of the log points, warnings."""
    told = events(output)
    return {"ends": [e for e in told if e["event"] == "finished"],
            "losses": [e["train_loss"] for e in told if e["event"] == "log"],
            "warnings": [e["message"] for e in told if e["event"] == "warning"]}


def evaluated(output):
    """Of `train --json` under gpu_memory.py: the test losses of its evaluations, the median seconds of the later half, after
    whatever is recorded was, and the memory in use."""
    told = events(output)
    evaluations = [e for e in told if e["event"] == "evaluated"]
    spent = [e["seconds"] - e["train_seconds"] for e in evaluations]
    each = [after - before for before, after in zip(spent, spent[1:])]
    return {"losses": [e["test_loss"] for e in evaluations], "seconds": statistics.median(each[len(each) // 2:]),
            "mib": next(e["mib"] for e in told if e["event"] == "memory"),
            "warnings": [e["message"] for e in told if e["event"] == "warning"]}


def json_lines(output):
    return events(output)


def cases(output):
    """Of GoogleTest programs."""
    return {name.lower(): len(re.findall(rf"^\[ +{name} \] .*\(\d+ ms\)$", output, re.M))
            for name in ("OK", "FAILED", "SKIPPED")}


def last_lines(output):
    return output.splitlines()[-12:]


def from_file(file):
    """What bench/run --json wrote: ours over theirs, the median of each row."""
    def read(_):
        return {group["title"]: {name: statistics.median(row["ours"]) for name, row in group["rows"].items()}
                for group in json.loads(file.read_text())}
    return read


def accuracy(end):
    return end["test_accuracy"]


def largest_difference(some, others):
    """Between losses of as many steps; None where there are none, or another number of them."""
    if not some or len(some) != len(others):
        return None
    differences = [abs(a - b) for a, b in zip(some, others)]
    return math.inf if any(map(math.isnan, differences)) else max(differences)


# Row: (what, result, wanted, whether it was reached; None: nothing to reach)
def of_tests(name, read):
    text = f"{read['ok']} passed, {read['failed']} failed, {read['skipped']} skipped"
    return name, text, "all pass", read["failed"] == 0 and read["ok"] > 0


def of_speeds(name, read, wanted):
    """Rows of bench/run; `wanted`: {the beginning of a peer's name: ratio}."""
    rows = []
    for start, least in wanted.items():
        if not any(peer.startswith(start) for ratios in read.values() for peer in ratios):
            rows.append((f"{name}: as fast as {start}", "it did not run", f">= {least} x", False))
    for ratios in read.values():
        for peer, ratio in ratios.items():
            least = next((least for start, least in wanted.items() if peer.startswith(start)), None)
            if not peer.startswith("onecycle"):
                rows.append((f"{name}: as fast as {peer}", f"{ratio:.2f} x", f">= {least} x" if least else "",
                             ratio >= least if least else None))
    return rows


def of_one_part(part, result):
    """The rows that a part's own output gives."""
    read = result.get("read")
    if outcome(result) not in ("done", "saved, goes on") or read is None:
        return []
    if part.read is cases:
        return [of_tests(part.name, read)]
    if part.read is evaluated:
        memory = f"{read['mib']} MiB in use" if read["mib"] else "memory not seen"
        return [(part.name, "; ".join([f"{read['seconds']:.4f} s an evaluation", memory, *read["warnings"]]), "", None)]
    if part.read is json_lines and read:
        runs = [run["train_seconds"] for run in read]
        text = f"first {runs[0]:.2f} s, best {min(runs):.2f} s; {statistics.mean(map(accuracy, read)):.2%}"
        return [(part.name, text, "", None)]
    end = read["ends"][-1] if part.read is trained and read["ends"] else {}
    if end.get("test_accuracy") is not None and end.get("stop_reason") != "interrupted":
        reached = accuracy(end) >= float(part.wanted) if part.wanted else None
        text = f"{accuracy(end):.2%} in {end['train_seconds']:.2f} s of training, {result['seconds']:.1f} s in all"
        return [(part.name, text, f">= {float(part.wanted):.1%}" if part.wanted else "", reached)]
    if isinstance(read, dict) and part.read not in (trained, cases):
        wanted = dict(pair.split("=") for pair in part.wanted.split(";") if pair)
        return of_speeds(part.name, read, {name: float(ratio) for name, ratio in wanted.items()})
    return []


class Results:
    """Of all visits by a part's name."""

    def __init__(self, visits, state):
        self.results = {part.name: state.of(visit, part) for visit in visits for part in visit.parts}

    def read(self, name):
        result = self.results.get(name) or {}
        return result.get("read") if result.get("exit_code") == 0 else None

    def seconds(self, name):
        return self.results[name]["seconds"]

    def losses(self, name):
        return (self.read(name) or {}).get("losses")

    def runs(self, *names):
        """The ends of the runs of these parts."""
        return [end for name in names for end in (self.read(name) or {}).get("ends", [])]


def of_losses(results, number, what, one, other, most, unit="steps"):
    one, other = results.losses(one), results.losses(other)
    if one is None or other is None:
        return []
    difference = largest_difference(one, other)
    if difference is None:
        return [(number, what, f"{len(one)} and {len(other)} losses", f"<= {most:g}", False)]
    return [(number, what, f"{difference:.3g} over {len(one)} {unit}", f"<= {most:g}", difference <= most)]


def of_evaluations(results, number, net, graph, plain):
    """Whether recorded evaluations are the plain ones, and what they save and cost."""
    rows = of_losses(results, number, f"{net}: test losses of recorded evaluations and of plain ones, largest difference",
                     graph, plain, 0, "evaluations")
    one, other = results.read(graph), results.read(plain)
    if one and other:
        memory = f"{one['mib'] - other['mib']:+} MiB" if one["mib"] and other["mib"] else "memory not seen"
        rows.append((number, f"{net}: recorded evaluations, of plain ones", f"{one['seconds'] / other['seconds']:.2f} of the "
                     f"time, {memory}", "", None))
    return rows


SEEDS = ("cifar10-94, seeds 1-5", "cifar10-94, seeds 6-10")
COLD, COMPILED = "cifar10-94, cold", "airbench94 compiled, warm"


def of_several_parts(visits, state):
    """(visit, *row)"""
    results = Results(visits, state)
    rows = []
    for net in ("mlp", "resnet20", "cifar_fast"):
        rows += of_losses(results, 1, f"{net}: losses with and without graph, largest difference",
                          f"{net}, graph on", f"{net}, graph off", 0)
    rows += of_losses(results, 1, "mlp: losses of two ranks and of one, largest difference", "two ranks on one GPU",
                      "mlp, graph off", 1e-4)
    rows += of_evaluations(results, 1, "cifar_fast", "cifar_fast, evaluation graph on", "cifar_fast, evaluation graph off")
    runs = results.runs(*SEEDS)
    if runs:
        mean = statistics.mean(map(accuracy, runs))
        rows.append((2, "cifar10-94: mean accuracy", f"{mean:.2%} of {len(runs)} seeds", ">= 94.0% of 10",
                     len(runs) >= 10 and mean >= 0.94))
    if results.read(COLD):
        seconds = results.seconds(COLD)
        rows.append((2, "cifar10-94: cold, from exec to result", f"{seconds:.1f} s", "<= 10 s", seconds <= 10))
    theirs = results.read(COMPILED)
    if runs and theirs:
        # The first run of a process is cold: cuDNN chooses, the graph is recorded, theirs compiles.
        warm = [run["train_seconds"] for name in SEEDS for run in results.runs(name)[1:]]
        if warm and len(theirs) > 1:
            ratio = statistics.median(warm) / statistics.median(run["train_seconds"] for run in theirs[1:])
            rows.append((3, "cifar10-94: warm, of airbench94 compiled", f"{ratio:.2f}", "<= 0.8", ratio <= 0.8))
    return rows


HEAD = ("visit", "what", "result", "wanted", "verdict", "seconds")


def table(visits, state, only=None):
    """Rows of text: of every part, what it gave or that it did not; `only`: of one visit."""
    rows, shared = [], of_several_parts(visits, state)
    for visit in visits:
        if only not in (None, visit.number):
            continue
        for part in visit.parts:
            result = state.of(visit, part)
            seconds = f"{result['seconds']:.0f}" if result and "seconds" in result else ""
            given = of_one_part(part, result) if result else []
            for what, text, wanted, reached in given:
                rows.append((str(visit.number), what, text, wanted, verdict(reached), seconds))
            if not given:
                rows.append((str(visit.number), part.name, "", "", outcome(result), seconds))
        rows += [(str(number), what, text, wanted, verdict(reached), "")
                 for number, what, text, wanted, reached in shared if number == visit.number]
    return rows


def verdict(reached):
    return {None: "done", True: "reached", False: "MISSED"}[reached]


def as_text(rows):
    widths = [max(len(row[i]) for row in [HEAD, *rows]) for i in range(len(HEAD))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in [HEAD, *rows])


def as_markdown(rows, state):
    """The table for docs/gpu.md, under where and when it was seen."""
    seen = sorted({tuple(result["seen"].get(key, "?") for key in ("date", "card", "driver", "version"))
                   for results in state.results.values() for result in results.values() if "seen" in result})
    lines = [f"{date}: {card}, driver {driver}, onecycle {version}" for date, card, driver, version in seen]
    body = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([*(line + "  " for line in lines), "", "| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD), *body])
