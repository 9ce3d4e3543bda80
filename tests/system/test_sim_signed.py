# SPDX-License-Identifier: BSD-3-Clause
"""hither-sim signs its zones, and Debian's unbound is the judge of that."""

import subprocess

import dns.dnssec
import dns.flags
import dns.message
import dns.query
import dns.rdatatype
import judges
import lab
import pytest
from conftest import Namespace, finish

SOUND = ["nsec", "nsec3", "rsa", "rsa512", "p384", "ed25519", "ed448",
         "iterations"]
# Zone, and the EDE that unbound gives; (None): not proven, yet answered.
BROKEN = {"expired": {7}, "notyet": {8}, "wrongkey": {9}, "badsig": {6},
          "nokey": {9}, "badds": {9}, "stripped": {10, 12},
          "badlabels": {6}, "badsigner": {9}, "forgotten": {9}}
UNKNOWN = ["newalgorithm", "newdigest"]
# Question below a zone: name, type, rcode.
SHAPES = [("www", "A", "NOERROR"), ("www", "MX", "NOERROR"),
          ("nope", "A", "NXDOMAIN"), ("alias", "A", "NOERROR"),
          ("x.wild", "A", "NOERROR"), ("x.wild", "MX", "NOERROR"),
          ("deep", "A", "NOERROR"), ("x.a.deep", "A", "NXDOMAIN"),
          ("sub", "DS", "NOERROR")]


@pytest.fixture(scope="module")
def judge(make_folder):
    folder = make_folder()
    space = Namespace(folder)
    sim = lab.Sim(folder, port=53, inside=space.enter)
    unbound = judges.Unbound(space, folder, 5399, lab.ZONES / "root.hints",
                             lab.ZONES / "root.key")

    def ask(questions):
        return judges.ask_all(space, [5399], questions)[5399]

    yield ask
    faults = finish([sim, unbound])
    space.end()
    assert faults == []


def test_the_anchor_in_zones_is_the_one_of_this_world():
    done = subprocess.run(
        [lab.program("hither-sim"), "--zones", str(lab.ZONES), "--anchors"],
        capture_output=True, text=True, timeout=20, check=True)
    kept = [line for line in (lab.ZONES / "root.key").read_text().splitlines()
            if not line.startswith(";")]
    assert done.stdout.splitlines() == kept


def test_what_is_sound_is_proven(judge):
    questions = [(f"{name}.{zone}.example.", rdtype)
                 for zone in SOUND for name, rdtype, _ in SHAPES]
    wanted = [rcode for _ in SOUND for _, _, rcode in SHAPES]
    said = judge(questions)
    assert [s["rcode"] for s in said] == wanted
    assert [q for q, s in zip(questions, said) if not s["ad"]] == []


def test_what_is_broken_is_found_out(judge):
    zones = list(BROKEN)
    said = judge([(f"www.{z}.example.", "A") for z in zones])
    for zone, s in zip(zones, said):
        assert s["rcode"] == "SERVFAIL", zone
        assert BROKEN[zone] & set(s["ede"]), (zone, s)
    unchecked = judge([(f"www.{z}.example.", "A", False) for z in zones])
    assert {s["rcode"] for s in unchecked} == {"NOERROR"}


def test_a_proof_that_is_missing_is_missed_when_it_is_needed(judge):
    there, absent = judge([("www.nodenial.example.", "A"),
                           ("nope.nodenial.example.", "A")])
    assert (there["rcode"], there["ad"]) == ("NOERROR", True)
    assert absent["rcode"] == "SERVFAIL"


def test_what_nobody_can_check_is_not_proven(judge):
    for s in judge([(f"www.{z}.example.", "A") for z in UNKNOWN]):
        assert (s["rcode"], s["ad"]) == ("NOERROR", False)


def test_opt_out_proves_names_but_not_their_absence(judge):
    there, absent, ds = judge([
        ("www.optout.example.", "A"), ("nope.optout.example.", "A"),
        ("networkutopia.com.", "A")])
    assert there["ad"]
    assert (absent["rcode"], absent["ad"]) == ("NXDOMAIN", False)
    assert (ds["rcode"], ds["ad"]) == ("NOERROR", False)


def test_the_textbook_names_are_proven_to_the_end(judge):
    for s in judge([("gaia.cs.umass.edu.", "A"),
                    ("www.enterprise.com.", "A"),
                    ("www.shop.example.", "A")]):
        assert (s["rcode"], s["ad"]) == ("NOERROR", True)


def query(sim, server, name, rdtype, dnssec):
    q = dns.message.make_query(name, rdtype, use_edns=0, payload=1232,
                               want_dnssec=dnssec)
    q.flags &= ~dns.flags.RD
    r = dns.query.udp(q, server, port=sim.port, timeout=3)
    return dns.query.tcp(q, server, port=sim.port, timeout=3) \
        if r.flags & dns.flags.TC else r


def test_signatures_come_only_when_asked_for(sim):
    for wanted in (False, True):
        r = query(sim, "127.53.40.1", "nope.nsec.example.", "A", wanted)
        kinds = {s.rdtype for s in r.authority}
        assert (dns.rdatatype.NSEC in kinds) == wanted
        assert (dns.rdatatype.RRSIG in kinds) == wanted


def test_a_record_added_while_it_runs_is_signed(sim):
    sim.command("add-record nsec.example. new A 192.0.2.99")
    r = query(sim, "127.53.40.1", "new.nsec.example.", "A", True)
    keys = query(sim, "127.53.40.1", "nsec.example.", "DNSKEY", True)
    zone = dns.name.from_text("nsec.example.")
    dns.dnssec.validate(r.answer[0], r.answer[1],
                        {zone: next(s for s in keys.answer
                                    if s.rdtype == dns.rdatatype.DNSKEY)})
    sim.command("remove nsec.example. new A")


def test_time_is_what_now_says(make_folder):
    folder = make_folder()
    s = lab.Process.__new__(lab.Sim)
    s.port = lab.free_port("127.53.0.1")
    s.socket = folder / "sim.sock"
    lab.Process.__init__(
        s, "hither-sim",
        [lab.program("hither-sim"), "--zones", str(lab.ZONES), "--port",
         str(s.port), "--control", str(s.socket), "--now", "2000000000"],
        folder)
    s.wait_ready(lambda: "ready:" in s.stderr())
    r = query(s, "127.53.40.1", "www.nsec.example.", "A", True)
    signature = r.answer[1][0]
    assert abs(signature.inception - (2000000000 - 3600)) < 60
    assert signature.expiration - signature.inception == 14 * 86400
    assert finish([s]) == []
