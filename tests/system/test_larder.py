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
    before = sim.settled_counts()
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


# --- to a file and back, by command -----------------------------------------


def test_what_was_saved_is_loaded_elsewhere(start, sim, tmp_path):
    first = start()
    told = first.ask(NAME)
    assert first.ask("nobody.umass.edu").rcode() == dns.rcode.NXDOMAIN
    file = tmp_path / "box"
    done = first.control("cache", "save", str(file))
    assert done.returncode == 0, done.stderr
    count = int(done.stdout.split(": ")[1].split()[0])
    assert count > 5 and file.stat().st_mode & 0o777 == 0o600
    second = start()
    loaded = second.control("cache", "load", str(file))
    assert loaded.returncode == 0, loaded.stderr
    assert f": {count} records" in loaded.stdout
    before = sim.settled_counts()
    again = second.ask(NAME)
    assert lab.addresses(again) == lab.addresses(told)
    assert 0 < again.answer[0].ttl <= told.answer[0].ttl
    assert second.ask("nobody.umass.edu").rcode() == dns.rcode.NXDOMAIN
    assert sum(sim.asked_since(before).values()) <= 1  # the root's keys
    # Saved there, it is the same again, and a second time adds nothing.
    assert second.control("cache", "load", str(file)).returncode == 0
    assert second.control_json("cache", "stats")["records"]["count"] >= count


def test_ttls_go_on_in_the_file(start, tmp_path):
    d = start()
    d.ask(NAME)
    file = tmp_path / "box"
    assert d.control("cache", "save", str(file)).returncode == 0
    kept = bytearray(file.read_bytes())
    # An hour later, by the clock on the wall.
    then = int.from_bytes(kept[9:17], "big") - 3600
    kept[9:17] = then.to_bytes(8, "big")
    file.write_bytes(bytes(kept))
    fresh = d.ask(NAME).answer[0].ttl
    other = start()
    assert other.control("cache", "load", str(file)).returncode == 0
    dump = other.control("cache", "lookup", NAME).stdout
    ttls = [int(line.split()[1]) for line in dump.splitlines()
            if " IN A " in line]
    assert all(t <= max(0, fresh - 3600) + 1 for t in ttls)


def test_of_a_damaged_file_nothing_is_taken(start, tmp_path):
    d = start()
    d.ask(NAME)
    file = tmp_path / "box"
    assert d.control("cache", "save", str(file)).returncode == 0
    whole = file.read_bytes()
    other = start()
    before = other.control_json("cache", "stats")["records"]["count"]
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for bad in (b"", whole[:-1], whole[:40], bytes(flipped), whole + b"x",
                b"www.example. 5 IN A 192.0.2.1\n"):
        file.write_bytes(bad)
        done = other.control("cache", "load", str(file))
        assert done.returncode == 1
        assert "nothing was taken" in done.stderr
        assert file.read_bytes() == bad  # and it lies where it was
    after = other.control_json("cache", "stats")["records"]["count"]
    assert after == before
    assert lab.addresses(other.ask(NAME)) != []
    for strange in ("/dev/zero", str(tmp_path), str(tmp_path / "none")):
        assert other.control("cache", "load", strange).returncode == 1
    assert other.control("cache", "save", "/proc/box").returncode == 1
