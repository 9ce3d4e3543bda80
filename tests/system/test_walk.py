# SPDX-License-Identifier: BSD-3-Clause
"""Names are found by walking down from the root, and remembered."""

import time

import dns.flags
import dns.rdatatype
import lab
import pytest


def test_gaia_is_found_through_root_edu_and_umass(start, sim):
    d = start()
    before = sim.settled_counts()
    r = d.ask("gaia.cs.umass.edu")
    asked = sim.asked_since(before)
    assert lab.rcode(r) == "NOERROR"
    assert lab.addresses(r) == ["128.119.245.12"]
    assert r.flags & dns.flags.RA
    assert not r.flags & dns.flags.AA
    assert any(a.startswith("127.53.0.") for a in asked)
    assert any(a.startswith("127.53.1.") or a == "::1" for a in asked)
    assert "127.53.7.1" in asked


def test_the_second_time_comes_from_memory_with_less_time_left(start, sim):
    d = start()
    first = d.ask("gaia.cs.umass.edu")
    time.sleep(1.2)
    before = sim.settled_counts()
    replies = [d.ask("gaia.cs.umass.edu") for _ in range(4)]
    assert sim.asked_since(before) == {}
    lives = [r.answer[0].ttl for r in replies]
    assert all(lab.addresses(r) == ["128.119.245.12"] for r in replies)
    assert 3590 < max(lives) < first.answer[0].ttl <= 3600
    assert lives == sorted(lives, reverse=True)


def test_other_types_of_a_known_name_are_asked_for(daemon):
    assert lab.addresses(daemon.ask("gaia.cs.umass.edu", "AAAA")) == [
        "2001:db8:119:245::12"]
    text = daemon.ask("gaia.cs.umass.edu", "TXT").answer[0][0]
    assert text.strings == (b"the textbook's own host",)


@pytest.mark.parametrize("name, address", [
    ("networkutopia.com", "212.212.71.4"),
    ("www.nyu.edu", "216.165.47.10"),
    ("cis.poly.nyu.edu", "128.238.29.23"),
    ("www.coffee.example", "192.0.2.70"),
    ("www.shop.example", "192.0.2.80"),
    ("www.outside.example", "192.0.2.90"),
])
def test_names_of_the_miniature_internet_resolve(daemon, name, address):
    r = daemon.ask(name)
    assert lab.rcode(r) == "NOERROR"
    assert lab.addresses(r) == [address]


def test_an_alias_comes_with_the_address_it_leads_to(daemon):
    r = daemon.ask("www.enterprise.com")
    assert lab.types(r) == ["CNAME", "A"]
    assert str(r.answer[0][0].target) == "relay1.west-coast.enterprise.com."
    assert lab.addresses(r) == ["198.51.100.20"]


def test_asking_for_the_alias_itself_follows_nothing(daemon):
    r = daemon.ask("www.enterprise.com", "CNAME")
    assert lab.types(r) == ["CNAME"]


def test_an_alias_leads_from_a_cinema_to_a_cdn(daemon):
    r = daemon.ask("video.netcinema.com")
    assert lab.types(r)[0] == "CNAME"
    assert len(lab.addresses(r)) > 0


def test_a_dangling_alias_tells_the_alias_and_that_its_end_is_missing(daemon):
    r = daemon.ask("dangling.aliases.example")
    assert lab.rcode(r) == "NXDOMAIN"
    assert lab.types(r) == ["CNAME"]
    assert lab.types(r, "authority") == ["SOA"]


def test_a_moved_subtree_is_followed(daemon):
    r = daemon.ask("www.old.dname.example")
    assert lab.types(r) == ["DNAME", "CNAME", "A"]
    assert lab.addresses(r) == ["192.0.2.110"]


def test_mail_goes_to_a_host_whose_address_is_found(daemon):
    mx = daemon.ask("enterprise.com", "MX").answer[0][0]
    assert mx.preference == 10
    assert str(mx.exchange) == "mail.enterprise.com."
    assert lab.addresses(daemon.ask(mx.exchange)) == ["198.51.100.25"]


def test_the_address_of_the_mail_host_comes_along_when_it_is_known(start):
    d = start({"resolver": {"minimal-responses": False}})
    d.ask("mail.enterprise.com")
    r = d.ask("enterprise.com", "MX")
    assert lab.types(r) == ["MX"]
    assert [x[0].address for x in r.additional
            if x.rdtype == dns.rdatatype.A] == ["198.51.100.25"]


def test_a_set_of_many_addresses_is_turned(daemon):
    orders = [lab.addresses(daemon.ask("www.many.example"))
              for _ in range(12)]
    assert {tuple(sorted(o)) for o in orders} == {
        tuple(f"192.0.2.{i}" for i in range(1, 7))}
    assert len({o[0] for o in orders}) >= 3


def test_turning_can_be_turned_off(start):
    d = start({"resolver": {"answer-rotation": False}})
    orders = {tuple(lab.addresses(d.ask("www.many.example")))
              for _ in range(6)}
    assert len(orders) == 1


@pytest.mark.parametrize("name, rdtype, count", [
    ("big.example", "TXT", 16), ("hundred.big.example", "A", 100)])
def test_an_answer_too_large_for_udp_comes_whole_by_tcp(
        daemon, name, rdtype, count):
    for _ in range(3):  # from the servers, from the records, packed
        short = daemon.ask(name, rdtype)
        assert lab.is_truncated(short)
        assert len(short.to_wire()) <= 1232
        whole = daemon.ask(name, rdtype, tcp=True)
        assert not lab.is_truncated(whole)
        assert len(whole.answer) == 1 and len(whole.answer[0]) == count


def test_without_edns_no_answer_has_more_than_512_octets(daemon):
    r = daemon.ask("hundred.big.example", use_edns=-1)
    assert lab.is_truncated(r)
    assert r.edns == -1
    assert len(r.to_wire()) <= 512


def test_a_name_that_does_not_exist_is_denied_with_the_soa(start, sim):
    daemon = start()  # one that refreshes nothing that others asked for
    r = daemon.ask("nobody.umass.edu")
    assert lab.rcode(r) == "NXDOMAIN"
    assert r.answer == []
    assert lab.types(r, "authority") == ["SOA"]
    assert r.authority[0].ttl <= 300
    before = sim.settled_counts()
    again = daemon.ask("nobody.umass.edu", "TXT")
    assert lab.rcode(again) == "NXDOMAIN"
    assert sim.asked_since(before) == {}


def test_a_type_that_does_not_exist_is_denied_with_the_soa(start, sim):
    daemon = start()
    r = daemon.ask("www.cs.umass.edu", "AAAA")
    assert lab.rcode(r) == "NOERROR"
    assert r.answer == []
    assert lab.types(r, "authority") == ["SOA"]
    before = sim.settled_counts()
    assert daemon.ask("www.cs.umass.edu", "AAAA").answer == []
    assert sim.asked_since(before) == {}


def test_a_wildcard_answers_for_every_name_but_those_that_exist(daemon):
    assert lab.addresses(daemon.ask("any.thing.wildcard.example")) == [
        "192.0.2.112"]
    assert lab.addresses(daemon.ask("host.wildcard.example")) == [
        "192.0.2.113"]
    hidden = daemon.ask("a.b.wildcard.example")
    assert lab.rcode(hidden) == "NOERROR" and hidden.answer == []


def test_letters_come_back_as_they_were_written(daemon):
    for name in ("GaIa.cS.uMaSs.EdU.", "gAiA.Cs.UmAsS.eDu.",
                 "GAIA.CS.UMASS.EDU.", "wWw.wIlDcArD.eXaMpLe."):
        r = daemon.ask(name)
        assert r.question[0].name.to_text() == name
        assert r.answer[0].name.to_text() == name
        assert len(lab.addresses(r)) == 1


def test_equal_questions_at_once_are_asked_once(start, sim):
    d = start()
    d.ask("networkutopia.com")
    before = sim.settled_counts()
    with d.connect() as s:
        for i in range(50):
            q = d.query("sip.networkutopia.com")
            q.id = i
            wire = q.to_wire()
            s.sendall(len(wire).to_bytes(2, "big") + wire)
        f = s.makefile("rb")
        ids = set()
        for _ in range(50):
            wire = f.read(int.from_bytes(f.read(2), "big"))
            assert wire[3] & 15 == 0
            ids.add(int.from_bytes(wire[:2], "big"))
    assert ids == set(range(50))
    assert sum(sim.asked_since(before).values()) <= 3
