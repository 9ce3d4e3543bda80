# SPDX-License-Identifier: BSD-3-Clause
"""Public names do not lead into private networks, at hither as at unbound.

NSD serves a zone that tries; unbound with the same networks is the judge. Nor
does glue lead us to ourselves, or to what is no address of one machine.
"""

import grp
import os
import pwd

import dns.exception
import dns.message
import dns.query
import dns.rdatatype
import lab
import pytest

NETS = ["10.0.0.0/8", "192.168.0.0/16", "169.254.0.0/16", "fd00::/8",
        "fe80::/10", "::ffff:0:0/96"]
ZONE = """$TTL 300
@ SOA ns host 1 7200 900 604800 300
@ NS ns
ns A 192.0.2.53
public A 192.0.2.1
printer A 192.168.1.9
edge A 9.255.255.255
edge A 11.0.0.0
mixed A 192.0.2.1
mixed A 10.1.2.3
mixed A 192.0.2.2
link A 169.254.169.254
six AAAA fd12::1
six AAAA 2001:db8::1
local6 AAAA fe80::1
mapped AAAA ::ffff:10.0.0.1
alias CNAME printer
www.inside A 10.9.9.9
out CNAME www.inside
mail MX 10 printer
service HTTPS 1 . ipv4hint=192.0.2.1,10.0.0.1
service HTTPS 2 . ipv4hint=192.0.2.1
nat64 AAAA 64:ff9b::10.0.0.1
sixtofour AAAA 2002:a00:1::1
self NS ns.self
ns.self A 127.0.0.1
ns.self AAAA ::1
odd NS ns.odd
ns.odd A 0.0.0.0
ns.odd A 0.1.2.3
ns.odd A 255.255.255.255
ns.odd A 224.0.0.1
ns.odd AAAA ::
ns.odd AAAA ::ffff:127.0.0.1
ns.odd AAAA ff02::1
"""
NSD = """server:
    ip-address: 127.0.0.1
    port: {port}
    server-count: 1
    pidfile: "{folder}/run/nsd.pid"
    xfrdfile: "{folder}/run/xfrd.state"
    zonelistfile: "{folder}/run/zone.list"
    zonesdir: "{folder}"
    username: {user}
    chroot: ""
    database: ""
remote-control:
    control-enable: no
zone:
    name: evil.example
    zonefile: evil.zone
"""
UNBOUND = """
server:
  directory: "{folder}"
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  interface: 127.0.0.1
  port: {port}
  do-not-query-localhost: no
  module-config: "iterator"
  {nets}
  private-domain: "inside.evil.example"
remote-control:
  control-enable: no
stub-zone:
  name: evil.example
  stub-addr: 127.0.0.1@{nsd}
"""
# What both take for private; the rest is told by hither's own tests below.
SHARED = [("public", "A"), ("printer", "A"), ("edge", "A"), ("mixed", "A"),
          ("link", "A"), ("six", "AAAA"), ("local6", "AAAA"),
          ("mapped", "AAAA"), ("alias", "A"), ("www.inside", "A"),
          ("nobody", "A"), ("printer", "AAAA"), ("mail", "MX")]


def asks(process, port):
    q = dns.message.make_query("public.evil.example", "A")
    try:
        r = dns.query.udp(q, "127.0.0.1", port=port, timeout=0.3)
    except (dns.exception.Timeout, OSError):
        return False
    return process.child.poll() is None and len(r.answer) == 1


@pytest.fixture(scope="module")
def strangers(make_folder):
    running, ports = [], {}

    def begin(name, text, command, **where):
        folder = make_folder()
        (folder / "run").mkdir()
        (folder / "evil.zone").write_text(ZONE)
        port = ports[name] = lab.free_port()
        conf = folder / f"{name}.conf"
        conf.write_text(text.format(
            folder=folder, port=port, user=pwd.getpwuid(os.getuid()).pw_name,
            group=grp.getgrgid(os.getgid()).gr_name, **where))
        p = lab.Process(name, [lab.tool(name), "-d", "-c", str(conf),
                               *command], folder)
        running.append(p)
        p.wait_ready(lambda: asks(p, port))

    begin("nsd", NSD, [])
    begin("unbound", UNBOUND, [], nsd=ports["nsd"], nets="\n  ".join(
        f"private-address: {net}" for net in NETS))
    yield ports
    for p in reversed(running):
        p.end()
        lab.Process.all.remove(p)


@pytest.fixture(scope="module")
def guarded(strangers, start_for_module):
    return start_for_module({
        "private-addresses": NETS,
        "private-domains": ["inside.evil.example"],
        "local-data": ["nas.home.arpa. 60 IN A 192.168.1.2"],
        "resolver": {"minimal-responses": False},
        "dnssec": {"validation": False},
        "zones": [{"name": "evil.example", "type": "stub",
                   "servers": [f"127.0.0.1@{strangers['nsd']}"]}]})


def data(reply):
    return sorted(f"{s.name} {dns.rdatatype.to_text(s.rdtype)} {r}".lower()
                  for s in reply.answer for r in s)


@pytest.mark.parametrize("name,rdtype", SHARED)
def test_hither_and_unbound_agree(guarded, strangers, name, rdtype):
    q = dns.message.make_query(f"{name}.evil.example", rdtype, use_edns=0)
    theirs = dns.query.udp(q, "127.0.0.1", port=strangers["unbound"],
                           timeout=9)
    for _ in range(3):  # resolved, kept, and out of the packed answers
        ours = guarded.ask(f"{name}.evil.example", rdtype)
        assert lab.rcode(ours) == lab.rcode(theirs)
        assert data(ours) == data(theirs)
        assert not any(a.startswith(("10.", "192.168.", "169.254."))
                       for a in lab.addresses(ours)) or "inside" in name


def test_what_is_taken_out_is_said(guarded):
    for _ in range(4):
        reply = guarded.ask("printer.evil.example")
        assert lab.rcode(reply) == "NOERROR" and reply.answer == []
        assert lab.ede_codes(reply) == [15]
    assert guarded.control_json("stats")["source"]["screened"] > 0
    assert lab.ede_codes(guarded.ask("public.evil.example")) == []


def test_the_name_asked_for_decides_not_where_its_alias_leads(guarded):
    assert lab.addresses(guarded.ask("www.inside.evil.example")) == [
        "10.9.9.9"]
    assert lab.addresses(guarded.ask("out.evil.example")) == []


def test_other_ways_to_say_an_address(guarded):
    assert lab.addresses(guarded.ask("nat64.evil.example", "AAAA")) == []
    assert lab.addresses(guarded.ask("sixtofour.evil.example", "AAAA")) == []
    hints = guarded.ask("service.evil.example", "HTTPS")
    assert [r.priority for s in hints.answer for r in s] == [2]


def test_additional_records_are_looked_at_too(guarded):
    guarded.ask("printer.evil.example")
    reply = guarded.ask("mail.evil.example", "MX")
    assert len(reply.answer) == 1
    assert not any("192.168" in str(s) for s in reply.additional)


def test_local_data_may_say_what_it_likes(guarded):
    assert lab.addresses(guarded.ask("nas.home.arpa")) == ["192.168.1.2"]


def test_by_default_nothing_is_taken_out(start, strangers):
    d = start({"dnssec": {"validation": False}, "zones": [
        {"name": "evil.example", "type": "stub",
         "servers": [f"127.0.0.1@{strangers['nsd']}"]}]})
    assert lab.addresses(d.ask("printer.evil.example")) == ["192.168.1.9"]
    # A reload makes an answer that lies ready void.
    assert lab.addresses(d.ask("printer.evil.example")) == ["192.168.1.9"]
    d.config["private-addresses"] = NETS
    d.write_config()
    assert d.control("reload").returncode == 0
    assert lab.addresses(d.ask("printer.evil.example")) == []


# --- glue that leads to us, or nowhere ------------------------------------


def lured(start, strangers, port, **listen):
    """A daemon that asks servers at this port."""
    return start({
        "listen": [{"address": "127.0.0.1", "port": port, **listen}],
        "outgoing": {"port": port},
        "dnssec": {"validation": False},
        "zones": [{"name": "evil.example", "type": "stub",
                   "servers": [f"127.0.0.1@{strangers['nsd']}"]}]})


def sent(daemon):
    stats = daemon.control_json("stats")
    return (stats["queries"]["total"], stats["upstream"]["sent_udp"] +
            stats["upstream"]["sent_tcp"] + stats["upstream"]["broken"])


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_glue_does_not_lead_us_to_ourselves(start, strangers, address):
    d = lured(start, strangers, lab.free_port(), address=address)
    heard, asked = sent(d)
    reply = d.ask("www.self.evil.example")
    assert lab.rcode(reply) == "SERVFAIL" and lab.ede_codes(reply) != []
    now_heard, now_asked = sent(d)
    assert now_heard == heard + 1
    assert now_asked - asked <= 3  # NSD, for the delegation


def test_it_would_have_if_that_were_somebody_else(start, strangers):
    other = start()
    d = start({"outgoing": {"port": other.port},
               "dnssec": {"validation": False},
               "zones": [{"name": "evil.example", "type": "stub",
                          "servers": [f"127.0.0.1@{strangers['nsd']}"]}]})
    heard, _ = sent(other)
    d.ask("www.self.evil.example")
    assert sent(other)[0] > heard


def test_what_is_no_address_is_not_asked(start, strangers):
    d = lured(start, strangers, lab.free_port())
    _, asked = sent(d)
    assert lab.rcode(d.ask("www.odd.evil.example")) == "SERVFAIL"
    assert sent(d)[1] - asked <= 3


def test_a_server_that_is_ourselves_is_told_with_its_line(make_folder):
    path = make_folder() / "bad.yaml"
    path.write_text("listen: [{address: 127.0.0.1, port: 5301}]\n"
                    "zones:\n"
                    "  - {name: a, type: forward, servers: "
                    "[127.0.0.1@5301]}\n")
    done = lab.run_daemon("-c", str(path))
    assert done.returncode != 0
    assert "bad.yaml:3:" in done.stderr and "ourselves" in done.stderr
