"""From runs to rows: medians, ranges and paired ratios."""

import math
import statistics

from environment import package_version
from runs import name_of

REFERENCE = "laneway"
PEERS = ("diy1", "diy16", "moodycamel_bare")
DISTANCE_FACTOR = 2


def sort_by_distance(runs):
    """On a virtual machine the two cores may be near each other in one minute and far in the next,
    which changes every rate. Each run knows how long a line took from one to the other; here each
    gets the number of its class, 0 for the one with the most runs. Answers the classes: their line
    times and how many runs they have."""
    good = [run for run in runs if "failure" not in run]
    times = sorted(run["line_ns"] for run in good)
    if not times:
        return []
    low, high = times[len(times) // 20], times[-1 - len(times) // 20]
    border = math.sqrt(low * high) if high > DISTANCE_FACTOR * low else float("inf")
    classes = [[run for run in good if run["line_ns"] <= border],
               [run for run in good if run["line_ns"] > border]]
    classes.sort(key=len, reverse=True)
    for number, members in enumerate(classes):
        for run in members:
            run["distance"] = number
    return [{"runs": len(members),
             "line_ns": spread([run["line_ns"] for run in members], 1)}
            for members in classes if members]


def kept(runs, distance=0):
    """By round, the runs that count: those of one distance, and of these the quiet ones, or all when
    hardly any was quiet."""
    good = [run for run in runs if run.get("distance") == distance]
    quiet = [run for run in good if not run["noisy"]]
    trusted = quiet if len(quiet) * 2 >= len({run["round"] for run in good}) else good
    return {run["round"]: run for run in trusted}, trusted is not quiet


def spread(values, digits):
    return {"median": round(statistics.median(values), digits),
            "min": round(min(values), digits), "max": round(max(values), digits)}


def paired_ratio(mine, theirs):
    """The ratio of two sets of runs, round by round; None when no round has both."""
    rounds = sorted(mine.keys() & theirs.keys())
    ratios = [mine[number]["rate"] / theirs[number]["rate"] for number in rounds]
    return spread(ratios, 3) if ratios else None


def version_of(cell, environment):
    if not cell["package"]:
        return environment["laneway_version"] + " " + environment["git"]
    return cell["package"] + " " + package_version(cell["package"])


def row_of(cell, by_name, environment):
    runs = by_name.get(name_of(cell), [])
    mine, noisy = kept(runs)
    row = {"group": cell["group"], "id": cell["id"], "workload": cell["workload"],
           "subject": cell["subject"], "version": version_of(cell, environment),
           "threads": f"{cell['producers']}P{cell['consumers']}C", "batch": cell["batch"],
           "payload": cell["payload"], "unit": "M/s",
           "guarantees": {name: cell[name] for name in ("order", "bounded", "bulk", "lease")},
           "median": None, "min": None, "max": None, "repetitions": len(mine), "ratio": None}
    failures = [run["failure"] for run in runs if "failure" in run]
    if cell["lacks"]:
        row["not_run"] = cell["lacks"]
    elif failures:
        row["not_run"] = "FAILED: " + failures[0]
    elif not mine:
        row["not_run"] = "ran only while the cores stood otherwise" if runs else "no time left"
    if not mine or failures:
        return row
    row.update(spread([run["rate"] / 1e6 for run in mine.values()], 3))
    row["ns_per_message"] = round(1e3 / row["median"], 1)
    row["cpu_seconds_per_million"] = round(statistics.median(
        run["cpu_seconds"] / run["messages"] * 1e6 for run in mine.values()), 4)
    row["noisy_runs"] = sum(run["noisy"] for run in runs)
    row["noisy"] = noisy
    reference, _ = kept(by_name.get("/".join((cell["group"], cell["workload"], REFERENCE)), []))
    ratio = paired_ratio(reference, mine)
    if ratio:
        row.update(ratio=ratio["median"], ratio_min=ratio["min"], ratio_max=ratio["max"])
    return row


def runs_by_name(runs):
    by_name = {}
    for run in runs:
        by_name.setdefault(run["name"], []).append(run)
    return by_name


def rows_of(cells, runs, environment):
    by_name = runs_by_name(runs)
    return [row_of(cell, by_name, environment) for cell in cells]


def claims_of(cells, runs, distances):
    """What laneway's cycle is worth beside the hand-made lease queue and beside a bare queue: the
    ratios of rates, for each distance of the cores that was met."""
    by_name = runs_by_name(runs)
    claims = []
    for cell in cells:
        if cell["group"] != "cycle" or not cell["subject"].startswith(REFERENCE) or cell["lacks"]:
            continue
        for distance, met in enumerate(distances):
            ratios = {}
            for peer in PEERS:
                mine, _ = kept(by_name.get(name_of(cell), []), distance)
                theirs, _ = kept(by_name.get(f"cycle/{cell['workload']}/{peer}", []), distance)
                ratios[peer] = paired_ratio(mine, theirs)
            if any(ratios.values()):
                claims.append({"workload": cell["workload"], "subject": cell["subject"],
                               "line_ns": met["line_ns"]["median"], **ratios})
    return claims
