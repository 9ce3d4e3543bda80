# SPDX-License-Identifier: BSD-3-Clause
"""Zones that are configured: forwarded, stubs, local, and seen by some only."""

import subprocess

import dns.edns
import dns.exception
import dns.flags
import dns.message
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
    before = sim.settled_counts()
    reply = outer.ask(GAIA)
    assert lab.addresses(reply) == [GAIA_ADDRESS]
    asked = sum(sim.asked_since(before).values())
    status = inner.control_json("status")
    assert asked > 0
    assert status["clients"]["udp" if transport == "udp" else "tcp"] > 0 \
        if "clients" in status else True
    # The second time neither the forwarder nor the world is asked.
    before = sim.settled_counts()
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
    before = sim.settled_counts()
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


# --- local aliases that lead to names of others ----------------------------


@pytest.fixture(scope="module")
def signposts(start_for_module):
    return start_for_module({
        "local-data": ["portal.home.arpa. 60 IN CNAME gaia.cs.umass.edu.",
                       "long.home.arpa. 60 IN CNAME portal.home.arpa.",
                       "gone.home.arpa. 60 IN CNAME nobody.umass.edu.",
                       "dead.home.arpa. 60 IN CNAME www.silent.example.",
                       "printer.home.arpa. 60 IN A 192.0.2.9",
                       "tv.example. 60 IN CNAME gaia.cs.umass.edu."],
        "local-zones": [
            {"name": "tv.example", "type": "redirect"},
            {"name": "null.example", "type": "always-null"},
            {"name": "never.example", "type": "always-refuse"},
            {"name": "hush.example", "type": "inform-drop"}],
        "views": [{"name": "kids", "clients": ["127.0.0.9/32"],
                   "local-data": [
                       "www.nyu.edu. 60 IN CNAME gaia.cs.umass.edu.",
                       "mine.home.arpa. 60 IN CNAME printer.home.arpa."]}]})


def chain(reply):
    return [(str(s.name).lower().rstrip("."), str(s[0]).lower().rstrip("."))
            for s in reply.answer]


@pytest.mark.parametrize("name,aliases", [
    ("portal.home.arpa", 1), ("Long.HOME.arpa", 2), ("tv.example", 1),
    ("a.b.tv.example", 1)])
def test_a_local_alias_is_followed_to_names_of_others(
        signposts, name, aliases):
    for tcp in (False, True, False, False):
        reply = signposts.ask(name, tcp=tcp)
        assert lab.rcode(reply) == "NOERROR"
        assert lab.addresses(reply) == [GAIA_ADDRESS]
        steps = chain(reply)
        assert len(steps) == aliases + 1
        assert steps[0][0] == name.lower()
        assert steps[-1] == (GAIA, GAIA_ADDRESS)
        assert str(reply.question[0].name).rstrip(".") == name
    short = subprocess.run(
        [lab.tool("dig"), "@127.0.0.1", "-p", str(signposts.port), "+short",
         name], capture_output=True, text=True, timeout=20,
        check=False).stdout.split()
    assert short[-2:] == [f"{GAIA}.", GAIA_ADDRESS]


def test_what_is_found_there_is_what_is_told(signposts):
    reply = signposts.ask("gone.home.arpa")
    assert lab.rcode(reply) == "NXDOMAIN"
    assert lab.types(reply) == ["CNAME"]
    assert lab.types(reply, "authority") == ["SOA"]
    reply = signposts.ask("portal.home.arpa", "MX")
    assert lab.rcode(reply) == "NOERROR" and lab.types(reply) == ["CNAME"]
    reply = signposts.ask("dead.home.arpa")
    assert lab.rcode(reply) == "SERVFAIL" and lab.ede_codes(reply) != []
    # Where it leads, who wants the alias itself is not led.
    reply = signposts.ask("portal.home.arpa", "CNAME")
    assert len(reply.answer) == 1


def test_what_was_put_together_here_is_not_proven(signposts):
    reply = signposts.ask("portal.home.arpa", want_dnssec=True)
    assert lab.addresses(reply) == [GAIA_ADDRESS]
    assert not reply.flags & dns.flags.AD


def test_without_recursion_the_alias_is_all(signposts):
    q = signposts.query("portal.home.arpa")
    q.flags &= ~dns.flags.RD
    reply = dns.message.from_wire(signposts.send_raw(q.to_wire()))
    assert lab.types(reply) == ["CNAME"]


def test_an_alias_of_a_view_is_its_clients_alone(signposts):
    kid = {"source": "127.0.0.9"}
    for _ in range(3):
        assert lab.addresses(signposts.ask("www.nyu.edu")) == [
            "216.165.47.10"]
        reply = signposts.ask("www.nyu.edu", **kid)
        assert lab.addresses(reply) == [GAIA_ADDRESS]
        assert chain(reply)[0] == ("www.nyu.edu", GAIA)
        # It may lead to what is local for everybody.
        reply = signposts.ask("mine.home.arpa", **kid)
        assert lab.addresses(reply) == ["192.0.2.9"]


def test_kinds_for_blocklists(signposts):
    reply = signposts.ask("ads.null.example")
    assert lab.addresses(reply) == ["0.0.0.0"]
    assert lab.addresses(signposts.ask("null.example", "AAAA")) == ["::"]
    assert signposts.ask("x.null.example", "MX").answer == []
    assert lab.ede_codes(reply) == [15]
    assert lab.rcode(signposts.ask("x.never.example")) == "REFUSED"
    with pytest.raises(dns.exception.Timeout):
        signposts.ask("www.hush.example", timeout=1)
    assert lab.wait_until(
        lambda: "name=www.hush.example" in signposts.stderr())
