# SPDX-License-Identifier: BSD-3-Clause
"""Answers in a row to one client, over a cable: none is lost or mixed up.

What leaves as one packet is cut up on its way, by whatever network lies
between; a client must see what it would have seen of answers sent one by one.
"""

import json
import subprocess

import conftest
import lab
import pytest

NAMES = 200
LONG = "x" * 200
ASK = """
import json, socket, sys
import dns.message
where, names, rdtype = json.loads(sys.argv[1])
family = socket.AF_INET6 if ":" in where else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
s.settimeout(5)
s.connect((where, 53))
asked = {}
for name in names:
    q = dns.message.make_query(name, rdtype, use_edns=0, payload=1232)
    q.id = len(asked) + 1
    asked[q.id] = q
    s.send(q.to_wire())
while asked:
    reply = dns.message.from_wire(s.recv(65535))
    q = asked.pop(reply.id)
    assert q.is_response(reply), reply
    texts = [r.to_text() for a in reply.answer for r in a]
    name = q.question[0].name.to_text(omit_final_dot=True)
    print(json.dumps([name, texts]))
"""


@pytest.fixture(name="cable", scope="module")
def cable_between(tmp_path_factory):
    """hitherd here, a client there; two addresses of each family here."""
    folder = tmp_path_factory.mktemp("rows")
    here, there = (conftest.Namespace(folder) for _ in range(2))
    here.run("ip", "link", "add", "out", "mtu", "1400", "type", "veth", "peer",
             "name", "in", "mtu", "1400", "netns", str(there.holder.pid))
    for place, device, last in ((here, "out", "12"), (there, "in", "3")):
        for n in last:
            place.run("ip", "address", "add", f"192.0.2.{n}/24", "dev", device)
            place.run("ip", "address", "add", f"2001:db8::{n}/64", "dev",
                      device, "nodad")
        place.run("ip", "link", "set", device, "up")
    data = [f"n{i:03}.house.example. 60 IN A 192.0.2.{i}"
            for i in range(NAMES)]
    data += [f"t{i:03}.house.example. 60 IN TXT {LONG[:i]} {LONG} {LONG} "
             f"{LONG} {LONG}" for i in range(1, NAMES, 10)]
    daemon = lab.Daemon(folder, lab.config_for(folder, 53, {
        "listen": [{"address": "0.0.0.0", "port": 53},
                   {"address": "::", "port": 53}],
        "access-control": [{"net": "0.0.0.0/0", "action": "allow"},
                           {"net": "::/0", "action": "allow"}],
        "local-data": data}), inside=here.enter)
    yield daemon, there
    daemon.end()
    here.end()
    there.end()


def ask_all(there, where, names, rdtype):
    done = subprocess.run(
        [*there.enter, "/usr/bin/python3", "-c", ASK,
         json.dumps([where, names, rdtype])],
        capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return dict(map(json.loads, done.stdout.splitlines()))


@pytest.mark.parametrize("where", ["192.0.2.1", "192.0.2.2", "2001:db8::1",
                                   "2001:db8::2"])
def test_rows_of_one_length_arrive_from_the_address_asked(cable, where):
    daemon, there = cable
    names = [f"n{i:03}.house.example" for i in range(NAMES)]
    found = ask_all(there, where, names, "A")
    assert found == {n: [f"192.0.2.{i}"] for i, n in enumerate(names)}
    assert daemon.faults() == []


@pytest.mark.parametrize("where", ["192.0.2.2", "2001:db8::2"])
def test_long_rows_of_every_length_arrive(cable, where):
    _, there = cable
    numbers = range(1, NAMES, 10)
    found = ask_all(there, where, [f"t{i:03}.house.example" for i in numbers
                                   for _ in range(3)], "TXT")
    for i in numbers:
        texts = found[f"t{i:03}.house.example"]
        assert [len(t.strip('"')) for t in texts[0].split()] == [
            i, 200, 200, 200, 200]
