# SPDX-License-Identifier: BSD-3-Clause
"""The nearest server of a zone is asked, and the others often enough."""

import concurrent.futures
import re
import signal
import time

import lab

NEAR = "127.53.20.1"
ALL = [f"127.53.20.{i}" for i in range(1, 5)]


def shares(sim, d, first, count):
    before = sim.counts()
    for i in range(first, first + count):
        d.ask(f"n{i}.t.near.example")
    asked = sim.asked_since(before)
    return {a: asked.get(a, 0) for a in ALL}


def test_after_thirty_questions_most_go_to_the_nearest_server(start, sim):
    d = start()
    shares(sim, d, 0, 30)
    later = shares(sim, d, 100, 40)
    assert later[NEAR] >= 30
    assert later[NEAR] > 3 * sum(later[a] for a in ALL[1:])


def test_the_next_nearest_takes_over_when_the_nearest_goes_away(start, sim):
    d = start()
    shares(sim, d, 0, 30)
    sim.command(f"quirk {NEAR} +silent")
    try:
        shares(sim, d, 200, 10)
        later = shares(sim, d, 300, 20)
    finally:
        sim.command(f"quirk {NEAR} -silent")
    assert later["127.53.20.2"] >= 14
    assert later[NEAR] <= 6


def test_the_random_policy_spreads_evenly(start, sim):
    d = start({"server-selection": {"policy": "random"}})
    before = sim.counts()
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        list(pool.map(d.ask, [f"r{i}.t.near.example" for i in range(72)]))
    asked = sim.asked_since(before)
    assert all(asked.get(a, 0) >= 5 for a in ALL)


def test_what_is_known_of_the_servers_is_told(start, sim):
    d = start()
    shares(sim, d, 0, 30)
    told = d.control_json("servers", "near.example")
    by_address = {s["address"]: s for s in told["servers"]}
    assert told["zone"] == "near.example."
    assert set(by_address) == set(ALL)
    near = by_address[NEAR]
    assert near["state"] == "best"
    assert near["why"] == "least expected wait"
    assert told["next"] == NEAR
    assert near["share"] > 0.5
    assert abs(sum(s.get("share", 0) for s in told["servers"]) - 1) < 0.01
    assert near["cost_ms"] < by_address[ALL[3]].get("cost_ms", 1e9)
    assert near["name"] == "ns1.near.example."
    assert 5 < near["rtt_ms"] < 60
    assert near["queries"] >= 10


def test_people_see_who_is_nearest_and_why(start, sim):
    d = start()
    shares(sim, d, 0, 30)
    text = d.control("servers", "near.example").stdout
    assert "policy near" in text
    best = [line for line in text.splitlines() if NEAR in line]
    assert any("best: least expected wait" in line for line in best)
    assert f"the next question goes to {NEAR}" in text
    told = d.control("trace", "why.t.near.example").stdout
    assert re.search(rf"why\.t\.near\.example\. A -> {re.escape(NEAR)}"
                     r".* nearest\)", told), told


def test_decisions_are_counted_by_their_kind(start, sim):
    d = start()
    shares(sim, d, 0, 40)
    told = d.control_json("stats")["selection"]
    assert told["nearest"] >= 30
    assert told["unknown"] >= 1
    assert told["copied_unknown"] + told["raced_cold"] >= 1
    assert told["deaths"] == 0
    again = d.control_json("stats")["selection"]
    assert again == told


def test_sites_are_listed_nearest_first(start, sim):
    d = start()
    for i in range(6):
        d.ask(f"n{i}.nowhere{i}.")
    told = d.control_json("sites")
    sites = told["sites"]
    assert any(s["site"].startswith("root-") for s in sites), told
    times = [s["rtt_ms"] for s in sites]
    assert times == sorted(times)
    assert isinstance(told["moves"], list)
    text = d.control("sites").stdout
    assert sites[0]["site"] in text and "ADDRESSES" in text


def test_a_change_of_catchment_is_told_everywhere_with_both_sites(start, sim):
    address = "127.53.21.1"
    sim.command(f"set {address} site any-near")
    d = start()
    try:
        for i in range(40):
            d.ask(f"a{i}.t.anycast.example")
        assert d.control_json("sites")["moves"] == []
        sim.command(f"set {address} site any-far")
        moves = []
        for i in range(200):
            d.ask(f"b{i}.t.anycast.example")
            moves = d.control_json("sites")["moves"]
            if moves:
                break
    finally:
        sim.command(f"set {address} site auto")
    assert len(moves) == 1
    move = moves[0]
    assert (move["address"], move["from"], move["to"]) == \
        (address, "any-near", "any-far")
    assert 8 < move["rtt_from_ms"] < 30 < 100 < move["rtt_to_ms"] < 130
    assert 0 <= move["age_s"] < 60
    text = d.control("sites").stdout
    assert re.search(rf"{address} +any-near -> any-far, \S+ -> \S+ ms", text)
    line = [x for x in d.stderr().splitlines() if "catchment-moved" in x]
    assert len(line) == 1
    assert f"server={address}" in line[0]
    assert "from=any-near to=any-far rtt_us_from=" in line[0]
    assert "hither_catchment_changes_total 1\n" in \
        d.control("stats", "--prom").stdout
    zone = d.control_json("servers", "anycast.example")["servers"]
    moved = {s["address"]: s for s in zone}[address]
    assert moved["site"] == "any-far" and moved["site_changes"] == 1


def test_what_was_learnt_survives_a_restart(start, sim, tmp_path):
    config = {"server": {"directory": str(tmp_path)}}
    first = start(config)
    shares(sim, first, 0, 30)
    assert first.end()[0] == 0
    assert (tmp_path / "servers.table").stat().st_size > 28
    second = start(config)
    assert "servers-loaded" in second.stderr()
    later = shares(sim, second, 500, 20)
    assert later[NEAR] >= 19
    assert second.control_json("stats")["selection"]["raced_cold"] <= 5


def test_a_damaged_table_is_told_of_once_and_does_not_stop_us(
        start, sim, tmp_path):
    (tmp_path / "servers.table").write_text("not a table at all\n" * 9)
    d = start({"server": {"directory": str(tmp_path)}})
    assert d.stderr().count("servers-not-loaded") == 1
    assert d.ask("n1.t.near.example").rcode() == 0
    assert d.end()[0] == 0
    assert start({"server": {"directory": str(tmp_path)}}).stderr().count(
        "servers-loaded") == 1


def test_nothing_is_kept_when_that_is_not_wanted(start, sim, tmp_path):
    d = start({"server": {"directory": str(tmp_path)},
               "server-selection": {"save-on-exit": False}})
    shares(sim, d, 0, 5)
    assert d.end()[0] == 0
    assert not (tmp_path / "servers.table").exists()


def test_a_knob_out_of_range_is_an_error_with_its_line(tmp_path):
    path = tmp_path / "hither.yaml"
    for line, word in (("tail-weight: 11", "tail-weight"),
                       ("budget: -1", "budget"), ("policy: far", "policy"),
                       ("v4-bias: 11s", "v4-bias")):
        path.write_text(f"server-selection:\n  {line}\n")
        done = lab.run_daemon("-c", str(path), "--check")
        assert done.returncode == 1
        assert re.search(rf"hither\.yaml:2:\d+: error: .*{word}",
                         done.stderr + done.stdout)


def test_a_daemon_that_was_stopped_does_not_blame_the_servers(start, sim):
    d = start()
    shares(sim, d, 0, 40)
    before = d.control_json("servers", "near.example")["servers"]
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        asked = [pool.submit(d.ask, f"s{i}.t.near.example", timeout=20)
                 for i in range(48)]
        time.sleep(0.01)
        d.child.send_signal(signal.SIGSTOP)
        time.sleep(3)
        d.child.send_signal(signal.SIGCONT)
        for a in asked:
            assert a.result().rcode() == 0
    told = d.control_json("stats")["selection"]
    assert told["deaths"] == 0
    near = {s["address"]: s for s in before}[NEAR]
    after = {s["address"]: s
             for s in d.control_json("servers", "near.example")["servers"]}
    assert after[NEAR]["state"] == "best"
    assert after[NEAR]["rtt_ms"] < 2 * near["rtt_ms"]
    assert after[NEAR]["loss"] < 0.05
