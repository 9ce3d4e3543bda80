# SPDX-License-Identifier: BSD-3-Clause
"""One allocation fails, at the start or in the middle of the work.

The daemon may refuse to start, cleanly, or answer one question with a
failure; it never crashes, and what it has taken is given back. Every
allocation of a start and of fifty questions: FAULTS=1-2000 in the
environment; otherwise a sample.
"""

import concurrent.futures
import os
import select
import signal
import socket
import subprocess
import time

import dns.message
import lab
import pytest

NAMES = """gaia.cs.umass.edu A|gaia.cs.umass.edu AAAA|gaia.cs.umass.edu TXT
www.enterprise.com A|enterprise.com MX|mail.enterprise.com A|nobody.nyu.edu A
www.nyu.edu A|cis.poly.nyu.edu A|video.netcinema.com A|www.coffee.example A
www.shop.example A|www.outside.example A|networkutopia.com A|localhost A
www.trunc.example A|www.refused.example A|www.lame.example A|. NS|com. NS
hundred.big.example A|www.noedns.example A|self.aliases.example A
www.dname.example A|one.wildcard.example A|1.0.0.127.in-addr.arpa PTR
www.tcpless.example A|nobody.umass.edu A|nobody.umass.edu TXT
a.fan.example A""".replace("\n", "|").split("|")


def sample():
    """Close together where the start is, further apart later."""
    chosen = os.environ.get("FAULTS")
    if chosen:
        least, most = (int(x) for x in chosen.split("-"))
        return list(range(least, most + 1))
    return [*range(1, 90, 9), *range(97, 600, 61), *range(600, 2000, 350)]


def script(port):
    """Fifty questions by UDP and by TCP; how many were answered."""
    wires = [dns.message.make_query(*n.split(), use_edns=i % 3 - 1,
                                    payload=1232).to_wire()
             for i, n in enumerate(NAMES + NAMES[:20])]
    answered = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("127.0.0.1", port))
        try:
            for wire in wires:
                s.send(wire)
            end = time.monotonic() + 1.2
            while answered < len(wires) and time.monotonic() < end:
                if select.select([s], [], [], 0.1)[0]:
                    s.recv(4096)
                    answered += 1
            with socket.create_connection(("127.0.0.1", port), 1) as t:
                t.settimeout(0.5)
                for wire in wires[:5]:
                    t.sendall(len(wire).to_bytes(2, "big") + wire)
                t.recv(4096)
        except OSError:
            pass  # A connection that found no memory is closed.
    return answered


def ask_control(words, path):
    """None: it hangs. Whether it is answered or refused is all the same."""
    try:
        return lab.control(*words, socket_path=path)
    except subprocess.TimeoutExpired:
        return None


def run_with_fault(n, folder, sim_port, libraries):
    """What was wrong, or None."""
    port = lab.free_port()
    config = lab.config_for(folder, sim_port, {
        "listen": [{"address": "127.0.0.1", "port": port}],
        "logging": {"servfail": True}})
    path = folder / "hither.yaml"
    path.write_text(lab.json.dumps(config))
    env = {**lab.environment(), "FAIL_ALLOCATION": str(n)}
    if libraries:
        env["FAIL_LIBRARIES"] = "1"
    with open(folder / "stderr", "w+", encoding="utf-8") as err:
        child = subprocess.Popen(
            [lab.program("hitherd-faults"), "-c", str(path)], env=env,
            stdin=subprocess.DEVNULL, stdout=err, stderr=err, cwd=folder)
        said = (folder / "stderr").read_text
        lab.wait_until(lambda: "started" in said() or
                       child.poll() is not None, 30)
        answered = 0
        if child.poll() is None:
            answered = script(port)
            for words in (["status"], ["stats"], ["servers", "edu"],
                          ["trace", "www.cs.umass.edu"], ["reload"],
                          ["flush", "all"], ["config", "show"]):
                done = ask_control(words, config["control"]["socket"])
                if done is None:
                    answered = 0
        was_up = child.poll() is None
        child.send_signal(signal.SIGTERM)
        try:
            status = child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            status = "hangs"
    if lab.COMPLAINTS.search(said()):
        return f"allocation {n}: {said()[-3000:]}"
    if was_up and status == 0 and answered > 0:
        return None
    if not was_up and status == 1 and said().strip() != "":
        return None
    return (f"allocation {n}: status {status}, up {was_up}, {answered} "
            f"answers: {said()[-2000:]}")


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("libraries", [False, True],
                         ids=["ours", "libraries"])
def test_an_allocation_that_fails_fails_alone(make_folder, sim, libraries):
    cases = [(n, make_folder()) for n in sample()]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        wrong = [w for w in pool.map(
            lambda c: run_with_fault(*c, sim.port, libraries), cases) if w]
    assert wrong == []
