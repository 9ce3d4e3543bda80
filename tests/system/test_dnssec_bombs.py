# SPDX-License-Identifier: BSD-3-Clause
"""Zones made to be expensive: KeyTrap (CVE-2023-50387) and NSEC3 bombs
(CVE-2023-50868). They cost their author more than us."""

import base64
import random

import dns.name
import judges
import lab
import pytest
import strangers
from conftest import Namespace, finish

HITHER = 5301
TAG, KEYS, SIGNATURES = 4711, 60, 60
LABELS = 110


def tag_of(rdata):
    """RFC 4034 appendix B."""
    total = sum(b << 8 if i % 2 == 0 else b for i, b in enumerate(rdata))
    return (total + (total >> 16)) & 0xffff


def trap_keys():
    """RSA keys of random moduli that all have one tag."""
    rng = random.Random(7)
    lines = []
    while len(lines) < KEYS:
        modulus = bytearray(rng.randbytes(256))
        modulus[0] |= 0x80
        modulus[-1] |= 1
        modulus[100:102] = b"\0\0"
        head = bytes([1, 0, 3, 8, 3, 1, 0, 1])
        missing = (TAG - tag_of(head + modulus)) % 0xffff
        modulus[100:102] = missing.to_bytes(2, "big")
        if tag_of(head + modulus) != TAG:
            continue
        key = base64.b64encode(head[4:] + bytes(modulus)).decode()
        lines.append(f"@ 3600 IN DNSKEY 256 3 8 {key}\n")
    return "".join(lines)


def spring_trap(z):
    """Signatures by that tag over one set, none of them good."""
    rng = random.Random(8)
    owner = dns.name.from_text("www", z.origin)
    sigs = z.find_rdataset(owner, strangers.RRSIG, covers="A")
    good = list(sigs)[0]
    sigs.clear()
    for _ in range(SIGNATURES):
        sigs.add(good.replace(algorithm=8, key_tag=TAG,
                              signature=rng.randbytes(256)), sigs.ttl)


@pytest.fixture(scope="module")
def bombs(make_folder):
    folder = make_folder()
    world = strangers.World(folder)
    zone = "trap.sample."
    ksk, zsk = (world.key(zone, 8, e) for e in (True, False))
    path = world.write(zone, strangers.PLAIN + world.dnskeys(ksk, zsk) +
                       trap_keys())
    out = path.with_suffix(".signed")
    strangers.run("dnssec-signzone", "-q", "-x", "-P", "-o", zone, "-k",
                  world.keys / ksk, "-f", out, path, world.keys / zsk,
                  cwd=folder)
    z = strangers.load(out, zone)
    spring_trap(z)
    strangers.save(z, out)
    world.serve(zone, out, world.ds(ksk))
    zone = "rounds.sample."
    ksk, zsk = (world.key(zone, 13, e) for e in (True, False))
    world.serve(zone, world.sign_bind(zone, [ksk], [zsk], how=[
        "-3", "00" * 32, "-H", "50"]), world.ds(ksk))
    world.finish()
    space = Namespace(folder)
    servers = [strangers.Nsd(space, world)]
    (folder / "hitherd").mkdir()
    daemon = lab.Daemon(folder / "hitherd", world.config(HITHER), inside=space.enter)

    yield lambda *questions: judges.ask_all(
        space, [HITHER], questions)[HITHER]
    faults = finish([*servers, daemon])
    space.end()
    assert faults == []


def test_a_key_trap_is_left_after_few_checks(bombs):
    trapped, honest = bombs(("www.trap.sample.", "A"),
                            ("mail.trap.sample.", "A"))
    assert trapped["rcode"] == "SERVFAIL"
    assert trapped["answer"] == []
    assert 6 in trapped["ede"], trapped
    assert "too many" in trapped["texts"][0]
    # What else is in the zone is as good as it was.
    assert (honest["rcode"], honest["ad"]) == ("NOERROR", True)


def test_many_labels_times_many_rounds_are_not_hashed(bombs):
    deep = "a." * LABELS
    there, absent = bombs(("www.rounds.sample.", "A"),
                          (f"{deep}rounds.sample.", "A"))
    assert (there["rcode"], there["ad"]) == ("NOERROR", True)
    assert absent["rcode"] == "SERVFAIL"
    assert "too many" in absent["texts"][0]
