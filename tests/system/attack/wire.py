# SPDX-License-Identifier: BSD-3-Clause
"""DNS messages as octets: read a question, write any answer, also bad ones.

Nothing here checks what it is told to write: a hostile server does not.
"""

import struct

A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, DNAME, OPT, ANY = (
    1, 2, 5, 6, 12, 15, 16, 28, 33, 39, 41, 255)
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, YXDOMAIN = range(7)
BADCOOKIE = 23
QR, AA, TC, RD, RA, AD, CD = (
    0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010)


def name(text):
    out = b""
    for label in text.rstrip(".").split("."):
        if label:
            raw = label.encode()
            out += bytes([len(raw)]) + raw
    return out + b"\0"


def read_name(wire, at):
    """The name in lower case and where it ends."""
    labels, end = [], None
    for _ in range(200):
        n = wire[at]
        if n & 0xC0 == 0xC0:
            end = end or at + 2
            at = (n & 0x3F) << 8 | wire[at + 1]
        elif n == 0:
            return ".".join(labels).lower() + ".", end or at + 1
        else:
            labels.append(wire[at + 1:at + 1 + n].decode("latin-1"))
            at += 1 + n
    raise ValueError("a name without end")


class Question:
    """What a resolver sent."""

    def __init__(self, wire):
        self.wire = wire
        self.id, self.flags, qd, _, _, ar = struct.unpack("!6H", wire[:12])
        if qd != 1 or self.flags & QR:
            raise ValueError("no question")
        self.name, at = read_name(wire, 12)
        self.type, self.klass = struct.unpack("!2H", wire[at:at + 4])
        self.question = wire[12:at + 4]
        self.edns, self.dnssec_ok, self.cookie = False, False, b""
        at += 4
        while ar and at < len(wire):
            _, at = read_name(wire, at)
            t, _, ttl, n = struct.unpack("!HHIH", wire[at:at + 10])
            if t == OPT:
                self.edns = True
                self.dnssec_ok = bool(ttl & 0x8000)
                self.cookie = option(wire[at + 10:at + 10 + n], 10)
            at += 10 + n
            ar -= 1

    def is_within(self, zone):
        return self.name == zone or zone == "." or \
            self.name.endswith("." + zone)


def option(options, code):
    at = 0
    while at + 4 <= len(options):
        c, n = struct.unpack("!2H", options[at:at + 4])
        if c == code:
            return options[at + 4:at + 4 + n]
        at += 4 + n
    return b""


def rr(owner, rtype, rdata, ttl=300, klass=1, length=None):
    owner = owner if isinstance(owner, bytes) else name(owner)
    return owner + struct.pack("!HHIH", rtype, klass, ttl,
                               len(rdata) if length is None else length) \
        + rdata


def a(owner, address, ttl=300):
    return rr(owner, A, bytes(int(x) for x in address.split(".")), ttl)


def ns(zone, host, ttl=300):
    return rr(zone, NS, name(host), ttl)


def cname(owner, target, ttl=300):
    return rr(owner, CNAME, name(target), ttl)


def soa(zone, ttl=300, minimum=300):
    return rr(zone, SOA, name("ns." + zone) + name("hostmaster." + zone) +
              struct.pack("!5I", 1, 3600, 600, 86400, minimum), ttl)


def opt(rcode=0, options=b"", version=0, size=1232):
    return b"\0" + struct.pack("!HHBBHH", OPT, size, rcode >> 4, version, 0,
                               len(options)) + options


def message(q, answer=(), authority=(), additional=(), rcode=NOERROR,
            flags=AA, msgid=None, question=None, counts=None, edns=None):
    """A reply to q. Counts and the question can be made to lie."""
    additional = list(additional)
    if (q.edns if edns is None else edns):
        additional.append(opt(rcode))
    question = q.question if question is None else question
    head = struct.pack(
        "!6H", q.id if msgid is None else msgid,
        QR | flags | (q.flags & RD) | (rcode & 15), 1 if question else 0,
        *(counts or (len(answer), len(authority), len(additional))))
    return head + question + b"".join([*answer, *authority, *additional])


def query(qname, qtype=A, msgid=1, flags=RD, dnssec_ok=False, edns=True,
          size=1232):
    tail = b""
    if edns:
        tail = b"\0" + struct.pack("!HHIH", OPT, size,
                                   0x8000 if dnssec_ok else 0, 0)
    return struct.pack("!6H", msgid, flags, 1, 0, 0, 1 if edns else 0) + \
        (qname if isinstance(qname, bytes) else name(qname)) + \
        struct.pack("!2H", qtype, 1) + tail


class Answer:
    """What a client got: rcode, flags, addresses and EDE codes."""

    def __init__(self, wire):
        self.size = len(wire)
        self.id, self.flags, qd, *counts = struct.unpack("!6H", wire[:12])
        self.rcode = self.flags & 15
        self.records = ([], [], [])
        self.ede = []
        at = 12
        for _ in range(qd):
            at = read_name(wire, at)[1] + 4
        for section, count in enumerate(counts):
            for _ in range(count):
                owner, at = read_name(wire, at)
                t, _, ttl, n = struct.unpack("!HHIH", wire[at:at + 10])
                rdata = wire[at + 10:at + 10 + n]
                if t == OPT:
                    self.read_options(rdata)
                self.records[section].append((owner, t, ttl, rdata))
                at += 10 + n

    def read_options(self, options):
        found = option(options, 15)
        if found:
            self.ede.append(struct.unpack("!H", found[:2])[0])

    def addresses(self):
        return [".".join(map(str, r[3])) for r in self.records[0]
                if r[1] == A and len(r[3]) == 4]

    def odd_addresses(self):
        return [r for r in self.records[0] if r[1] == A and len(r[3]) != 4]
