# SPDX-License-Identifier: BSD-3-Clause
"""What hither says of the signed zones of the miniature Internet."""

import time

import dns.flags
import dns.query
import lab
import pytest

VALIDATE = {"dnssec": {"trust-anchor-file": str(lab.ZONES / "root.key"),
                       "auto-trust-anchor": True,
                       "trust-anchor-signaling": True}}
SOUND = ["nsec", "nsec3", "rsa", "rsa512", "p384", "ed25519", "ed448"]
# Zone, and the EDE codes that tell what is wrong with it.
BROKEN = {"expired": {7}, "notyet": {8}, "wrongkey": {9}, "badsig": {6},
          "nokey": {9}, "badds": {9}, "stripped": {10}, "badlabels": {6},
          "badsigner": {6, 9}, "forgotten": {9}}
# Question below a zone: name, type, rcode.
SHAPES = [("www", "A", "NOERROR"), ("www", "MX", "NOERROR"),
          ("nope", "A", "NXDOMAIN"), ("alias", "A", "NOERROR"),
          ("x.wild", "A", "NOERROR"), ("x.wild", "MX", "NOERROR"),
          ("deep", "A", "NOERROR"), ("x.a.deep", "A", "NXDOMAIN"),
          ("sub", "DS", "NOERROR")]


@pytest.fixture(scope="module")
def validator(start_for_module):
    return start_for_module(VALIDATE)


def is_proven(message):
    return bool(message.flags & dns.flags.AD)


def ask(daemon, name, rdtype="A"):
    r = daemon.ask(name, rdtype, want_dnssec=True)
    if lab.is_truncated(r):
        r = daemon.ask(name, rdtype, tcp=True, want_dnssec=True)
    return r


@pytest.mark.parametrize("zone", SOUND)
def test_what_is_sound_is_proven(validator, zone):
    for name, rdtype, rcode in SHAPES:
        for _ in range(3):  # resolved, from records, from memory
            r = ask(validator, f"{name}.{zone}.example.", rdtype)
            assert (lab.rcode(r), is_proven(r)) == (rcode, True), (
                name, rdtype, r.to_text())


@pytest.mark.parametrize("zone", BROKEN)
def test_what_is_broken_is_not_told(validator, zone):
    for _ in range(2):
        r = ask(validator, f"www.{zone}.example.")
        assert lab.rcode(r) == "SERVFAIL"
        assert not r.answer
        assert BROKEN[zone] & set(lab.ede_codes(r)), lab.ede_texts(r)


@pytest.mark.parametrize("zone", BROKEN)
def test_who_checks_by_himself_gets_it(validator, zone):
    q = validator.query(f"www.{zone}.example.", "A", want_dnssec=True)
    q.flags |= dns.flags.CD
    r = dns.query.udp(q, validator.where(), port=validator.port, timeout=9)
    assert lab.rcode(r) == "NOERROR"
    assert lab.addresses(r) == ["192.0.2.53"]
    assert not is_proven(r)


def test_a_missing_proof_is_missed_when_it_is_needed(validator):
    assert is_proven(ask(validator, "www.nodenial.example."))
    r = ask(validator, "nope.nodenial.example.")
    assert (lab.rcode(r), 12 in lab.ede_codes(r)) == ("SERVFAIL", True)


@pytest.mark.parametrize("zone, code", [
    ("newalgorithm", 1), ("newdigest", 2)])
def test_what_nobody_can_check_is_told_without_proof(validator, zone, code):
    r = ask(validator, f"www.{zone}.example.")
    assert (lab.rcode(r), is_proven(r)) == ("NOERROR", False)
    assert lab.ede_codes(r) == [code]


def test_too_many_rounds_of_hashing_prove_nothing(validator):
    r = ask(validator, "nope.iterations.example.")
    assert (lab.rcode(r), is_proven(r)) == ("NXDOMAIN", False)
    assert lab.ede_codes(r) == [27]


def test_unsigned_zones_are_told_without_proof(validator):
    for name in ("www.networkutopia.com.", "away.nsec.example."):
        r = ask(validator, name)
        assert (lab.rcode(r), is_proven(r)) == ("NOERROR", False)


def test_who_asks_for_no_proof_gets_none(validator):
    r = validator.ask("www.nsec.example.", "A", use_edns=False)
    assert not is_proven(r)
    assert lab.types(r) == ["A"]
    q = validator.query("www.nsec.example.", "A", use_edns=False)
    q.flags |= dns.flags.AD
    r = dns.query.udp(q, validator.where(), port=validator.port, timeout=9)
    assert is_proven(r)
    assert lab.types(r) == ["A"]


def test_nothing_is_judged_when_validation_is_off(start):
    d = start({"dnssec": {"validation": False}})
    r = ask(d, "www.badsig.example.")
    assert (lab.rcode(r), is_proven(r)) == ("NOERROR", False)
    assert not is_proven(ask(d, "www.nsec.example."))


# --- anchors ----------------------------------------------------------------


def test_a_wrong_anchor_leaves_nothing_believed(start, make_folder):
    anchor = make_folder() / "key"
    anchor.write_text(". IN DS 1 8 2 " + 64 * "0" + "\n")
    d = start({"dnssec": {"trust-anchor-file": str(anchor)}})
    assert lab.rcode(ask(d, "www.nsec.example.")) == "SERVFAIL"


def test_a_malformed_anchor_file_stops_the_start(make_folder, sim):
    folder = make_folder()
    anchor = folder / "key"
    anchor.write_text("; fine\n. IN DS 20326 8 two 00\n")
    conf = folder / "hither.yaml"
    conf.write_text("server: {allow-root: true}\n"
                    f"dnssec: {{trust-anchor-file: {anchor}}}\n")
    for arguments in (["-c", str(conf)], ["-c", str(conf), "--check"]):
        done = lab.run_daemon(*arguments)
        assert done.returncode == 1
        assert f"{anchor}:2:17: error:" in done.stderr


def test_an_anchor_in_the_configuration_proves_an_island(start):
    ds = next(line for line in (lab.ZONES / "root.key").read_text()
              .splitlines() if " DS " in line.replace("\t", " "))
    d = start({"dnssec": {
        "trust-anchor-file": "",
        "trust-anchors": [ds]}})
    tags = {a["tag"] for a in d.control_json("anchors")["anchors"]}
    assert {20326, 38696, int(ds.split()[4])} <= tags
    assert is_proven(ask(d, "www.nsec.example."))


def root_tag():
    return next(int(line.split()[4]) for line in
                (lab.ZONES / "root.key").read_text().splitlines()
                if not line.startswith(";"))


def state_of(daemon):
    return daemon.control_json("anchors")["rollovers"]


def test_keys_of_anchors_are_followed_and_kept(start, make_folder):
    folder = make_folder()
    config = lab.merge(VALIDATE, {"server": {"directory": str(folder)}})
    d = start(config)
    assert lab.wait_until(lambda: state_of(d) and state_of(d)[0]["keys"])
    (root,) = state_of(d)
    assert root["zone"] == "."
    assert [k["state"] for k in root["keys"]] == ["valid"]
    assert root["next_s"] > time.time() + 3000
    kept = (folder / "anchors.state").read_text()
    assert kept.startswith("hither-anchors 1\n")
    assert d.end()[0] == 0
    again = start(config)
    assert state_of(again)[0]["checked_s"] == root["checked_s"]
    assert is_proven(ask(again, "www.nsec.example."))


def test_a_damaged_state_is_set_aside(start, make_folder):
    folder = make_folder()
    (folder / "anchors.state").write_text("hither-anchors 1\nrubbish\n")
    d = start(lab.merge(VALIDATE, {"server": {"directory": str(folder)}}))
    assert "anchors-damaged" in d.stderr()
    assert (folder / "anchors.state.bad").read_text().endswith("rubbish\n")
    assert is_proven(ask(d, "www.nsec.example."))


def test_zones_are_told_which_keys_are_believed(start, sim, make_folder):
    folder = make_folder()
    log = folder / "questions"
    own = lab.Process.__new__(lab.Sim)
    own.port = lab.free_port("127.53.0.1")
    lab.Process.__init__(
        own, "hither-sim",
        [lab.program("hither-sim"), "--zones", str(lab.ZONES), "--port",
         str(own.port), "--log", str(log)], folder)
    own.wait_ready(lambda: "ready:" in own.stderr())
    start(lab.merge(VALIDATE, {"outgoing": {"port": own.port}}))
    wanted = f" _ta-{root_tag():04x}. null "
    assert lab.wait_until(
        lambda: log.exists() and wanted in log.read_text().lower())
    own.end()
    assert own.faults() == []


@pytest.mark.parametrize("label, told", [
    ("is-ta-{own}", True), ("not-ta-{own}", False),
    ("is-ta-00001", False), ("not-ta-00001", True), ("is-ta-1", True)])
def test_sentinels_tell_which_keys_are_believed(validator, label, told):
    own = f"{root_tag():05d}"
    name = f"root-key-sentinel-{label.format(own=own)}.wild.nsec.example."
    for _ in range(2):
        r = ask(validator, name)
        assert lab.rcode(r) == ("NOERROR" if told else "SERVFAIL")
    q = validator.query(name, "A", want_dnssec=True)
    q.flags |= dns.flags.CD
    r = dns.query.udp(q, validator.where(), port=validator.port, timeout=9)
    assert lab.rcode(r) == "NOERROR"


# --- letting pass ------------------------------------------------------------


def test_a_negative_anchor_lets_pass_for_a_while(start):
    d = start(VALIDATE)
    assert lab.rcode(ask(d, "www.badsig.example.")) == "SERVFAIL"
    done = d.control("nta", "add", "badsig.example", "1h", "ticket 4711")
    assert done.returncode == 0, done.stderr
    r = ask(d, "www.badsig.example.")
    assert (lab.rcode(r), is_proven(r)) == ("NOERROR", False)
    (listed,) = d.control_json("nta", "list")["negative"]
    assert (listed["zone"], listed["reason"]) == (
        "badsig.example.", "ticket 4711")
    assert 3500 < listed["until_s"] - time.time() <= 3600
    assert is_proven(ask(d, "www.nsec.example."))
    assert d.control("nta", "del", "badsig.example").returncode == 0
    assert lab.rcode(ask(d, "www.badsig.example.")) == "SERVFAIL"
    assert d.control("nta", "del", "badsig.example").returncode == 1


def test_status_tells_what_is_believed(start):
    d = start(VALIDATE)
    lab.wait_until(lambda: d.control_json("anchors")["rollovers"], 10)
    told = d.control_json("status")["dnssec"]
    assert told["validation"] and told["negative"] == 0
    tags = {x["tag"] for x in d.control_json("anchors")["anchors"]}
    assert {x["tag"] for x in told["anchors"]} == tags
    assert len(told["anchors"]) == len(tags)
    assert d.control("nta", "add", "badsig.example").returncode == 0
    line = [x for x in d.control("status").stdout.splitlines()
            if x.startswith("dnssec")][0]
    assert "1 negative anchor" in line
    assert all(f"{tag} valid" in line for tag in tags), line
    off = start({"dnssec": {"validation": False}})
    assert "dnssec      off" in off.control("status").stdout


def test_a_negative_anchor_ends(start):
    d = start(VALIDATE)
    d.control("nta", "add", "badsig.example", "1s")
    assert lab.wait_until(
        lambda: not d.control_json("nta", "list")["negative"], 5)
    d.control("flush", "zone", "badsig.example")
    assert lab.rcode(ask(d, "www.badsig.example.")) == "SERVFAIL"


def test_negative_anchors_of_the_configuration(start):
    def config(until):
        return lab.merge(VALIDATE, {"dnssec": {"negative-trust-anchors": [
            {"zone": "badsig.example", "until": until, "reason": "x"}]}})

    d = start(config("2100-01-01"))
    assert lab.rcode(ask(d, "www.badsig.example.")) == "NOERROR"
    over = start(config("2026-01-01T00:00:00Z"))
    assert lab.rcode(ask(over, "www.badsig.example.")) == "SERVFAIL"
    d.config["dnssec"]["negative-trust-anchors"] = []
    d.write_config()
    assert d.control("reload").returncode == 0
    assert lab.rcode(ask(d, "www.badsig.example.")) == "SERVFAIL"


def test_a_zone_may_be_taken_out_of_validation(start, sim):
    d = start(lab.merge(VALIDATE, {"zones": [
        {"name": "badsig.example", "type": "stub",
         "servers": [f"127.53.40.1@{sim.port}"], "dnssec": False}]}))
    r = ask(d, "www.badsig.example.")
    assert (lab.rcode(r), is_proven(r)) == ("NOERROR", False)


@pytest.mark.parametrize("words", [
    ("nta", "add", "x.example", "8d"), ("nta", "add", "x.example", "soon"),
    ("nta", "add", "..")])
def test_what_makes_no_sense_is_refused(validator, words):
    assert validator.control(*words).returncode == 1
