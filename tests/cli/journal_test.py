#!/usr/bin/env python3
"""`laneway journal` on real files, sound and damaged: journal_test.py PROGRAM [NAME...]

The journals are written here, by what docs/journal_format.md says and nothing else.
"""
import fcntl
import json
import os
import struct
import sys

sys.dont_write_bytecode = True  # the tree stays as it was
from harness import contains, equal, laneway, main, test  # noqa: E402

BLOCK = 4096
SEGMENT = 64 * 1024
STORE = (0x1122334455667788, 0x99AABBCCDDEEFF00)
SEAL, MARKER, CLOSE = 1, 2, 4
PUBLISH, SETTLE, RETRY, DEAD, REPLAY, JOIN, GRANT, RELOCATE, QUEUE, MARK = range(1, 11)
DUE, ATTEMPT = 2, 8
COMPLETED, DISCARDED = 6, 9

TABLE = []
for index in range(256):
    for _ in range(8):
        index = index >> 1 ^ (0x82F63B78 if index & 1 else 0)
    TABLE.append(index)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def padded(data, size):
    return data + bytes(-len(data) % size)


# --- records --------------------------------------------------------------------------------------


def record(kind, position, body=b"", flags=0, queue=3, shard=1, aux=0):
    return padded(struct.pack("<IBBHHHIQ", 24 + len(body), kind, flags, queue, shard, aux, 0,
                              position) + body, 8)


def publish(position, key=b"k", payload=b"hi", kind=PUBLISH, state=b"", due=None, **header):
    fixed = struct.pack("<IHBBqQHB5x", len(payload), len(key), 0, 0, 1_700_000_000_000,
                        position + 1, 5, 0)
    flags = 0 if due is None else DUE
    fixed += b"" if due is None else struct.pack("<qQ", 1_700_000_000_000 + due, due)
    return record(kind, position, fixed + state + key + payload, flags=flags, **header)


def relocate(position, state, **content):
    return publish(position, kind=RELOCATE, state=struct.pack("<qBBBB4x", 0, state, 0, 0, 0),
                   **content)


def settle(position, outcome=COMPLETED):
    return record(SETTLE, position, struct.pack("<q", 1_700_000_000_500), aux=outcome)


def attempt(error):
    return struct.pack("<qqIIHBBI", 1, 2, 7, 0, 1, 0, len(error), 0) + error


def retry(position, error=b"no route"):
    return record(RETRY, position, struct.pack("<qQB7x", 1_700_000_009_000, 9000, 0)
                  + attempt(error), aux=1)


def dead(position, error=b"gave up"):
    return record(DEAD, position, struct.pack("<qB7x", 1_700_000_001_000, 1) + attempt(error),
                  flags=ATTEMPT, aux=2)


def queue(name=b"orders", shards=2):
    return record(QUEUE, 0, struct.pack("<QHHI", 77, shards, len(name), 0) + name, shard=0)


# --- journals -------------------------------------------------------------------------------------


class Journal:
    """Writes one batch after the other, then the manifest."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.entries = []
        self.lsn, self.chain, self.offset = 1, 0, SEGMENT
        self.places = []  # of each batch: file, offset, first_lsn

    @property
    def segment(self):
        return self.folder / f"journal-{len(self.entries):016x}.seg"

    def begin_segment(self):
        number = len(self.entries) + 1
        generation = 0xABCD_0000 + number
        self.entries.append((number, generation))
        head = struct.pack("<QHHIQQQQQII", 0x31474553_59574E4C, 1, 0, 128, *STORE, number,
                           generation, SEGMENT, BLOCK, 0).ljust(124, b"\0")
        self.segment.write_bytes((head + struct.pack("<I", crc32c(head))).ljust(SEGMENT, b"\0"))
        self.offset = BLOCK

    def batch(self, *records, flags=0):
        if self.offset == SEGMENT:
            self.begin_segment()
        payload = b"".join(records)
        head = struct.pack("<IHHIIQQQIIIII", 0x4254_574E, 64, flags, len(payload), len(records),
                           self.entries[-1][1], self.lsn, self.lsn, self.offset, 1, self.chain,
                           0, 0)
        self.chain = crc32c(head + bytes(4) + payload)
        data = padded(head + struct.pack("<I", self.chain) + payload, BLOCK)
        with self.segment.open("r+b") as file:
            file.seek(self.offset)
            file.write(data)
        self.places.append((self.segment.name, self.offset, self.lsn))
        self.offset += len(data)
        self.lsn += len(records)
        if flags & SEAL:
            self.offset = SEGMENT
        return self

    def close(self, flags=SEAL | CLOSE):
        if flags:
            self.batch(flags=flags)
        entries = b"".join(struct.pack("<QQQQII", number, generation, 0, 0, 0, 0)
                           for number, generation in self.entries)
        head = struct.pack("<QHHIQQQIIQI", 0x314E414D_59574E4C, 1, 0, len(self.entries), *STORE,
                           SEGMENT, 1, 0, 1, 0)
        head += struct.pack("<I", crc32c(head + bytes(4) + entries))
        (self.folder / "MANIFEST").write_bytes(padded(head + entries, BLOCK))
        return self


def life(folder, close=SEAL | CLOSE):
    """Two segments of which every batch is one story."""
    journal = Journal(folder / "journal")
    journal.batch(queue(), publish(1), publish(2, payload=b"\xff\x00"), publish(3, due=60_000))
    journal.batch(settle(1), retry(2), record(GRANT, 2, flags=ATTEMPT, aux=2), dead(2))
    journal.batch(publish(4), publish(5))
    journal.batch(flags=SEAL)
    journal.batch(queue(), record(MARK, 5), relocate(3, state=1, due=60_000))
    journal.batch(publish(6, key=b"\xc3\x28"), record(JOIN, 3, struct.pack("<qQ", 9, 9)))
    journal.batch(settle(4), record(REPLAY, 2, struct.pack("<qQ", 9, 10)))
    return journal.close(close)


def damage(journal, batch, at=70):
    name, offset, _ = journal.places[batch]
    with (journal.folder / name).open("r+b") as file:
        file.seek(offset + at)
        byte = file.read(1)
        file.seek(offset + at)
        file.write(bytes([byte[0] ^ 0x10]))


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def look(command, folder, *options):
    done = laneway("journal", command, *options, "--json", folder)
    return done.status, done.json


def dump(folder, *options):
    done = laneway("journal", "dump", *options, folder)
    return done.status, [json.loads(line) for line in done.out.splitlines()]


def without_preamble(records):
    return [(each["type"], each["position"]) for each in records
            if each["type"] not in ("queue", "mark")]


# --- sound ----------------------------------------------------------------------------------------


@test
def a_sound_journal_is_told_with_its_figures(folder):
    journal = life(folder)
    status, told = look("stat", journal.folder)
    equal(status, 0)
    equal((told["verdict"], told["closed_in_order"], told["epoch"]), ("sound", True, 1))
    equal((told["records"], told["first_lsn"], told["end_lsn"]), (17, 1, 18))
    equal(told["live_messages"], 4)
    equal(told["live_bytes"], sum(map(len, (
        publish(2), relocate(3, state=1, due=1), publish(5), publish(6, key=b"12")))))
    equal(told["records_by_type"], {
        "publish": 6, "settle": 2, "retry": 1, "dead": 1, "replay": 1, "join": 1, "grant": 1,
        "relocate": 1, "queue": 2, "mark": 1, "remember": 0, "lane": 0, "unknown": 0})
    equal(told["queues"], [{
        "name": "orders", "queue": 3, "shards": 2, "waiting": 4, "delayed": 0, "retrying": 0,
        "dead": 0, "positions": [{"shard": 1, "first": 1, "last": 6}]}])
    equal(told["disk_bytes"], sum(map(len, content(journal.folder).values())))
    equal([(each["state"], each["first_lsn"], each["batches"]) for each in told["segments"]],
          [("used", 1, 4), ("used", 11, 4)])
    text = laneway("journal", "stat", journal.folder)
    equal(text.status, 0)
    contains(text.out, b"live_messages: 4\n")


@test
def every_state_of_a_message_is_told_apart(folder):
    journal = Journal(folder / "journal")
    journal.batch(queue(), *map(publish, range(1, 6)), publish(6, due=1000))
    journal.batch(retry(1), dead(2), dead(3), settle(3, outcome=DISCARDED), settle(5))
    journal.close()
    status, told = look("recover", journal.folder, "--dry-run")
    equal(status, 0)
    states = {name: told["queues"][0][name] for name in ("waiting", "delayed", "retrying", "dead")}
    equal(states, {"waiting": 1, "delayed": 1, "retrying": 1, "dead": 1})


@test
def a_dump_tells_every_record_and_payloads_when_asked(folder):
    journal = life(folder)
    status, lines = dump(journal.folder)
    equal(status, 0)
    equal([each["lsn"] for each in lines], list(range(1, 18)))
    equal([each["offset"] for each in lines[:6]], [4096] * 4 + [8192] * 2)
    equal(lines[16]["file"], "journal-0000000000000002.seg")
    assert not any("payload" in each or "payload_base64" in each for each in lines)
    first, told = lines[1], {"type": "publish", "queue": 3, "shard": 1, "position": 1, "key": "k",
                             "payload_bytes": 2, "published_ms": 1_700_000_000_000, "order": 2}
    equal({name: first[name] for name in told}, told)
    equal(lines[3]["due"], {"at_ms": 1_700_000_060_000, "for_ms": 60_000})
    equal((lines[4]["outcome"], lines[5]["attempt"]["error"]), ("completed", "no route"))
    equal((lines[6]["granted"], lines[6]["attempts"]), (True, 2))
    equal((lines[7]["reason"], lines[7]["attempt"]["error_class"]), ("attempts", 7))
    equal(lines[13]["key_base64"], "wyg=")
    equal(lines[12]["state"], "delayed")
    lines = dump(journal.folder, "--payloads")[1]
    equal((lines[1]["payload"], lines[2]["payload_base64"]), ("hi", "/wA="))


# --- damage ---------------------------------------------------------------------------------------


@test
def a_torn_tail_is_told_and_cut_and_nothing_before_it_is_lost(folder):
    journal = life(folder, close=0)
    damage(journal, -1)
    before = content(journal.folder)
    name, offset, lsn = journal.places[-1]
    for command in ("verify", "stat"):
        status, told = look(command, journal.folder)
        equal((status, told["verdict"], told["file"], told["offset"], told["end_lsn"]),
              (1, "torn", name, offset, lsn))
        contains(told["at_stake"], "nothing that was confirmed")
    equal(dump(journal.folder)[0], 1)
    status, told = look("recover", journal.folder, "--dry-run")
    equal((status, told["queues"][0]["waiting"], told["queues"][0]["dead"]), (1, 4, 1))
    equal(content(journal.folder), before)
    status, told = look("recover", journal.folder)
    equal((status, told["queues"][0]["waiting"]), (0, 4))
    status, told = look("verify", journal.folder)
    equal((status, told["verdict"], told["end_lsn"], told["epoch"]), (0, "sound", lsn, 2))


@test
def damage_to_confirmed_records_is_told_and_left_alone(folder):
    journal = life(folder)
    damage(journal, 1)
    before = content(journal.folder)
    name, offset, lsn = journal.places[1]
    status, told = look("verify", journal.folder)
    equal((status, told["verdict"], told["file"], told["offset"]), (2, "corrupt", name, offset))
    equal(told["lost"], [{"from_lsn": lsn, "before_lsn": journal.places[2][2]}])
    contains(told["at_stake"], "recover --salvage")
    for options in ([], ["--dry-run"]):
        status, told = look("recover", journal.folder, *options)
        equal((status, told["verdict"]), (2, "corrupt"))
    equal(content(journal.folder), before)


@test
def salvage_keeps_what_can_be_read_and_the_corrupt_journal_as_it_was(folder):
    journal = life(folder)
    damage(journal, 1)
    before = content(journal.folder)
    readable = without_preamble(dump(journal.folder)[1])
    status, told = look("recover", f"{journal.folder}/", "--salvage")
    equal(status, 0)
    equal(told["lost"], [{"from_lsn": 5, "before_lsn": 9}])
    equal(content(folder / "journal.corrupt"), before)
    equal(sorted(path.name for path in folder.iterdir()), ["journal", "journal.corrupt"])
    status, told = look("verify", journal.folder)
    equal((status, told["verdict"], told["lost"]), (0, "sound", []))
    status, lines = dump(journal.folder)
    equal((status, without_preamble(lines)), (0, readable))
    assert readable.count(("publish", 4)) == 1 and ("settle", 1) not in readable
    # As many ids as records were lost are given to nobody: one of them may be known to somebody.
    equal(lines[-1]["type"], "mark")
    equal(lines[-1]["position"], 6 + 4)
    equal(laneway("journal", "recover", journal.folder).status, 0)


@test
def salvage_reads_on_in_the_next_segment_when_the_rest_of_one_is_gone(folder):
    journal = life(folder)
    name, offset, _ = journal.places[1]
    with (journal.folder / name).open("r+b") as file:
        file.seek(offset)
        file.write(bytes(SEGMENT - offset))
    equal(look("recover", journal.folder, "--salvage")[0], 0)
    equal(without_preamble(dump(journal.folder)[1]), [
        ("publish", 1), ("publish", 2), ("publish", 3), ("relocate", 3), ("publish", 6),
        ("join", 3), ("settle", 4), ("replay", 2)])


@test
def salvage_reads_segments_whose_header_or_end_is_damaged(folder):
    for harm in ("header", "short", "gone"):
        journal = life(folder / harm if (folder / harm).mkdir() is None else folder)
        records = without_preamble(dump(journal.folder)[1])
        path = journal.folder / journal.places[0][0]
        data = path.read_bytes()
        if harm == "header":
            path.write_bytes(b"\x55" * 100 + data[100:])
        elif harm == "short":
            path.write_bytes(data[:20_000])
        else:
            path.unlink()
        status, told = look("verify", journal.folder)
        equal((status, told["file"], told["offset"]), (2, path.name, 0))
        equal(look("recover", journal.folder, "--salvage")[0], 0)
        kept = without_preamble(dump(journal.folder)[1])
        equal(kept, records[9:] if harm == "gone" else records)


@test
def a_journal_without_its_manifest_is_put_together_from_its_segments(folder):
    for harm in ("gone", "damaged"):
        above = folder / harm
        above.mkdir()
        journal = life(above)
        records = without_preamble(dump(journal.folder)[1])
        manifest = journal.folder / "MANIFEST"
        if harm == "gone":
            manifest.unlink()
        else:
            manifest.write_bytes(b"\x55" * BLOCK)
        status, told = look("verify", journal.folder)
        equal((status, told["verdict"]), (2, "corrupt"))
        contains(told["detail"], "MANIFEST")
        equal(look("recover", journal.folder)[0], 2)
        equal(look("recover", journal.folder, "--salvage")[0], 0)
        equal(look("verify", journal.folder)[0], 0)
        equal(without_preamble(dump(journal.folder)[1]), records)


@test
def salvage_refuses_what_needs_none_and_what_it_would_overwrite(folder):
    journal = life(folder)
    done = laneway("journal", "recover", "--salvage", journal.folder)
    equal(done.status, 3)
    contains(done.err, b"this one is not")
    damage(journal, 1)
    before = content(journal.folder)
    (folder / "journal.corrupt").mkdir()
    done = laneway("journal", "recover", "--salvage", journal.folder)
    equal(done.status, 3)
    contains(done.err, b"journal.corrupt is there already")
    equal(content(journal.folder), before)
    equal(sorted(path.name for path in folder.iterdir()), ["journal", "journal.corrupt"])


@test
def a_salvaged_journal_of_large_records_fills_several_segments(folder):
    journal = Journal(folder / "journal")
    for position in range(1, 31):
        if journal.offset + 5 * BLOCK > SEGMENT - BLOCK and journal.offset != SEGMENT:
            journal.batch(flags=SEAL)
        journal.batch(publish(position, payload=bytes([position]) * 16_000))
    journal.close()
    damage(journal, 4)
    equal(look("recover", journal.folder, "--salvage")[0], 0)
    status, told = look("stat", journal.folder)
    equal((status, told["live_messages"], told["verdict"]), (0, 29, "sound"))
    assert len(told["segments"]) > 8
    lines = dump(journal.folder, "--payloads")[1]
    assert all(len(each["payload"]) == 16_000 for each in lines if each["type"] == "publish")


# --- nothing to be judged -------------------------------------------------------------------------


@test
def what_is_no_journal_cannot_be_judged(folder):
    for command in ("verify", "stat", "dump", "recover"):
        for place in (folder / "none", folder):
            done = laneway("journal", command, place)
            equal(done.status, 3)
            contains(done.out + done.err, b"No such file or directory")
    equal(list(folder.iterdir()), [])


@test
def a_version_from_the_future_is_not_read(folder):
    journal = life(folder)
    path = journal.folder / journal.places[0][0]
    data = bytearray(path.read_bytes())
    data[8] = 2
    data[124:128] = struct.pack("<I", crc32c(data[:124]))
    path.write_bytes(data)
    status, told = look("verify", journal.folder)
    equal((status, told["verdict"]), (3, "unreadable"))
    contains(told["detail"], "version")


@test
def a_journal_in_use_is_left_to_its_engine(folder):
    journal = life(folder)
    with (journal.folder / "LOCK").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        status, told = look("verify", journal.folder)
        equal((status, told["detail"]), (3, "an engine has it open"))
    equal(look("verify", journal.folder)[0], 0)
    # Reading alone disturbs nobody who reads, and needs no right to write.
    os.chmod(journal.folder, 0o500)
    with (journal.folder / "LOCK").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        equal(look("verify", journal.folder)[0], 0)
    os.chmod(journal.folder, 0o700)


@test
def wrong_arguments_are_told_and_help_is_no_error(folder):
    for arguments in ([], ["walk", folder], ["verify"], ["stat", "--payloads", folder],
                      ["recover", "--dry-run", "--salvage", folder]):
        equal(laneway("journal", *arguments).status, 3)
    for arguments in (["journal", "--help"], ["help", "journal"], ["journal", "recover", "--help"]):
        done = laneway(*arguments)
        equal((done.status, done.err), (0, b""))
        contains(done.out, b"recover")


if __name__ == "__main__":
    sys.exit(main())
