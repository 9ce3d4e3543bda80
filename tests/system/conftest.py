# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures: a miniature Internet and a daemon for all tests, and a factory."""

import itertools
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import lab
import pytest


@pytest.fixture(scope="session")
def make_folder():
    """Folders with short names: the path of a socket has 107 octets."""
    top = pathlib.Path(tempfile.mkdtemp(prefix="hither-"))
    top.chmod(0o755)
    numbers = itertools.count()

    def make():
        folder = top / str(next(numbers))
        folder.mkdir()
        return folder

    yield make
    shutil.rmtree(top, ignore_errors=True)


def finish(processes):
    """Ends them, the last one first; returns what was wrong."""
    faults = []
    for p in reversed(processes):
        p.end()
        faults += p.faults()
    return faults


@pytest.fixture(scope="session")
def sim(make_folder):
    s = lab.Sim(make_folder())
    yield s
    assert finish([s]) == []


@pytest.fixture(scope="session")
def shared_daemons(make_folder):
    """All that were made, since one that fell is replaced."""
    made = []
    yield made
    assert finish(made) == []


@pytest.fixture
def daemon(make_folder, sim, shared_daemons):
    """For tests that need no special configuration and no empty cache."""
    if not shared_daemons or shared_daemons[-1].child.poll() is not None:
        folder = make_folder()
        shared_daemons.append(
            lab.Daemon(folder, lab.config_for(folder, sim.port)))
    return shared_daemons[-1]


@pytest.fixture
def start(make_folder, sim):
    """start(config) -> a daemon with an empty cache, ended by the test."""
    started = []

    def begin(config=None, **how):
        folder = make_folder()
        d = lab.Daemon(folder, lab.config_for(folder, sim.port, config),
                       **how)
        started.append(d)
        return d

    yield begin
    faults = finish(started)
    assert faults == []


@pytest.fixture(scope="module")
def start_for_module(make_folder, sim):
    started = []

    def begin(config=None, **how):
        folder = make_folder()
        d = lab.Daemon(folder, lab.config_for(folder, sim.port, config),
                       **how)
        started.append(d)
        return d

    yield begin
    assert finish(started) == []


class Namespace:
    """A network and mounts of its own; `enter` leads commands into it."""

    def __init__(self, folder):
        # Root needs no user namespace, and a chroot would not give it one.
        as_user = os.geteuid() != 0
        self.holder = subprocess.Popen(
            [lab.tool("unshare"), *(["-r"] if as_user else []), "-n", "-m",
             "--propagation", "private", "sh", "-c", "echo in; exec sleep 600"],
            stdout=subprocess.PIPE, text=True, cwd=folder)
        assert self.holder.stdout.readline() == "in\n"
        user = ["-U", "--preserve-credentials"] if as_user else []
        self.enter = [lab.tool("nsenter"), "-t", str(self.holder.pid), *user,
                      "-n", "-m", "--"]
        self.run("ip", "link", "set", "lo", "up")

    def run(self, *command, check=True):
        done = subprocess.run(
            [*self.enter, *command], capture_output=True, text=True,
            timeout=30, check=False)
        assert not check or done.returncode == 0, done.stderr
        return done

    def end(self):
        self.holder.send_signal(signal.SIGKILL)
        self.holder.wait()
        self.holder.stdout.close()


@pytest.fixture
def namespace(make_folder):
    n = Namespace(make_folder())
    yield n
    n.end()


# --- what a failure shows -----------------------------------------------


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    for p in lab.Process.all:
        if p.name == "hitherd" and p.stderr_path.exists():
            text = p.stderr()[-4000:]
            if text:
                report.sections.append((f"{p.name}, {p.folder.name}", text))


@pytest.fixture(autouse=True)
def sound_programs():
    """No sanitizer speaks up, and nothing that runs ends by itself."""
    yield
    faults = [f for p in lab.Process.all if p.stderr_path.exists()
              for f in p.faults()]
    assert faults == []
    lab.Process.all[:] = [p for p in lab.Process.all
                          if p.child.poll() is None]
