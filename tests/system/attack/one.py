# SPDX-License-Identifier: BSD-3-Clause
"""One row against one resolver, in the namespace this was started in.

usage: one.py ROW RESOLVER    prints the figures as JSON
"""

import asyncio
import json
import pathlib
import subprocess
import sys
import tempfile

import bench
import rows
import rows_data  # noqa: F401  (adds its rows)


def judge(row, found):
    """The keys that miss their goal."""
    missed = []
    for key, bound in row.goal.items():
        if key not in found:
            missed.append(key)
        elif isinstance(bound, set):
            if not set(found[key]) <= bound:
                missed.append(key)
        elif isinstance(bound, dict):
            if found[key] < bound["least"]:
                missed.append(key)
        elif found[key] > bound:
            missed.append(key)
    return missed


async def run(row, kind, folder):
    b = bench.Bench(kind, folder)
    plain = b.start

    async def start(more=None):
        await plain({**row.more, **(more or {})})
    b.start = start
    found = {}
    try:
        found = await asyncio.wait_for(row.run(b), 110)
    finally:
        if b.resolver is not None:
            found["broken"] = b.resolver.end()
            if found["broken"] or "-v" in sys.argv:
                print(b.resolver.stderr(), file=sys.stderr)
        if "-v" in sys.argv:
            for t, *what in b.asked()[:300]:
                print(f"{t:.3f}", *what, file=sys.stderr)
    found["missed"] = judge(row, found)
    return found


def main():
    for command in (["ip", "link", "set", "lo", "up"],
                    ["ip", "route", "add", "local", "198.18.0.0/15", "dev",
                     "lo"]):
        subprocess.run(command, check=True)
    with tempfile.TemporaryDirectory(prefix="attack-") as folder:
        found = asyncio.run(run(rows.ROWS[sys.argv[1]], sys.argv[2],
                                pathlib.Path(folder)))
    print(json.dumps(found))


main()
