# SPDX-License-Identifier: BSD-3-Clause
"""./start, as somebody meets it who has just cloned the repository."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import lab
import pytest

PORT, SIM_PORT = 5300, 5301


@pytest.fixture(scope="module")
def checkout(make_folder):
    """A copy of the tree in which ./start has built before."""
    plain = os.environ.get("HITHER_PLAIN_DIR")
    if plain is None:
        pytest.skip("HITHER_PLAIN_DIR does not name an ordinary build")
    for port in (PORT, SIM_PORT):
        assert lab.is_free("127.0.0.1", port)
    folder = make_folder() / "hither"
    shutil.copytree(lab.TOP, folder, ignore=shutil.ignore_patterns(
        "build", ".git", "__pycache__", "autom4te.cache"))
    build = folder / "build"
    shutil.copytree(plain, build, ignore=shutil.ignore_patterns(
        "hither-[0-9]*", "*.log", "*.trs"))
    source = pathlib.Path(plain).parent / "source"
    if source.is_dir():
        shutil.copytree(source, build / "source", symlinks=True)
    done = run(folder, "--once")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def run(folder, *words, env=None):
    return subprocess.run(
        [str(folder / "start"), *words], text=True, capture_output=True,
        check=False, timeout=300, stdin=subprocess.DEVNULL, cwd="/",
        env={**lab.environment(), **(env or {})})


def children_of(folder):
    """Programs of this checkout that run."""
    found = []
    for p in pathlib.Path("/proc").iterdir():
        try:
            command = (p / "cmdline").read_bytes()
            where = os.readlink(p / "cwd")
        except OSError:
            continue
        if p.name.isdigit() and where == str(folder) and b"hither" in command:
            found.append(command)
    return found


def tree(folder):
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*")
            if "build" not in p.relative_to(folder).parts and p.is_file()}


def test_three_right_answers_with_their_origin_and_time(checkout):
    before = tree(checkout)
    done = run(checkout, "--once")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    out = done.stdout
    first = re.search(r"^gaia.cs.umass.edu +A +NOERROR +(\d+) ms +asked (.*)\n"
                      r" +gaia.cs.umass.edu. A 128.119.245.12$", out, re.M)
    assert int(first.group(1)) > 0
    asked = first.group(2).split()
    assert asked[0].startswith("127.53.0.") and "127.53.7.1" in asked
    assert "www.enterprise.com. CNAME relay1.west-coast.enterprise.com." in out
    assert "relay1.west-coast.enterprise.com. A 198.51.100.20" in out
    assert "enterprise.com. MX 10 mail.enterprise.com." in out
    assert "mail.enterprise.com. A 198.51.100.25" in out
    assert re.search(r"^gaia.cs.umass.edu +A +NOERROR +\d+ ms +from memory", out,
                     re.M)
    for zone in ("zone .", "zone edu.", "zone umass.edu."):
        assert re.search(rf"-> 127\.53\.\S+ \S+ for {re.escape(zone)} ", out)
    assert re.search(r"^www.shop.example +A +NOERROR +proven$", out, re.M)
    assert re.search(r"^www.badds.example +A +SERVFAIL +EDE 9 ", out, re.M)
    assert re.search(r" ms +help +badds.example. DNSKEY$", out, re.M)
    assert tree(checkout) == before
    assert children_of(checkout) == []


def test_a_wrong_answer_is_not_taken_for_right(checkout):
    """What the zone file says is changed once the simulator has read it."""
    zone = checkout / "zones" / "umass.edu.zone"
    right = zone.read_text()
    path = checkout / "build" / "bin"
    path.mkdir(exist_ok=True)
    (path / "dig").write_text(
        f"#!/bin/sh\n{lab.tool('dig')} \"$@\" | sed 's/128.119.245.12/1.1.1.1/'"
        "\n")
    (path / "dig").chmod(0o755)
    done = run(checkout, "--once",
               env={"PATH": f"{path}:{os.environ['PATH']}"})
    assert done.returncode == 1
    assert "expected: 128.119.245.12" in done.stdout
    assert zone.read_text() == right


@pytest.mark.parametrize("words", [["--twice"], ["--once", "now"], ["x"]],
                         ids=" ".join)
def test_wrong_arguments_are_told(checkout, words):
    done = run(checkout, *words)
    assert done.returncode == 2
    assert "unknown argument" in done.stderr and "usage:" in done.stderr


def test_help_is_there(checkout):
    done = run(checkout, "--help")
    assert done.returncode == 0 and "--once" in done.stdout


def hear_ctrl_c():
    """A shell's background job ignores SIGINT, and whatever it starts does."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextlib.contextmanager
def staying(checkout):
    """./start, once it stays; and what it has said so far."""
    with open(checkout / "build" / "stay.out", "w+b") as out:
        child = subprocess.Popen(
            [str(checkout / "start")], stdout=out, stderr=out, cwd="/",
            stdin=subprocess.DEVNULL, start_new_session=True,
            env=lab.environment(), preexec_fn=hear_ctrl_c)
        said = pathlib.Path(out.name).read_text
        try:
            assert lab.wait_until(lambda: "stop: Ctrl-C" in said(), 60)
            assert len(children_of(checkout)) == 3
            time.sleep(0.3)
            assert child.poll() is None
            yield child, said
        finally:
            child.kill()
            child.wait()
    assert lab.wait_until(lambda: children_of(checkout) == [], 5)
    assert lab.is_free("127.0.0.1", PORT)
    assert not (checkout / "build/run/control.sock").exists()


@pytest.mark.parametrize("number, status", [
    (signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGHUP, 143)],
    ids=["INT", "TERM", "HUP"])
def test_it_stays_until_it_is_told_to_end(checkout, number, status):
    with staying(checkout) as (child, said):
        os.killpg(child.pid, number)
        assert child.wait(5) == status, said()
    assert ("stopped" in said()) == (number == signal.SIGINT)


def test_it_ends_with_the_daemon_that_is_told_to_stop(checkout):
    with staying(checkout) as (child, said):
        subprocess.run([
            checkout / "build" / "hitherctl", "--socket",
            checkout / "build" / "run" / "control.sock", "stop"], check=True,
            env=lab.environment())
        assert child.wait(5) == 0, said()
    assert "stopped" in said()


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM],
                         ids=["udp", "tcp"])
def test_a_port_in_use_names_who_has_it(checkout, kind):
    with socket.socket(socket.AF_INET, kind) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", PORT))
        if kind == socket.SOCK_STREAM:
            s.listen()
        done = run(checkout, "--once")
    assert done.returncode == 1
    assert f"127.0.0.1:{PORT}" in done.stderr
    assert f"pid {os.getpid()}" in done.stderr
    assert children_of(checkout) == []


def test_the_simulators_port_in_use_is_told(checkout):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.53.0.1", SIM_PORT))
        done = run(checkout, "--once")
    assert done.returncode == 1
    assert str(SIM_PORT) in done.stderr and "in use" in done.stderr
    assert children_of(checkout) == []


def test_without_the_internet_it_says_so(checkout, namespace):
    """In a network that has but a loopback."""
    done = subprocess.run(
        [*namespace.enter, str(checkout / "start"), "--real", "--once"], text=True,
        capture_output=True, check=False, timeout=60, cwd="/",
        stdin=subprocess.DEVNULL, env=lab.environment())
    assert done.returncode == 1, done.stdout + done.stderr
    assert "The Internet does not answer" in done.stdout
    assert "SERVFAIL" in done.stdout
    assert children_of(checkout) == []


def test_who_may_not_install_is_told_what_is_missing(checkout):
    """Nobody, without sudo, where dpkg knows of no package."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    path = checkout / "build" / "poor"
    path.mkdir(exist_ok=True)
    for name in ("sh", "dirname", "id", "mkdir", "grep", "basename", "cat"):
        if not (path / name).exists():
            (path / name).symlink_to(lab.tool(name))
    build = checkout / "build"
    mode = build.stat().st_mode
    build.chmod(0o777)
    done = subprocess.run(
        [lab.tool("setpriv"), "--reuid=65534", "--regid=65534",
         "--clear-groups", str(checkout / "start"), "--once"], text=True,
        capture_output=True, check=False, timeout=60, cwd="/",
        stdin=subprocess.DEVNULL, env={"PATH": str(path)})
    build.chmod(mode)
    assert done.returncode == 1
    assert "root or sudo is needed to install:" in done.stderr
    assert "libevent-dev" in done.stderr


def test_a_build_folder_of_somebody_else_is_told(checkout):
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    done = subprocess.run(
        [lab.tool("setpriv"), "--reuid=65534", "--regid=65534",
         "--clear-groups", str(checkout / "start"), "--once"], text=True,
        capture_output=True, check=False, timeout=60, cwd="/",
        stdin=subprocess.DEVNULL, env=lab.environment())
    assert done.returncode == 1
    assert "cannot write to" in done.stderr
