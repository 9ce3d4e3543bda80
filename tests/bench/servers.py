# SPDX-License-Identifier: BSD-3-Clause
"""What is measured: hitherd, the peers from Debian packages, the floors.

A server is started with settings that let it do the same work as the others:
one thread unless said, caches that nothing falls out of, no logging, no
validation unless said, IPv4 only.
"""

import os
import shutil

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"

HITHER = """\
server:
  threads: {threads}
  root-hints: "{dir}/root.hints"
  allow-root: true
listen:
  - {{address: 127.0.0.1, port: {port}}}
resolver:
  do-ip6: false
outgoing:
  do-not-query: []
cache:
  records: {records}
  answers: {answers}
logging:
  level: error
control:
  socket: ""
{anchor}
"""

UNBOUND = """\
server:
  directory: "{dir}"
  chroot: ""
  username: ""
  pidfile: ""
  do-daemonize: no
  use-syslog: no
  verbosity: 0
  statistics-interval: 0
  interface: 127.0.0.1
  port: {port}
  do-ip6: no
  do-not-query-localhost: no
  module-config: "{modules}"
  {anchor}
  num-threads: {threads}
  msg-cache-slabs: {slabs}
  rrset-cache-slabs: {slabs}
  infra-cache-slabs: {slabs}
  key-cache-slabs: {slabs}
  so-reuseport: yes
  so-rcvbuf: 4m
  outgoing-range: 4096
  num-queries-per-thread: 2048
  incoming-num-tcp: 512
  msg-cache-size: 512m
  rrset-cache-size: 512m
  root-hints: "{dir}/root.hints"
remote-control:
  control-enable: no
"""

NAMED = """\
options {{
	directory "{dir}";
	pid-file none;
	session-keyfile none;
	listen-on port {port} {{ 127.0.0.1; }};
	listen-on-v6 {{ none; }};
	recursion yes;
	allow-query {{ any; }};
	empty-zones-enable no;
	dnssec-validation {validation};
	max-cache-size 1G;
	querylog no;
	recursive-clients 5000;
	tcp-clients 512;
	fetches-per-server 0;
	fetches-per-zone 0;
}};
{anchor}
zone "." {{ type hint; file "{dir}/root.hints"; }};
controls {{ }};
logging {{ category default {{ null; }}; category unmatched {{ null; }}; }};
"""

PDNS = """\
local-address=127.0.0.1
local-port={port}
config-dir={dir}
socket-dir={dir}
hint-file={dir}/root.hints
dont-query=
allow-from=127.0.0.0/8
dnssec={validation}
{anchor}
threads={threads}
pdns-distributes-queries=no
reuseport=yes
quiet=yes
loglevel=0
disable-syslog=yes
write-pid=no
max-tcp-clients=512
max-cache-entries=4000000
max-packetcache-entries=2000000
max-mthreads=4096
refresh-on-ttl-perc=0
security-poll-suffix=
"""

KRESD = """\
log_target('stderr')
net.ipv6 = false
option('ALLOW_LOCAL', true)
net.listen('127.0.0.1', {port}, {{ kind = 'dns' }})
modules.unload('ta_update')
modules.unload('ta_signal_query')
modules.unload('detect_time_skew')
modules.unload('detect_time_jump')
modules.unload('priming')
modules = {{ 'hints' }}
hints.root({{ ['ns.root.'] = '{root}' }})
{anchor}
cache.size = 1024 * MB
"""


class Server:
    """One program to measure: how it is told what, and what to run."""

    def __init__(self, name, port, program, conf=None, arguments=()):
        self.name = name
        self.port = port
        self.program = program
        self.conf = conf
        self.arguments = arguments
        self.process = None

    def argv(self, folder, settings):
        values = {"dir": folder, "port": self.port, "threads": 1, "slabs": 4,
                  "root": "127.53.0.1", "records": "256M", "answers": "128M", **settings}
        values["slabs"] = 1 if values["threads"] == 1 else 4
        home = os.path.join(folder, self.name)
        os.makedirs(home, exist_ok=True)
        conf = os.path.join(home, "recursor.conf" if self.name == "pdns"
                            else self.name + ".conf")
        if self.name == "pdns":
            shutil.copy(os.path.join(values["dir"], "root.hints"), home)
            values["dir"] = home
        if self.conf is not None:
            values.update(validation_words(self, folder, settings))
            with open(conf, "w", encoding="utf-8") as f:
                f.write(self.conf.format(**values))
        return [self.program] + [
            a.format(conf=conf, home=home, **values) for a in self.arguments]


def has_validation(program):
    """Older ones would stumble over the option."""
    with open(program, "rb") as f:
        return b"dnssec.validation" in f.read()


def validation_words(server, folder, settings):
    """How each is told to believe the bench's own root key, or nothing."""
    anchor = settings.get("anchor")  # a DS record, or None
    name = server.name
    if name == "hither":
        if not has_validation(server.program):
            return {"anchor": ""}
        if not anchor:
            return {"anchor": "dnssec:\n  validation: false"}
        return {"anchor": "dnssec:\n  auto-trust-anchor: false\n"
                f'  trust-anchors: ["{anchor}"]'}
    if name == "unbound":
        return {"modules": "validator iterator" if anchor else "iterator",
                "anchor": f'trust-anchor: "{anchor}"' if anchor else ""}
    if name == "named":
        if not anchor:
            return {"validation": "no", "anchor": ""}
        tag, algorithm, kind, digest = anchor.split(" DS ")[1].split(" ", 3)
        return {"validation": "yes", "anchor":
                f'trust-anchors {{ "." static-ds {tag} {algorithm} {kind} '
                f'"{digest.replace(" ", "")}"; }};'}
    if name == "pdns":
        lua = os.path.join(folder, "pdns", "anchor.lua")
        if not anchor:
            return {"validation": "off", "anchor": ""}
        with open(lua, "w", encoding="ascii") as f:
            f.write("clearTA()\naddTA('.', \"%s\")\n"
                    % anchor.split(" DS ")[1])
        return {"validation": "validate", "anchor": f"lua-config-file={lua}"}
    if name == "kresd":
        return {"anchor": f"trust_anchors.add('{anchor}')" if anchor
                else "trust_anchors.remove('.')"}
    return {}


def find(name):
    return shutil.which(name, path=PATH)


def all_servers(hitherd, floor):
    """Every server there is a program for, by name."""
    made = [
        Server("hither", 5311, hitherd, HITHER, ["-c", "{conf}"]),
        Server("unbound", 5312, find("unbound"), UNBOUND,
               ["-d", "-c", "{conf}"]),
        Server("named", 5313, find("named"), NAMED,
               ["-f", "-4", "-n", "{threads}", "-c", "{conf}"]),
        Server("pdns", 5314, find("pdns_recursor"), PDNS,
               ["--config-dir={home}", "--daemon=no"]),
        Server("kresd", 5315, find("kresd"), KRESD,
               ["-n", "-q", "-c", "{conf}", "{home}"]),
        Server("echo", 5321, floor, None, ["udp", "{port}", "{threads}"]),
        Server("echo-tcp", 5322, floor, None, ["tcp", "{port}"]),
        Server("pool", 5323, floor, None, ["pool", "{port}", "127.53.0.3"]),
        Server("fresh", 5324, floor, None, ["fresh", "{port}", "127.53.0.3"]),
    ]
    return {s.name: s for s in made
            if s.program is not None and os.access(s.program, os.X_OK)}
