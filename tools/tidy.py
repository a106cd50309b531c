#!/usr/bin/env python3
"""The house rules that clang-tidy does not know. Prints findings, then "N files, M findings".

A number passed (length of a file or function) is a question. When the answer is good, it is written
into EXCEPTIONS with its reason; an exception that no longer applies is a finding too.
"""
import pathlib
import re
import subprocess
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADER_LINES, SOURCE_LINES, FUNCTION_LINES = 300, 500, 70
SEAM = re.compile(r"engine/base/atomic(_\w+)?\.[hc]pp$")

# (file, rule) -> why it may.
EXCEPTIONS = {
    ("engine/base/atomic_model.hpp", "length"):
        "the whole model backend of the seam, so that one look shows what a model assumes",
    ("engine/time/timer_wheel.hpp", "length"):
        "one template, one algorithm: its invariants are told once and hold for every function",
    ("engine/core/shard_core.hpp", "length"):
        "one class with every rule of a shard: what is private to it shows what its steps share",
    ("engine/core/shard_core_hot.hpp", "length"):
        "the steps that every message takes, side by side, because they are counted together",
    ("engine/engine.cpp", "seam"):
        "one reading of the wall clock at open, from which published times are told",
}

findings = []
used_exceptions = set()


def report(path, line, rule, text):
    if (path, rule) in EXCEPTIONS:
        used_exceptions.add((path, rule))
        return
    findings.append(f"{path}:{line}: {rule}: {text}")


def tracked(*suffixes):
    """Files of the tree, new ones included, ignored ones not."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in sorted(set(listed))
            if name.endswith(suffixes) and (ROOT / name).is_file()]


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def blank(text):
    """The code without comments and literals; every character keeps its place."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'',
        re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def balanced(code, start):
    """The text between the parenthesis at `start` and its partner."""
    depth = 0
    for at in range(start, len(code)):
        depth += {"(": 1, ")": -1}.get(code[at], 0)
        if depth == 0:
            return code[start + 1:at]
    return code[start + 1:]


# --- floors ---------------------------------------------------------------------------------------

def floor_table():
    """folder (or single file) -> folders it may include, read from docs/architecture.md."""
    table = {}
    for line in read("docs/architecture.md").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 6 and cells[2].startswith("`"):
            table[cells[2].strip("`")] = re.findall(r"`([^`]+)`", cells[4])
    return table


def folder_of(path, table):
    inside = [folder for folder in table if path == folder or path.startswith(folder + "/")]
    return max(inside, key=len, default=None)


def check_floors(path, text, table):
    folder = folder_of(path, table)
    if folder is None:
        return
    for number, line in enumerate(text.splitlines(), 1):
        included = re.match(r'\s*#\s*include\s+(?:"([^"]+)"|<(laneway/[^>]+)>)', line)
        if not included:
            continue
        target = included[1] or "include/" + included[2]
        to = folder_of(target, table) or target
        if to != folder and to not in table[folder]:
            report(path, number, "floor", f"{folder} may not include {target}")


def check_table(table):
    if not table:
        report("docs/architecture.md", 1, "floor", "the table of folders was not found")
    for folder, allowed in table.items():
        for named in [folder, *allowed]:
            if not (ROOT / named).exists():
                report("docs/architecture.md", 1, "floor", f"there is no {named}")
    for folder in sorted((ROOT / "engine").iterdir()):
        name = folder.relative_to(ROOT).as_posix()
        if folder.is_dir() and any(folder.iterdir()) and name not in table:
            report("docs/architecture.md", 1, "floor", f"{name} is not in the table")


# --- atomics --------------------------------------------------------------------------------------

OPERATION = re.compile(
    r"(?:\.|->)(load|store|exchange|fetch_\w+|compare_exchange_\w+|test_and_set)\s*\(")
SEAM_ONLY = re.compile(
    r"std::atomic\w*|\batomic_(?:thread|signal)_fence\b|SYS_futex|FUTEX_\w+|this_thread::get_id|gettid")
CLOCKS = re.compile(r"(?:steady|system|high_resolution)_clock::now|\bclock_gettime\b")


def check_orders(path, code):
    """Orders are explicit. The seam itself only passes on those that it was given."""
    if SEAM.match(path):
        return
    for match in OPERATION.finditer(code):
        arguments = balanced(code, match.end() - 1)
        if "memory_order" not in arguments:
            report(path, line_of(code, match.start()), "order", f"{match[1]} without a memory order")
    for name in re.findall(r"\batomic<[^;{}()]*>\s+(\w+)\s*[;{]", code):
        implicit = rf"(?:\+\+|--)\s*{name}\b|\b{name}\s*(?:\+\+|--|[-+|&^]?=(?!=))"
        for match in re.finditer(implicit, code):
            report(path, line_of(code, match.start()), "order", f"operator on the atomic {name}")


def check_seam(path, code):
    if SEAM.match(path):
        return
    rules = [(SEAM_ONLY, "belongs in engine/base/atomic.hpp"),
             (re.compile(r"\bthread_local\b|(?<!asm )(?<!__asm__ )\bvolatile\b"), "is not used here")]
    if path.startswith(("engine/core/", "engine/time/")):
        rules.append((re.compile(r"\batomic<|\bmemory_order\w*"), "has no place on this floor"))
    if not path.startswith("engine/time/"):
        rules.append((CLOCKS, "belongs in engine/time"))
    for pattern, why in rules:
        for match in pattern.finditer(code):
            report(path, line_of(code, match.start()), "seam", f"{match.group()} {why}")


def check_labels(path, text, code):
    """(R1) names one operation: told once, marked at most once, and mentioned by its partner."""
    label = r"\(([A-Z]{1,2}\d+)\)"
    told, marked, mentions, first = {}, {}, {}, {}
    for number, (line, bare) in enumerate(zip(text.splitlines(), code.splitlines()), 1):
        comment = line[line.find("//"):] if "//" in line else ""
        for group in re.findall(r"\(([A-Z]{1,2}\d+(?:(?:, | and )[A-Z]{1,2}\d+)*)\)", comment):
            for name in re.split(", | and ", group):
                mentions[name] = mentions.get(name, 0) + 1
                first.setdefault(name, number)
        opening = re.match(r"//\s*" + label, comment)
        if opening:
            kind = marked if bare.strip() else told
            kind[opening[1]] = kind.get(opening[1], 0) + 1
    for name, count in mentions.items():
        if count < 2:
            report(path, first[name], "label", f"({name}) has no partner in this file")
        if told.get(name, 0) > 1 or marked.get(name, 0) > 1:
            report(path, first[name], "label", f"({name}) names two operations")


# --- lengths --------------------------------------------------------------------------------------

SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")
CONTROL = re.compile(r"\s*(if|for|while|switch|do|else|try|catch)\b")


def functions(code):
    """(first line, lines) of each function body, found by its braces."""
    code = re.sub(r"(?m)^\s*#.*$", "", code)  # a directive is one line; none of ours continues
    stack, statement = [], ""
    for at, character in enumerate(code):
        if character == "{":
            outer = all(kind == "scope" for kind, _ in stack)
            head = re.sub(r"template\s*<[^{}]*?>\s*(?=\w)|alignas\([^)]*\)|\[\[.*?\]\]", "", statement)
            if outer and SCOPE.search(head) and "(" not in head.split(":")[0]:
                kind = "scope"
            elif outer and "(" in head and not CONTROL.match(head):
                kind = "function"
            else:
                kind = "block"
            stack.append((kind, line_of(code, at)))
            statement = ""
        elif character == "}":
            kind, start = stack.pop() if stack else ("block", 0)
            if kind == "function":
                yield start, line_of(code, at) - start + 1
            statement = ""
        elif character == ";":
            statement = ""
        else:
            statement += character


def check_lengths(path, text, code):
    limit = HEADER_LINES if path.endswith(".hpp") else SOURCE_LINES
    lines = text.count("\n")
    if lines > limit:
        report(path, 1, "length", f"{lines} lines; above {limit} it wants a reason")
    for start, length in functions(code):
        if length > FUNCTION_LINES:
            report(path, start, "function", f"{length} lines; above {FUNCTION_LINES} it wants a reason")


# --- documents ------------------------------------------------------------------------------------

def without_fences(text):
    return re.sub(r"(?ms)^```.*?^```[^\n]*$", lambda m: "\n" * m.group().count("\n"), text)


def anchors(path):
    headings = re.findall(r"(?m)^#+ +(.*)$", without_fences(read(path)))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def check_document(path):
    text = without_fences(read(path))
    titles = re.findall(r"(?m)^# ", text)
    if len(titles) != 1:
        report(path, 1, "title", f"{len(titles)} titles; a document has one")
    for match in re.finditer(r"\]\(([^)\s]+)\)", text):
        target, _, anchor = match[1].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (ROOT / path).parent / target if target else ROOT / path
        number = line_of(text, match.start())
        if not file.exists():
            report(path, number, "link", f"{match[1]} does not exist")
        elif anchor and file.suffix == ".md":
            if anchor not in anchors(file.resolve().relative_to(ROOT).as_posix()):
                report(path, number, "link", f"{match[1]} names no heading")


MARKED = re.compile(r"(?ms)^<!-- (docs/examples/\w+\.cpp)(?: \[([^\]]+)\])? -->\n+```(\w*)\n(.*?)^```")


def excerpt(path, part):
    """The file, or what stands between its two lines `// [part]`; None when there is no such."""
    if not (ROOT / path).is_file():
        return None
    text = read(path)
    if part:
        pieces = re.split(rf"(?m)^ *// \[{re.escape(part)}\]\n", text)
        text = textwrap.dedent(pieces[1]) if len(pieces) == 3 else None
    return text


def check_snippets(path, examples):
    """What a document shows as C++ is compiled: a comment above the block names the example, or the
    part of it, that it must equal; without one the lines stand in one of docs/examples."""
    text = read(path)
    named = set()
    for match in MARKED.finditer(text):
        named.add(match.start(4))
        name = match[1] + (f" [{match[2]}]" if match[2] else "")
        wanted = excerpt(match[1], match[2])
        if wanted is None:
            report(path, line_of(text, match.start()), "snippet", f"there is no {name}")
        elif wanted != match[4]:
            report(path, line_of(text, match.start()), "snippet", f"this is not the text of {name}")
    for match in re.finditer(r"<!-- docs/examples/[^>]*>", text):
        if not MARKED.match(text, match.start()):
            report(path, line_of(text, match.start()), "snippet", "names no block of an example")
    if path not in ("README.md", "docs/tutorial.md"):
        return
    for match in re.finditer(r"(?ms)^```cpp\n(.*?)^```", text):
        shown = "\n".join(line.strip() for line in match[1].splitlines() if line.strip())
        if match.start(1) not in named and not any(shown in example for example in examples):
            number = line_of(text, match.start())
            report(path, number, "snippet", "these lines are in no file of docs/examples")


# --- the run --------------------------------------------------------------------------------------

def check_code(path, table):
    text = read(path)
    code = blank(text)
    check_floors(path, text, table)
    if path.endswith(".hpp") and not re.search(r"(?m)^#pragma once$", text):
        report(path, 1, "once", "#pragma once is missing")
    if path.startswith("engine/"):
        check_orders(path, code)
        check_seam(path, code)
        check_labels(path, text, code)
    if path.startswith(("engine/", "include/", "tools/")):
        check_lengths(path, text, code)


def main():
    table = floor_table()
    check_table(table)
    sources = tracked(".hpp", ".cpp")
    for path in sources:
        check_code(path, table)

    documents = tracked(".md")
    examples = ["\n".join(line.strip() for line in read(path).splitlines() if line.strip())
                for path in tracked(".cpp") if path.startswith("docs/examples/")]
    for path in documents:
        check_document(path)
        check_snippets(path, examples)

    for path in tracked(".hpp", ".cpp", ".md", ".cmake", ".txt", ".py", "tools/test", "tools/demo"):
        for number, line in enumerate(read(path).splitlines(), 1):
            if re.search(r"\b(TO" r"DO|FIX" r"ME)\b", line):
                report(path, number, "later", "what is left to do is not written into the tree")

    for path, rule in EXCEPTIONS.keys() - used_exceptions:
        findings.append(f"tools/tidy.py:1: exception: ({path}, {rule}) is not needed any more")

    print("\n".join(sorted(findings)), end="\n" if findings else "")
    print(f"{len(sources) + len(documents)} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
