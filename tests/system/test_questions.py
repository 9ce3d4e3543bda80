# SPDX-License-Identifier: BSD-3-Clause
"""Every packet gets the reply it deserves, or none."""

import random
import socket

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import lab
import pytest

GAIA = b"\4gaia\2cs\5umass\3edu\0"
A_IN = b"\0\1\0\1"
OPT = b"\0" b"\0\x29" b"\x04\xd0" b"\0\0\0\0" b"\0\0"


def packet(ident, flags="0100", counts=(1, 0, 0, 0), body=GAIA + A_IN):
    return (ident.to_bytes(2, "big") + bytes.fromhex(flags) +
            b"".join(c.to_bytes(2, "big") for c in counts) + body)


def told(daemon, wire):
    """The RCODE of the reply, whose id has to be the question's."""
    reply = daemon.send_raw(wire)
    assert reply is not None, "no reply"
    assert reply[:2] == wire[:2]
    assert reply[2] & 0x80, "not a reply"
    return dns.rcode.to_text(reply[3] & 15)


# --- what is no question -------------------------------------------------


@pytest.mark.parametrize("wire", [
    b"", b"\0", packet(1)[:11], packet(2, flags="8100"),
    packet(3, flags="8180", counts=(0, 0, 0, 0), body=b""),
], ids=["empty", "one octet", "eleven octets", "a reply", "a bare reply"])
def test_what_is_no_question_is_not_answered(daemon, wire):
    assert daemon.send_raw(wire, timeout=0.3) is None
    assert told(daemon, packet(4)) == "NOERROR"


@pytest.mark.parametrize("wire", [
    packet(11, counts=(0, 0, 0, 0), body=b""),
    packet(12, counts=(2, 0, 0, 0), body=(GAIA + A_IN) * 2),
    packet(13, body=b""),
    packet(14, body=GAIA),
    packet(15, body=GAIA[:9]),
    packet(16, body=b"\xc0\x0c" + A_IN),
    packet(17, body=b"\x41a\0" + A_IN),
    packet(18, body=b"\x3f" + b"a" * 63 + A_IN),
    packet(19, body=(b"\x3f" + b"a" * 63) * 4 + b"\0" + A_IN),
    packet(20, counts=(1, 0, 0, 2), body=GAIA + A_IN + OPT + OPT),
    packet(21, counts=(1, 0, 0, 1), body=GAIA + A_IN),
    packet(22, counts=(1, 0, 0, 1), body=GAIA + A_IN + OPT[:-2] + b"\0\4"),
    packet(23, counts=(1, 0, 0, 1), body=GAIA + A_IN + b"\1x" + OPT),
], ids=["no question", "two questions", "question missing", "type missing",
        "name cut", "pointer to itself", "unknown label type",
        "name without end", "name of 257 octets", "two OPT", "OPT missing",
        "OPT options cut", "OPT with a name"])
def test_a_malformed_question_is_told_so_with_its_id(daemon, wire):
    assert told(daemon, wire) == "FORMERR"


@pytest.mark.parametrize("opcode", [1, 2, 3, 4, 5, 6, 15])
def test_another_opcode_is_not_implemented(daemon, opcode):
    wire = packet(30 + opcode, flags=f"{opcode << 3 | 1:02x}00")
    reply = daemon.send_raw(wire)
    assert told(daemon, wire) == "NOTIMP"
    assert reply[2] >> 3 & 15 == opcode


@pytest.mark.parametrize("qclass", [0, 2, 4, 254, 255, 65535])
def test_another_class_is_refused(daemon, qclass):
    wire = packet(50, body=GAIA + b"\0\1" + qclass.to_bytes(2, "big"))
    assert told(daemon, wire) == "REFUSED"


@pytest.mark.parametrize("qtype", [251, 252], ids=["IXFR", "AXFR"])
def test_transfers_are_refused(daemon, qtype):
    wire = packet(51, body=b"\5umass\3edu\0" + qtype.to_bytes(2, "big") +
                  b"\0\1")
    assert told(daemon, wire) == "REFUSED"


def test_any_is_answered_with_as_little_as_is_allowed(daemon):
    r = daemon.ask("enterprise.com", "ANY")
    assert lab.rcode(r) == "NOERROR"
    assert lab.types(r) == ["HINFO"]


# --- EDNS ----------------------------------------------------------------


def test_a_later_version_of_edns_is_told_which_one_is_spoken(daemon):
    q = dns.message.make_query("gaia.cs.umass.edu", "A")
    q.use_edns(1)  # make_query() takes a 1 for True, and that for version 0
    r = dns.message.from_wire(daemon.send_raw(q.to_wire()))
    assert r.rcode() == dns.rcode.BADVERS
    assert r.edns == 0
    assert r.answer == []


def test_edns_is_answered_with_edns_and_nothing_with_nothing(daemon):
    assert daemon.ask("gaia.cs.umass.edu", use_edns=0).edns == 0
    assert daemon.ask("gaia.cs.umass.edu", use_edns=-1).edns == -1


def test_unknown_options_are_passed_over(daemon):
    r = daemon.ask("gaia.cs.umass.edu", options=[
        dns.edns.GenericOption(65001, b"\1\2\3")])
    assert lab.rcode(r) == "NOERROR"
    assert r.options == ()


def test_a_small_buffer_counts_as_512_octets(daemon):
    r = daemon.ask("www.many.example", payload=16)
    assert lab.rcode(r) == "NOERROR" and len(lab.addresses(r)) == 6


def test_flags_are_copied_and_what_is_unsigned_is_not_called_proven(daemon):
    q = daemon.query("www.networkutopia.com")
    q.flags |= dns.flags.CD | dns.flags.AD
    r = dns.query.udp(q, daemon.where(), port=daemon.port, timeout=5)
    assert r.flags & dns.flags.CD and r.flags & dns.flags.RD
    assert not r.flags & dns.flags.AD


def test_the_server_tells_its_identifier_when_it_has_one(start):
    d = start({"server": {"nsid": "ns-one"}})
    wants = [dns.edns.GenericOption(dns.edns.OptionType.NSID, b"")]
    r = d.ask("gaia.cs.umass.edu", options=wants)
    assert [o.data for o in r.options] == [b"ns-one"]
    assert d.ask("gaia.cs.umass.edu").options == ()


# --- CHAOS ---------------------------------------------------------------

CHAOS = ("id.server", "hostname.bind", "version.server", "version.bind")


@pytest.mark.parametrize("name", CHAOS)
def test_identity_and_version_are_hidden(daemon, name):
    r = daemon.ask(name, "TXT", rdclass="CH")
    assert lab.rcode(r) == "REFUSED" and r.answer == []


def test_identity_and_version_are_told_when_configured(start):
    d = start({"server": {"identity": "ns-one", "version-text": "7"}})
    for name, text in zip(CHAOS, (b"ns-one", b"ns-one", b"7", b"7")):
        r = d.ask(name, "TXT", rdclass="CH")
        assert lab.rcode(r) == "NOERROR"
        assert r.answer[0][0].strings == (text,)
    assert lab.rcode(d.ask("other.bind", "TXT", rdclass="CH")) == "REFUSED"


# --- who may ask -----------------------------------------------------------


def test_who_is_in_no_network_is_refused(start):
    d = start({"access-control": [{"net": "127.0.0.1/32",
                                   "action": "allow"}]})
    assert lab.rcode(d.ask("localhost", source="127.0.0.1")) == "NOERROR"
    r = d.ask("gaia.cs.umass.edu", source="127.0.0.9")
    assert lab.rcode(r) == "REFUSED" and r.answer == []
    assert lab.ede_codes(r) == [18]


def test_by_default_only_this_host_may_ask(make_folder, namespace):
    folder = make_folder()
    config = lab.config_for(folder, 5353, {
        "listen": [{"address": "0.0.0.0", "port": 5300}]})
    namespace.run("ip", "address", "add", "192.0.2.77/32", "dev", "lo")
    d = lab.Daemon(folder, config, inside=namespace.enter)
    dig = [lab.tool("dig"), "-p", "5300", "+tries=1", "+time=3", "localhost"]
    away = namespace.run(*dig, "@192.0.2.77", "-b", "192.0.2.77").stdout
    here = namespace.run(*dig, "@127.0.0.1").stdout
    status, _ = d.end()
    assert status == 0
    assert "status: REFUSED" in away
    assert "status: NOERROR" in here


def test_the_longest_prefix_wins(start, sim):
    d = start({"access-control": [
        {"net": "127.0.0.0/8", "action": "allow"},
        {"net": "127.0.1.0/24", "action": "refuse"},
        {"net": "127.0.1.1/32", "action": "drop"},
        {"net": "127.0.1.2/32", "action": "allow"}]})
    name = "gaia.cs.umass.edu"
    assert lab.rcode(d.ask(name)) == "NOERROR"
    assert lab.rcode(d.ask(name, source="127.0.1.2")) == "NOERROR"
    assert lab.rcode(d.ask(name, source="127.0.1.9")) == "REFUSED"
    with pytest.raises(dns.exception.Timeout):
        d.ask(name, source="127.0.1.1", timeout=0.4)
    with d.connect() as s:
        s.sendall(b"\0\0")
    with pytest.raises((EOFError, OSError, dns.exception.Timeout)):
        d.ask(name, source="127.0.1.1", tcp=True, timeout=1)


def ask_without_recursion(d, name, source=None):
    q = d.query(name)
    q.flags &= ~dns.flags.RD
    return dns.query.udp(q, d.where(), port=d.port, timeout=5, source=source)


def test_without_rd_only_snoopers_see_the_memory(start, sim):
    d = start({"access-control": [
        {"net": "127.0.0.1/32", "action": "allow"},
        {"net": "127.0.0.2/32", "action": "allow-snoop"}]})
    name = "gaia.cs.umass.edu"
    d.ask(name)
    before = sim.settled_counts()
    assert lab.rcode(ask_without_recursion(d, name)) == "REFUSED"
    seen = ask_without_recursion(d, name, source="127.0.0.2")
    assert lab.addresses(seen) == ["128.119.245.12"]
    unseen = ask_without_recursion(d, "www.nyu.edu", source="127.0.0.2")
    assert lab.addresses(unseen) == []
    assert sim.asked_since(before) == {}


# --- names that belong to nobody -------------------------------------------


def test_localhost_is_this_host(daemon):
    assert lab.addresses(daemon.ask("localhost")) == ["127.0.0.1"]
    assert lab.addresses(daemon.ask("localhost", "AAAA")) == ["::1"]
    assert lab.addresses(daemon.ask("any.localhost")) == ["127.0.0.1"]
    assert daemon.ask("localhost", "MX").answer == []


def test_the_loopback_address_leads_back_to_localhost(daemon):
    r = daemon.ask("1.0.0.127.in-addr.arpa", "PTR")
    assert str(r.answer[0][0].target) == "localhost."


@pytest.mark.parametrize("name", [
    "some.invalid", "other.some.invalid", "hidden.onion", "printer.local", "a.test",
    "x.home.arpa", "1.0.168.192.in-addr.arpa", "7.0.0.10.in-addr.arpa",
    "2.0.0.127.in-addr.arpa"])
def test_special_names_are_denied_without_asking_anybody(daemon, sim, name):
    before = sim.settled_counts()
    r = daemon.ask(name)
    assert lab.rcode(r) == "NXDOMAIN"
    assert lab.types(r, "authority") == ["SOA"]
    assert sim.asked_since(before) == {}


def test_local_data_is_answered_and_other_names_beside_it_are_not(start, sim):
    d = start({
        "local-data": ["printer.house.example. 300 IN A 192.0.2.9"],
        "local-zones": [
            {"name": "house.example", "type": "static"},
            {"name": "shop.example", "type": "refuse"},
            {"name": "coffee.example", "type": "always-nxdomain"}]})
    before = sim.settled_counts()
    assert lab.addresses(d.ask("printer.house.example")) == ["192.0.2.9"]
    assert lab.rcode(d.ask("other.house.example")) == "NXDOMAIN"
    assert lab.rcode(d.ask("www.shop.example")) == "REFUSED"
    assert lab.rcode(d.ask("www.coffee.example")) == "NXDOMAIN"
    assert sim.asked_since(before) == {}


# --- where the answer comes from -------------------------------------------


def test_a_wildcard_listener_answers_from_the_address_asked(start):
    port = lab.free_port()
    d = start({"listen": [{"address": "0.0.0.0", "port": port}]})
    for where in ("127.0.0.1", "127.0.0.2", "127.9.8.7"):
        for name in ("localhost", "gaia.cs.umass.edu"):
            # dnspython takes a reply from nowhere else
            assert lab.rcode(d.ask(name, where=where)) == "NOERROR"
        assert lab.rcode(d.ask(name, where=where, tcp=True)) == "NOERROR"


# --- noise -------------------------------------------------------------------


def test_noise_does_no_harm(daemon):
    rng = random.Random(20260101)
    sound = [packet(7), daemon.query("www.enterprise.com", "MX").to_wire(),
             packet(8, counts=(1, 0, 0, 1), body=GAIA + A_IN + OPT)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((daemon.where(), daemon.port))
        s.setblocking(False)
        for i in range(1500):
            wire = bytearray(rng.choice(sound))
            for _ in range(rng.randrange(1, 6)):
                wire[rng.randrange(len(wire))] = rng.randrange(256)
            if i % 3 == 0:
                del wire[rng.randrange(len(wire)):]
            if i % 5 == 0:
                wire += rng.randbytes(rng.randrange(60))
            s.send(wire)
    assert lab.addresses(daemon.ask("gaia.cs.umass.edu")) == [
        "128.119.245.12"]
