"""Runs the benchmarks and writes build/bench/report.json, report.md and plots; see tools/bench
--help."""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import changes
import environment
import micro
import plots
import rows
import runs
import tables

BUILD = pathlib.Path("build/bench")
PROGRAMS = (BUILD / "bench/laneway_bench", BUILD / "bench/laneway_stalls")
MICRO = BUILD / "bench/laneway_micro"
REPORT = BUILD / "report.json"
DOCUMENT = pathlib.Path("docs/performance.md")
PLOTS = pathlib.Path("docs/plots")
STORED = pathlib.Path("bench/results/short.json")
MARKERS = ("<!-- tables: begin -->\n", "<!-- tables: end -->\n")
SHORT_BOX_SECONDS = 165
STALL_TOLERANCE = 0.1


def options():
    parser = argparse.ArgumentParser(
        prog="tools/bench", description="Builds Release, runs the benchmarks, writes build/bench/.")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--short", action="store_true",
                        help="a row or more of every group, 5 repetitions of 0.1 s, and an end "
                             "after three minutes at the latest")
    length.add_argument("--full", action="store_true",
                        help="every cell, 11 repetitions of 0.5 s: hours. Without either: the cells "
                             "of --short, as long as those of --full")
    parser.add_argument("--only", metavar="REGEX", type=re.compile, default=re.compile(""),
                        help="what to run, matched against group/workload/subject")
    parser.add_argument("--reps", metavar="N", type=int, help="repetitions")
    parser.add_argument("--seconds", metavar="S", type=float, help="length of a measured run")
    parser.add_argument("--seed", metavar="N", type=int, default=1,
                        help="of the first repetition; the others count on")
    parser.add_argument("--cpus", metavar="LIST", help="run on these cores only, such as 0,1")
    parser.add_argument("--unpinned", action="store_true",
                        help="let the scheduler place the threads")
    parser.add_argument("--publish", action="store_true",
                        help=f"copy tables and plots into {DOCUMENT}, and the rows to {STORED}; not "
                             "together with --only")
    parser.add_argument("--compare", metavar="OLD.json",
                        help="print what has changed since that report; alone it compares the last "
                             "one and runs nothing")
    parser.add_argument("--count", action="store_true",
                        help="instead of all this count instructions a call, and fail where one "
                             "takes over 3 %% more than its baseline")
    parser.add_argument("--update", action="store_true", help="with --count: a new baseline")
    chosen = parser.parse_args()
    if chosen.publish and chosen.only.pattern:
        parser.error("--publish needs every cell, so not with --only")
    if chosen.update and not chosen.count:
        parser.error("--update is for --count")
    if chosen.reps is not None and chosen.reps < 1:
        parser.error("--reps must be at least 1")
    if chosen.seconds is not None and not 0.001 <= chosen.seconds <= 3600:
        parser.error("--seconds must lie between 0.001 and 3600")
    return chosen


def only_compares(arguments):
    """--compare alone: nothing is built and nothing run."""
    return len(arguments) == 2 and arguments[0] == "--compare"


def plan_of(chosen, deadline):
    seconds = chosen.seconds or (0.1 if chosen.short else 0.5)
    return runs.Plan(seconds=seconds, warm_up=max(0.03, seconds / 10),
                     repetitions=chosen.reps or (5 if chosen.short else 11), deadline=deadline,
                     unpinned=chosen.unpinned, seed=chosen.seed)


def json_lines(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def cells_of(chosen):
    """All that are wanted; those that the profile leaves out do not appear at all."""
    cells = []
    for program in PROGRAMS:
        for cell in json_lines(program, "list"):
            cell["program"] = str(program)
            cells.append(cell)
    return [cell for cell in cells if cell["group"] == "self_test" or
            chosen.only.search(runs.name_of(cell)) and
            (cell["brief"] or chosen.full or chosen.only.pattern)]


def progress(headlines):
    def say(run):
        if "failure" in run:
            print(f"{run['name']}: FAILED, {run['failure']}")
        else:
            figure = headlines[run["name"]]
            print(f"{run['name']}: {run['figures'].get(figure, float('nan')):.4g} "
                  f"{rows.unit_of(figure)}{' (noisy)' if run['noisy'] else ''}")
        sys.stdout.flush()
    return say


def publish(report, names):
    document = DOCUMENT.read_text(encoding="utf-8")
    before, begin, rest = document.partition(MARKERS[0])
    _, end, after = rest.partition(MARKERS[1])
    if not begin or not end:
        sys.exit(f"{DOCUMENT} has no place for the tables: {MARKERS[0].strip()}")
    PLOTS.mkdir(exist_ok=True)
    for name in names:
        shutil.copy(BUILD / name, PLOTS / name)
    text = tables.markdown(report, names, "plots")
    DOCUMENT.write_text(before + begin + "\n" + text + "\n" + end + after, encoding="utf-8")
    STORED.parent.mkdir(exist_ok=True)
    kept = {name: value for name, value in report.items() if name != "runs"}
    STORED.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def self_test():
    """A benchmark that cannot fail its own checks does not count."""
    if subprocess.run([PROGRAMS[0], "self_test"], check=False).returncode != 0:
        sys.exit("The harness does not notice what it must: nothing was measured.")


def check_stall(report):
    """The consumer that was stopped must show in the row that the report gives it."""
    for row in report["rows"]:
        if row["group"] == "self_test":
            expected = row["figures"]["expected_p99_us"]["median"] if row["median"] else 0
            # It may well be longer on a machine that others use, never shorter.
            if not row["median"] or row["median"] < expected * (1 - STALL_TOLERANCE):
                sys.exit(f"A consumer was stopped, and the report does not show it: p99 "
                         f"{row['median']} us, expected {expected} us.")


def measure(chosen):
    begin = time.monotonic()
    self_test()
    plan = plan_of(chosen, begin + SHORT_BOX_SECONDS if chosen.short else float("inf"))
    cells = cells_of(chosen)
    env = environment.describe(json_lines(PROGRAMS[0], "environment")[0])
    version = env["laneway_version"] + " " + env["git"]
    micro_rows = micro.rows(str(MICRO), chosen.only.search, plan, BUILD / "micro.json", version)
    headlines = {runs.name_of(cell): cell["headline"] for cell in cells}
    say = progress(headlines)
    made = []
    for cell in (cell for cell in cells if cell["group"] == "self_test"):
        made.append(runs.run_once(plan, cell, 0))
        say(made[-1])
    made += runs.run_all(plan, [cell for cell in cells if not cell["lacks"]
                                and cell["group"] != "self_test"], say)
    env["load_after"] = environment.load_average()
    profile = "short" if chosen.short else "full" if chosen.full else "medium"
    return {
        "schema": 2,
        "profile": {"name": profile, "seconds": plan.seconds, "repetitions": plan.repetitions,
                    "only": chosen.only.pattern,
                    "took_seconds": round(time.monotonic() - begin, 1)},
        "environment": env,
        "distances": rows.sort_by_distance(made),
        "rows": rows.rows_of(cells, made, env) + micro_rows,
        "runs": made,
    }


def main():
    chosen = options()
    if chosen.cpus:
        os.sched_setaffinity(0, {int(core) for core in chosen.cpus.split(",")})
    if only_compares(sys.argv[1:]):
        return changes.print_changes(chosen.compare, REPORT)
    report = measure(chosen)
    if all(row["group"] == "self_test" for row in report["rows"]):
        sys.exit(f"nothing matches {chosen.only.pattern}")
    check_stall(report)
    names = plots.all_of(report["rows"], report["runs"], BUILD)
    REPORT.write_text(json.dumps(report) + "\n", encoding="utf-8")
    text = tables.markdown(report, names, ".")
    (BUILD / "report.md").write_text(text, encoding="utf-8")
    print("\n" + text)
    failures = [run["name"] for run in report["runs"] if "failure" in run]
    if failures:
        print("FAILED: " + ", ".join(failures))
    elif chosen.publish:
        publish(report, names)
    worse = changes.print_changes(chosen.compare, REPORT) if chosen.compare else 0
    return 1 if failures or worse else 0


if __name__ == "__main__":
    sys.exit(main())
