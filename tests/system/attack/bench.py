# SPDX-License-Identifier: BSD-3-Clause
"""What a row works with: the world, a resolver, clients, and counts."""

import asyncio
import pathlib
import socket
import struct
import time

import resolvers
import wire
import world

PATIENCE_S = 12
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN",
          4: "NOTIMP", 5: "REFUSED", None: "no answer"}


class Reply:
    def __init__(self, answer, seconds, size=0, why=""):
        self.answer, self.seconds, self.size = answer, seconds, size
        self.why = why  # there is no answer
        self.rcode = answer.rcode if answer is not None else None

    def text(self):
        return RCODES.get(self.rcode, str(self.rcode))


SO_RCVBUFFORCE = 33


class Datagrams:
    """The clients' socket. Everything that lies in it is read at once, and
    what the kernel drops for want of room is told apart from a silence."""

    def __init__(self):
        self.waiting = {}
        self.sent, self.strays = 0, 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 23)
        except PermissionError:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                   1 << 20)
        self.socket.setblocking(False)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.connect(("127.0.0.1", resolvers.PORT))
        asyncio.get_running_loop().add_reader(self.socket, self.drain)

    def send(self, data):
        try:
            self.socket.send(data)
            self.sent += 1
        except OSError:
            pass  # nobody listens yet

    def drain(self):
        while True:
            try:
                data = self.socket.recv(65535)
            except OSError:  # no more, or nobody listens yet
                return
            future = self.waiting.get(struct.unpack("!H", data[:2])[0])
            if future is not None and not future.done():
                future.set_result(data)
            else:
                self.strays += 1

    def dropped(self):
        """By the kernel: answers here, questions at the resolver's port."""
        here = kernel_drops(self.socket.getsockname()[1])
        return here, kernel_drops(resolvers.PORT)


def kernel_drops(port):
    lines = pathlib.Path("/proc/net/udp").read_text().splitlines()[1:]
    return sum(int(line.split()[-1]) for line in lines
               if int(line.split()[1].split(":")[1], 16) == port)


class Bench:
    def __init__(self, kind, folder):
        self.kind, self.folder = kind, folder
        self.world = world.World()
        self.resolver = None
        self.ids = 1

    async def start(self, more=None):
        """The world as it is now, a resolver, and one honest question."""
        await self.world.start()
        self.clients = Datagrams()
        self.resolver = resolvers.Resolver(
            self.kind, self.folder, world.ROOT, more)
        reply = None
        for _ in range(60):
            reply = await self.ask("warm.honest.lab.", patience=0.5)
            if reply.rcode == 0 or self.resolver.child.poll() is not None:
                break
            await asyncio.sleep(0.25)
        assert reply.rcode == 0, self.resolver.stderr()
        await asyncio.sleep(0.4)
        self.begin()

    def begin(self):
        """From here on counts are taken."""
        w = self.world
        self.base = (w.messages(), w.connections(), w.bytes_out,
                     self.resolver.cpu_ms(), self.resolver.rss_mb(),
                     len(w.log))
        self.base_at = {a: w.messages([a]) for a in w.servers}

    def messages(self):
        return self.world.messages() - self.base[0]

    def messages_at(self, addresses):
        return self.world.messages(addresses) - sum(
            self.base_at.get(a, 0) for a in addresses)

    def connects(self):
        return self.world.connections() - self.base[1]

    def octets(self):
        return self.world.bytes_out - self.base[2]

    def cpu_ms(self):
        return self.resolver.cpu_ms() - self.base[3]

    def rss_mb(self):
        return self.resolver.rss_mb() - self.base[4]

    def asked(self):
        return self.world.log[self.base[5]:]

    async def ask(self, qname, qtype=wire.A, patience=PATIENCE_S, **how):
        self.ids = self.ids % 65000 + 1
        began = time.monotonic()
        future = asyncio.get_running_loop().create_future()
        self.clients.waiting[self.ids] = future
        msgid = self.ids
        self.clients.send(wire.query(qname, qtype, msgid, **how))
        try:
            data = await asyncio.wait_for(future, patience)
        except asyncio.TimeoutError:
            return Reply(None, time.monotonic() - began, why="udp")
        finally:
            del self.clients.waiting[msgid]
        answer = wire.Answer(data)
        if answer.flags & wire.TC:
            return await self.ask_tcp(qname, qtype, patience, began)
        return Reply(answer, time.monotonic() - began, len(data))

    async def ask_tcp(self, qname, qtype=wire.A, patience=PATIENCE_S,
                      began=None):
        began = began or time.monotonic()
        try:
            data = await asyncio.wait_for(
                self.exchange_tcp(wire.query(qname, qtype)), patience)
        except (OSError, asyncio.TimeoutError,
                asyncio.IncompleteReadError) as e:
            return Reply(None, time.monotonic() - began,
                         why=f"tcp: {type(e).__name__}")
        return Reply(wire.Answer(data), time.monotonic() - began, len(data))

    @staticmethod
    async def exchange_tcp(question):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", resolvers.PORT)
        try:
            writer.write(struct.pack("!H", len(question)) + question)
            n, = struct.unpack("!H", await reader.readexactly(2))
            return await reader.readexactly(n)
        finally:
            writer.close()

    @staticmethod
    def idle_connection():
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        s.settimeout(2)
        s.connect(("127.0.0.1", resolvers.PORT))
        s.setblocking(False)
        return s
