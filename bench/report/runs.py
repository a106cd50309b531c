"""Runs cells: one process each, in rounds, and notes what else the machine was doing."""

import dataclasses
import json
import os
import subprocess
import time

# A run is noisy when others used more than this share of one core meanwhile. The kernel counts in
# hundredths of a second, hence the allowance.
FOREIGN_SHARE_MAX = 0.10
FOREIGN_SECONDS_ALLOWED = 0.03

RUN_SECONDS_MAX = 120


@dataclasses.dataclass
class Plan:
    seconds: float
    warm_up: float
    repetitions: int
    deadline: float  # of time.monotonic(); runs that would start later are left out
    unpinned: bool = False
    seed: int = 1


def busy_seconds():
    """Processor time used or stolen on all cores since boot."""
    with open("/proc/stat", encoding="ascii") as stat:
        fields = [int(field) for field in stat.readline().split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def own_seconds():
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def name_of(cell):
    return "/".join((cell["group"], cell["workload"], cell["subject"]))


def run_once(plan, cell, round_number):
    """One process. Answers what it printed, or what went wrong, with our own observations added."""
    command = [cell["program"], "run", "--group", cell["group"], "--workload", cell["workload"],
               "--subject", cell["subject"], "--seconds", str(plan.seconds),
               "--warm-up", str(plan.warm_up), "--seed", str(plan.seed + round_number)]
    if plan.unpinned:
        command.append("--unpinned")
    busy, own, begin = busy_seconds(), own_seconds(), time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              timeout=RUN_SECONDS_MAX)
        said, status = done.stderr.strip(), done.returncode
        run = json.loads(done.stdout) if done.stdout else {}
    except subprocess.TimeoutExpired:
        said, status, run = f"killed after {RUN_SECONDS_MAX} s", -1, {}
    wall = time.monotonic() - begin
    foreign = max(0.0, busy_seconds() - busy - (own_seconds() - own))
    run.update(name=name_of(cell), round=round_number, status=status,
               foreign_cpu_seconds=round(foreign, 3), wall_seconds=round(wall, 3),
               noisy=foreign > wall * FOREIGN_SHARE_MAX + FOREIGN_SECONDS_ALLOWED)
    if status != 0:
        run["failure"] = run.get("first_violation") or said or f"status {status}"
    return run


def in_round(cells, round_number):
    """Workload by workload, so that what is compared runs close together; rotated, so that nobody is
    always first."""
    workloads = {}
    for cell in cells:
        workloads.setdefault((cell["group"], cell["workload"]), []).append(cell)
    for members in workloads.values():
        turn = round_number % len(members)
        yield from members[turn:] + members[:turn]


def run_all(plan, cells, progress):
    """All rounds. A cell that failed is not run again; noisy runs are repeated once while there is
    time. Answers the runs in the order in which they were made."""
    runs = []
    failed = set()
    begin = time.monotonic()
    for round_number in range(plan.repetitions):
        # Repeating noisy runs may not cost the later rounds their time.
        share = (round_number + 1) / plan.repetitions
        repeat_until = begin + (plan.deadline - begin) * share
        for cell in in_round(cells, round_number):
            if name_of(cell) in failed:
                continue
            for _ in range(2):
                if time.monotonic() > plan.deadline:
                    return runs
                run = run_once(plan, cell, round_number)
                runs.append(run)
                progress(run)
                if "failure" in run:
                    failed.add(name_of(cell))
                if not run["noisy"] or time.monotonic() > repeat_until:
                    break
    return runs
