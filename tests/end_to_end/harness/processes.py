"""Starting programs, waiting for facts, finding room."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path


def until(fact, what, patience=30.0):
    """Polls until `fact()` is true and returns what that was."""
    deadline = time.monotonic() + patience
    while True:
        found = fact()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience:.0f} s in vain for {what}")
        time.sleep(0.02)


def free_port():
    """For programs that cannot be told to take any port and say which."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def room(prefix):
    """A directory whose path is short enough for a unix socket."""
    return Path(tempfile.mkdtemp(prefix=f"sp-{prefix}-", dir="/tmp"))


def discard(directory):
    shutil.rmtree(directory, ignore_errors=True)


class Program:
    """A child process whose output goes to files and which does not outlive the test."""

    def __init__(self, arguments, directory, name, **options):
        self.name = name
        self.stdout = Path(directory) / f"{name}.stdout"
        self.stderr = Path(directory) / f"{name}.stderr"
        with open(self.stdout, "ab") as out, open(self.stderr, "ab") as err:
            self.child = subprocess.Popen(
                [str(argument) for argument in arguments],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, **options)

    @property
    def pid(self):
        return self.child.pid

    def running(self):
        return self.child.poll() is None

    def stop(self, sign=signal.SIGTERM, patience=60.0):
        if self.running():
            self.child.send_signal(sign)
        try:
            return self.child.wait(patience)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise AssertionError(f"{self.name} did not end within {patience:.0f} s of {sign!r}")

    def output(self):
        return self.stdout.read_bytes() + self.stderr.read_bytes()

    def memory(self, line="VmRSS"):
        """Bytes the kernel counts: VmRSS now, VmHWM at most so far."""
        for entry in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if entry.startswith(line + ":"):
                return int(entry.split()[1]) * 1024
        raise AssertionError(f"no {line} for {self.name}")


def run(arguments, *, stdin=None, environment=None, directory=None, patience=120.0):
    """Runs a program to its end; bytes in, CompletedProcess with bytes out."""
    return subprocess.run(
        [str(argument) for argument in arguments], input=stdin, capture_output=True,
        env={**os.environ, **(environment or {})}, cwd=directory, timeout=patience, check=False)
