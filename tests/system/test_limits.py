# SPDX-License-Identifier: BSD-3-Clause
"""Who asks too much: most of it is dropped, honest clients find a way."""

import socket
import subprocess
import time

import dns.flags
import dns.message
import lab
import pytest

GAIA = "gaia.cs.umass.edu"
GAIA_ADDRESS = "128.119.245.12"
VICTIM, OTHER, FRIEND = "127.0.0.2", "127.0.0.3", "127.0.0.4"


def dig(daemon, source, *words):
    done = subprocess.run(
        [lab.tool("dig"), "@127.0.0.1", "-p", str(daemon.port), "-b", source,
         "+tries=4", "+timeout=1", GAIA, *words],
        capture_output=True, text=True, timeout=30, check=False)
    return done.stdout


def flood(daemon, source, questions):
    """Sends them at once; the replies that came within a second."""
    replies = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((source, 0))
        s.connect(("127.0.0.1", daemon.port))
        for q in questions:
            s.send(q.to_wire())
        s.settimeout(1)
        try:
            while True:
                replies.append(dns.message.from_wire(s.recv(4096)))
        except socket.timeout:
            return replies


def gaia(n, **how):
    return [dns.message.make_query(GAIA, "A", **how) for _ in range(n)]


@pytest.fixture(scope="module")
def strict(start_for_module):
    d = start_for_module({"rate-limit": {"clients": {
        "qps": 5, "burst": 10, "slip": 2, "prefix-v4": 32,
        "exempt": [f"{FRIEND}/32"]}}})
    assert lab.addresses(d.ask(GAIA, source=FRIEND)) == [GAIA_ADDRESS]
    return d


def test_past_the_bound_half_is_dropped_and_half_told_to_use_tcp(strict):
    before = strict.control_json("stats")["queries"]
    replies = flood(strict, VICTIM, gaia(100))
    answers = [r for r in replies if r.answer]
    told = [r for r in replies if r.flags & dns.flags.TC]
    # A slow machine spreads the flood over a second or so.
    assert 10 <= len(answers) <= 20
    assert 40 <= len(told) <= 45
    assert len(replies) == len(answers) + len(told)
    # What a victim gets is no longer than what was sent.
    assert all(len(r.to_wire()) <= len(gaia(1)[0].to_wire()) for r in told)
    after = strict.control_json("stats")["queries"]
    assert after["limited"] - before["limited"] == 100 - len(answers)
    assert after["limited_told"] - before["limited_told"] == len(told)
    assert f"rate-limited client={VICTIM}" in strict.stderr()


def test_other_networks_do_not_pay(strict):
    flood(strict, VICTIM, gaia(50))
    assert len(flood(strict, OTHER, gaia(8))) == 8
    assert len([r for r in flood(strict, FRIEND, gaia(50)) if r.answer]) == 50


def test_dig_gets_through_under_its_victims_address(strict):
    for words in (["+nocookie"], ["+cookie"], ["+tcp"]):
        flood(strict, VICTIM, gaia(50))
        assert GAIA_ADDRESS in dig(strict, VICTIM, *words), words


def test_a_cookie_is_told_instead_of_tc(strict):
    flood(strict, VICTIM, gaia(50))
    out = dig(strict, VICTIM, "+cookie", "+qr", "+nobadcookie")
    assert "BADCOOKIE" in out or GAIA_ADDRESS in out
    time.sleep(2.5)


def test_who_is_known_and_asks_too_much_is_refused_in_words(strict):
    with strict.connect() as s:
        for q in gaia(40, use_edns=0):
            wire = q.to_wire()
            s.sendall(len(wire).to_bytes(2, "big") + wire)
        stream = s.makefile("rb")
        replies = [dns.message.from_wire(
            stream.read(int.from_bytes(stream.read(2), "big")))
            for _ in range(40)]
    refused = [r for r in replies if lab.rcode(r) == "REFUSED"]
    assert 20 <= len(refused) <= 30
    assert lab.ede_texts(refused[0]) == \
        ["too many questions from your network"]


def test_a_network_is_what_the_prefix_says(start):
    d = start({"rate-limit": {"clients": {
        "qps": 5, "burst": 10, "slip": "off", "prefix-v4": 24}}})
    time.sleep(0.1)
    flood(d, VICTIM, gaia(50))
    assert len(flood(d, OTHER, gaia(50))) <= 10


def test_equal_questions_have_a_bound_of_their_own(start):
    d = start({"rate-limit": {"responses": {"qps": 4},
                              "clients": {"burst": 5, "slip": "off"}}})
    for _ in range(2):
        d.ask(GAIA, source=FRIEND)
    mixed = [dns.message.make_query(n, "A") for _ in range(20) for n in
             (GAIA, GAIA.upper(), GAIA.title())]
    assert 5 <= len(flood(d, VICTIM, mixed)) <= 11
    # Different ones pass, and so does the same from elsewhere.
    others = [dns.message.make_query(f"n{i}.home.arpa", "A")
              for i in range(40)]
    assert len(flood(d, VICTIM, others)) == 40
    assert len(flood(d, OTHER, gaia(5))) == 5


def test_a_reload_turns_it_on_and_off(start):
    d = start()
    for _ in range(2):
        d.ask(GAIA, source=FRIEND)
    assert len(flood(d, VICTIM, gaia(50))) == 50
    d.config["rate-limit"] = {"clients": {"qps": 2, "slip": "off"}}
    d.write_config()
    assert d.control("reload").returncode == 0
    for _ in range(2):
        d.ask(GAIA, source=FRIEND)
    assert len(flood(d, VICTIM, gaia(50))) <= 8
    del d.config["rate-limit"]
    d.write_config()
    assert d.control("reload").returncode == 0
    for _ in range(2):
        d.ask(GAIA, source=FRIEND)
    assert len(flood(d, VICTIM, gaia(50))) == 50


# --- towards zones ----------------------------------------------------------


def random_names(daemon, zone, count):
    """The RCODEs of names that nobody knows yet."""
    replies = flood(daemon, FRIEND, [
        dns.message.make_query(f"r{i}-{time.time_ns()}.{zone}", "A",
                               use_edns=0) for i in range(count)])
    return [lab.rcode(r) for r in replies]


def test_random_names_below_a_zone_are_bounded(start, sim):
    d = start({"rate-limit": {"zones": {"qps": 5,
                                        "exempt": ["enterprise.com"]}},
               "dnssec": {"validation": False}})
    d.ask(GAIA)
    before = sim.counts()
    said = random_names(d, "umass.edu", 100)
    assert said.count("NXDOMAIN") <= 25
    assert said.count("SERVFAIL") >= 75
    assert sum(sim.asked_since(before).values()) <= 40
    assert d.control_json("stats")["limits"]["zone"] >= 75
    # What is known is told, other zones and exempt ones are asked.
    assert lab.addresses(d.ask(GAIA)) == [GAIA_ADDRESS]
    assert lab.addresses(d.ask("www.nyu.edu")) == ["216.165.47.10"]
    assert random_names(d, "enterprise.com", 60).count("NXDOMAIN") == 60
    # A moment later there is room again, and no failure is remembered.
    time.sleep(1.5)
    assert lab.rcode(d.ask(f"later{time.time_ns()}.umass.edu")) == "NXDOMAIN"
