# SPDX-License-Identifier: BSD-3-Clause
"""What a supervisor such as systemd is told: sd_notify(3)."""

import os
import signal
import socket
import time

import pytest


@pytest.fixture(params=["path", "abstract"])
def supervisor(request, make_folder):
    """A supervisor's socket, and its name in the environment."""
    name = str(make_folder() / "notify")
    if request.param == "abstract":
        name = f"@hither-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(name if name[0] == "/" else "\0" + name[1:])
        s.settimeout(20)
        yield s, name


def told(s):
    return s.recv(4096).decode()


def test_ready_reload_and_stop_are_told(start, supervisor):
    s, name = supervisor
    d = start(env={"NOTIFY_SOCKET": name})
    assert told(s) == "READY=1"
    d.child.send_signal(signal.SIGHUP)
    assert told(s) == "RELOADING=1"
    assert told(s) == "READY=1"
    d.end()
    assert told(s) == "STOPPING=1"


def test_the_watchdog_is_fed_at_half_its_time(start, supervisor):
    s, name = supervisor
    start(env={"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "400000"})
    heard = [told(s) for _ in range(4)]
    begin = time.monotonic()
    heard += [told(s) for _ in range(5)]
    assert heard.count("READY=1") == 1 and heard.count("WATCHDOG=1") == 8
    assert 0.7 < time.monotonic() - begin < 5


@pytest.mark.parametrize("settings", [
    {"WATCHDOG_USEC": "200000", "WATCHDOG_PID": "1"},
    {"WATCHDOG_USEC": "soon"},
    {"WATCHDOG_USEC": "-5"},
    {"WATCHDOG_USEC": "99999999999999999999"},
], ids=["of another process", "no number", "negative", "for ever"])
def test_no_watchdog_that_is_not_ours(start, supervisor, settings):
    s, name = supervisor
    start(env={"NOTIFY_SOCKET": name, **settings})
    assert told(s) == "READY=1"
    s.settimeout(0.6)
    with pytest.raises(socket.timeout):
        told(s)


@pytest.mark.parametrize("name", ["", "@", "relative", "/none/of/them",
                                  "/" + "x" * 200])
def test_a_supervisor_that_is_not_there_does_not_matter(start, name):
    d = start(env={"NOTIFY_SOCKET": name})
    assert d.ask("gaia.cs.umass.edu").answer
