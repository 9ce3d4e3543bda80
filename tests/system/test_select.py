# SPDX-License-Identifier: BSD-3-Clause
"""The bench of server selection works, and hither chooses as it should.

Shares only: how long anything takes is not judged on a machine that has other
things to do.
"""

import json
import subprocess
import sys

import lab


def test_the_nearest_is_asked_while_it_lives(make_folder):
    folder = make_folder()
    done = subprocess.run(
        [sys.executable, str(lab.TOP / "tests/bench/select/run"), "--only",
         "short", "--resolvers", "hither", "--no-real-time", "--build",
         str(folder), "--hitherd", lab.program("hitherd"), "--sim",
         lab.program("hither-sim"), "--out", str(folder)],
        capture_output=True, text=True, timeout=100, check=False,
        env=lab.environment())
    assert done.returncode == 0, done.stdout + done.stderr
    with open(folder / "report.json", encoding="utf-8") as f:
        phases = json.load(f)["scenarios"][0]["phases"]
    for phase in ("before", "away", "back"):
        figures = phases[phase]["hither"]
        assert figures["questions"] > 150
        assert figures["failures"] == 0
        assert figures["share"] > 0.8, (phase, figures)
        assert figures["packets"] < 1.5, (phase, figures)
