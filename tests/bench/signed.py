# SPDX-License-Identifier: BSD-3-Clause
"""The workload of signed names.

All names lie in a root zone of the bench's own, signed with P-256 and served
by NSD. Every server is asked for the same ones, believes the same key, and
each has to verify one signature a name: an answer without AD is wrong. No
name is denied, so whether denials are kept and used again does not matter.
"""

import os
import subprocess
import time

import lab as laboratory
import servers
from workloads import PEERS, with_servers

SIGNED_A_SECOND = 14000
NSD = """\
server:
  server-count: 1
  ip-address: 127.53.0.9@53
  username: ""
  chroot: ""
  zonesdir: "{dir}"
  pidfile: "{dir}/nsd.pid"
  zonelistfile: "{dir}/zone.list"
  xfrdfile: "{dir}/xfrd.state"
remote-control:
  control-enable: no
zone:
  name: .
  zonefile: root.zone.signed
"""


def signed_root(b, names):
    """A root with all the names in it, signed; returns its DS."""
    folder = os.path.join(b.lab.folder, "signed")
    os.makedirs(folder, exist_ok=True)

    def write(name, lines):
        with open(os.path.join(folder, name), "w", encoding="ascii") as f:
            f.writelines(lines)

    def run(*argv):
        done = subprocess.run(argv, cwd=folder, check=False, text=True,
                              stdout=subprocess.PIPE)
        if done.returncode != 0:
            raise laboratory.Failure(f"{argv[0]} failed")
        return done.stdout.strip()

    for tool in ("ldns-keygen", "ldns-signzone", "nsd"):
        if servers.find(tool) is None:
            raise laboratory.Failure(f"{tool} is not there")
    write("root.hints", [laboratory.HINTS.replace("53.0.1", "53.0.9")])
    write("nsd.conf", [NSD.format(dir=folder)])
    write("root.zone", [
        "$TTL 86400\n. SOA ns.root. x. 1 7200 900 604800 300\n. NS ns.root.\n"
        "ns.root. A 127.53.0.9\nfirst.w1.bench. A 192.0.2.1\n"] + [
            f"n{i:07d}.w4.bench. A 192.0.2.1\n" for i in range(names)])
    key = run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", ".")
    run("ldns-signzone", "-o", ".", "root.zone", key)
    with open(os.path.join(folder, key + ".ds"), encoding="ascii") as f:
        fields = f.read().split()
    at = fields.index("DS")
    return folder, ". IN DS {} {} {} {}".format(
        *fields[at + 1:at + 4], "".join(fields[at + 4:]))


def validated(b):
    """W4: names nobody asked for yet, each signed with P-256."""
    each = SIGNED_A_SECOND * b.seconds
    folder, anchor = signed_root(b, each * b.rounds)
    nsd = b.lab.run([servers.find("nsd"), "-d", "-c",
                     os.path.join(folder, "nsd.conf")], b.lab.cores[1:],
                    "nsd")

    def body(running):
        rounds = []
        for i in range(b.rounds):
            rounds.append({})
            for s in running:
                # Names may be used up before the time is.
                rounds[-1][s.name] = laboratory.measure(
                    b.lab, s, "-q", "n%07u.w4.bench", "-b", each * i, "-c",
                    each, "-d", b.seconds, "-n", 100, "-D", "-a", "-A")
        return rounds

    time.sleep(2)
    try:
        there = [n for n in ("hither", *PEERS) if n in b.found and
                 (n != "hither" or
                  servers.has_validation(b.found[n].program))]
        return with_servers(b, there, body, anchor=anchor, dir=folder,
                            root="127.53.0.9")
    finally:
        nsd.terminate()
