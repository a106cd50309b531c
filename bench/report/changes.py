"""What has changed between two reports, beside the noise of both."""

import json
import pathlib


def load(path):
    return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))


def rows_by_name(report):
    return {(row["group"], row["workload"], row["subject"]): row for row in report["rows"]
            if row["median"]}


def half_range(row):
    """Of the median: how far the runs of one row lie apart, to either side."""
    return (row["max"] - row["min"]) / 2 / row["median"]


def line_of(name, before, now):
    """The change of the median, the noise band around it, and what that means."""
    change = now["median"] / before["median"] - 1
    band = half_range(before) + half_range(now)
    apart = now["min"] > before["max"] or now["max"] < before["min"]
    verdict = "within the noise"
    if apart:
        better = (change > 0) == now.get("higher_is_better", False)
        verdict = "better" if better else "WORSE"
    return (f"{'/'.join(name):64} {before['median']:>10.4g} {now['median']:>10.4g} {now['unit']:4}"
            f" {100 * change:>+7.1f} %  +-{100 * band:>5.1f} %  {verdict}"), verdict


def print_changes(old_path, new_path):
    """0 when nothing has become worse beyond its noise."""
    old, new = load(old_path), load(new_path)
    for field in ("cpu", "kernel", "compiler", "flags", "git"):
        values = [report["environment"][field] for report in (old, new)]
        if values[0] != values[1]:
            print(f"{field}: {values[0]} before, {values[1]} now")
    before, now = rows_by_name(old), rows_by_name(new)
    verdicts = []
    print(f"{'row':64} {'before':>10} {'now':>10}")
    for name in now:
        if name in before:
            text, verdict = line_of(name, before[name], now[name])
            verdicts.append(verdict)
            print(text)
    for text, gone in (("only before", before.keys() - now.keys()),
                       ("only now", now.keys() - before.keys())):
        if gone:
            print(f"{text}: {len(gone)} rows")
    print(f"{len(verdicts)} rows compared, {verdicts.count('better')} better, "
          f"{verdicts.count('WORSE')} worse; the noise band is half the range of both, added up")
    return 1 if "WORSE" in verdicts else 0
