"""What is expected of laneway, and whether the rows show it."""

import dataclasses

# Of the hand-off: those that take many producers and many consumers, and those of them that are
# bounded and first in, first out.
MANY_TO_MANY = ("moodycamel", "moodycamel_tokens", "boost_queue", "tbb_bounded", "rte_ring",
                "rte_ring_rts", "mutex_ring")
BOUNDED_FIFO = ("boost_queue", "tbb_bounded", "rte_ring", "rte_ring_rts", "mutex_ring")
TIMER_PEERS = ("asio", "libuv", "libevent", "multimap", "priority_queue")
SHAPES = ("one_to_one", "four_to_four")


@dataclasses.dataclass
class Claim:
    text: str
    wanted: str
    found: str
    met: bool

    @property
    def verdict(self):
        return "met" if self.met else "missed"


class Rows:
    def __init__(self, rows):
        self.by_name = {(row["group"] + "/" + row["workload"], row["subject"]): row for row in rows
                        if "not_run" not in row}

    def row(self, workload, subject="laneway"):
        return self.by_name.get((workload, subject))

    def figure(self, name, workload, subject="laneway"):
        row = self.row(workload, subject)
        found = row and row["figures"].get(name)
        return found["median"] if found else None

    def ratios(self, workload, subjects):
        rows = [self.row(workload, subject) for subject in subjects]
        return [(row["ratio"], row["subject"]) for row in rows if row and row["ratio"]]


def against(rows, workload, subjects, wanted, text):
    """laneway is better than the best of these by at least that much."""
    ratios = rows.ratios(workload, subjects)
    if not ratios:
        return []
    ratio, best = min(ratios)
    return [Claim(text, f"{wanted:.2g} x or more", f"{ratio:.3g} x of {best}", ratio >= wanted)]


def at_most(found, wanted, unit, text):
    if found is None:
        return []
    return [Claim(text, f"{wanted:.3g} {unit} or less", f"{found:.3g} {unit}", found <= wanted)]


def handoff(rows):
    for shape in SHAPES:
        words = shape.replace("_", " ")
        yield from against(rows, f"handoff/{shape}_batch_32", MANY_TO_MANY, 1,
                           f"hand-off {words} in batches: the best many-to-many queue is matched")
        yield from against(rows, f"handoff/{shape}_batch_1", BOUNDED_FIFO, 1 / 1.5,
                           f"hand-off {words}, single: near the best bounded FIFO queue")


def cycle(rows):
    for shape in SHAPES:
        for batch, wanted in ((32, 30), (1, 10)):
            yield from against(rows, f"cycle/{shape}_batch_{batch}", ("diy1", "diy16"), wanted,
                               f"cycle {shape.replace('_', ' ')}, batch {batch}: the hand-made "
                               "lease queue is left behind")
    yield from against(rows, "cycle/one_to_one_batch_1", ("beanstalkd", "redis"), 100,
                       "cycle, one command a round trip: so are servers over loopback")


def latency(rows, distances):
    if distances:
        floor_us = distances[0]["line_ns"]["median"] * 1e-3
        for subject in ("laneway", "laneway_handoff"):
            yield from at_most(rows.figure("p50_us", "latency/spin_at_100000_per_s", subject), 3 * floor_us,
                               "us", f"{subject}, spinning: p50 one way within three line transfers")


def stuck(rows):
    for trouble in ("stuck", "poison"):
        words = f"one {trouble} key:"
        p99 = [rows.figure("p99_us", f"stuck/{trouble}_key_latency", subject)
               for subject in ("laneway", "laneway_untroubled")]
        if all(p99):
            yield from at_most(p99[0] / p99[1], 1.2, "x", f"{words} p99 of the others")
        rate = [rows.figure("rate_M_per_s", f"stuck/{trouble}_key_rate", subject)
                for subject in ("laneway", "laneway_untroubled")]
        if all(rate):
            share = rate[0] / rate[1]
            yield Claim(f"{words} throughput of the others", "0.95 x or more", f"{share:.3g} x",
                        share >= 0.95)


def timers(rows):
    for outstanding in ("1000000", "10000000"):
        yield from against(rows, f"timers/ack_heavy_{outstanding}_outstanding", TIMER_PEERS, 1,
                           f"timers, ack-heavy, {int(outstanding):,} outstanding: the best is matched")


def redelivery(rows):
    yield from at_most(rows.figure("longest_call_cpu_us", "redelivery/mass_expiry_1000000_leases"), 1000, "us",
                       "mass expiry of 1,000,000 leases: no call works for longer")


def judged(rows, distances):
    found = Rows(rows)
    return [*handoff(found), *cycle(found), *latency(found, distances), *stuck(found),
            *timers(found), *redelivery(found)]
