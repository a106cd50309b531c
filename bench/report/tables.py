"""Markdown from rows."""

TITLES = {
    "handoff": "Bare hand-off of 64 bytes",
    "cycle": "Full life cycle: publish 64 bytes with one of 100,000 keys, lease, ack",
    "micro": "Parts on one thread",
}
TARGETS = {1: {"diy": 10, "moodycamel_bare": "parity (aim)"},
           32: {"diy": 30, "moodycamel_bare": "0.33, aim 0.5"}}


def in_words(workload):
    return workload.replace("_", " ")


def table(header, lines):
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(line) + " |" for line in [header, rule, *lines]) + "\n"


def between(row, name, digits):
    return f"{row['min']:.{digits}f}-{row['max']:.{digits}f}" if name == "rate" else \
        f"{row['ratio_min']:.{digits}f}-{row['ratio_max']:.{digits}f}"


def guarantees(row):
    promised = row["guarantees"]
    return " / ".join((promised["order"], promised["bounded"], promised["bulk"],
                       promised["lease"]))


def ratio_text(ratio):
    if not ratio:
        return "-"
    return f"{ratio['median']:.2f} ({ratio['min']:.2f}-{ratio['max']:.2f})"


def rate_line(row):
    name = row["subject"] + (" (noisy)" if row.get("noisy") else "")
    if row["median"] is None:
        return [name, guarantees(row), "-: " + row["not_run"], "-", "-", "-"]
    ratio = "-"
    if row["ratio"] is not None:
        ratio = f"{row['ratio']:.2f} ({between(row, 'ratio', 2)})"
    return [name, guarantees(row), f"{row['median']:.2f} ({between(row, 'rate', 2)})", ratio,
            f"{row['ns_per_message']:.1f}", f"{row['cpu_seconds_per_million']:.3f}"]


def rate_tables(rows):
    """One table for each workload, the fastest system first."""
    header = ["system", "order / bounded / bulk / lease", "M messages/s: median (min-max)",
              "laneway / system: median (min-max)", "ns a message", "CPU s a million"]
    workloads = {}
    for row in rows:
        if row["group"] != "micro":
            workloads.setdefault((row["group"], row["id"], row["workload"]), []).append(row)
    text, group_before = "", None
    for (group, identity, workload), members in workloads.items():
        if group != group_before:
            text += f"### {TITLES[group]}\n\n"
            group_before = group
        members.sort(key=lambda row: -(row["median"] or 0))
        text += f"**{identity}, {in_words(workload)}**\n\n"
        text += table(header, [rate_line(row) for row in members]) + "\n"
    return text


def claims_table(claims):
    if not claims:
        return ""
    lines = []
    for claim in claims:
        target = TARGETS[1 if claim["workload"].endswith("_batch_1") else 32]
        lines.append([claim["subject"], in_words(claim["workload"]), f"{claim['line_ns']:.0f}",
                      ratio_text(claim["diy1"]), ratio_text(claim["diy16"]), str(target["diy"]),
                      ratio_text(claim["moodycamel_bare"]), target["moodycamel_bare"]])
    header = ["subject", "workload", "line, ns", "over diy1", "over diy16", "target",
              "over moodycamel_bare", "target"]
    return "### The cycle against its targets\n\n" + table(header, lines) + "\n"


def micro_table(rows):
    lines = [[row["workload"], f"{row['median']:.2f} ({between(row, 'rate', 2)})"]
             for row in rows if row["group"] == "micro"]
    if not lines:
        return ""
    return f"### {TITLES['micro']}\n\n" + \
        table(["part", "ns an operation: median (min-max)"], lines) + "\n"


def header(report):
    env = report["environment"]
    caches = ", ".join(f"{level} {size}" for level, size in env["caches"].items())
    noisy = sum(run["noisy"] for run in report["runs"])
    lines = [
        f"{env['cpu']} ({env['cpu_family']}), {env['cores']} cores, "
        f"{env['threads_per_core']} thread(s) a core, {caches}; hypervisor {env['hypervisor']}.",
        f"Linux {env['kernel']}, {env['c_library']}, clock source {env['clock_source']}, governor "
        f"{env['governor']}, huge pages {env['transparent_huge_pages']}.",
        f"{env['compiler']}, `{env['flags']}`, laneway {env['laneway_version']} at {env['git']}.",
        f"Load before {env['load_before'][0]}, after {env['load_after'][0]}. Threads: "
        "producers first, then consumers, one after the other over the cores.",
        "One line takes from core to core, one way: " + "; ".join(
            f"{met['line_ns']['median']:.0f} ns ({met['line_ns']['min']:.0f}-"
            f"{met['line_ns']['max']:.0f}) in {met['runs']} runs" for met in report["distances"]) +
        (". The machine moved the cores; the tables show the first." if len(report["distances"]) > 1
         else "."),
        f"{len(report['runs'])} runs of {report['profile']['seconds']} s, {noisy} of them noisy "
        "(others used the machine) and repeated or left out of the medians.",
        "Cost of the harness, part of every figure below: "
        f"{env['harness_ns_per_message']:.1f} ns a message, both sides together.",
    ]
    if env["peers_missing"]:
        lines.append("Not installed, so not shown: " + "; ".join(env["peers_missing"]) + ".")
    return "\n".join("* " + line for line in lines) + "\n\n"


def markdown(report):
    return (header(report) + claims_table(report["claims"]) + rate_tables(report["rows"]) +
            micro_table(report["rows"])).rstrip() + "\n"
