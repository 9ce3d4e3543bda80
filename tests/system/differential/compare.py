# SPDX-License-Identifier: BSD-3-Clause
"""One world, several resolvers, every question to each, in one namespace.

usage: compare.py SEED COUNT KIND...      a random world
       compare.py mini COUNT KIND...      the miniature Internet

Prints JSON: how many agree, and every question where hither differs from
what the others agree on, with what each said.
"""

import collections
import concurrent.futures
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.zone
import worlds

TOP = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(TOP / "tests/system/attack"))
import resolvers  # noqa: E402

ADDRESS = {"hither": "127.0.1.1", "unbound": "127.0.1.2",
           "named": "127.0.1.3", "kresd": "127.0.1.4"}
# In the miniature Internet: whose answers are meant to differ by chance
# (turning orders, sites, losses) or are signed wrongly on purpose.
ODD = ("lossy", "alternate", "anycast", "many", "near", "deadfar")

# Where hither rightly gives another answer, and why.
EXPLAINED = {
    "badvers.example.": "after BADVERS hither asks once without EDNS",
    "tcphang.example.": "hither's SERVFAIL comes within its query timeout",
    "aliases.example.": "more than 11 aliases in a row fail as a whole",
}


def start(kind, folder, hints):
    folder.mkdir()
    command = resolvers.KINDS[kind](folder, hints, {
        "outgoing/do-not-query": [],
    } if kind == "hither" else None)
    for path in folder.iterdir():
        text = path.read_text()
        text = text.replace("127.0.0.1", ADDRESS[kind])
        if kind == "unbound":
            text = text.replace("server:\n", "server:\n"
                                " do-not-query-localhost: no\n", 1)
            text += "".join(f'server:\n local-zone: "{z}." nodefault\n'
                            for z in ("test", "invalid", "onion"))
        if kind == "named":
            text = text.replace("recursion yes;",
                                "recursion yes;\n qname-minimization off;")
        path.write_text(text)
    log = open(folder / "stderr", "wb")
    environment = {k: v for k, v in os.environ.items()
                   if not k.startswith("HITHER_")}
    return subprocess.Popen(command, cwd=folder, stdout=log, stderr=log,
                            stdin=subprocess.DEVNULL, env=environment)


def view(reply):
    """What has to agree: the code and the set of answer records."""
    records = sorted(
        f"{s.name.to_text().lower()} {dns.rdatatype.to_text(s.rdtype)} "
        f"{r.to_text().lower()}" for s in reply.answer for r in s)
    return dns.rcode.to_text(reply.rcode()), records


def ask(kind, name, rtype):
    q = dns.message.make_query(name, rtype, use_edns=0, payload=1232)
    try:
        reply = dns.query.udp(q, ADDRESS[kind], port=resolvers.PORT,
                              timeout=12)
        if reply.flags & dns.flags.TC:
            reply = dns.query.tcp(q, ADDRESS[kind], port=resolvers.PORT,
                                  timeout=12)
        return view(reply)
    except dns.exception.Timeout:
        return "no answer", []
    except (OSError, EOFError, dns.exception.DNSException) as e:
        return f"{type(e).__name__}", []


def ask_all(kind, questions):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda q: ask(kind, *q), questions))


def mini_questions(count):
    """Names of every zone file, and names near them, seeded."""
    rng = random.Random(11)
    names = set()
    for path in sorted((TOP / "zones").glob("*.zone")):
        origin = path.stem.split("@")[0]
        if origin == "root":
            origin = "."
        if origin.split(".")[0] in ODD:
            continue
        zone = dns.zone.from_file(str(path), origin, relativize=False,
                                  check_origin=False)
        names.update(n.to_text() for n in zone if not n.is_wild())
        names.add("nosuch." + origin.lstrip("."))
    names = sorted(names)
    return [(rng.choice(names), rng.choice(worlds.TYPES))
            for _ in range(count)]


def wait_for(kind, folder, name="."):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            dns.query.udp(dns.message.make_query(name, "NS"), ADDRESS[kind],
                          port=resolvers.PORT, timeout=1)
            return
        except (dns.exception.Timeout, OSError):
            time.sleep(0.1)
    raise SystemExit(f"{kind} does not answer: " +
                     (folder / "stderr").read_text()[-2000:])


def reason(name):
    """Why hither rightly differs from the others there, or None."""
    name = name.rstrip(".") + "."
    for zone, why in EXPLAINED.items():
        if name == zone or name.endswith("." + zone):
            return why
    return None


def judge(questions, said):
    """Counts, and where hither differs from what most others say."""
    others = [k for k in said if k != "hither"]
    counts = collections.Counter()
    differ = []
    for i, q in enumerate(questions):
        answers = {k: said[k][i] for k in said}
        mine = json.dumps(answers["hither"])
        votes = collections.Counter(json.dumps(answers[k]) for k in others)
        best, number = votes.most_common(1)[0]
        counts["asked"] += 1
        counts["all agree"] += mine == best and number == len(others)
        for k in others:
            counts[f"with {k}"] += answers[k] == answers["hither"]
        if mine in votes and (mine == best or number * 2 <= len(others)):
            continue
        why = reason(q[0])
        counts["explained" if why else "unexplained"] += 1
        differ.append({"name": q[0], "type": q[1], "why": why, **answers})
    return counts, differ


def main():
    which, count, *kinds = sys.argv[1:]
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "route", "add", "local", "198.18.0.0/15", "dev",
                    "lo"], check=True)
    for address in ADDRESS.values():  # named looks for them
        subprocess.run(["ip", "address", "add", address + "/32", "dev",
                        "lo"], check=True)
    build = pathlib.Path(resolvers.hither_program()).parent
    with tempfile.TemporaryDirectory(prefix="differ-") as top:
        top = pathlib.Path(top)
        zones = TOP / "zones"
        if which == "mini":
            questions = mini_questions(int(count))
        else:
            zones = top / "zones"
            zones.mkdir()
            world = worlds.World(int(which))
            world.write(zones)
            questions = world.questions(int(count))
        hints = top / "hints"
        hints.write_text(resolvers.HINTS.format(
            root="127.53.0.1" if which == "mini" else worlds.ROOT))
        said, running = {}, []
        sim_log = open(top / "sim.stderr", "wb")
        sim = subprocess.Popen(
            [str(build / "hither-sim"), "-z", str(zones), "-p", "53",
             "-s", "3"], stdout=sim_log, stderr=sim_log)
        try:
            end = time.monotonic() + 20
            while "ready:" not in (top / "sim.stderr").read_text():
                if sim.poll() is not None or time.monotonic() > end:
                    raise SystemExit((top / "sim.stderr").read_text())
                time.sleep(0.05)
            running = [start(k, top / k, hints) for k in kinds]
            for k in kinds:
                wait_for(k, top / k)
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                said = dict(zip(kinds, pool.map(
                    lambda k: ask_all(k, questions), kinds)))
            if running[0].poll() is not None:
                raise SystemExit((top / kinds[0] / "stderr").read_text())
        finally:
            for p in [*running, sim]:
                p.terminate()
            for p in [*running, sim]:
                try:
                    p.wait(10)
                except subprocess.TimeoutExpired:
                    p.kill()
    counts, differ = judge(questions, said)
    print(json.dumps({"counts": counts, "differ": differ}))


main()
