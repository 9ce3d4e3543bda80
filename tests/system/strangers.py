# SPDX-License-Identifier: BSD-3-Clause
"""Zones signed by other people's tools, and mistakes made in them.

A folder becomes a small world: a root and "sample." on one server, and below
sample. a zone for each way of signing, rolling keys or going wrong. "sample." is
the trust anchor. NSD serves one half of the zones, Knot DNS the other.
"""

import pathlib
import shutil
import subprocess
import time

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.zone
import lab

NSD_ADDRESS, KNOT_ADDRESS = "127.0.0.11", "127.0.0.12"
RRSIG, NSEC, DNSKEY = (dns.rdatatype.RRSIG, dns.rdatatype.NSEC,
                       dns.rdatatype.DNSKEY)
ALGORITHMS = {8: "RSASHA256", 10: "RSASHA512", 13: "ECDSAP256SHA256",
              14: "ECDSAP384SHA384", 15: "ED25519", 16: "ED448"}
PLAIN = """$TTL 3600
@ SOA ns.sample. hostmaster.sample. 1 7200 900 604800 300
@ NS ns.sample.
www A 192.0.2.1
www AAAA 2001:db8::1
mail A 192.0.2.2
alias CNAME www
a.deep TXT "below an empty non-terminal"
*.wild A 192.0.2.3
sub NS ns.elsewhere.sample.
"""


def run(*command, cwd):
    done = subprocess.run([lab.tool(command[0]), *map(str, command[1:])],
                          cwd=cwd, capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0, (command, done.stderr, done.stdout)
    return done.stdout


class World:
    def __init__(self, folder):
        self.folder = folder
        self.keys = folder / "keys"
        self.keys.mkdir()
        self.served = []  # (zone, file, address)
        self.delegations = []

    def config(self, port, control=""):
        """Of a hitherd that walks this world and proves what it says."""
        return {
            "server": {"root-hints": str(self.hints), "allow-root": True,
                       "threads": 1},
            "listen": [{"address": "127.0.0.1", "port": port}],
            "outgoing": {"do-not-query": []},
            "resolver": {"do-ip6": False},
            "dnssec": {"validation": True,
                       "trust-anchor-file": str(self.anchor),
                       "auto-trust-anchor": False,
                       "trust-anchor-signaling": False},
            "control": {"socket": str(control)}}

    # --- keys ----------------------------------------------------------------

    def key(self, zone, algorithm, is_entry):
        """Its file's name without ending."""
        bits = ["-b", "2048"] if algorithm in (8, 10) else []
        flags = ["-f", "KSK"] if is_entry else []
        return run("dnssec-keygen", "-q", "-K", self.keys, "-a", algorithm,
                   *bits, *flags, zone, cwd=self.folder).strip()

    def ds(self, *keys):
        return [run("dnssec-dsfromkey", "-2", self.keys / f"{k}.key",
                    cwd=self.folder).strip() for k in keys]

    def dnskeys(self, *keys):
        return "".join(
            line + "\n" for k in keys
            for line in (self.keys / f"{k}.key").read_text().splitlines()
            if not line.startswith(";"))

    # --- zones ----------------------------------------------------------------

    def write(self, zone, text):
        path = self.folder / f"{zone}zone"
        path.write_text(f"$ORIGIN {zone}\n{text}")
        return path

    def serve(self, zone, path, ds, knot=False):
        address = KNOT_ADDRESS if knot else NSD_ADDRESS
        self.served.append((zone, path, address))
        self.delegations += [f"{zone} NS ns{'-knot' if knot else ''}.sample.",
                             *ds]

    def sign_bind(self, zone, ksks, zsks, signers=None, how=(), more=""):
        """dnssec-signzone; all keys are shown, `signers` sign the data."""
        path = self.write(zone, PLAIN + more + self.dnskeys(*ksks, *zsks))
        out = path.with_suffix(".signed")
        entry = [x for k in ksks for x in ("-k", self.keys / k)]
        run("dnssec-signzone", "-q", "-x", "-o", zone, *entry, *how, "-f",
            out, path, *[self.keys / k for k in signers or zsks],
            cwd=self.folder)
        return out

    def sign_ldns(self, zone, ksk, zsk, how=()):
        path = self.write(zone, PLAIN)
        out = path.with_suffix(".signed")
        run("ldns-signzone", *how, "-f", out, path, self.keys / ksk,
            self.keys / zsk, cwd=self.folder)
        return out

    def sign_knot(self, zone, algorithm, nsec3):
        path = self.write(zone, PLAIN)
        place = self.folder / f"{zone}knot"
        place.mkdir()
        conf = place / "knot.conf"
        conf.write_text(f"""server:
  rundir: "{place}"
database:
  storage: "{place}"
policy:
  - id: this
    algorithm: {ALGORITHMS[algorithm].lower()}
    nsec3: {'on' if nsec3 else 'off'}
    rrsig-lifetime: 14d
zone:
  - domain: {zone}
    storage: "{place}"
    file: "{path}"
    dnssec-signing: on
    dnssec-policy: this
""")
        run("kzonesign", "-c", conf, "-o", place, zone, cwd=self.folder)
        out = next(p for p in place.iterdir() if p.suffix == ".zone")
        ds = [line for line in run("keymgr", "-c", conf, zone, "ds",
                                   cwd=self.folder).splitlines()
              if line.split()[4] == "2"]
        return out, ds

    # --- the floors above ---------------------------------------------------------

    def finish(self):
        """Signs "sample.", writes the root; hints and anchor are files."""
        ksk, zsk = (self.key("sample.", 13, e) for e in (True, False))
        path = self.write("sample.", f"""$TTL 3600
@ SOA ns.sample. hostmaster.sample. 1 7200 900 604800 300
@ NS ns.sample.
ns A {NSD_ADDRESS}
ns-knot A {KNOT_ADDRESS}
""" + "\n".join(self.delegations) + "\n" + self.dnskeys(ksk, zsk))
        out = path.with_suffix(".signed")
        run("dnssec-signzone", "-q", "-x", "-o", "sample.", "-k",
            self.keys / ksk, "-f", out, path, self.keys / zsk,
            cwd=self.folder)
        self.served.append(("sample.", out, NSD_ADDRESS))
        root = self.write(".", f"""$TTL 3600
. SOA a.root. hostmaster.root. 1 7200 900 604800 300
. NS a.root.
a.root. A {NSD_ADDRESS}
sample. NS ns.sample.
ns.sample. A {NSD_ADDRESS}
""")
        self.served.append((".", root, NSD_ADDRESS))
        self.hints = self.folder / "hints"
        self.hints.write_text(
            f". 3600 NS a.root.\na.root. 3600 A {NSD_ADDRESS}\n")
        self.anchor = self.folder / "anchor"
        self.anchor.write_text("\n".join(self.ds(ksk)) + "\n")


# --- servers --------------------------------------------------------------------


def answers(space, address, zone):
    done = space.run("dig", f"@{address}", "+tries=1", "+time=1", "+norec",
                     zone, "SOA", check=False)
    return "status: NOERROR" in done.stdout


class Nsd(lab.Process):
    def __init__(self, space, world):
        folder = world.folder / "nsd"
        folder.mkdir()
        zones = [(z, f) for z, f, a in world.served if a == NSD_ADDRESS]
        (folder / "nsd.conf").write_text(f"""server:
  ip-address: {NSD_ADDRESS}
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: ""
  xfrdfile: "{folder}/xfrd"
  xfrdir: "{folder}"
  zonelistfile: "{folder}/list"
  server-count: 1
remote-control:
  control-enable: no
""" + "".join(f'zone:\n  name: "{z}"\n  zonefile: "{f}"\n' for z, f in zones))
        super().__init__("nsd", [lab.tool("nsd"), "-d", "-c",
                                 str(folder / "nsd.conf")], folder,
                         space.enter)
        self.wait_ready(lambda: answers(space, NSD_ADDRESS, "sample."))


class Knot(lab.Process):
    def __init__(self, space, world):
        folder = world.folder / "knotd"
        folder.mkdir()
        zones = [(z, f) for z, f, a in world.served if a == KNOT_ADDRESS]
        (folder / "knot.conf").write_text(f"""server:
  listen: {KNOT_ADDRESS}@53
  rundir: "{folder}"
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: "{folder}"
zone:
""" + "".join(f'  - domain: {z}\n    file: "{f}"\n    zonefile-load: whole\n'
              f'    zonefile-sync: -1\n    journal-content: none\n'
              f'    semantic-checks: off\n' for z, f in zones))
        super().__init__("knotd", [lab.tool("knotd"), "-c",
                                   str(folder / "knot.conf")], folder,
                         space.enter)
        self.wait_ready(lambda: all(answers(space, KNOT_ADDRESS, z)
                                    for z, _ in zones))


# --- mistakes ---------------------------------------------------------------------


def load(path, zone):
    return dns.zone.from_file(str(path), zone, relativize=False,
                              check_origin=False)


def save(z, path):
    z.to_file(str(path), relativize=False)


def signature(z, name, rdtype):
    """The set of RRSIGs over a set."""
    owner = dns.name.from_text(name, z.origin)
    return z.find_rdataset(owner, RRSIG, covers=rdtype)


def change(sigs, **what):
    (sig,) = list(sigs)
    sigs.clear()
    sigs.add(sig.replace(**what), sigs.ttl)


def flip(sigs):
    (sig,) = list(sigs)
    change(sigs, signature=sig.signature[:-1] +
           bytes([sig.signature[-1] ^ 1]))


def strip(z, name, rdtype):
    owner = dns.name.from_text(name, z.origin)
    z.delete_rdataset(owner, RRSIG, covers=rdtype)


def swap(z):
    a, b = (signature(z, n, "A") for n in ("www", "mail"))
    (x,), (y,) = list(a), list(b)
    change(a, signature=y.signature)
    change(b, signature=x.signature)


def strip_all(z, rdtype):
    for node in z.nodes.values():
        node.rdatasets = [
            s for s in node.rdatasets if s.rdtype != rdtype and
            not (s.rdtype == RRSIG and s.covers == rdtype)]


def keep_algorithm(z, algorithm):
    """Signatures over data by one algorithm only; all keys stay."""
    for node in z.nodes.values():
        for sigs in node.rdatasets:
            if sigs.rdtype == RRSIG and sigs.covers != DNSKEY:
                kept = [s for s in sigs if s.algorithm == algorithm]
                sigs.clear()
                for sig in kept:
                    sigs.add(sig, sigs.ttl)


def each_nsec3(z, change_it):
    """change_it(the set, its signatures) for all of them."""
    for node in list(z.nodes.values()):
        proof = node.get_rdataset(dns.rdataclass.IN, dns.rdatatype.NSEC3)
        if proof is not None:
            change_it(proof, node.get_rdataset(
                dns.rdataclass.IN, RRSIG, dns.rdatatype.NSEC3))


def strip_nsec3(z):
    for node in z.nodes.values():
        node.delete_rdataset(dns.rdataclass.IN, RRSIG, dns.rdatatype.NSEC3)


def salt(proof, _sigs):
    (old,) = list(proof)
    proof.clear()
    proof.add(old.replace(salt=b"\xab\xcd"), proof.ttl)


def opt_out(proof, _sigs):
    (old,) = list(proof)
    proof.clear()
    proof.add(old.replace(flags=1), proof.ttl)


def bend_nsec(z):
    """The proof of the apex covers everything, in its own words only."""
    owner = dns.name.from_text("@", z.origin)
    proof = z.find_rdataset(owner, NSEC)
    (old,) = list(proof)
    proof.clear()
    proof.add(old.replace(next=dns.name.from_text("zzz", z.origin)),
              proof.ttl)


def shout(z):
    """Owners in capitals: canonical form is lower case, so this is sound."""
    old = dns.name.from_text("www", z.origin)
    z.nodes[dns.name.from_text("WWW", z.origin)] = z.nodes.pop(old)


def lengthen(z):
    owner = dns.name.from_text("www", z.origin)
    z.find_rdataset(owner, "A").ttl = 86400
    signature(z, "www", "A").ttl = 86400


# Name, what is done to a sound zone, and the EDE codes that fit; none: it is
# as good as before.
MISTAKES = {
    "forged": (lambda z: flip(signature(z, "www", "A")), {6}),
    "signer": (lambda z: change(signature(z, "www", "A"), signer=dns.name
                                .from_text("sample.")), {6, 9}),
    "stranger": (lambda z: change(signature(z, "www", "A"), signer=dns.name
                                  .from_text("elsewhere.sample.")), {6, 9, 10}),
    "manylabels": (lambda z: change(signature(z, "www", "A"), labels=4),
                   {6}),
    "fewlabels": (lambda z: change(signature(z, "www", "A"), labels=1), {6}),
    "keytag": (lambda z: change(signature(z, "www", "A"), key_tag=4711),
               {9}),
    "algorithm": (lambda z: change(signature(z, "www", "A"), algorithm=8),
                  {6, 9, 10}),
    "ttl": (lambda z: change(signature(z, "www", "A"), original_ttl=7200),
            {6}),
    "dates": (lambda z: change(signature(z, "www", "A"), expiration=int(
        time.time()) - 86400), {7}),
    "early": (lambda z: change(signature(z, "www", "A"), inception=int(
        time.time()) + 2 * 86400), {8}),
    "stripped": (lambda z: strip(z, "www", "A"), {10}),
    "swapped": (swap, {6}),
    "nokeys": (lambda z: strip_all(z, DNSKEY), {9}),
    "keyforged": (lambda z: flip(signature(z, "@", "DNSKEY")), {6}),
    "keystripped": (lambda z: strip(z, "@", "DNSKEY"), {10}),
    "capitals": (shout, set()),
    "longer": (lengthen, set()),
}
# The same for names that do not exist, in zones with NSEC3, and with NSEC.
NSEC3_MISTAKES = {
    "unsigned3": (strip_nsec3, {10, 12}),
    "forged3": (lambda z: each_nsec3(z, lambda _, sigs: flip(sigs)), {6, 12}),
    # A server that finds no fitting record leaves the proof out.
    "salted3": (lambda z: each_nsec3(z, salt), {6, 10, 12}),
    "optout3": (lambda z: each_nsec3(z, opt_out), {6, 10, 12}),
}
DENIAL_MISTAKES = {
    "noproof": (lambda z: strip_all(z, NSEC), {12, 6}),
    "bentproof": (bend_nsec, {6, 12}),
    "unsignedproof": (lambda z: [strip(z, n, "NSEC") for n in
                                 ("@", "mail", "www", "alias", "a.deep",
                                  "*.wild", "sub")], {10, 12}),
}


def copy_of(path, name):
    out = pathlib.Path(path).with_name(name)
    shutil.copy(path, out)
    return out
