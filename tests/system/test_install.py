# SPDX-License-Identifier: BSD-3-Clause
"""What `make install` brings, and that `make uninstall` takes it away."""

import os
import pathlib
import re
import subprocess

import lab
import pytest

PROGRAMS = {"usr/sbin/hitherd", "usr/sbin/hitherctl", "usr/bin/hither-sim"}
PAGES = {"usr/share/man/man8/hitherd.8", "usr/share/man/man8/hitherctl.8",
         "usr/share/man/man5/hither.conf.5",
         "usr/share/man/man1/hither-sim.1"}
UNITS = {"usr/lib/systemd/system/hitherd.service",
         "usr/lib/sysusers.d/hither.conf", "usr/lib/tmpfiles.d/hither.conf"}
PAPERS = {f"usr/share/doc/hither/{name}" for name in
          ("README.md", "CHANGELOG.md", "LICENSE", "hither.yaml")}
# Exposure as systemd-analyze counts it, 0 to 100: most resolvers are at 70.
EXPOSURE_MAX = 21
PREFIX = ["prefix=/usr", "sysconfdir=/etc", "localstatedir=/var"]


def make(*words):
    build = os.environ.get("HITHER_PLAIN_DIR",
                           os.environ.get("HITHER_BUILD_DIR", "build"))
    # A make above this one has its own ideas of how to run.
    env = {k: v for k, v in lab.environment().items()
           if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    done = subprocess.run(["make", "-s", "-C", build, *words], text=True,
                          capture_output=True, check=False, env=env)
    assert done.returncode == 0, done.stdout + done.stderr


def files_below(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob("*")
            if not p.is_dir()}


@pytest.fixture(scope="module")
def installed(make_folder):
    folder = make_folder()
    make("install", f"DESTDIR={folder}", *PREFIX)
    return folder


def run(*words):
    return subprocess.run(words, text=True, capture_output=True, check=False,
                          env=lab.environment(), timeout=60)


def test_everything_is_installed_and_nothing_else(installed):
    zones = {f"usr/share/hither/zones/{p.name}" for p in lab.ZONES.iterdir()}
    assert files_below(installed) == (
        PROGRAMS | PAGES | UNITS | PAPERS | zones)
    for name in PROGRAMS:
        assert os.access(installed / name, os.X_OK)


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_an_installed_program_runs(installed, name):
    done = run(str(installed / name), "--version")
    assert done.returncode == 0
    assert pathlib.Path(name).name in done.stdout


def test_the_installed_miniature_internet_is_whole(installed):
    done = run(str(installed / "usr/bin/hither-sim"), "--check", "--zones",
               str(installed / "usr/share/hither/zones"))
    assert done.returncode == 0, done.stderr


def test_the_installed_sample_configuration_is_sound_and_whole(installed):
    sample = installed / "usr/share/doc/hither/hither.yaml"
    done = run(str(installed / "usr/sbin/hitherd"), "--check", "-c",
               str(sample))
    assert done.returncode == 0, done.stderr
    told = run(str(installed / "usr/sbin/hitherctl"), "config", "sample")
    assert sample.read_text() == told.stdout


@pytest.mark.parametrize("name", sorted(PAGES))
def test_an_installed_page_can_be_read(installed, name):
    page = str(installed / name)
    done = run(lab.tool("mandoc"), "-T", "lint", "-W", "error", page)
    assert done.returncode == 0, done.stdout
    text = run(lab.tool("mandoc"), "-T", "ascii", page).stdout
    text = re.sub(".\b", "", text)
    assert "NAME" in text and pathlib.Path(name).stem in text


def test_uninstall_leaves_nothing(make_folder):
    folder = make_folder()
    make("install", f"DESTDIR={folder}", *PREFIX)
    make("uninstall", f"DESTDIR={folder}", *PREFIX)
    assert files_below(folder) == set()


# --- what systemd makes of it ------------------------------------------------


@pytest.fixture(scope="module")
def unit(installed, make_folder):
    """The unit, with the programs where they lie now."""
    text = (installed / "usr/lib/systemd/system/hitherd.service").read_text()
    for name in ("hitherd", "hitherctl"):
        path = installed / "usr/sbin" / name
        text, n = re.subn(rf"(Exec\w+=)\S*/{name}\b", rf"\g<1>{path}", text)
        assert n == 1
    path = make_folder() / "hitherd.service"
    path.write_text(text)
    return str(path)


def test_systemd_finds_no_fault_in_the_unit(unit):
    done = run(lab.tool("systemd-analyze"), "verify", "--man=no", unit)
    assert done.returncode == 0
    assert "hitherd" not in done.stderr, done.stderr


def test_the_unit_exposes_little(unit):
    done = run(lab.tool("systemd-analyze"), "security", "--offline=yes",
               f"--threshold={EXPOSURE_MAX}", "--no-pager", unit)
    assert done.returncode == 0, done.stdout[-400:]


def test_the_user_and_its_folders_can_be_made(installed, make_folder):
    if os.geteuid() != 0:
        pytest.skip("only root may make users and their folders")
    root = make_folder()
    (root / "etc").mkdir()
    done = run(lab.tool("systemd-sysusers"), f"--root={root}",
               str(installed / "usr/lib/sysusers.d/hither.conf"))
    assert done.returncode == 0, done.stderr
    users = (root / "etc/passwd").read_text()
    assert re.search(r"^hither:x:\d+:\d+:hither resolver:/var/lib/hither:",
                     users, re.M)
    done = run(lab.tool("systemd-tmpfiles"), "--create", f"--root={root}",
               str(installed / "usr/lib/tmpfiles.d/hither.conf"))
    assert done.returncode == 0, done.stderr
    for folder in ("run/hither", "var/lib/hither"):
        assert (root / folder).stat().st_mode & 0o777 == 0o750
        assert (root / folder).stat().st_uid != 0
