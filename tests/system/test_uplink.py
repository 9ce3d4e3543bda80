# SPDX-License-Identifier: BSD-3-Clause
"""The way out is lost and comes back; the wall clock is set.

hitherd stands in a namespace of its own, the world in another, and a cable
lies between them. The cable is pulled, the route is taken away, or the far
side falls silent: in each case what is in memory goes on being answered, and
fresh names are found again within seconds of the repair, for "everything
fails at once" is not "these servers are dead".
"""

import concurrent.futures
import json
import os
import subprocess
import time

import conftest
import lab
import pytest

ZONES = 20
HERE, THERE = "192.0.2.1", "192.0.2.2"
SERVERS = "198.18.0.0/15"
OUTAGE_S = int(os.environ.get("UPLINK_SECONDS", "8"))
ASK = f"""
import asyncio, json, socket, struct, sys, time
sys.path.insert(0, {str(lab.TOP / 'tests/system/attack')!r})
import wire
async def main():
    loop, waiting, number = asyncio.get_running_loop(), dict(), 0
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setblocking(False)
    s.connect(("127.0.0.1", int(sys.argv[1])))
    def heard():
        data = s.recv(4096)
        name, began = waiting.pop(struct.unpack("!H", data[:2])[0])
        a = wire.Answer(data)
        print(json.dumps([name, a.rcode, a.ede, time.monotonic() - began]),
              flush=True)
    loop.add_reader(s, heard)
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        number += 1
        name = line.decode().strip()
        waiting[number] = name, time.monotonic()
        s.send(wire.query(name, msgid=number))
asyncio.run(main())
"""


def write_world(folder):
    """A root, net., and zones of two servers each with a wildcard."""
    addresses = {"198.18.0.1": ["root"], "198.18.0.2": ["net"]}
    soa = "3600 IN SOA ns.invalid. hostmaster.invalid. 1 7200 900 604800 300"
    net = [f"net. {soa}", "net. 3600 IN NS ns.net.",
           "ns.net. 3600 IN A 198.18.0.2"]
    (folder / "root.zone").write_text("\n".join([
        f". {soa}", ". 3600 IN NS a.root.", "a.root. 3600 IN A 198.18.0.1",
        "net. 3600 IN NS ns.net.", "ns.net. 3600 IN A 198.18.0.2"]) + "\n")
    for i in range(ZONES):
        zone, lines = f"z{i}.net", [f"z{i}.net. {soa}"]
        for k in (1, 2):
            address = f"198.18.{k}.{i + 1}"
            lines += [f"{zone}. 3600 IN NS ns{k}.{zone}.",
                      f"ns{k}.{zone}. 3600 IN A {address}"]
            net += lines[-2:]
            addresses[address] = [zone]
        lines.append(f"*.{zone}. 3600 IN A 203.0.113.{i + 1}")
        (folder / f"{zone}.zone").write_text("\n".join(lines) + "\n")
    (folder / "net.zone").write_text("\n".join(net) + "\n")
    (folder / "net.yaml").write_text(json.dumps({"addresses": {
        a: {"name": f"s{n}.invalid", "zones": z}
        for n, (a, z) in enumerate(addresses.items())}}))


class Place:
    """hitherd here, the world there, and what lies between."""

    def __init__(self, make_folder):
        self.here = conftest.Namespace(make_folder())
        self.there = conftest.Namespace(make_folder())
        self.here.run("ip", "link", "add", "out", "type", "veth", "peer",
                      "name", "in", "netns", str(self.there.holder.pid))
        self.here.run("ip", "address", "add", HERE + "/24", "dev", "out")
        self.there.run("ip", "address", "add", THERE + "/24", "dev", "in")
        self.there.run("ip", "link", "set", "in", "up")
        self.connect("link")
        self.listen()
        folder = make_folder()
        write_world(folder)
        self.world = lab.Process("hither-sim", [
            lab.program("hither-sim"), "--zones", str(folder), "--port",
            "53"], folder, self.there.enter)
        self.world.wait_ready(lambda: "ready:" in self.world.stderr())
        folder = make_folder()
        hints = folder / "hints"
        hints.write_text(". 3600 NS a.root.\na.root. 3600 A 198.18.0.1\n")
        self.daemon = lab.Daemon(folder, lab.config_for(folder, 53, {
            "server": {"root-hints": str(hints)},
            "resolver": {"do-ip6": False},
            "dnssec": {"validation": False}}), inside=self.here.enter)
        self.asker = subprocess.Popen(
            [*self.here.enter, "/usr/bin/python3", "-c", ASK,
             str(self.daemon.port)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.asked, self.said, self.number = {}, [], 0
        self.reader = concurrent.futures.ThreadPoolExecutor(1)
        self.reader.submit(self.read)

    def read(self):
        for line in self.asker.stdout:
            self.said.append(json.loads(line))

    def listen(self):
        self.there.run("ip", "route", "add", "local", SERVERS, "dev", "lo")

    def connect(self, how):
        if how == "link":
            self.here.run("ip", "link", "set", "out", "up")
            self.here.run("ip", "route", "add", SERVERS, "via", THERE)
        elif how == "route":
            self.here.run("ip", "route", "add", SERVERS, "via", THERE)
        else:
            self.listen()

    def cut(self, how):
        if how == "link":
            self.here.run("ip", "link", "set", "out", "down")
        elif how == "route":
            self.here.run("ip", "route", "del", SERVERS)
        else:
            self.there.run("ip", "route", "del", "local", SERVERS, "dev",
                           "lo")

    def ask(self, name):
        self.asked[name] = time.monotonic()
        self.asker.stdin.write(name + "\n")
        self.asker.stdin.flush()

    def ask_fresh(self, seconds, old=()):
        """Twenty new names a second, and those that are in memory."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.number += 1
            self.ask(f"n{self.number}.z{self.number % ZONES}.net")
            for name in old:
                self.ask(name)
            time.sleep(0.05)

    def end(self):
        self.asker.stdin.close()
        self.asker.wait(20)
        self.reader.shutdown()
        statuses = [self.daemon.end()[0], self.world.end()[0]]
        self.here.end()
        self.there.end()
        return statuses


@pytest.fixture
def place(make_folder):
    p = Place(make_folder)
    yield p
    assert p.end() == [0, 0]


@pytest.mark.parametrize("how", ["link", "route", "silence"])
def test_fresh_names_are_found_soon_after_the_way_is_back(place, how):
    old = "old.z1.net"
    place.ask(old)
    place.ask_fresh(3)
    lab.wait_until(lambda: len(place.said) == len(place.asked))
    assert all(rcode == 0 for _, rcode, _, _ in place.said), place.said
    place.cut(how)
    began = len(place.said)
    place.ask_fresh(OUTAGE_S, [old])
    place.connect(how)
    back = time.monotonic()
    place.ask_fresh(8)
    lab.wait_until(lambda: len(place.said) >= place.number + 1, 10)
    time.sleep(0.5)
    during = place.said[began:]
    # From memory as ever, while all else fails with a reason.
    assert all(s[1] == 0 for s in during if s[0] == old)
    failed = [s for s in during if s[1] == 2]
    assert failed and all(s[2] for s in failed)
    codes = {c for s in failed for c in s[2]}
    assert codes <= {13, 22, 23}, codes
    if how != "silence":
        assert 23 in codes
    # Whatever was asked from five seconds after the repair is answered.
    answered = {s[0]: s for s in place.said if s[1] == 0}
    fresh = {n: at - back for n, at in place.asked.items()
             if at > back and n != old}
    times = sorted(at + answered[n][3] for n, at in fresh.items()
                   if n in answered)
    assert times, (place.said[-20:], place.daemon.stderr()[-2000:])
    late = [n for n, at in fresh.items() if at > 5 and n not in answered]
    lost = [at for n, at in fresh.items() if n not in answered]
    print(f"{how}: first after {times[0]:.2f} s, last failure asked "
          f"{max(lost, default=0):.2f} s after; {len(lost)} of {len(fresh)}")
    assert times[0] <= 2
    assert late == []


def test_the_wall_clock_may_be_set_at_will(make_folder, sim):
    """TTLs do not notice; signatures do, and the log says why."""
    plain = os.environ.get("HITHER_PLAIN_DIR")
    if plain is None:
        pytest.skip("HITHER_PLAIN_DIR does not name an ordinary build")
    folder = make_folder()
    stamp = folder / "time"
    stamp.write_text("+0")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HITHER_BUILD_DIR", plain)
        d = lab.Daemon(folder, lab.config_for(folder, sim.port),
                       env=lab.faked_wall_clock(stamp))
    try:
        jumps(d, sim, stamp)
    finally:
        assert d.end()[0] == 0


def jumps(d, sim, stamp):
    name = "gaia.cs.umass.edu"
    assert lab.addresses(d.ask(name)) == ["128.119.245.12"]
    for jump, zone, codes in (
            ("+1h", "nsec", []), ("-1h", "nsec3", []),
            ("@1970-01-02 00:00:00", "ed25519", [8]),
            ("+0", "p384", []),
            # RFC 1982: what is 68 years ahead lies behind
            ("@2106-02-08 00:00:00", "rsa", [8]), ("+0", "rsa512", []),
            ("+60d", "optout", [7])):
        stamp.write_text(jump)
        before = sim.counts()
        assert lab.addresses(d.ask(name)) == ["128.119.245.12"]
        assert sim.asked_since(before) == {}  # nothing ended early
        reply = d.ask(f"www.{zone}.example")
        assert lab.rcode(reply) == ("SERVFAIL" if codes else "NOERROR")
        assert lab.ede_codes(reply) == codes, (jump, lab.ede_texts(reply))
    assert lab.wait_until(lambda: "clock-jumped" in d.stderr())
