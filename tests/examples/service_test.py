#!/usr/bin/env python3
"""The example service from outside: service_test.py PROGRAM

Output has the form of gtest, so that tools/test counts the cases.
"""
import http.client
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

PROGRAM = pathlib.Path(sys.argv[1]).resolve()
TIMEOUT = 60


class Service:
    """The running program, and what a client does with it."""

    def __init__(self, folder):
        self.process = subprocess.Popen([PROGRAM, folder], stdout=subprocess.PIPE, text=True)
        self.port = int(re.search(r":(\d+)$", self.process.stdout.readline().strip())[1])

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)

    def ask(self, method, path, body=None, connection=None):
        one = connection or self.connect()
        one.request(method, path, body and body.encode())
        answer = one.getresponse()
        return answer.status, answer.read().decode()

    def post(self, key, body, connection=None):
        status, text = self.ask("POST", f"/jobs?key={key}", body, connection)
        return status, json.loads(text)["id"] if status == 202 else text

    def state(self, job):
        status, text = self.ask("GET", f"/jobs/{job}")
        return json.loads(text) if status == 200 else status

    def wait_for(self, job, state):
        end = time.monotonic() + TIMEOUT
        while self.state(job)["state"] != state:
            assert time.monotonic() < end, f"{job} is {self.state(job)}"
            time.sleep(0.01)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        out = self.process.communicate(timeout=TIMEOUT)[0]
        assert self.process.returncode == 0, self.process.returncode
        return int(re.search(r"unfinished (\d+)", out)[1])


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def saved(path):
    """The jobs that a shutdown wrote down, as lines of the ledger would tell them."""
    data, jobs = path.read_bytes(), []
    while data:
        head, data = data.split(b"\n", 1)
        key, body = map(int, head.split())
        jobs.append(f"{data[:key].decode()} {data[key:key + body].decode()}")
        data = data[key + body:]
    return jobs


def a_job_is_pending_then_completed_or_failed(folder):
    service = Service(folder)
    _, slow = service.post("ada", "slow one")
    assert service.state(slow)["state"] in ("pending", "completed")
    _, flaky = service.post("ada", "flaky two")
    _, bad = service.post("bob", "bad three")
    service.wait_for(slow, "completed")
    service.wait_for(flaky, "completed")
    service.wait_for(bad, "failed")
    assert service.state("1-1") == 404 and service.state(slow.split("-")[0] + "-999999") == 404
    assert service.stop() == 0
    assert lines(folder / "ledger") == ["ada slow one", "ada flaky two"]
    assert lines(folder / "failed") == ["bob bad three"]


def metrics_tell_what_happened_and_promtool_reads_them(folder):
    service = Service(folder)
    for number in range(10):
        _, job = service.post("k", f"job {number}")
    service.wait_for(job, "completed")
    status, text = service.ask("GET", "/metrics")
    assert status == 200
    for wanted in ('laneway_published_total{queue="jobs"} 10', 'laneway_acked_total{queue="jobs"} 10',
                   'laneway_workers{queue="jobs"} 4'):
        assert wanted in text, text
    if shutil.which("promtool"):
        subprocess.run(["promtool", "check", "metrics"], input=text, text=True, check=True)
    service.stop()


def what_cannot_be_taken_is_refused_and_named(folder):
    service = Service(folder)
    status, why = service.post("k", "x" * 100_000)
    assert (status, why.split(":")[0]) == (400, "too_large"), (status, why)
    service.stop()


def sigterm_under_load_loses_nothing_and_the_next_start_takes_up_the_rest(folder):
    service = Service(folder)
    accepted, refused = [[] for _ in range(3)], []

    def load(mine, name):
        connection = service.connect()
        for number in range(100_000):
            body = f"slow {name}-{number}"
            try:
                status, _ = service.post(f"key{number % 3}-{name}", body, connection)
            except (OSError, http.client.HTTPException):
                return
            if status != 202:
                refused.append(status)
                return
            mine.append(f"key{number % 3}-{name} {body}")

    clients = [threading.Thread(target=load, args=(mine, name)) for name, mine in enumerate(accepted)]
    for client in clients:
        client.start()
    end = time.monotonic() + TIMEOUT
    while sum(map(len, accepted)) < 700:  # at 20 ms each, four workers need more than the grace
        assert time.monotonic() < end
        time.sleep(0.01)
    unfinished = service.stop()
    for client in clients:
        client.join()
    all_jobs = sorted(sum(accepted, []))
    done, left = lines(folder / "ledger"), saved(folder / "unfinished")
    assert set(refused) <= {503}
    assert unfinished == len(left) > 0, (unfinished, len(left))
    assert sorted(done + left) == all_jobs, f"{len(done)} + {len(left)} of {len(all_jobs)}"

    second = Service(folder)
    end = time.monotonic() + TIMEOUT
    while len(lines(folder / "ledger")) < len(all_jobs):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert second.stop() == 0
    ledger = lines(folder / "ledger")
    assert sorted(ledger) == all_jobs, "each job exactly once"
    for name, mine in enumerate(accepted):
        for key in range(3):
            prefix = f"key{key}-{name} "
            assert [line for line in ledger if line.startswith(prefix)] == \
                [line for line in mine if line.startswith(prefix)], "each key in its order"


TESTS = [a_job_is_pending_then_completed_or_failed,
         metrics_tell_what_happened_and_promtool_reads_them,
         what_cannot_be_taken_is_refused_and_named,
         sigterm_under_load_loses_nothing_and_the_next_start_takes_up_the_rest]


def main():
    failed = 0
    for one in TESTS:
        begin = time.monotonic()
        try:
            with tempfile.TemporaryDirectory() as folder:
                one(pathlib.Path(folder))
            verdict = "[       OK ]"
        except Exception:  # pylint: disable=broad-except
            traceback.print_exc(file=sys.stdout)
            verdict = "[  FAILED  ]"
            failed += 1
        print(f"{verdict} {one.__name__} ({1000 * (time.monotonic() - begin):.0f} ms)", flush=True)
    print(f"[==========] {len(TESTS)} tests ran.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
