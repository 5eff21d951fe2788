"""A fleet: gates, their Redis and a provider, each on a machine of its own.

The gates reach Redis over one segment and the provider over another, so that a gate can be cut off
from its store and still reach the provider: that is when a revocation is hardest to keep. Callers
and commands use unix sockets, which no namespace keeps apart.
"""
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from . import catalogue, witness
from .gate import Gate
from .network import Machine, Segment, remove_abandoned
from .processes import Program, discard, room, run, until
from .stamped import Callers

LEASE = 1.0  # seconds: vault.lease of every gate


@dataclass
class Arrival:
    time: int  # nanoseconds of CLOCK_REALTIME
    connection: int  # which of the provider's connections it came over
    target: str


class Witness:
    """The provider: the program in witness.py and what it has written down."""

    def __init__(self, machine, plug, authority, directory):
        certificate = authority.issue("witness", names=(plug.address,))
        self.program = Program([sys.executable, "-B", witness.__file__, *certificate, plug.address],
                               directory, "witness", preexec_fn=machine.enter)
        line = until(self.program.stdout.read_text, "the provider to listen")
        self.url = f"https://{plug.address}:{line.split()[1]}"

    def arrivals(self, label, after=0):
        """The requests for /lab/LABEL/... that came after that moment."""
        lines = self.program.stdout.read_text().splitlines()[1:]
        parts = (line.split(" ", 2) for line in lines if f"/lab/{label}/" in line)
        return [Arrival(int(stamp), int(connection), target) for stamp, connection, target in parts
                if int(stamp) > after]

    def stop(self):
        self.program.stop()


class Redis:
    """redis-server as revocations need it: what was acknowledged is on disk."""

    def __init__(self, machine, plug, port=6379, name="redis"):
        self.machine = machine
        self.plug = plug
        self.port = port
        self.directory = room(name)
        self.socket = self.directory / "socket"
        self.starts = 0
        self.start()

    def start(self):
        self.starts += 1
        self.program = Program(
            ["redis-server", "--port", self.port, "--bind", "0.0.0.0", "--protected-mode", "no",
             "--unixsocket", self.socket, "--dir", self.directory, "--save", "", "--appendonly",
             "yes", "--appendfsync", "always", "--repl-diskless-sync-delay", "0"],
            self.directory, f"redis-{self.starts}", preexec_fn=self.machine.enter)
        until(lambda: self.say("ping") == "PONG", "redis")

    def follow(self, master):
        """Becomes its replica, and has all it has once this returns."""
        self.say("replicaof", master.plug.address, master.port)
        until(lambda: "master_link_status:up" in self.say("info", "replication")
              and master.offset() == self.offset(), "replication")

    def offset(self):
        fields = dict(line.split(":", 1) for line in self.say("info", "replication").splitlines()
                      if ":" in line)
        return fields["master_repl_offset"].strip()

    def lose(self, other):
        """Sends nothing to that one any more, and does not notice."""
        self.machine.ip("route", "add", "blackhole", other.plug.address)

    def say(self, *words):
        return run(["redis-cli", "-s", self.socket, *words]).stdout.decode().strip()

    def signal(self, sign):
        os.kill(self.program.pid, sign)

    def stop(self, sign):
        self.program.stop(sign)
        Path(self.socket).unlink(missing_ok=True)

    def discard(self):
        if self.program.running():
            self.program.child.kill()
            self.program.child.wait()
        discard(self.directory)


class Sentinel:
    """One that alone decides, and soon."""

    PORT = 26379
    DOWN_AFTER = 500  # milliseconds without an answer of the master

    def __init__(self, machine, plug, master):
        self.directory = room("sentinel")
        config = self.directory / "sentinel.conf"
        config.write_text(
            f"port {self.PORT}\nbind 0.0.0.0\nprotected-mode no\ndir {self.directory}\n"
            f"sentinel monitor main {master.plug.address} {master.port} 1\n"
            f"sentinel down-after-milliseconds main {self.DOWN_AFTER}\n"
            "sentinel failover-timeout main 10000\n")
        self.program = Program(["redis-server", config, "--sentinel"], self.directory, "sentinel",
                               preexec_fn=machine.enter)
        until(lambda: b"+slave" in self.program.output(), "Sentinel to know the replica")
        self.url = f"redis+sentinel://{plug.address}:{self.PORT}/main"

    def discard(self):
        self.program.stop(signal.SIGKILL)
        discard(self.directory)


class Fleet:
    """`size` gates named gate1 ... that share one provider, `bench`, and one master key. One that
    is `watched` has a replica, and a Sentinel that the gates ask where Redis is."""

    def __init__(self, authority, size, planted=None, watched=False):
        remove_abandoned()
        self.directory = room("fleet")
        self.machines = {}
        self.inside = Segment("inside", "10.91.0")
        self.outside = Segment("outside", "10.92.0")
        self.redis = Redis(*self.plug_in("redis", self.inside))
        self.redis_address = self.redis.plug.address
        self.redis_url = f"redis://{self.redis_address}:{self.redis.port}"
        self.others = []  # to be discarded too
        if watched:
            self.replica = Redis(*self.plug_in("replica", self.inside), name="replica")
            self.replica.follow(self.redis)
            sentinel = Sentinel(*self.plug_in("sentinel", self.inside), self.redis)
            self.others += [self.replica, sentinel]
            self.redis_url = sentinel.url
        self.witness = Witness(*self.plug_in("provider", self.outside), authority, self.directory)
        self.authority = authority
        self.gates = []
        self.links = []  # each gate's plug towards Redis
        for number in range(1, size + 1):
            self.add_gate(f"gate{number}", planted)
        self.first = self.gates[0]
        self.secret = self.first.planted.plant("the fleet's credential")
        self.runs = 0

    def plug_in(self, name, segment):
        machine = self.machines.setdefault(name, None) or Machine(name)
        self.machines[name] = machine
        return machine, segment.plug(machine)

    def add_gate(self, name, planted=None):
        machine, link = self.plug_in(name, self.inside)
        self.plug_in(name, self.outside)
        first = self.gates[0] if self.gates else None
        gate = Gate([catalogue.laboratory(self.witness.url, self.authority, "bench")],
                    settings={"vault": {"store": self.redis_url,
                                        "lease": f"{LEASE * 1000:.0f}ms"}},
                    planted=first.planted if first else planted, preparation=machine.enter)
        gate.name = name
        if first:
            gate.share_keys(first)
        self.gates.append(gate)
        self.links.append(link)
        gate.start()

    def fail_over_to(self, replica):
        """As somebody does it by hand: the old one dies, the other gets its role and address."""
        self.redis.stop(signal.SIGKILL)
        self.redis.plug.cut("silently")
        self.others.append(self.redis)
        self.redis = replica
        replica.say("replicaof", "no", "one")
        replica.plug.take_over(self.redis_address)

    # What tests do with it.

    def connect(self, gate=None):
        """A connection and a token that may use it."""
        gate = gate or self.first
        self.runs += 1
        name = f"run-{self.runs}"
        connection = gate.connect("bench", self.secret, more=("--name", name))
        return connection, name, gate.run_token(name, connection)

    def callers(self, token, label, gates=None, each=8):
        paths = {gate.name: gate.unix for gate in gates or self.gates}
        return Callers(paths, "/bench/lab", token, label, each)

    def status(self, gate, token, label="probe"):
        return gate.call("GET", f"/bench/lab/{label}/x", token, address=gate.unix).status

    def lag(self, label, since):
        """Seconds from `since` to the last arrival; negative: it came before."""
        return (max(arrival.time for arrival in self.witness.arrivals(label)) - since) / 1e9

    def close(self):
        try:
            leaks = self.first.planted.sweep(
                self.directory, [gate.process.pid for gate in self.gates if gate in Gate.live])
            assert not leaks, leaks
            for gate in self.gates:
                if gate in Gate.live:
                    gate.stop()
                    gate.verify()
                gate.assert_no_leaks()
            for each in (self.redis, *self.others):
                leaks = self.first.planted.sweep(each.directory)
                assert not leaks, leaks
        finally:
            self.discard()

    def discard(self):
        for gate in self.gates:
            gate.discard()
        self.witness.stop()
        for each in (self.redis, *self.others):
            each.discard()
        for segment in (self.inside, self.outside):
            segment.remove()
        for machine in self.machines.values():
            machine.remove()
        discard(self.directory)


def moment():
    """Now, on the clock that arrivals are stamped with."""
    return time.time_ns()
