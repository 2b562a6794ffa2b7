"""The figures of a group: rounds of one turn each."""
import sys

from interleave import Program, Turn, Watch


def in_rounds(group, turn, rounds):
    """Lists a round of {name: Turn}; who begins moves on from round to round."""
    taken = []
    for number in range(rounds):
        first = number % len(group.variants)
        taken.append({variant.name: turn(variant) for variant in group.variants[first:] + group.variants[:first]})
        print(f"{group.name}: round {number + 1} of {rounds}", file=sys.stderr)
    return taken


def speeds(group):
    """Seconds a step, and the seconds of each one's first step."""
    programs = {}
    try:
        for variant in group.variants:
            programs[variant.name] = Program(variant).ready()
            print(f"{group.name}: {variant.name} is ready", file=sys.stderr)
        first = {name: program.turn(1).figure for name, program in programs.items()}
        taken = in_rounds(group, lambda variant: programs[variant.name].turn(group.steps), group.rounds + 1)
    finally:
        for program in programs.values():
            program.close()
    return taken[1:], first


def start(group):
    """Seconds from start to the end of the first steps; an extra round warms the page cache."""
    def turn(variant):
        watch = Watch()
        program = Program(variant).ready()
        program.ask(group.steps)
        taken = Turn(watch.seconds(), watch.foreign(program.cpu_seconds()))
        program.close()
        return taken
    return in_rounds(group, turn, group.rounds + 1)[1:], {}


def memory(group):
    """Peak megabytes, which no other program disturbs."""
    def turn(variant):
        program = Program(variant).ready()
        program.ask(group.steps)
        taken = Turn(program.peak_megabytes(), 0.0)
        program.close()
        return taken
    return in_rounds(group, turn, group.rounds), {}


def whole(group):
    """Seconds of a whole piece of work, whose first time is no news."""
    return speeds(group)[0], {}


MEASURES = {"custom_module": (whole, "ms a run", 1e3), "predictor": (whole, "ms a call", 1e3),
            "start": (start, "s", 1.0), "memory": (memory, "MB", 1.0)}


def measure(group):
    """Rounds, first steps, the unit of the figures and what they are multiplied with to be in it."""
    way, unit, scale = MEASURES.get(group.name, (speeds, "ms a step", 1e3))
    rounds, first = way(group)
    return rounds, first, unit, scale
