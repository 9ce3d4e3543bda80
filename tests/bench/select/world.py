# SPDX-License-Identifier: BSD-3-Clause
"""A world for hither-sim, and what an oracle would know of it.

Root and TLD have two servers each, 5 ms away. Below the TLD lie the zones
under test. Every address of a zone has a version of it of its own, in which
all names have the address 192.0.2.<number of the server>: an answer tells who
gave it.
"""
import dataclasses
import os

TLD = "bench"
UPPER_MS = 5.0
ROOTS = ("127.53.0.1", "127.53.0.2")
TLDS = ("127.53.0.3", "127.53.0.4")
WARM_NAMES = 10
DAY = 86400

# What makes an address of no use for an answer.
UNUSABLE = {"refused", "servfail", "lame", "silent"}


@dataclasses.dataclass(frozen=True)
class State:
    """What an address is like from some moment on."""
    rtt: float                  # ms, median
    at: float = 0.0             # seconds
    sigma: float = 0.03
    loss: float = 0.0           # percent
    late: tuple = ()            # (percent, mean ms)
    silent: bool = False
    nsid: str = ""


@dataclasses.dataclass
class Server:
    """One address. With `alternates` each packet meets another state."""
    states: list
    address: str = ""
    quirks: tuple = ()
    alternates: bool = False

    def now(self, t):
        state = self.states[0]
        for s in self.states:
            if s.at <= t:
                state = s
        return state

    def wait(self, t):
        """Round trip of a question at t, or None: it would not be answered
        well."""
        if UNUSABLE & set(self.quirks):
            return None
        if self.alternates:
            return sum(s.rtt for s in self.states) / len(self.states)
        state = self.now(t)
        if state.silent:
            return None
        return state.rtt * (2 if "truncate-all" in self.quirks else 1)


@dataclasses.dataclass
class Zone:
    """servers: name server -> its addresses. host: the zone that holds the
    name servers' names, or None: this one."""
    name: str
    servers: dict
    host: str = None

    def all(self):
        return [s for group in self.servers.values() for s in group]

    def oracle(self, t):
        """(least wait, numbers of the servers that are as near)."""
        waits = {i + 1: s.wait(t) for i, s in enumerate(self.all())}
        waits = {i: w for i, w in waits.items() if w is not None}
        if not waits:
            return None, set()
        least = min(waits.values())
        return least, {i for i, w in waits.items() if w <= least * 1.1 + 2}


@dataclasses.dataclass
class World:
    zones: list
    upper_silent: tuple = ()    # (from, to): root and TLD do not answer

    def __post_init__(self):
        n4 = n6 = 0
        for s in self.servers():
            if s.address == "v6":
                n6 += 1
                s.address = f"fd53::{n6:x}"
            elif not s.address:
                n4 += 1
                s.address = f"127.53.{1 + n4 // 250}.{1 + n4 % 250}"

    def servers(self):
        seen = {}
        for z in self.zones:
            for s in z.all():
                seen[id(s)] = s
        return list(seen.values())

    def needs_ipv6(self):
        return any(":" in s.address for s in self.servers())


# --- writing ---------------------------------------------------------------

def site(number, s):
    delay = f"{{median: {s.rtt:g}, sigma: {s.sigma:g}"
    if s.late:
        delay += f", late: {s.late[0]:g}, late-by: {s.late[1]:g}"
    parts = [f"nsid: {s.nsid or f's{number}'}", f"delay: {delay}}}"]
    if s.loss:
        parts.append(f"loss: {s.loss:g}")
    if s.silent:
        parts.append("silent: true")
    return "{" + ", ".join(parts) + "}"


def named(server):
    """States in which every site has an NSID that no other one has."""
    out, used = [], {}
    for s in server.states:
        base = s.nsid or "site-" + server.address.replace(":", "-")
        known = used.setdefault(base, [])
        plain = dataclasses.replace(s, at=0, nsid="")
        if plain not in known:
            known.append(plain)
        n = known.index(plain)
        # A silent site's is never seen: a name for the schedule only.
        nsid = base if n == 0 else f"{base}{'-silent' if s.silent else ''}{n}"
        out.append(dataclasses.replace(s, nsid=nsid))
    return out


def address_lines(address, zones, states, quirks=(), alternates=False):
    sites, lines = {}, [f'  "{address}":', f"    zones: [{', '.join(zones)}]"]
    for s in states:
        sites.setdefault(s.nsid, s)
    lines.append("    sites:")
    lines += [f"      - {site(i, s)}" for i, s in enumerate(sites.values())]
    if alternates:
        lines.append("    schedule: alternate")
    elif len(states) > 1:
        lines.append("    schedule:")
        lines += [f"      - {{at: {s.at:g}, site: {s.nsid}}}" for s in states]
    if quirks:
        lines.append(f"    quirks: [{', '.join(quirks)}]")
    return lines


def upper_states(world):
    if not world.upper_silent:
        return [State(UPPER_MS, sigma=0, nsid="upper")]
    begin, end = world.upper_silent
    return [State(UPPER_MS, sigma=0, nsid="upper"),
            State(UPPER_MS, begin, sigma=0, silent=True, nsid="upper-silent"),
            State(UPPER_MS, end, sigma=0, nsid="upper")]


def soa(name):
    return (f"$ORIGIN {name}\n$TTL {DAY}\n"
            "@ SOA ns hostmaster 1 7200 900 604800 300\n")


def address_records(owner, addresses):
    return [f"{owner} {'AAAA' if ':' in a else 'A'} {a}" for a in addresses]


def name_server_records(zone, inside):
    """NS records of the zone, and the addresses if they lie `inside`."""
    lines = []
    for ns, group in zone.servers.items():
        lines.append(f"{zone.name}.{TLD}. NS {ns}.{zone.host or zone.name}"
                     f".{TLD}.")
        if inside:
            lines += address_records(f"{ns}.{zone.host or zone.name}.{TLD}.",
                                     [s.address for s in group])
    return lines


class Writer:
    def __init__(self, world, folder):
        self.world, self.folder = world, folder

    def zone(self, label, text):
        path = os.path.join(self.folder, label + ".zone")
        with open(path, "w", encoding="ascii") as f:
            f.write(text if text.endswith("\n") else text + "\n")

    def upper_zones(self):
        lines = [f"@ NS {n}.root-servers.net." for n in "ab"]
        for n, a in zip("ab", ROOTS):
            lines.append(f"{n}.root-servers.net. A {a}")
        for n, a in zip("ab", TLDS):
            lines += [f"{TLD}. NS {n}.nic.{TLD}.", f"{n}.nic.{TLD}. A {a}"]
        self.zone("root", soa(".") + "\n".join(lines))
        lines = [f"@ NS {n}.nic" for n in "ab"]
        lines += [f"{n}.nic A {a}" for n, a in zip("ab", TLDS)]
        lines += [f"w{i} A 192.0.2.250" for i in range(WARM_NAMES)]
        seen = set()
        for z in self.world.zones:
            for line in name_server_records(z, True):
                if line not in seen:
                    lines.append(line)
                seen.add(line)
        self.zone(TLD, soa(TLD + ".") + "\n".join(lines))

    def leaf_zones(self):
        """Labels of the versions that each address serves."""
        serves = {}
        for z in self.world.zones:
            ns = "\n".join(name_server_records(z, z.host is None))
            for i, s in enumerate(z.all()):
                label = f"{z.name}.{TLD}@{i + 1}"
                mark = f"A 192.0.2.{i + 1}"
                # hard exists, so that asking for it is not part of the cost
                # of asking for a name below it again and again
                self.zone(label, soa(f"{z.name}.{TLD}.") + ns +
                          f"\n* 1 {mark}\nhard {mark}\n*.hard 1 {mark}\n")
                serves.setdefault(s.address, []).append(label)
        return serves

    def net(self, serves):
        lines = ["addresses:"]
        for a in ROOTS:
            lines += address_lines(a, ["root"], upper_states(self.world))
        for a in TLDS:
            lines += address_lines(a, [TLD], upper_states(self.world))
        for s in self.world.servers():
            lines += address_lines(s.address, serves[s.address], named(s),
                                   s.quirks, s.alternates)
        with open(os.path.join(self.folder, "net.yaml"), "w",
                  encoding="ascii") as f:
            f.write("\n".join(lines) + "\n")

    def hints(self):
        with open(os.path.join(self.folder, "root.hints"), "w",
                  encoding="ascii") as f:
            for n, a in zip("ab", ROOTS):
                f.write(f". 3600000 NS {n}.root-servers.net.\n"
                        f"{n}.root-servers.net. 3600000 A {a}\n")


def write(world, folder):
    os.makedirs(folder, exist_ok=True)
    w = Writer(world, folder)
    w.upper_zones()
    w.net(w.leaf_zones())
    w.hints()
