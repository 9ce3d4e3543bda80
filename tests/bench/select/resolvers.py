# SPDX-License-Identifier: BSD-3-Clause
"""The resolvers on the bench, with the defaults of their distribution.

Validation is off, servers on loopback may be asked, and IPv6 is used where a
scenario has it; all else is as it is installed, unless the tuning is asked
for that their manuals offer for this. Each listens on 127.0.0.1 port 5300 of a
network namespace of its own.
"""
import os
import shutil

PORT = 5300

HITHER = """\
server:
  root-hints: "{dir}/root.hints"
  allow-root: true
  directory: "{dir}"
listen:
  - {{address: 127.0.0.1, port: {port}}}
resolver:
  do-ip6: {yes6}
outgoing:
  do-not-query: []
dnssec:
  validation: false
control:
  socket: "{dir}/control.sock"
"""

UNBOUND = """\
server:
  directory: "{dir}"
  chroot: ""
  username: ""
  pidfile: ""
  do-daemonize: no
  use-syslog: no
  interface: 127.0.0.1
  port: {port}
  do-ip6: {no6}
  do-not-query-localhost: no
  module-config: "iterator"
  root-hints: "{dir}/root.hints"
{tuned}
remote-control:
  control-enable: no
"""

NAMED = """\
options {{
  directory "{dir}";
  listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  dnssec-validation no;
  recursion yes;
  pid-file none;
{tuned}
}};
controls {{ }};
zone "." {{ type hint; file "root.hints"; }};
"""

PDNS = """\
config-dir={dir}
socket-dir={dir}
hint-file={dir}/root.hints
local-address=127.0.0.1
local-port={port}
query-local-address={from6}
dont-query=
dnssec=off
security-poll-suffix=
daemon=no
quiet=yes
write-pid=no
{tuned}
"""

KRESD = """\
net.listen('127.0.0.1', {port}, {{ kind = 'dns' }})
net.ipv6 = {true6}
option('ALLOW_LOCAL', true)
trust_anchors.remove('.')
modules.load('hints')
hints.root_file('{dir}/root.hints')
cache.open(100 * MB, 'lmdb://{dir}/cache')
"""

TUNED = {
    "unbound": """\
  fast-server-permil: 900
  fast-server-num: 1
  infra-keep-probing: yes
  unknown-server-time-limit: 100
""",
    "named": "  resolver-retry-interval 200;\n",
    "pdns": "network-timeout=400\nserver-down-throttle-time=10\n",
}

SBIN = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin"


class Resolver:
    """argv has {dir} where its folder is to stand. keeps: it knows servers
    of old when it starts again."""

    def __init__(self, name, program, conf, argv, keeps=False):
        self.name, self.program = name, program
        self.conf, self.argv, self.keeps = conf, argv, keeps

    def is_there(self):
        return self.program is not None and os.access(self.program, os.X_OK)

    def prepare(self, folder, ipv6, tuned):
        """Writes its configuration; gives the command."""
        text = self.conf.format(
            tuned=TUNED.get(self.name, "") if tuned else "",
            dir=folder, port=PORT, yes6=str(ipv6).lower(),
            no6="yes" if ipv6 else "no", true6=str(ipv6).lower(),
            from6="0.0.0.0,::" if ipv6 else "0.0.0.0")
        with open(os.path.join(folder, self.conf_name()), "w",
                  encoding="ascii") as f:
            f.write(text)
        argv = [a.format(dir=folder) for a in self.argv]
        if self.name == "named" and not ipv6:
            argv.append("-4")
        return [self.program, *argv]

    def conf_name(self):
        return "recursor.conf" if self.name == "pdns" else self.name + ".conf"


def all_of(build, hitherd=None):
    def find(name):
        return shutil.which(name, path=SBIN)

    return {r.name: r for r in (
        Resolver("hither", hitherd or os.path.join(build, "hitherd"), HITHER,
                 ["-c", "{dir}/hither.conf"], keeps=True),
        Resolver("unbound", find("unbound"), UNBOUND,
                 ["-d", "-c", "{dir}/unbound.conf"]),
        Resolver("named", find("named"), NAMED,
                 ["-g", "-c", "{dir}/named.conf"]),
        Resolver("pdns", find("pdns_recursor"), PDNS,
                 ["--config-dir={dir}"]),
        Resolver("kresd", find("kresd"), KRESD,
                 ["-n", "-c", "{dir}/kresd.conf", "{dir}"], keeps=True))}
