# SPDX-License-Identifier: BSD-3-Clause
"""Each option does what it says. Those with tests of their own elsewhere
(listening, access, logging, control, near) are not here."""

import concurrent.futures
import ipaddress
import json
import os
import select
import socket
import threading
import time

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset
import lab
import pytest


# What our own servers say is not signed, and nothing proves that it need not.
UNPROVEN = {"validation": False}


class Server:
    """An authority of our own, for all names: it keeps who asked what."""

    def __init__(self, address="127.0.0.2", big=0, truncates=False):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.address = address
        self.port = lab.free_port(address)
        self.asked = []   # (name as it was written, source, by TCP)
        self.held = []    # how long each connection was kept, in seconds
        self.big, self.truncates = big, truncates
        self.udp = socket.socket(family, socket.SOCK_DGRAM)
        self.udp.bind((address, self.port))
        self.tcp = socket.socket(family, socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind((address, self.port))
        self.tcp.listen()
        self.stopping = False
        self.threads = [threading.Thread(target=self.serve_udp),
                        threading.Thread(target=self.serve_tcp)]
        for t in self.threads:
            t.start()

    def reply(self, wire, by_tcp):
        q = dns.message.from_wire(wire)
        r = dns.message.make_response(q)
        r.flags |= dns.flags.AA
        name = q.question[0].name
        if self.truncates and not by_tcp:
            r.flags |= dns.flags.TC
        elif q.question[0].rdtype == dns.rdatatype.TXT and self.big:
            r.answer.append(dns.rrset.from_text(
                name, 60, "IN", "TXT", *[
                    f'"{i:03}{"x" * 240}"' for i in range(self.big)]))
        else:
            r.answer.append(
                dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.9"))
        return r.to_wire(max_size=65535)

    def serve_udp(self):
        while not self.stopping:
            if not select.select([self.udp], [], [], 0.1)[0]:
                continue
            wire, source = self.udp.recvfrom(4096)
            q = dns.message.from_wire(wire)
            self.asked.append((q.question[0].name.to_text(), source[:2], False))
            self.udp.sendto(self.reply(wire, False), source)

    def serve_tcp(self):
        while not self.stopping:
            if not select.select([self.tcp], [], [], 0.1)[0]:
                continue
            s, source = self.tcp.accept()
            with s:
                s.settimeout(5)
                try:
                    self.serve_stream(s, source)
                except OSError:
                    pass  # It went away, or never spoke.

    def serve_stream(self, s, source):
        answered = time.monotonic()
        while True:
            head = s.recv(2)
            if len(head) < 2:
                self.held.append(time.monotonic() - answered)
                return
            wire = s.recv(int.from_bytes(head, "big"))
            q = dns.message.from_wire(wire)
            self.asked.append((q.question[0].name.to_text(), source[:2], True))
            r = self.reply(wire, True)
            s.sendall(len(r).to_bytes(2, "big") + r)
            answered = time.monotonic()

    def end(self):
        self.stopping = True
        for t in self.threads:
            t.join()
        self.udp.close()
        self.tcp.close()

    def zone(self, name="own.example"):
        return {"name": name, "type": "forward",
                "servers": [f"{self.address}@{self.port}"]}


@pytest.fixture
def serve():
    made = []

    def begin(*a, **k):
        made.append(Server(*a, **k))
        return made[-1]

    yield begin
    for s in made:
        s.end()


# --- server ------------------------------------------------------------------


def test_max_concurrent_queries_refuses_the_newest(start):
    d = start({"server": {"max-concurrent-queries": 10, "threads": 1}})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("127.0.0.1", d.port))
        s.settimeout(9)
        for i in range(30):
            s.send(d.query(f"n{i}.silent.example").to_wire())
        refused = dns.message.from_wire(s.recv(4096))
    assert lab.rcode(refused) == "SERVFAIL"
    assert lab.ede_codes(refused) != []
    assert lab.wait_until(
        lambda: d.control_json("stats")["limits"]["tasks"] >= 1, 3)


def faked(d_folder):
    return d_folder / "time"


@pytest.mark.parametrize("clock, is_kept", [("monotonic", True),
                                            ("realtime", False)])
def test_test_clock_makes_lives_follow_the_wall_clock(
        make_folder, sim, clock, is_kept):
    """A day passes on the wall; a sanitizer's build takes no second preload."""
    plain = os.environ.get("HITHER_PLAIN_DIR")
    if plain is None:
        pytest.skip("HITHER_PLAIN_DIR does not name an ordinary build")
    folder = make_folder()
    stamp = folder / "time"
    stamp.write_text("+0")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HITHER_BUILD_DIR", plain)
        d = lab.Daemon(folder, lab.config_for(folder, sim.port, {
            "server": {"test-clock": clock}}),
            env=lab.faked_wall_clock(stamp))
    try:
        d.ask("gaia.cs.umass.edu")
        stamp.write_text("+2h")
        counts = sim.settled_counts()
        assert lab.addresses(d.ask("gaia.cs.umass.edu")) == ["128.119.245.12"]
        assert (sim.asked_since(counts) == {}) == is_kept
    finally:
        assert d.end()[0] == 0


def check(folder, config):
    path = folder / "hither.yaml"
    path.write_text(json.dumps(config))
    return lab.run_daemon("--check", "-c", str(path))


def test_open_resolver_silences_the_warning(make_folder):
    folder = make_folder()
    everybody = {"access-control": [{"net": "0.0.0.0/0", "action": "allow"}]}
    done = check(folder, everybody)
    assert done.returncode == 0 and "open resolver" in done.stderr
    done = check(folder, {**everybody, "open-resolver": True})
    assert done.returncode == 0 and done.stderr == ""


# --- resolver ----------------------------------------------------------------


@pytest.mark.parametrize("on", [True, False])
def test_query_case_randomization_mixes_letters(start, serve, on):
    s = serve()
    d = start({"dnssec": UNPROVEN, "zones": [s.zone()],
               "resolver": {"query-case-randomization": on}})
    d.ask("a-name-of-very-many-letters.own.example")
    names = {n for n, _, _ in s.asked}
    assert {n.lower() for n in names} == {
        "a-name-of-very-many-letters.own.example."}
    assert any(n != n.lower() for n in names) == on


@pytest.mark.parametrize("option, value, name", [
    ("max-cname-chain", 1, "video.netcinema.com"),
    ("max-upstream-queries", 5, "www.enterprise.com")],
    ids=["aliases", "messages"])
def test_a_budget_that_is_spent_is_a_failure_with_a_reason(
        start, option, value, name):
    generous = start()
    assert lab.rcode(generous.ask(name, tcp=True)) == "NOERROR"
    strict = start({"resolver": {option: value}})
    r = strict.ask(name, tcp=True)
    assert lab.rcode(r) == "SERVFAIL"
    assert lab.ede_codes(r) != [] and "".join(lab.ede_texts(r)) != ""


def test_more_bytes_than_allowed_are_a_failure_with_a_reason(start, serve):
    s = serve(big=30, truncates=True)
    generous = start({"dnssec": UNPROVEN, "zones": [s.zone()]})
    assert lab.rcode(generous.ask("a.own.example", "TXT", tcp=True)) == (
        "NOERROR")
    strict = start({"dnssec": UNPROVEN, "zones": [s.zone()],
                    "resolver": {"max-upstream-bytes": "4K"}})
    r = strict.ask("a.own.example", "TXT", tcp=True)
    assert lab.rcode(r) == "SERVFAIL"
    assert lab.ede_codes(r) != [] and "".join(lab.ede_texts(r)) != ""


@pytest.mark.parametrize("on", [True, False])
def test_refuse_any_answers_any_with_little(start, on):
    d = start({"resolver": {"refuse-any": on}})
    r = d.ask("gaia.cs.umass.edu", "ANY", tcp=True)
    assert lab.rcode(r) == "NOERROR"
    if on:
        assert lab.types(r) == ["HINFO"]
    else:
        assert "A" in lab.types(r) and "HINFO" not in lab.types(r)


@pytest.mark.parametrize("off, asked_family", [("do-ip4", 6), ("do-ip6", 4)])
def test_a_family_that_is_off_is_never_asked(start, serve, off, asked_family):
    four, six = serve("127.0.0.2"), serve("::1")
    both = {"name": "own.example", "type": "forward", "servers": [
        f"127.0.0.2@{four.port}", f"::1@{six.port}"]}
    d = start({"dnssec": UNPROVEN, "zones": [both], "resolver": {off: False}})
    for i in range(12):
        assert lab.addresses(d.ask(f"n{i}.own.example")) == ["192.0.2.9"]
    asked = {4: len(four.asked), 6: len(six.asked)}
    assert asked[asked_family] >= 12 and asked[10 - asked_family] == 0


# --- server-selection --------------------------------------------------------


def test_budget_0_sends_nothing_but_what_is_needed(start):
    sent = {}
    for budget in (0, 1):
        d = start({"dnssec": UNPROVEN,
                   "server-selection": {"budget": budget}})
        sent[budget] = d.control_json("trace", "gaia.cs.umass.edu")["messages"]
    assert sent[0] == 4 < sent[1]


def test_v4_bias_turns_the_scale_between_the_families(start, serve):
    four, six = serve("127.0.0.2"), serve("::1")
    both = {"name": "own.example", "type": "forward", "servers": [
        f"127.0.0.2@{four.port}", f"::1@{six.port}"]}
    for bias, near, far in (("500ms", six, four), ("-500ms", four, six)):
        d = start({"dnssec": UNPROVEN, "zones": [both], "server-selection": {"v4-bias": bias}})
        for i in range(20):
            d.ask(f"a{i}.own.example")
        before = len(near.asked), len(far.asked)
        for i in range(30):
            d.ask(f"b{i}.own.example")
        assert len(near.asked) - before[0] >= 28
        assert len(far.asked) - before[1] <= 15  # in shadows


@pytest.mark.parametrize("on", [True, False])
def test_learn_site_asks_servers_who_they_are(start, on):
    d = start({"server-selection": {"learn-site": on}})
    d.control("trace", "gaia.cs.umass.edu")
    told = d.control_json("servers", "edu")["servers"]
    assert any("site" in s for s in told) == on


# --- outgoing ----------------------------------------------------------------


@pytest.mark.parametrize("option, server, interface", [
    ("interfaces-v4", "127.0.0.2", "127.0.0.77"),
    ("interfaces-v6", "::1", "::1")])
def test_interfaces_are_what_is_asked_from(
        start, serve, option, server, interface):
    s = serve(server, truncates=True)
    d = start({"dnssec": UNPROVEN, "zones": [s.zone()], "outgoing": {option: [interface]}})
    assert lab.addresses(d.ask("a.own.example")) == ["192.0.2.9"]
    assert {by_tcp for _, _, by_tcp in s.asked} == {False, True}
    assert {ipaddress.ip_address(source[0]) for _, source, _ in s.asked} == {
        ipaddress.ip_address(interface)}


def test_source_ports_stay_within_their_range(start, serve):
    s = serve()
    d = start({"dnssec": UNPROVEN, "zones": [s.zone()],
               "outgoing": {"source-ports": "40000-40999"}})
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda i: d.ask(f"n{i}.own.example"), range(60)))
    ports = {source[1] for _, source, _ in s.asked}
    assert all(40000 <= p <= 40999 for p in ports)
    assert len(ports) >= 30


def test_tcp_idle_timeout_ends_connections_to_servers(start, serve):
    s = serve(truncates=True)
    d = start({"dnssec": UNPROVEN, "zones": [s.zone()],
               "outgoing": {"tcp-idle-timeout": "700ms"}})
    d.ask("a.own.example")
    assert lab.wait_until(lambda: s.held, 8)
    assert 0.5 <= s.held[0] <= 3


# --- cache -------------------------------------------------------------------


def test_infra_entries_bounds_what_is_known_of_servers(start):
    port = lab.free_port()
    zones = [{"name": f"z{i}.example", "type": "forward",
              "servers": [f"127.1.{i // 200}.{i % 200 + 1}@{port}"]}
             for i in range(260)]
    known = {}
    for bound in (100, 1000):
        d = start({"dnssec": UNPROVEN, "zones": zones, "cache": {"infra-entries": bound}})
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            list(pool.map(lambda z, d=d: d.ask(f"a.{z['name']}"), zones))
        known[bound] = d.control_json("status")["servers_known"]
    assert known[100] <= 100 < 200 < known[1000]


def test_lives_are_cut_and_stretched_to_the_bounds(start):
    d = start({"cache": {"max-ttl": "100s", "max-negative-ttl": "50s"}})
    assert 90 <= d.ask("gaia.cs.umass.edu").answer[0].ttl <= 100
    assert 40 <= d.ask("nobody.umass.edu").authority[0].ttl <= 50
    d = start({"cache": {"min-ttl": "1800s"}})
    assert d.ask("video.netcinema.com").answer[0].ttl >= 1790


def test_failure_ttl_max_stops_the_doubling(start, sim):
    asked = {}
    for most in ("1s", "5m"):
        d = start({"cache": {"failure-ttl": {"first": "1s", "max": most}}})
        d.ask("www.refused.example")
        time.sleep(1.2)
        d.ask("www.refused.example")
        time.sleep(1.2)
        before = sim.settled_counts()
        d.ask("www.refused.example")
        asked[most] = sim.asked_since(before)
    assert asked["1s"] != {} and asked["5m"] == {}


# --- tcp ---------------------------------------------------------------------


def closes_on_a_reader_that_does_not_read(d, questions):
    wire = d.query("a.own.example", "TXT").to_wire()
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", d.port))
        s.settimeout(5)
        try:
            s.sendall((len(wire).to_bytes(2, "big") + wire) * questions)
            time.sleep(2)
            got = 0
            while got < questions * 30000:
                n = len(s.recv(1 << 20))
                if n == 0:
                    return True
                got += n
        except ConnectionError:
            return True
        except socket.timeout:
            pass
    return False


def test_max_buffer_ends_connections_that_do_not_read(start, serve):
    s = serve(big=130)
    big = start({"dnssec": UNPROVEN, "zones": [s.zone()], "tcp": {"max-buffer": "64M"}})
    assert not closes_on_a_reader_that_does_not_read(big, 400)
    small = start({"dnssec": UNPROVEN, "zones": [s.zone()], "tcp": {"max-buffer": "64K"}})
    assert closes_on_a_reader_that_does_not_read(small, 400)
