#!/usr/bin/python3
"""Measures what many connections cost: memory, room, and the time to find one of them.

Fills the embedded vault and Redis step by step through the vault's own code (scale_store). At each
size it measures finding a connection that no cache holds, in that program; then it starts a gate on
the vault and measures its memory, idle and after calls with CALLS different connections, and what
the first and the second call with a connection take. The calls are refused by policy, which comes
after the connection was found, so that no provider's time is in them. Vaults lie in memory
(/dev/shm) where there is such a place: every one of a million additions is synced.
"""
import argparse
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "end_to_end"))

from harness import catalogue, gate as gates  # noqa: E402
from harness.certificates import Authority  # noqa: E402
from harness.processes import Program, answers, discard, free_port, until  # noqa: E402

CALLS = 20_000  # more than a worker's cache holds (16,384)
CONNECTIONS_PER_TOKEN = 100
MIB = 1 << 20


def options():
    parser = argparse.ArgumentParser(prog="./dev bench scale",
                                     description=__doc__.split("\n\n", maxsplit=1)[0])
    add = parser.add_argument
    add("--sizes", type=lambda text: sorted(int(number) for number in text.split(",")),
        default=[1, 1000, 1_000_000], metavar="N,...", help="connections (1,1000,1000000)")
    add("--stores", type=lambda text: text.split(","), default=["sqlite", "redis"],
        metavar="NAME,...", help="sqlite, redis (both)")
    add("--programs", default="build/release", metavar="DIR",
        help="where sallyport and scale_store are")
    add("--json", default="build/bench/scale.json", metavar="PATH", help="the figures, for later")
    chosen = parser.parse_args()
    if unknown := set(chosen.stores) - {"sqlite", "redis"}:
        parser.error(f"no such store: {', '.join(sorted(unknown))}")
    chosen.programs = Path(chosen.programs).resolve()
    for name in ("sallyport", "scale_store"):
        if not os.access(chosen.programs / name, os.X_OK):
            parser.error(f"no program {name} in {chosen.programs}")
    return chosen


class Sqlite:
    def __init__(self, directory):
        self.file = directory / "vault.db"
        self.url = f"sqlite:{self.file}"

    def bytes(self):
        return sum(path.stat().st_size for path in self.file.parent.glob("vault.db*")), 0

    def stop(self):
        pass


class Redis:
    def __init__(self, directory):
        self.directory = directory
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.program = Program(
            ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", directory,
             "--save", "", "--appendonly", "yes", "--appendfsync", "everysec"], directory, "redis")
        until(lambda: answers(self.port), "redis")

    def bytes(self):
        """(its append-only file, its memory)"""
        said = subprocess.run(["redis-cli", "-p", str(self.port), "info", "memory"],
                              capture_output=True, text=True, check=True).stdout
        fields = dict(line.split(":", 1) for line in said.splitlines() if ":" in line)
        files = sum(path.stat().st_size for path in self.directory.rglob("appendonly.aof*")
                    if path.is_file())
        return files, int(fields["used_memory"])

    def stop(self):
        self.program.stop(signal.SIGKILL)


def percentiles(seconds):
    ordered = sorted(seconds)
    return {"p50": ordered[len(ordered) // 2] * 1e6, "p99": ordered[len(ordered) * 99 // 100] * 1e6}


def call_each(gate, ids):
    """Calls twice with each connection: microseconds of the first and of the second call."""
    first, second = [], []
    with gate.caller() as caller:
        for begin in range(0, len(ids), CONNECTIONS_PER_TOKEN):
            some = ids[begin:begin + CONNECTIONS_PER_TOKEN]
            token = gate.mint(some)
            for taken in (first, second):
                for identifier in some:
                    begun = time.perf_counter()
                    caller.request("GET", "/bench/unknown", [
                        ("Authorization", f"Bearer {token}"), ("Connection-Id", identifier)])
                    answer = caller.response()
                    taken.append(time.perf_counter() - begun)
                    if b"operation_denied" not in answer.body:
                        sys.exit(f"not the answer that was to be measured: {answer.body.decode()}")
    return percentiles(first), percentiles(second)


def measure(chosen, gate, store, ids_file, size):
    filled = subprocess.run(
        [chosen.programs / "scale_store", store.url, f"file:{gate.directory}/master.key", ids_file,
         str(size)], capture_output=True, text=True, check=False)
    if filled.returncode:
        sys.exit(filled.stderr)
    found = {"connections": size, **json.loads(filled.stdout)}
    found["disk_bytes"], found["memory_bytes"] = store.bytes()
    gate.start()
    found["idle_bytes"] = gate.process.memory()
    ids = ids_file.read_text().splitlines()
    found["first_us"], found["second_us"] = call_each(
        gate, random.Random(1).sample(ids, min(CALLS, len(ids))))
    found["busy_bytes"] = gate.process.memory()
    gate.stop()
    return found


def report(name, found, empty):
    size = found["connections"]
    per = [f"{(found[kind] - empty[at]) / size:9.0f}" if size >= 1000 else f"{'':9}"
           for at, kind in enumerate(("disk_bytes", "memory_bytes"))]
    cold, warm = found["cold_ns"], found["warm_ns"]
    print(f"{name:7} {size:11,} {found['seconds']:8.1f} {cold['p50'] / 1000:9.1f} "
          f"{cold['p99'] / 1000:9.1f} {warm['p50']:8} {found['first_us']['p50']:9.0f} "
          f"{found['first_us']['p99']:9.0f} {found['second_us']['p50']:9.0f} {per[0]} {per[1]} "
          f"{found['idle_bytes'] / MIB:9.1f} {found['busy_bytes'] / MIB:9.1f}", flush=True)


def main():
    chosen = options()
    gates.PROGRAM = str(chosen.programs / "sallyport")
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    print(f"{CALLS:,} calls at most, {platform.machine()}, {os.cpu_count()} processors\n")
    print("                          filled   cold: us            warm:   1st call: us        "
          "2nd: us   bytes a connection  gate's memory, MiB")
    print("store   connections  in s       p50       p99   ns, p50       p50       p99       p50 "
          "     disk    memory      idle      busy")
    results = {}
    for name in chosen.stores:
        directory = Path(tempfile.mkdtemp(prefix="sallyport-scale-", dir=memory))
        store = {"sqlite": Sqlite, "redis": Redis}[name](directory)
        gate = gates.Gate([catalogue.laboratory("https://localhost:9", Authority(directory),
                                                "bench")],
                          settings={"vault": {"store": store.url}, "proxy": {"workers": 1}})
        try:
            empty = store.bytes()
            results[name] = []
            for size in chosen.sizes:
                results[name].append(measure(chosen, gate, store, directory / "ids", size))
                report(name, results[name][-1], empty)
        finally:
            gate.discard()
            store.stop()
            discard(directory)
    target = Path(chosen.json)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"time": time.time(), "results": results}))


if __name__ == "__main__":
    main()
