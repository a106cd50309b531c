#!/usr/bin/env python3
"""sessionize with a log from outside, compared with a computation of our own: sessionize_test.py PROGRAM"""
import collections
import datetime
import pathlib
import random
import subprocess
import sys
import tempfile

PROGRAM = pathlib.Path(sys.argv[1]).resolve()
GAP = 30 * 60


def made_log(lines):
    """The log, and for each client what happened when."""
    draw = random.Random(7)
    hits = collections.defaultdict(list)
    text, now = [], 1772323200
    for number in range(lines):
        now += draw.choice((0, 1, 1, 2, 40))
        client = f"client-{int(draw.paretovariate(0.6)) % 40}"
        size = draw.randrange(10_000)
        zone = draw.choice((0, 1, -3))
        local = datetime.datetime.fromtimestamp(now, datetime.timezone(datetime.timedelta(hours=zone)))
        text.append(f'{client} - - [{local:%d/%b/%Y:%H:%M:%S %z}] "GET /{number} HTTP/1.1" 200 {size}')
        hits[client].append((now, size))
    return "\n".join(text) + "\n", hits


def sessions(hits):
    for client, visits in hits.items():
        begin = 0
        for at in range(1, len(visits) + 1):
            if at == len(visits) or visits[at][0] - visits[at - 1][0] > GAP:
                part = visits[begin:at]
                yield f"{client} {part[0][0]} {part[-1][0]} {len(part)} {sum(size for _, size in part)}"
                begin = at


def main():
    log, hits = made_log(4000)
    expected = sorted(sessions(hits))
    assert len(expected) > 200, "the log has too few sessions to show anything"
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "access.log"
        path.write_text(log)
        for name, arguments, stdin in (("file", [path], ""), ("standard input", ["-"], log)):
            done = subprocess.run([PROGRAM, *arguments], input=stdin, capture_output=True, text=True,
                                  timeout=120, check=True)
            assert sorted(done.stdout.splitlines()) == expected, f"{name}: other sessions"
            print(f"sessions from {name}: {len(expected)} (floor 200) ok")


if __name__ == "__main__":
    main()
