"""From runs to rows: medians, ranges and paired ratios."""

import statistics

from environment import package_version
from runs import name_of

REFERENCE = "laneway"


def kept(runs):
    """By round, the runs that count: the quiet ones, or all when hardly any was quiet."""
    good = [run for run in runs if "failure" not in run]
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
        row["not_run"] = "no time left"
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


def claims_of(cells, runs):
    """What laneway's cycle is worth beside the hand-made lease queue and beside a bare queue."""
    by_name = runs_by_name(runs)

    def runs_of(workload, subject):
        return kept(by_name.get(f"cycle/{workload}/{subject}", []))[0]

    claims = []
    for workload in dict.fromkeys(cell["workload"] for cell in cells if cell["group"] == "cycle"):
        subjects = [cell["subject"] for cell in cells
                    if cell["workload"] == workload and cell["group"] == "cycle"
                    and cell["subject"].startswith(REFERENCE) and not cell["lacks"]]
        for subject in subjects:
            claim = {"workload": workload, "subject": subject}
            for peer in ("diy1", "diy16", "moodycamel_bare"):
                claim[peer] = paired_ratio(runs_of(workload, subject), runs_of(workload, peer))
            if any(claim[peer] for peer in ("diy1", "diy16", "moodycamel_bare")):
                claims.append(claim)
    return claims
