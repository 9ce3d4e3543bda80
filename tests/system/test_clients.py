# SPDX-License-Identifier: BSD-3-Clause
"""Programs that others wrote: clients that ask, servers that are asked."""

import grp
import os
import pwd
import subprocess

import dns.exception
import dns.message
import dns.query
import lab
import pytest


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True,
                          timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# --- clients ---------------------------------------------------------------


@pytest.mark.parametrize("more", [[], ["+tcp"], ["+noedns"], ["+dnssec"],
                                  ["+bufsize=4096"], ["+cookie"],
                                  ["+subnet=192.0.2.0/24"]],
                         ids=lambda m: "".join(m) or "plain")
@pytest.mark.parametrize("program", ["dig", "kdig"])
def test_dig_and_kdig_get_the_address(daemon, program, more):
    if program == "kdig" and more == ["+cookie"]:
        more = ["+cookie=0011223344556677"]
    out = run(lab.tool(program), "@127.0.0.1", "-p", str(daemon.port),
              "www.enterprise.com", "A", *more)
    assert "198.51.100.20" in out
    assert "relay1.west-coast.enterprise.com." in out
    assert "NOERROR" in out
    assert "WARNING" not in out.upper().replace(
        ";; WARNING: RECURSION", "WARNING RECURSION")


def test_dig_falls_back_to_tcp(daemon):
    out = run(lab.tool("dig"), "@127.0.0.1", "-p", str(daemon.port),
              "hundred.big.example", "A")
    assert "retrying in TCP mode" in out
    assert "ANSWER: 100," in out


def test_dig_shows_the_reason_of_a_failure(daemon):
    out = run(lab.tool("dig"), "@127.0.0.1", "-p", str(daemon.port),
              "+timeout=8", "+tries=1", "www.refused.example")
    assert "SERVFAIL" in out
    assert "EDE: " in out


def test_drill_gets_the_address(daemon):
    out = run(lab.tool("drill"), "-p", str(daemon.port),
              "gaia.cs.umass.edu", "@127.0.0.1")
    assert "128.119.245.12" in out and "NOERROR" in out


def test_drill_follows_an_answer_to_tcp(daemon):
    out = run(lab.tool("drill"), "-t", "-p", str(daemon.port), "big.example",
              "@127.0.0.1", "TXT")
    assert out.count("a long text that goes on") >= 16


# --- the C library -----------------------------------------------------------


def test_the_c_library_asks_us_on_port_53(make_folder, namespace):
    folder = make_folder()
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    (folder / "nsswitch.conf").write_text("hosts: dns\n")
    for name in ("resolv.conf", "nsswitch.conf"):
        namespace.run("mount", "--bind", str(folder / name), f"/etc/{name}")
    # getent asks with AI_ADDRCONFIG: for families that have an address other
    # than loopback's.
    namespace.run("ip", "address", "add", "192.0.2.1/32", "dev", "lo")
    # getent only asks for addresses of families that the host has itself.
    namespace.run("ip", "address", "add", "192.0.2.77/32", "dev", "lo")
    s = lab.Sim(make_folder(), port=5301, inside=namespace.enter)
    d = lab.Daemon(folder, lab.config_for(folder, 5301, {
        "listen": [{"address": "127.0.0.1", "port": 53}]}),
        inside=namespace.enter)
    try:
        four = namespace.run(lab.tool("getent"), "ahostsv4",
                             "gaia.cs.umass.edu").stdout
        both = namespace.run(lab.tool("getent"), "hosts",
                             "mail.enterprise.com").stdout
        missing = namespace.run(lab.tool("getent"), "ahostsv4",
                                "nobody.umass.edu", check=False)
    finally:
        ends = [p.end()[0] for p in (d, s)]
    assert ends == [0, 0]
    assert "128.119.245.12" in four
    assert "2001:db8:100::25" in both or "198.51.100.25" in both
    assert missing.returncode == 2


# --- servers -----------------------------------------------------------------

# They serve the zones as they were written: unsigned.
UNSIGNED = {"dnssec": {"validation": False}}
NSD = """\
server:
    ip-address: {address}@{port}
    username: "{user}"
    database: ""
    zonesdir: "{zones}"
    pidfile: "{folder}/nsd.pid"
    xfrdfile: "{folder}/xfrd.state"
    zonelistfile: "{folder}/zone.list"
    xfrdir: "{folder}"
    logfile: "{folder}/nsd.log"
    server-count: 1
remote-control:
    control-enable: no
"""
KNOT = """\
server:
    listen: {address}@{port}
    rundir: {folder}/run
    pidfile: {folder}/knot.pid
    user: {user}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: {folder}/db
log:
  - target: stderr
    any: info
template:
  - id: default
    storage: {zones}
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
"""


def answers(process, address, port, zone):
    q = dns.message.make_query(zone, "SOA")
    try:
        r = dns.query.udp(q, address, port=port, timeout=0.3)
    except (dns.exception.Timeout, OSError):
        return False
    return process.child.poll() is None and len(r.answer) == 1


@pytest.fixture(scope="module")
def serve(make_folder):
    """serve(make, address, port, zones): NSD or Knot with those zones."""
    running = []

    def begin(make, address, port, zones):
        folder = make_folder()
        (folder / "run").mkdir()
        (folder / "db").mkdir()
        user = pwd.getpwuid(os.getuid()).pw_name
        group = grp.getgrgid(os.getgid()).gr_name
        p = make(zones, address=address, port=port, folder=folder,
                 zones=lab.ZONES, user=user, group=group)
        p.wait_ready(lambda: answers(p, address, port, zones[0]))
        running.append(p)
        return f"{address}@{port}"

    yield begin
    for p in reversed(running):
        assert p.end()[0] == 0
        lab.Process.all.remove(p)


def nsd(names, folder, **where):
    text = NSD.format(folder=folder, **where) + "".join(
        f"zone:\n    name: {n}\n    zonefile: {file_of(n)}\n" for n in names)
    (folder / "nsd.conf").write_text(text)
    return lab.Process("nsd", [lab.tool("nsd"), "-d", "-c",
                               str(folder / "nsd.conf")], folder)


def knot(names, folder, **where):
    text = KNOT.format(folder=folder, **where) + "zone:\n" + "".join(
        f"  - domain: {n}\n    file: {file_of(n)}\n" for n in names)
    (folder / "knot.conf").write_text(text)
    return lab.Process("knotd", [lab.tool("knotd"), "-c",
                                 str(folder / "knot.conf")], folder)


def file_of(zone):
    return "root.zone" if zone == "." else f"{zone}.zone"


@pytest.fixture(scope="module")
def beside_others(serve, start_for_module):
    """A daemon that is told where two of the zones are."""
    by_nsd = serve(nsd, "127.0.0.1", lab.free_port(),
                   ["umass.edu", "big.example"])
    by_knot = serve(knot, "127.0.0.1", lab.free_port(),
                    ["enterprise.com", "dname.example"])
    return start_for_module({**UNSIGNED, "zones": [
        {"name": name, "type": "stub", "servers": [where]}
        for name, where in (("umass.edu", by_nsd), ("big.example", by_nsd),
                            ("enterprise.com", by_knot),
                            ("dname.example", by_knot))]})


def test_nsd_is_asked_for_its_zone(beside_others, sim):
    before = sim.settled_counts()
    d = beside_others
    assert lab.addresses(d.ask("gaia.cs.umass.edu")) == ["128.119.245.12"]
    assert lab.rcode(d.ask("nobody.umass.edu")) == "NXDOMAIN"
    assert d.ask("www.cs.umass.edu", "TXT").answer == []
    whole = d.ask("hundred.big.example", tcp=True)
    assert len(lab.addresses(whole)) == 100
    assert sim.asked_since(before) == {}


def test_knot_is_asked_for_its_zone(beside_others, sim):
    before = sim.settled_counts()
    d = beside_others
    assert lab.addresses(d.ask("www.enterprise.com")) == ["198.51.100.20"]
    assert lab.rcode(d.ask("nobody.enterprise.com")) == "NXDOMAIN"
    moved = d.ask("www.old.dname.example")
    assert lab.addresses(moved) == ["192.0.2.110"]
    assert sim.asked_since(before) == {}


def test_other_zones_are_found_as_ever(beside_others):
    assert lab.addresses(beside_others.ask("www.nyu.edu")) == [
        "216.165.47.10"]


def test_a_walk_leads_through_nsd_and_knot(serve, start):
    port = lab.free_port("127.53.0.1")
    for address in ("127.53.0.1", "127.53.0.2"):
        serve(nsd, address, port, ["."])
    for address in ("127.53.1.1", "127.53.1.2"):
        serve(knot, address, port, ["edu"])
    serve(nsd, "127.53.7.1", port, ["umass.edu"])
    d = start({"outgoing": {"port": port}, **UNSIGNED})
    assert lab.addresses(d.ask("gaia.cs.umass.edu")) == ["128.119.245.12"]
    r = d.ask("nobody.edu")
    assert lab.rcode(r) == "NXDOMAIN"
    assert lab.types(r, "authority") == ["SOA"]
