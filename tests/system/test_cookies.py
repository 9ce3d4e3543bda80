# SPDX-License-Identifier: BSD-3-Clause
"""Other people's servers that want to see their own cookie (RFC 7873).

BIND and Knot DNS answer BADCOOKIE to who does not show one. What is counted
is what hitherd sends: two questions by UDP for the first name, one for each
that follows, and never TCP.
"""

import pathlib
import subprocess

import lab
import pytest

ZONE = """$TTL 300
@ SOA ns.biscuit. baker.biscuit. 1 7200 900 604800 300
@ NS ns
ns A 127.0.0.1
a A 192.0.2.1
b A 192.0.2.2
c A 192.0.2.3
"""


def named(folder, port):
    (folder / "named.conf").write_text(f"""options {{
 directory "{folder}";
 pid-file none;
 session-keyfile none;
 listen-on port {port} {{ 127.0.0.1; }};
 listen-on-v6 {{ none; }};
 recursion no;
 answer-cookie yes;
 require-server-cookie yes;
}};
controls {{ }};
zone "biscuit" {{ type primary; file "{folder}/biscuit.zone"; }};
""")
    return [lab.tool("named"), "-g", "-4", "-n", "1", "-c",
            str(folder / "named.conf")]


def knotd(folder, port):
    (folder / "knot.conf").write_text(f"""server:
  listen: 127.0.0.1@{port}
  rundir: "{folder}"
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: "{folder}"
mod-cookies:
  - id: strict
    badcookie-slip: 1
template:
  - id: default
    global-module: mod-cookies/strict
zone:
  - domain: biscuit
    file: "{folder}/biscuit.zone"
    zonefile-sync: -1
    journal-content: none
""")
    return [lab.tool("knotd"), "-c", str(folder / "knot.conf")]


@pytest.fixture(params=[named, knotd], ids=["named", "knotd"])
def baker(request, make_folder):
    """The port of a server that demands cookies."""
    folder = pathlib.Path(make_folder())
    (folder / "biscuit.zone").write_text(ZONE)
    port = lab.free_port("127.0.0.1")
    p = lab.Process(request.param.__name__, request.param(folder, port),
                    folder)

    def answers():
        done = subprocess.run(
            [lab.tool("dig"), "@127.0.0.1", "-p", str(port), "+tries=1",
             "+time=1", "+norec", "+tcp", "biscuit", "SOA"],
            capture_output=True, text=True, check=False)
        return "status: NOERROR" in done.stdout

    p.wait_ready(answers)
    yield port
    p.end()


def stub(port, **more):
    return {"zones": [{"name": "biscuit", "type": "stub",
                       "servers": [f"127.0.0.1@{port}"]}],
            "dnssec": {"validation": False},
            "server": {"threads": 1},  # each worker learns by itself
            "server-selection": {"budget": 0}, **more}


def sent(daemon):
    up = daemon.control_json("stats")["upstream"]
    return up["sent_udp"], up["sent_tcp"]


def test_the_cookie_a_server_demands_is_shown_to_it(start, baker):
    daemon = start(stub(baker))
    before = sent(daemon)
    assert lab.addresses(daemon.ask("a.biscuit")) == ["192.0.2.1"]
    first = sent(daemon)
    assert first[0] - before[0] == 2
    assert lab.addresses(daemon.ask("b.biscuit")) == ["192.0.2.2"]
    assert lab.addresses(daemon.ask("c.biscuit")) == ["192.0.2.3"]
    last = sent(daemon)
    assert last[0] - first[0] == 2
    assert last[1] == before[1]


def test_who_shows_no_cookie_is_answered_all_the_same(start, baker):
    """Without the option nothing is demanded."""
    daemon = start(stub(baker, resolver={"dns-cookies": False}))
    assert lab.addresses(daemon.ask("a.biscuit")) == ["192.0.2.1"]
    assert lab.addresses(daemon.ask("b.biscuit")) == ["192.0.2.2"]
