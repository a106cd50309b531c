"""The parts that one thread runs, measured by Google Benchmark."""

import json
import pathlib
import re
import statistics
import subprocess


def cases(program):
    done = subprocess.run([program, "--benchmark_list_tests=true"], capture_output=True, text=True,
                          check=True)
    return done.stdout.split()


def rows(program, wanted, plan, raw_path, version):
    """Runs the wanted cases, interleaved at random, and answers one row each."""
    chosen = [case for case in cases(program) if wanted(f"micro/{case}/laneway")]
    if not chosen:
        return []
    pattern = "^(" + "|".join(re.escape(case) for case in chosen) + ")$"
    subprocess.run([program, f"--benchmark_filter={pattern}",
                    f"--benchmark_min_time={plan.seconds / 3:.3f}",
                    f"--benchmark_repetitions={plan.repetitions}",
                    "--benchmark_enable_random_interleaving=true",
                    "--benchmark_out_format=json", f"--benchmark_out={raw_path}"],
                   capture_output=True, text=True, check=True)
    report = json.loads(pathlib.Path(raw_path).read_text(encoding="utf-8"))
    figures = {}
    for run in report["benchmarks"]:
        if run["run_type"] == "iteration":
            figures.setdefault(run["run_name"], []).append(1e9 / run["items_per_second"])
    return [{"group": "micro", "workload": name, "subject": "laneway", "version": version,
             "threads": "1", "batch": None, "payload": None, "unit": "ns",
             "headline": "ns_per_operation", "higher_is_better": False,
             "median": round(statistics.median(values), 2), "min": round(min(values), 2),
             "max": round(max(values), 2), "repetitions": len(values), "ratio": 1}
            for name, values in figures.items()]
