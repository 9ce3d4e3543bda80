# SPDX-License-Identifier: BSD-3-Clause
"""Runs rows, each in a network namespace of its own, and tells of them."""

import json
import os
import pathlib
import subprocess

import rows
import rows_data  # noqa: F401  (adds its rows)

HERE = pathlib.Path(__file__).resolve().parent
# Not a matter of pass or fail in a build with sanitizers.
COST = {"cpu", "mb", "rss"}


def run_one(name, kind, words=()):
    done = subprocess.run(
        ["unshare", "-r", "-n", "/usr/bin/python3", str(HERE / "one.py"),
         name, kind, *words],
        capture_output=True, text=True, timeout=150, check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    if done.returncode != 0:
        return {"broken": done.stderr[-3000:], "missed": ["run"]}
    found = json.loads(done.stdout)
    found["stderr"] = done.stderr
    return found


def text_of(value):
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    if isinstance(value, list):
        return ",".join(str(v) for v in value)
    return str(value)


def figures(found):
    hidden = {"broken", "missed", "stderr", "which", "ede", "asked"}
    parts = [f"{k} {text_of(v)}" for k, v in found.items()
             if k not in hidden and v not in (0, 0.0, [])]
    parts += [f"{k} 0" for k in rows_goal_zero(found)]
    return "; ".join(parts)


def rows_goal_zero(found):
    return [k for k in ("poisoned", "repeat", "taken", "forbidden")
            if found.get(k) == 0]


def goal_text(goal):
    out = []
    for key, bound in goal.items():
        if isinstance(bound, set):
            out.append("/".join(sorted(bound)))
        elif isinstance(bound, dict):
            out.append(f"{key} ≥{text_of(bound['least'])}")
        else:
            out.append(f"{key} ≤{text_of(bound)}")
    return ", ".join(out)


def all_rows():
    return rows.ROWS
