# SPDX-License-Identifier: BSD-3-Clause
"""What is played: worlds, the moments at which they change, and questions.

Unless said otherwise there are four zones, each with four servers of its own
at 10, 40, 80 and 160 ms (which name has which distance is drawn), and 100
questions a second of names never asked before.
"""
import dataclasses
import math

from world import Server, State, World, Zone

ZONES = 4
RATE = 100.0
NEAR_SET = (10, 40, 80, 160)
THIRTEEN = (3, 8, 12, 15, 22, 28, 35, 60, 95, 120, 150, 180, 250)


@dataclasses.dataclass
class Phase:
    """Questions of a span of time, or the first ones of each zone.

    bounds: what is asked of hither, metric -> most ("share": least).
    """
    name: str
    begin: float = 0.0
    end: float = math.inf
    first: int = 0              # only so many of each zone
    skip: int = 0               # but not so many, counted in this phase
    bounds: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Event:
    name: str
    at: float
    bounds: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Scenario:
    id: str
    title: str
    seconds: float
    world: World
    questions: list             # (seconds, zone number[, inner labels])
    phases: list
    events: list = dataclasses.field(default_factory=list)
    moved: tuple = ()           # NSIDs a resolver may tell us it saw
    again: list = ()            # phases, once more after a restart


def spread(rng, waits):
    """The distances in a random order: [(name server, server)]."""
    waits = list(waits)
    rng.shuffle(waits)
    return {f"ns{i + 1}": [w if isinstance(w, Server) else
                           Server([State(w)])]
            for i, w in enumerate(waits)}


def four_zones(rng, make=lambda: NEAR_SET, **world):
    return World([Zone(f"z{i}", spread(rng, make())) for i in range(ZONES)],
                 **world)


def steady_load(seconds, rate=RATE, zones=ZONES):
    return [(i / rate, i % zones) for i in range(int(seconds * rate))]


def simple(name, title, rng, make, **more):
    """Four zones at 100 questions a second; seconds 10 to 40 count."""
    bounds = more.pop("bounds", {})
    seconds = more.pop("seconds", 40)
    return Scenario(name, title, seconds, four_zones(rng, make),
                    steady_load(seconds),
                    [Phase("cold", 0, 10),
                     Phase("steady", 10, seconds, bounds=bounds)], **more)


STEADY = {"share": 0.99, "packets": 1.05, "p99_over": 2.0}


def s1a(rng):
    return simple("S1a", "10/40/80/160", rng, lambda: NEAR_SET,
                  bounds={"mean": 10.4, **STEADY})


def s1b(rng):
    return simple("S1b", "13 servers, 3..250", rng, lambda: THIRTEEN,
                  bounds={"mean": 3.5, **STEADY})


def s1c(rng):
    return simple("S1c", "20/30", rng, lambda: (20, 30),
                  bounds={"mean": 20.4, **STEADY})


def s1d(rng):
    return simple("S1d", "20/300", rng, lambda: (20, 300))


def comes_and_goes(rng, away, back):
    return four_zones(rng, lambda: (Server([
        State(10), State(10, away, silent=True), State(10, back)]),
        40, 80, 160))


def outage(rng, name, title, times, rate):
    away, back, end = times
    world = comes_and_goes(rng, away, back)
    slow = rate < 50
    phases = [
        Phase("before", away / 2, away),
        Phase("S2 first 5 s", away, away + 5, bounds={} if slow else {
            "mean": 42, "worst": 110, "failures": 0}),
        Phase("S2 all", away, back),
        Phase("S3 first 40 s", back, back + 40,
              bounds={} if slow else {"mean": 10.8}),
    ]
    events = [Event("nearest dies", away),
              Event("nearest is back", back,
                    {"adapt90": 15 if slow else 2})]
    return Scenario(name, title, end, world, steady_load(end, rate), phases,
                    events)


def s2(rng):
    return outage(rng, "S2+S3", "nearest dies at 20, is back at 50",
                  (20, 50, 90), RATE)


def s3slow(rng):
    return outage(rng, "S3-slow", "the same at 2 questions/s a zone",
                  (120, 300, 480), 2.0 * ZONES)


def short(rng):
    """For those who want to know in a few seconds whether it works at all."""
    return Scenario("short", "nearest dies at 5, is back at 9", 14,
                    comes_and_goes(rng, 5, 9), steady_load(14),
                    [Phase("before", 2, 5), Phase("away", 6, 9),
                     Phase("back", 12, 14)],
                    [Event("nearest dies", 5), Event("nearest is back", 9)])


def shift(rng, name, title, times, rate):
    at, end = times
    world = four_zones(rng, lambda: (
        Server([State(10, nsid="west"), State(180, at, nsid="east")]), 40,
        Server([State(120, nsid="south"), State(8, at, nsid="north")]), 160))
    slow = rate < 50
    phases = [
        Phase("before", at / 2, at),
        Phase("first 40 s", at, at + 40,
              bounds={} if slow else {"mean": 9.5}),
        Phase("from its third question", at, at + 40, skip=2,
              bounds={} if slow else {"worst": 55}),
    ]
    return Scenario(name, title, end, world, steady_load(end, rate), phases,
                    [Event("10 -> 180, 120 -> 8", at,
                           {"adapt90": 15 if slow else 3})],
                    moved=("west", "east", "south", "north"))


def s4(rng):
    return shift(rng, "S4", "at 20 the nearest goes far, another comes near",
                 (20, 60), RATE)


def s4slow(rng):
    return shift(rng, "S4-slow", "the same at 2 questions/s a zone",
                 (120, 300), 2.0 * ZONES)


def s4f(rng):
    return simple("S4f", "nearest alternates 10/150 a packet", rng, lambda: (
        Server([State(10, nsid="west"), State(150, nsid="east")],
               alternates=True), 40, 120, 160))


def s5(rng):
    return simple("S5", "20 % loss on the nearest", rng,
                  lambda: (Server([State(10, loss=20)]), 40, 80, 160),
                  bounds={"mean": 20, "packets": 1.25})


def s5all(rng):
    return simple("S5-all", "3 % loss on all", rng, lambda: [
        Server([State(w, loss=3)]) for w in NEAR_SET])


def fresh_zones(rng, count):
    return World([Zone(f"f{i}", spread(rng, NEAR_SET)) for i in range(count)])


def fresh(name, title, gap, start, rng):
    questions = sorted((k * start + i * gap, k)
                       for k in range(40) for i in range(20))
    return fresh_zones(rng, 40), questions, questions[-1][0] + 6


def s6(rng):
    world, questions, seconds = fresh("S6", "", 0.2, 0.25, rng)
    return Scenario("S6", "40 fresh zones, 20 questions each at 5/s", seconds,
                    world, questions,
                    [Phase("question 1", first=1, bounds={"mean": 40}),
                     Phase("first 5", first=5),
                     Phase("first 20", first=20, bounds={"mean": 12.5})],
                    again=[Phase("question 1", first=1, bounds={"mean": 16}),
                           Phase("first 20", first=20,
                                 bounds={"mean": 10.6})])


def s6b(rng):
    world, questions, seconds = fresh("S6b", "", 0.005, 0.4, rng)
    return Scenario("S6b", "40 fresh zones, 20 questions in 100 ms each",
                    seconds, world, questions,
                    [Phase("burst", first=20, bounds={"mean": 30})],
                    again=[Phase("burst", first=20, bounds={"mean": 11})])


def both_families(rng, v6):
    """Each name server has an address of either family."""
    def zone(i):
        pairs = [(Server([State(w)]), Server(v6(w), "v6")) for w in NEAR_SET]
        rng.shuffle(pairs)
        return Zone(f"z{i}", {f"ns{k + 1}": list(p)
                              for k, p in enumerate(pairs)})
    return World([zone(i) for i in range(ZONES)])


def s7(rng):
    return Scenario("S7", "4 IPv4 and 4 IPv6 addresses, all IPv6 silent", 40,
                    both_families(rng, lambda w: [State(w, silent=True)]),
                    steady_load(40),
                    [Phase("cold", 0, 10, bounds={"mean": 14, "p99": 40}),
                     Phase("steady", 10, 40)])


def s7far(rng):
    return Scenario("S7-far", "IPv6 100 ms farther", 40,
                    both_families(rng, lambda w: [State(w + 100)]),
                    steady_load(40),
                    [Phase("cold", 0, 10), Phase("steady", 10, 40)])


def s7dies(rng):
    return Scenario("S7-dies", "IPv6 as near, dies at 20", 40,
                    both_families(rng, lambda w: [
                        State(w), State(w, 20, silent=True)]),
                    steady_load(40),
                    [Phase("cold", 0, 10), Phase("first 5 s", 20, 25),
                     Phase("after", 25, 40)],
                    [Event("IPv6 dies", 20)])


def bad_nearest(name, title, quirk, rng, others=(40, 80, 160), mean=41.0,
                packets=1.06):
    bounds = {"mean": mean}
    if packets:
        bounds["packets"] = packets
    return simple(name, title, rng, lambda: (
        Server([State(10)], quirks=(quirk,)), *others), bounds=bounds)


def s8a(rng):
    return bad_nearest("S8a", "the nearest refuses", "refused", rng)


def s8b(rng):
    return bad_nearest("S8b", "the nearest is lame", "lame", rng)


def s8c(rng):
    return bad_nearest("S8c", "the nearest says SERVFAIL", "servfail", rng)


def s8d(rng):
    return bad_nearest("S8d", "the nearest truncates, others at 20",
                       "truncate-all", rng, (20, 20, 20), 20.8, None)


def picky(name, title, quirk, share, rng):
    """`share` of the questions are for names that the nearest ignores."""
    def zone(i):
        near = Server([State(10)], quirks=(quirk.format(zone=f"z{i}"),))
        return Zone(f"z{i}", spread(rng, (near, 40, 80, 160)))

    questions = [(t, z, "hard." if rng.random() < share else "")
                 for t, z in steady_load(40)]
    return Scenario(name, title, 40, World([zone(i) for i in range(ZONES)]),
                    questions, [Phase("cold", 0, 10), Phase("steady", 10, 40)])


def s8e(rng):
    return picky("S8e", "the nearest keeps silent on 5 % of the names",
                 "{{silent-on-name: hard.{zone}.bench}}", 0.05, rng)


def s9(rng):
    return simple("S9", "15 % of the nearest's replies late by Exp(80 ms)",
                  rng, lambda: (Server([State(12, late=(15, 80))]),
                                30, 80, 180),
                  bounds={"mean": 22, "packets": 1.2})


def many_zones(name, title, host, rng):
    shared = list(spread(rng, NEAR_SET).items())
    zones = [Zone(f"m{i}", dict(shared), host) for i in range(100)]
    if host:
        zones.append(Zone(host, dict(shared)))
    order = list(range(100))
    rng.shuffle(order)
    questions = [(i / 10.0, order[i % 100]) for i in range(400)]
    return Scenario(name, title, 40, World(zones), questions,
                    [Phase("first of each", first=1),
                     Phase("all", bounds={"mean": 11.5})])


def s10a(rng):
    return many_zones("S10a", "100 zones, shared addresses, own names", None,
                      rng)


def s10b(rng):
    return many_zones("S10b", "100 zones, shared addresses and names",
                      "host", rng)


def s11(rng):
    world = four_zones(rng, lambda: [Server([
        State(w), State(w, 20, silent=True), State(w, 30)])
        for w in NEAR_SET], upper_silent=(20, 30))
    return Scenario("S11", "every server silent from 20 to 30", 70, world,
                    steady_load(70),
                    [Phase("before", 10, 20),
                     Phase("first 40 s", 30, 70, bounds={"mean": 10.8}),
                     Phase("later than 0.3 s", 30.3, 70,
                           bounds={"failures": 0})],
                    [Event("all are back", 30, {"first": 0.3})])


def random_server(rng, seconds, always_there):
    def rtt():
        return min(320.0, max(2.0, rng.lognormvariate(math.log(40), 1.0)))

    def state(wait, at=0.0, silent=False):
        return State(wait, at, sigma, loss, silent=silent)

    sigma = rng.uniform(0.01, 0.12)
    loss = rng.choice([0, 0, 0, rng.uniform(0, 8)])
    states, t = [state(rtt())], 0.0
    wait = states[0].rtt
    while True:
        t += rng.expovariate(1 / (seconds * 0.6))
        if t > seconds - 5:
            return Server(states)
        if always_there or rng.random() < 0.5:
            wait = rtt()
            states.append(state(wait, t))
        else:
            back = t + rng.uniform(3, seconds / 4)
            states += [state(wait, t, silent=True), state(wait, back)]
            t = back


def hold_out(rng):
    seconds = 90
    zones = [Zone(f"h{i}", {
        f"ns{k + 1}": [random_server(rng, seconds, k == 0)]
        for k in range(rng.choice([2, 3, 4, 4, 6, 8, 13]))})
        for i in range(8)]
    return Scenario("H", "random servers, loss, jitter, shifts, outages",
                    seconds, World(zones),
                    steady_load(seconds, RATE, len(zones)),
                    [Phase("cold", 0, 10), Phase("rest", 10, seconds)])


ALL = {"S1a": s1a, "S1b": s1b, "S1c": s1c, "S1d": s1d, "S2": s2, "S4": s4,
       "S4f": s4f, "S5": s5, "S5-all": s5all, "S6": s6, "S6b": s6b, "S7": s7,
       "S7-far": s7far, "S7-dies": s7dies, "S8a": s8a, "S8b": s8b,
       "S8c": s8c, "S8d": s8d, "S8e": s8e, "S9": s9, "S10a": s10a, "S10b": s10b,
       "S11": s11, "H": hold_out, "S3-slow": s3slow, "S4-slow": s4slow,
       "short": short}
ALIASES = {"S3": ["S2"], "S1": ["S1a", "S1b", "S1c", "S1d"],
           "S8": ["S8a", "S8b", "S8c", "S8d", "S8e"], "S10": ["S10a", "S10b"],
           "slow": ["S3-slow", "S4-slow"]}
# Minutes long: played with --slow, or when asked for by name.
SLOW = ("S3-slow", "S4-slow")
# Played when asked for by name only.
EXTRA = ("short",)
