# SPDX-License-Identifier: BSD-3-Clause
"""500 names: hither, unbound, named and kresd say the same about them."""

import json
import pathlib
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent


@pytest.mark.timeout(400)
@pytest.mark.parametrize("which, count, others", [
    ("mini", 100, ["unbound", "named"]),  # kresd takes no glue in 127/8
    ("1", 200, ["unbound", "named", "kresd"]),
    ("2", 200, ["unbound", "named", "kresd"])])
def test_resolvers_agree_about_a_world(which, count, others):
    done = subprocess.run(
        ["unshare", "-r", "-n", "/usr/bin/python3",
         str(HERE / "compare.py"), which, str(count), "hither", *others],
        capture_output=True, text=True, timeout=380, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["counts"].get("unexplained", 0) == 0, "\n".join(
        str(d) for d in found["differ"] if not d["why"])
    assert found["counts"]["asked"] == count
    assert found["counts"]["all agree"] > count * 0.8
