# SPDX-License-Identifier: BSD-3-Clause
"""What a client is told besides the answer: who we are, how long, goodbye."""

import signal
import subprocess
import time

import dns.edns
import lab
import pytest
from test_streams import receive, send

GAIA = "gaia.cs.umass.edu"
GAIA_ADDRESS = "128.119.245.12"
REFUSED_AT = "127.0.0.66"


@pytest.fixture(scope="module")
def told(start_for_module):
    return start_for_module({
        "server": {"nsid": "ns-7", "identity": "ns-7.example"},
        "access-control": [
            {"net": "127.0.0.0/8", "action": "allow"},
            {"net": f"{REFUSED_AT}/32", "action": "refuse"}],
        "local-zones": [
            {"name": "no.example", "type": "always-nxdomain"},
            {"name": "refused.example", "type": "refuse"}]})


@pytest.mark.parametrize("question,rcode,ede,text", [
    (("umass.edu", "TYPE0"), "FORMERR", 30, "no record has this type"),
    (("umass.edu", "TYPE128"), "FORMERR", 30, "no record has this type"),
    (("umass.edu", "TYPE41"), "NOTIMP", 21, "by this type"),
    (("umass.edu", "TYPE253"), "NOTIMP", 21, "by this type"),
    (("x.no.example", "A"), "NXDOMAIN", 15, "local-zones"),
    (("x.refused.example", "A"), "REFUSED", 15, "local-zones")])
def test_what_is_refused_here_says_why(told, question, rcode, ede, text):
    reply = told.ask(*question)
    assert lab.rcode(reply) == rcode
    assert lab.ede_codes(reply) == [ede]
    assert text in lab.ede_texts(reply)[0]
    plain = told.ask(*question, use_edns=-1)
    assert lab.rcode(plain) == rcode and plain.edns < 0


def test_who_still_waits_at_the_end_is_told(start, sim):
    d = start()
    sim.command("set 127.53.10.1 delay 3000")
    try:
        with d.connect() as s:
            send(s, d.query("www.netcinema.com"))
            time.sleep(0.5)
            d.child.send_signal(signal.SIGTERM)
            reply = receive(s)
    finally:
        sim.command("set 127.53.10.1 delay 20")
    assert lab.rcode(reply) == "SERVFAIL"
    assert lab.ede_codes(reply) == [14]
    assert "shuts down" in lab.ede_texts(reply)[0]
    assert d.child.wait(15) == 0


# --- who we are ------------------------------------------------------------


def test_dig_is_told_which_server_it_is(told):
    for words in (["+nsid"], ["+nsid", "+tcp"], ["+nsid", "-b", REFUSED_AT]):
        out = subprocess.run(
            [lab.tool("dig"), "@127.0.0.1", "-p", str(told.port), GAIA,
             *words], capture_output=True, text=True, timeout=20,
            check=False).stdout
        assert '("ns-7")' in out, words
    reply = told.ask("id.server", "TXT", rdclass="CH")
    assert str(reply.answer[0][0]) == '"ns-7.example"'
    assert [o for o in told.ask(GAIA).options
            if o.otype == dns.edns.OptionType.NSID] == []


# --- how long a connection may be idle: RFC 7828 --------------------------

KEEPALIVE = dns.edns.GenericOption(11, b"")


def keepalive_of(reply):
    found = [o.data for o in reply.options if o.otype == 11]
    return int.from_bytes(found[0], "big") / 10 if found else None


def test_clients_by_tcp_learn_how_long_they_may_be_idle(told):
    with told.connect() as s:
        for name in (GAIA, "nobody.umass.edu", "x.no.example",
                     "www.shop.example", GAIA):
            send(s, told.query(name, options=[KEEPALIVE]))
            assert keepalive_of(receive(s)) == 10.0
        send(s, told.query(GAIA))
        assert keepalive_of(receive(s)) is None
    assert keepalive_of(told.ask(GAIA, options=[KEEPALIVE])) is None
    out = subprocess.run(
        [lab.tool("dig"), "@127.0.0.1", "-p", str(told.port), GAIA, "+tcp",
         "+keepalive"], capture_output=True, text=True, timeout=20,
        check=False).stdout
    assert "TCP KEEPALIVE: 10.0 secs" in out or \
        "TCP-KEEPALIVE: 10.0 secs" in out, out


def test_the_time_told_is_the_time_kept_and_shrinks_when_full(start):
    d = start({"tcp": {"idle-timeout": "2s", "max-clients": 8},
               "server": {"threads": 1}})
    others = [d.connect() for _ in range(7)]
    with d.connect() as s:
        send(s, d.query(GAIA, options=[KEEPALIVE]))
        granted = keepalive_of(receive(s))
        assert 0.1 <= granted <= 1
        began = time.monotonic()
        s.settimeout(5)
        try:
            assert s.recv(1) == b""
        except ConnectionResetError:
            pass
        assert time.monotonic() - began <= 2.5
    for o in others:
        o.close()


# --- secrets shared by several servers: RFC 9018 ---------------------------

OLD, NEW = "e5e973e5a6b2a43f48e7dc849e37bfcf", "445536bcd2513298075a5d379663c962"


def cookie(daemon, data):
    option = dns.edns.GenericOption(dns.edns.OptionType.COOKIE, data)
    reply = daemon.ask(GAIA, options=[option])
    return [o.data for o in reply.options
            if o.otype == dns.edns.OptionType.COOKIE][0]


def test_a_secret_is_rolled_over_a_set_of_servers(start, make_folder):
    path = make_folder() / "secrets"
    path.write_text(f"# staging\n{OLD}\n")
    mine = bytes(range(8))
    first, second = (start({"resolver": {"cookie-secret-file": str(path)}})
                     for _ in range(2))
    given = cookie(first, mine)
    assert cookie(second, given) == given  # one knows the other's
    # 1. The first learns of the new one, and still makes the old.
    path.write_text(f"{OLD}\n{NEW.upper()}\n")
    assert first.control("reload").returncode == 0
    assert cookie(first, given) == given
    # 2. The second makes the new one already: the first knows it.
    path.write_text(f"{NEW}\n{OLD}\n")
    assert second.control("reload").returncode == 0
    renewed = cookie(second, given)
    assert renewed != given and renewed[:8] == mine
    assert cookie(second, renewed) == renewed
    # 3. The old one is forgotten.
    path.write_text(f"{NEW}\n")
    assert first.control("reload").returncode == 0
    assert cookie(first, renewed) == renewed


@pytest.mark.parametrize("text,says", [
    ("", "no secret"), ("12\n", ":1: error: a secret is 32"),
    (f"{OLD}\n{OLD}\n{OLD}\n", ":3: error: there can be 2"),
    (f"# x\n{OLD}0\n", ":2: error"), (None, "cannot read")])
def test_a_bad_file_of_secrets_is_told_with_its_line(make_folder, text, says):
    folder = make_folder()
    path = folder / "secrets"
    if text is not None:
        path.write_text(text)
    conf = folder / "hither.yaml"
    conf.write_text(f"resolver: {{cookie-secret-file: {path}}}\n")
    done = lab.run_daemon("--check", "-c", str(conf))
    assert done.returncode != 0 and says in done.stderr + done.stdout
