# SPDX-License-Identifier: BSD-3-Clause
"""What is in the cache: looked at from outside, and kept over a restart."""

import pathlib

import dns.rcode

import lab

NAME = "gaia.cs.umass.edu"


def keeping(tmp_path):
    return {"server": {"directory": str(tmp_path)}}


def test_what_was_learned_survives_a_restart(start, sim, tmp_path):
    d = start(keeping(tmp_path))
    first = d.ask(NAME)
    assert first.rcode() == dns.rcode.NOERROR
    assert d.end()[0] == 0
    assert (tmp_path / "cache.records").is_file()
    d = start(keeping(tmp_path))
    before = sim.counts()
    again = d.ask(NAME)
    assert lab.addresses(again) == lab.addresses(first)
    assert again.answer[0].ttl <= first.answer[0].ttl
    asked = sim.asked_since(before)
    assert sum(asked.values()) <= 1, asked  # the root may be primed anew


def test_a_damaged_file_is_set_aside_and_told_of(start, sim, tmp_path):
    d = start(keeping(tmp_path))
    d.ask(NAME)
    assert d.end()[0] == 0
    file = tmp_path / "cache.records"
    bytes_ = bytearray(file.read_bytes())
    bytes_[len(bytes_) // 2] ^= 1
    file.write_bytes(bytes(bytes_))
    d = start(keeping(tmp_path))
    assert d.ask(NAME).rcode() == dns.rcode.NOERROR
    assert "cache-not-loaded" in d.stderr()
    assert pathlib.Path(str(file) + ".damaged").is_file()


def test_without_a_folder_nothing_is_kept(start, sim, tmp_path):
    d = start()
    d.ask(NAME)
    assert d.end()[0] == 0
    assert "cache-saved" not in d.stderr()


def test_the_cache_is_looked_into(daemon):
    daemon.ask(NAME)
    seen = daemon.control("cache", "lookup", NAME)
    assert seen.returncode == 0, seen.stderr
    assert f"{NAME}. " in seen.stdout and " IN A " in seen.stdout
    dump = daemon.control("cache", "dump", "umass.edu")
    assert f"{NAME}. " in dump.stdout
    assert "; umass.edu. " in dump.stdout and "delegation" in dump.stdout
    assert ".com." not in dump.stdout.replace("umass.edu", "")
    assert daemon.control_json("cache", "stats")["records"]["count"] > 0
    refused = daemon.control("cache", "lookup", "a..b")
    assert refused.returncode == 1
