#!/usr/bin/python3
"""Measures the gate beside nginx, HAProxy and nginx with Lua: CPU per call, calls/s, latency.

Every contestant has one worker on CPU 0 and the same provider (nginx, TLS 1.3, kept-alive
connections) on CPU 1, where wrk runs too. Rounds are interleaved, A B C A B C ..., so that a drift
of the machine meets everyone; a ratio compares a contestant with nginx of the same round. The nginx
it is compared with injects one static header and neither decides nor records anything.
"""
import argparse
import http.client
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import contestants

PEERS = {
    "nginx": (["nginx", "-c"], False),
    "haproxy": (["haproxy", "-db", "-q", "-f"], False),
    "lua": (["nginx", "-c"], True),
    "lua_cached": (["nginx", "-c"], True),
}
BASELINE = "nginx"
WARM_UP_SECONDS = 1


def numbers(text):
    return [int(number) for number in text.split(",")]


def options():
    parser = argparse.ArgumentParser(prog="./dev bench compare",
                                     description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--connections", type=numbers, default=[32], metavar="N,...", help="callers at once (32)")
    add("--size", type=numbers, default=[200, 65536], metavar="N,...",
        help="bytes of an answer (200,65536)")
    add("--rounds", type=int, default=5)
    add("--seconds", type=int, default=4, help="of each round and contestant")
    add("--only", type=lambda text: text.split(","), metavar="NAME,...",
        help=f"of {', '.join(PEERS)} and the gates; {BASELINE} always runs")
    add("--gate", action="append", metavar="NAME=PATH[,fsync]",
        help="a build of the gate, may be repeated (sallyport=build/release/sallyport); with "
             "fsync its trail is")
    add("--json", default="build/bench/compare.json", metavar="PATH",
        help="every round, for later")
    chosen = parser.parse_args()
    gates = chosen.gate or ["sallyport=build/release/sallyport"]
    if not all(gate.partition("=")[2] for gate in gates):
        parser.error("--gate wants NAME=PATH")
    chosen.gates = dict(gate.split("=", 1) for gate in gates)
    unknown = set(chosen.only or ()) - set(PEERS) - set(chosen.gates)
    if unknown:
        parser.error(f"no such contestant: {', '.join(sorted(unknown))}")
    if len(os.sched_getaffinity(0)) < 2:
        parser.error("needs two CPUs: one for the proxy, one for provider and load")
    return chosen


def line_up(scene, chosen):
    """Starts everyone; only the baseline cannot be left out."""
    everyone = []
    for name, (command, needs_redis) in PEERS.items():
        if not chosen.only or name in chosen.only or name == BASELINE:
            everyone.append(contestants.Peer(scene, name, command, needs_redis))
    for name, program in chosen.gates.items():
        if not chosen.only or name in chosen.only:
            path, _, durability = program.partition(",")
            everyone.append(contestants.Gate(scene, name, path, durability or "write"))
    return everyone


def prove(contestant, sizes):
    """A contestant that does not do the job is not measured. The caller's token means nothing to
    the provider, so a right answer shows that the secret was injected."""
    for size in sizes:
        connection = http.client.HTTPConnection("127.0.0.1", contestant.port, timeout=10)
        headers = {"Authorization": "Bearer " + contestant.token}
        connection.request("GET", f"{contestant.prefix}/{size}", headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != 200 or len(body) != size:
            raise RuntimeError(f"{contestant.name} answers {answer.status} with {len(body)} bytes: "
                               f"{body[:300]!r}")


def measure(scene, contestant, connections, size, seconds):
    script = os.path.join(scene.directory, f"load-{contestant.name}.lua")
    template = contestants.read(os.path.join(contestants.HERE, "load.lua"))
    with open(script, "w", encoding="utf-8") as file:
        file.write(template.replace("@TOKEN@", contestant.token))
    url = f"http://127.0.0.1:{contestant.port}{contestant.prefix}/{size}"
    command = ["taskset", "-c", str(contestants.LOAD_CPU), "wrk", "-t1", f"-c{connections}",
               f"-d{seconds}s", "--latency", "-s", script, url]
    before = contestant.process.cpu_seconds()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    used = contestant.process.cpu_seconds() - before
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        raise RuntimeError(f"wrk failed on {contestant.name}: {done.stdout}{done.stderr}")
    result = json.loads(lines[0][len("RESULT "):])
    if result["failures"] or not result["calls"]:
        raise RuntimeError(f"{contestant.name}: {result['failures']} failures in "
                           f"{result['calls']} calls")
    return {"contestant": contestant.name, "connections": connections, "size": size,
            "cpu_us": used * 1e6 / result["calls"],
            "per_second": result["calls"] * 1e6 / result["microseconds"],
            "p50_us": result["p50_us"], "p99_us": result["p99_us"], "calls": result["calls"]}


def run_rounds(scene, everyone, chosen):
    rounds = []
    for connections in chosen.connections:
        for size in chosen.size:
            for contestant in everyone:
                measure(scene, contestant, connections, size, WARM_UP_SECONDS)
            for number in range(chosen.rounds):
                print(f"{connections} connections, {size} bytes: round {number + 1} of "
                      f"{chosen.rounds}", file=sys.stderr, flush=True)
                for contestant in everyone:
                    one = measure(scene, contestant, connections, size, chosen.seconds)
                    rounds.append({"round": number, **one})
    return rounds


def summed_up(rounds):
    """Medians over the rounds, and the ratio to the baseline of the same round with its spread."""
    rows = []
    groups = {}
    for one in rounds:
        groups.setdefault((one["connections"], one["size"], one["contestant"]), []).append(one)
    for (connections, size, name), group in groups.items():
        baseline = groups[(connections, size, BASELINE)]
        ratios = [one["cpu_us"] / base["cpu_us"] for one, base in zip(group, baseline)]
        row = {"connections": connections, "size": size, "contestant": name,
               "ratio": statistics.median(ratios),
               "ratio_low": min(ratios), "ratio_high": max(ratios)}
        for figure in ("cpu_us", "per_second", "p50_us", "p99_us"):
            row[figure] = statistics.median(one[figure] for one in group)
        rows.append(row)
    return rows


def print_table(rows):
    print(f"{'connections':>11} {'bytes':>6}  {'contestant':<12} {'CPU us':>8} {'to nginx':>8}"
          f" {'(low-high)':>13} {'calls/s':>8} {'p50 us':>7} {'p99 us':>7}")
    last = None
    for row in rows:
        if last not in (None, (row["connections"], row["size"])):
            print()
        last = (row["connections"], row["size"])
        spread = f"({row['ratio_low']:.2f}-{row['ratio_high']:.2f})"
        print(f"{row['connections']:>11} {row['size']:>6}  {row['contestant']:<12}"
              f" {row['cpu_us']:>8.1f} {row['ratio']:>8.2f} {spread:>13}"
              f" {row['per_second']:>8.0f} {row['p50_us']:>7.0f} {row['p99_us']:>7.0f}")


def write_json(path, chosen, rounds, rows):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    report = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
              "kernel": platform.release(), "cpus": os.cpu_count(),
              "load_average": os.getloadavg(), "cipher": contestants.CIPHER,
              "seconds": chosen.seconds, "gates": chosen.gates, "summary": rows, "rounds": rounds}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
        file.write("\n")


def main():
    chosen = options()
    os.environ["PATH"] += ":/usr/sbin"
    for variable in ("http_proxy", "HTTP_PROXY", "SALLYPORT_CONTROL", "SALLYPORT_CONTROL_TOKEN"):
        os.environ.pop(variable, None)
    directory = tempfile.mkdtemp(prefix="sallyport-compare-")
    scene = contestants.Scene(directory, chosen.size)
    try:
        scene.start_upstream()
        everyone = line_up(scene, chosen)
        for contestant in everyone:
            prove(contestant, chosen.size)
        rounds = run_rounds(scene, everyone, chosen)
    except RuntimeError as error:
        sys.exit(f"compare: {error}")
    finally:
        scene.stop()
        shutil.rmtree(directory)
    rows = summed_up(rounds)
    print_table(rows)
    write_json(chosen.json, chosen, rounds, rows)
    print(f"\nevery round: {chosen.json}")


main()
