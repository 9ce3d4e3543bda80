# SPDX-License-Identifier: BSD-3-Clause
"""hitherctl: every command, for people and for programs."""

import contextlib
import json
import os
import re
import socket
import subprocess
import time

import lab
import pytest

LOOKING = [
    ["status"], ["stats"], ["servers", "umass.edu"], ["sites"],
    ["trace", "gaia.cs.umass.edu"], ["trace", "nobody.umass.edu", "TXT"],
    ["trace", "gaia.cs.umass.edu", "A", "--cold"],
    ["trace", "www.refused.example"],
    ["config", "show"], ["config", "show", "--origin"],
    ["config", "show", "--changed"], ["health"],
]


@pytest.mark.parametrize("words", LOOKING, ids=" ".join)
def test_a_command_answers_people_in_text_and_programs_in_json(
        daemon, words):
    text = daemon.control(*words)
    assert text.returncode == 0, text.stderr
    assert text.stdout != "" or words == ["health"]
    for line in (["--json", *words], [*words, "--json"]):
        done = daemon.control(*line)
        assert done.returncode == 0
        assert isinstance(json.loads(done.stdout), dict)


def test_status_tells_what_runs(daemon):
    daemon.ask("localhost")
    told = daemon.control_json("status")
    assert told["pid"] == daemon.child.pid
    assert told["healthy"] is True
    assert told["threads"] == 2
    assert told["queries"] >= 1
    assert told["generation"] == 1
    assert 0 <= told["hit_ratio"] <= 1
    assert told["cache"]["bytes"] <= told["cache"]["max_bytes"]
    assert any(str(daemon.port) in x["address"] and x["udp"] and x["tcp"]
               for x in told["listening"])
    assert told["dnssec"]["negative"] == 0
    text = daemon.control("status").stdout
    assert f"pid {daemon.child.pid}" in text and str(daemon.port) in text


def test_counters_count_and_are_never_reset(start):
    d = start()
    for _ in range(4):
        d.ask("gaia.cs.umass.edu")
    d.ask("gaia.cs.umass.edu", tcp=True)
    d.ask("nobody.umass.edu")
    d.ask("www.refused.example")
    d.ask("hundred.big.example")
    first, told = d.control_json("stats"), d.control_json("stats")
    assert first["queries"] == told["queries"]
    assert told["queries"]["total"] == 8
    assert told["queries"]["udp"] == 7 and told["queries"]["tcp"] == 1
    assert told["queries"]["truncated"] == 1
    assert told["queries"]["receive_errors"] == 0
    assert told["queries"]["overdue"] == 0
    assert told["answers"]["NOERROR"] == 6
    assert told["answers"]["NXDOMAIN"] == 1
    assert told["answers"]["SERVFAIL"] == 1
    assert told["source"]["hits"] >= 2
    assert told["upstream"]["sent_udp"] >= 5
    assert told["upstream"]["sent_tcp"] >= 1
    assert told["cache"]["records"] > 0


def test_a_trace_tells_every_step(start):
    d = start()
    cold = d.control_json("trace", "gaia.cs.umass.edu")
    assert cold["rcode"] == "NOERROR"
    assert cold["name"] == "gaia.cs.umass.edu."
    assert any("128.119.245.12" in line for line in cold["answer"])
    assert cold["messages"] >= 3
    assert cold["from_cache"] is False
    assert len(cold["steps"]) >= 8
    times = [s["at_ms"] for s in cold["steps"]]
    assert times == sorted(times)
    told = [s["why"] for s in cold["steps"]]
    for zone in (".", "edu.", "umass.edu."):
        assert any(f"for zone {zone} (" in x for x in told), zone
    assert any(x.startswith("answer from 127.53.7.1 after") for x in told)
    assert [s["why"] for s in cold["steps"] if s["depth"] == 0].count(
        "NOERROR") == 1
    warm = d.control_json("trace", "gaia.cs.umass.edu")
    assert warm["from_cache"] is True and warm["messages"] == 0
    again = d.control_json("trace", "gaia.cs.umass.edu", "A", "--cold")
    assert again["messages"] >= 1


@pytest.mark.parametrize("name", [
    "gaia.cs.umass.edu", "www.shop.example", "www.example.com"])
def test_a_trace_tells_of_a_helper_once(start, name):
    d = start()
    d.ask("www.nyu.edu")
    for cold in (True, False, True):
        told = d.control_json("trace", name, "A", *["--cold"] * cold)
        steps = [(s["at_ms"], s["stage"], s["why"], s["task"])
                 for s in told["steps"]]
        assert len(steps) == len(set(steps))
        assert all(s["stage"] != "more" for s in told["steps"])
        heads = [(s["why"].removesuffix(", as above"), s["task"],
                  s["why"].endswith(", as above"))
                 for s in told["steps"] if s["stage"] == "help"]
        whole = [h[:2] for h in heads if not h[2]]
        assert len(whole) == len(set(whole)), heads
        assert {h[:2] for h in heads} == set(whole)
        owners = {s["task"] for s in told["steps"]}
        assert len(owners) == len(whole) + 1


def test_a_trace_shows_the_walk_and_the_chain_link_by_link(start):
    d = start()
    lines = d.control("trace", "gaia.cs.umass.edu").stdout.splitlines()
    text = "\n".join(lines)
    assert "question   gaia.cs.umass.edu. A" in lines[0]
    walk = [line for line in lines if re.match(r" *[0-9.]+ ms  referral", line)]
    assert [line.split(" to ")[1].split()[0] for line in walk] == \
        ["edu.", "umass.edu."]
    for link in (". DNSKEY", "edu. DS", "edu. DNSKEY", "umass.edu. DS",
                 "umass.edu. DNSKEY", "gaia.cs.umass.edu. A"):
        assert re.search(rf"validate   secure: good \S+: {re.escape(link)}, "
                         r"key \d+ ", text), link
    assert re.fullmatch(r"\d+ messages to \d servers, [0-9.]+ ms, "
                        r"\d signature checks", lines[-1])
    assert len(lines) < 45
    warm = d.control("trace", "gaia.cs.umass.edu").stdout.splitlines()
    assert len(warm) == 5 and warm[-1].endswith(", from cache")


def test_a_trace_tells_why_a_name_fails(daemon):
    told = daemon.control_json("trace", "www.lame.example")
    assert told["rcode"] == "SERVFAIL"
    assert told["ede"] >= 0 and told["ede_text"] != ""
    text = daemon.control("trace", "www.lame.example").stdout
    assert "SERVFAIL" in text


def is_known(d, sim, name, rdtype="A"):
    before = sim.settled_counts()
    d.ask(name, rdtype)
    return sim.asked_since(before) == {}


@pytest.mark.parametrize("words, forgotten, kept", [
    (["name", "gaia.cs.umass.edu"],
     [("gaia.cs.umass.edu", "A"), ("gaia.cs.umass.edu", "TXT")],
     [("www.cs.umass.edu", "A"), ("www.nyu.edu", "A")]),
    (["type", "gaia.cs.umass.edu", "TXT"],
     [("gaia.cs.umass.edu", "TXT")],
     [("gaia.cs.umass.edu", "A"), ("www.nyu.edu", "A")]),
    (["zone", "umass.edu"],
     [("gaia.cs.umass.edu", "A"), ("www.cs.umass.edu", "A")],
     [("www.nyu.edu", "A")]),
    (["negative"],
     [("nobody.nyu.edu", "A"), ("www.cs.umass.edu", "MX")],
     [("gaia.cs.umass.edu", "A")]),
    (["negative", "nyu.edu"],
     [("nobody.nyu.edu", "A")],
     [("www.cs.umass.edu", "MX"), ("gaia.cs.umass.edu", "A")]),
    (["all"],
     [("gaia.cs.umass.edu", "A"), ("www.nyu.edu", "A"),
      ("nobody.nyu.edu", "A")], []),
    (["servers"], [], [("gaia.cs.umass.edu", "A")]),
], ids=["name", "type", "zone", "negative", "negative below", "all",
        "servers"])
def test_flush_forgets_what_it_is_told_and_nothing_else(
        start, sim, words, forgotten, kept):
    d = start()
    for _ in range(3):
        for question in (("gaia.cs.umass.edu", "A"),
                         ("gaia.cs.umass.edu", "TXT"),
                         ("www.cs.umass.edu", "A"), ("www.nyu.edu", "A"),
                         ("www.cs.umass.edu", "MX"), ("nobody.nyu.edu", "A")):
            d.ask(*question)
    told = d.control_json("flush", *words)
    assert told["what"] == words[0] and told["forgotten"] >= 1
    for question in kept:
        assert is_known(d, sim, *question), question
    for question in forgotten:
        assert not is_known(d, sim, *question), question


@pytest.mark.parametrize("words", [
    ["all", "www.nyu.edu"], ["servers", "edu"],
    ["zone", "www.nyu.edu", "A"], ["name", "www.nyu.edu", "A"],
    ["negative", "nyu.edu", "A"], ["negative", "a..b"]], ids=" ".join)
def test_a_flush_that_is_told_too_much_forgets_nothing(daemon, sim, words):
    daemon.ask("www.nyu.edu")
    done = daemon.control("flush", *words)
    assert done.returncode == 1 and done.stdout == ""
    assert is_known(daemon, sim, "www.nyu.edu")


def test_loglevel_changes_until_the_next_reload(start):
    d = start()
    assert d.control_json("loglevel", "debug")["before"] == "info"
    assert d.control("loglevel", "loud").returncode == 1
    assert d.control_json("loglevel", "debug")["before"] == "debug"
    assert d.control("reload").returncode == 0
    assert d.control_json("loglevel", "info")["before"] == "info"


def test_config_show_tells_where_a_value_was_set(start):
    d = start({"server": {"identity": "here"}})
    text = d.control("config", "show", "--origin").stdout
    line = next(x for x in text.splitlines() if "identity" in x)
    assert "here" in line and "hither.yaml:" in line
    changed = d.control("config", "show", "--changed").stdout
    assert "identity" in changed and "max-pipelined" not in changed


def test_the_configuration_that_is_shown_can_be_read_again(
        start, make_folder):
    d = start({"local-data": ["a.home. 300 IN TXT \"x: y # z\""]})
    path = make_folder() / "shown.yaml"
    path.write_text(d.control("config", "show").stdout)
    done = lab.control("checkconf", str(path))
    assert done.returncode == 0, done.stderr


def test_stop_ends_the_daemon(start):
    d = start()
    done = d.control("stop")
    assert done.returncode == 0
    assert d.child.wait(2) == 0


# --- exit codes ------------------------------------------------------------


@pytest.mark.parametrize("words", [
    ["servers", "a..b"], ["trace", "x.example", "NOTYPE"],
    ["flush", "everything"], ["flush", "name"], ["flush", "type", "x."],
    ["loglevel", "loud"]], ids=" ".join)
def test_what_is_refused_ends_with_1(daemon, words):
    done = daemon.control(*words)
    assert done.returncode == 1
    assert done.stderr.startswith("hitherctl: ")
    told = daemon.control("--json", *words)
    assert told.returncode == 1
    assert "error" in json.loads(told.stdout)


@pytest.mark.parametrize("words", [
    [], ["nonsense"], ["trace"], ["status", "extra"], ["--no-flag"],
    ["config"], ["trace", "a", "A", "--warm"], ["checkconf", "a", "b"],
    ["checkconf", "--help"], ["schema", "extra"],
    ["config", "sample", "extra"]], ids=" ".join)
def test_wrong_usage_ends_with_2(daemon, words):
    done = daemon.control(*words)
    assert done.returncode == 2
    assert done.stderr != "" and done.stdout == ""


def test_a_daemon_that_is_not_there_ends_with_3(make_folder):
    path = make_folder() / "nobody.sock"
    done = lab.control("status", socket_path=path)
    assert done.returncode == 3
    assert str(path) in done.stderr


def test_a_socket_on_which_nobody_speaks_does_not_hang(make_folder):
    path = make_folder() / "silent.sock"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
        done = lab.control("status", socket_path=path)
    assert done.returncode == 3


def test_who_never_finishes_a_request_does_not_keep_others_away(start):
    d = start()
    slow = [socket.socket(socket.AF_UNIX) for _ in range(8)]
    try:
        for s in slow:
            s.connect(str(d.socket))
        asking = subprocess.Popen(
            [lab.program("hitherctl"), "--socket", str(d.socket), "status"],
            stdout=subprocess.DEVNULL, env=lab.environment())
        for _ in range(10):
            for s in slow:
                with contextlib.suppress(OSError):
                    s.send(b"G")
            time.sleep(1)
        assert asking.poll() == 0
    finally:
        for s in slow:
            s.close()


def test_a_configuration_that_names_no_socket_is_told(make_folder):
    path = make_folder() / "hither.yaml"
    for text in ("cache: {record: 5M}", "control: {socket: \"\"}"):
        path.write_text(text)
        done = lab.control("-c", str(path), "status")
        assert done.returncode == 3
        assert f"hitherctl: {path}" in done.stderr


def test_what_could_not_be_written_is_told(daemon):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [lab.program("hitherctl"), "--socket", str(daemon.socket),
             "status"], stdout=full, stderr=subprocess.PIPE, text=True,
            timeout=30, check=False, env=lab.environment())
    assert done.returncode == 1
    assert "cannot write" in done.stderr


# --- without a daemon --------------------------------------------------------


def test_checkconf_finds_what_the_daemon_would(make_folder, daemon):
    good = lab.control("checkconf", str(daemon.config_path))
    assert good.returncode == 0, good.stderr
    path = make_folder() / "bad.yaml"
    path.write_text("cache:\n  record: 5M\n  answers: x\n")
    bad = lab.control("checkconf", str(path))
    assert bad.returncode == 1
    assert f"{path}:2:3: error: cache.record" in bad.stderr
    assert f"{path}:3:" in bad.stderr
    told = lab.control("--json", "checkconf", str(path))
    assert told.returncode == 1
    assert "cache.record" in json.dumps(json.loads(told.stdout))


@pytest.mark.parametrize("text, told", [
    ("hosts-file: /nowhere/hosts", "/nowhere/hosts"),
    ("server: {root-hints: /nowhere/hints}", "/nowhere/hints"),
    ("dnssec: {trust-anchor-file: /nowhere/key}", "/nowhere/key"),
    ("local-data: [a.home. 60 IN A 192.0.2.1, a.home. 60 IN CNAME b.home.]",
     "a.home. 60 IN CNAME b.home."),
], ids=["hosts", "hints", "anchors", "alias"])
def test_checkconf_refuses_what_the_daemon_refuses(make_folder, text, told):
    path = make_folder() / "hither.yaml"
    path.write_text(text + "\n")
    daemon = lab.run_daemon("--check", "-c", str(path))
    assert daemon.returncode == 1 and told in daemon.stderr
    plain = lab.control("checkconf", str(path))
    assert plain.returncode == 1 and told in plain.stderr
    report = json.loads(lab.control("--json", "checkconf", str(path)).stdout)
    assert report["errors"] == 1
    assert told in report["problems"][0]["message"]


def test_the_sample_changes_nothing_and_is_sound(make_folder):
    sample = lab.control("config", "sample")
    assert sample.returncode == 0
    path = make_folder() / "sample.yaml"
    path.write_text(sample.stdout)
    done = lab.control("checkconf", str(path))
    assert done.returncode == 0, done.stderr


def test_every_option_of_the_sample_may_be_switched_on(make_folder):
    """The values in it are the built-in ones."""
    text = lab.control("config", "sample").stdout
    lines = [re.sub(r"^#(?! \S)", "", x) for x in text.splitlines()]
    path = make_folder() / "full.yaml"
    path.write_text("\n".join(lines) + "\n")
    done = lab.control("checkconf", str(path))
    assert done.returncode == 0, done.stderr


def test_the_schema_is_json_and_names_every_section():
    done = lab.control("schema")
    assert done.returncode == 0
    schema = json.loads(done.stdout)
    assert {"server", "listen", "cache", "zones"} <= set(schema["properties"])


# --- the socket --------------------------------------------------------------


def test_curl_can_speak_to_it(daemon):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5)
        s.connect(daemon.socket)
        s.sendall(b"GET /v1/status HTTP/1.0\r\nHost: x\r\n\r\n")
        reply = b"".join(iter(lambda: s.recv(65536), b""))
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.split()[1] == b"200"
    assert json.loads(body)["pid"] == daemon.child.pid


@pytest.mark.parametrize("request_line, code", [
    (b"GET /v1/stop", b"405"), (b"GET /v1/nonsense", b"404"),
    (b"GET /", b"404"), (b"GET /v1/flush?what=all", b"405")])
def test_looking_changes_nothing(daemon, request_line, code):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5)
        s.connect(daemon.socket)
        s.sendall(request_line + b" HTTP/1.0\r\nHost: x\r\n\r\n")
        reply = b"".join(iter(lambda: s.recv(65536), b""))
    assert reply.split()[1] == code
    assert lab.rcode(daemon.ask("localhost")) == "NOERROR"


def test_the_socket_is_not_for_everybody(start):
    d = start({"control": {"mode": "0600"}})
    assert os.stat(d.socket).st_mode & 0o777 == 0o600
