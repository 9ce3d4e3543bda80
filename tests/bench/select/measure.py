# SPDX-License-Identifier: BSD-3-Clause
"""From answers and the simulator's log to figures.

A failure (SERVFAIL, nothing in five seconds) counts 5000 ms. Regret is what
an answer took longer than the nearest live and usable address's round trip at
that instant (and, for the first question of a zone, the TLD's). At the
nearest: by the mark in the answer, an address whose distance is within 10 %
and 2 ms of the least. Adapted: the first question after an event from which on
25 questions of a zone have 80 or 90 % of their answers from the nearest.
"""
import dataclasses
import math

import world as worlds

FAILED_MS = 5000.0
WINDOW = 25
RUNS = 2
LATE_MS = 2.0           # lateness of the bench itself, p99, that is marked


@dataclasses.dataclass
class Answer:
    t: float            # seconds after the begin, when it left
    zone: int
    order: int          # among the zone's questions
    ms: float
    failed: bool
    server: int         # number in the zone; 0: not known
    oracle: float       # ms; None: nobody lives
    nearest: bool


@dataclasses.dataclass
class Packet:
    t: float
    address: str
    name: str


def parse_answers(lines, scenario):
    out, order = [], {}
    for line, (_, zone, *_) in zip(lines, scenario.questions):
        _, due, late, waited, rcode, address = line.split()
        n = order.get(zone, 0)
        order[zone] = n + 1
        failed = rcode != "0"
        server = int(address.rpartition(".")[2]) if address != "-" else 0
        at = (int(due) + int(late)) / 1e6
        least, near = scenario.world.zones[zone].oracle(at)
        if least is not None and n == 0:
            least += worlds.UPPER_MS
        out.append(Answer(at, zone, n,
                          FAILED_MS if failed else int(waited) / 1000,
                          failed, server, least,
                          not failed and server in near))
    return out


def parse_packets(lines, begin):
    out = []
    for line in lines:
        f = line.split()
        if len(f) >= 6 and float(f[0]) >= begin:
            out.append(Packet(float(f[0]) - begin, f[1], f[5].lower()))
    return out


def quantile(values, share):
    """Of sorted values; the least one that is not exceeded by `share`."""
    if not values:
        return math.nan
    return values[min(len(values) - 1, math.ceil(share * len(values)) - 1)]


def mean(values):
    return sum(values) / len(values) if values else math.nan


def question_name(number, scenario, run):
    """Runs have names of their own: what one left in a cache is no help."""
    _, zone, *inner = scenario.questions[number]
    return (f"{'qr'[run]}{number}.{''.join(inner)}"
            f"{scenario.world.zones[zone].name}.{worlds.TLD}")


def in_phase(answers, phase):
    chosen, seen = [], {}
    for number, a in enumerate(answers):
        if not phase.begin <= a.t < phase.end:
            continue
        n = seen.get(a.zone, 0)
        seen[a.zone] = n + 1
        if n >= phase.skip and (not phase.first or a.order < phase.first):
            chosen.append((number, a))
    return chosen


def packets_per_question(chosen, packets, phase, scenario):
    if not chosen:
        return math.nan
    if not phase.first and not phase.skip:
        n = sum(phase.begin <= p.t < phase.end for p in packets)
        return n / len(chosen)
    # of whatever run it is: packets of others are not in the list
    names = {question_name(i, scenario, run) + "."
             for i, _ in chosen for run in range(RUNS)}
    return sum(p.name in names for p in packets) / len(chosen)


def phase_figures(answers, packets, phase, scenario):
    chosen = in_phase(answers, phase)
    only = [a for _, a in chosen]
    waits = sorted(a.ms for a in only)
    with_oracle = [a for a in only if a.oracle is not None]
    p99 = quantile(waits, 0.99)
    far = quantile(sorted(a.oracle for a in with_oracle), 0.99)
    return {
        "questions": len(only),
        "mean": mean(waits),
        "p50": quantile(waits, 0.5),
        "p95": quantile(waits, 0.95),
        "p99": p99,
        # the oracle's p99: jitter is lognormal with sigma 0.03
        "p99_over": p99 - far * math.exp(2.326 * 0.03),
        "worst": waits[-1] if waits else math.nan,
        "oracle": mean([a.oracle for a in with_oracle]),
        "regret": mean([a.ms - a.oracle for a in with_oracle]),
        "share": mean([float(a.nearest) for a in with_oracle]),
        "failures": sum(a.failed for a in only),
        "packets": packets_per_question(chosen, packets, phase, scenario),
    }


def adapted(answers, at, share):
    """Seconds until a window is at the nearest, for each zone; inf: never."""
    out = []
    for zone in sorted({a.zone for a in answers}):
        later = [a for a in answers if a.zone == zone and a.t >= at]
        found = math.inf
        for i in range(len(later) - WINDOW + 1):
            window = later[i:i + WINDOW]
            if sum(a.nearest for a in window) >= share * WINDOW:
                found = window[0].t - at
                break
        out.append(found)
    return out


def event_figures(answers, event):
    eighty = adapted(answers, event.at, 0.8)
    ninety = adapted(answers, event.at, 0.9)
    arrivals = [a.t + a.ms / 1000 - event.at for a in answers if not a.failed]
    arrivals = [x for x in arrivals if x > 0]
    minute = [a.ms for a in answers if event.at <= a.t < event.at + 60]
    return {"adapt80": mean(eighty), "adapt90": mean(ninety),
            "adapt90_worst": max(ninety, default=math.nan),
            "first": min(arrivals, default=math.inf),
            "worst_in_60s": max(minute, default=math.nan)}


def lateness(rows, direct_rows):
    """How exact the bench itself was, in ms."""
    late = sorted(int(r.split()[2]) / 1000 for r in rows)
    noise = sorted(int(r.split()[3]) / 1000 - worlds.UPPER_MS
                   for r in direct_rows if int(r.split()[3]) >= 0)
    out = {"generator_p99": quantile(late, 0.99),
           "path_mean": mean(noise), "path_p99": quantile(noise, 0.99),
           "path_worst": noise[-1] if noise else math.nan}
    out["disturbed"] = max(out["generator_p99"], out["path_p99"]) > LATE_MS
    return out


def holds(metric, value, bound):
    if metric == "share":
        return value >= bound
    return value <= bound


def series(answers, width):
    """[(second, mean ms)] over bins of `width` seconds."""
    bins = {}
    for a in answers:
        bins.setdefault(int(a.t / width), []).append(a.ms)
    return [[round((k + 0.5) * width, 3), round(mean(v), 3)]
            for k, v in sorted(bins.items())]
