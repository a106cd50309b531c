"""What tests of the built program share. A test is a function named by a sentence; it gets an empty
folder. Output has the form of gtest, so that tools/test counts the cases.

The arguments of the test program are: PROGRAM [NAME...]
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import traceback

PROGRAM = pathlib.Path(sys.argv[1]).resolve()
TIMEOUT = 60

TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Done:
    """How a run of the program ended."""

    def __init__(self, process):
        self.status, self.out, self.err = process.returncode, process.stdout, process.stderr

    @property
    def json(self):
        return json.loads(self.out)


def laneway(*arguments, stdin=b""):
    if isinstance(stdin, str):
        stdin = stdin.encode()
    return Done(subprocess.run([PROGRAM, *arguments], input=stdin, capture_output=True,
                               timeout=TIMEOUT))


def equal(actual, expected):
    assert actual == expected, f"expected {expected!r}, was {actual!r}"


def contains(text, part):
    assert part in text, f"{part!r} is not in {text!r}"


def wait_until(condition):
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def main():
    chosen = [one for one in TESTS if not sys.argv[2:] or one.__name__ in sys.argv[2:]]
    failed = []
    for one in chosen:
        print(f"[ RUN      ] {one.__name__}", flush=True)
        begin = time.monotonic()
        try:
            with tempfile.TemporaryDirectory() as folder:
                one(pathlib.Path(folder))
            verdict = "[       OK ]"
        except Exception:  # pylint: disable=broad-except
            traceback.print_exc(file=sys.stdout)
            failed.append(one.__name__)
            verdict = "[  FAILED  ]"
        print(f"{verdict} {one.__name__} ({1000 * (time.monotonic() - begin):.0f} ms)", flush=True)
    print(f"[==========] {len(chosen)} tests ran.")
    print(f"[  PASSED  ] {len(chosen) - len(failed)} tests.")
    for name in failed:
        print(f"[  FAILED  ] {name}")
    return 1 if failed or not chosen else 0
