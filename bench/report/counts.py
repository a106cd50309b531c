"""Instructions a call takes, counted by callgrind, against the baseline of the repository.

The counts are the same on every run, whatever else the machine does; so a change that costs more
is seen before it is felt. See tools/bench --count: counts.py PROGRAM [--update]."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

BASELINE = pathlib.Path("bench/counts/baseline.json")
GROWTH_MAX = 0.03


def counted(program):
    """(compiler, instructions for one call of each name), from one run of the program."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--collect-atstart=no", "--quiet",
             f"--callgrind-out-file={folder}/out", program],
            capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{program} under valgrind: status {done.returncode}\n{done.stderr}")
        totals = {}
        for dump in pathlib.Path(folder).iterdir():
            text = dump.read_text(encoding="utf-8")
            name = re.search(r"^desc: Trigger: Client Request: (\w+)$", text, re.M)
            if name:
                totals[name[1]] = int(re.search(r"^(?:totals|summary): (\d+)", text, re.M)[1])
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    calls = {name: int(value) for name, value in lines[1:]}
    return lines[0][1], {name: round(totals[name] / count, 1) for name, count in calls.items()}


def verdict(before, now):
    """'' when all is well, else why not."""
    if before is None:
        return "new"
    return f"{100 * (now / before - 1):+.1f} %" if now > before * (1 + GROWTH_MAX) else ""


def main(program, *options):
    compiler, counts = counted(program)
    if "--update" in options:
        BASELINE.write_text(json.dumps({"compiler": compiler, "instructions": counts}, indent=1) +
                            "\n", encoding="utf-8")
    baseline = json.loads(BASELINE.read_text(encoding="utf-8"))
    if baseline["compiler"] != compiler:
        sys.exit(f"The baseline is of {baseline['compiler']}, this program of {compiler}: not the "
                 "same instructions. tools/bench --count --update makes another.")
    before = baseline["instructions"]
    wrong = [name for name in before if name not in counts]
    print(f"{'call':24} {'before':>8} {'now':>8}")
    for name, now in counts.items():
        why = verdict(before.get(name), now)
        print(f"{name:24} {before.get(name, 0):8.1f} {now:8.1f} {why}".rstrip())
        wrong += [name] if why else []
    print(f"{len(counts)} calls counted, {len(wrong)} above the baseline by more than "
          f"{100 * GROWTH_MAX:.0f} %, new or gone{': ' + ', '.join(wrong) if wrong else ''}")
    if wrong:
        print("If that is what the change is worth, commit it with the new baseline: "
              "tools/bench --count --update")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
