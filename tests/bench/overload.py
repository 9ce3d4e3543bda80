# SPDX-License-Identifier: BSD-3-Clause
"""The workloads that are more than can be done.

hitherd is held to 40 % of a processor by a control group's quota and asked
twice what it then can do. A quota has a period: for 6 of 10 ms, or 60 of 100
(which is what systemd and containers take unless told), hitherd stands still.
"""

import time

import lab as laboratory
from workloads import warm, with_servers

SHARE = 0.4
SHORT_US, LONG_US = 10000, 100000


def after_overload(b, server, names):
    """Lost of a light load, one second later."""
    time.sleep(1)
    return b.lab.flood(server, "-f", names, "-r", 1000, "-d", 1)["lost"]


def held(b, period_us, one_round):
    """Rounds of one_round(server, names) under a quota."""
    names = b.lab.names_file(1000)

    def body(running):
        s = running[0]
        warm(b, s, names)
        quota = laboratory.Quota(s.process.pid, SHARE, period_us)
        try:
            return [{"hither": one_round(s, names)} for _ in range(b.rounds)]
        finally:
            quota.end()
    return with_servers(b, ("hither",), body)


def hits_under(b, period_us):
    def one_round(s, names):
        # More at a time would lie in memory, not in the processor's cache,
        # and be answered at four fifths of this rate.
        most = b.lab.flood(s, "-f", names, "-d", b.seconds, "-n", 200,
                           "-s", 16)["rate"]
        r = b.lab.flood(s, "-f", names, "-d", b.seconds, "-r", int(2 * most),
                        "-s", 16)
        return {"saturation": most, "rate": r["rate"],
                "rate_kept": r["rate"] / most, "p50_us": r["p50_us"],
                "p99_us": r["p99_us"],
                "lost_after": after_overload(b, s, names)}
    return held(b, period_us, one_round)


def misses_under(b, period_us):
    def one_round(s, names):
        def fresh():
            return ["-q", "n%07u.w8.bench", "-b",
                    b.lab.fresh_numbers(100000 * b.seconds)]
        most = b.lab.flood(s, *fresh(), "-d", b.seconds, "-n", 512, "-s",
                           16)["rate"]
        # Twice what it can do, and a tenth more of cached names.
        r = b.lab.flood(s, *fresh(), "-f", names, "-m", 90, "-d", b.seconds,
                        "-r", int(2 * most / 0.9), "-s", 16)
        return {"saturation": most,
                "hits_answered": r["listed_answered"] / r["listed_asked"],
                "hits_p50_us": r["listed_p50_us"],
                "hits_p99_us": r["listed_p99_us"],
                "misses_rate": r["fresh_answered"] / r["seconds"],
                "lost_after": after_overload(b, s, names)}
    return held(b, period_us, one_round)


def hits_short(b):
    """O1: cached names, twice what 40 % of a processor can do; 10 ms."""
    return hits_under(b, SHORT_US)


def misses_short(b):
    """O2: misses twice what 40 % can do, and some cached names; 10 ms."""
    return misses_under(b, SHORT_US)


def hits_long(b):
    """O1s: as O1, with a quota's period of 100 ms."""
    return hits_under(b, LONG_US)


def misses_long(b):
    """O2s: as O2, with a quota's period of 100 ms."""
    return misses_under(b, LONG_US)
