# SPDX-License-Identifier: BSD-3-Clause
"""Load with random server faults: SOAK_SECONDS of it, a minute else."""

import json
import os
import pathlib
import subprocess

import pytest

SECONDS = int(os.environ.get("SOAK_SECONDS", "60"))


@pytest.mark.timeout(SECONDS + 120)
def test_nothing_leaks_and_everybody_is_answered():
    environment = {**os.environ, "ASAN_OPTIONS":
                   "quarantine_size_mb=4:detect_leaks=1"}
    done = subprocess.run(
        ["unshare", "-r", "-n", "/usr/bin/python3",
         str(pathlib.Path(__file__).with_name("soak.py")), str(SECONDS)],
        capture_output=True, text=True, timeout=SECONDS + 110, check=False,
        env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    print(found)
    assert found["broken"] == ""
    assert found["asked"] > SECONDS * 100
    ends = found["ends"]
    # What hitherd was asked it has answered, or it says what became of it.
    assert ends["adrift"] == 0 and ends["waiting"] == 0
    assert ends["came by udp"] + ends["overdue"] + \
        ends["dropped by the kernel"]["questions"] == ends["sent by udp"]
    assert ends["lost"] == 0
    assert ends["not answered by tcp"] == 0, found["unanswered"]
    assert found["late"] == 0
    if sum(ends["dropped by the kernel"].values()) + ends["overdue"] == 0:
        assert found["unanswered"] == []
    assert found["forged"] == 0
    assert found["codes"].get("NOERROR", 0) > found["asked"] / 2
    assert found["descriptors"]["at last"] <= \
        found["descriptors"]["at first"] + 8
    # Allocators and sanitizers round up; a leak of one task in a hundred
    # would be more.
    assert found["rss"]["last"] <= found["rss"]["warm"] * 1.05 + 8
