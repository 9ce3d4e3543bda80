# SPDX-License-Identifier: BSD-3-Clause
"""Starting, being told what is wrong, changing while running, ending."""

import grp
import json
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

WRONG = """\
listen:
  - {address: 127.0.0.1, port: 99999}
access-control:
  - {net: 10.0.0.0/33, action: allow}
cache:
  record: 5M
  answers: 12
resolver:
  query-timeout: soon
"""


def write(folder, text):
    path = folder / "hither.yaml"
    path.write_text(text)
    return path


# --- a port in use ---------------------------------------------------------


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM],
                         ids=["udp", "tcp"])
def test_a_port_in_use_is_told_with_its_holder(make_folder, kind):
    folder = make_folder()
    with socket.socket(socket.AF_INET, kind) as s:
        port = lab.free_port()
        s.bind(("127.0.0.1", port))
        if kind == socket.SOCK_STREAM:
            s.listen()
        config = lab.config_for(folder, 5353, {
            "listen": [{"address": "127.0.0.1", "port": port}]})
        path = write(folder, json.dumps(config))
        done = lab.run_daemon("-c", str(path))
    assert done.returncode == 1
    line = next(x for x in done.stderr.splitlines() if "in use" in x)
    assert f"127.0.0.1:{port}" in line or f"127.0.0.1@{port}" in line
    assert f"pid {os.getpid()}" in line
    assert ("UDP" if kind == socket.SOCK_DGRAM else "TCP") in line
    assert_sound(done)


def test_a_second_daemon_is_told_that_the_first_has_the_port(
        make_folder, daemon):
    folder = make_folder()
    config = lab.config_for(folder, 5353, {"listen": daemon.config["listen"]})
    done = lab.run_daemon("-c", str(write(folder, json.dumps(config))))
    assert done.returncode == 1
    assert f"hitherd (pid {daemon.child.pid})" in done.stderr
    assert_sound(done)


def test_a_second_daemon_does_not_take_the_control_socket(
        make_folder, daemon):
    folder = make_folder()
    config = lab.config_for(folder, 5353, {
        "control": {"socket": daemon.socket}})
    done = lab.run_daemon("-c", str(write(folder, json.dumps(config))))
    assert done.returncode == 1
    assert daemon.socket in done.stderr
    assert daemon.control("status").returncode == 0
    assert_sound(done)


def test_a_control_socket_whose_owner_hangs_does_not_hold_up_the_start(
        make_folder):
    folder = make_folder()
    path = str(folder / "control.sock")
    with socket.socket(socket.AF_UNIX) as s, \
            socket.socket(socket.AF_UNIX) as waiting:
        s.bind(path)
        s.listen(0)
        waiting.connect(path)
        config = lab.config_for(folder, 5353)
        done = lab.run_daemon("-c", str(write(folder, json.dumps(config))))
    assert done.returncode == 1
    assert path in done.stderr
    assert_sound(done)


def test_the_control_socket_of_a_dead_daemon_is_replaced(start):
    d = start()
    d.expected = -signal.SIGKILL
    d.end(signal.SIGKILL)
    assert os.path.exists(d.socket)
    again = start({"control": {"socket": d.socket}})
    assert again.control("status").returncode == 0


def assert_sound(done):
    assert not lab.COMPLAINTS.search(done.stderr), done.stderr


# --- mistakes in the configuration -----------------------------------------


def test_every_mistake_is_told_with_its_place(make_folder):
    path = write(make_folder(), WRONG)
    done = lab.run_daemon("-c", str(path))
    assert done.returncode == 1
    told = re.findall(rf"^{re.escape(str(path))}:(\d+):(\d+): error: (.*)$",
                      done.stderr, re.M)
    assert [int(line) for line, _, _ in told] == [2, 4, 6, 7, 9]
    assert all(int(column) >= 3 for _, column, _ in told)
    assert [text.split(":")[0] for _, _, text in told] == [
        "listen[0].port", "access-control[0].net", "cache.record",
        "cache.answers", "resolver.query-timeout"]
    assert "{net: 10.0.0.0/33, action: allow}" in done.stderr
    assert "^" in done.stderr
    assert "5 errors" in done.stderr
    assert_sound(done)


def test_an_unknown_option_comes_with_a_suggestion(make_folder):
    path = write(make_folder(), WRONG)
    done = lab.run_daemon("-c", str(path), "--check")
    line = next(x for x in done.stderr.splitlines() if "cache.record:" in x)
    assert 'unknown option; did you mean "records"?' in line


@pytest.mark.parametrize("text, hint", [
    ("listen: [\n", ":1:"), ("\tlisten: 1\n", "tab"),
    ("cache: {records: 5M, records: 6M}\n", "records"),
    ("- a\n- b\n", "error"), ("listen: [::1]\n", "quote"),
    ("server: [1]\n", "server")])
def test_what_is_no_configuration_is_told_so(make_folder, text, hint):
    path = write(make_folder(), text)
    done = lab.run_daemon("-c", str(path), "--check")
    assert done.returncode == 1
    assert str(path) in done.stderr
    assert hint in done.stderr
    assert_sound(done)


def test_check_agrees_with_a_sound_configuration_and_starts_nothing(
        make_folder, daemon):
    folder = make_folder()
    path = write(folder, json.dumps(lab.config_for(folder, 5353, {
        "listen": daemon.config["listen"]})))
    done = lab.run_daemon("-c", str(path), "--check")
    assert done.returncode == 0, done.stderr
    assert not (folder / "control.sock").exists()
    assert_sound(done)


def test_check_does_not_agree_when_the_hints_are_missing(make_folder):
    folder = make_folder()
    path = write(folder, json.dumps(lab.config_for(folder, 5353, {
        "server": {"root-hints": str(folder / "nothing")}})))
    for arguments in (["--check"], []):
        done = lab.run_daemon("-c", str(path), *arguments)
        assert done.returncode == 1
        assert str(folder / "nothing") in done.stderr
        assert_sound(done)


def test_a_file_that_is_missing_is_told_so(make_folder):
    path = make_folder() / "no.yaml"
    done = lab.run_daemon("-c", str(path))
    assert done.returncode == 1
    assert str(path) in done.stderr


def test_settings_of_the_command_line_win(start):
    d = start(
        {"server": {"identity": "file"}},
        arguments=["--set", "server.identity=line"],
        env={"HITHER_SERVER__VERSION_TEXT": "environment",
             "HITHER_SERVER__IDENTITY": "environment"})
    r = d.ask("id.server", "TXT", rdclass="CH")
    assert r.answer[0][0].strings == (b"line",)
    r = d.ask("version.server", "TXT", rdclass="CH")
    assert r.answer[0][0].strings == (b"environment",)


def test_root_is_not_kept_unless_allowed(make_folder):
    folder = make_folder()
    config = lab.config_for(folder, 5353, {"server": {"allow-root": False}})
    if os.geteuid() != 0:
        pytest.fail("this test needs root")
    path = write(folder, json.dumps(config))
    done = lab.run_daemon(
        "-c", str(path), "--set", "server.user=no-such-user-here")
    assert done.returncode == 1
    assert "no-such-user-here" in done.stderr
    assert "server.allow-root" in done.stderr
    assert_sound(done)


def test_root_is_given_up_for_another_user(start):
    if os.geteuid() != 0:
        pytest.fail("this test needs root")
    d = start({"server": {"allow-root": False, "user": "nobody"}})
    status = open(f"/proc/{d.child.pid}/status", encoding="ascii").read()
    uids = re.search(r"^Uid:\s+(\d+)\s+(\d+)\s+(\d+)", status, re.M).groups()
    assert "0" not in uids
    assert re.search(r"^NoNewPrivs:\s+1", status, re.M)
    assert lab.rcode(d.ask("gaia.cs.umass.edu")) == "NOERROR"


@pytest.mark.parametrize("arguments", [
    ["--no-such-flag"], ["word"], ["-c"]])
def test_wrong_usage_has_an_exit_code_of_its_own(arguments):
    done = lab.run_daemon(*arguments)
    assert done.returncode == 2
    assert done.stderr != "" and done.stdout == ""


def test_help_and_version_are_told():
    for name in ("hitherd", "hitherctl", "hither-sim"):
        for flag in ("--help", "--version"):
            done = subprocess.run([lab.program(name), flag], text=True,
                                  capture_output=True, check=False)
            assert done.returncode == 0 and done.stdout != ""
            assert name in done.stdout


# --- changing while it runs ------------------------------------------------


def generation(d):
    return d.control_json("status")["generation"]


def test_a_signal_reloads_and_the_memory_stays(start, sim):
    d = start()
    d.ask("gaia.cs.umass.edu")
    d.config["server"]["identity"] = "after"
    d.write_config()
    d.child.send_signal(signal.SIGHUP)
    assert lab.wait_until(lambda: generation(d) == 2)
    r = d.ask("id.server", "TXT", rdclass="CH")
    assert r.answer[0][0].strings == (b"after",)
    before = sim.counts()
    assert lab.addresses(d.ask("gaia.cs.umass.edu")) == ["128.119.245.12"]
    assert sim.asked_since(before) == {}


def test_a_reload_adds_and_removes_a_listener(start, sim):
    d = start()
    d.ask("gaia.cs.umass.edu")
    port = lab.free_port()
    d.config["listen"].append({"address": "127.0.0.1", "port": port})
    d.write_config()
    assert d.control("reload").returncode == 0
    before = sim.counts()
    for tcp in (False, True):
        r = d.ask("gaia.cs.umass.edu", port=port, tcp=tcp, timeout=3)
        assert lab.addresses(r) == ["128.119.245.12"]
    assert sim.asked_since(before) == {}
    d.config["listen"].pop()
    d.write_config()
    assert d.control("reload").returncode == 0
    assert lab.wait_until(lambda: lab.is_free("127.0.0.1", port), 5)
    assert lab.rcode(d.ask("gaia.cs.umass.edu")) == "NOERROR"


@pytest.mark.parametrize("addresses", [
    ["0.0.0.0", "127.0.0.1"], ["127.0.0.1", "0.0.0.0"]])
def test_an_address_and_all_addresses_can_be_listened_on_at_once(
        start, addresses):
    port = lab.free_port()
    d = start({"listen": [{"address": a, "port": port} for a in addresses]})
    for tcp in (False, True):
        assert lab.rcode(d.ask("localhost", tcp=tcp)) == "NOERROR"


def test_a_reload_leaves_a_line_in_the_log_whoever_asked_for_it(start):
    d = start()
    assert d.control("reload", "--dry-run").returncode == 0
    assert "reloaded" not in d.stderr()
    assert d.control("reload").returncode == 0
    assert "info reloaded generation=2" in d.stderr()
    d.child.send_signal(signal.SIGHUP)
    assert lab.wait_until(
        lambda: "info reloaded generation=3" in d.stderr())
    d.config["open-resolver"] = "perhaps"
    d.write_config()
    assert d.control("reload").returncode == 1
    assert "error reload-failed" in d.stderr()


def test_a_reload_goes_from_all_addresses_to_one_and_back(start):
    d = start({"listen": [{"address": "0.0.0.0", "port": lab.free_port()}]})
    for address in ("127.0.0.1", "0.0.0.0"):
        d.config["listen"][0]["address"] = address
        d.write_config()
        done = d.control("reload")
        assert done.returncode == 0, done.stderr
        for tcp in (False, True):
            assert lab.rcode(d.ask("localhost", tcp=tcp)) == "NOERROR"
        elsewhere = not lab.is_free("127.0.0.2", d.port)
        assert elsewhere == (address == "0.0.0.0")
    assert "reload-incomplete" not in d.stderr()


def test_a_reload_with_a_mistake_changes_nothing(start):
    d = start({"server": {"identity": "before"}})
    good = d.config_path.read_text()
    d.config["server"]["identity"] = "after"
    d.config["cache"]["record"] = "1M"
    d.write_config()
    done = d.control("reload")
    assert done.returncode == 1
    assert "cache.record" in done.stderr + done.stdout
    d.child.send_signal(signal.SIGHUP)
    assert lab.wait_until(lambda: "reload-failed" in d.stderr())
    r = d.ask("id.server", "TXT", rdclass="CH")
    assert r.answer[0][0].strings == (b"before",)
    d.config_path.write_text(good)
    assert d.control("reload").returncode == 0


def test_a_reload_that_cannot_listen_leaves_all_as_it_was(start):
    d = start({"server": {"identity": "before"}})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        port = lab.free_port()
        s.bind(("127.0.0.1", port))
        free = lab.free_port()
        d.config["listen"] += [{"address": "127.0.0.1", "port": free},
                               {"address": "127.0.0.1", "port": port}]
        d.config["server"]["identity"] = "after"
        d.write_config()
        done = d.control("reload")
        assert done.returncode == 1
        assert f"127.0.0.1:{port}" in done.stderr
    assert generation(d) == 1
    r = d.ask("id.server", "TXT", rdclass="CH")
    assert r.answer[0][0].strings == (b"before",)
    assert lab.is_free("127.0.0.1", free)
    assert d.control("reload").returncode == 0
    assert lab.rcode(d.ask("localhost", port=free)) == "NOERROR"


def test_a_dry_run_tells_what_would_change_and_changes_nothing(start):
    d = start()
    d.config["server"]["identity"] = "after"
    d.config["server"]["threads"] = 1
    d.write_config()
    told = d.control_json("reload", "--dry-run")
    now = {c["option"]: c["now"] for c in told["changes"]}
    assert now == {"server.identity": True, "server.threads": False}
    assert generation(d) == 1
    r = d.ask("id.server", "TXT", rdclass="CH")
    assert lab.rcode(r) == "REFUSED"


def test_a_reload_in_the_middle_of_a_question_loses_nothing(start, sim):
    d = start()
    sim.command("set 127.53.10.1 delay 600")
    try:
        with d.connect() as s:
            wire = d.query("www.netcinema.com").to_wire()
            s.sendall(len(wire).to_bytes(2, "big") + wire)
            time.sleep(0.2)
            assert d.control("reload").returncode == 0
            reply = s.recv(4096)
    finally:
        sim.command("set 127.53.10.1 delay 20")
    assert reply[5] & 15 == 0 and reply[9] == 1


def test_names_under_a_changed_zone_are_forgotten(start, sim):
    d = start()
    d.ask("gaia.cs.umass.edu")
    d.ask("www.nyu.edu")
    d.config["zones"] = [{"name": "umass.edu", "type": "stub",
                          "servers": [f"127.53.7.1@{sim.port}"]}]
    d.write_config()
    assert d.control("reload").returncode == 0
    before = sim.counts()
    assert lab.rcode(d.ask("www.nyu.edu")) == "NOERROR"
    assert sim.asked_since(before) == {}
    assert lab.addresses(d.ask("gaia.cs.umass.edu")) == ["128.119.245.12"]
    asked = set(sim.asked_since(before))
    # Its keys are proven by what the parent says.
    assert asked - {"127.53.1.1", "127.53.1.2"} == {"127.53.7.1"}


def test_what_old_servers_say_after_a_reload_is_not_kept(start, sim):
    name, old, other = "www.netcinema.com", "127.53.10.1", "127.53.7.1"
    zone = {"name": "netcinema.com", "type": "stub",
            "servers": [f"{old}@{sim.port}"]}
    d = start({"zones": [zone], "dnssec": {"validation": False}})
    sim.command(f"set {old} delay 600")
    before = sim.counts()
    try:
        with d.connect() as s:
            wire = d.query(name).to_wire()
            s.sendall(len(wire).to_bytes(2, "big") + wire)
            assert lab.wait_until(lambda: old in sim.asked_since(before))
            zone["servers"] = [f"{other}@{sim.port}"]
            d.write_config()
            assert d.control("reload").returncode == 0
            assert s.recv(4096)[5] & 15 == 0
    finally:
        sim.command(f"set {old} delay 20")
    before = sim.counts()
    d.ask(name)
    assert other in sim.asked_since(before)


def test_a_log_file_is_opened_anew_when_told(make_folder):
    log = make_folder() / "hither.log"
    folder = make_folder()
    d = lab.LoggingDaemon(folder, log, lab.config_for(folder, 5353, {
        "logging": {"format": "json"}}))
    try:
        moved = log.with_suffix(".1")
        log.rename(moved)
        d.child.send_signal(signal.SIGUSR1)
        assert lab.wait_until(log.exists)
    finally:
        status, _ = d.end()
    assert status == 0
    lines = [json.loads(x) for x in moved.read_text().splitlines() +
             log.read_text().splitlines()]
    assert len(lines) >= 3


def test_the_log_file_goes_to_who_it_becomes(make_folder):
    if os.geteuid() != 0:
        pytest.skip("only root may give files away")
    log, folder = make_folder() / "hither.log", make_folder()
    # What a reload reads anew; these sources may lie where only root can look.
    hints = shutil.copy(lab.ZONES / "root.hints", folder)
    anchor = shutil.copy(lab.ZONES / "root.key", folder)
    d = lab.LoggingDaemon(folder, log, lab.config_for(folder, 5353, {
        "server": {"allow-root": False, "user": "nobody",
                   "root-hints": str(hints)},
        "dnssec": {"trust-anchor-file": str(anchor)}}))
    try:
        d.child.send_signal(signal.SIGUSR1)
        assert d.control("reload").returncode == 0
        assert d.control("status").returncode == 0
    finally:
        status, _ = d.end()
    assert status == 0
    assert "log-kept" not in d.stderr()
    assert "log-not-reopened" not in d.stderr()


def usual_place():
    """Where this build looks for its configuration."""
    told = lab.run_daemon("--help").stdout
    return pathlib.Path(re.search(r"read FILE \((\S+)\)", told).group(1))


def test_a_missing_v6_loopback_is_a_warning(namespace, make_folder):
    """By default both are listened on; where there is no IPv6, one is."""
    namespace.run("ip", "-6", "addr", "flush", "dev", "lo")
    socket_path = make_folder() / "control.sock"
    d = subprocess.Popen(
        [*namespace.enter, lab.program("hitherd"), "--set",
         "server.allow-root=true", "--set", f"control.socket={socket_path}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, env=lab.environment())
    try:
        assert lab.wait_until(lambda: lab.control(
            "status", socket_path=socket_path).returncode == 0, lab.READY_S)
        dig = namespace.run(lab.tool("dig"), "@127.0.0.1", "localhost",
                            "+short", "+tries=1")
        assert dig.stdout == "127.0.0.1\n"
    finally:
        lab.control("stop", socket_path=socket_path)
        out, _ = d.communicate(timeout=20)
    assert d.returncode == 0, out
    assert re.search(r"warn .*::1", out), out


def test_the_control_socket_goes_to_its_group(start):
    if os.geteuid() != 0:
        pytest.skip("only root may give files to any group")
    d = start({"control": {"group": "daemon", "mode": "0660"}})
    st = os.stat(d.socket)
    assert grp.getgrgid(st.st_gid).gr_name == "daemon"
    assert st.st_mode & 0o777 == 0o660


def test_a_group_that_is_not_there_is_told(make_folder):
    folder = make_folder()
    path = write(folder, json.dumps(lab.config_for(folder, 5353, {
        "control": {"group": "no-such-group"}})))
    done = lab.run_daemon("-c", str(path))
    assert done.returncode == 1
    assert "no-such-group" in done.stderr
    assert not (folder / "control.sock").exists()


def test_a_file_that_comes_later_is_found_by_a_reload(
        namespace, make_folder):
    """Started without any configuration, on port 53, as by default."""
    place, folder = usual_place(), make_folder()
    top = place.parent.parent
    namespace.run("mount", "-t", "tmpfs", "none", str(top))
    socket_path = folder / "control.sock"
    d = subprocess.Popen(
        [*namespace.enter, lab.program("hitherd"), "--set",
         "server.allow-root=true", "--set", f"control.socket={socket_path}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, env=lab.environment())
    try:
        assert lab.wait_until(lambda: lab.control(
            "status", socket_path=socket_path).returncode == 0, lab.READY_S)
        told = json.loads(lab.control(
            "--json", "status", socket_path=socket_path).stdout)
        assert [x["address"] for x in told["listening"]] == [
            "127.0.0.1:53", "[::1]:53"]
        namespace.run("sh", "-c", f"mkdir -p {place.parent} && "
                      f"echo 'listen: [127.0.0.9]' >{place}")
        done = lab.control("reload", socket_path=socket_path)
        assert done.returncode == 0 and "listen" in done.stdout
        dig = namespace.run(lab.tool("dig"), "@127.0.0.9", "localhost",
                            "+short", "+tries=1")
        assert dig.stdout == "127.0.0.1\n"
    finally:
        lab.control("stop", socket_path=socket_path)
        out, _ = d.communicate(timeout=20)
    assert d.returncode == 0, out
    assert not lab.COMPLAINTS.search(out), out


# --- the end -----------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT],
                         ids=["TERM", "INT"])
def test_a_signal_ends_it_within_a_second(start, number):
    d = start()
    d.ask("gaia.cs.umass.edu")
    with d.connect():
        status, took = d.end(number)
    assert status == 0
    assert took < 1
    assert not os.path.exists(d.socket)


def test_an_open_question_does_not_hold_up_the_end(start):
    d = start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(d.query("www.silent.example").to_wire(),
                 ("127.0.0.1", d.port))
        time.sleep(0.3)
        status, took = d.end()
    assert status == 0
    assert took < 1.5


def test_signals_in_a_row_end_it_once(start):
    d = start()
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGTERM,
                   signal.SIGINT, signal.SIGHUP):
        d.child.send_signal(number)
    assert d.end()[0] == 0
