# SPDX-License-Identifier: BSD-3-Clause
"""The workloads: what is asked of whom, and what is made of the figures.

Each is a function of a Bench that returns rows: a list, a round each, of
{server: figures}. Servers take turns within a round, so that what else the
machine does troubles all of them alike.
"""

import subprocess
import sys
import time

import counting
import lab as laboratory

PEERS = ("unbound", "named", "pdns", "kresd")
NAMES = 200000  # more than a processor's own caches hold


class Bench:
    """What a workload needs to know."""

    def __init__(self, lab, found, rounds, seconds):
        self.lab = lab
        self.found = found
        self.rounds = rounds
        self.seconds = seconds

    def there(self, names):
        return [self.found[n] for n in names if n in self.found]


def warm(b, server, names):
    """Until nothing is resolved any more, whatever the cache's habits."""
    arguments = ["-f", names, "-d", 20, "-n", 32, "-c"]
    if server.conf is None:
        return
    for _ in range(3):
        b.lab.flood(server, *arguments, 6000)


def take_turns(b, running, *arguments, fresh=None):
    """Rounds of floods; fresh: how many new names one may use up."""
    rounds = []
    for _ in range(b.rounds):
        rounds.append({})
        for s in running:
            extra = []
            if fresh is not None:
                extra = ["-b", b.lab.fresh_numbers(fresh)]
            try:
                rounds[-1][s.name] = laboratory.measure(
                    b.lab, s, "-d", b.seconds, *arguments, *extra)
            except laboratory.Failure as e:
                if s.name == "hither":
                    raise
                print(e, file=sys.stderr)
    return rounds


def with_servers(b, names, body, threads=1, **settings):
    running = []
    try:
        for s in b.there(names):
            try:
                b.lab.start(s, threads=threads, **settings)
                running.append(s)
            except laboratory.Failure as e:
                b.lab.stop(s)
                if s.name == "hither":
                    raise
                print(e, file=sys.stderr)
        return body(running)
    finally:
        for s in running:
            b.lab.stop(s)


# --- hits ---------------------------------------------------------------------

def hits_of(b, names):
    def body(running):
        for s in running:
            warm(b, s, names)
        return take_turns(b, running, "-f", names, "-n", 200)
    return with_servers(b, ("echo", "hither", *PEERS), body)


def hits(b):
    """W1: cached names over UDP, one worker."""
    return hits_of(b, b.lab.names_file(1000))


def hits_mixed(b):
    """W1m: as W1, but few answers in a row are of one length."""
    return hits_of(b, b.lab.names_file(1000, mixed=True))


def hits_wide(b):
    """W1b: 200,000 cached names, none asked for more often than another."""
    names = b.lab.names_file(NAMES)

    def body(running):
        for s in running:
            # As in names; a second time for caches that wait for that.
            for _ in range(2):
                b.lab.flood(s, "-q", "n%07u.w1.bench", "-b", 0, "-c", NAMES,
                            "-d", 60, "-n", 100)
        return take_turns(b, running, "-f", names, "-n", 200)
    return with_servers(b, ("echo", "hither", "unbound"), body)


def hits_two(b):
    """W1t2: two workers on both processors; beside them one worker's cost."""
    names = b.lab.names_file(1000)

    def flood(running):
        for s in running:
            warm(b, s, names)
        # 64 sockets: the kernel spreads them over the workers evenly enough.
        return take_turns(b, running, "-f", names, "-n", 256, "-s", 64)

    two = with_servers(b, ("echo", "hither", "unbound"), flood, threads=2)
    one = with_servers(b, ("echo", "hither"), flood)
    for a, other in zip(two, one):
        a.update({name + "-1": cost for name, cost in other.items()})
    return two


def hot_name(b):
    """hot: one name on two workers, against a thousand."""
    spread, hot = b.lab.names_file(1000), b.lab.names_file(1)

    def body(running):
        warm(b, running[0], spread)
        rounds = []
        for _ in range(b.rounds):
            r = [laboratory.measure(b.lab, running[0], "-d", b.seconds, "-f",
                                    names, "-n", 256, "-s", 64)
                 for names in (spread, hot)]
            rounds.append({"hither": r[1], "hither-spread": r[0]})
        return rounds
    return with_servers(b, ("hither",), body, threads=2)


def readers(b):
    """readers: looks at one cache by two threads at once, and at one each."""
    # Two workers and a generator on two processors hardly ever read at once:
    # here both processors do nothing else, and there is no system call.
    rounds = []
    for _ in range(max(b.rounds, 5)):
        done = subprocess.run([b.lab.tools["readers"], "500"], check=True,
                              stdout=subprocess.PIPE, text=True)
        ns = dict(field.split("=") for field in done.stdout.split())
        rounds.append({
            who: {"spread_ns": float(ns[f"{what}_ns"]),
                  "hot_ns": float(ns[f"{what}_hot_ns"])}
            for who, what in (("hither", "shared"), ("own", "own"))})
    return rounds


def streams(b):
    """W5t: cached names over TCP, 25 connections, 8 questions at once on each."""
    # So many that the echo, too, is busy all the time: with 25 at once on each
    # of 8 it would wait for the generator for a quarter of it.
    names = b.lab.names_file(1000)

    def body(running):
        for s in running:
            if s.name != "echo-tcp":
                warm(b, s, names)
        return take_turns(b, running, "-t", "-f", names, "-n", 200,
                          "-s", 25)
    return with_servers(b, ("echo-tcp", "hither", *PEERS), body)


# --- misses -------------------------------------------------------------------

def misses(b, pattern, names, *more):
    def body(running):
        for s in running:
            if s.conf is not None:
                b.lab.flood(s, "-q", pattern, "-b", b.lab.fresh_numbers(500),
                            "-c", 500, "-d", 20, "-n", 64)
        return take_turns(b, running, "-q", pattern, "-n", 200, *more,
                          fresh=int(150000 * b.seconds))
    return with_servers(b, names, body)


def misses_near(b):
    """W2a: names nobody asked for yet in a zone that is known."""
    return misses(b, "n%07u.w2.bench", ("pool", "fresh", "hither", *PEERS))


def misses_far(b):
    """W2b: each name in a zone of its own; only bench. is known."""
    return misses(b, "www.z%07u.bench", ("hither", *PEERS))


def mixed(b):
    """W3: nine hits and one miss, by chance."""
    names = b.lab.names_file(1000, "w3.bench")

    def body(running):
        for s in running:
            warm(b, s, names)
        return take_turns(b, running, "-f", names, "-q", "m%07u.w2.bench",
                          "-m", 10, "-n", 200,
                          fresh=int(50000 * b.seconds))
    return with_servers(b, ("hither", *PEERS), body)


# --- memory and beginning -----------------------------------------------------


def memory_of(b, server):
    pid = server.process.pid
    first = b.lab.fresh_numbers(NAMES)

    def ask():
        r = b.lab.flood(server, "-q", "n%07u.w6.bench", "-b", first, "-c",
                        NAMES, "-d", 120, "-n", 100)
        if r["answered"] < 0.97 * NAMES:
            raise laboratory.Failure(f"{server.name}: {r['lost']:.0f} lost")
        time.sleep(0.5)
        return laboratory.rss_bytes(pid)

    empty = laboratory.rss_bytes(pid)
    once = ask()
    return {"once": (once - empty) / NAMES, "twice": (ask() - empty) / NAMES}


def memory(b):
    """W6: bytes of RSS for a name, asked once and asked twice."""
    rounds = [{}]
    for s in b.there(("hither", "unbound", "named", "pdns")):
        b.lab.start(s)
        try:
            rounds[0][s.name] = memory_of(b, s)
        finally:
            b.lab.stop(s)
    return rounds


def bound(b):
    """W6b: growth of RSS by a bound of 256 MB, filled until it is full."""
    s = b.found["hither"]
    b.lab.start(s, records="192M", answers="64M")
    idle = laboratory.rss_bytes(s.process.pid)
    most = idle
    try:
        for _ in range(20):
            first = b.lab.fresh_numbers(100000)
            # Asked twice, so that both tiers fill.
            for _ in range(2):
                b.lab.flood(s, "-q", "n%07u.w6.bench", "-b", first, "-c",
                            100000, "-d", 60, "-n", 200)
            most = max(most, laboratory.rss_bytes(s.process.pid))
    finally:
        b.lab.stop(s)
    return [{"hither": {"rss_of_bound": (most - idle) / (256 << 20)}}]


def counts(b):
    """counts: user instructions and system calls of a hit and of a miss."""
    counting.check_tools()
    found = counting.count(b.lab, b.found["hither"], counting.WORKLOADS)
    return [{"hither": {f"{what}_{kind}": figures[kind]
                        for what, figures in found.items()
                        for kind in ("instructions", "calls")}}]


def beginning(b):
    """W7: from exec to the first answer; RSS when idle."""
    rounds = []
    for _ in range(max(b.rounds, 5)):
        rounds.append({})
        for s in b.there(("hither", *PEERS)):
            argv = s.argv(b.lab.folder, {"threads": 1})
            begin = time.monotonic()
            s.process = b.lab.run(argv, b.lab.cores[:1], s.name)
            try:
                b.lab.first_answer(s, 20, 0.05)
                took = time.monotonic() - begin
                time.sleep(0.2)
                rss = laboratory.rss_bytes(s.process.pid)
            finally:
                b.lab.stop(s)
            rounds[-1][s.name] = {"first_ms": took * 1e3,
                                  "idle_mb": rss / 1e6}
    return rounds
