# SPDX-License-Identifier: BSD-3-Clause
"""The programs under test, started and ended for one test or for a session.

Every process is started in a folder of its own, is waited for until it is
ready, and is ended by its own process id. What it says on stderr is kept: a
failed test shows it, and a sanitizer's report in it fails the test.
"""

import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import time

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

TOP = pathlib.Path(__file__).resolve().parents[2]
ZONES = TOP / "zones"
PATIENCE_S = 15
READY_S = 60  # a busy machine starts slowly; who falls is noticed at once
COMPLAINTS = re.compile(
    r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|MemorySanitizer"
    r"|runtime error:|assertion|stack smashing|buffer overflow detected")


def environment():
    """Ours without what the programs would take for their own options."""
    return {k: v for k, v in os.environ.items()
            if not k.startswith("HITHER_")}


def program(name):
    build = pathlib.Path(os.environ.get("HITHER_BUILD_DIR", TOP / "build"))
    for place in (build, build / "src", build / "src" / name):
        if (place / name).is_file():
            return str((place / name).resolve())
    raise AssertionError(f"no {name} in {build}: build it first")


def tool(name):
    """A program of the system; one that is missing is a fault."""
    for place in (*os.get_exec_path(), "/usr/sbin", "/sbin"):
        path = pathlib.Path(place) / name
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    raise AssertionError(f"{name} is not installed")


def wait_until(condition, seconds=PATIENCE_S, pause=0.02):
    """The first true value of condition(), or the last false one."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(pause)


def is_free(address, port):
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, kind) as s:
            if kind == socket.SOCK_STREAM:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind((address, port))
            except OSError:
                return False
    return True


def free_port(address="127.0.0.1"):
    """Below the ports the system hands out by itself."""
    for _ in range(200):
        port = random.randrange(6000, 32000)
        if is_free(address, port):
            return port
    raise AssertionError(f"no free port on {address}")


class Process:
    """One child process. `inside` is a command line that leads to it."""

    all = []  # those of the present session, for the report of a failure

    def __init__(self, name, command, folder, inside=(), env=None):
        self.name = name
        self.folder = folder
        self.stderr_path = folder / f"{name}.stderr"
        self.seen = 0
        self.expected = 0
        self.judged = False
        with open(self.stderr_path, "ab") as err:
            self.child = subprocess.Popen(
                [*inside, *command], cwd=folder, stdin=subprocess.DEVNULL,
                stdout=err, stderr=err, env={**environment(), **(env or {})})
        Process.all.append(self)

    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    def wait_ready(self, condition):
        wait_until(lambda: self.child.poll() is not None or condition(),
                   READY_S)
        assert self.child.poll() is None, (
            f"{self.name} ended with {self.child.returncode}:\n"
            f"{self.stderr()}")
        assert condition(), f"{self.name} is not ready:\n{self.stderr()}"

    def end(self, number=signal.SIGTERM, seconds=PATIENCE_S):
        """Asks it to end; returns its status and how long that took."""
        began = time.monotonic()
        if self.child.poll() is None:
            self.child.send_signal(number)
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        return self.child.returncode, time.monotonic() - began

    def faults(self):
        """What is wrong with it, each told once."""
        found = []
        text = self.stderr()
        for line in text[self.seen:].splitlines():
            if COMPLAINTS.search(line):
                found.append(f"{self.name} said: {line}")
        self.seen = len(text)
        status = self.child.poll()
        if status is not None and status != self.expected and \
                not self.judged:
            found.append(f"{self.name} ended with {status}")
        self.judged = status is not None
        return found


class Sim(Process):
    """The miniature Internet, on a port that is free on its addresses."""

    def __init__(self, folder, port=None, inside=(), seed=7):
        self.port = port or free_port("127.53.0.1")
        self.socket = folder / "sim.sock"
        super().__init__(
            "hither-sim",
            [program("hither-sim"), "--zones", str(ZONES), "--port",
             str(self.port), "--control", str(self.socket), "--seed",
             str(seed)], folder, inside)
        self.wait_ready(lambda: "ready:" in self.stderr())

    def command(self, line):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(str(self.socket))
            s.sendall(line.encode() + b"\n")
            reply = s.makefile().readline().strip()
        assert not reply.startswith("error"), reply
        return reply

    def counts(self):
        """How often each address was asked."""
        every = json.loads(self.command("counts"))
        return {address: c["queries"] for address, c in every.items()}

    def settled_counts(self):
        """The same, once what was fetched in the background is there too."""
        counts = self.counts()
        for _ in range(20):
            time.sleep(0.15)
            before, counts = counts, self.counts()
            if before == counts:
                break
        return counts

    def tcp_counts(self):
        every = json.loads(self.command("counts"))
        return {address: c["tcp"] for address, c in every.items()}

    def asked_since(self, before):
        return {address: n - before[address]
                for address, n in self.counts().items()
                if n != before[address]}


class Daemon(Process):
    """hitherd with a configuration of its own."""

    def __init__(self, folder, config, inside=(), env=None, arguments=()):
        self.config_path = folder / "hither.yaml"
        self.config = config
        self.write_config()
        self.port = config["listen"][0]["port"]
        self.address = config["listen"][0]["address"]
        self.socket = config["control"]["socket"]
        super().__init__(
            "hitherd",
            [program("hitherd"), "-c", str(self.config_path), *arguments],
            folder, inside, env)
        self.wait_ready(lambda: "started" in self.stderr())

    def write_config(self):
        # JSON is YAML.
        self.config_path.write_text(json.dumps(self.config, indent=1) + "\n")

    def where(self):
        return "127.0.0.1" if self.address == "0.0.0.0" else self.address

    def query(self, name, rdtype="A", **options):
        options.setdefault("use_edns", 0)
        options.setdefault("payload", 1232)
        return dns.message.make_query(name, rdtype, **options)

    def ask(self, name, rdtype="A", tcp=False, timeout=9, where=None,
            source=None, port=None, **options):
        q = self.query(name, rdtype, **options)
        way = dns.query.tcp if tcp else dns.query.udp
        return way(q, where or self.where(), port=port or self.port,
                   timeout=timeout, source=source)

    def send_raw(self, wire, timeout=3.0):
        """The reply to a datagram, or None for silence."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(timeout)
            s.connect((self.where(), self.port))
            s.send(wire)
            try:
                return s.recv(65535)
            except socket.timeout:
                return None

    def connect(self, timeout=9):
        return socket.create_connection((self.where(), self.port), timeout)

    def control(self, *words, inside=()):
        return control(*words, socket_path=self.socket, inside=inside)

    def control_json(self, *words):
        done = self.control("--json", *words)
        assert done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout)


class LoggingDaemon(Daemon):
    """One that logs to a file, which is what it says then."""

    def __init__(self, folder, log, config):
        self.log = log
        super().__init__(folder, merge(config, {
            "logging": {"target": f"file:{log}"}}))

    def stderr(self):
        return self.log.read_text() if self.log.exists() else ""


def control(*words, socket_path=None, inside=()):
    where = ["--socket", str(socket_path)] if socket_path else []
    return subprocess.run(
        [*inside, program("hitherctl"), *where, *words],
        capture_output=True, text=True, timeout=30, check=False,
        env=environment())


def run_daemon(*arguments, timeout=20):
    """hitherd as a command that is expected to end by itself."""
    return subprocess.run(
        [program("hitherd"), *arguments], capture_output=True, text=True,
        timeout=timeout, check=False, env=environment())


def merge(base, more):
    """Dictionaries are merged, everything else is replaced."""
    out = dict(base)
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merge(out[key], value)
        else:
            out[key] = value
    return out


def config_for(folder, sim_port, more=None):
    base = {
        "server": {"root-hints": str(ZONES / "root.hints"),
                   "allow-root": True, "threads": 2},
        "listen": [{"address": "127.0.0.1", "port": free_port()}],
        "outgoing": {"port": sim_port, "do-not-query": []},
        "cache": {"records": "32M", "answers": "16M"},
        # Tests count questions: none that a daemon asks by itself.
        "dnssec": {"trust-anchor-file": str(ZONES / "root.key"),
                   "auto-trust-anchor": False,
                   "trust-anchor-signaling": False},
        "control": {"socket": str(folder / "control.sock")},
    }
    return merge(base, more or {})


# --- messages -----------------------------------------------------------


def faked_wall_clock(stamp):
    """Environment in which only the wall clock is what the file says."""
    library, = pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    return {"LD_PRELOAD": str(library), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_TIMESTAMP_FILE": str(stamp),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def rcode(message):
    return dns.rcode.to_text(message.rcode())


def addresses(message):
    """The addresses of the answer, in their order."""
    return [r.address for s in message.answer for r in s
            if s.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)]


def types(message, section="answer"):
    return [dns.rdatatype.to_text(s.rdtype)
            for s in getattr(message, section)]


def ede_codes(message):
    return [int(o.code) for o in message.options
            if o.otype == dns.edns.OptionType.EDE]


def ede_texts(message):
    return [o.text or "" for o in message.options
            if o.otype == dns.edns.OptionType.EDE]


def is_truncated(message):
    return bool(message.flags & dns.flags.TC)
