# SPDX-License-Identifier: BSD-3-Clause
"""hitherd and Debian's resolvers, each on 127.0.0.1:5300 in its namespace."""

import json
import os
import pathlib
import shutil
import subprocess
import time

PORT = 5300
HINTS = ". 3600000 NS a.root.\na.root. 3600000 A {root}\n"


def tool(name):
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    assert path, f"{name} is not installed"
    return path


def hither_program():
    top = pathlib.Path(__file__).resolve().parents[3]
    build = pathlib.Path(os.environ.get("HITHER_BUILD_DIR", top / "build"))
    return str((build / "hitherd").resolve())


def hither(folder, hints, more):
    config = {
        "server": {"root-hints": str(hints), "allow-root": True,
                   "threads": 1},
        "listen": [{"address": "127.0.0.1", "port": PORT}],
        "outgoing": {},
        "resolver": {"do-ip6": False},
        "dnssec": {"validation": False},  # as its peers here
        "control": {"socket": ""},
    }
    for path, value in (more or {}).items():
        at = config
        *parents, last = path.split("/")
        for part in parents:
            at = at.setdefault(part, {})
        at[last] = value
    path = folder / "hither.yaml"
    path.write_text(json.dumps(config))
    return [hither_program(), "-c", str(path)]


def unbound(folder, hints, _more):
    path = folder / "unbound.conf"
    path.write_text(f"""server:
 interface: 127.0.0.1@{PORT}
 access-control: 127.0.0.0/8 allow
 username: ""
 chroot: ""
 directory: "{folder}"
 pidfile: ""
 use-syslog: no
 do-daemonize: no
 do-ip6: no
 num-threads: 1
 module-config: "iterator"
 root-hints: "{hints}"
remote-control:
 control-enable: no
""")
    return [tool("unbound"), "-d", "-p", "-c", str(path)]


def named(folder, hints, _more):
    path = folder / "named.conf"
    path.write_text(f"""options {{
 directory "{folder}";
 pid-file none;
 session-keyfile none;
 listen-on port {PORT} {{ 127.0.0.1; }};
 listen-on-v6 {{ none; }};
 recursion yes;
 dnssec-validation no;
 empty-zones-enable no;
}};
controls {{ }};
zone "." {{ type hint; file "{hints}"; }};
""")
    return [tool("named"), "-g", "-4", "-n", "1", "-c", str(path)]


def kresd(folder, hints, _more):
    path = folder / "kresd.conf"
    path.write_text(f"""net.listen('127.0.0.1', {PORT}, {{ kind = 'dns' }})
net.ipv6 = false
modules = {{ 'hints > iterate' }}
hints.root_file('{hints}')
trust_anchors.remove('.')
cache.size = 20 * MB
""")
    return [tool("kresd"), "-n", "-q", "-c", str(path), str(folder)]


KINDS = {"hither": hither, "unbound": unbound, "named": named,
         "kresd": kresd}


class Resolver:
    def __init__(self, kind, folder, root, more=None):
        hints = folder / "hints"
        hints.write_text(HINTS.format(root=root))
        self.kind = kind
        self.stderr_path = folder / "stderr"
        environment = {k: v for k, v in os.environ.items()
                       if not k.startswith("HITHER_")}
        with open(self.stderr_path, "wb") as err:
            self.child = subprocess.Popen(
                KINDS[kind](folder, hints, more), cwd=folder, stdout=err,
                stderr=err, stdin=subprocess.DEVNULL, env=environment)

    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    def cpu_ms(self):
        total = 0
        for task in pathlib.Path(f"/proc/{self.child.pid}/task").iterdir():
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except OSError:
                pass
        return total / 1e6

    def rss_mb(self):
        for line in pathlib.Path(
                f"/proc/{self.child.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.child.pid}/fd"))

    def end(self):
        """What was wrong with it, or an empty text."""
        if self.child.poll() is None:
            self.child.terminate()
        try:
            status = self.child.wait(15)
        except subprocess.TimeoutExpired:
            self.child.kill()
            status = self.child.wait()
        if self.kind != "hither":
            return ""
        text = self.stderr()
        if status != 0 or "Sanitizer" in text or "runtime error" in text:
            return f"ended with {status}: {text[-3000:]}"
        return ""

    def wait_ready(self, is_ready, seconds=15):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.child.poll() is None:
            if is_ready():
                return
            time.sleep(0.05)
        raise AssertionError(f"{self.kind} does not start: {self.stderr()}")
