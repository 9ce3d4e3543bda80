# SPDX-License-Identifier: BSD-3-Clause
"""Rows about data: forged, foreign, malformed, too much of it."""

import asyncio
import random
import struct

import wire
import world
from rows import attacker, count, row

EVIL_A = [wire.a("www.victim.lab.", world.EVIL)]
EVIL_NS = [wire.ns("victim.lab.", "ns.evil.lab.")]


def evil_world(b):
    """Where whoever is fooled would go."""
    def lie(q, via):
        via.send(wire.message(q, [wire.a(q.name, world.EVIL)]))
    b.world.add(world.EVIL_SERVER, lie)
    b.world.lab.cut("evil.lab.", {"ns.evil.lab.": world.EVIL_SERVER})


async def count_poisoned(b, names=("www.victim.lab.", "mail.victim.lab.")):
    """How many names now lead to the evil address or ask the evil server."""
    bad = 0
    for n in names:
        before = b.world.messages([world.EVIL_SERVER])
        reply = await b.ask(n)
        there = reply.answer.addresses() if reply.answer is not None else []
        bad += there != [world.TRUE] or \
            b.world.messages([world.EVIL_SERVER]) != before
    return bad


def poisons(q):
    """The nine recipes: sections of a reply to a name of the attacker's."""
    own = [wire.a(q.name, "198.18.1.80")]
    glue = [wire.a("ns.evil.lab.", world.EVIL_SERVER)]
    evil_host = [wire.a("ns.victim.lab.", world.EVIL_SERVER)]
    return [
        (own, (), EVIL_A),
        (own, EVIL_NS, glue),
        (own, [wire.ns("attacker.lab.", "ns.victim.lab.")], evil_host),
        (own + EVIL_A, (), ()),
        ([wire.cname(q.name, "www.victim.lab.")] + EVIL_A, (), ()),
        (own, [wire.ns("lab.", "ns.evil.lab.")], glue),
        ((), EVIL_NS, glue),
        (own + [wire.rr("victim.lab.", wire.DNAME, wire.name("evil.lab."))],
         (), ()),
        ((), [wire.soa("victim.lab.")], ()),
    ]


@row("poison", {"poisoned": 0, "recipes": {"least": 9}})
async def poison(b):
    def answer(q, via):
        label = q.name.split(".")[0]
        if label[:1] != "p" or not label[1:].isdigit():
            return False
        an, au, ad = poisons(q)[int(label[1:])]
        rcode = wire.NXDOMAIN if int(label[1:]) == 8 else wire.NOERROR
        flags = 0 if int(label[1:]) == 6 else wire.AA
        via.send(wire.message(q, an, au, ad, rcode, flags))
        return True
    evil_world(b)
    attacker(b, answer)
    await b.start()
    found, done = 0, 0
    for i in range(9):
        await b.ask(f"p{i}.attacker.lab.", patience=8)
        # Names nobody asked for yet, so that a cached truth hides nothing.
        for host in ("www", "mail", f"h{i}"):
            b.world.victim.records.setdefault(f"{host}.victim.lab.", [
                (wire.A, wire.a(f"{host}.victim.lab.", world.TRUE, 1))])
        found += await count_poisoned(
            b, (f"h{i}.victim.lab.", "www.victim.lab."))
        done += 1
    return {"poisoned": found, "recipes": done}


@row("promisc-ns", {"poisoned": 0})
async def promisc(b):
    """A forged positive answer that renames the zone's own servers."""
    glue = [wire.a("ns.evil.lab.", world.EVIL_SERVER)]
    extras = [
        (EVIL_NS, glue),
        ([wire.ns("victim.lab.", "ns9.victim.lab.")],
         [wire.a("ns9.victim.lab.", world.EVIL_SERVER)]),
        ([wire.ns("victim.lab.", "ns.victim.lab.")],
         [wire.a("ns.victim.lab.", world.EVIL_SERVER)]),
        ([wire.rr("victim.lab.", wire.DNAME, wire.name("evil.lab."))], []),
    ]

    def answer(q, via):
        label = q.name.split(".")[0]
        if label[:1] != "r" or not label[1:].isdigit():
            return False
        an, i = [wire.a(q.name, world.TRUE)], int(label[1:])
        if i == 3:
            via.send(wire.message(q, an + extras[i][0]))
        else:
            via.send(wire.message(q, an, *extras[i]))
        return True
    evil_world(b)
    b.world.victim.more = answer
    await b.start()
    found = 0
    for i in range(4):
        await b.ask(f"r{i}.victim.lab.")
        b.world.victim.add_host(f"v{i}.victim.lab.", world.TRUE)
        found += await count_poisoned(b, [f"v{i}.victim.lab."])
    return {"poisoned": found}


def forgeries(q):
    """Kinds of replies that do not belong to the question."""
    lie = [wire.a(q.name, world.EVIL)]
    other = wire.name("o" + q.name) + struct.pack("!2H", q.type, 1)
    return {
        "s1": [wire.message(q, lie, msgid=(q.id + i) & 0xFFFF)
               for i in range(1, 301)],
        "s2": [wire.message(q, lie)],  # from another address
        "s3": [wire.message(q, lie)[:2] +
               bytes([wire.message(q, lie)[2] & 0x7F]) +
               wire.message(q, lie)[3:],
               wire.message(q, lie, flags=0x2000 | wire.AA)],
        "s4": [wire.message(q, lie, question=other)],
    }


@row("spoof", {"poisoned": 0, "answered": {"least": 8}})
async def spoof(b):
    """Forgeries first, the true answer a quarter of a second later."""
    def answer(q, via):
        kind = q.name[:2]
        if kind not in ("s1", "s2", "s3", "s4") or q.name[2] != "-":
            return False
        if via.tcp is None:
            source = "198.18.77.1" if kind == "s2" else None
            for forged in forgeries(q)[kind]:
                via.send(forged, source=source)
        via.send(wire.message(q, [wire.a(q.name, world.TRUE)]),
                 delay=0.25)
        return True
    b.world.victim.more = answer
    await b.start()
    true, lies = 0, 0
    for kind in ("s1", "s2", "s3", "s4"):
        for i in range(2):
            reply = await b.ask(f"{kind}-{i}.victim.lab.")
            there = reply.answer.addresses() if reply.answer else []
            true += there == [world.TRUE]
            lies += world.EVIL in there
    return {"poisoned": lies, "answered": true}


@row("ghost", {"poisoned": 0})
async def ghost(b):
    """A withdrawn delegation whose child keeps renewing its own NS."""
    def child(q, via):
        own = [wire.ns("ghost.lab.", "ns.ghost.lab.", 300)]
        glue = [wire.a("ns.ghost.lab.", world.ATTACKER, 300)]
        if q.name == "ghost.lab." and q.type == wire.NS:
            via.send(wire.message(q, own, (), glue))
        elif q.type == wire.A:
            via.send(wire.message(q, [wire.a(q.name, world.EVIL, 1)], own,
                                  glue))
        else:
            via.send(wire.message(q, (), [wire.soa("ghost.lab.")]))
    b.world.lab.cut("ghost.lab.", {"ns.ghost.lab.": world.ATTACKER}, ttl=3)
    b.world.add(world.ATTACKER, child)
    await b.start()
    first = await b.ask("a0.ghost.lab.")
    assert first.rcode == 0, first.text()
    del b.world.lab.cuts["ghost.lab."]
    for i in range(6):
        await asyncio.sleep(0.7)
        await b.ask("ghost.lab.", wire.NS)
        await b.ask("ns.ghost.lab.")
        await b.ask(f"b{i}.ghost.lab.")
    last = await b.ask("z.ghost.lab.")
    return {"poisoned": int(last.rcode == 0), "rcodes": [last.text()]}


@row("smuggle", {"poisoned": 0})
async def smuggle(b):
    """A record inside the RDATA of another one."""
    def answer(q, via):
        if not q.name.startswith("m"):
            return False
        hidden = wire.a("www.victim.lab.", world.EVIL)
        address = bytes([198, 18, 1, 80])
        kinds = [wire.rr(q.name, wire.A, address + hidden[:20]),
                 wire.rr(q.name, wire.A, address + hidden),
                 wire.rr(q.name, wire.CNAME,
                         wire.name("www.victim.lab.") + hidden)]
        via.send(wire.message(q, [kinds[int(q.name[1])]]))
        return True
    attacker(b, answer)
    await b.start()
    for i in range(3):
        await b.ask(f"m{i}.attacker.lab.", patience=8)
    return {"poisoned": await count_poisoned(b)}


# --- malformed ------------------------------------------------------------

def malformed(q):
    """Replies no parser should take."""
    own = bytes([198, 18, 1, 80])
    plain = wire.message(q, [wire.rr(q.name, wire.A, own)], edns=False)
    good = [wire.rr(q.name, wire.A, own)]
    return {
        "rdlen-short": wire.message(q, [wire.rr(q.name, wire.A, own[:3])]),
        "rdlen-0": wire.message(q, [wire.rr(q.name, wire.A, b"")]),
        "rdlen-long": wire.message(q, [wire.rr(q.name, wire.A,
                                               own + b"\1\2")]),
        "rdlen-past": wire.message(q, [wire.rr(q.name, wire.A, own,
                                               length=900)], edns=False),
        "name-over": wire.message(q, [wire.rr(
            q.name, wire.CNAME, wire.name("www.victim.lab."), length=1)]),
        "ptr-self": wire.message(q, [wire.rr(b"\xc0" + bytes([len(
            q.question) + 12]), wire.A, own)]),
        "counts": wire.message(q, good, counts=(60, 0, 1)),
        "qd2": plain[:4] + b"\0\2" + plain[6:12] + q.question + plain[12:],
        "qr0": plain[:2] + bytes([plain[2] & 0x7F]) + plain[3:],
        "opcode": plain[:2] + bytes([plain[2] | 0x28]) + plain[3:],
        "empty": plain[:12],
        "short": plain[:7],
        "two-opts": wire.message(q, good, (), [wire.opt()], edns=True),
    }


@row("malformed", {"msgs": 4, "taken": 0, "seconds": 6.5, "cpu": 1})
async def malformed_replies(b):
    kinds = sorted(malformed(wire.Question(wire.query("x.lab."))))

    def answer(q, via):
        label = q.name.split(".")[0]
        if label not in kinds:
            return False
        via.send(malformed(q)[label])
        return True
    attacker(b, answer)
    await b.start()
    replies = await asyncio.gather(*[
        b.ask(f"{k}.attacker.lab.") for k in kinds])
    # An option twice or a second OPT harms nobody who ignores it.
    taken = [k for k, r in zip(kinds, replies)
             if r.rcode == 0 and r.answer.records[0] and k != "two-opts"]
    return {"msgs": b.messages() / len(kinds), "taken": len(taken),
            "which": taken, "cpu": b.cpu_ms() / len(kinds),
            "seconds": max(r.seconds for r in replies)}


# --- bombs ----------------------------------------------------------------

@row("big-rrset", {"seconds": 3, "cpu": 3, "rcodes": {"NOERROR",
                                                      "SERVFAIL"}})
async def big_rrset(b):
    def answer(q, via):
        if not q.name.startswith("big"):
            return False
        if via.tcp is None:
            via.send(wire.message(q, flags=wire.TC | wire.AA))
        else:
            via.send(wire.message(q, [wire.rr(
                b"\xc0\x0c", wire.A, struct.pack("!I", 0xC6130000 + i))
                for i in range(3000)]))
        return True
    attacker(b, answer)
    return await count(b, ["big.attacker.lab."])


def by_stream(q, via, reply):
    via.send(wire.message(q, flags=wire.TC | wire.AA)
             if via.tcp is None else reply(q))
    return True


@row("txt-bomb", {"cpu": 1, "mb": 1})
async def txt_bomb(b):
    """64 KB of empty strings in one TXT record."""
    def answer(q, via):
        return q.name.startswith("t") and q.type == wire.TXT and by_stream(
            q, via, lambda q: wire.message(
                q, [wire.rr(b"\xc0\x0c", wire.TXT, b"\0" * 65000)]))
    attacker(b, answer)
    return await count(
        b, [f"t{i}.attacker.lab." for i in range(3)], wire.TXT)


@row("ptr-chain", {"cpu": 1})
async def ptr_chain(b):
    """Names that are pointers to pointers to pointers."""
    def chain(q):
        out, at = [], len(q.question) + 12
        target = 12
        for _ in range(3000):
            rdata = b"\1x" + struct.pack("!H", 0xC000 | target)
            out.append(wire.rr(b"\xc0\x0c", wire.PTR, rdata))
            target = at + 12
            at += 12 + len(rdata)
            if target > 0x3FFF:
                target = 12
        return wire.message(q, out)

    def answer(q, via):
        return q.name.startswith("p") and q.type == wire.PTR and \
            by_stream(q, via, chain)
    attacker(b, answer)
    return await count(
        b, [f"p{i}.attacker.lab." for i in range(3)], wire.PTR)


@row("octets", {"octets": 132000, "seconds": 6.5})
async def octets(b):
    """60 KB with each referral, by TCP, level after level."""
    def answer(q, via):
        labels = q.name.split(".")[:-3]
        if not labels or labels[-1][:1] != "l":
            return False
        depth = min(len(labels), 1 + sum(
            1 for s in b.world.log if s[1] == world.ATTACKER and s[4]))
        zone = ".".join(labels[-depth:]) + ".attacker.lab."

        def referral(q):
            return wire.message(q, (), [
                wire.ns(zone, f"ns.{zone}"),
                wire.rr(zone, 65280, b"x" * 60000)],
                [wire.a(f"ns.{zone}", world.ATTACKER)], flags=0)
        return by_stream(q, via, referral)
    attacker(b, answer)
    name = ".".join(f"l{i}" for i in range(20))
    return await count(b, [f"{name}.attacker.lab."])


@row("reflection", {"longest": 1232, "refused": 11})
async def reflection(b):
    """What a forged sender's address would get by UDP."""
    def answer(q, via):
        return q.is_within("attacker.lab.") and by_stream(
            q, via, lambda q: wire.message(q, [
                wire.rr(b"\xc0\x0c", q.type, b"\xff" + b"x" * 255)
                for _ in range(200)]))
    attacker(b, answer)
    await b.start()
    longest = 0
    for qtype in (wire.TXT, wire.ANY, 48):
        await b.ask(f"t{qtype}.attacker.lab.", qtype, dnssec_ok=True)
        b.world.streams.clear()
        q = wire.query(f"t{qtype}.attacker.lab.", qtype, 77,
                       dnssec_ok=True, size=65535)
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        b.clients.waiting[77] = future
        b.clients.send(q)
        longest = max(longest, len(await asyncio.wait_for(future, 12)))
        del b.clients.waiting[77]
    # Beyond the access list: no more octets than were asked, and an OPT.
    import socket
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("198.18.99.1", 0))
        s.settimeout(1)
        q = wire.query("www.victim.lab.")
        s.sendto(q, ("127.0.0.1", 5300))
        try:
            more = len(s.recv(4096)) - len(q)
        except socket.timeout:
            more = 0
    return {"longest": longest, "refused": more}


# --- crowds ---------------------------------------------------------------

@row("random-sub", {"msgs": 1, "honest": {"least": 0.99}, "mb": 8},
     seconds=4)
async def random_sub(b, seconds):
    """500 random names a second below a zone whose servers are silent."""
    addresses = [f"198.18.6.{i}" for i in range(1, 5)]
    b.world.lab.cut("torture.lab.", {
        f"ns{i}.torture.lab.": a for i, a in enumerate(addresses)})
    for a in addresses:
        b.world.add(a, world.silent)
    await b.start()
    loop = asyncio.get_running_loop()
    rng = random.Random(5)
    sent, honest = 0, []
    end = loop.time() + seconds
    while loop.time() < end:
        for _ in range(25):
            b.clients.send(wire.query(
                f"{rng.getrandbits(48):x}.torture.lab.", msgid=0))
            sent += 1
        if len(honest) < 30 and sent % 50 == 0:
            honest.append(asyncio.ensure_future(
                b.ask(f"h{len(honest)}.honest.lab.", patience=5)))
        await asyncio.sleep(0.05)
    replies = await asyncio.gather(*honest)
    await asyncio.sleep(2)
    good = sum(r.rcode == 0 for r in replies)
    return {"msgs": b.messages_at(addresses) / sent,
            "honest": good / len(replies), "mb": b.rss_mb(),
            "cpu": b.cpu_ms() / sent, "asked": sent}


@row("slowloris", {"udp": {"least": 10}, "tcp": {"least": 5}}, number=300)
async def slowloris(b, number):
    """Connections that send an octet a second; honest ones among them."""
    await b.start()
    loop = asyncio.get_running_loop()
    crowd = []
    for _ in range(number):
        try:
            crowd.append(b.idle_connection())
        except OSError:
            pass

    async def drip():
        question = struct.pack("!H", 40) + b"\0" * 40
        for i in range(40):
            for s in crowd:
                try:
                    s.send(question[i:i + 1])
                except OSError:
                    pass
            await asyncio.sleep(1)
    task = loop.create_task(drip())
    await asyncio.sleep(3)
    udp = [await b.ask(f"u{i}.honest.lab.", patience=3) for i in range(10)]
    tcp = [await b.ask_tcp(f"t{i}.honest.lab.", patience=3)
           for i in range(5)]
    task.cancel()
    for s in crowd:
        s.close()
    return {"udp": sum(r.rcode == 0 for r in udp),
            "tcp": sum(r.rcode == 0 for r in tcp),
            "slowest": max(r.seconds for r in udp)}


@row("birthday", {"sent": 1, "answered": {"least": 60}})
async def birthday(b):
    """60 clients, one name, every spelling, DO and CD."""
    def answer(q, via):
        if not q.name.startswith("birthday"):
            return False
        via.send(wire.message(q, [wire.a(q.name, world.TRUE)]), delay=0.1)
        return True
    b.world.victim.more = answer
    await b.start()
    rng = random.Random(6)
    names = ["".join(rng.choice((c, c.upper()))
                     for c in "birthday.victim.lab.") for _ in range(60)]
    replies = await asyncio.gather(*[
        b.ask(n, flags=wire.RD | (wire.CD if i % 3 == 0 else 0),
              dnssec_ok=i % 2 == 0) for i, n in enumerate(names)])
    sent = sum(1 for _, _, n, *_ in b.asked()
               if n == "birthday.victim.lab.")
    return {"sent": sent, "answered": sum(r.rcode == 0 for r in replies)}


@row("unread", {"rss": 12, "honest": {"least": 1}})
async def unread(b):
    """One connection, thousands of questions, nothing read."""
    await b.start()
    await b.ask("warm.honest.lab.")
    s = b.idle_connection()
    q = wire.query("warm.honest.lab.")
    burst = (struct.pack("!H", len(q)) + q) * 200
    for _ in range(50):
        try:
            s.send(burst)
        except OSError:
            pass
        await asyncio.sleep(0.02)
    good = (await b.ask("other.honest.lab.", patience=3)).rcode == 0
    rss = b.rss_mb()
    s.close()
    return {"rss": rss, "honest": int(good)}
