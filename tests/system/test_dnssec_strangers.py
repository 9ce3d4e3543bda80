# SPDX-License-Identifier: BSD-3-Clause
"""Zones signed by BIND's, ldns' and Knot's tools, served by NSD and Knot DNS,
judged by hither, unbound and named side by side."""

import concurrent.futures

import judges
import lab
import pytest
import strangers
from conftest import Namespace, finish

HITHER, UNBOUND, NAMED = 5301, 5302, 5303
SHAPES = [("www", "A", "NOERROR"), ("www", "MX", "NOERROR"),
          ("nope", "A", "NXDOMAIN"), ("alias", "AAAA", "NOERROR"),
          ("x.wild", "A", "NOERROR"), ("x.wild", "MX", "NOERROR"),
          ("deep", "A", "NOERROR"), ("sub", "DS", "NOERROR")]


def sound_zones(world):
    """Every tool with every algorithm; NSEC and NSEC3 take turns."""
    out = []
    for i, algorithm in enumerate(strangers.ALGORITHMS):
        for k, tool in enumerate(("bind", "ldns", "knot")):
            nsec3 = (i + k) % 2 == 1
            zone = f"{tool}-{algorithm}-{'nsec3' if nsec3 else 'nsec'}.sample."
            out.append((zone, tool, algorithm, nsec3))
    return out


def make_sound(world, zone, tool, algorithm, nsec3):
    if tool == "knot":
        return world.sign_knot(zone, algorithm, nsec3)
    ksk, zsk = (world.key(zone, algorithm, e) for e in (True, False))
    if tool == "bind":
        how = ["-3", "c0ffee", "-H", "5"] if nsec3 else []
        return world.sign_bind(zone, [ksk], [zsk], how=how), world.ds(ksk)
    how = ["-n", "-t", "1", "-s", "abcd"] if nsec3 else []
    return world.sign_ldns(zone, ksk, zsk, how), world.ds(ksk)


def make_rollovers(world):
    """Each kind at each of its steps; all of them are sound."""
    z = "zskroll{}.sample."
    ksk, one, two = (world.key("zskroll1.sample.", 13, e)
                     for e in (True, False, False))
    world.serve(z.format(1), world.sign_bind(
        z.format(1), [ksk], [one, two], [one]), world.ds(ksk))
    ksk, one, two = (world.key("zskroll2.sample.", 13, e)
                     for e in (True, False, False))
    world.serve(z.format(2), world.sign_bind(
        z.format(2), [ksk], [one, two], [two]), world.ds(ksk))
    old, new, zsk = (world.key("kskds.sample.", 13, e)
                     for e in (True, True, False))
    world.serve("kskds.sample.", world.sign_bind(
        "kskds.sample.", [old], [zsk]), world.ds(old, new), knot=True)
    old, new, zsk = (world.key("ksksig.sample.", 13, e)
                     for e in (True, True, False))
    world.serve("ksksig.sample.", world.sign_bind(
        "ksksig.sample.", [old, new], [zsk]), world.ds(old))
    for step in (1, 2):
        zone = f"algroll{step}.sample."
        ksks = [world.key(zone, a, True) for a in (8, 13)]
        zsks = [world.key(zone, a, False) for a in (8, 13)]
        world.serve(zone, world.sign_bind(zone, ksks, zsks),
                    world.ds(*ksks[:step]), knot=step == 2)
    return ["zskroll1.sample.", "zskroll2.sample.", "kskds.sample.",
            "ksksig.sample.", "algroll1.sample.", "algroll2.sample.",
            *more_rollovers(world)]


def more_rollovers(world):
    ksk, one, two = (world.key("zskboth.sample.", 13, e)
                     for e in (True, False, False))
    world.serve("zskboth.sample.", world.sign_bind(
        "zskboth.sample.", [ksk], [one, two]), world.ds(ksk))
    # The child says which DS it wants next (RFC 7344).
    old, new, zsk = (world.key("kskcds.sample.", 13, e)
                     for e in (True, True, False))
    wish = "".join(line.replace(" DS ", " CDS ") + "\n"
                   for line in world.ds(new))
    world.serve("kskcds.sample.", world.sign_bind(
        "kskcds.sample.", [old, new], [zsk], more=wish), world.ds(old))
    # Both algorithms are shown, one has signed: RFC 6840 section 5.11.
    zone = "algroll3.sample."
    ksks = [world.key(zone, a, True) for a in (8, 13)]
    zsks = [world.key(zone, a, False) for a in (8, 13)]
    path = world.sign_bind(zone, ksks, zsks)
    z = strangers.load(path, zone)
    strangers.keep_algorithm(z, 13)
    strangers.save(z, path)
    world.serve(zone, path, world.ds(*ksks), knot=True)
    return ["zskboth.sample.", "kskcds.sample.", zone]


def make_mistakes(world):
    for name, (spoil, _) in {**strangers.MISTAKES,
                             **strangers.DENIAL_MISTAKES,
                             **strangers.NSEC3_MISTAKES}.items():
        zone = f"{name}.sample."
        # NSD does not start with some of these: Knot DNS serves them.
        hashed = name in strangers.NSEC3_MISTAKES
        how = ["-3", "-"] if hashed else []
        ksk, zsk = (world.key(zone, 13, e) for e in (True, False))
        path = world.sign_bind(zone, [ksk], [zsk], how=how)
        z = strangers.load(path, zone)
        spoil(z)
        strangers.save(z, path)
        world.serve(zone, path, world.ds(ksk), knot=hashed)
    # Mistakes of the parent.
    ksk, zsk, other = (world.key("wrongds.sample.", 13, e)
                       for e in (True, False, True))
    world.serve("wrongds.sample.", world.sign_bind(
        "wrongds.sample.", [ksk], [zsk]), world.ds(other))
    world.serve("unsigned.sample.", world.write("unsigned.sample.",
                                              strangers.PLAIN), [])
    ksk = world.key("halfway.sample.", 13, True)
    world.serve("halfway.sample.", world.write("halfway.sample.",
                                             strangers.PLAIN), world.ds(ksk))


@pytest.fixture(scope="module")
def said(make_folder):
    """said(name, type, checking=True) -> {port: answer}"""
    folder = make_folder()
    world = strangers.World(folder)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        made = {what: pool.submit(make_sound, world, *what)
                for what in sound_zones(world)}
        world.rolled = make_rollovers(world)
        make_mistakes(world)
        for i, (what, done) in enumerate(made.items()):
            path, ds = done.result()
            world.serve(what[0], path, ds, knot=i % 2 == 1)
    world.finish()
    space = Namespace(folder)
    running = [strangers.Nsd(space, world), strangers.Knot(space, world)]
    config = lab.merge(world.config(HITHER),
                       {"resolver": {"query-timeout": "8s"}})
    place = {n: folder / n for n in ("hitherd", "unbound", "named")}
    for p in place.values():
        p.mkdir()
    running.append(lab.Daemon(place["hitherd"], config, inside=space.enter))
    running.append(judges.Unbound(space, place["unbound"], UNBOUND,
                                  world.hints, world.anchor))
    running.append(judges.Named(space, place["named"], NAMED, world.hints,
                                world.anchor))

    def ask(questions):
        return judges.ask_all(space, [HITHER, UNBOUND, NAMED], questions)

    ask.world = world
    yield ask
    faults = finish(running)
    space.end()
    assert faults == []


def differences(questions, said):
    """What the three do not agree on."""
    out = []
    for i, q in enumerate(questions):
        views = {p: (a[i]["rcode"], a[i]["ad"]) for p, a in said.items()}
        if len(set(views.values())) > 1:
            out.append((q, views, said[HITHER][i]["texts"]))
    return out


def test_what_others_sign_is_proven(said):
    zones = [z[0] for z in sound_zones(said.world)] + said.world.rolled
    questions = [(f"{name}.{zone}", rdtype)
                 for zone in zones for name, rdtype, _ in SHAPES]
    wanted = [rcode for _ in zones for _, _, rcode in SHAPES]
    found = said(questions)
    wrong = [(q, a["rcode"], a["ad"], a["texts"])
             for q, w, a in zip(questions, wanted, found[HITHER])
             if (a["rcode"], a["ad"]) != (w, True)]
    assert wrong == []
    assert differences(questions, found) == []


def test_mistakes_are_found_out(said):
    names = list(strangers.MISTAKES)
    questions = [(f"www.{n}.sample.", "A") for n in names]
    found = said(questions)
    for name, a in zip(names, found[HITHER]):
        codes = strangers.MISTAKES[name][1]
        if codes:
            assert a["rcode"] == "SERVFAIL", (name, a)
            assert codes & set(a["ede"]), (name, a)
        else:
            assert (a["rcode"], a["ad"]) == ("NOERROR", True), (name, a)
    assert differences(questions, found) == []


def test_what_a_child_wants_of_its_parent_is_proven(said):
    questions = [("kskcds.sample.", "CDS"), ("kskcds.sample.", "DNSKEY"),
                 ("kskcds.sample.", "DS")]
    found = said(questions)
    for a in found[HITHER]:
        assert (a["rcode"], a["ad"]) == ("NOERROR", True) and a["answer"]
    assert differences(questions, found) == []


def test_mistakes_in_hashed_proofs_are_found_out(said):
    names = list(strangers.NSEC3_MISTAKES)
    questions = [(f"nope.{n}.sample.", "A") for n in names]
    found = said(questions)
    for name, a in zip(names, found[HITHER]):
        assert a["rcode"] == "SERVFAIL", (name, a)
        assert strangers.NSEC3_MISTAKES[name][1] & set(a["ede"]), (name, a)
    # named tries for longer than anybody waits where no proof is signed.
    for a in found[NAMED]:
        if a["rcode"] == "silence":
            a["rcode"] = "SERVFAIL"
    assert differences(questions, found) == []


def test_mistakes_in_proofs_are_found_out(said):
    names = list(strangers.DENIAL_MISTAKES)
    questions = [(f"nope.{n}.sample.", "A") for n in names]
    found = said(questions)
    for name, a in zip(names, found[HITHER]):
        assert a["rcode"] == "SERVFAIL", (name, a)
        assert strangers.DENIAL_MISTAKES[name][1] & set(a["ede"]), (name, a)
    assert differences(questions, found) == []


def test_who_checks_by_himself_gets_the_data(said):
    names = [n for n, (_, codes) in strangers.MISTAKES.items() if codes]
    questions = [(f"www.{n}.sample.", "A", False) for n in names]
    for name, a in zip(names, said(questions)[HITHER]):
        assert (a["rcode"], a["ad"]) == ("NOERROR", False), (name, a)
        assert a["answer"] == [f"www.{name}.sample. a 192.0.2.1"]


def test_mistakes_of_the_parent(said):
    questions = [("www.wrongds.sample.", "A"), ("www.halfway.sample.", "A"),
                 ("www.unsigned.sample.", "A")]
    found = said(questions)
    wrong, halfway, unsigned = found[HITHER]
    assert wrong["rcode"] == "SERVFAIL" and 9 in wrong["ede"]
    assert halfway["rcode"] == "SERVFAIL"
    assert halfway["ede"] == [9]
    assert (unsigned["rcode"], unsigned["ad"]) == ("NOERROR", False)
    assert differences(questions, found) == []
