"""The mutation score: changes the engine's meaning in one place after another; each time a named test
must fail. All mutants of a program are compiled into it at once, in a copy of the sources, and one
of them is switched on at each run (mutant schemata: Untch, Offutt and Harrold, ISSTA 1993). Weaker
memory orders are the models' own business (model_<thing> --weaken all).

    run.py FOLDER [NAME...]     where to build; mutants whose name contains one of the words

Fails when a mutant survives, when a place is not there any more, or when a program fails without
mutants.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True  # the tree stays as it was
import mutants  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FLOOR = 40
PATIENCE_SECONDS = 120  # a mutant that hangs is noticed, too
GNU = ["g++", "-std=c++20", "-O1", "-w", "-DLANEWAY_STATIC_DEFINE"]
GNU_FAST = ["g++", "-std=c++20", "-O0", "-w", "-DLANEWAY_STATIC_DEFINE", "-DLANEWAY_HAVE_XXHASH=1"]
CLANG = ["clang++-14", "-std=c++20", "-O1", "-w", "-DLANEWAY_STATIC_DEFINE"]


# What tests/simulation.cmake has the linker take over for the simulation.
with open(os.path.join(ROOT, "tests/simulation.cmake"), encoding="utf-8") as file:
    TAKEN_OVER = re.search(r"set\(taken_over\s+(.*?)\)", file.read(), re.DOTALL).group(1).split()


class Program:
    def __init__(self, name, mutants_, compiler, sources, arguments, killer):
        self.name = name
        self.mutants = mutants_
        self.compiler = compiler
        self.sources = sources
        self.arguments = arguments
        self.killer = killer  # finds what failed in the output


PROGRAMS = [
    Program(
        "core_model_test", mutants.CORE_MUTANTS, GNU,
        ["engine/base/*.cpp", "engine/core/*.cpp", "tests/core/model_test.cpp"],
        ["--operations", "200"], r"broken: (.*)|engine/\S+?: laneway: this must hold: (.*)",
    ),
    Program(
        "unit_time", mutants.WHEEL_MUTANTS, GNU + ["-lgtest", "-lgtest_main"],
        ["tests/unit/time/timer_wheel*.cpp"],
        ["--gtest_brief=1", "--gtest_fail_fast"], r"FAILED  \] (\S+)|engine/\S+?: laneway: this must hold: (.*)",
    ),
    Program(
        "model_mutants", mutants.MODEL_MUTANTS,
        CLANG + ["-DLANEWAY_MODEL=1", "-DNDEBUG", "-fno-sized-deallocation"],
        ["tests/mutants/model_mutants.cpp"], ["--schedules", "3000"], r"(\S+): .*FAILED",
    ),
    Program(
        "api_tests", mutants.API_MUTANTS, GNU_FAST + ["-lgtest", "-lgtest_main"],
        ["engine/*.cpp", "engine/base/*.cpp", "engine/core/*.cpp", "engine/journal/*.cpp", "engine/time/*.cpp",
         "tests/api/cancel_test.cpp", "tests/api/lease_test.cpp", "tests/api/publish_test.cpp", "tests/api/receive_test.cpp",
         "tests/api/runs_test.cpp", "tests/api/time_test.cpp"],
        ["--gtest_brief=1", "--gtest_fail_fast"],
        r"FAILED  \] (\S+)|engine/\S+?: laneway: this must hold: (.*)",
    ),
    Program(
        "unit_journal", mutants.JOURNAL_MUTANTS,
        GNU + ["-DLANEWAY_HAVE_ISAL=1", "-lisal", "-lgtest", "-lgtest_main"],
        ["engine/names.cpp", "engine/base/*.cpp", "engine/journal/*.cpp", "tests/unit/journal/journal_damage_test.cpp",
         "tests/unit/journal/journal_crash_test.cpp"],
        ["--gtest_brief=1", "--gtest_fail_fast"],
        r"FAILED  \] (\S+)|engine/\S+?: laneway: this must hold: (.*)",
    ),
    Program(
        "simulation", mutants.SIMULATION_MUTANTS,
        GNU_FAST + ["-DLANEWAY_MODEL=2"] + [f"-Wl,--wrap={name}" for name in TAKEN_OVER],
        ["engine/*.cpp", "engine/base/arena.cpp", "engine/core/*.cpp", "engine/journal/[!pu]*.cpp",
         "engine/time/manual_clock.cpp", "tests/simulation/*.cpp", "tools/check/*.cpp"],
        ["--probe", "600"], r"simulation: seed \d+: (.*?):|engine/\S+?: laneway: this must hold: (.*)",
    ),
]  # fmt: skip


def locate(sources, room, place):
    """The file, and where in it the part between « and » begins and ends."""
    before, part, after = (
        r"\s+".join(re.escape(word) for word in words.split())
        for words in re.fullmatch(r"(.*)«(.*)»(.*)", place, re.DOTALL).groups()
    )
    pattern = re.compile(rf"{before}\s*({part})\s*{after}")
    found = []
    for name in sorted(os.listdir(os.path.join(sources, room))):
        if name.endswith((".cpp", ".hpp")):
            with open(os.path.join(sources, room, name), encoding="utf-8") as file:
                matches = list(pattern.finditer(file.read()))
            found += [(os.path.join(room, name), match.span(1)) for match in matches]
    if len(found) != 1:
        sys.exit(f"{room}: {place} is there {len(found)} times: bring mutants.py up to date")
    return found[0]


def with_switches(text, places):
    """The source with a switch at each place: {(begin, end): [(number, instead)]}."""
    for (begin, end), choices in sorted(places.items(), reverse=True):
        original = text[begin:end]
        if original.endswith(";"):
            change = "".join(
                f"if (::laneway_mutants::on({number})) {{ {instead} }} else "
                for number, instead in choices
            )
            change += f"{{ {original} }}"
        else:
            change = "".join(
                f"::laneway_mutants::on({number}) ? ({instead}) : " for number, instead in choices
            )
            change = f"({change}({original}))"
        text = text[:begin] + change + text[end:]
    return text


def build(program, numbered, folder):
    sources = os.path.join(folder, "sources")
    shutil.rmtree(sources, ignore_errors=True)
    for part in ("engine", "include", "tests", "tools/check"):
        shutil.copytree(os.path.join(ROOT, part), os.path.join(sources, part))
    places = {}
    for number, (_, room, place, instead) in numbered:
        file, span = locate(sources, room, place)
        places.setdefault(file, {}).setdefault(span, []).append((number, instead))
    for file, of_file in places.items():
        with open(os.path.join(sources, file), encoding="utf-8") as original:
            text = with_switches(original.read(), of_file)
        with open(os.path.join(sources, file), "w", encoding="utf-8") as changed:
            changed.write(text)
    binary = os.path.join(folder, program.name)
    names = subprocess.run(
        f"ls {' '.join(program.sources)}", shell=True, cwd=sources, check=True,
        capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    libraries = [argument for argument in program.compiler if argument.startswith(("-l", "-Wl"))]
    command = [argument for argument in program.compiler if argument not in libraries]
    command += ["-I.", "-Iinclude", "-I" + os.path.join(folder, "gen")]
    command += ["-include", "tests/mutants/selected.hpp"]
    rooms = {}
    for name in names:
        rooms.setdefault(os.path.dirname(name), []).append(name)
    objects = []
    running = []
    for room, of_room in rooms.items():
        whole = os.path.join(folder, f"{program.name}_{room.replace('/', '_')}.cpp")
        with open(whole, "w", encoding="utf-8") as unit:
            unit.writelines(f'#include "{name}"\n' for name in of_room)
        objects.append(whole + ".o")
        running.append(
            subprocess.Popen([*command, "-c", whole, "-o", objects[-1]], cwd=sources)
        )
        if len(running) == 2 and running.pop(0).wait() != 0:
            sys.exit(f"{program.name} does not compile")
    if any(process.wait() != 0 for process in running):
        sys.exit(f"{program.name} does not compile")
    subprocess.run([command[0], *objects, *libraries, "-lpthread", "-o", binary], check=True)
    return binary


def run(program, binary, number):
    """Whether it failed, what it says about it, and the seconds that it took."""
    begun = time.monotonic()
    environment = os.environ | {"LANEWAY_MUTANT": str(number)}
    try:
        done = subprocess.run(
            [binary, *program.arguments], env=environment, capture_output=True, text=True,
            timeout=PATIENCE_SECONDS if number else None, errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return True, "does not come to an end", PATIENCE_SECONDS
    output = done.stdout + done.stderr
    found = re.search(program.killer, output)
    words = next((group for group in found.groups() if group), "") if found else ""
    return done.returncode != 0, words or f"status {done.returncode}", time.monotonic() - begun


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder, words = os.path.abspath(sys.argv[1]), sys.argv[2:]
    shutil.rmtree(folder, ignore_errors=True)
    export = os.path.join(folder, "gen", "laneway", "export.h")
    os.makedirs(os.path.dirname(export))
    with open(export, "w", encoding="utf-8") as header:
        header.write("#pragma once\n#define LANEWAY_EXPORT\n")
    start = time.monotonic()
    killed = total = 0
    for program in PROGRAMS:
        numbered = list(enumerate(program.mutants, total + 1))
        total += len(numbered)
        binary = build(program, numbered, folder)
        failed, why, _ = run(program, binary, 0)
        if failed:
            sys.exit(f"{program.name} fails without mutants: {why}")
        chosen = [
            (number, mutant[0]) for number, mutant in numbered
            if not words or any(word in mutant[0] for word in words)
        ]  # fmt: skip
        with ThreadPoolExecutor(2) as pool:
            outcomes = pool.map(lambda one: run(program, binary, one[0]), chosen)
            for (_, name), (failed, why, seconds) in zip(chosen, outcomes):
                killed += failed
                verdict = f"killed by {program.name}: {why}" if failed else "SURVIVED"
                print(f"  {name}: {verdict} ({seconds:.1f} s)", flush=True)
    ok = killed == total and total >= FLOOR and not words
    print(
        f"mutants: {killed} of {total} killed, {len(mutants.EQUIVALENT)} equivalent, in "
        f"{time.monotonic() - start:.0f} s (floor all, {FLOOR}) {'ok' if ok else 'FAILED'}"
    )
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
