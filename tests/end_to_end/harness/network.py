"""Machines and the wires between them: network namespaces of this kernel.

All of them share its clocks, so a moment noted on one machine compares with one noted on another.
Needs root and iproute2; `missing()` says what is missing. A segment is a bridge in a namespace of
its own. A machine plugged into one can be cut off in two ways: silently, where packets vanish, and
loudly, where the machine notices that its link is down.
"""
import ctypes
import itertools
import os
import shutil
import socket
import subprocess
import threading
from pathlib import Path

PREFIX = "sallyport"
CLONE_NEWNET = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)
numbers = itertools.count(1)


def ip(*words):
    done = subprocess.run(["ip", *map(str, words)], capture_output=True, text=True, timeout=30,
                          check=False)
    if done.returncode:
        raise OSError(f"ip {' '.join(map(str, words))}: {done.stderr.strip()}")
    return done.stdout


def missing():
    """Why there can be no machines here; empty: there can."""
    if os.geteuid():
        return "needs root and network namespaces: this is not root"
    if not shutil.which("ip"):
        return "needs root and network namespaces: iproute2 is not installed"
    try:
        Machine("probe").remove()
    except OSError as error:
        return f"needs root and network namespaces: {error}"
    return ""


def remove_abandoned():
    """What test runs that were killed have left behind."""
    for line in ip("netns", "list").splitlines():
        prefix, _, rest = line.split(" ")[0].partition("-")
        owner = rest.split("-")[0]
        if prefix == PREFIX and owner.isdigit() and not Path(f"/proc/{owner}").exists():
            ip("netns", "del", line.split(" ")[0])


class Machine:
    """A namespace with a loopback of its own."""

    def __init__(self, name):
        self.namespace = f"{PREFIX}-{os.getpid()}-{next(numbers)}-{name}"
        ip("netns", "add", self.namespace)
        self.ip("link", "set", "lo", "up")

    def ip(self, *words):
        return ip("-n", self.namespace, *words)

    def enter(self):
        """Moves the calling thread here: in a child, before its program starts."""
        with open(f"/run/netns/{self.namespace}", "rb") as file:
            if libc.setns(file.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")

    def free_port(self):
        """For programs that cannot be told to take any port and say which."""
        found = []

        def probe():
            self.enter()
            with socket.socket() as any_port:
                any_port.bind(("127.0.0.1", 0))
                found.append(any_port.getsockname()[1])

        thread = threading.Thread(target=probe)
        thread.start()
        thread.join()
        return found[0]

    def remove(self):
        ip("netns", "del", self.namespace)


class Plug:
    """One machine's end in one segment."""

    def __init__(self, segment, machine, number):
        self.segment = segment
        self.machine = machine
        self.address = f"{segment.network}.{number}"
        self.name = segment.name
        self.port = f"port{number}"
        segment.hub.ip("link", "add", self.port, "type", "veth", "peer", "name", self.name,
                       "netns", machine.namespace)
        self.mend()
        machine.ip("addr", "add", f"{self.address}/24", "dev", self.name)

    def cut(self, how):
        """"silently": packets vanish. "loudly": the machine sees its link go down."""
        if how == "silently":
            self.segment.hub.ip("link", "set", self.port, "nomaster")
        else:
            self.machine.ip("link", "set", self.name, "down")

    def mend(self):
        self.segment.hub.ip("link", "set", self.port, "master", "bridge", "up")
        self.machine.ip("link", "set", self.name, "up")

    def take_over(self, address):
        """Answers to another machine's address from now on; that one has to be cut off."""
        self.machine.ip("addr", "add", f"{address}/24", "dev", self.name)
        for plug in self.segment.plugs:
            plug.machine.ip("neigh", "flush", "dev", plug.name)


class Segment:
    """A bridge; `network` is the first three numbers of its addresses."""

    def __init__(self, name, network):
        self.name = name
        self.network = network
        self.plugs = []
        self.numbers = itertools.count(1)
        self.hub = Machine(f"hub-{name}")
        self.hub.ip("link", "add", "bridge", "type", "bridge")
        self.hub.ip("link", "set", "bridge", "up")

    def plug(self, machine):
        self.plugs.append(Plug(self, machine, next(self.numbers)))
        return self.plugs[-1]

    def remove(self):
        self.hub.remove()
