# SPDX-License-Identifier: BSD-3-Clause
"""A hostile Internet on 198.18.0.0/15, inside the namespace of one run.

Every address has a server: a function of the question and of the way to
reply. Messages, octets and TCP connects are counted by address, connects on
a raw socket so that those to closed ports count too.
"""

import asyncio
import collections
import socket
import struct
import time

import wire

ROOT, LAB = "198.18.0.1", "198.18.0.2"
ATTACKER, VICTIM, HONEST = "198.18.1.1", "198.18.2.1", "198.18.3.1"
EVIL_SERVER, EVIL = "198.18.66.1", "198.18.66.6"
TRUE = "198.18.2.80"  # where the victim's names point to
IP_PKTINFO = 8


class Via:
    """The way back to a resolver."""

    def __init__(self, world, address, peer, tcp=None):
        self.world, self.address, self.peer = world, address, peer
        self.tcp = tcp

    def send(self, reply, delay=0, source=None):
        loop = asyncio.get_running_loop()
        if delay:
            loop.call_later(delay, self.send, reply, 0, source)
        elif self.tcp is not None:
            self.world.bytes_out += len(reply)
            if not self.tcp.is_closing():
                self.tcp.write(struct.pack("!H", len(reply)) + reply)
        else:
            self.world.send_udp(reply, self.peer, source or self.address)


class Authoritative:
    """An honest server of one zone. more(q, via) may answer first."""

    def __init__(self, zone, records=(), cuts=(), more=None):
        self.zone, self.more = zone, more
        self.records = collections.defaultdict(list)
        self.cuts = dict(cuts)  # zone: ([NS records], [glue])
        for owner, rtype, record in records:
            self.records[owner].append((rtype, record))

    def add_host(self, owner, address, ttl=300):
        self.records[owner].append((wire.A, wire.a(owner, address, ttl)))

    def cut(self, zone, hosts, ttl=300):
        """hosts: {name: address or None}."""
        self.cuts[zone] = (
            [wire.ns(zone, h, ttl) for h in hosts],
            [wire.a(h, x, ttl) for h, x in hosts.items() if x])

    def __call__(self, q, via):
        if self.more is not None and self.more(q, via):
            return
        via.send(self.reply(q))

    def reply(self, q):
        for zone, (servers, glue) in self.cuts.items():
            if q.is_within(zone):
                return wire.message(q, (), servers, glue, flags=0)
        if not q.is_within(self.zone):
            return wire.message(q, rcode=wire.REFUSED, flags=0)
        if q.name == self.zone and q.type == wire.SOA:
            return wire.message(q, [wire.soa(self.zone)])
        sets = self.records.get(q.name, [])
        found = [r for t, r in sets if t in (q.type, wire.CNAME)]
        if found:
            return wire.message(q, found)
        below = any(n.endswith("." + q.name) for n in self.records)
        known = sets or below or q.name == self.zone
        return wire.message(q, (), [wire.soa(self.zone)],
                            rcode=wire.NOERROR if known else wire.NXDOMAIN)


class World:
    def __init__(self):
        self.servers, self.streams = {}, {}
        self.udp = collections.Counter()
        self.tcp = collections.Counter()
        self.connects = collections.Counter()
        self.bytes_out = 0
        self.log = []
        self.listeners, self.tasks = [], set()
        self.root = Authoritative(".", [
            (".", wire.NS, wire.ns(".", "a.root.")),
            ("a.root.", wire.A, wire.a("a.root.", ROOT))])
        self.root.cut("lab.", {"ns.lab.": LAB})
        self.lab = Authoritative("lab.")
        self.lab.cut("attacker.lab.", {"ns.attacker.lab.": ATTACKER})
        self.lab.cut("victim.lab.", {"ns.victim.lab.": VICTIM})
        self.lab.cut("honest.lab.", {"ns.honest.lab.": HONEST})
        self.victim = Authoritative("victim.lab.")
        self.victim.add_host("ns.victim.lab.", VICTIM)
        self.victim.add_host("www.victim.lab.", TRUE)
        self.victim.add_host("mail.victim.lab.", TRUE)
        self.victim.records["victim.lab."].append(
            (wire.NS, wire.ns("victim.lab.", "ns.victim.lab.")))
        self.honest = Authoritative("honest.lab.", more=self.honest_hosts)
        self.add(ROOT, self.root)
        self.add(LAB, self.lab)
        self.add(VICTIM, self.victim)
        self.add(HONEST, self.honest)

    @staticmethod
    def honest_hosts(q, via):
        if q.type != wire.A or not q.is_within("honest.lab."):
            return False
        via.send(wire.message(q, [wire.a(q.name, "198.18.3.80")]))
        return True

    def add(self, address, server, stream="serve"):
        """stream: serve, closed, reset, hang."""
        self.servers[address] = server
        self.streams[address] = stream

    # --- running ----------------------------------------------------------

    async def start(self):
        loop = asyncio.get_running_loop()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        self.socket.setblocking(False)
        self.socket.bind(("0.0.0.0", 53))
        loop.add_reader(self.socket, self.read_udp)
        self.raw = socket.socket(socket.AF_INET, socket.SOCK_RAW,
                                 socket.IPPROTO_TCP)
        self.raw.setblocking(False)
        loop.add_reader(self.raw, self.read_raw)
        for address, kind in self.streams.items():
            if kind != "closed":
                self.listeners.append(await asyncio.start_server(
                    self.serve_stream, address, 53))

    def read_raw(self):
        while True:
            try:
                packet = self.raw.recv(65535)
            except BlockingIOError:
                return
            at = (packet[0] & 15) * 4
            port, = struct.unpack("!H", packet[at + 2:at + 4])
            if port == 53 and packet[at + 13] & 0x12 == 0x02:
                self.connects[socket.inet_ntoa(packet[16:20])] += 1

    def read_udp(self):
        for _ in range(256):
            try:
                bytes_in, control, _, peer = self.socket.recvmsg(4096, 64)
            except BlockingIOError:
                return
            address = next(socket.inet_ntoa(c[2][8:12]) for c in control
                           if c[1] == IP_PKTINFO)
            self.udp[address] += 1
            self.take(bytes_in, address, Via(self, address, peer))

    def take(self, bytes_in, address, via):
        try:
            q = wire.Question(bytes_in)
        except (ValueError, IndexError, struct.error):
            return
        if len(self.log) < 20000:
            self.log.append((time.monotonic(), address, q.name, q.type,
                             via.tcp is not None))
        server = self.servers.get(address)
        if server is not None:
            server(q, via)

    def send_udp(self, reply, peer, source):
        info = struct.pack("=I4s4s", 0, socket.inet_aton(source), b"\0" * 4)
        self.bytes_out += len(reply)
        try:
            self.socket.sendmsg(
                [reply], [(socket.IPPROTO_IP, IP_PKTINFO, info)], 0, peer)
        except OSError:
            pass  # the resolver has closed its port

    async def serve_stream(self, reader, writer):
        address = writer.get_extra_info("sockname")[0]
        kind = self.streams[address]
        sock = writer.get_extra_info("socket")
        if kind == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack("ii", 1, 0))
            writer.close()
            return
        try:
            while True:
                n, = struct.unpack("!H", await reader.readexactly(2))
                bytes_in = await reader.readexactly(n)
                self.tcp[address] += 1
                if kind == "serve":
                    self.take(bytes_in, address,
                              Via(self, address, None, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    # --- counting ---------------------------------------------------------

    def messages(self, addresses=None):
        return sum(n for c in (self.udp, self.tcp) for a, n in c.items()
                   if addresses is None or a in addresses)

    def connections(self):
        return sum(self.connects.values())


def silent(_q, _via):
    """A server that never says anything."""
