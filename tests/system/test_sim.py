# SPDX-License-Identifier: BSD-3-Clause
"""hither-sim: the miniature Internet answers as its zones and quirks say."""

import json
import os
import pathlib
import re
import signal
import socket
import statistics
import struct
import subprocess
import time

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
ZONES = TOP / "zones"
PORT = 5377


def binary():
    build = pathlib.Path(os.environ.get("HITHER_BUILD_DIR", TOP / "build"))
    for place in (build, build / "src", build / "src" / "sim"):
        if (place / "hither-sim").exists():
            return str(place / "hither-sim")
    raise AssertionError(f"no hither-sim in {build}: build it first")


class Sim:
    def __init__(self, folder, zones=ZONES, port=PORT, args=()):
        self.port = port
        self.log = folder / "questions.log"
        self.socket = folder / "control"
        self.process = subprocess.Popen(
            [binary(), "--zones", str(zones), "--port", str(port),
             "--control", str(self.socket), "--log", str(self.log),
             "--seed", "7", *args],
            stdout=subprocess.PIPE, text=True)
        self.ready = self.process.stdout.readline()

    def command(self, line):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(str(self.socket))
            s.sendall(line.encode() + b"\n")
            return s.makefile().readline().strip()

    def ask(self, server, name, rdtype="A", tcp=False, timeout=2, **kw):
        q = dns.message.make_query(name, rdtype, **kw)
        q.flags &= ~dns.flags.RD
        way = dns.query.tcp if tcp else dns.query.udp
        return way(q, server, port=self.port, timeout=timeout)

    def raw(self, server, wire, timeout=0.5):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(timeout)
            s.sendto(wire, (server, self.port))
            return s.recv(65535)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=5)


@pytest.fixture(scope="module")
def sim(tmp_path_factory):
    s = Sim(tmp_path_factory.mktemp("sim"))
    yield s
    assert s.end() == 0


def addresses(section):
    return {r.address for s in section for r in s
            if s.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)}


def walk(sim, name, server="127.53.0.1"):
    """Asks from the root down; gives the zones passed and the answer."""
    zones = ["."]
    while True:
        reply = sim.ask(server, name, use_edns=0)
        if reply.answer or not reply.authority:
            return zones, reply
        cut = reply.authority[0]
        assert cut.rdtype == dns.rdatatype.NS, reply
        assert not reply.flags & dns.flags.AA
        zones.append(cut.name.to_text())
        server = sorted(a for a in addresses(reply.additional)
                        if ":" not in a)[0]


# --- the textbook ---------------------------------------------------------


def test_it_says_how_much_it_serves(sim):
    n, m = map(int, re.fullmatch(
        r"ready: (\d+) addresses, (\d+) zones\n", sim.ready).groups())
    assert n >= 50 and m >= 30


def test_gaia_is_three_steps_from_the_root(sim):
    began = time.monotonic()
    zones, reply = walk(sim, "gaia.cs.umass.edu")
    assert time.monotonic() - began < 0.4
    assert zones == [".", "edu.", "umass.edu."]
    assert reply.flags & dns.flags.AA
    assert addresses(reply.answer) == {"128.119.245.12"}


def test_networkutopia_has_two_name_servers(sim):
    reply = sim.ask("127.53.2.1", "networkutopia.com")
    assert {r.target.to_text() for r in reply.authority[0]} == {
        "dns1.networkutopia.com.", "dns2.networkutopia.com."}
    assert addresses(reply.additional) == {
        "127.53.212.1", "127.53.212.2"}
    zones, reply = walk(sim, "www.networkutopia.com")
    assert addresses(reply.answer) == {"212.212.71.4"}


def test_enterprise_is_an_alias_with_a_mail_host(sim):
    _, reply = walk(sim, "www.enterprise.com")
    assert reply.answer[0][0].target.to_text() == \
        "relay1.west-coast.enterprise.com."
    relay = addresses(reply.answer)
    apex = sim.ask("127.53.9.1", "enterprise.com")
    assert addresses(apex.answer) == relay
    mx = sim.ask("127.53.9.1", "enterprise.com", "MX")
    assert mx.answer[0][0].exchange.to_text() == "mail.enterprise.com."
    assert "198.51.100.25" in addresses(mx.additional)
    _, reply = walk(sim, "enterprise.example")
    assert reply.answer[0].rdtype == dns.rdatatype.CNAME


def test_six_addresses_change_their_order(sim):
    reply = sim.ask("127.53.24.1", "www.many.example")
    assert len(reply.answer[0]) == 6
    wire = [sim.raw("127.53.24.1", dns.message.make_query(
        "www.many.example", "A").to_wire())[-80:] for _ in range(6)]
    assert len(set(wire)) == 6


def test_the_cdn_sends_to_the_cluster_of_the_site_asked(sim):
    _, reply = walk(sim, "video.netcinema.com")
    name = reply.answer[0][0].target
    west = sim.ask("127.53.11.1", name)
    east = sim.ask("127.53.11.2", name)
    assert addresses(west.answer) == {"203.0.113.11", "203.0.113.12"}
    assert addresses(east.answer) == {"203.0.113.21", "203.0.113.22"}
    sim.command("set 127.53.11.3 site king-any-east")
    moved = sim.ask("127.53.11.3", name)
    sim.command("set 127.53.11.3 site auto")
    assert addresses(moved.answer) == addresses(east.answer)


# --- answering ------------------------------------------------------------


def test_referrals_carry_glue_of_both_families(sim):
    reply = sim.ask("127.53.0.2", "x.edu")
    assert {"127.53.1.1", "127.53.1.2", "::1"} == \
        addresses(reply.additional)


def test_glue_of_other_zones_is_left_out(sim):
    reply = sim.ask("127.53.5.1", "www.outside.example")
    assert len(reply.authority[0]) == 2
    assert not reply.additional


def test_names_that_do_not_exist_come_with_the_soa(sim):
    reply = sim.ask("127.53.7.1", "nope.umass.edu")
    assert reply.rcode() == dns.rcode.NXDOMAIN
    assert reply.authority[0].rdtype == dns.rdatatype.SOA
    assert reply.authority[0].ttl == 300


def test_an_empty_non_terminal_exists(sim):
    reply = sim.ask("127.53.24.4", "a.b.wildcard.example")
    assert reply.rcode() == dns.rcode.NOERROR and not reply.answer
    reply = sim.ask("127.53.24.4", "x.b.wildcard.example")
    assert reply.rcode() == dns.rcode.NXDOMAIN
    reply = sim.ask("127.53.24.4", "b.wildcard.example")
    assert reply.rcode() == dns.rcode.NOERROR and not reply.answer


def test_wildcards_answer_for_names_that_do_not_exist(sim):
    reply = sim.ask("127.53.24.4", "some.thing.wildcard.example")
    assert reply.answer[0].name.to_text() == "some.thing.wildcard.example."
    reply = sim.ask("127.53.24.4", "x.alias.wildcard.example")
    assert [s.rdtype for s in reply.answer] == [
        dns.rdatatype.CNAME, dns.rdatatype.A]


def test_a_dname_makes_an_alias(sim):
    reply = sim.ask("127.53.24.3", "www.old.dname.example")
    assert [s.rdtype for s in reply.answer] == [
        dns.rdatatype.DNAME, dns.rdatatype.CNAME, dns.rdatatype.A]
    assert reply.answer[1][0].target.to_text() == "www.new.dname.example."


def test_a_dname_past_255_octets_is_yxdomain(sim):
    sim.command("add-record dname.example grow DNAME "
                + ".".join(["x" * 60] * 3) + ".dname.example.")
    reply = sim.ask("127.53.24.3", "y" * 60 + ".grow.dname.example")
    assert reply.rcode() == dns.rcode.YXDOMAIN


def test_chains_are_followed_and_circles_end(sim):
    reply = sim.ask("127.53.24.5", "c1.aliases.example", use_edns=0)
    assert len(reply.answer) == 21
    reply = sim.ask("127.53.24.5", "round-a.aliases.example")
    assert len(reply.answer) == 3
    reply = sim.ask("127.53.24.5", "dangling.aliases.example")
    assert reply.rcode() == dns.rcode.NXDOMAIN and len(reply.answer) == 1


def test_other_zones_are_refused(sim):
    assert sim.ask("127.53.7.1", "example.com").rcode() == dns.rcode.REFUSED


def test_letter_case_comes_back(sim):
    q = dns.message.make_query("GaIa.cS.uMaSs.EdU", "A")
    reply = sim.raw("127.53.7.1", q.to_wire())
    assert b"\x04GaIa\x02cS\x05uMaSs\x03EdU\x00" in reply


def test_any_is_answered_with_one_set(sim):
    assert len(sim.ask("127.53.9.1", "enterprise.com", "ANY").answer) == 1


def test_sites_say_who_they_are(sim):
    def nsid(server):
        reply = sim.ask(server, "edu", "NS", use_edns=0, options=[
            dns.edns.GenericOption(dns.edns.NSID, b"")])
        return [o.data for o in reply.options if o.otype == dns.edns.NSID]
    assert nsid("127.53.0.2") == [b"root-b"]
    sim.command("set a.root-servers.net site root-a-east")
    assert nsid("127.53.0.1") == [b"root-a-east"]
    sim.command("set a.root-servers.net site auto")
    assert not sim.ask("127.53.0.2", ".", "NS", use_edns=0).options


def test_what_is_too_large_goes_by_tcp(sim):
    small = sim.ask("127.53.24.2", "forty.big.example")
    assert small.flags & dns.flags.TC and not small.answer
    fits = sim.ask("127.53.24.2", "forty.big.example", use_edns=0,
                   payload=4096)
    assert len(fits.answer[0]) == 40
    cut = sim.ask("127.53.24.2", "big.example", "TXT", use_edns=0,
                  payload=4096)
    assert cut.flags & dns.flags.TC
    whole = sim.ask("127.53.24.2", "big.example", "TXT", tcp=True)
    assert len(whole.answer[0]) == 16
    assert not whole.flags & dns.flags.TC


def test_a_version_of_edns_that_is_not_known_is_badvers(sim):
    q = dns.message.make_query("umass.edu", "A", use_edns=0)
    wire = bytearray(q.to_wire())
    wire[-5] = 1  # the last record is the OPT
    reply = dns.message.from_wire(sim.raw("127.53.7.1", bytes(wire)))
    assert reply.rcode() == dns.rcode.BADVERS


@pytest.mark.parametrize("junk", [
    b"", b"\x00", b"\x12\x34" * 5, b"\xff" * 40,
    struct.pack("!6H", 1, 0x8000, 1, 0, 0, 0) + b"\x00\x00\x01\x00\x01"])
def test_junk_gets_no_answer(sim, junk):
    with pytest.raises(socket.timeout):
        sim.raw("127.53.7.1", junk, timeout=0.2)
    assert sim.ask("127.53.7.1", "umass.edu").answer


def test_malformed_questions_get_formerr(sim):
    head = struct.pack("!6H", 0x4242, 0, 1, 0, 0, 0)
    for tail in (b"", b"\x3fabc", b"\xc0\x0c\x00\x01\x00\x01",
                 b"\x00\x00\x01\x00\x01trailing"):
        reply = sim.raw("127.53.7.1", head + tail)
        assert reply[:2] == b"BB" and reply[3] & 15 == dns.rcode.FORMERR


# --- TCP ------------------------------------------------------------------


def frame(name, ident):
    q = dns.message.make_query(name, "A")
    q.id = ident
    wire = q.to_wire()
    return struct.pack("!H", len(wire)) + wire


def read_frame(f):
    (length,) = struct.unpack("!H", f.read(2))
    return dns.message.from_wire(f.read(length))


def test_questions_in_a_row_share_a_connection(sim):
    with socket.create_connection(("127.53.7.1", sim.port), 2) as s:
        both = b"".join(frame("umass.edu", i) for i in range(300))
        s.sendall(both[:101])
        time.sleep(0.01)
        s.sendall(both[101:])
        s.shutdown(socket.SHUT_WR)
        f = s.makefile("rb")
        assert {read_frame(f).id for _ in range(300)} == set(range(300))
        assert f.read() == b""


def test_a_client_that_leaves_does_no_harm(sim):
    for _ in range(20):
        with socket.create_connection(("127.53.7.1", sim.port), 2) as s:
            s.sendall(frame("umass.edu", 1) * 50 + b"\xff\xff")
    time.sleep(0.1)
    assert sim.ask("127.53.7.1", "umass.edu", tcp=True).answer


# --- distance -------------------------------------------------------------


@pytest.mark.parametrize("server, ms", [
    ("127.53.20.1", 10), ("127.53.20.2", 40), ("127.53.20.4", 160)])
def test_answers_take_their_time(sim, server, ms):
    took = []
    for _ in range(15):
        began = time.perf_counter()
        sim.ask(server, "www.near.example")
        took.append((time.perf_counter() - began) * 1000)
    assert min(took) >= ms
    assert statistics.median(took) < ms + 10


def test_delay_and_loss_can_be_set(sim):
    assert sim.command("set 127.53.20.2 delay 0.5") == "ok"
    began = time.perf_counter()
    sim.ask("127.53.20.2", "www.near.example")
    assert time.perf_counter() - began < 0.03
    assert sim.command("set ns2.near.example delay 40") == "ok"
    assert sim.command("set 127.53.20.3 loss 100") == "ok"
    with pytest.raises(dns.exception.Timeout):
        sim.ask("127.53.20.3", "www.near.example", timeout=0.3)
    assert sim.command("set 127.53.20.3 loss 0") == "ok"
    assert sim.ask("127.53.20.3", "www.near.example").answer


def test_loss_is_as_often_as_it_says(sim):
    sim.command("reset-counts")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        wire = dns.message.make_query("www.lossy.example", "A").to_wire()
        for _ in range(1000):
            s.sendto(wire, ("127.53.22.1", sim.port))
        time.sleep(0.3)
    c = json.loads(sim.command("counts"))["127.53.22.1"]
    assert c["queries"] == 1000 and c["lost"] + c["answered"] == 1000
    assert 130 < c["lost"] < 270


def test_sites_alternate(sim):
    def nsid():
        reply = sim.ask("127.53.21.3", "www.alternate.example", use_edns=0,
                        options=[dns.edns.GenericOption(dns.edns.NSID, b"")])
        return reply.options[0].data
    assert [nsid() for _ in range(4)].count(b"alt-near") == 2


def test_the_schedule_moves_the_site(tmp_path):
    (tmp_path / "a.test.zone").write_text(
        "$ORIGIN a.test.\n@ SOA ns h 1 1 1 1 1\n NS ns\nns A 127.53.99.1\n")
    (tmp_path / "net.yaml").write_text(
        "addresses:\n  127.53.99.1:\n    zones: [a.test]\n"
        "    sites: [{nsid: one}, {nsid: two}]\n"
        "    schedule: [{at: 0, site: one}, {at: 0.8, site: two}]\n")
    s = Sim(tmp_path, tmp_path, PORT + 1)
    began = time.monotonic()
    seen = []
    while time.monotonic() - began < 1.2:
        reply = s.ask("127.53.99.1", "ns.a.test", use_edns=0, options=[
            dns.edns.GenericOption(dns.edns.NSID, b"")])
        seen.append(reply.options[0].data)
        time.sleep(0.1)
    assert seen[0] == b"one" and seen[-1] == b"two"
    assert s.end() == 0


TWO_SITES = (
    "addresses:\n  127.53.99.1:\n    zones: [a.test]\n"
    "    sites:\n"
    "      - {nsid: here, delay: {median: 20, late: 40, late-by: 30}}\n"
    "      - {nsid: gone, silent: true}\n"
    "    schedule: [{at: 0, site: here}, {at: 10, site: gone}]\n")


@pytest.fixture
def two_sites(tmp_path):
    (tmp_path / "a.test.zone").write_text(
        "$ORIGIN a.test.\n@ SOA ns h 1 1 1 1 1\n NS ns\nns A 127.53.99.1\n")
    (tmp_path / "net.yaml").write_text(TWO_SITES)
    s = Sim(tmp_path, tmp_path, PORT + 2)
    yield s
    assert s.end() == 0


def test_the_schedule_begins_when_it_is_told(two_sites):
    s = two_sites
    assert s.command(f"begin {time.time() - 9.0:.3f}") == "ok"
    assert s.ask("127.53.99.1", "ns.a.test").answer
    time.sleep(1.1)
    for tcp in (False, True):
        with pytest.raises(dns.exception.Timeout):
            s.ask("127.53.99.1", "ns.a.test", tcp=tcp, timeout=0.3)
    assert json.loads(s.command("counts"))["127.53.99.1"]["silent"] == 2
    assert s.command(f"begin {time.time() + 5:.3f}") == "ok"
    assert s.ask("127.53.99.1", "ns.a.test").answer


@pytest.mark.parametrize("when", ["soon", "-1", "1e3", "99999999999", "0"])
def test_no_schedule_begins_far_from_now(two_sites, when):
    assert two_sites.command(f"begin {when}").startswith("error")


def test_some_answers_are_late(two_sites):
    waits = []
    for _ in range(60):
        began = time.monotonic()
        two_sites.ask("127.53.99.1", "ns.a.test")
        waits.append((time.monotonic() - began) * 1000)
    assert min(waits) >= 20
    late = [w for w in waits if w > 25]
    assert 6 <= len(late) <= 45
    assert max(waits) > 35


# --- quirks ---------------------------------------------------------------


@pytest.mark.parametrize("zone, rcode", [
    ("refused", dns.rcode.REFUSED), ("servfail", dns.rcode.SERVFAIL),
    ("notimp", dns.rcode.NOTIMP), ("unserved", dns.rcode.REFUSED),
    ("badvers", dns.rcode.BADVERS), ("noedns", dns.rcode.FORMERR)])
def test_some_servers_only_know_errors(sim, zone, rcode):
    at = server_of(sim, zone)
    reply = sim.ask(at, f"www.{zone}.example", use_edns=0)
    assert reply.rcode() == rcode and not reply.answer
    if zone in ("noedns", "badvers"):
        assert (reply.edns < 0) == (zone == "noedns")
        assert sim.ask(at, f"www.{zone}.example", use_edns=False).answer


def server_of(sim, zone):
    reply = sim.ask("127.53.5.1", f"{zone}.example", "NS")
    return reply.additional[0][0].address


@pytest.mark.parametrize("zone, name, rdtype, edns", [
    ("silent", "www", "A", False), ("dropedns", "www", "A", 0),
    ("noaaaa", "www", "AAAA", False), ("noname", "x.lost", "A", False)])
def test_some_servers_keep_silent(sim, zone, name, rdtype, edns):
    at = server_of(sim, zone)
    with pytest.raises(dns.exception.Timeout):
        sim.ask(at, f"{name}.{zone}.example", rdtype, timeout=0.2,
                use_edns=edns)
    if zone != "silent":
        assert sim.ask(at, f"www.{zone}.example", use_edns=False).answer


def test_referrals_go_up_or_nowhere(sim):
    up = sim.ask(server_of(sim, "lame"), "www.lame.example")
    assert up.authority[0].name == dns.name.root and not up.answer
    here = sim.ask(server_of(sim, "selfloop"), "www.selfloop.example")
    assert here.authority[0].name.to_text() == "selfloop.example."
    assert not here.flags & dns.flags.AA


def test_answers_can_belong_to_no_question(sim):
    q = dns.message.make_query("WWW.wrongid.example", "A")
    wire = q.to_wire()
    assert sim.raw(server_of(sim, "wrongid"), wire)[:2] != wire[:2]
    wire = dns.message.make_query("www.wrongquestion.example", "A").to_wire()
    reply = sim.raw(server_of(sim, "wrongquestion"), wire)
    assert reply[:2] == wire[:2] and wire[12:30] not in reply[:31]
    wire = dns.message.make_query("www.qr0.example", "A").to_wire()
    assert sim.raw(server_of(sim, "qr0"), wire)[2] & 0x80 == 0


def test_letter_case_can_be_lost_or_flipped(sim):
    wire = dns.message.make_query("WwW.lowercase.example", "A").to_wire()
    assert b"\x03www\x09lowercase" in sim.raw(
        server_of(sim, "lowercase"), wire)
    wire = dns.message.make_query("WwW.wrongcase.example", "A").to_wire()
    assert b"\x03wWw\x09WRONGCASE" in sim.raw(
        server_of(sim, "wrongcase"), wire)


def test_answers_can_come_twice(sim):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(1)
        s.sendto(dns.message.make_query("www.twice.example", "A").to_wire(),
                 (server_of(sim, "twice"), sim.port))
        assert s.recv(2000) == s.recv(2000)


def test_tcp_can_be_broken(sim):
    cut = sim.ask(server_of(sim, "trunc"), "www.trunc.example")
    assert cut.flags & dns.flags.TC and not cut.answer
    assert sim.ask(server_of(sim, "trunc"), "www.trunc.example",
                   tcp=True).answer
    with pytest.raises(ConnectionRefusedError):
        sim.ask(server_of(sim, "tcpless"), "www.tcpless.example", tcp=True)
    with pytest.raises((ConnectionResetError, BrokenPipeError, EOFError)):
        sim.ask(server_of(sim, "tcpreset"), "www.tcpreset.example", tcp=True)
    with pytest.raises(dns.exception.Timeout):
        sim.ask(server_of(sim, "tcphang"), "www.tcphang.example", tcp=True,
                timeout=0.3)


def test_quirks_come_and_go(sim):
    at = "127.53.12.2"
    assert sim.command(f"quirk {at} +refused") == "ok"
    assert sim.ask(at, "shop.example").rcode() == dns.rcode.REFUSED
    assert sim.command(f"quirk {at} -refused") == "ok"
    assert sim.ask(at, "shop.example").answer
    assert sim.command(f"quirk {at} +no-tcp") == "ok"
    with pytest.raises(ConnectionRefusedError):
        sim.ask(at, "shop.example", tcp=True)
    assert sim.command(f"quirk {at} -no-tcp") == "ok"
    assert sim.ask(at, "shop.example", tcp=True).answer
    assert sim.command(f"quirk {at} +silent-on-type MX") == "ok"
    with pytest.raises(dns.exception.Timeout):
        sim.ask(at, "shop.example", "MX", timeout=0.2)
    assert sim.command(f"quirk {at} -silent-on-type") == "ok"


# --- control and log ------------------------------------------------------


def test_records_can_be_added_and_removed(sim):
    at, zone = "127.53.7.2", "nyu.edu"
    assert sim.command(f"add-record {zone} new.sub 60 A 192.0.2.99") == "ok"
    assert sim.ask(at, "new.sub.nyu.edu").answer[0].ttl == 60
    assert sim.command(f"remove {zone} new.sub A") == "ok"
    reply = sim.ask(at, "sub.nyu.edu")
    assert reply.rcode() == dns.rcode.NXDOMAIN
    for bad in ("www A 192.0.2.1", "x.com. A 192.0.2.1", "x A nonsense"):
        assert sim.command(f"add-record {zone} {bad}").startswith("error ")
    assert sim.command(f"remove {zone} @ SOA").startswith("error ")
    assert sim.ask(at, "www.nyu.edu").answer
    assert sim.command("reload zones") == "ok"


@pytest.mark.parametrize("line", [
    "", "nonsense", "set", "set 127.53.7.2", "set 127.53.7.2 delay",
    "set 127.53.7.2 delay -1", "set 127.53.7.2 delay 1e9",
    "set 127.53.7.2 delay nan", "set 127.53.7.2 loss 101",
    "set 127.53.7.2 site nowhere", "set 9.9.9.9 delay 1",
    "quirk 127.53.7.2 refused", "quirk 127.53.7.2 +", "quirk 127.53.7.2 ++",
    "quirk 127.53.7.2 +refused now", "quirk 127.53.7.2 +silent-on-type",
    "quirk 127.53.7.2 +silent-on-type NOTYPE", "reload", "reload world",
    "add-record nozone. x A 1.2.3.4", "ping pong", "log maybe",
    "x" * 20000])
def test_bad_commands_are_refused(sim, line):
    assert sim.command(line).startswith("error ")
    assert sim.command("ping") == "ok pong"


def test_the_log_tells_each_question(sim):
    sim.ask("127.53.212.1", "www.networkutopia.com", use_edns=0, payload=1400,
            want_dnssec=True)
    sim.ask("127.53.212.1", "nope.networkutopia.com", "MX", tcp=True)
    time.sleep(0.1)
    lines = [x for x in sim.log.read_text().splitlines()
             if " 127.53.212.1 " in x]
    assert re.fullmatch(r"\d+\.\d{6} 127\.53\.212\.1 udp \d+ \d+ "
                        r"www\.networkutopia\.com\. A 1400 1 -> NOERROR",
                        lines[-2])
    assert re.fullmatch(r".* tcp \d+ \d+ nope\.networkutopia\.com\. MX - 0 "
                        r"-> NXDOMAIN", lines[-1])
    assert sim.command("log off") == "ok"
    size = sim.log.stat().st_size
    sim.ask("127.53.212.1", "www.networkutopia.com")
    time.sleep(0.05)
    assert sim.log.stat().st_size == size
    assert sim.command("log on") == "ok"


# --- starting -------------------------------------------------------------


def run(*args):
    return subprocess.run([binary(), *args], capture_output=True, text=True,
                          timeout=20)


def test_the_shipped_world_has_no_faults():
    r = run("--check", "--zones", str(ZONES))
    assert r.returncode == 0 and r.stderr == ""


GOOD_ZONE = "$ORIGIN a.test.\n@ SOA ns h 1 1 1 1 1\n NS ns\nns A 127.53.99.1\n"
GOOD_NET = "addresses:\n  127.53.99.1:\n    zones: [a.test]\n"


@pytest.mark.parametrize("zone, where", [
    ("", "a.test.zone: a.test.: no SOA"),
    (GOOD_ZONE + "x A 1.2.3\n", "a.test.zone:5: "),
    (GOOD_ZONE + "x.b. A 1.2.3.4\n", "a.test.zone:5: x.b. is not within"),
    (GOOD_ZONE + "x CNAME y\nx A 1.2.3.4\n", "an alias (CNAME) beside"),
    (GOOD_ZONE + "x CNAME y\nx CNAME z\n", "more than one CNAME"),
    (GOOD_ZONE + "$INCLUDE other\n", "$INCLUDE"),
    (GOOD_ZONE + "x SOA ns h 1 1 1 1 1\n", "not at the apex"),
    ("$ORIGIN a.test.\n@ SOA ns h 1 1 1 1 1\n", "no NS at the apex"),
    ("\x00\xff\x00" * 500, "a.test.zone:"),
    (None, "a.test.zone: cannot be read")])
def test_faults_in_zones_are_named(tmp_path, zone, where):
    if zone is not None:
        (tmp_path / "a.test.zone").write_text(zone, encoding="latin-1")
    (tmp_path / "net.yaml").write_text(GOOD_NET)
    r = run("--check", "--zones", str(tmp_path))
    assert r.returncode == 1 and where in r.stderr


@pytest.mark.parametrize("net, where", [
    (None, "net.yaml: cannot be read"),
    ("", "net.yaml: the file is empty"),
    ("a: [", "net.yaml:2:1: "),
    ("[]", "net.yaml:1:1: "),
    ("addresses: 3\n", "net.yaml:1:12: expected a mapping"),
    ("colour: red\n", "net.yaml:1:1: colour: unknown key"),
    (GOOD_NET + "    delay: far\n", "net.yaml:4:12: far: expected"),
    (GOOD_NET + "    delay: {median: 5, sigma: x}\n", "net.yaml:4:31: x"),
    (GOOD_NET + "    loss: 200\n", "net.yaml:4:11: 200"),
    (GOOD_NET + "    delay: {late: x}\n", "net.yaml:4:19: x"),
    (GOOD_NET + "    delay: {late-by: -1}\n", "net.yaml:4:22: -1"),
    (GOOD_NET + "    sites: [{silent: no}]\n", "net.yaml:4:22: no"),
    (GOOD_NET + "    quirks: [lame, evil]\n", "net.yaml:4:20: evil"),
    (GOOD_NET + "    quirks: [silent-on-type]\n", "net.yaml:4:14: "),
    (GOOD_NET + "    schedule: [{at: 0, site: x}]\n", "net.yaml:4:30: x"),
    (GOOD_NET + "    sites: []\n", "net.yaml:4:12: "),
    (GOOD_NET + "  127.53.99.1: {}\n", "net.yaml:4:3: 127.53.99.1: given"),
    (GOOD_NET + "  localhost: {}\n", "net.yaml:4:3: localhost: not an IP"),
    ("addresses: {127.53.9.9: {zones: [../x]}}\n", "../x: not a zone"),
    ("addresses: &a\n  127.53.9.9: *a\n", "net.yaml:2:3: ")])
def test_faults_in_the_world_are_named(tmp_path, net, where):
    (tmp_path / "a.test.zone").write_text(GOOD_ZONE)
    if net is not None:
        (tmp_path / "net.yaml").write_text(net)
    r = run("--check", "--zones", str(tmp_path))
    assert r.returncode == 1 and where in r.stderr


@pytest.mark.parametrize("args", [
    ["--port", "0"], ["--port", "70000"], ["--port", "x"], ["--seed", "-1"],
    ["--now", "soon"], ["--nonsense"], ["stray"], ["--zones"]])
def test_wrong_options_end_with_2(args):
    assert run(*args).returncode == 2


def test_help_and_version():
    assert "--zones" in run("--help").stdout
    assert run("--version").stdout.startswith("hither-sim ")


def test_a_port_in_use_is_named(sim):
    r = run("--zones", str(ZONES), "--port", str(sim.port))
    assert r.returncode == 3
    assert f"127.53.0.1:{sim.port}: Address already in use" in r.stderr


def test_a_hangup_reads_the_zones_again(tmp_path):
    zone = tmp_path / "a.test.zone"
    zone.write_text(GOOD_ZONE)
    (tmp_path / "net.yaml").write_text(GOOD_NET)
    s = Sim(tmp_path, tmp_path, PORT + 3)
    zone.write_text(GOOD_ZONE + "new A 192.0.2.1\n")
    s.process.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    assert s.ask("127.53.99.1", "new.a.test").answer
    zone.write_text("broken")
    assert "a.test.zone:1" in s.command("reload zones")
    assert s.ask("127.53.99.1", "new.a.test").answer
    s.process.kill()
    s.process.wait()
    # the socket it left behind does not stop the next one
    zone.write_text(GOOD_ZONE)
    s = Sim(tmp_path, tmp_path, PORT + 3, ["--now", "1000000000"])
    s.ask("127.53.99.1", "ns.a.test")
    time.sleep(0.1)
    assert s.log.read_text().splitlines()[-1].startswith("1000000000.")
    assert s.end() == 0
    assert not s.socket.exists()


def test_a_control_socket_in_use_is_kept(sim):
    r = run("--zones", str(ZONES), "--port", str(PORT + 2),
            "--control", str(sim.socket))
    assert r.returncode == 3 and "control socket" in r.stderr
    assert sim.command("ping") == "ok pong"
