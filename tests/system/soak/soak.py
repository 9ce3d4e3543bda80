# SPDX-License-Identifier: BSD-3-Clause
"""Load with random server faults, in the namespace this was started in.

usage: soak.py SECONDS [QUESTIONS-A-SECOND]

200 zones with two to four servers each. Every second some servers change
their mind: they answer, are slow, silent, refuse, fail, truncate, forge, or
close their TCP port. Clients ask by UDP and TCP for names they asked before
and for new ones; some leave before the answer. Prints JSON: what was asked,
what was never answered, and how memory and descriptors went.

Under "ends" stands where every question went: those that came in, by
hitherd's own counters, and those by UDP that had no answer, of which some the
kernel may have dropped at either socket. What is left over was lost.
"""

import asyncio
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "attack"))
import bench  # noqa: E402
import resolvers  # noqa: E402
import wire  # noqa: E402
import world  # noqa: E402

MOODS = ["good"] * 6 + ["slow", "silent", "servfail", "refused", "truncated",
                        "forged", "bare", "referral"]
ZONES = 200
QUERY_TIMEOUT_S = 6


class Server:
    """One address with a mood."""

    def __init__(self, zone, rng):
        self.zone, self.rng, self.mood = zone, rng, "good"

    def __call__(self, q, via):
        getattr(self, self.mood)(q, via)

    def reply(self, q):
        label = q.name.split(".")[0]
        if q.name == self.zone or q.type != wire.A:
            return wire.message(q, (), [wire.soa(self.zone, 2, 2)])
        if label.startswith("no"):
            return wire.message(q, (), [wire.soa(self.zone, 2, 2)],
                                rcode=wire.NXDOMAIN)
        if label.startswith("to") and len(label) > 3:
            other = f"z{int(label[2:]) % ZONES}.lab."
            return wire.message(q, [wire.cname(q.name, f"w1.{other}", 3)])
        return wire.message(q, [wire.a(q.name, world.TRUE, 3)] * (
            60 if label.startswith("big") else 1))

    def good(self, q, via):
        reply = self.reply(q)
        if via.tcp is None and len(reply) > 1232:
            reply = wire.message(q, flags=wire.TC | wire.AA)
        via.send(reply)

    def slow(self, q, via):
        via.send(self.reply(q), delay=self.rng.uniform(0.05, 1.5))

    def silent(self, q, via):
        pass

    def servfail(self, q, via):
        via.send(wire.message(q, rcode=wire.SERVFAIL, flags=0))

    def refused(self, q, via):
        via.send(wire.message(q, rcode=wire.REFUSED, flags=0))

    def truncated(self, q, via):
        if via.tcp is None:
            via.send(wire.message(q, flags=wire.TC | wire.AA))
        else:
            self.good(q, via)

    def forged(self, q, via):
        via.send(wire.message(q, [wire.a(q.name, world.EVIL)],
                              msgid=q.id ^ 1))
        via.send(self.reply(q), delay=0.01)

    def bare(self, q, via):
        via.send(self.reply(q)[:self.rng.randrange(3, 40)])

    def referral(self, q, via):
        via.send(wire.message(q, (), [wire.ns(".", "a.root.")], flags=0))


class Soak:
    def __init__(self, folder, seconds, rate):
        self.b = bench.Bench("hither", folder)
        self.seconds, self.rate = seconds, rate
        self.rng = random.Random(17)
        self.servers, self.count = [], 0
        self.unanswered, self.evil, self.late = [], 0, 0
        self.open = set()
        self.codes = {}
        self.samples = []

    def make_world(self):
        for i in range(ZONES):
            zone, hosts = f"z{i}.lab.", {}
            for k in range(self.rng.choice((2, 3, 4))):
                address = f"198.18.{120 + k}.{1 + i}"
                hosts[f"ns{k}.{zone}"] = address
                server = Server(zone, self.rng)
                self.servers.append(server)
                self.b.world.add(address, server, self.rng.choice(
                    ("serve", "serve", "closed", "hang", "reset")))
            self.b.world.lab.cut(zone, hosts, ttl=20)

    def name(self):
        rng = self.rng
        kind = rng.choice(("w", "w", "w", "no", "to", "big", "new"))
        number = rng.getrandbits(40) if kind == "new" else rng.randrange(8)
        return f"{kind}{number}.z{rng.randrange(ZONES)}.lab."

    async def one(self):
        name = self.name()
        began = time.monotonic()
        if self.rng.random() < 0.03:
            reply = await self.b.ask_tcp(name, patience=15)
        else:
            reply = await self.b.ask(name, patience=15,
                                     dnssec_ok=self.rng.random() < 0.3)
        self.count += 1
        self.codes[reply.text()] = self.codes.get(reply.text(), 0) + 1
        if reply.rcode is None:
            self.unanswered.append((name, reply.why))
        else:
            self.evil += world.EVIL in reply.answer.addresses()
            self.late += time.monotonic() - began > QUERY_TIMEOUT_S + 2

    async def moods(self):
        while True:
            for s in self.rng.sample(self.servers, len(self.servers) // 8):
                s.mood = self.rng.choice(MOODS)
            self.samples.append((self.b.resolver.rss_mb(),
                                 self.b.resolver.descriptors(),
                                 self.count,
                                 self.codes.get("SERVFAIL", 0)))
            await asyncio.sleep(1)

    async def vanishing(self):
        """Connections that end in the middle of something."""
        while True:
            try:
                s = self.b.idle_connection()
                q = wire.query(self.name())
                s.send(len(q).to_bytes(2, "big") + q[:self.rng.choice(
                    (1, 20, len(q)))])
                s.close()
            except OSError:
                pass
            await asyncio.sleep(0.25)

    async def run(self):
        self.make_world()
        control = self.b.folder / "control.sock"
        await self.b.start({"cache/records": "4M", "cache/answers": "2M",
                            "control/socket": str(control)})
        first = self.b.resolver.descriptors()
        before = self.told(control)
        self.b.clients.sent = self.b.clients.strays = 0
        loop = asyncio.get_running_loop()
        helpers = [loop.create_task(self.moods()),
                   loop.create_task(self.vanishing())]
        end = loop.time() + self.seconds
        while loop.time() < end:
            for _ in range(self.rate // 20):
                t = loop.create_task(self.one())
                self.open.add(t)
                t.add_done_callback(self.open.discard)
            await asyncio.sleep(0.05)
        await asyncio.gather(*self.open)
        for h in helpers:
            h.cancel()
        await asyncio.sleep(12)  # idle connections close
        return {"asked": self.count, "codes": self.codes,
                "unanswered": self.unanswered[:20], "late": self.late,
                "ends": self.ends(before, control),
                "forged": self.evil, "seconds": self.seconds,
                "descriptors": {
                    "at first": first,
                    "most": max(s[1] for s in self.samples),
                    "at last": self.b.resolver.descriptors()},
                "rss": self.memory(), "failed": self.failures()}

    @staticmethod
    def told(control):
        """What hitherd counts: where questions go, and answers."""
        tool = pathlib.Path(resolvers.hither_program()).parent / "hitherctl"
        told = json.loads(subprocess.run(
            [str(tool), "--socket", str(control), "--json", "stats"],
            capture_output=True, check=True).stdout)
        return {**told["queries"], "answered": sum(told["answers"].values())}

    def ends(self, before, control):
        q = {k: n - before[k] for k, n in self.told(control).items()}
        here, there = self.b.clients.dropped()
        silent = sum(why == "udp" for _, why in self.unanswered)
        known = here + there + self.b.clients.strays + sum(
            q[k] for k in ("dropped", "repeated", "unsent", "waiting",
                           "overdue"))
        return {
            "came in": q["total"], "answered": q["answered"],
            **{k: q[k] for k in ("dropped", "repeated", "unsent", "waiting")},
            "adrift": q["total"] + q["limited_told"] - sum(q[k] for k in (
                "answered", "dropped", "repeated", "waiting", "limited")),
            "sent by udp": self.b.clients.sent, "came by udp": q["udp"],
            "overdue": q["overdue"], "not answered by udp": silent,
            "not answered by tcp": len(self.unanswered) - silent,
            "dropped by the kernel": {"answers": here, "questions": there},
            "too late": self.b.clients.strays,
            "lost": max(0, silent - known)}

    def failures(self):
        """The share of SERVFAIL in each tenth of the time, in percent."""
        step = max(1, len(self.samples) // 10)
        points = self.samples[::step]
        return [round(100 * (b[3] - a[3]) / max(1, b[2] - a[2]))
                for a, b in zip(points, points[1:])]

    def memory(self):
        """Megabytes: after a third of the time, and the last third's."""
        rss = [s[0] for s in self.samples]
        third = len(rss) // 3
        return {"warm": max(rss[third:2 * third]),
                "last": sorted(rss[2 * third:])[third // 2]}


def main():
    for command in (["ip", "link", "set", "lo", "up"],
                    ["ip", "route", "add", "local", "198.18.0.0/15", "dev",
                     "lo"]):
        subprocess.run(command, check=True)
    rate = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        soak = Soak(pathlib.Path(folder), int(sys.argv[1]), rate)
        found = {}
        try:
            found = asyncio.run(soak.run())
        finally:
            if soak.b.resolver is not None:
                found["broken"] = soak.b.resolver.end()
    print(json.dumps(found))


main()
