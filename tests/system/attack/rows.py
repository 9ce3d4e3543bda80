# SPDX-License-Identifier: BSD-3-Clause
"""The rows of the attack table that count what one question costs.

A row sets up its world, asks, and returns figures; `goal` bounds them. Keys
end in what they count per client question unless said otherwise:

  msgs      messages at all servers        victim    of these, at the victim
  conn      TCP connects                   repeat    messages for a question
  seconds   until the slowest answer                 asked again at once
  octets    sent to the resolver           cpu       milliseconds of it
  mb        growth of its memory, in all   rcodes    what the clients saw
"""

import collections
import dataclasses
import typing

import wire
import world

ROWS = {}


@dataclasses.dataclass
class Row:
    name: str
    run: typing.Callable
    goal: dict  # key: greatest value, or {"least": n}, or a set of words
    more: dict  # options of hitherd for this row


def row(name, goal, more=None, **arguments):
    def keep(function):
        async def run(bench):
            return await function(bench, **arguments)
        ROWS[name] = Row(name, run, goal, more or {})
        return function
    return keep


async def count(b, names, qtype=wire.A, repeats=0, more=None, started=False):
    """Asks each name and counts; then the last one a few times more."""
    if not started:
        await b.start(more)
    replies = [await b.ask(n, qtype) for n in names]
    n = len(names)
    found = {
        "msgs": b.messages() / n, "conn": b.connects() / n,
        "victim": b.messages_at([world.VICTIM]) / n,
        "octets": b.octets() / n, "cpu": b.cpu_ms() / n, "mb": b.rss_mb(),
        "seconds": max(r.seconds for r in replies),
        "rcodes": sorted({r.text() for r in replies}),
        "ede": sorted({e for r in replies if r.answer is not None
                       for e in r.answer.ede}),
    }
    if repeats:
        before = b.messages()
        for _ in range(repeats):
            await b.ask(names[-1], qtype)
        found["repeat"] = (b.messages() - before) / repeats
    return found


def attacker(b, more, **how):
    server = world.Authoritative("attacker.lab.", more=more)
    server.add_host("ns.attacker.lab.", world.ATTACKER)
    b.world.add(world.ATTACKER, server, **how)
    return server


@row("baseline", {"msgs": 3, "seconds": 1, "cpu": 1, "rcodes": {"NOERROR"}})
async def baseline(b):
    b.world.victim.records["*"] = []
    for i in range(5):
        zone, address = f"z{i}.lab.", f"198.18.5.{i}"
        b.world.lab.cut(zone, {f"ns.{zone}": address})
        server = world.Authoritative(zone)
        server.add_host(f"www.{zone}", world.TRUE)
        b.world.add(address, server)
    return await count(b, [f"www.z{i}.lab." for i in range(5)])


# --- delegations ----------------------------------------------------------

WORKING = "198.18.1.77"
NX_GOAL = {"msgs": 8, "victim": 4, "seconds": 2, "cpu": 5}


@row("nxns-90", NX_GOAL, servers=90)
@row("nxns-300", NX_GOAL, servers=300)
async def nxns(b, servers):
    """A referral to names that do not exist in the victim's zone."""
    def refer(q, via):
        labels = q.name.split(".")
        if len(labels) < 4 or labels[-4][:1] != "s":
            return False
        zone = ".".join(labels[-4:])
        via.send(cut(q, via, [
            wire.ns(zone, f"n{i}-{labels[-4]}.victim.lab.")
            for i in range(servers)]))
        return True
    attacker(b, refer)
    return await count(b, [f"x.s{i}.attacker.lab." for i in range(5)])


@row("nxns-half", {"msgs": 8, "victim": 4, "seconds": 2, "cpu": 5,
                   "rcodes": {"NOERROR"}}, servers=90)
async def nxns_half(b, servers):
    """The same with one server that works: the others are fetched later."""
    def refer(q, via):
        labels = q.name.split(".")
        if len(labels) < 4 or labels[-4][:1] != "s":
            return False
        zone = ".".join(labels[-4:])
        if via.address == WORKING:
            via.send(wire.message(q, [wire.a(q.name, world.EVIL)]))
            return True
        via.send(cut(q, via, [wire.ns(zone, f"ns.{zone}")] + [
            wire.ns(zone, f"n{i}-{labels[-4]}.victim.lab.")
            for i in range(servers)], [wire.a(f"ns.{zone}", WORKING)]))
        return True
    attacker(b, refer)
    b.world.add(WORKING, world.Authoritative("attacker.lab.", more=refer))
    return await count(b, [f"x.s{i}.attacker.lab." for i in range(5)])


def cut(q, via, servers, glue=()):
    """A referral, truncated when it does not fit a datagram."""
    reply = wire.message(q, (), servers, glue, flags=0)
    if via.tcp is None and len(reply) > 1232:
        return wire.message(q, flags=wire.TC)
    return reply


NR_GOAL = {"msgs": 13, "seconds": 6.5, "cpu": 5}


@row("nrdeleg-90", NR_GOAL, servers=90)
@row("nrdeleg-300", NR_GOAL, servers=300)
async def nrdeleg(b, servers):
    """As above, but the names exist and their addresses are silent."""
    def refer(q, via):
        labels = q.name.split(".")
        if len(labels) < 4 or labels[-4][:1] != "s":
            return False
        zone = ".".join(labels[-4:])
        via.send(cut(q, via, [
            wire.ns(zone, f"n{i}-{labels[-4]}.victim.lab.")
            for i in range(servers)]))
        return True

    def hosts(q, via):
        if q.type != wire.A or not q.name.startswith("n") or "-" not in \
                q.name:
            return False
        number = int(q.name[1:].split("-")[0])
        via.send(wire.message(q, [wire.a(
            q.name, f"198.18.{100 + number // 250}.{1 + number % 250}")]))
        return True
    attacker(b, refer)
    b.world.victim.more = hosts
    return await count(b, [f"x.s{i}.attacker.lab." for i in range(2)])


@row("deleg-loop", {"msgs": 5, "seconds": 0.5, "repeat": 0, "cpu": 2})
async def deleg_loop(b):
    b.world.lab.cut("one.lab.", {"ns.two.lab.": None})
    b.world.lab.cut("two.lab.", {"ns.one.lab.": None})
    return await count(b, ["www.one.lab."], repeats=4)


def camp_server(b, fan, through_aliases):
    """Zones whose servers' names lead into further such zones."""
    def answer(q, via):
        labels = q.name.split(".")[:-1]
        if len(labels) < 3 or q.name == "ns.attacker.lab.":
            return False
        last = labels[-3]
        kind, _, level = last.partition("-")
        if kind[:1] == "d":
            zone = ".".join(labels[-3:]) + "."
            down = f"{kind}-{int(level or 0) + 1}"
            inner = "t" + down[1:] if through_aliases else down
            via.send(cut(q, via, [
                wire.ns(zone, f"n{i}.{inner}.attacker.lab.")
                for i in range(fan)]))
            return True
        if kind[:1] != "t":
            return False
        if q.type not in (wire.A, wire.AAAA):
            via.send(wire.message(q, (), [wire.soa("attacker.lab.")]))
            return True
        host = labels[0]
        hop = int(host[1:]) if host[0] == "h" else 0
        target = f"h{hop + 1}.{'.'.join(labels[1:])}." if hop < 8 else \
            f"x.d{kind[1:]}-{level}.attacker.lab."
        if host[0] == "n":
            target = f"h1.{host}.{'.'.join(labels[1:])}."
        via.send(wire.message(q, [wire.cname(q.name, target)]))
        return True
    return attacker(b, answer)


@row("camp", {"msgs": 20, "seconds": 6.5, "cpu": 5}, aliases=True)
@row("camp-deep", {"msgs": 24, "seconds": 6.5, "cpu": 5}, aliases=False)
async def camp(b, aliases):
    camp_server(b, 10, aliases)
    return await count(b, [f"x.d{i}.attacker.lab." for i in range(3)])


@row("same-address", {"msgs": 41, "seconds": 6.5, "cpu": 5, "unique": 2})
async def same_address(b):
    """13 names, each with the same 20 addresses, all of them silent."""
    hosts = [f"n{i}.dead.lab." for i in range(13)]
    glue = [wire.a(h, f"198.18.8.{k + 1}") for h in hosts for k in range(20)]
    plain = b.world.lab.reply

    def reply(q, via):
        if not q.is_within("dead.lab."):
            via.send(plain(q))
            return
        via.send(cut(q, via, [wire.ns("dead.lab.", h) for h in hosts], glue))
    b.world.add(world.LAB, reply)
    found = await count(b, ["www.dead.lab."])
    tries = collections.Counter(
        a for _, a, *_ in b.asked() if a.startswith("198.18.8."))
    found["unique"] = max(tries.values(), default=0)
    return found


@row("bad-glue", {"msgs": 6, "seconds": 6.5, "cpu": 5, "forbidden": 0})
async def bad_glue(b):
    """Glue that is nobody's address, or the resolver's own."""
    glue = ["0.0.0.0", "127.0.0.1", "127.9.9.9", "255.255.255.255",
            "224.0.0.1", "169.254.1.1"]
    hosts = {f"n{i}.bad.lab.": g for i, g in enumerate(glue)}
    b.world.lab.cut("bad.lab.", hosts)
    await b.start()
    found = await count(b, ["www.bad.lab."], started=True)
    found["forbidden"] = sum(
        not a.startswith("198.18.") for _, a, *_ in b.asked())
    return found


@row("deep-name", {"msgs": 10.5, "seconds": 2, "cpu": 3,
                   "rcodes": {"NOERROR"}})
async def deep_name(b):
    """120 labels under a wildcard: minimisation must not walk them all."""
    def answer(q, via):
        if not q.is_within("attacker.lab.") or q.type != wire.A:
            return False
        via.send(wire.message(q, [wire.a(q.name, world.TRUE)]))
        return True
    attacker(b, answer)
    return await count(b, [
        ".".join([c] * 117) + ".attacker.lab." for c in "ab"])


# --- aliases --------------------------------------------------------------

CHAIN_GOAL = {"msgs": 12.5, "seconds": 1, "cpu": 2}


@row("cname-chain", CHAIN_GOAL)
async def cname_chain(b):
    def answer(q, via):
        label, _, rest = q.name.partition(".")
        if label[:1] != "c":
            return False
        via.send(wire.message(q, [wire.cname(
            q.name, f"c{int(label[1:]) + 1}.{rest}")]))
        return True
    attacker(b, answer)
    return await count(b, [f"c{i}000.attacker.lab." for i in range(1, 4)])


@row("cname-inmsg", {"msgs": 12.5, "cpu": 3})
async def cname_inmsg(b):
    """A hundred links in one message."""
    def answer(q, via):
        label, _, rest = q.name.partition(".")
        if label[:1] != "c":
            return False
        n = int(label[1:])
        reply = wire.message(q, [wire.cname(
            f"c{i}.{rest}", f"c{i + 1}.{rest}") for i in range(n, n + 100)])
        if via.tcp is None and len(reply) > 1232:
            reply = wire.message(q, flags=wire.TC | wire.AA)
        via.send(reply)
        return True
    attacker(b, answer)
    return await count(b, [f"c{i}000.attacker.lab." for i in range(1, 4)])


@row("dname-chain", CHAIN_GOAL)
async def dname_chain(b):
    """Each name is rewritten to a longer one below the next DNAME."""
    def answer(q, via):
        labels = q.name.split(".")[:-3]
        if not labels or labels[-1][:1] != "d" or len(labels) < 2:
            return False
        n = int(labels[-1][1:])
        owner = f"d{n}.attacker.lab."
        target = f"{'y' * 30}.d{n + 1}.attacker.lab."
        via.send(wire.message(q, [
            wire.rr(owner, wire.DNAME, wire.name(target)),
            wire.cname(q.name, ".".join(labels[:-1]) + "." + target)]))
        return True
    attacker(b, answer)
    return await count(b, [f"x.d{i}000.attacker.lab." for i in range(1, 4)])


@row("cname-loop", {"msgs": 3, "seconds": 1, "cpu": 1})
async def cname_loop(b):
    def answer(q, via):
        label, _, rest = q.name.partition(".")
        if label[:1] not in "ab":
            return False
        other = ("b" if label[0] == "a" else "a") + label[1:]
        via.send(wire.message(q, [wire.cname(q.name, f"{other}.{rest}")]))
        return True
    attacker(b, answer)
    return await count(b, [f"a{i}.attacker.lab." for i in range(3)])


# --- servers that fail ----------------------------------------------------

FAIL = [f"198.18.4.{i}" for i in range(1, 5)]


def failing(b, server, stream="serve"):
    b.world.lab.cut("fail.lab.", {
        f"ns{i}.fail.lab.": address for i, address in enumerate(FAIL)})
    for address in FAIL:
        b.world.add(address, server, stream)


def says(rcode, flags=0, **how):
    return lambda q, via: via.send(
        wire.message(q, rcode=rcode, flags=flags, **how))


def truncated(q, via):
    via.send(wire.message(q, flags=wire.TC | wire.AA))


def good(q):
    return wire.message(q, [wire.a(q.name, world.TRUE)])


def no_edns(q, via):
    via.send(wire.message(q, rcode=wire.FORMERR, flags=0, edns=False)
             if q.edns else good(q))


def drops_edns(q, via):
    if not q.edns:
        via.send(good(q))


def lame_up(q, via):
    via.send(wire.message(q, (), [wire.ns(".", "a.root.")], flags=0))


def bad_cookie(q, via):
    options = b"\0\x0a\0\x10" + q.cookie[:8].ljust(8, b"c") + b"s" * 8
    head = wire.message(q, rcode=7, flags=0, edns=False)
    via.send(head[:10] + b"\0\x01" + head[12:] +
             wire.opt(wire.BADCOOKIE, options))


def wrong_question(q, via):
    via.send(wire.message(q, [wire.a("other.fail.lab.", world.TRUE)],
                          question=wire.name("other.fail.lab.") +
                          b"\0\1\0\1"))


SLOW = {"msgs": 12, "conn": 4, "seconds": 6.5, "repeat": 0}
FAST = {"msgs": 6, "seconds": 6.5, "repeat": 0}

for _name, _server, _stream, _goal in [
        ("all-timeouts", world.silent, "hang",
         {"msgs": 9, "seconds": 6.5, "repeat": 0}),
        ("tc-closed", truncated, "closed", {**SLOW, "msgs": 6}),
        ("tc-reset", truncated, "reset", SLOW),
        ("tc-hang", truncated, "hang", SLOW),
        ("tc-loop", truncated, "serve", SLOW),
        ("f-servfail", says(wire.SERVFAIL), "serve", FAST),
        ("f-refused", says(wire.REFUSED), "serve", FAST),
        ("f-notimp", says(wire.NOTIMP), "serve", {**FAST, "msgs": 9}),
        ("f-formerr-edns", no_edns, "serve",
         {"msgs": 4, "repeat": 0, "rcodes": {"NOERROR"}}),
        ("f-drop-edns", drops_edns, "serve",
         {"msgs": 9, "seconds": 6.5, "repeat": 0}),
        ("f-lame-up", lame_up, "serve", FAST),
        ("f-badcookie", bad_cookie, "serve", {**FAST, "msgs": 9}),
        ("f-wrong-q", wrong_question, "serve",
         {"msgs": 10, "seconds": 6.5, "repeat": 0})]:
    @row(_name, {**_goal, "cpu": 5}, server=_server, stream=_stream)
    async def four_servers(b, server, stream):
        failing(b, server, stream)
        return await count(b, ["www.fail.lab."], repeats=4)
