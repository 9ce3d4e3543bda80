# SPDX-License-Identifier: BSD-3-Clause
"""User instructions and system calls of hitherd for one hit and one miss.

callgrind counts the instructions of two runs of different length, and their
difference is what the questions cost. perf counts the calls, or strace where
there is none or it may not: then the server is so slow that more of its
questions leave from fresh sockets.
"""

import os
import re
import subprocess
import time

import lab as laboratory
import servers

WORKLOADS = ("hit", "miss", "cold")
# questions of the shorter and of the longer run
RUNS = {"hit": (20000, 60000), "miss": (2000, 8000), "cold": (1000, 4000)}
# questions whose calls are counted: enough that fresh ports at the begin do
# not tell
TRACED = {"hit": 60000, "miss": 60000, "cold": 30000}
NAMED = ("socket", "setsockopt", "bind", "connect", "epoll_ctl", "close",
         "sendto", "recvfrom", "sendmmsg", "recvmmsg", "epoll_wait",
         "timerfd_settime", "read", "mprotect", "brk", "mmap", "munmap")
PERF_EVENTS = ",".join(["raw_syscalls:sys_enter"] + [
    "syscalls:sys_enter_" + name for name in NAMED])


def check_tools():
    for tool in ("valgrind", "strace", "taskset"):
        if servers.find(tool) is None:
            raise laboratory.Failure(f"{tool} is not there")


def load(lab, what, count, first):
    if what == "hit":
        return ["-f", lab.names_file(1000), "-c", count, "-a"]
    pattern = ("n%07u.w2.bench" if what == "miss" else "www.z%07u.bench")
    return ["-q", pattern, "-b", first, "-c", count, "-a"]


def questions(lab, server, what, count):
    arguments = load(lab, what, count, lab.fresh_numbers(count))
    # Under callgrind more misses at a time would take more than a second.
    window = 200 if what == "hit" else 40
    r = lab.flood(server, "-d", 300, "-n", window, "-s", 8, *arguments)
    if r["answered"] < 0.98 * count:
        raise laboratory.Failure(
            f"{what}: {r['answered']:.0f} of {count} questions answered")
    return r["answered"]


def warm(lab, server, what):
    if what == "hit":
        for _ in range(3):
            lab.flood(server, "-d", 300, "-f", lab.names_file(1000),
                      "-c", 6000, "-n", 64)
    else:
        lab.flood(server, "-d", 300, "-n", 8, *load(
            lab, what, 500, lab.fresh_numbers(500)))


def instructions_of(lab, server, what, count):
    """(instructions of the whole run, answers)"""
    out = os.path.join(lab.folder, f"callgrind-{what}-{count}")
    lab.start(server, wrap=["valgrind", "-q", "--tool=callgrind",
                            f"--callgrind-out-file={out}"])
    warm(lab, server, what)
    answered = questions(lab, server, what, count)
    lab.stop(server)
    with open(out, encoding="ascii", errors="replace") as f:
        total = re.search(r"^(?:summary|totals): (\d+)", f.read(), re.M)
    return int(total.group(1)), answered


def instructions(lab, server, what):
    short, long = (instructions_of(lab, server, what, n)
                   for n in RUNS[what])
    return (long[0] - short[0]) / (long[1] - short[1])


def by_perf(path):
    """What perf stat -x, counted, by call; all others are "other"."""
    found = {}
    with open(path, encoding="ascii", errors="replace") as f:
        for line in f:
            fields = line.split(",")
            if len(fields) > 2 and fields[0].isdigit():
                found[fields[2].split("sys_enter")[-1].strip("_")] = int(
                    fields[0])
    total = found.pop("", 0)
    return {**found, "other": total - sum(found.values())}


def by_strace(path):
    found = {}
    with open(path, encoding="ascii", errors="replace") as f:
        for line in f:
            fields = line.split()
            if (len(fields) >= 5 and fields[3].isdigit() and
                    fields[-1] != "total"):
                found[fields[-1]] = int(fields[3])
    return found


def has_perf():
    """May we count calls without slowing the server down?"""
    return servers.find("perf") is not None and subprocess.run(
        ["perf", "stat", "-x,", "-e", PERF_EVENTS, "true"], check=False,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def calls(lab, server, what):
    """System calls an answer, at saturation, and which ones."""
    out = os.path.join(lab.folder, f"calls-{what}")
    lab.start(server)
    warm(lab, server, what)
    pid = str(server.process.pid)
    perf = has_perf()
    tracer = subprocess.Popen(
        ["perf", "stat", "-x,", "-o", out, "-e", PERF_EVENTS, "-p", pid]
        if perf else ["strace", "-c", "-f", "-qq", "-o", out, "-p", pid],
        stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    answered = questions(lab, server, what, TRACED[what])
    tracer.send_signal(subprocess.signal.SIGINT)
    tracer.wait(10)
    lab.stop(server)
    return {name: n / answered for name, n in
            (by_perf if perf else by_strace)(out).items()}


def count(lab, server, wanted):
    result = {}
    for what in wanted:
        by_name = calls(lab, server, what)
        result[what] = {
            "instructions": round(instructions(lab, server, what)),
            "calls": round(sum(by_name.values()), 3),
            "by_call": {k: round(v, 3) for k, v in sorted(
                by_name.items(), key=lambda kv: -kv[1]) if v >= 0.001}}
        r = result[what]
        print(f"{what:5} {r['instructions']:>8} instructions "
              f"{r['calls']:>7.3f} calls  " + " ".join(
                  f"{k}={v}" for k, v in r["by_call"].items()), flush=True)
    return result
