#!/usr/bin/env python3
"""`laneway check` on histories that hold, that do not, and that cannot be read: check_test.py PROGRAM
[NAME...]
"""
import pathlib
import re
import sys

sys.dont_write_bytecode = True  # the tree stays as it was
from harness import contains, equal, laneway, main, test  # noqa: E402

HISTORY_PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "history.md"
FIRST_LINE = "laneway-history 1\n"
OUT_OF_ORDER = FIRST_LINE + """\
publish 1 2 message=1 key=7
publish 3 4 message=2 key=7
grant 5 6 message=2 key=7 lease=1 attempt=1
"""


def verdict(done, invariant):
    return re.search(rf"^  {invariant} .* judged  (\S+)$", done.out.decode(), re.MULTILINE)[1]


@test
def the_example_of_the_page_holds(folder):
    example = re.search(r"```\n(laneway-history 1\n.*?)```", HISTORY_PAGE.read_text(), re.DOTALL)[1]
    file = folder / "example.lwh"
    file.write_text(example)
    done = laneway("check", file)
    equal(done.status, 0)
    contains(done.out, b"4 events")
    equal(verdict(done, "S7"), "holds")
    equal(verdict(done, "S15"), "-")  # nobody slept


@test
def a_violation_is_named_and_shown_by_its_events(folder):
    done = laneway("check", "-", stdin=OUT_OF_ORDER)
    equal(done.status, 1)
    equal(verdict(done, "S7"), "VIOLATED")
    equal(verdict(done, "S1"), "holds")
    contains(done.out, b"message 2 was granted before message 1 was resolved")
    contains(done.out, b"publish 1 2 message=1 key=7\n")


@test
def one_violation_is_told_behind_hundreds_of_another_invariant(folder):
    lines = [f"grant 1 2 message={i} lease={i} attempt=1" for i in range(1, 301)]
    lines.append("stats 3 4 accepted=1")
    done = laneway("check", "-", stdin=FIRST_LINE + "\n".join(lines) + "\n")
    equal(done.status, 1)
    equal(verdict(done, "S1"), "VIOLATED")
    equal(verdict(done, "S11"), "VIOLATED")


@test
def what_cannot_be_read_is_told_with_its_line(folder):
    done = laneway("check", "-", stdin=OUT_OF_ORDER + "publsh 7 8 message=3\n")
    equal(done.status, 2)
    contains(done.err, b"line 5")
    equal(done.out, b"")
    equal(laneway("check", "-", stdin="publish 1 2 message=1\n").status, 2)  # no first line
    equal(laneway("check", folder / "missing.lwh").status, 2)


@test
def without_a_history_the_usage_is_told(folder):
    equal(laneway("check").status, 2)
    contains(laneway("check").err, b"HISTORY")
    equal(laneway("check", "--help").status, 0)


if __name__ == "__main__":
    sys.exit(main())
