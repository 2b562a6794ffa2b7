"""The figures of a group: rounds of one turn each."""
import sys

from interleave import Ended, Program, Turn, Watch


def in_rounds(group, turn, rounds):
    """Lists a round of {name: Turn}; who begins moves on from round to round."""
    taken = []
    for number in range(rounds):
        first = number % len(group.variants)
        taken.append({variant.name: turn(variant) for variant in group.variants[first:] + group.variants[:first]})
        print(f"{group.name}: round {number + 1} of {rounds}", file=sys.stderr)
    return taken


def leave_out(group, variant, error):
    group.variants.remove(variant)
    group.notes.append(f"without {variant.name}: {str(error).strip().splitlines()[-1]}")
    print(f"{group.name}: {error}", file=sys.stderr)
    if group.reference == variant.name:
        group.reference = group.variants[-1].name


def speeds(group):
    """Seconds a step, and the seconds of each one's first step."""
    programs, first = {}, {}
    try:
        for variant in list(group.variants):
            try:
                programs[variant.name] = Program(variant).ready()
                print(f"{group.name}: {variant.name} is ready", file=sys.stderr)
                first[variant.name] = programs[variant.name].turn(1).figure
            except (Ended, OSError) as error:
                if not group.spare or variant is group.variants[0]:
                    raise
                leave_out(group, variant, error)
                programs.pop(variant.name, None)
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
