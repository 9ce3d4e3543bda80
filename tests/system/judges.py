# SPDX-License-Identifier: BSD-3-Clause
"""Other people's validators as judges, and a way to ask many at once.

Everything runs inside one namespace, where authoritative servers have port
53. As a program (in there), it reads questions and ports as JSON from stdin
and prints what each resolver said, as JSON.
"""

import json
import sys

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype


def look(message):
    codes = [int(o.code) for o in message.options
             if o.otype == dns.edns.OptionType.EDE]
    texts = [o.text or "" for o in message.options
             if o.otype == dns.edns.OptionType.EDE]
    answer = sorted(
        f"{s.name} {dns.rdatatype.to_text(s.rdtype)} {r}".lower()
        for s in message.answer for r in s
        if s.rdtype != dns.rdatatype.RRSIG)
    return {"rcode": dns.rcode.to_text(message.rcode()),
            "ad": bool(message.flags & dns.flags.AD),
            "ede": codes, "texts": texts, "answer": answer}


def ask(port, name, rdtype, checking=True, timeout=9):
    q = dns.message.make_query(name, rdtype, use_edns=0, payload=1232,
                               want_dnssec=True)
    if not checking:
        q.flags |= dns.flags.CD
    try:
        r = dns.query.udp(q, "127.0.0.1", port=port, timeout=timeout)
        if r.flags & dns.flags.TC:
            r = dns.query.tcp(q, "127.0.0.1", port=port, timeout=timeout)
        return look(r)
    except dns.exception.Timeout:
        return {"rcode": "silence", "ad": False, "ede": [], "texts": [],
                "answer": []}


def main():
    job = json.load(sys.stdin)
    json.dump({port: [ask(int(port), *q) for q in job["questions"]]
               for port in job["ports"]}, sys.stdout)


if __name__ == "__main__":
    main()
    sys.exit(0)

# --- below: for the tests, outside the namespace ---------------------------

import subprocess  # noqa: E402

import lab  # noqa: E402


def ask_all(namespace, ports, questions):
    """{port: [what it said to each question]}; a question is (name, type)
    or (name, type, checking)."""
    done = subprocess.run(
        [*namespace.enter, sys.executable, __file__],
        input=json.dumps({"ports": ports, "questions": questions}),
        capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    return {int(port): said
            for port, said in json.loads(done.stdout).items()}


def is_up(namespace, port):
    done = namespace.run("dig", "@127.0.0.1", "-p", str(port), "+tries=1",
                         "+time=1", "version.bind", "TXT", "CH", check=False)
    return done.returncode == 0


UNBOUND = """
server:
  directory: "{folder}"
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  interface: 127.0.0.1
  port: {port}
  num-threads: 1
  do-not-query-localhost: no
  do-ip6: no
  root-hints: "{hints}"
  trust-anchor-file: "{anchor}"
  module-config: "validator iterator"
  val-log-level: 2
  ede: yes
  qname-minimisation: no
remote-control:
  control-enable: no
"""

NAMED = """
options {{
  directory "{folder}";
  pid-file none;
  session-keyfile none;
  listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  recursion yes;
  allow-query {{ any; }};
  empty-zones-enable no;
  dnssec-validation yes;
  qname-minimization off;
  managed-keys-directory "{folder}";
}};
controls {{ }};
zone "." {{ type hint; file "{hints}"; }};
trust-anchors {{
{anchors}
}};
"""


def named_anchors(path):
    """DS lines as BIND wants them."""
    lines = []
    for line in path.read_text().splitlines():
        words = line.split(";")[0].split()
        if "DS" not in words:
            continue
        at = words.index("DS")
        tag, algorithm, digest = words[at + 1:at + 4]
        lines.append(f'  "{words[0]}" static-ds {tag} {algorithm} {digest} '
                     f'"{"".join(words[at + 4:])}";')
    return "\n".join(lines)


class Unbound(lab.Process):
    def __init__(self, namespace, folder, port, hints, anchor):
        self.port = port
        (folder / "unbound.conf").write_text(UNBOUND.format(
            folder=folder, port=port, hints=hints, anchor=anchor))
        super().__init__(
            "unbound", [lab.tool("unbound"), "-d", "-c",
                        str(folder / "unbound.conf")],
            folder, namespace.enter)
        self.wait_ready(lambda: is_up(namespace, port))


class Named(lab.Process):
    def __init__(self, namespace, folder, port, hints, anchor):
        self.port = port
        (folder / "named.conf").write_text(NAMED.format(
            folder=folder, port=port, hints=hints,
            anchors=named_anchors(anchor)))
        super().__init__(
            "named", [lab.tool("named"), "-f", "-g", "-n", "1", "-c",
                      str(folder / "named.conf")],
            folder, namespace.enter)
        self.wait_ready(lambda: is_up(namespace, port))
