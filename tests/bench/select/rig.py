# SPDX-License-Identifier: BSD-3-Clause
"""Cells: a network namespace each, with a simulator and a resolver in it.

All cells of a run play the same world with the same seed, begin at the same
moment and are asked the same questions. One cell has no resolver: there the
questions go to the simulator itself, and what they wait beyond its delay is
the noise of the machine.
"""
import os
import shutil
import signal
import socket
import subprocess
import time

import world as worlds
from resolvers import PORT

PATIENCE_S = 20
DIRECT = "direct"
# Who is not root becomes it in a namespace of users, too.
MAKE = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-r", "-n"]
ENTER = ["-n"] if os.geteuid() == 0 else ["-U", "--preserve-credentials", "-n"]


class Failure(Exception):
    pass


def environment():
    """Ours without what hitherd would take for options of its own."""
    return {k: v for k, v in os.environ.items()
            if not k.startswith("HITHER_")}


def real_time():
    """How to start what must not wait for other work on this machine."""
    argv = ["chrt", "--rr", "1"]
    if shutil.which("chrt") is None:
        return []
    done = subprocess.run([*argv, "true"], check=False,
                          stderr=subprocess.DEVNULL)
    return argv if done.returncode == 0 else []


def compile_asker(build):
    here = os.path.dirname(os.path.abspath(__file__))
    source = os.path.join(here, "ask.c")
    target = os.path.join(build, "bench-ask")
    if (os.path.exists(target) and
            os.path.getmtime(target) >= os.path.getmtime(source)):
        return target
    cc = os.environ.get("CC", "cc").split()
    subprocess.run([*cc, "-std=c11", "-D_GNU_SOURCE", "-O2", "-o", target,
                    source], check=True)
    return target


def end(process):
    if process is None or process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Cell:
    """resolver None: the direct one."""

    def __init__(self, folder, resolver, programs, args):
        self.name = resolver.name if resolver else DIRECT
        self.folder = os.path.join(folder, self.name)
        os.makedirs(self.folder)
        self.resolver, self.programs = resolver, programs
        self.urgent, self.tuned = args.urgent, args.tuned
        self.holder = self.sim = self.daemon = self.asker = None
        self.enter = []
        self.began = None

    def spawn(self, argv, output, stdin=subprocess.DEVNULL):
        path = os.path.join(self.folder, output)
        with open(path, "ab") as f:
            return subprocess.Popen(
                [*self.enter, *self.urgent, *argv],
                cwd=self.folder, stdin=stdin, stdout=f,
                stderr=f if not output.endswith(".out") else None,
                env=environment())

    def check(self, process, output):
        if process.poll() is None:
            return
        with open(os.path.join(self.folder, output), errors="replace",
                  encoding="utf-8") as f:
            said = f.read()[-1500:].strip()
        raise Failure(f"{self.name}: {output} ended with "
                      f"{process.returncode}: {said}")

    def make_namespace(self, world):
        self.holder = subprocess.Popen(
            [*MAKE, "sh", "-c",
             "ip link set lo up && echo in && exec sleep 7200"],
            stdout=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "in\n":
            raise Failure("no network namespace can be made here")
        self.enter = ["nsenter", "-t", str(self.holder.pid), *ENTER, "--"]
        for s in world.servers():
            if ":" in s.address:
                subprocess.run([*self.enter, "ip", "-6", "addr", "add",
                                s.address + "/128", "dev", "lo", "nodad"],
                               check=True)

    def command(self, line):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(PATIENCE_S)
            s.connect(os.path.join(self.folder, "sim.sock"))
            s.sendall(line.encode() + b"\n")
            reply = s.makefile().readline().strip()
        if reply.startswith("error"):
            raise Failure(f"simulator: {line}: {reply}")
        return reply

    def start_sim(self, world, seed):
        worlds.write(world, self.folder)
        self.sim = self.spawn(
            [self.programs["sim"], "-z", self.folder, "-p", "53", "-c",
             os.path.join(self.folder, "sim.sock"), "-s", str(seed), "-l",
             os.path.join(self.folder, "questions.log")], "sim.log")
        give_up = time.monotonic() + PATIENCE_S
        path = os.path.join(self.folder, "sim.log")
        while "ready:" not in open(path, encoding="utf-8").read():
            self.check(self.sim, "sim.log")
            if time.monotonic() > give_up:
                raise Failure("the simulator does not start")
            time.sleep(0.02)

    def start_daemon(self, ipv6):
        if self.resolver is None:
            return
        log = self.name + ".log"
        self.daemon = self.spawn(
            self.resolver.prepare(self.folder, ipv6, self.tuned), log)

    def warm(self):
        """Asks for names of the TLD, until it and the root are known."""
        if self.resolver is None:
            return
        give_up = time.monotonic() + PATIENCE_S
        good = 0
        while good < worlds.WARM_NAMES:
            rows = self.ask_now([f"w{good}.{worlds.TLD}"])
            self.check(self.daemon, self.name + ".log")
            if rows[0].split()[4] == "0":
                good += 1
            elif time.monotonic() > give_up:
                raise Failure(f"{self.name} does not resolve; see "
                              f"{self.folder}")
            else:
                time.sleep(0.2)

    def ask_argv(self, begin):
        where = ("127.0.0.1", str(PORT)) if self.resolver else \
            (worlds.TLDS[0], "53")
        return [self.programs["ask"], *where, f"{begin:.6f}"]

    def ask_now(self, names):
        done = subprocess.run(
            [*self.enter, *self.ask_argv(time.time())],
            input="".join(f"0 {n}\n" for n in names), check=True, text=True,
            stdout=subprocess.PIPE)
        return done.stdout.splitlines()

    def begin(self, at, questions, run):
        """questions: the path of their file. run tells rounds apart."""
        self.began = at
        self.command(f"begin {at:.6f}")
        with open(questions, "rb") as f:
            self.asker = self.spawn(self.ask_argv(at), f"answers{run}.out",
                                    stdin=f)

    def finish(self, run):
        if self.asker.wait() != 0:
            raise Failure(f"{self.name}: the generator failed")
        if self.daemon is not None:
            self.check(self.daemon, self.name + ".log")
        with open(os.path.join(self.folder, f"answers{run}.out"),
                  encoding="ascii") as f:
            return f.read().splitlines()

    def questions_seen(self):
        path = os.path.join(self.folder, "questions.log")
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read().splitlines()

    def said(self):
        path = os.path.join(self.folder, self.name + ".log")
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def restart_daemon(self, ipv6):
        end(self.daemon)
        self.start_daemon(ipv6)

    def close(self):
        for p in (self.asker, self.daemon, self.sim, self.holder):
            end(p)
        if self.holder is not None:
            self.holder.stdout.close()
