"""From runs to rows: medians, ranges and paired ratios."""

import math
import re
import statistics

from environment import package_version
from runs import name_of

REFERENCE = "laneway"
DISTANCE_FACTOR = 2
DISTANCE_MATTERS = ("handoff", "cycle", "latency")
ACHIEVED_SHARE_MIN = 0.99
# What a figure's name ends in, and its unit.
UNITS = ((r"_M_per_s$", "M/s"), (r"_per_s$", "1/s"), (r"_us$", "us"), (r"_ms$", "ms"),
         (r"^ns_per_|_ns$", "ns"), (r"^bytes_per_|_bytes$", "B"), (r"_s$|_s_per_", "s"))


def unit_of(figure):
    return next((unit for pattern, unit in UNITS if re.search(pattern, figure)), "")


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


def kept(cell, runs, distance=0):
    """By round, the runs that count: those of one distance, where that decides, and of these the
    quiet ones, or all when hardly any was quiet."""
    anywhere = cell["group"] not in DISTANCE_MATTERS
    good = [run for run in runs
            if "failure" not in run and (anywhere or run["distance"] == distance)]
    quiet = [run for run in good if not run["noisy"]]
    trusted = quiet if len(quiet) * 2 >= len({run["round"] for run in good}) else good
    return {run["round"]: run for run in trusted}, trusted is not quiet


def rounded(value, digits=4):
    return float(f"{value:.{digits}g}")


def spread(values, digits=None):
    pick = (lambda value: round(value, digits)) if digits is not None else rounded
    return {"median": pick(statistics.median(values)), "min": pick(min(values)),
            "max": pick(max(values))}


def values_of(runs, figure):
    return [run["figures"][figure] for run in runs if figure in run["figures"]]


def paired_ratio(cell, reference, mine):
    """How many times better the reference is, round by round: above 1 it is faster, or cheaper.
    Nothing when no round has both."""
    figure = cell["headline"]
    ratios = []
    for number in sorted(reference.keys() & mine.keys()):
        ours, theirs = (run["figures"].get(figure) for run in (reference[number], mine[number]))
        if ours and theirs:
            ratios.append(ours / theirs if cell["higher_is_better"] else theirs / ours)
    return spread(ratios) if ratios else None


def version_of(cell, environment):
    if not cell["package"]:
        return environment["laneway_version"] + " " + environment["git"]
    return cell["package"] + " " + package_version(cell["package"])


def why_not(cell, runs, mine):
    failures = [run["failure"] for run in runs if "failure" in run]
    if cell["lacks"]:
        return cell["lacks"]
    if failures:
        return "FAILED: " + failures[0]
    if not runs:
        return "no time left"
    if not mine:
        return "ran only while the cores stood otherwise"
    return None if values_of(mine.values(), cell["headline"]) else "too few samples"


def overloaded(figures):
    achieved, offered = figures.get("achieved_per_s"), figures.get("offered_per_s")
    return bool(offered) and achieved["median"] < ACHIEVED_SHARE_MIN * offered["median"]


def row_of(cell, by_name, environment):
    runs = by_name.get(name_of(cell), [])
    mine, noisy = kept(cell, runs)
    row = {"group": cell["group"], "id": cell["id"], "workload": cell["workload"],
           "subject": cell["subject"], "version": version_of(cell, environment),
           "threads": f"{cell['producers']}P{cell['consumers']}C", "batch": cell["batch"],
           "payload": cell["payload"], "unit": unit_of(cell["headline"]),
           "headline": cell["headline"], "higher_is_better": cell["higher_is_better"],
           "beside": cell["beside"],
           "guarantees": {name: cell[name] for name in ("order", "bounded", "bulk", "lease")},
           "median": None, "min": None, "max": None, "repetitions": len(mine), "ratio": None}
    reason = why_not(cell, runs, mine)
    if reason:
        row["not_run"] = reason
        return row
    row.update(spread(values_of(mine.values(), cell["headline"])))
    names = dict.fromkeys(name for run in mine.values() for name in run["figures"])
    row["figures"] = {name: spread(values_of(mine.values(), name)) for name in names}
    row["noisy_runs"] = sum(run["noisy"] for run in runs)
    row["noisy"] = noisy
    row["overloaded"] = overloaded(row["figures"])
    ours, _ = kept(cell, by_name.get("/".join((cell["group"], cell["workload"], REFERENCE)), []))
    ratio = None if row["overloaded"] else paired_ratio(cell, ours, mine)
    if ratio:
        row.update(ratio=ratio["median"], ratio_min=ratio["min"], ratio_max=ratio["max"])
    return row


def rows_of(cells, runs, environment):
    by_name = {}
    for run in runs:
        by_name.setdefault(run["name"], []).append(run)
    rows = [row_of(cell, by_name, environment) for cell in cells]
    # What is overloaded is compared with nothing, on either side.
    busy = {(row["group"], row["workload"]) for row in rows
            if row["subject"] == REFERENCE and row.get("overloaded")}
    for row in rows:
        if (row["group"], row["workload"]) in busy and row["subject"] != REFERENCE:
            row["ratio"] = None
    return rows
