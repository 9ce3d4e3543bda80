# SPDX-License-Identifier: BSD-3-Clause
"""Why something is not proven is told in a form that helps whoever has to
repair it: the code (RFC 8914), and in words the zone, key and time."""

import re

import dns.dnssec
import judges
import lab
import pytest
import strangers
from conftest import Namespace, finish

HITHER = 5301
KEY = r"key \d+ ECDSAP256SHA256"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\dZ"
# Question, rcode, code, what the words must hold.
REASONS = {
    "unknown algorithm": ("www.alg.sample.", "NOERROR", 1, [
        "alg.sample.", "key 4711", "algorithm 200"]),
    "algorithm of old": ("www.sha1.sample.", "NOERROR", 1, [
        "sha1.sample.", r"key \d+", "RSASHA1-NSEC3-SHA1"]),
    "unknown digest": ("www.digest.sample.", "NOERROR", 2, [
        "digest.sample.", "key 4711", "digest", "99"]),
    "no anchor above": ("a.root.", "NOERROR", 5, ["anchor"]),
    "forged": ("www.forged.sample.", "SERVFAIL", 6, [
        "does not verify", "www.forged.sample. A",
        f"{KEY} of forged.sample."]),
    "expired": ("www.dates.sample.", "SERVFAIL", 7, [
        f"expired {TIME}", "www.dates.sample. A",
        f"{KEY} of dates.sample."]),
    "early": ("www.early.sample.", "SERVFAIL", 8, [
        f"not yet valid {TIME}", "www.early.sample. A",
        f"{KEY} of early.sample."]),
    "no keys": ("www.nokeys.sample.", "SERVFAIL", 9, ["DNSKEY"]),
    "another key": ("www.wrongds.sample.", "SERVFAIL", 9, [
        "wrongds.sample.", "DS", KEY]),
    "a DS that was forgotten": ("www.halfway.sample.", "SERVFAIL", 9, [
        "DS", "DNSKEY"]),
    "stripped": ("www.stripped.sample.", "SERVFAIL", 10, [
        "no signature of stripped.sample. over www.stripped.sample. A"]),
    "keys not signed": ("www.keystripped.sample.", "SERVFAIL", 10, [
        "no signature", "keystripped.sample. DNSKEY"]),
    "not a zone key": ("www.zonebit.sample.", "SERVFAIL", 11, [
        "zonebit.sample.", KEY, "zone key bit"]),
    "no proof": ("nope.noproof.sample.", "SERVFAIL", 12, [
        "noproof.sample."]),
    "no server": ("www.orphan.sample.", "SERVFAIL", 22, ["orphan.sample."]),
    "too many rounds": ("nope.rounds.sample.", "NXDOMAIN", 27, [
        "rounds.sample.", "more than 50"]),
}


def add_spoiled(world, name):
    spoil = {**strangers.MISTAKES, **strangers.DENIAL_MISTAKES}[name][0]
    zone = f"{name}.sample."
    ksk, zsk = (world.key(zone, 13, e) for e in (True, False))
    path = world.sign_bind(zone, [ksk], [zsk])
    z = strangers.load(path, zone)
    spoil(z)
    strangers.save(z, path)
    world.serve(zone, path, world.ds(ksk))


def add_without_zone_bit(world):
    zone = "zonebit.sample."
    ksk, zsk = (world.key(zone, 13, e) for e in (True, False))
    path = world.sign_bind(zone, [ksk], [zsk])
    z = strangers.load(path, zone)
    keys = z.find_rdataset(z.origin, "DNSKEY")
    entry = next(k for k in keys if k.flags == 257)
    keys.remove(entry)
    keys.add(entry.replace(flags=1), keys.ttl)
    strangers.save(z, path)
    ds = dns.dnssec.make_ds(zone, entry.replace(flags=1), "SHA256")
    world.serve(zone, path, [f"{zone} DS {ds}"])


def add_unsupported(world):
    digest = "00" * 32
    for name, ds in (("alg", f"4711 200 2 {digest}"),
                     ("digest", f"4711 13 99 {digest}")):
        zone = f"{name}.sample."
        world.serve(zone, world.write(zone, strangers.PLAIN),
                    [f"{zone} DS {ds}"])
    keys = [world.key("sha1.sample.", "NSEC3RSASHA1", e)
            for e in (True, False)]
    world.serve("sha1.sample.", world.sign_bind(
        "sha1.sample.", keys[:1], keys[1:]), world.ds(keys[0]))


def add_of_the_parent(world):
    ksk, zsk, other = (world.key("wrongds.sample.", 13, e)
                       for e in (True, False, True))
    world.serve("wrongds.sample.", world.sign_bind(
        "wrongds.sample.", [ksk], [zsk]), world.ds(other))
    world.serve("halfway.sample.",
                world.write("halfway.sample.", strangers.PLAIN),
                world.ds(world.key("halfway.sample.", 13, True)))
    world.delegations += ["orphan.sample. NS ns.nowhere.sample."]
    ksk, zsk = (world.key("rounds.sample.", 13, e) for e in (True, False))
    world.serve("rounds.sample.", world.sign_bind(
        "rounds.sample.", [ksk], [zsk], how=["-3", "-", "-H", "60"]),
        world.ds(ksk))


@pytest.fixture(scope="module")
def said(make_folder):
    folder = make_folder()
    world = strangers.World(folder)
    for name in ("forged", "dates", "early", "nokeys", "stripped",
                 "keystripped", "noproof"):
        add_spoiled(world, name)
    add_without_zone_bit(world)
    add_unsupported(world)
    add_of_the_parent(world)
    world.finish()
    space = Namespace(folder)
    running = [strangers.Nsd(space, world)]
    (folder / "hitherd").mkdir()
    running.append(lab.Daemon(folder / "hitherd", world.config(HITHER), inside=space.enter))
    questions = [(name, "A") for name, _, _, _ in REASONS.values()]
    first, again = (judges.ask_all(space, [HITHER], questions)[HITHER]
                    for _ in range(2))
    yield dict(zip(REASONS, zip(first, again)))
    faults = finish(running)
    space.end()
    assert faults == []


@pytest.mark.parametrize("reason", REASONS)
def test_the_reason_is_told_in_code_and_words(said, reason):
    _, rcode, code, words = REASONS[reason]
    first = said[reason][0]
    assert (first["rcode"], first["ad"]) == (rcode, False), first
    assert first["ede"][:1] == [code], first
    for word in words:
        assert re.search(word, first["texts"][0]), (word, first)


@pytest.mark.parametrize("reason", [r for r, x in REASONS.items()
                                    if x[1] == "SERVFAIL" and x[2] != 22])
def test_who_asks_again_is_told_the_same(said, reason):
    first, again = said[reason]
    assert again["ede"][:1] == first["ede"][:1], (first, again)
    assert again["texts"][:1] == first["texts"][:1], (first, again)
