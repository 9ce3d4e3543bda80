# SPDX-License-Identifier: BSD-3-Clause
"""The bench's laboratory: a network namespace, tools, programs, CPU time."""

import atexit
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TICKS = os.sysconf("SC_CLK_TCK")
INSIDE = "HITHER_BENCH_INSIDE"
TOOLS = {"authority": ["authority.c"], "floor": ["floor.c"],
         "flood": ["flood.c", "questions.c", "stream.c"]}
HINTS = ".\t3600000\tNS\tns.root.\nns.root.\t3600000\tA\t127.53.0.1\n"
CGROUP = "/sys/fs/cgroup"


class Failure(Exception):
    pass


def compile_tools(build):
    """Paths of the bench's own programs."""
    paths = {}
    cc = os.environ.get("CC", "cc").split()
    for name, sources in TOOLS.items():
        paths[name] = os.path.join(build, "bench-" + name)
        sources = [os.path.join(HERE, s) for s in sources]
        newest = max(map(os.path.getmtime,
                         sources + [os.path.join(HERE, "flood.h")]))
        if (os.path.exists(paths[name]) and
                os.path.getmtime(paths[name]) >= newest):
            continue
        try:
            subprocess.run(cc + ["-std=c11", "-D_GNU_SOURCE", "-O2", "-o",
                                 paths[name], *sources], check=True)
        except (OSError, subprocess.CalledProcessError) as e:
            raise Failure(f"{name} does not compile: {e}") from e
    return paths


def enter_namespace():
    """Runs this program again where nothing but loopback exists."""
    if os.environ.get(INSIDE):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        try:
            # What else runs on the machine has to wait for us.
            os.setpriority(os.PRIO_PROCESS, 0, -19)
        except PermissionError:
            pass
        return
    # Root as it is may enlarge the servers' buffers; a mapped one may not.
    how = "-n" if os.geteuid() == 0 else "-rn"
    can = subprocess.run(["unshare", how, "true"], check=False,
                         stderr=subprocess.DEVNULL)
    if can.returncode != 0:
        print("no network namespace may be made here (unshare)",
              file=sys.stderr)
        sys.exit(77)
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", how, sys.executable,
                          os.path.abspath(sys.argv[0]), *sys.argv[1:]])


class Lab:
    """One run: a folder, two processors, and every program started in it."""

    def __init__(self, build, keep=False):
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2:
            print("two processors are needed", file=sys.stderr)
            sys.exit(77)
        self.cores = cores[:2]
        self.tools = compile_tools(build)
        # It has hither's own cache in it: make builds it.
        self.tools["readers"] = os.path.join(build, "bench-readers")
        self.folder = tempfile.mkdtemp(prefix="hither-bench-")
        self.started = []
        self.first_number = 0
        if keep:
            print(f"files are in {self.folder}", file=sys.stderr)
        else:
            atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        atexit.register(self.end_all)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        with open(os.path.join(self.folder, "root.hints"), "w",
                  encoding="ascii") as f:
            f.write(HINTS)
        self.authority = self.run([self.tools["authority"], "53"],
                                  self.cores[1:], "authority")

    # --- programs ---------------------------------------------------------

    def run(self, argv, cores, name):
        # HITHER_* variables are settings to hitherd.
        env = {k: v for k, v in os.environ.items()
               if not k.startswith("HITHER_")}
        log = os.path.join(self.folder, name + ".log")
        ours = os.sched_getaffinity(0)
        # Inherited: to set it in the child would take a slow fork().
        os.sched_setaffinity(0, cores)
        try:
            with open(log, "wb") as f:
                p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=f,
                                     stderr=f, env=env)
        except OSError as e:
            raise Failure(f"{name} does not start: {e}") from e
        finally:
            os.sched_setaffinity(0, ours)
        p.log = log
        self.started.append(p)
        return p

    def start(self, server, threads=1, wrap=(), **settings):
        """Starts a server and waits until it answers."""
        cores = self.cores[:1] if threads == 1 else self.cores
        argv = server.argv(self.folder, {"threads": threads, **settings})
        server.process = self.run([*wrap, *argv], cores, server.name)
        if server.conf is not None:
            self.first_answer(server, 60 if wrap else 20)
        else:
            time.sleep(0.2)
        self.check_alive(server)
        return server

    def stop(self, server):
        p = server.process
        if p is None:
            return
        p.terminate()
        try:
            p.wait(10)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
        self.started.remove(p)
        server.process = None

    def end_all(self):
        for p in self.started:
            if p.poll() is None:
                p.terminate()
        for p in self.started:
            try:
                p.wait(3)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        self.started = []

    def tidy(self):
        """After a workload, however it went: the authority and no more."""
        if self.started == [self.authority] and self.authority.poll() is None:
            return
        self.end_all()
        self.authority = self.run([self.tools["authority"], "53"],
                                  self.cores[1:], "authority")

    def check_alive(self, server):
        p = server.process
        if p.poll() is None:
            return
        with open(p.log, errors="replace", encoding="utf-8") as f:
            said = f.read()[-2000:].strip()
        raise Failure(f"{server.name} ended with {p.returncode}: {said}")

    # --- questions --------------------------------------------------------

    def first_answer(self, server, patience_s, step_s=0.02):
        """Asks one name until it is answered."""
        end = time.monotonic() + patience_s
        wire = struct.pack(">6H", 7, 0x0100, 1, 0, 0, 0)
        for label in ("first", "w1", "bench"):
            wire += bytes([len(label)]) + label.encode()
        wire += b"\0" + struct.pack(">2H", 1, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(step_s)
            s.connect(("127.0.0.1", server.port))
            while (time.monotonic() < end and
                   server.process.poll() is None):
                try:
                    s.send(wire)
                    got = s.recv(4096)
                except ConnectionRefusedError:
                    time.sleep(min(step_s, 0.0005))
                    continue
                except socket.timeout:
                    continue
                if got[3] & 15 == 0 and got[7] > 0:
                    return
        self.check_alive(server)
        raise Failure(f"{server.name} does not answer")

    def names_file(self, count, zone="w1.bench", mixed=False):
        """All of one length, or of two dozen lengths."""
        path = os.path.join(self.folder, f"names-{count}-{zone}-{mixed:d}")
        if not os.path.exists(path):
            with open(path, "w", encoding="ascii") as f:
                f.writelines(f"n{i:07d}{'x' * (i % 24 if mixed else 0)}"
                             f".{zone}\n" for i in range(count))
        return path

    def fresh_numbers(self, count):
        """Numbers of names nobody was asked for yet."""
        self.first_number += count
        return self.first_number - count

    def flood(self, server, *arguments, core=None):
        """The generator's report as numbers."""
        core = self.cores[1] if core is None else core
        done = subprocess.run(
            ["taskset", "-c", str(core), self.tools["flood"], "-p",
             str(server.port), *map(str, arguments)],
            check=False, stdout=subprocess.PIPE, text=True)
        self.check_alive(server)
        if done.returncode != 0:
            raise Failure(f"{server.name}: the generator got no answer")
        return {k: float(v) for k, v in
                (field.split("=") for field in done.stdout.split())}


# --- CPU, memory --------------------------------------------------------------

def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(x) for x in f.read().split()]


def cpu_s(pid):
    """(user, system) seconds of a process; their sum to the nanosecond."""
    user = system = exact = 0.0
    for task in os.listdir(f"/proc/{pid}/task"):
        base = f"/proc/{pid}/task/{task}"
        with open(base + "/stat", encoding="ascii", errors="replace") as f:
            fields = f.read().rpartition(")")[2].split()
        with open(base + "/schedstat", encoding="ascii") as f:
            exact += int(f.read().split()[0]) / 1e9
        user += int(fields[11]) / TICKS
        system += int(fields[12]) / TICKS
    return user, system, exact


def busy_s():
    """Seconds that all processors together have worked."""
    with open("/proc/stat", encoding="ascii") as f:
        fields = [int(x) for x in f.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS


def rss_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure(lab, server, *arguments):
    """A flood, with what it cost the server."""
    pid = server.process.pid
    others = lab.authority.pid
    before, busy, own = cpu_s(pid), busy_s(), os.times()
    helper, begin = cpu_s(others), time.monotonic()
    r = lab.flood(server, *arguments)
    took = time.monotonic() - begin
    after, busy, now = cpu_s(pid), busy_s() - busy, os.times()
    user, system = after[0] - before[0], after[1] - before[1]
    exact = after[2] - before[2]
    generator = (now.children_user - own.children_user +
                 now.children_system - own.children_system)
    helper = cpu_s(others)[2] - helper[2]
    part = user / (user + system) if user + system > 0 else 0
    r["cpu_us"] = exact * 1e6 / max(r["answered"], 1)
    r["user_us"] = r["cpu_us"] * part
    r["system_us"] = r["cpu_us"] - r["user_us"]
    r["util"] = exact / took
    r["generator"] = (generator + helper) / took
    r["foreign"] = max(0.0, (busy - exact - generator - helper) / took)
    return r


class Quota:
    """Holds a process to a share of a processor, by a control group.

    Within that share nobody else comes first: the group has all the weight
    there is.
    """

    def __init__(self, pid, share, period_us):
        old = os.path.join(CGROUP, "cpu")
        self.parent = old if os.path.isdir(old) else CGROUP
        self.folder = os.path.join(self.parent, f"hither-bench-{os.getpid()}")
        quota = int(period_us * share)
        try:
            if self.parent == old:
                os.makedirs(self.folder, exist_ok=True)
                self.write("cpu.cfs_period_us", period_us)
                self.write("cpu.cfs_quota_us", quota)
                self.write("cpu.shares", 262144)
            else:
                with open(os.path.join(CGROUP, "cgroup.subtree_control"), "w",
                          encoding="ascii") as f:
                    f.write("+cpu")
                os.makedirs(self.folder, exist_ok=True)
                self.write("cpu.max", f"{quota} {period_us}")
                self.write("cpu.weight", 10000)
            self.write("cgroup.procs", pid)
        except OSError as e:
            self.end()
            raise Failure(f"no processor quota can be set here: {e}") from e

    def write(self, name, value):
        with open(os.path.join(self.folder, name), "w",
                  encoding="ascii") as f:
            f.write(str(value))

    def end(self):
        try:
            with open(os.path.join(self.folder, "cgroup.procs"),
                      encoding="ascii") as f:
                pids = f.read().split()
            for pid in pids:
                with open(os.path.join(self.parent, "cgroup.procs"), "w",
                          encoding="ascii") as f:
                    f.write(pid)
            os.rmdir(self.folder)
        except OSError:
            pass  # it goes with the last process in it
