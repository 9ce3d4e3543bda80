# SPDX-License-Identifier: BSD-3-Clause
"""The nearest server of a zone is asked, and the others often enough."""

import concurrent.futures

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
