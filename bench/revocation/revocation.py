#!/usr/bin/python3
"""Measures how long a revoked connection still reaches the provider, over fleets of gates.

Each gate, Redis and the provider have a network namespace of their own, and callers call every gate
without pause. The lag of one revocation is the time from the answer of the control API at the first
gate to the last arrival of a request at the provider, as the kernel stamped it there; it is
negative where the last request came before the answer. A lag cannot be told more finely than the
time between two arrivals, which is printed with it.
"""
import argparse
import json
import math
import os
import platform
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "end_to_end"))

from harness import gate as gates, network  # noqa: E402
from harness.certificates import Authority  # noqa: E402
from harness.fleet import LEASE, Fleet, moment  # noqa: E402
from harness.processes import discard, room, until  # noqa: E402

CALLERS = 8  # at each gate
LOAD = 20  # answers of every gate before a revocation
REFUSALS = 5  # of every gate before the next one


def options():
    parser = argparse.ArgumentParser(prog="./dev bench revocation",
                                     description=__doc__.split("\n\n", maxsplit=1)[0])
    add = parser.add_argument
    add("--gates", type=lambda text: [int(number) for number in text.split(",")],
        default=[1, 2, 4], metavar="N,...", help="sizes of the fleet (1,2,4)")
    add("--revocations", type=int, default=100, metavar="N", help="of each kind and size (100)")
    add("--gate", default="build/release/sallyport", metavar="PATH", help="the program")
    add("--json", default="build/bench/revocation.json", metavar="PATH",
        help="every revocation, for later")
    chosen = parser.parse_args()
    if reason := network.missing():
        parser.error(reason)
    if not os.access(chosen.gate, os.X_OK):
        parser.error(f"no program at {chosen.gate}")
    return chosen


class Subjects:
    """Connections to revoke one after another, each with a token of a run of its own."""

    def __init__(self, fleet):
        self.fleet = fleet
        self.count = 0

    def next(self):
        self.count += 1
        run = f"subject-{self.count}"
        status, made = self.fleet.first.api("POST", "/api/connect/connections", {
            "workspace": "acme", "user": "ann", "provider": "bench", "kind": "bearer", "name": run,
            "scopes": ["*"], "credential": {"secret": self.fleet.secret}})
        if status != 201:
            sys.exit(f"a connection was not added: {status} {made}")
        return run, made["id"], self.fleet.first.mint({"bench": made["id"]}, run)


def revoke_one(fleet, subjects, wait):
    """{"lag", "took", "spacing"}, in milliseconds."""
    label, connection, token = subjects.next()
    with fleet.callers(token, label, each=CALLERS) as callers:
        for gate in fleet.gates:
            until(lambda: len(callers.answered(gate.name, 200)) >= LOAD, f"load on {gate.name}")
        asked = moment()
        route = f"/api/connect/connections/{connection}/revoke"
        status, said = fleet.first.api("POST", route + ("?wait=true" if wait else ""))
        answered = moment()
        if status != 200:
            sys.exit(f"a revocation failed: {status} {said}")
        for gate in fleet.gates:
            until(lambda: sum(call.status == 403 for call in
                              callers.answered(gate.name, since=answered)) >= REFUSALS,
                  f"refusals by {gate.name}")
    times = [arrival.time for arrival in fleet.witness.arrivals(label)]
    return {"lag": (max(times) - answered) / 1e6, "took": (answered - asked) / 1e6,
            "spacing": (max(times) - min(times)) / len(times) / 1e6}


def percentile(values, share):
    """The smallest value that at least that share does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def report(size, wait, measured):
    lags = [each["lag"] for each in measured]
    took = [each["took"] for each in measured]
    spacing = percentile([each["spacing"] for each in measured], 0.5)
    print(f"{size:5}  {'revoke, wait' if wait else 'revoke':12} "
          f"{percentile(lags, .5):9.1f} {percentile(lags, .99):9.1f} {max(lags):9.1f}   "
          f"{percentile(took, .5):9.1f} {percentile(took, .99):9.1f} {max(took):9.1f}   "
          f"{spacing:7.2f}", flush=True)


def main():
    chosen = options()
    gates.PROGRAM = os.path.abspath(chosen.gate)
    directory = room("authority")
    authority = Authority(directory)
    results = []
    print(f"{chosen.revocations} revocations each, lease {LEASE * 1000:.0f} ms, {CALLERS} callers "
          f"at each gate, {platform.machine()}, {os.cpu_count()} processors; milliseconds\n")
    print("              until the last arrival at the provider   until the answer came    between")
    print("gates               p50       p99       max         p50       p99       max   arrivals")
    for size in chosen.gates:
        fleet = Fleet(authority, size)
        try:
            subjects = Subjects(fleet)
            for wait in (False, True):
                measured = [revoke_one(fleet, subjects, wait) for _ in range(chosen.revocations)]
                report(size, wait, measured)
                results.append({"gates": size, "wait": wait, "revocations": measured})
        finally:
            fleet.close()
    discard(directory)
    target = Path(chosen.json)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"time": time.time(), "lease": LEASE, "results": results}))


if __name__ == "__main__":
    main()
