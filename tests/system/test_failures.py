# SPDX-License-Identifier: BSD-3-Clause
"""Servers that are broken in one way each: answered all the same, or an
explained SERVFAIL in time, and cheap when it is asked for again."""

import concurrent.futures
import re
import time

import dns.flags
import lab
import pytest

# Sound zones on odd servers: an answer is to be had.
ODD = ["trunc", "noedns", "badvers", "lowercase", "wrongcase",
       "twice", "noaaaa", "noname", "lossy", "deadfar", "anycast",
       "alternate"]
# Servers from which no answer can be had. Who is silent to EDNS counts as
# silent: asking without it would help whoever suppresses packets.
BROKEN = ["dropedns", "lame", "refused", "servfail", "notimp", "silent", "tcpless",
          "tcphang", "tcpreset", "wrongid", "wrongquestion", "qr0",
          "unserved", "selfloop", "loop-a"]
# Aliases that end nowhere.
CIRCLES = ["round-a.aliases", "self.aliases", "c1.aliases"]


def zone_address(zone):
    text = (lab.ZONES / f"{zone}.example.zone").read_text()
    return re.search(r"^www\s+A\s+(\S+)", text, re.M).group(1)


@pytest.fixture(scope="module")
def outcomes(start_for_module):
    """All names asked at once, for silence takes its time."""
    d = start_for_module()
    names = ([f"www.{z}.example" for z in ODD + BROKEN] +
             [f"{c}.example" for c in CIRCLES])

    def ask(name):
        began = time.monotonic()
        reply = d.ask(name)
        return name, (reply, time.monotonic() - began)

    with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
        return dict(pool.map(ask, names))


@pytest.mark.parametrize("zone", ODD)
def test_an_odd_server_is_understood(outcomes, zone):
    reply, took = outcomes[f"www.{zone}.example"]
    assert lab.rcode(reply) == "NOERROR", lab.ede_texts(reply)
    assert lab.addresses(reply) == [zone_address(zone)]
    assert took < 6


@pytest.mark.parametrize("zone", BROKEN)
def test_a_broken_server_is_a_failure_with_a_reason(outcomes, zone):
    reply, took = outcomes[f"www.{zone}.example"]
    assert lab.rcode(reply) == "SERVFAIL"
    assert reply.answer == []
    assert lab.ede_codes(reply) != []
    assert "".join(lab.ede_texts(reply)) != ""
    assert took < 7


@pytest.mark.parametrize("name", CIRCLES)
def test_aliases_without_end_are_given_up_quickly(outcomes, name):
    reply, took = outcomes[f"{name}.example"]
    assert lab.rcode(reply) == "SERVFAIL"
    assert lab.ede_codes(reply) != []
    assert took < 3


@pytest.mark.parametrize("zone", ["selfloop", "loop-a", "lame"])
def test_delegations_in_a_circle_are_given_up_quickly(outcomes, zone):
    _, took = outcomes[f"www.{zone}.example"]
    assert took < 3


def test_a_truncated_answer_is_asked_for_again_by_tcp(start, sim):
    d = start()
    before = sim.tcp_counts()["127.53.30.8"]
    r = d.ask("www.trunc.example")
    assert lab.addresses(r) == ["192.0.2.127"]
    assert not r.flags & dns.flags.TC
    assert sim.tcp_counts()["127.53.30.8"] > before


@pytest.mark.parametrize("zone, address", [
    ("refused", "127.53.30.2"), ("servfail", "127.53.30.3")])
def test_a_failure_is_remembered_for_a_while(start, sim, zone, address):
    d = start({"cache": {"failure-ttl": {"first": "5s"}}})
    first = d.ask(f"www.{zone}.example")
    before = sim.counts()
    again = [d.ask(f"www.{zone}.example") for _ in range(3)]
    assert lab.rcode(first) == "SERVFAIL"
    assert before[address] > 0
    assert sim.asked_since(before) == {}
    assert {lab.rcode(r) for r in again} == {"SERVFAIL"}
    assert all(lab.ede_codes(r) for r in again)


def test_a_failure_is_forgotten_when_the_server_has_recovered(start, sim):
    d = start()
    assert lab.rcode(d.ask("www.servfail.example")) == "SERVFAIL"
    sim.command("quirk 127.53.30.3 -servfail")
    try:
        assert lab.wait_until(lambda: lab.addresses(
            d.ask("www.servfail.example")) == ["192.0.2.122"], 8, 0.3)
    finally:
        sim.command("quirk 127.53.30.3 +servfail")


def test_one_of_two_servers_suffices(start, sim):
    d = start()
    sim.command("quirk 127.53.9.1 +refused")
    try:
        assert lab.addresses(d.ask("mail.enterprise.com")) == [
            "198.51.100.25"]
    finally:
        sim.command("quirk 127.53.9.1 -refused")


def test_a_question_costs_no_more_than_its_budget(start, sim):
    d = start()
    d.ask("www.victim.example")
    d.ask("www.fan.example")
    before = sim.counts()
    r = d.ask("x.a.fan.example")
    asked = sim.asked_since(before)
    assert lab.rcode(r) == "SERVFAIL"
    assert lab.ede_codes(r) != []
    assert sum(asked.values()) <= 50
