"""Ratios of a group's rounds, as a table and as JSON."""
import statistics

ENOUGH = 3  # undisturbed rounds


def quartiles(values):
    if len(values) == 1:
        return values * 3
    return statistics.quantiles(values, n=4, method="inclusive")


def spread(values, digits=2):
    low, middle, high = quartiles(values)
    return f"{middle:.{digits}f} [{low:.{digits}f}–{high:.{digits}f}]"


def chosen(rounds, limit):
    """The rounds that count, and a remark on the others."""
    shares = [max(turn.foreign for turn in turns.values()) for turns in rounds]
    quiet = [turns for turns, share in zip(rounds, shares) if share <= limit]
    disturbed = len(rounds) - len(quiet)
    if disturbed == 0:
        return rounds, "no round was disturbed"
    what = f"{disturbed} of {len(rounds)} rounds disturbed (others used more than {limit:.0%} of the processors)"
    if len(quiet) < min(ENOUGH, len(rounds)):
        return rounds, f"{what}: all are counted, so take these figures with care"
    return quiet, f"{what}, left out"


def result(group, rounds, first, unit, scale, limit):
    counted, remark = chosen(rounds, limit)
    rows = {}
    for variant in group.variants:
        figures = [turns[variant.name].figure for turns in counted]
        rows[variant.name] = {
            "median": statistics.median(figures) * scale,
            "ratio": [turns[group.reference].figure / turns[variant.name].figure for turns in counted],
            "ours": [turns[variant.name].figure / turns[group.variants[0].name].figure for turns in counted],
            "first_step_seconds": first.get(variant.name)}
    return {"group": group.name, "title": group.title, "unit": unit, "reference": group.reference,
            "ours": group.variants[0].name, "steps": group.steps, "notes": [remark, *group.notes], "rows": rows,
            "rounds": [{name: {"figure": turn.figure * scale, "cpu": turn.cpu * scale, "foreign": round(turn.foreign, 4)}
                        for name, turn in turns.items()} for turns in rounds]}


def text(result):
    """"A as 1": how often a row's figure goes into A's; "over ours": how often ours goes into the row's."""
    width = max(len(name) for name in result["rows"])
    with_first = any(row["first_step_seconds"] is not None for row in result["rows"].values())
    reference = f"{result['reference']} = 1"
    lines = [result["title"],
             f"  {'':<{width}}  {result['unit']:>9}  {reference:<{max(20, len(reference))}}  over {result['ours']}"
             + ("  first step" if with_first else "")]
    for name, row in result["rows"].items():
        line = (f"  {name:<{width}}  {row['median']:>9.3f}  {spread(row['ratio']):<{max(20, len(reference))}}  "
                f"{spread(row['ours']):<{5 + len(result['ours'])}}")
        lines.append(line.rstrip() if not with_first else f"{line}  {row['first_step_seconds']:.2f} s")
    return "\n".join(lines + [f"  {note}" for note in result["notes"]])
