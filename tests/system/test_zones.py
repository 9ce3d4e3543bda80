# SPDX-License-Identifier: BSD-3-Clause
"""Zones that are configured: forwarded, stubs, local, and seen by some only."""

import dns.edns
import dns.exception
import dns.rcode
import lab
import pytest

GAIA = "gaia.cs.umass.edu"
GAIA_ADDRESS = "128.119.245.12"


def forward(port, **more):
    return {"zones": [{"name": ".", "type": "forward",
                       "servers": [f"127.0.0.1@{port}"], **more}]}


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_everything_can_be_forwarded(start, sim, transport):
    inner = start()
    outer = start(forward(inner.port, transport=transport))
    before = sim.counts()
    reply = outer.ask(GAIA)
    assert lab.addresses(reply) == [GAIA_ADDRESS]
    asked = sum(sim.asked_since(before).values())
    status = inner.control_json("status")
    assert asked > 0
    assert status["clients"]["udp" if transport == "udp" else "tcp"] > 0 \
        if "clients" in status else True
    # The second time neither the forwarder nor the world is asked.
    before = sim.counts()
    assert lab.addresses(outer.ask(GAIA)) == [GAIA_ADDRESS]
    assert sim.asked_since(before) == {}


def test_a_dead_forwarder_is_a_failure_unless_we_may_fall_back(start):
    port = lab.free_port()
    alone = start(forward(port))
    reply = alone.ask(GAIA)
    assert lab.rcode(reply) == "SERVFAIL"
    assert lab.ede_codes(reply) != []
    helped = start(forward(port, fallback=True))
    assert lab.addresses(helped.ask(GAIA)) == [GAIA_ADDRESS]


def test_a_stub_zone_is_asked_at_the_servers_named(start, sim):
    stub = start({"zones": [{"name": "umass.edu", "type": "stub",
                             "servers": [f"127.53.7.1@{sim.port}"]}],
                  "dnssec": {"validation": False}})
    before = sim.counts()
    assert lab.addresses(stub.ask(GAIA)) == [GAIA_ADDRESS]
    asked = sim.asked_since(before)
    assert set(asked) == {"127.53.7.1"}


@pytest.fixture(scope="module")
def house(start_for_module, make_folder):
    hosts = make_folder() / "hosts"
    hosts.write_text("192.0.2.5 printer.home  # the old one\n")
    return start_for_module({
        "hosts-file": str(hosts),
        "local-data": ["www.home.arpa. 60 IN A 192.0.2.1",
                       "ads.example. 60 IN A 192.0.2.66"],
        "local-zones": [
            {"name": "ads.example", "type": "redirect"},
            {"name": "mute.example", "type": "drop"},
            {"name": "blocked.example", "type": "always-nxdomain"},
            {"name": "blocked.example", "type": "static", "view": "kids"},
            {"name": "seen.example", "type": "inform"}],
        "views": [{"name": "kids", "clients": ["127.0.0.9/32"],
                   "local-data": ["www.home.arpa. 60 IN A 192.0.2.2",
                                  "blocked.example. 60 IN A 192.0.2.3",
                                  "www.umass.edu. 60 IN A 192.0.2.4"]}],
        "logging": {"level": "info"}})


def test_local_zones_answer_as_they_are_told(house):
    assert lab.addresses(house.ask("x.y.ads.example")) == ["192.0.2.66"]
    assert lab.addresses(house.ask("printer.home")) == ["192.0.2.5"]
    reply = house.ask("blocked.example")
    assert lab.rcode(reply) == "NXDOMAIN"
    assert lab.ede_codes(reply) == [15]
    with pytest.raises(dns.exception.Timeout):
        house.ask("www.mute.example", timeout=1)
    house.ask("www.seen.example")
    assert lab.wait_until(lambda: "name=www.seen.example" in house.stderr())


def test_a_view_is_seen_by_its_clients_only(house):
    assert lab.addresses(house.ask("www.home.arpa")) == ["192.0.2.1"]
    kid = {"source": "127.0.0.9"}
    assert lab.addresses(house.ask("www.home.arpa", **kid)) == ["192.0.2.2"]
    assert lab.addresses(house.ask("blocked.example", **kid)) == \
        ["192.0.2.3"]
    # What the view says nothing about is the same for all.
    assert lab.addresses(house.ask("x.ads.example", **kid)) == ["192.0.2.66"]
    assert lab.addresses(house.ask(GAIA, **kid)) == [GAIA_ADDRESS]
    # Not even an answer that lies ready for the others.
    for _ in range(4):
        assert lab.addresses(house.ask("www.umass.edu"))[-1] == \
            "128.119.8.148"
    assert lab.addresses(house.ask("www.umass.edu", **kid)) == ["192.0.2.4"]


def test_an_unknown_view_is_told_with_its_line(make_folder):
    path = make_folder() / "bad.yaml"
    path.write_text("local-zones:\n"
                    "  - {name: a.example, type: static, view: nobody}\n")
    done = lab.run_daemon("-c", str(path))
    assert done.returncode != 0
    assert "bad.yaml:2:" in done.stderr and '"nobody"' in done.stderr


def test_clients_that_send_a_cookie_are_given_one(daemon):
    def ask(cookie):
        option = dns.edns.GenericOption(dns.edns.OptionType.COOKIE, cookie)
        return daemon.ask(GAIA, options=[option])

    def cookie_of(reply):
        found = [o for o in reply.options
                 if o.otype == dns.edns.OptionType.COOKIE]
        return found[0].data if found else None

    mine = bytes(range(8))
    given = cookie_of(ask(mine))
    assert given[:8] == mine and given[8:12] == b"\1\0\0\0"
    assert len(given) == 24
    assert cookie_of(ask(given)) == given
    other = cookie_of(ask(mine[::-1] + given[8:]))
    assert other[:8] == mine[::-1] and other[16:] != given[16:]
    assert cookie_of(daemon.ask(GAIA)) is None
