# SPDX-License-Identifier: BSD-3-Clause
"""Where log lines go, and that they get there."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading

import lab
import pytest


class Collector:
    """A datagram socket, read by a thread: syslog's, or the journal's."""

    def __init__(self, path):
        self.lines = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(0.2)
        self.stopping = False
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        while not self.stopping:
            try:
                self.lines.append(self.socket.recv(65536).decode())
            except socket.timeout:
                pass

    def end(self):
        self.stopping = True
        self.thread.join()
        self.socket.close()


@pytest.fixture
def collect(namespace, make_folder):
    """collect("/dev/log") -> what arrives there, within the namespace."""
    made = []

    def begin(place):
        folder = make_folder()
        c = Collector(folder / "socket")
        made.append(c)
        parent = pathlib.Path(place).parent
        if str(parent) == "/dev":
            # /dev itself stays as it is, but for one name.
            namespace.run("sh", "-c", "mkdir -p /run/hither-dev && "
                          "mount -t tmpfs none /run/hither-dev && "
                          "for n in null urandom random zero tty; do "
                          "touch /run/hither-dev/$n && "
                          "mount --bind /dev/$n /run/hither-dev/$n; done && "
                          f"touch /run/hither-dev/log && "
                          f"mount --bind {folder}/socket /run/hither-dev/log "
                          "&& mount --rbind /run/hither-dev /dev")
        else:
            namespace.run("sh", "-c", "mount -t tmpfs none /run && "
                          f"mkdir -p {parent} && touch {place} && "
                          f"mount --bind {folder}/socket {place}")
        return c

    yield begin
    for c in made:
        c.end()


def run_inside(namespace, folder, target, more=None):
    """A daemon that starts, reloads with a mistake, and ends."""
    config = lab.config_for(folder, 5353, {
        "logging": {"target": target, **(more or {})}})
    path = folder / "hither.yaml"
    path.write_text(json.dumps(config))
    child = subprocess.Popen(
        [*namespace.enter, lab.program("hitherd"), "-c", str(path)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, env=lab.environment())
    socket_path = config["control"]["socket"]
    assert lab.wait_until(lambda: lab.control(
        "status", socket_path=socket_path).returncode == 0, lab.READY_S)
    path.write_text("nonsense: 1\n")
    lab.control("reload", socket_path=socket_path)
    pid = json.loads(lab.control("--json", "status",
                                 socket_path=socket_path).stdout)["pid"]
    assert pid > 0
    lab.control("stop", socket_path=socket_path)
    out, _ = child.communicate(timeout=20)
    assert child.returncode == 0, out
    assert not lab.COMPLAINTS.search(out), out
    return out


EVENTS = ["listening", "started", "stopping"]


def assert_events(lines):
    text = "\n".join(lines)
    for event in EVENTS:
        assert event in text, text


def test_syslog_takes_lines_with_their_priority(
        namespace, collect, make_folder):
    log = collect("/dev/log")
    out = run_inside(namespace, make_folder(), "syslog")
    assert "started" not in out
    assert_events(log.lines)
    started = next(x for x in log.lines if "started" in x)
    # Facility daemon (3), severity info (6).
    assert re.match(r"^<30>.*hitherd\[\d+\]: info started version=", started)


def test_syslog_takes_json(namespace, collect, make_folder):
    log = collect("/dev/log")
    run_inside(namespace, make_folder(), "syslog", {"format": "json"})
    bodies = [json.loads(x[x.index("{"):]) for x in log.lines]
    assert_events([b["event"] for b in bodies])


def test_the_journal_takes_fields(namespace, collect, make_folder):
    log = collect("/run/systemd/journal/socket")
    out = run_inside(namespace, make_folder(), "journal")
    assert "started" not in out
    fields = [dict(line.split("=", 1) for line in entry.splitlines())
              for entry in log.lines]
    assert_events([f["HITHER_EVENT"] for f in fields])
    for f in fields:
        assert f["SYSLOG_IDENTIFIER"] == "hitherd"
        assert f["MESSAGE"].startswith(f["HITHER_EVENT"])
    started = next(f for f in fields if f["HITHER_EVENT"] == "started")
    assert started["PRIORITY"] == "6"


@pytest.mark.parametrize("target", ["journal", "file:/no/such/folder/log"])
def test_a_target_that_is_not_there_is_told_on_stderr(
        namespace, make_folder, target):
    """The log is not open yet, and the start fails all the same aloud."""
    namespace.run("mount", "-t", "tmpfs", "none", "/run")
    folder = make_folder()
    path = folder / "hither.yaml"
    path.write_text(json.dumps(lab.config_for(folder, 5353, {
        "logging": {"target": target}})))
    done = subprocess.run(
        [*namespace.enter, lab.program("hitherd"), "-c", str(path)],
        text=True, capture_output=True, check=False, timeout=30,
        stdin=subprocess.DEVNULL, env=lab.environment())
    assert done.returncode == 1
    assert "logging.target" in done.stderr
    assert "No such file" in done.stderr
    assert target.removeprefix("file:") in done.stderr


def test_stderr_takes_json_lines(start):
    d = start({"logging": {"format": "json"}})
    lines = [json.loads(x) for x in d.stderr().splitlines()]
    assert {"listening", "started"} <= {x["event"] for x in lines}
    for line in lines:
        assert line["level"] == "info"
        assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", line["time"])


def test_equal_lines_are_limited_and_their_number_is_told(start):
    d = start({"logging": {"servfail": True},
               "cache": {"failure-ttl": {"first": "1s"}}})
    d.ask("www.refused.example")
    for _ in range(40):
        d.ask("www.refused.example")
    written = [x for x in d.stderr().splitlines() if "www.refused" in x]
    assert 1 <= len(written) <= 12
    d.child.send_signal(signal.SIGUSR1)
    assert lab.wait_until(lambda: "repeated=" in d.stderr())
    told = sum(int(n) for n in re.findall(
        r"www\.refused.* repeated=(\d+)", d.stderr()))
    assert len(written) + told >= 41


def test_a_full_disk_ends_neither_the_service_nor_the_lines(
        namespace, make_folder, sim):
    """What the file cannot take goes to stderr."""
    folder = make_folder()
    disk = folder / "disk"
    disk.mkdir()
    namespace.run("mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk))
    namespace.run("sh", "-c", f"head -c 70000 /dev/zero >{disk}/filler",
                  check=False)
    config = lab.config_for(folder, sim.port, {
        "logging": {"target": f"file:{disk}/log", "level": "debug"}})
    path = folder / "hither.yaml"
    path.write_text(json.dumps(config))
    d = subprocess.Popen(
        [*namespace.enter, lab.program("hitherd"), "-c", str(path)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, env=lab.environment())
    socket_path = config["control"]["socket"]
    assert lab.wait_until(lambda: lab.control(
        "status", socket_path=socket_path).returncode == 0, lab.READY_S)
    done = lab.control("trace", "localhost", socket_path=socket_path)
    assert done.returncode == 0
    lab.control("stop", socket_path=socket_path)
    out, _ = d.communicate(timeout=20)
    assert d.returncode == 0, out
    assert "started" in out
    assert not lab.COMPLAINTS.search(out), out


def test_nobody_else_may_read_a_log_file(make_folder):
    log = make_folder() / "hither.log"
    folder = make_folder()
    d = lab.LoggingDaemon(folder, log, lab.config_for(folder, 5353))
    mode = os.stat(log).st_mode & 0o777
    assert d.end()[0] == 0
    assert mode & 0o007 == 0
    assert_events(log.read_text().splitlines())
