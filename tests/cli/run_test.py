#!/usr/bin/env python3
"""Runs the built program as a person would: run_test.py PROGRAM [NAME...]

Each function below named by a sentence is a test.
"""
import base64
import collections
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # the tree stays as it was
from harness import PROGRAM, TIMEOUT, contains, equal, laneway, main, test, wait_until  # noqa: E402


def run(*arguments, stdin=b""):
    return laneway("run", "--quiet", *arguments, stdin=stdin)


def start(*arguments, **streams):
    return subprocess.Popen([PROGRAM, "run", *arguments], **streams)


def numbered(count, keys=1):
    return "".join(f"key{number % keys} {number}\n" for number in range(count))


def dead_letters(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def shell(script):
    """A command that finds its record in $1."""
    return ["--", "sh", "-c", script, "sh", "{}"]


# --- order ----------------------------------------------------------------------------------------


@test
def keys_keep_their_order_while_deliveries_fail_and_workers_are_lost(folder):
    done = run("--key", "1", "--handler", "verify", "--workers", "8", "--attempts", "60",
               "--fail-share", "0.2", "--lose-share", "0.01", "--lease", "100ms",
               "--backoff", "1ms:5ms", "--json", "-", stdin=numbered(3000, keys=50))
    equal(done.status, 0)
    equal(done.json["handler"]["breaches"], 0)
    equal(done.json["acked"], 3000)
    equal(done.json["keys"], 50)
    assert done.json["leases_expired"] > 0
    equal(done.json["handler"]["deliveries"], done.json["deliveries"])


@test
def order_goes_on_after_a_dead_letter(folder):
    done = run("--key", "1", "--handler", "verify", "--workers", "4", "--attempts", "2",
               "--fail-share", "0.3", "--backoff", "1ms", "--json", "-",
               stdin=numbered(1000, keys=20))
    equal(done.status, 1)
    equal(done.json["handler"]["breaches"], 0)
    assert done.json["dead"]["attempts"] > 0
    equal(done.json["acked"] + done.json["dead"]["attempts"], 1000)


@test
def the_same_seed_fails_the_same_deliveries(folder):
    counts = {run("--handler", "count", "--fail-share", "0.3", "--backoff", "0", "--seed", "7",
                  "--json", "-", stdin=numbered(500)).json["deliveries"] for _ in range(2)}
    equal(len(counts), 1)


@test
def commands_see_each_key_in_order_under_retries(folder):
    script = ('[ "$LANEWAY_ATTEMPT" -ge 2 ] || [ $((${1#* } % 3)) -ne 0 ] || exit 9; '
              f'echo "$1" >> {folder}/$LANEWAY_KEY')
    done = run("--key", "1", "--workers", "4", "--backoff", "1ms", *shell(script),
               stdin=numbered(60, keys=4))
    equal(done.status, 0)
    for key in range(4):
        lines = (folder / f"key{key}").read_text().splitlines()
        equal(lines, [f"key{key} {number}" for number in range(key, 60, 4)])


@test
def a_rate_holds_for_all_workers_and_for_retries(folder):
    report = run("--handler", "fail", "--attempts", "2", "--backoff", "0", "--workers", "4",
                 "--rate", "50/s", "--json", "-", stdin=numbered(6)).json
    equal(report["deliveries"], 12)
    assert report["wall_seconds"] >= 11 * 0.02, report["wall_seconds"]


@test
def urgent_records_come_first_and_never_past_their_own_key(folder):
    # The first record holds the only worker until all others have been read.
    mark = folder / "all-read"
    path = folder / "out"
    script = f'case "$1" in hold*) while [ ! -e {mark} ]; do sleep 0.01; done;; esac; echo "$1" >> {path}'
    process = start("--quiet", "--key", "1", "--priority", "2", "--workers", "1", *shell(script),
                    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    process.stdin.write(b"hold 99\na 1\nb 5\nc 9\na 9\nd low\n")
    process.stdin.close()
    time.sleep(0.3)  # for the reader; were it too short, the test would fail, never pass in vain
    mark.touch()
    equal(process.wait(timeout=TIMEOUT), 0)
    equal(path.read_text().splitlines(), ["hold 99", "c 9", "b 5", "a 1", "a 9", "d low"])


@test
def no_more_records_are_in_flight_than_asked_for(folder):
    script = f'echo x >> {folder}/in; sleep 0.05; echo "$(wc -l < {folder}/in)"; echo x >> {folder}/out'
    done = run("--workers", "4", "--max-in-flight", "1", *shell(script), stdin=numbered(5))
    equal(done.out.split(), [b"1", b"2", b"3", b"4", b"5"])


@test
def detach_lets_the_rest_of_a_key_go_on(folder):
    script = '[ "$1" != "k 1" ] || [ "$LANEWAY_ATTEMPT" -ge 2 ] || exit 1; echo "$1"'
    arguments = ["--key", "1", "--workers", "1", "--backoff", "600ms", "--on-failure"]
    for what, expected in (("hold", "k 1\nk 2\nk 3\n"), ("detach", "k 2\nk 3\nk 1\n")):
        # The wait is drawn from 1 ms to 600 ms: the default seed draws one of about 500 ms.
        done = run(*arguments, what, *shell(script), stdin="k 1\nk 2\nk 3\n")
        equal(done.out.decode(), expected)


# --- what a command gets --------------------------------------------------------------------------


@test
def records_take_the_places_in_the_words(folder):
    done = run("--key", "2", "--", "printf", "%s|", "{}", "{key}", "<{attempt}>", "{id}", "{x}",
               stdin="one two\n")
    equal(done.out, b"one two|two|<1>|1|{x}|")


@test
def records_without_a_place_come_on_standard_input(folder):
    equal(run("--workers", "1", "--", "cat", stdin="a\nb\n").out, b"a\nb\n")
    equal(run("-0", "--workers", "1", "--", "od", "-An", "-c", stdin=b"a\nb\0").out.split(),
          [b"a", rb"\n", b"b", rb"\0"])


@test
def the_environment_tells_about_the_delivery(folder):
    done = run("--key", "1", "--backoff", "0",
               *shell('[ $LANEWAY_ATTEMPT = 2 ] && '
                      'echo "$LANEWAY_KEY $LANEWAY_ATTEMPT $LANEWAY_ID $LANEWAY_FENCE"'),
               stdin="k 1\n")
    key, attempt, number, fence = done.out.split()
    equal((key, attempt, number), (b"k", b"2", b"1"))
    assert int(fence) > 0


@test
def a_record_with_a_nul_byte_is_never_cut_to_fit_an_argument(folder):
    done = run("--dead-letters", folder / "dead", *shell("true"), stdin=b"a\0b\n")
    equal(done.status, 1)
    letter, = dead_letters(folder / "dead")
    equal((letter["record"], letter["reason"]), ("a\0b", "rejected"))
    contains(letter["attempts"][0]["error"], "NUL")


# --- one command for each worker ------------------------------------------------------------------


def answering(script):
    """A command of --each-worker: answers each line, which it finds in $line."""
    return ["--each-worker", "--", "sh", "-c", f"while IFS= read -r line; do {script}; done"]


@test
def each_worker_starts_one_command_for_all_its_records(folder):
    done = run("--key", "1", "--workers", "2", "--json", "-",
               *answering(f'echo "$$ $line" >> {folder}/seen; echo ok'),
               stdin=numbered(200, keys=5))
    equal((done.status, done.json["acked"], done.json["handler"]["started"]), (0, 200, 2))
    lines = [line.split(" ", 1) for line in (folder / "seen").read_text().splitlines()]
    assert len({process for process, _ in lines}) <= 2
    for key in range(5):
        equal([record for _, record in lines if record.startswith(f"key{key} ")],
              [f"key{key} {number}" for number in range(key, 200, 5)])


@test
def replies_acknowledge_retry_and_reject(folder):
    script = ('case "$line" in "1 b") echo "retry not yet";; "2 b") echo ok;; '
              '*c) echo "reject no such account";; *) echo ok;; esac')
    done = run("--workers", "1", "--backoff", "1ms", "--line", "{attempt} {}", "--json", "-",
               "--dead-letters", folder / "dead", *answering(script), stdin="a\nb\nc\n")
    equal((done.status, done.json["acked"], done.json["deliveries"]), (1, 2, 4))
    equal(done.json["handler"]["started"], 1)
    letter, = dead_letters(folder / "dead")
    equal((letter["record"], letter["reason"], letter["attempts"][0]["error"]),
          ("c", "rejected", "no such account"))


@test
def a_command_that_dies_has_failed_the_record_it_was_at_and_no_other(folder):
    script = '[ "$line" != "1 b" ] || { echo out of memory >&2; exit 3; }; echo ok'
    done = run("--key", "1", "--workers", "1", "--backoff", "1ms", "--line", "{attempt} {}",
               "--json", "-", *answering(script), stdin="a\nb\nc\n")
    equal((done.status, done.json["acked"], done.json["failed_deliveries"]), (0, 3, 1))
    equal(done.json["handler"]["started"], 2)
    contains(done.err, b"out of memory")
    done = run("--attempts", "2", "--backoff", "1ms", "--workers", "1", "--dead-letters",
               folder / "dead", *answering('echo disk full >&2; kill -9 $$'), stdin="poison\n")
    letter, = dead_letters(folder / "dead")
    equal([attempt["error"] for attempt in letter["attempts"]],
          ["signal 9 (Killed): disk full"] * 2)


@test
def an_end_without_an_answer_is_no_success(folder):
    done = run("--attempts", "1", "--json", "-", "--dead-letters", folder / "dead",
               *answering("exit 0"), stdin="x\n")
    equal((done.status, done.json["acked"]), (1, 0))
    contains(dead_letters(folder / "dead")[0]["attempts"][0]["error"], "without a reply")


@test
def a_command_that_takes_too_long_is_replaced(folder):
    script = f'[ "$line" != slow ] || {{ echo $$ > {folder}/pid; sleep 1000; }}; echo ok'
    done = run("--workers", "1", "--attempts", "1", "--timeout", "300ms", "--json", "-",
               "--dead-letters", folder / "dead", *answering(script), stdin="a\nslow\nb\n")
    equal((done.status, done.json["acked"], done.json["handler"]["started"]), (1, 2, 2))
    equal(dead_letters(folder / "dead")[0]["attempts"][0]["error"], "timeout after 300ms")
    assert not pathlib.Path(f"/proc/{(folder / 'pid').read_text().strip()}").exists()


@test
def a_long_answer_keeps_its_lease(folder):
    done = run("--workers", "1", "--lease", "200ms", "--json", "-",
               *answering("sleep 0.7; echo ok"), stdin="x\n")
    equal((done.status, done.json["deliveries"], done.json["leases_expired"]), (0, 1, 0))


@test
def a_command_out_of_step_is_replaced_before_it_can_answer_for_another_record(folder):
    script = f'echo "$line" >> {folder}/seen; [ "$line" = twice ] && printf "ok\\nok\\n" || echo ok'
    done = run("--workers", "1", "--json", "-", *answering(script), stdin="a\ntwice\nb\nc\n")
    equal((done.status, done.json["acked"], done.json["deliveries"]), (0, 4, 4))
    equal(done.json["handler"]["started"], 2)
    equal((folder / "seen").read_text().split()[-2:], ["b", "c"])


@test
def a_command_that_knows_nothing_of_replies_ends_the_run_instead_of_making_dead_letters(folder):
    done = run("--workers", "1", "--each-worker", "--json", folder / "report", "--", "cat",
               stdin="hello\nthere\n")
    equal(done.status, 2)
    contains(done.out, b"the command answers 'hello'")
    report = json.loads((folder / "report").read_text())
    equal((report["dead"]["total"], report["left"]["total"]), (0, 2))


@test
def replies_too_many_are_told_at_the_end(folder):
    done = run("--workers", "1", "--each-worker", "--", "sh", "-c",
               "while read -r line; do echo ok; done; echo ok", stdin="x\n")
    equal(done.status, 0)
    contains(done.err, b"more replies than it got records")


@test
def a_command_may_end_itself_in_peace_and_its_last_failure_is_told(folder):
    done = run("--workers", "1", "--each-worker", "--", "sh", "-c",
               f"while read -r line; do echo ok; done; echo end > {folder}/end; exit 4",
               stdin="x\n")
    equal((done.status, (folder / "end").read_text()), (0, "end\n"))
    contains(done.err, b"after its last record a command ended badly: exit 4")


@test
def an_interruption_stops_commands_of_workers_and_gives_their_records_back(folder):
    mark = folder / "mark"
    process = start("--quiet", "--workers", "1", "--grace", "100ms", "--json", folder / "report",
                    *answering(f"touch {mark}; sleep 1000"), stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    process.stdin.write(b"x\n")
    process.stdin.flush()
    wait_until(mark.exists)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=TIMEOUT)
    equal(process.returncode, 130)
    report = json.loads((folder / "report").read_text())
    equal((report["left"]["total"], report["failed_deliveries"]), (1, 0))


# --- what becomes of a record ---------------------------------------------------------------------


@test
def exit_zero_acknowledges_and_anything_else_is_tried_again(folder):
    done = run("--json", folder / "report", "--backoff", "1ms", "--workers", "2",
               *shell('[ "$LANEWAY_ATTEMPT" -ge "$1" ] || exit 3'), stdin="1\n2\n3\n")
    equal(done.status, 0)
    report = json.loads((folder / "report").read_text())
    equal((report["read"], report["acked"], report["deliveries"], report["failed_deliveries"]),
          (3, 3, 6, 3))


@test
def a_reject_code_is_not_tried_again(folder):
    done = run("--reject-codes", "64,65", "--dead-letters", folder / "dead", *shell("exit 65"),
               stdin="x\n")
    equal(done.status, 1)
    letter, = dead_letters(folder / "dead")
    equal((letter["reason"], letter["attempts_made"]), ("rejected", 1))
    equal(letter["attempts"][0]["error"], "exit 65")


@test
def with_retry_codes_every_other_exit_code_is_final(folder):
    done = run("--retry-codes", "75", "--attempts", "3", "--backoff", "1ms", "--dead-letters",
               folder / "dead", *shell('exit "$1"'), stdin="75\n1\n")
    equal(done.status, 1)
    made = {letter["record"]: (letter["reason"], letter["attempts_made"])
            for letter in dead_letters(folder / "dead")}
    equal(made, {"75": ("attempts", 3), "1": ("rejected", 1)})


@test
def a_dead_letter_tells_its_story(folder):
    done = run("--key", "1", "--attempts", "3", "--backoff", "1ms", "--dead-letters",
               folder / "dead", *shell("echo first >&2; echo no route to host >&2; exit 7"),
               stdin="k payload\n")
    equal(done.status, 1)
    contains(done.err, b"no route to host")
    letter, = dead_letters(folder / "dead")
    equal((letter["record"], letter["key"], letter["reason"], letter["number"], letter["type"]),
          ("k payload", "k", "attempts", 1, "record"))
    equal([attempt["number"] for attempt in letter["attempts"]], [1, 2, 3])
    for attempt in letter["attempts"]:
        equal((attempt["error"], attempt["error_class"]), ("exit 7: no route to host", 7))
        assert letter["published"] <= attempt["when"] <= letter["died"]


@test
def bytes_that_are_no_text_come_back_from_base64(folder):
    run("--handler", "fail", "--attempts", "1", "--dead-letters", folder / "dead",
        stdin=b"\xff\xfe\n")
    letter, = dead_letters(folder / "dead")
    equal(base64.b64decode(letter["record_base64"]), b"\xff\xfe")


@test
def signals_and_timeouts_are_told_apart(folder):
    script = '[ "$1" = a ] && kill -9 $$; sleep 60'
    done = run("--attempts", "1", "--timeout", "200ms", "--workers", "2", "--dead-letters",
               folder / "dead", *shell(script), stdin="a\nb\n")
    equal(done.status, 1)
    errors = {letter["record"]: letter["attempts"][0] for letter in dead_letters(folder / "dead")}
    equal((errors["a"]["error"], errors["a"]["error_class"]), ("signal 9 (Killed)", 137))
    equal((errors["b"]["error"], errors["b"]["error_class"]), ("timeout after 200ms", 124))


@test
def a_timeout_leaves_nothing_of_the_command_behind(folder):
    script = f"sleep 1000 & echo $! > {folder}/pid; trap '' TERM; wait; sleep 1000"
    done = run("--attempts", "1", "--timeout", "300ms", "--kill-after", "200ms", *shell(script),
               stdin="x\n")
    equal(done.status, 1)
    pid = int((folder / "pid").read_text())
    wait_until(lambda: not pathlib.Path(f"/proc/{pid}/cmdline").exists()
               or pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() == b"")


@test
def dead_letters_are_replayed_with_their_keys_and_in_their_order(folder):
    text = b"a 1\nb 2\na 3\n\xff 4\na 5\nnever\n"
    run("--key", "1", "--attempts", "1", "--record-bytes-max", "4", "--workers", "1",
        "--dead-letters", folder / "dead", "--handler", "fail", stdin=text)
    equal(len(dead_letters(folder / "dead")), 6)
    done = run("--replay", folder / "dead", "--dead-letters", folder / "again", "--json",
               folder / "report", *shell(f'printf "%s\\n" "$1" >> {folder}/$LANEWAY_KEY'))
    equal(done.status, 1)
    report = json.loads((folder / "report").read_text())
    equal((report["read"], report["acked"], report["keys"]), (6, 5, 3))
    equal((folder / "a").read_text(), "a 1\na 3\na 5\n")
    equal((folder / os.fsdecode(b"\xff")).read_bytes(), b"\xff 4\n")
    letter, = dead_letters(folder / "again")  # its bytes were never kept
    equal((letter["type"], letter["number"], letter["record"]), ("too_long", 6, None))


@test
def what_is_replayed_can_get_new_keys(folder):
    run("--key", "3", "--strict-key", "--handler", "count", "--dead-letters", folder / "dead",
        stdin="k 1\nk 2\n")
    report = run("--replay", folder / "dead", "--key", "1", "--handler", "count",
                 "--json", "-").json
    equal((report["acked"], report["keys"], report["unkeyed"]), (2, 1, 0))


@test
def only_a_file_of_dead_letters_is_replayed_and_not_into_itself(folder):
    path = folder / "file"
    path.write_text("no dead letter\n")
    done = run("--replay", path, "--handler", "count")
    equal(done.status, 2)
    contains(done.out, f"line 1 of {path} is no dead letter".encode())
    done = run("--replay", path, "--dead-letters", path, "--append", "--handler", "count")
    equal((done.status, path.read_text()), (2, "no dead letter\n"))


@test
def ten_thousand_dead_letters_are_all_written(folder):
    done = run("--key", "1", "--handler", "fail", "--attempts", "1", "--read-ahead", "500",
               "--json", "-", "--dead-letters", folder / "dead", stdin=numbered(10000, keys=7))
    equal(done.json["dead"]["attempts"], 10000)
    numbers = [letter["number"] for letter in dead_letters(folder / "dead")]
    equal(sorted(numbers), list(range(1, 10001)))


@test
def dead_letters_never_replace_a_file_unasked(folder):
    path = folder / "dead"
    path.write_text("precious\n")
    done = run("--handler", "fail", "--attempts", "1", "--dead-letters", path, stdin="x\n")
    equal((done.status, path.read_text()), (2, "precious\n"))
    contains(done.err, b"--append")
    done = run("--handler", "fail", "--attempts", "1", "--dead-letters", path, "--append",
               stdin="x\n")
    equal((done.status, len(path.read_text().splitlines())), (1, 2))


@test
def dead_letters_that_cannot_be_written_stop_the_run(folder):
    done = run("--handler", "fail", "--attempts", "1", "--dead-letters", "/dev/full",
               stdin=numbered(10))
    equal(done.status, 2)
    contains(done.out, b"/dev/full")


# --- records --------------------------------------------------------------------------------------


@test
def bytes_pass_unchanged(folder):
    text = b"crlf\r\nnul\0inside\n\nlatin \xe4\nlast without newline"
    done = run("--workers", "1", "--handler", "echo", stdin=text)
    equal(done.out, text.replace(b"\n\n", b"\n") + b"\n")
    contains(done.err, b"empty, skipped")


@test
def a_record_that_is_too_long_is_told_and_never_cut(folder):
    done = run("--record-bytes-max", "10", "--handler", "echo", "--workers", "1", "--dead-letters",
               folder / "dead", stdin="0123456789\n0123456789a\nok\n")
    equal((done.status, done.out), (1, b"0123456789\nok\n"))
    letter, = dead_letters(folder / "dead")
    equal((letter["type"], letter["number"], letter["offset"], letter["bytes"], letter["record"]),
          ("too_long", 2, 11, 11, None))


@test
def the_longest_record_allowed_passes(folder):
    text = b"x" * (16 * 1024 * 1024) + b"\n"
    done = run("--record-bytes-max", "16m", "--", "wc", "-c", stdin=text * 3)
    equal((done.status, done.out.split()), (0, [str(len(text)).encode()] * 3))


@test
def records_without_a_key_are_worked_on_and_counted_or_refused(folder):
    text = "a 1\nb\nc 3\n"
    done = run("--key", "2", "--handler", "count", "--json", "-", stdin=text)
    equal((done.status, done.json["unkeyed"], done.json["acked"]), (0, 1, 3))
    done = run("--key", "2", "--strict-key", "--handler", "count", "--json", "-",
               "--dead-letters", folder / "dead", stdin=text)
    equal((done.status, done.json["dead"]["no_key"], done.json["acked"]), (1, 1, 2))
    letter, = dead_letters(folder / "dead")
    equal((letter["record"], letter["type"], letter["error"]),
          ("b", "unkeyed", "no key: no such field"))


@test
def a_record_whose_id_was_read_before_is_passed_over(folder):
    text = "a,1\na,2\nb,1\nb,\nc,\na,3\n"
    done = run("--key", "(a|b|c)", "--dedup", "2", "--delimiter", ",", "--workers", "1", "--json",
               folder / "report", "--handler", "echo", stdin=text)
    report = json.loads((folder / "report").read_text())
    equal((report["read"], report["duplicates"], report["acked"]), (5, 1, 5))
    equal(sorted(done.out.split()), [b"a,1", b"a,2", b"a,3", b"b,", b"c,"])
    report = run("--dedup", "2", "--delimiter", ",", "--dedup-window", "1ms", "--handler", "count",
                 "--json", "-", stdin="a,1\nb,2\n").json
    equal((report["duplicates"], report["acked"]), (0, 2))


@test
def keys_come_from_json_and_from_expressions(folder):
    lines = '{"user": {"id": 1}}\n{"user": {"id": 2}}\n{"user": {"id": 1}}\n'
    for rule in ("/user/id", '"id": ([0-9]+)'):
        report = run("--key", rule, "--handler", "count", "--json", "-", stdin=lines).json
        equal(report["handler"]["top"][0], {"key": "1", "records": 2})


@test
def an_empty_input_is_fine(folder):
    done = run("--handler", "count", "--json", "-")
    equal((done.status, done.json["read"]), (0, 0))


@test
def endless_input_is_read_no_faster_than_it_is_worked_on(folder):
    process = start("--quiet", "--handler", "sleep:1h", "--workers", "1", "--read-ahead", "10",
                    "--grace", "0", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    os.set_blocking(process.stdin.fileno(), False)
    line, written, idle = b"x" * 999 + b"\n", 0, 0
    while idle < 50:
        try:
            written += os.write(process.stdin.fileno(), line)
            idle = 0
        except BlockingIOError:
            time.sleep(0.01)
            idle += 1
    assert written < 1_000_000, f"{written} bytes were taken"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=TIMEOUT)
    equal(process.returncode, 130)


# --- output ---------------------------------------------------------------------------------------


@test
def outputs_of_commands_do_not_mix(folder):
    script = 'for part in 1 2 3; do printf "$1:"; sleep 0.02; done; echo'
    done = run("--workers", "4", *shell(script), stdin="a\nb\nc\nd\n")
    equal(sorted(done.out.split()), [b"a:a:a:", b"b:b:b:", b"c:c:c:", b"d:d:d:"])


@test
def outputs_above_the_limit_go_straight_through_and_do_not_mix_either(folder):
    script = 'head -c 1500000 /dev/zero | tr "\\0" "$1"; sleep 0.05; head -c 500000 /dev/zero | tr "\\0" "$1"'
    done = run("--workers", "4", *shell(script), stdin="a\nb\nc\nd\n")
    equal(len(done.out), 8_000_000)
    changes = sum(done.out[at] != done.out[at + 1]
                  for at in range(499_999, len(done.out) - 1, 500_000))
    equal((changes, collections.Counter(done.out)), (3, {byte: 2_000_000 for byte in b"abcd"}))


@test
def the_report_stays_out_of_the_way_of_records(folder):
    contains(run("--handler", "count", stdin="x\n").out, b"every record was acknowledged")
    done = run("--handler", "echo", stdin="x\n")
    equal(done.out, b"x\n")
    contains(done.err, b"every record was acknowledged")
    contains(run("--", "cat", stdin="x\n").err, b"every record was acknowledged")


@test
def progress_is_plain_lines_without_a_terminal(folder):
    # While one of two is tried for the third time, the other waits.
    script = 'case "$1$LANEWAY_ATTEMPT" in dead*) exit 65;; *3) sleep 1.2;; *) exit 1;; esac'
    noisy = laneway("run", "--workers", "1", "--backoff", "0", "--reject-codes", "65",
                    *shell(script), stdin="dead\nx\ny\n")
    contains(noisy.err, b"1 of 3 records read")
    assert re.search(rb"1 in flight  3 retries  1 dead  oldest [1-9]", noisy.err), noisy.err
    assert b"\r" not in noisy.err
    equal(run("--handler", "sleep:1100ms", stdin="x\n").err, b"")


@test
def progress_is_one_line_that_is_redrawn_on_a_terminal(folder):
    path = folder / "input"
    path.write_text(numbered(20))
    ours, theirs = pty.openpty()
    process = start("--input", path, "--handler", "sleep:40ms", "--workers", "1", stderr=theirs,
                    stdout=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm"})
    os.close(theirs)
    shown = b""
    while select.select([ours], [], [], TIMEOUT)[0]:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    equal(process.wait(timeout=TIMEOUT), 0)
    contains(shown, b"\r\x1b[K")
    contains(shown, b"%")
    assert shown.endswith(b"\r\x1b[K"), "the last line is cleared"


@test
def a_closed_output_ends_the_run_quietly(folder):
    report = run_with_closed_output()
    contains(report, b"Interrupted, with work left")
    contains(report, b"dead                              0")


@test
def an_output_closed_while_the_run_looks_elsewhere_is_no_success(folder):
    for _ in range(10):
        run_with_closed_output()


def run_with_closed_output():
    process = start("--quiet", "--handler", "echo", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE)
    process.stdout.close()
    try:
        process.stdin.write(numbered(100_000).encode())
        process.stdin.close()
    except BrokenPipeError:
        pass
    report = process.stderr.read()
    equal(process.wait(timeout=TIMEOUT), 130)
    return report


# --- interruptions --------------------------------------------------------------------------------


@test
def an_interruption_finishes_what_was_read_and_going_on_finishes_the_rest(folder):
    path, out = folder / "input", folder / "out"
    path.write_text(numbered(40, keys=3))
    script = f'sleep 0.05; echo "$1" >> {out}'
    process = start("--input", path, "--key", "1", "--workers", "2", "--read-ahead", "5",
                    "--json", folder / "report", *shell(script), stderr=subprocess.PIPE)
    wait_until(lambda: out.exists() and len(out.read_text().splitlines()) >= 4)
    process.send_signal(signal.SIGINT)
    error = process.communicate(timeout=TIMEOUT)[1]
    equal(process.returncode, 130)
    report = json.loads((folder / "report").read_text())
    first_part = out.read_text().splitlines()
    equal(report["left"]["total"], 0)
    equal(report["acked"], len(first_part))
    contains(error, f"--from {report['resume_from']}".encode())
    done = run("--input", path, "--key", "1", "--from", str(report["resume_from"]), *shell(script))
    equal(done.status, 0)
    lines = out.read_text().splitlines()
    equal(sorted(lines), sorted(numbered(40, keys=3).splitlines()))
    for key in range(3):
        equal([line for line in lines if line.startswith(f"key{key} ")],
              [f"key{key} {number}" for number in range(key, 40, 3)])


@test
def when_the_grace_is_over_commands_are_stopped_and_what_is_left_is_told(folder):
    path = folder / "input"
    path.write_text("k 1\nk 2\nk 3\nother\n")
    marks = folder / "marks"
    script = f'echo "$1" >> {marks}; [ "$1" = other ] || exec sleep 1000'
    process = start("--quiet", "--input", path, "--key", "1", "--workers", "2", "--grace", "100ms",
                    "--json", folder / "report", *shell(script), stderr=subprocess.PIPE)
    wait_until(lambda: marks.exists() and len(marks.read_text().splitlines()) == 2)
    process.send_signal(signal.SIGTERM)
    error = process.communicate(timeout=TIMEOUT)[1]
    equal(process.returncode, 130)
    report = json.loads((folder / "report").read_text())
    equal((report["acked"], report["resume_from"]), (1, 1))
    equal(report["left"], {"total": 3, "ready": 1, "blocked": 2, "delayed": 0})
    equal(report["failed_deliveries"], 0)
    contains(error, b"3 records (1 ready, 2 behind an earlier one of their key")


@test
def a_second_interruption_stops_the_commands_at_once(folder):
    mark = folder / "mark"
    process = start("--quiet", "--grace", "1h", *shell(f"touch {mark}; exec sleep 1000"),
                    stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(b"x\n")
    process.stdin.flush()
    wait_until(mark.exists)
    process.send_signal(signal.SIGINT)
    contains(process.stderr.readline(), b"once more stops it now")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=TIMEOUT)
    equal(process.returncode, 130)


# --- mistakes -------------------------------------------------------------------------------------


@test
def mistakes_are_named_and_nothing_is_run(folder):
    for arguments, named in (
            ([], b"say what to do"),
            (["--frobnicate", "--handler", "count"], b"--frobnicate"),
            (["--handler", "count", "--input", str(folder / "nowhere")], b"No such file"),
            (["--handler", "count", "--input", str(folder)], b"directory"),
            (["--handler", "count", "--json", str(folder / "no" / "file")], b"cannot write"),
            (["--dead-letters", str(folder / "no" / "file"), "--", "true"], b"cannot write"),
            (["--", "no-such-program-here", "{}"], b"no such program"),
            (["--", "/dev/null"], b"cannot be executed")):
        done = run(*arguments, stdin="x\n")
        equal((done.status, done.out), (2, b""))
        contains(done.err, named)


@test
def a_command_that_cannot_start_ends_the_run_instead_of_making_dead_letters(folder):
    path = folder / "script"
    path.write_text("#!/no/such/interpreter\n")
    path.chmod(0o755)
    done = run("--json", folder / "report", "--", path, stdin=numbered(100))
    equal(done.status, 2)
    contains(done.err, b"cannot run")
    report = json.loads((folder / "report").read_text())
    equal((report["dead"]["total"], report["acked"], report["failed_deliveries"]), (0, 0, 0))
    equal((report["left"]["total"], report["resume_from"]), (report["read"], 1))


@test
def the_program_tells_about_itself(folder):
    equal(laneway("--version").out.split()[0], b"laneway")
    for arguments in (["help"], ["--help"]):
        contains(laneway(*arguments).out, b"laneway run")
    for arguments in (["help", "run"], ["run", "--help"], ["run", "-h"]):
        done = laneway(*arguments)
        equal(done.status, 0)
        contains(done.out, b"Exit status")
        assert max(map(len, done.out.splitlines())) <= 100
    for arguments in ([], ["walk"], ["help", "walk"], ["--version", "please"]):
        done = laneway(*arguments)
        equal((done.status, done.out), (2, b""))


@test
def the_examples_of_the_manual_work_as_they_stand(folder):
    manual = (pathlib.Path(__file__).parents[2] / "docs" / "run.md").read_text()
    script = "\n".join(re.findall(r"(?ms)^```bash\n(.*?)^```", manual))
    path = f"{PROGRAM.parent}:{os.environ['PATH']}"
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, timeout=TIMEOUT,
                          env={**os.environ, "PATH": path}, capture_output=True, check=False)
    equal((done.returncode, done.stderr if done.returncode else b""), (0, b""))
    contains(done.stdout, b"working on ada close")
    contains(done.stdout, b"again: ada open")


@test
def closed_standard_files_do_no_harm(folder):
    script = f"exec {PROGRAM} run --handler echo --dead-letters {folder}/dead <&- >&- 2>&-"
    subprocess.run(["sh", "-c", script], timeout=TIMEOUT, check=True)
    equal((folder / "dead").read_text(), "")


# --- a run that survives --------------------------------------------------------------------------


def lives(folder, source, out, kill_at, *options):
    """Runs, is killed when so many lines are there, and again, until it ends by itself. Answers
    where in the output each life began, and how the last one ended."""
    began = []
    for lines in [*kill_at, None]:
        began.append(out.read_bytes().count(b"\n") if out.exists() else 0)
        with out.open("ab") as output:
            process = start("--quiet", "--input", str(source), "--key", "1", "--handler", "echo",
                            "--workers", "4", "--attempts", "50", "--journal",
                            str(folder / "journal"), *options, stdout=output,
                            stderr=subprocess.PIPE)
        if lines is not None:
            wait_until(lambda: process.poll() is not None
                       or out.read_bytes().count(b"\n") >= lines)
            equal(process.poll(), None)
            process.kill()
        error = process.communicate(timeout=TIMEOUT)[1]
    return began, process.returncode, error


@test
def a_killed_run_goes_on_where_it_was_and_keeps_each_clients_order(folder):
    source, out = folder / "access.log", folder / "out"
    source.write_text(numbered(10_000, keys=97))
    began, status, error = lives(folder, source, out, [900, 4000, 7500], "--rate", "6000/s")
    equal(status, 0)
    contains(error, b"finished by earlier runs")
    lines = [line.split() for line in out.read_text().splitlines()]
    equal({int(number) for _, number in lines}, set(range(10_000)))
    # Within each life a client's records come in their order; in a later life those come again whose
    # end was not yet written down, and none of them after a later one had come for the first time.
    latest = collections.defaultdict(lambda: -1)
    for begin, end in zip(began, [*began[1:], len(lines)]):
        in_life = collections.defaultdict(lambda: -1)
        for key, number in lines[begin:end]:
            number = int(number)
            assert number > in_life[key], f"{key}: {number} after {in_life[key]} in one life"
            assert number <= latest[key] + 97 or latest[key] == -1, f"{key}: {number} too early"
            in_life[key] = number
            latest[key] = max(latest[key], number)
    # Once more there is nothing to do.
    report = run("--input", str(source), "--key", "1", "--handler", "count", "--journal",
                 str(folder / "journal"), "--json", "-").json
    equal((report["read"], report["acked"]), (0, 0))
    # What has been added meanwhile is.
    with source.open("a") as more:
        more.write("late 1\n")
    report = run("--input", str(source), "--key", "1", "--handler", "count", "--journal",
                 str(folder / "journal"), "--json", "-").json
    equal((report["read"], report["acked"]), (1, 1))
    equal(laneway("journal", "verify", str(folder / "journal")).status, 0)


@test
def dead_letters_and_retries_survive_a_kill(folder):
    source, out, dead = folder / "in", folder / "out", folder / "dead"
    source.write_text("".join(f"k{number % 5} {number}\n" for number in range(200)))
    # Record 7 never succeeds; the marker says when all others that may come have come.
    script = f'echo "$1" >> {out}; case "$1" in "k2 7") exit 65;; "k3 13") sleep 60;; esac'
    command = ["--quiet", "--input", str(source), "--key", "1", "--workers", "2", "--journal",
               str(folder / "journal"), "--dead-letters", str(dead), "--reject-codes", "65"]
    process = start(*command, *shell(script), stderr=subprocess.PIPE)
    wait_until(lambda: dead.exists() and dead.read_bytes().count(b"\n") == 1
               and out.read_bytes().count(b"k3 13") == 1)
    process.kill()
    process.communicate(timeout=TIMEOUT)
    done = run(*command[1:], *shell(f'echo "$1" "$LANEWAY_ATTEMPT" >> {out}'))
    # Killed before it was on disk that the dead letter had been taken away, it is written once more.
    assert done.status in (0, 1), done.err
    lines = out.read_text().splitlines()
    equal({line.split()[1] for line in lines}, {str(number) for number in range(200)})
    # The attempt that the kill interrupted counts, if it was on disk by then.
    contains(([["k3 13", "k3 13 1"], ["k3 13", "k3 13 2"]]),
             [line for line in lines if line.split()[1] == "13"])
    equal({letter["record"] for letter in dead_letters(dead)}, {"k2 7"})


@test
def a_journal_is_for_one_run_at_a_time_and_for_the_same_records(folder):
    source = folder / "in"
    source.write_text(numbered(3))
    journal = ["--journal", str(folder / "journal")]
    equal(run("--input", str(source), "--handler", "count", *journal).status, 0)
    other = run("--input", str(source), "--handler", "count", "--key", "1", *journal)
    equal(other.status, 2)
    contains(other.err, b"take another --journal")
    source.write_text(numbered(4))
    process = start("--quiet", "--input", str(source), *journal, "--", "sleep", "60",
                    stderr=subprocess.DEVNULL)
    wait_until(lambda: laneway("journal", "verify", folder / "journal").status == 3)
    refused = run("--input", str(source), "--handler", "count", *journal)
    equal(refused.status, 2)
    contains(refused.err, b"another run works with the journal")
    process.kill()
    process.wait(timeout=TIMEOUT)
    for arguments in ([], ["--input", str(source), "--dedup", "1"],
                      ["--input", str(source), "--priority", "1"]):
        done = run("--handler", "count", *journal, *arguments)
        equal(done.status, 2)
        contains(done.err, b"--journal")


# --- the run --------------------------------------------------------------------------------------


@test
def the_demo_finds_the_keys_of_a_generated_log_too(folder):
    tools = pathlib.Path(__file__).parents[2] / "tools"
    rule = re.search(r"--key '([^']+)'", (tools / "demo").read_text())[1]
    log = subprocess.run([tools / "generate_log", "600"], capture_output=True, timeout=TIMEOUT,
                         check=True).stdout
    report = run("--key", rule, "--handler", "verify", "--json", "-", stdin=log).json
    equal((report["read"], report["unkeyed"], report["handler"]["breaches"]), (600, 0, 0))
    assert report["keys"] > 10, report["keys"]


@test
def bench_is_handed_to_the_source_tree_or_says_that_there_is_none(folder):
    contains(laneway("bench", "--help").out, b"usage: tools/bench")
    alone = shutil.copy(PROGRAM, folder / "laneway")
    done = subprocess.run([alone, "bench"], capture_output=True, timeout=TIMEOUT)
    equal(done.returncode, laneway("nonsense").status)
    contains(done.stderr, b"source tree")


if __name__ == "__main__":
    sys.exit(main())
