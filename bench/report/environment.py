"""The environment block: without it no figure means anything."""

import os
import pathlib
import re
import subprocess


def output_of(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def text_of(path):
    try:
        return pathlib.Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def chosen(path):
    """The entry in brackets of a file like "always [madvise] never"."""
    found = re.search(r"\[(\w+)\]", text_of(path))
    return found.group(1) if found else "unknown"


def lscpu():
    fields = {}
    for line in output_of("lscpu").splitlines():
        name, _, value = line.partition(":")
        fields[name.strip()] = value.strip()
    return fields


def package_version(package):
    return output_of("dpkg-query", "-W", "-f=${Version}", package) or "unknown"


def git_state():
    commit = output_of("git", "rev-parse", "--short=12", "HEAD") or "unknown"
    changed = output_of("git", "status", "--porcelain", "--untracked-files=no")
    return commit + ("+changes" if changed else "")


def load_average():
    return [round(value, 2) for value in os.getloadavg()]


def describe(bench_environment):
    """All of it as one flat object; `bench_environment` is what laneway_bench says of its build."""
    cpu = lscpu()
    flags = cpu.get("Flags", "").split()
    mitigated = [name.removeprefix("Vulnerability ") + ": " + value
                 for name, value in cpu.items()
                 if name.startswith("Vulnerability") and not value.startswith("Not affected")]
    return {
        "cpu": cpu.get("Model name", "unknown"),
        "cpu_family": "family {} model {} stepping {}".format(
            cpu.get("CPU family", "?"), cpu.get("Model", "?"), cpu.get("Stepping", "?")),
        "cores": os.cpu_count(),
        "usable_cores": len(os.sched_getaffinity(0)),
        "threads_per_core": cpu.get("Thread(s) per core", "unknown"),
        "sockets": cpu.get("Socket(s)", "unknown"),
        "numa_nodes": cpu.get("NUMA node(s)", "unknown"),
        "caches": {level: cpu.get(level + " cache", "unknown") for level in ("L1d", "L2", "L3")},
        "hypervisor": cpu.get("Hypervisor vendor", "none"),
        "mitigations": mitigated,
        "tsc": [flag for flag in ("constant_tsc", "nonstop_tsc", "rdtscp") if flag in flags],
        "clock_source": text_of(
            "/sys/devices/system/clocksource/clocksource0/current_clocksource") or "unknown",
        "governor": text_of(
            "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") or "not visible",
        "transparent_huge_pages": chosen("/sys/kernel/mm/transparent_hugepage/enabled"),
        "isolated_cores": text_of("/sys/devices/system/cpu/isolated") or "none",
        "kernel": os.uname().release,
        "c_library": output_of("getconf", "GNU_LIBC_VERSION") or "unknown",
        "allocator": "preloaded " + os.environ["LD_PRELOAD"] if "LD_PRELOAD" in os.environ
                     else "of the C library",
        "load_before": load_average(),
        "git": git_state(),
        **bench_environment,
    }
