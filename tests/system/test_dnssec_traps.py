# SPDX-License-Identifier: BSD-3-Clause
"""KeyTrap (CVE-2023-50387) with the dearest keys of each algorithm: how many
checks a question costs, and what others feel of it."""

import base64
import json
import subprocess
import sys

import bombs
import dns.name
import dns.rdata
import lab
import pytest
import strangers
from conftest import Namespace, finish

HITHER = 5301
QUESTIONS = 60
# Of algorithm: checks that one question may cost at most (3.5 ms of them).
BOUND = {8: 12, 13: 16, 14: 6, 15: 16, 16: 12}


def trap(world, algorithm):
    zone = f"trap{algorithm}.sample."
    ksk, zsk = (world.key(zone, 13, e) for e in (True, False))
    out = world.sign_bind(zone, [ksk], [zsk])
    made = bombs.pairs(algorithm)
    z = strangers.load(out, zone)
    keys = z.find_rdataset(z.origin, "DNSKEY")
    for flags, key, _ in made:
        keys.add(dns.rdata.from_text(
            "IN", "DNSKEY", f"{flags} 3 {algorithm} "
            f"{base64.b64encode(key).decode()}"), keys.ttl)
    bombs.sign_keys(z, world.keys / f"{ksk}.private")
    sigs = z.find_rdataset(dns.name.from_text("*.wild", z.origin),
                           strangers.RRSIG, covers="A")
    good = list(sigs)[0]
    sigs.clear()
    for _, _, signature in made:
        sigs.add(good.replace(algorithm=algorithm, key_tag=bombs.TAG,
                              signature=signature), sigs.ttl)
    strangers.save(z, out)
    world.serve(zone, out, world.ds(ksk))


@pytest.fixture(scope="module")
def house(make_folder):
    folder = make_folder()
    world = strangers.World(folder)
    for algorithm in BOUND:
        trap(world, algorithm)
    world.finish()
    space = Namespace(folder)
    server = strangers.Nsd(space, world)
    (folder / "hitherd").mkdir()
    daemon = lab.Daemon(folder / "hitherd", world.config(HITHER, folder / "control"),
        inside=space.enter)

    def set_off(algorithm):
        zone = f"trap{algorithm}.sample."
        job = {"port": HITHER, "pid": daemon.child.pid,
               "honest": f"www.{zone}", "first": f"first.wild.{zone}",
               "names": [f"n{i}.wild.{zone}" for i in range(QUESTIONS)]}
        done = subprocess.run(
            [*space.enter, sys.executable, bombs.__file__],
            input=json.dumps(job), capture_output=True, text=True,
            timeout=100, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def checks():
        stats = daemon.control_json("stats")
        return sum(stats["dnssec"]["verifications"].values())

    yield set_off, checks
    faults = finish([server, daemon])
    space.end()
    assert faults == []


@pytest.mark.parametrize("algorithm", BOUND)
def test_a_trap_costs_little_whatever_its_keys(house, algorithm):
    set_off, checks = house
    before = checks()
    found = set_off(algorithm)
    # The zone's keys and DS, the honest name, the first and the others.
    most = 8 + (QUESTIONS + 1) * BOUND[algorithm]
    assert checks() - before <= most
    assert set(found["codes"]) == {2}
    assert found["hits"] > 0
    print(algorithm, {k: v for k, v in found.items() if k != "codes"})
