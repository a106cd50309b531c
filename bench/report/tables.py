"""Markdown from rows."""

import claims

TITLES = {
    "self_test": "The harness notices a stop",
    "handoff": "Bare hand-off of 64 bytes",
    "cycle": "Full life cycle: publish 64 bytes with a key, lease, ack",
    "latency": "Latency in an open loop, from the planned sending",
    "stuck": "One key in trouble: what the others notice",
    "timers": "Timers of leases",
    "redelivery": "Redelivery, mass expiry, delays",
    "oversubscribed": "More threads than cores; threads that stop",
    "scaling": "Shards, threads, memory",
    "journal": "Journal",
    "micro": "Parts on one thread",
}
# Figures are named by what they count and their unit; these read better otherwise.
SPELLED = {"rate_M_per_s": "M messages/s", "cpu_s_per_million": "CPU s a million",
           "consumer_cpu_s_per_million": "consumer's CPU s a million", "p999_us": "p99.9 us",
           "p9999_us": "p99.99 us", "achieved_per_s": "achieved/s", "offered_per_s": "offered/s"}


def in_words(name):
    return SPELLED.get(name, name.replace("_per_", " a ").replace("_", " "))


def table(header, lines):
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(line) + " |" for line in [header, rule, *lines]) + "\n"


def number(value):
    """Three digits that mean something, without an exponent."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3g}"


def with_range(found):
    return f"{number(found['median'])} ({number(found['min'])}-{number(found['max'])})"


def guarantees(row):
    promised = row["guarantees"]
    return " / ".join((promised["order"], promised["bounded"], promised["bulk"],
                       promised["lease"]))


def cell_text(row, name):
    found = row["figures"].get(name)
    return number(found["median"]) if found else "-"


def line_of(row, beside):
    marks = [mark for mark in ("noisy", "overloaded") if row.get(mark)]
    name = row["subject"] + (f" ({', '.join(marks)})" if marks else "")
    if "not_run" in row:
        return [name, guarantees(row), "-: " + row["not_run"], "-"] + ["-"] * len(beside)
    ratio = "-"
    if row["ratio"] is not None:
        ratio = (f"{number(row['ratio'])} ({number(row['ratio_min'])}-"
                 f"{number(row['ratio_max'])})")
        if row["ratio_max"] < 1 and not row["subject"].startswith(("laneway", "driver_alone")):
            ratio += ", laneway loses"
    return [name, guarantees(row), with_range(row), ratio] + \
        [cell_text(row, figure) for figure in beside]


def shown(rows):
    """Workloads with at least one measured row, each with those of its rows that are of interest:
    what was left out of this profile is not."""
    workloads = {}
    for row in rows:
        if row["group"] != "micro":
            workloads.setdefault((row["group"], row["id"], row["workload"]), []).append(row)
    for key, members in workloads.items():
        if any("not_run" not in row for row in members):
            yield key, members


def workload_tables(rows):
    """One table for each workload, the best system first."""
    text, group_before = "", None
    for (group, identity, workload), members in shown(rows):
        if group != group_before:
            text += f"### {TITLES[group]}\n\n"
            group_before = group
        first = members[0]
        beside = [name for name in first["beside"]
                  if any(name in row.get("figures", {}) for row in members)]
        sign = -1 if first["higher_is_better"] else 1
        members.sort(key=lambda row: (row["median"] is None, sign * (row["median"] or 0)))
        header = ["system", "order / bounded / bulk / lease",
                  in_words(first["headline"]) + ": median (min-max)", "laneway is better by",
                  *map(in_words, beside)]
        text += f"**{identity}, {in_words(workload)}**\n\n"
        text += table(header, [line_of(row, beside) for row in members]) + "\n"
    return text


def left_out(rows):
    measured = {key for key, _ in shown(rows)}
    names = dict.fromkeys(f"{row['id']} {in_words(row['workload'])}" for row in rows
                          if row.get("not_run") == "no time left"
                          and (row["group"], row["id"], row["workload"]) not in measured)
    return "Not run, for lack of time: " + "; ".join(names) + ".\n\n" if names else ""


def losses(rows):
    """Every row that a peer wins beyond doubt."""
    lines = [f"* {row['id']}, {in_words(row['workload'])}: {row['subject']} by "
             f"{number(1 / row['ratio'])} ({row['guarantees']['order']}; lease: "
             f"{row['guarantees']['lease']})"
             for row in rows if row["ratio"] is not None and row.get("ratio_max", 1) < 1
             and not row["subject"].startswith("laneway") and row["subject"] != "driver_alone"]
    if not lines:
        return ""
    return "### Where laneway loses\n\nIn every round of this run:\n\n" + "\n".join(lines) + "\n\n"


def pays_for(rows, harness_ns):
    """The stairs from moving bytes to a keyed life cycle, each step a difference of two medians."""
    def ns(group, subject):
        return next((row["figures"]["ns_per_message"]["median"] for row in rows
                     if (row["group"], row["workload"], row["subject"]) ==
                     (group, "one_to_one_batch_32", subject) and "figures" in row), None)
    steps = [("writing, reading and verifying 64 bytes (the harness)", harness_ns),
             ("hand-off through a ring: claim, copy, publish, a line or two between cores",
              ns("handoff", "laneway")),
             ("lease, timer, settle, statistics, fencing token", ns("cycle", "laneway_unordered")),
             ("exact order of keys: hash, lane, exclusion", ns("cycle", "laneway"))]
    if any(total is None for _, total in steps):
        return ""
    lines, before = [], 0
    for text, total in steps:
        lines.append([text, number(total - before), number(total)])
        before = total
    return ("### What each nanosecond pays for\n\nOne producer, one consumer, batches of 32; both run "
            "at the same time, so a step is what the slower side of the pair takes on.\n\n" +
            table(["step", "ns a message more", "ns a message so far"], lines) + "\n")


def micro_table(rows):
    lines = [[row["workload"], with_range(row)] for row in rows if row["group"] == "micro"]
    if not lines:
        return ""
    return f"### {TITLES['micro']}\n\n" + \
        table(["part", "ns an operation: median (min-max)"], lines) + "\n"


def claims_table(rows, distances):
    lines = [[claim.text, claim.wanted, claim.found, claim.verdict]
             for claim in claims.judged(rows, distances)]
    if not lines:
        return ""
    return "### What is expected, and what was found\n\n" + \
        table(["claim", "expected", "found", "verdict"], lines) + "\n"


def spinner_text(env):
    spinner, wake = env["idle_spinner"], env["thread_wake"]
    limits = (1, 10, 100, 1000)
    above = [sum(count for ns, count in spinner["gaps"] if ns >= limit * 1000) for limit in limits]
    return (f"An idle spinner on each core met, in {spinner['seconds']:.0f} s, " +
            ", ".join(f"{count} gaps of {limit} us or more"
                      for limit, count in zip(limits, above)) +
            f"; the longest took {number(spinner['max_us'])} us. To wake a sleeping thread takes "
            f"{number(wake['p50_us'])} us (p90 {number(wake['p90_us'])}, longest "
            f"{number(wake['max_us'])}), to read the clock {env['clock_reading_ns']:.0f} ns.")


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
        spinner_text(env),
        f"{len(report['runs'])} runs of {report['profile']['seconds']} s and more, {noisy} of them "
        "noisy (others used the machine) and repeated or left out of the medians.",
        "Cost of the harness, part of every figure of a hand-off or a cycle: "
        f"{env['harness_ns_per_message']:.1f} ns a message, both sides together.",
    ]
    if env["peers_missing"]:
        lines.append("Not installed, so not shown: " + "; ".join(env["peers_missing"]) + ".")
    return "\n".join("* " + line for line in lines) + "\n\n"


def pictures(names, folder):
    return "".join(f"![{in_words(name.removesuffix('.svg'))}]({folder}/{name})\n\n"
                   for name in names)


def markdown(report, plots, plot_folder):
    rows = report["rows"]
    return (header(report) + claims_table(rows, report["distances"]) + losses(rows) +
            pays_for(rows, report["environment"]["harness_ns_per_message"]) +
            pictures(plots, plot_folder) + workload_tables(rows) + micro_table(rows) +
            left_out(rows)).rstrip() + "\n"
