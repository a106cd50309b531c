"""Runs the benchmarks and writes build/bench/report.json and report.md; see tools/bench --help."""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import time

import environment
import micro
import rows
import runs
import tables

BUILD = pathlib.Path("build/bench")
PROGRAM = BUILD / "bench/laneway_bench"
MICRO = BUILD / "bench/laneway_micro"
DOCUMENT = pathlib.Path("docs/performance.md")
MARKERS = ("<!-- tables: begin -->\n", "<!-- tables: end -->\n")
SHORT_BOX_SECONDS = 165


def options():
    parser = argparse.ArgumentParser(
        prog="tools/bench", description="Builds Release, runs the benchmarks, writes build/bench/.")
    parser.add_argument("--short", action="store_true",
                        help="5 repetitions of 0.15 s, and an end after three minutes at the latest; "
                             "without it 11 repetitions of 0.5 s and no such end")
    parser.add_argument("--only", metavar="REGEX", type=re.compile, default=re.compile(""),
                        help="what to run, matched against group/workload/subject")
    parser.add_argument("--reps", metavar="N", type=int, help="repetitions")
    parser.add_argument("--seconds", metavar="S", type=float, help="length of a measured run")
    parser.add_argument("--publish", action="store_true",
                        help=f"copy the tables into {DOCUMENT}; not together with --only")
    chosen = parser.parse_args()
    if chosen.publish and chosen.only.pattern:
        parser.error("--publish needs every cell, so not with --only")
    if chosen.reps is not None and chosen.reps < 1:
        parser.error("--reps must be at least 1")
    if chosen.seconds is not None and not 0.001 <= chosen.seconds <= 3600:
        parser.error("--seconds must lie between 0.001 and 3600")
    return chosen


def plan_of(chosen):
    seconds = chosen.seconds or (0.15 if chosen.short else 0.5)
    return runs.Plan(program=str(PROGRAM), seconds=seconds, warm_up=max(0.05, seconds / 10),
                     repetitions=chosen.reps or (5 if chosen.short else 11),
                     deadline=time.monotonic() + SHORT_BOX_SECONDS if chosen.short
                     else float("inf"))


def json_lines(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def progress(run):
    if "failure" in run:
        print(f"{run['name']}: FAILED, {run['failure']}")
    else:
        print(f"{run['name']}: {run['rate'] / 1e6:.2f} M/s{' (noisy)' if run['noisy'] else ''}")
    sys.stdout.flush()


def publish(text):
    document = DOCUMENT.read_text(encoding="utf-8")
    before, begin, rest = document.partition(MARKERS[0])
    _, end, after = rest.partition(MARKERS[1])
    if not begin or not end:
        sys.exit(f"{DOCUMENT} has no place for the tables: {MARKERS[0].strip()}")
    DOCUMENT.write_text(before + begin + "\n" + text + "\n" + end + after, encoding="utf-8")


def self_test():
    """A benchmark that cannot fail its own checks does not count."""
    if subprocess.run([PROGRAM, "self_test"], check=False).returncode != 0:
        sys.exit("The verifier does not notice what it must: nothing was measured.")


def main():
    chosen = options()
    plan = plan_of(chosen)
    self_test()
    cells = [cell for cell in json_lines(PROGRAM, "list")
             if chosen.only.search(runs.name_of(cell))]
    env = environment.describe(json_lines(PROGRAM, "environment")[0])
    version = env["laneway_version"] + " " + env["git"]
    micro_rows = micro.rows(str(MICRO), chosen.only.search, plan, BUILD / "micro.json", version)
    made = runs.run_all(plan, [cell for cell in cells if not cell["lacks"]], progress)
    env["load_after"] = environment.load_average()
    distances = rows.sort_by_distance(made)
    report = {
        "schema": 1,
        "profile": {"name": "short" if chosen.short else "long", "seconds": plan.seconds,
                    "repetitions": plan.repetitions, "only": chosen.only.pattern},
        "environment": env,
        "distances": distances,
        "claims": rows.claims_of(cells, made, distances),
        "rows": rows.rows_of(cells, made, env) + micro_rows,
        "runs": made,
    }
    if not report["rows"]:
        sys.exit(f"nothing matches {chosen.only.pattern}")
    (BUILD / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    text = tables.markdown(report)
    (BUILD / "report.md").write_text(text, encoding="utf-8")
    print("\n" + text)
    failures = [run for run in made if "failure" in run]
    if chosen.publish and not failures:
        publish(text)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
