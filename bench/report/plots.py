"""Pictures from rows and merged histograms, drawn by gnuplot."""

import re
import shutil
import subprocess

STYLE = """set terminal svg size 960,540 font 'sans,12' background 'white'
set output '{output}'
set key outside right top
set grid ytics lc rgb '#dddddd'
set title '{title}'
"""
HALF = {"handoff": "Bare hand-off", "cycle": "Full life cycle", "oversubscribed": "More threads than cores"}
# Of the percentile curves: what is compared beside what.
CURVES = ("spin_at_100000_per_s", "block_at_100000_per_s")


def quoted(text):
    return text.replace("_", "\\\\_").replace("'", "")


def draw(script, blocks, output, title):
    """`blocks` maps names of data blocks to their lines."""
    data = "".join(f"${name} << EOD\n" + "\n".join(lines) + "\nEOD\n"
                   for name, lines in blocks.items())
    text = STYLE.format(output=output, title=title) + data + script
    done = subprocess.run(["gnuplot"], input=text, text=True, check=False, capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"gnuplot, {output}: {done.stderr}")


def measured(rows, group, headline):
    return [row for row in rows if row["group"] == group and row["headline"] == headline
            and row["median"] is not None]


def bars(rows, group, folder):
    """Rates of one group: a cluster of bars for each workload, a colour for each system."""
    chosen = measured(rows, group, "rate_M_per_s")
    workloads = list(dict.fromkeys(row["workload"] for row in chosen))
    subjects = list(dict.fromkeys(row["subject"] for row in chosen))
    if not chosen:
        return []
    found = {(row["workload"], row["subject"]): row["median"] for row in chosen}
    lines = [" ".join([f'"{workload.replace("_", " ")}"'] +
                      [str(found.get((workload, subject), "?")) for subject in subjects])
             for workload in workloads]
    columns = ", ".join(
        f"$bars using {number + 2}" + (":xtic(1)" if number == 0 else "") +
        f" title '{quoted(subject)}'" for number, subject in enumerate(subjects))
    draw("set datafile missing '?'\nset style data histogram\nset style histogram clustered gap 2\n"
         "set style fill solid 0.8\nset xtics rotate by -20\nset logscale y\n"
         "set ylabel 'M messages/s, log scale'\n" + f"plot {columns}\n",
         {"bars": lines}, folder / f"{group}_rate.svg", HALF[group] + ": throughput")
    return [f"{group}_rate.svg"]


def merged(runs, name, histogram="latency"):
    """All repetitions of one cell in one histogram: sorted pairs of ns and count."""
    counts = {}
    for run in runs:
        if run["name"] == name and "failure" not in run:
            for ns, count in run.get("histograms", {}).get(histogram, []):
                counts[ns] = counts.get(ns, 0) + count
    return sorted(counts.items())


def curve(buckets):
    """Points (1/(1-p), us) of a percentile curve, as far as ten samples lie beyond."""
    total = sum(count for _, count in buckets)
    points, seen, next_x = [], 0, 1.0
    for ns, count in buckets:
        seen += count
        beyond = total - seen
        if beyond < 10:
            break
        x = total / beyond
        if x >= next_x:
            points.append(f"{x:.6g} {ns / 1e3:.6g}")
            next_x = x * 1.02
    return points


def percentile_curves(rows, runs, workload, folder):
    subjects = [row["subject"] for row in measured(rows, "latency", "p99_us")
                if row["workload"] == workload]
    blocks, parts = {}, []
    for subject in subjects:
        points = curve(merged(runs, f"latency/{workload}/{subject}"))
        if points:
            blocks[subject] = points
            parts.append(f"${subject} using 1:2 with lines lw 2 title '{quoted(subject)}'")
    if not parts:
        return []
    name = f"latency_{workload}.svg"
    draw("set logscale xy\nset ylabel 'us from the planned sending'\nset xlabel 'percentile'\n"
         "set xtics ('p50' 2, 'p90' 10, 'p99' 100, 'p99.9' 1000, 'p99.99' 10000)\n"
         "plot " + ", ".join(parts) + "\n", blocks, folder / name,
         workload.replace("_", " ") + ": latency by percentile")
    return [name]


def latency_by_load(rows, folder):
    """The hockey stick: p50 and p99 of each system and way of waiting, by the load offered."""
    blocks = {}
    for row in measured(rows, "latency", "p99_us"):
        waiting = re.match(r"(spin|hybrid|block)_at_", row["workload"])
        if waiting and "p50_us" in row["figures"]:
            figures = row["figures"]
            blocks.setdefault(f"{row['subject']}_{waiting[1]}", []).append(
                (figures["offered_per_s"]["median"], figures["p50_us"]["median"], row["median"]))
    blocks = {name: points for name, points in blocks.items() if len(points) > 1}
    if not blocks:
        return []
    data = {name: [" ".join(map(str, point)) for point in sorted(points)]
            for name, points in blocks.items()}
    parts = [f"${name} using 1:3 with linespoints lw 2 title '{quoted(name)} p99'" for name in data]
    draw("set logscale xy\nset ylabel 'us from the planned sending, p99'\n"
         "set xlabel 'messages offered a second'\nplot " + ", ".join(parts) + "\n",
         data, folder / "latency_by_load.svg", "Latency against offered load")
    return ["latency_by_load.svg"]


def timer_cost(rows, folder):
    data = {}
    for row in measured(rows, "timers", "ns_per_lease"):
        outstanding = re.match(r"ack_heavy_(\d+)_outstanding", row["workload"])
        if outstanding:
            data.setdefault(row["subject"], []).append((int(outstanding[1]), row["median"]))
    if not data:
        return []
    blocks = {name: [" ".join(map(str, point)) for point in sorted(points)]
              for name, points in data.items()}
    parts = [f"${name} using 1:2 with linespoints lw 2 title '{quoted(name)}'" for name in blocks]
    draw("set logscale x\nset yrange [0:*]\nset ylabel 'ns a lease, granted and acknowledged'\n"
         "set xlabel 'leases outstanding'\nplot " + ", ".join(parts) + "\n",
         blocks, folder / "timer_cost.svg", "Cost of the timer of a lease")
    return ["timer_cost.svg"]


def write_hgrm(rows, runs, folder):
    """The percentile format of HdrHistogram, which its plotters read."""
    folder.mkdir(exist_ok=True)
    for row in rows:
        buckets = merged(runs, "/".join((row["group"], row["workload"], row["subject"])))
        total = sum(count for _, count in buckets)
        lines, seen = ["       Value     Percentile TotalCount 1/(1-Percentile)", ""], 0
        for ns, count in buckets:
            seen += count
            share = seen / total
            tail = f"{1 / (1 - share):14.2f}" if seen < total else ""
            lines.append(f"{ns / 1e3:12.3f} {share:14.12f} {seen:10d} {tail}".rstrip())
        if total:
            name = f"{row['workload']}_{row['subject']}.hgrm"
            (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def all_of(rows, runs, folder):
    """Draws what there is data for; answers the names of the files."""
    write_hgrm(rows, runs, folder / "hgrm")
    if not shutil.which("gnuplot"):
        print("gnuplot is not installed: no plots")
        return []
    names = []
    for group in HALF:
        names += bars(rows, group, folder)
    for workload in CURVES:
        names += percentile_curves(rows, runs, workload, folder)
    return names + latency_by_load(rows, folder) + timer_cost(rows, folder)
