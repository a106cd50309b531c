"""Runs a libFuzzer program on its corpus for some seconds and fails below a floor of executions.

    run.py PROGRAM CORPUS NEW_INPUTS FLOOR     20 s, or LANEWAY_FUZZ_SECONDS
"""

import os
import re
import subprocess
import sys


def main():
    program, corpus, new_inputs, floor = sys.argv[1:]
    seconds = os.environ.get("LANEWAY_FUZZ_SECONDS", "20")
    os.makedirs(new_inputs, exist_ok=True)
    if not os.listdir(corpus):
        sys.exit(f"{corpus} is empty")
    done = subprocess.run(
        [program, f"-max_total_time={seconds}", "-print_final_stats=1", "-timeout=20", "-seed=24301",
         "-max_len=1024", f"-artifact_prefix={new_inputs}/", new_inputs, corpus],
        stderr=subprocess.PIPE, text=True, errors="replace",
    )  # fmt: skip
    found = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    executions = int(found.group(1)) if found else 0
    ok = done.returncode == 0 and executions >= int(floor)
    if not ok:
        print(done.stderr[-8000:])
    name = os.path.basename(program)
    print(
        f"{name}: {executions:,} executions in {seconds} s (floor {int(floor):,})".replace(",", " "),
        "ok" if ok else "FAILED" if done.returncode else "TOO FEW",
    )
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
