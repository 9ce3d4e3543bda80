# SPDX-License-Identifier: BSD-3-Clause
"""What happens to questions while the daemon is reloaded, stopped, stalled,
or out of descriptors."""

import os
import pathlib
import resource
import select
import signal
import socket
import threading
import time

import dns.message
import lab
import pytest

KNOWN = ["gaia.cs.umass.edu", "www.nyu.edu", "www.enterprise.com",
         "www.coffee.example"]


class Asker:
    """Asks known names, so many a second, and counts what is answered."""

    def __init__(self, d, per_second=400):
        self.wires = [d.query(n).to_wire() for n in KNOWN]
        self.where = ("127.0.0.1", d.port)
        self.pause = 1 / per_second
        self.sent = self.answered = self.failed = 0
        self.stopping = False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def take(self, s):
        while select.select([s], [], [], 0)[0]:
            reply = s.recv(4096)
            self.answered += 1
            self.failed += reply[3] & 15 != 0

    def run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            s.connect(self.where)
            while not self.stopping:
                wire = self.wires[self.sent % len(self.wires)]
                s.send(self.sent.to_bytes(2, "big", signed=False)[-2:] +
                       wire[2:] if self.sent < 65536 else wire)
                self.sent += 1
                self.take(s)
                time.sleep(self.pause)
            end = time.monotonic() + 5
            while self.answered < self.sent and time.monotonic() < end:
                self.take(s)
                time.sleep(0.01)

    def end(self):
        self.stopping = True
        self.thread.join()


def warm(d):
    for _ in range(3):
        for name in KNOWN:
            assert lab.rcode(d.ask(name)) == "NOERROR"


def resident_kib(d):
    status = pathlib.Path(f"/proc/{d.child.pid}/status").read_text()
    line = next(x for x in status.splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1])


def thread_states(d):
    """Of /proc: T is stopped."""
    return {(t / "stat").read_text().rsplit(")", 1)[1].split()[0]
            for t in pathlib.Path(f"/proc/{d.child.pid}/task").iterdir()}


def open_files(d):
    return len(os.listdir(f"/proc/{d.child.pid}/fd"))


def test_twenty_reloads_under_load_lose_no_question(start, sim):
    d = start()
    warm(d)
    asker = Asker(d)
    try:
        files = open_files(d)
        for i in range(20):
            d.config["server"]["identity"] = f"number-{i}"
            d.write_config()
            assert d.control("reload").returncode == 0
    finally:
        asker.end()
    assert asker.sent >= 20
    assert asker.answered == asker.sent and asker.failed == 0
    assert open_files(d) <= files + 4
    before = sim.counts()
    warm(d)
    assert sim.asked_since(before) == {}
    assert d.control_json("status")["generation"] == 21
    good = d.config_path.read_text()
    d.config_path.write_text(good.replace('"cache"', '"cash"'))
    assert d.control("reload").returncode == 1
    warm(d)


def test_stopping_with_two_hundred_open_questions_takes_a_second(start):
    d = start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("127.0.0.1", d.port))
        for i in range(200):
            s.send(d.query(f"n{i}.silent.example").to_wire())
        assert lab.wait_until(
            lambda: d.control_json("status")["in_flight"] >= 100)
        status, took = d.end()
    assert status == 0
    # A second by design; the questions would have taken six.
    assert took <= 4


def test_takeover_leaves_no_gap(start):
    """The new process has the port before the old one leaves it."""
    old = start()
    warm(old)
    asker = Asker(old, 200)
    try:
        new = start({"listen": old.config["listen"]},
                    arguments=["--takeover"])
        warm(new)
        assert old.end()[0] == 0
        time.sleep(0.5)
    finally:
        asker.end()
    assert asker.sent >= 20
    lost = asker.sent - asker.answered
    # What lay in the old sockets' queues when they were closed.
    assert lost <= 3 + asker.sent // 20


def test_a_process_that_was_stopped_goes_on_where_it_was(start, sim):
    """Ten seconds of sleep are not ten seconds of silence of all servers."""
    d = start()
    warm(d)
    d.child.send_signal(signal.SIGSTOP)
    assert lab.wait_until(lambda: thread_states(d) == {"T"})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("127.0.0.1", d.port))
        for i in range(20):
            s.send(d.query(f"s{i}.t.near.example").to_wire())
        time.sleep(10)
        d.child.send_signal(signal.SIGCONT)
        began = time.monotonic()
        s.settimeout(5)
        replies = [dns.message.from_wire(s.recv(4096)) for _ in range(20)]
    assert {lab.rcode(r) for r in replies} == {"NOERROR"}, [
        lab.ede_texts(r) for r in replies]
    assert time.monotonic() - began < 5
    for zone in (".", "edu", "near.example"):
        for server in d.control_json("servers", zone)["servers"]:
            assert server["state"] != "dead", server


def limit_files(d, n, hard):
    resource.prlimit(d.child.pid, resource.RLIMIT_NOFILE, (n, hard))


def processor_s(d):
    fields = pathlib.Path(f"/proc/{d.child.pid}/stat").read_text()
    user, system = fields.rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def test_without_descriptors_it_waits_and_recovers(start):
    d = start()
    warm(d)
    before = resource.prlimit(d.child.pid, resource.RLIMIT_NOFILE)
    limit_files(d, open_files(d), before[1])
    waiting = []
    try:
        for _ in range(30):
            s = socket.socket()
            s.settimeout(5)
            s.connect(("127.0.0.1", d.port))
            waiting.append(s)
        began, used = time.monotonic(), processor_s(d)
        for _ in range(10):
            for name in KNOWN:
                assert lab.rcode(d.ask(name, timeout=2)) == "NOERROR"
            time.sleep(0.2)
        share = (processor_s(d) - used) / (time.monotonic() - began)
        assert share < 0.5, f"it spins: {share:.0%}"
    finally:
        resource.prlimit(d.child.pid, resource.RLIMIT_NOFILE, before)
    wire = d.query("gaia.cs.umass.edu").to_wire()
    end = time.monotonic() + 5
    waiting[-1].sendall(len(wire).to_bytes(2, "big") + wire)
    reply = waiting[-1].recv(4096)
    assert time.monotonic() < end and reply[5] & 15 == 0
    for s in waiting:
        s.close()
    assert lab.rcode(d.ask("video.netcinema.com")) == "NOERROR"


# --- the control socket ------------------------------------------------------


def connect(d):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(12)
    s.connect(d.socket)
    return s


def test_idle_control_clients_are_few_and_leave_soon(start):
    d = start()
    files = open_files(d)
    idle = [connect(d) for _ in range(12)]
    began = time.monotonic()
    time.sleep(1)
    # Eight are served, the rest wait; all of them go after five seconds.
    assert open_files(d) <= files + 8
    assert d.control("status").returncode == 0
    assert time.monotonic() - began >= 2
    for s in idle[:8]:
        assert s.recv(1) == b""
        s.close()
    for s in idle[8:]:
        s.close()
    assert d.control("status").returncode == 0


@pytest.mark.parametrize("request_bytes, code", [
    (b"GET /v1/status HTTP/1.1\r\nX: " + b"x" * 70000 + b"\r\n\r\n", b"413"),
    (b"POST /v1/flush HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n", b"413"),
    (b"GET /v1/" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", b"400"),
    (b"\0\1\2\3\r\n\r\n", b"400"),
    (b"GET /v1/trace?name=%00 HTTP/1.1\r\n\r\n", b"400"),
    (b"GET /v1/trace?name=" + b"a." * 200 + b" HTTP/1.1\r\n\r\n", b"400"),
    (b"GET /v1/servers?zone=%zz HTTP/1.1\r\n\r\n", b"400")],
    ids=["head", "body", "target", "nonsense", "nul", "name", "percent"])
def test_a_request_that_is_none_is_refused(daemon, request_bytes, code):
    with connect(daemon) as s:
        try:
            s.sendall(request_bytes)
        except BrokenPipeError:
            pass
        reply = s.recv(4096)
    assert reply.split()[1] == code, reply[:200]
    assert daemon.control("status").returncode == 0
