# SPDX-License-Identifier: BSD-3-Clause
"""Random worlds: a seed makes a root, TLDs, zones, servers and questions.

A world is a folder for hither-sim: zone files and net.yaml. Its zones hold
what makes resolvers differ: servers inside, beside and outside their zone,
aliases that cross zones, end nowhere or go round, wildcards, DNAMEs, empty
non-terminals, delegations below delegations, and servers that are silent or
refuse beside others that answer. The questions are drawn from the names that
exist, from near misses, and from every type.
"""

import json
import random

TYPES = ["A", "A", "A", "AAAA", "MX", "TXT", "NS", "SOA", "CNAME", "SRV",
         "PTR", "CAA", "HTTPS", "TYPE65400"]
ROOT = "198.18.0.1"  # not on 127.0.0.0/8: kresd takes no glue from there
TLDS = ["net", "org", "shop", "edu", "box"]
WORDS = ("apple bench cedar delta ember flint grove heron inlet joker kayak "
         "lemon maple noble ocean pearl quilt raven solar tiger umber vapor "
         "wheat yacht zebra").split()


class Zone:
    def __init__(self, name, servers):
        self.name = name          # "apple.net", "" is the root
        self.servers = servers    # host names
        self.lines = []
        self.hosts = []           # names that exist, absolute
        self.cuts = []

    def add(self, owner, rtype, rdata, ttl=3600):
        self.lines.append(f"{owner}. {ttl} IN {rtype} {rdata}")

    def text(self):
        own = f"{self.name}."
        head = [f"{own if self.name else '.'} 3600 IN SOA ns.invalid. "
                "hostmaster.invalid. 1 7200 900 604800 300"]
        head += [f"{own if self.name else '.'} 3600 IN NS {s}."
                 for s in self.servers]
        return "\n".join(head + self.lines) + "\n"


class World:
    def __init__(self, seed, size=60):
        self.rng = random.Random(seed)
        self.zones = {}
        self.addresses = {}       # address: {"zones": [...], "quirks": [...]}
        self.host_address = {}
        self.number = 0
        self.make_tree(size)
        for zone in list(self.zones.values()):
            if zone.name not in TLDS and zone.name:
                self.fill(zone)
        self.delegate()

    def new_address(self):
        self.number += 1
        return f"198.18.{100 + self.number // 250}.{1 + self.number % 250}"

    def add_server(self, host, zone_name, quirk=None):
        address = self.host_address.get(host)
        if address is None:
            address = self.host_address[host] = self.new_address()
            self.addresses[address] = {"zones": [], "quirks": []}
        self.addresses[address]["zones"].append(zone_name or "root")
        if quirk:
            self.addresses[address]["quirks"].append(quirk)

    def make_tree(self, size):
        root = self.zones[""] = Zone("", ["a.root-servers.net"])
        self.host_address["a.root-servers.net"] = ROOT
        self.addresses[ROOT] = {"zones": ["root"], "quirks": []}
        root.add("a.root-servers.net", "A", ROOT)
        for tld in TLDS:
            host = f"ns.nic.{tld}"
            self.zones[tld] = Zone(tld, [host])
            self.add_server(host, tld)
            self.zones[tld].add(host, "A", self.host_address[host])
        names = []
        for i in range(size):
            parent = self.rng.choice(TLDS) if i < 6 or self.rng.random() < \
                0.75 else self.rng.choice(names)
            name = f"{self.rng.choice(WORDS)}{i}.{parent}"
            names.append(name)
            self.zones[name] = Zone(name, self.choose_servers(name, names))

    def choose_servers(self, name, names):
        """Inside the zone, at a sibling, or both; one may be broken."""
        hosts = [f"ns{i}.{name}" for i in range(self.rng.choice((1, 1, 2)))]
        elsewhere = [n for n in names[:-1]
                     if not n.endswith("." + name) and n != name and
                     self.zones[n].servers[0].endswith("." + n)]
        way = self.rng.random()
        if elsewhere and way < 0.3:
            hosts = [f"dns.{self.rng.choice(elsewhere)}"]
        elif elsewhere and way < 0.4:
            hosts.append(f"dns.{self.rng.choice(elsewhere)}")
        for host in hosts:
            self.add_server(host, name)
        if self.rng.random() < 0.15:
            broken = f"broken.{name}"
            self.add_server(broken, name, self.rng.choice(
                ("refused", "servfail", "lame", "notimp")))
            hosts.append(broken)
        return hosts

    def fill(self, zone):
        rng, name = self.rng, zone.name
        for host, address in self.host_address.items():
            if self.zone_of(host) is zone:
                zone.add(host, "A", address)
                zone.hosts.append(host)
        zone.add(name, "A", f"203.0.113.{rng.randrange(1, 255)}")
        zone.add(name, "MX", f"10 mail.{name}.")
        zone.hosts.append(name)
        for word in rng.sample(WORDS, rng.randrange(3, 9)):
            host = f"{word}.{name}"
            if rng.random() < 0.2:
                host = f"{word}.{rng.choice(WORDS)}s.{name}"
            self.fill_host(zone, host)
        if rng.random() < 0.4:
            owner = f"*.{rng.choice(('wild.', ''))}{name}"
            if rng.random() < 0.3:
                zone.add(owner, "CNAME", f"{name}.")
            else:
                zone.add(owner, "A", "203.0.113.77")
                zone.add(owner, "TXT", '"wild"')
            zone.hosts.append(owner.replace("*", "any"))
        if rng.random() < 0.25:
            zone.add(f"moved.{name}", "DNAME", f"{self.some_zone()}.")
            zone.hosts += [f"www.moved.{name}", f"mail.moved.{name}"]

    def fill_host(self, zone, host):
        rng = self.rng
        zone.hosts.append(host)
        kind = rng.random()
        if kind < 0.25:
            target = self.some_host() if rng.random() < 0.8 else \
                f"nowhere.{self.some_zone()}"
            zone.add(host, "CNAME", f"{target}.")
            return
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            zone.add(host, "A", f"203.0.113.{rng.randrange(1, 255)}")
        if kind < 0.5:
            zone.add(host, "AAAA", f"2001:db8::{rng.randrange(1, 65535):x}")
        if kind > 0.8:
            zone.add(host, "TXT", f'"about {host}"')
            zone.add(host, "SRV", f"1 2 80 {self.some_host()}.")
            zone.add(host, "CAA", '0 issue "ca.invalid"')
        if kind > 0.9:
            zone.add(host, "TYPE65400", "\\# 3 010203")

    def zone_of(self, host):
        labels = host.split(".")
        for i in range(len(labels) + 1):
            found = self.zones.get(".".join(labels[i:]))
            if found is not None:
                return found
        return self.zones[""]

    def some_zone(self):
        return self.rng.choice([z for z in self.zones
                                if z and z not in TLDS])

    def some_host(self):
        hosts = self.zones[self.some_zone()].hosts
        return self.rng.choice(hosts) if hosts else self.some_zone()

    def delegate(self):
        for zone in self.zones.values():
            if not zone.name:
                continue
            above = self.zone_of(".".join(zone.name.split(".")[1:]))
            for host in zone.servers:
                above.add(zone.name, "NS", f"{host}.")
                glued = host == zone.name or \
                    host.endswith("." + zone.name)
                if glued:
                    above.add(host, "A", self.host_address[host])

    def write(self, folder):
        for zone in self.zones.values():
            (folder / f"{zone.name or 'root'}.zone").write_text(zone.text())
        net = {"addresses": {
            a: {"name": next(h for h, x in self.host_address.items()
                             if x == a),
                "zones": sorted(set(s["zones"])), **(
                    {"quirks": s["quirks"][:1]} if s["quirks"] else {})}
            for a, s in self.addresses.items()}}
        (folder / "net.yaml").write_text(json.dumps(net, indent=1))

    def questions(self, count):
        rng, out = self.rng, []
        while len(out) < count:
            way = rng.random()
            name = self.some_host()
            if way < 0.1:
                name = f"{rng.choice(WORDS)}.{name}"
            elif way < 0.2:
                name = f"no{rng.randrange(999)}.{self.some_zone()}"
            elif way < 0.25:
                name = ".".join(name.split(".")[1:]) or name
            elif way < 0.28:
                name = f"{rng.choice(WORDS)}x.{rng.choice(TLDS)}"
            out.append((name, rng.choice(TYPES)))
        return out
