"""Checks delivery.pml with spin, to the end: for each dead-letter policy the assertions, then the
claim that every message ends, under weak fairness; then models with a rule left out, which must
fail. Prints one line for each and fails below its floor of states.

    check_delivery.py FOLDER     where to build
"""

import os
import re
import subprocess
import sys
import time

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "delivery.pml")

# policy, floor of states of the assertions, and of the claim
POLICIES = [
    ("CONTINUE", 1_900_000, 80_000),
    ("HOLD", 2_800_000, 120_000),
    ("DIVERT", 930_000, 42_000),
]
# what is left out, whether the claim or an assertion shows it
BROKEN = [
    ("GENERATION", False),
    ("ORDER", False),
    ("FENCE", False),
    ("EXPIRY", True),
    ("ATTEMPTS", True),
]


def run(command, folder):
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def verify(folder, defines, claim):
    """Number of states, and of errors, of a search of all states."""
    liveness = ["-DLIVENESS"] if claim else []
    run(["spin", *defines, *liveness, "-a", MODEL], folder)
    kind = ["-DCOLLAPSE"] if claim else ["-DSAFETY", "-DNOREDUCE"]
    run(["cc", "-O1", "-w", "-DVECTORSZ=512", *kind, "-o", "pan", "pan.c"], folder)
    search = ["-a", "-f"] if claim else ["-noclaim"]
    report = run(["./pan", "-m100000", *search], folder)
    states = int(re.search(r"(\d+) states, stored", report).group(1))
    errors = int(re.search(r"errors: (\d+)", report).group(1))
    if errors == 0 and ("not completed" in report or "depth too small" in report):
        sys.exit(report)
    return states, errors


def grouped(number):
    return f"{number:,}".replace(",", " ")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    failed = 0
    for policy, assertions_floor, claim_floor in POLICIES:
        for claim, floor in ((False, assertions_floor), (True, claim_floor)):
            start = time.monotonic()
            states, errors = verify(folder, [f"-DAFTER_DEATH={policy}"], claim)
            verdict = "FAILED" if errors else "ok" if states >= floor else "TOO FEW"
            failed += verdict != "ok"
            what = "every message ends" if claim else "assertions"
            print(
                f"delivery/{policy.lower()}, {what}: all {grouped(states)} states in "
                f"{time.monotonic() - start:.1f} s (floor {grouped(floor)}) {verdict}",
                flush=True,
            )
    for rule, claim in BROKEN:
        states, errors = verify(folder, [f"-DBROKEN_{rule}"], claim)
        failed += errors == 0
        print(
            f"delivery without {rule.lower()}, broken on purpose: {errors} error after "
            f"{grouped(states)} states (floor: found out) {'ok' if errors else 'FAILED'}",
            flush=True,
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
