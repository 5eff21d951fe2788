"""The Redis that a trail is shipped to, taken away under load."""
import json
import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass

from .load import Load
from .processes import Program, discard, free_port, room, run, until

PAGE = 20_000  # lines asked of Redis at once
CALLERS = 4
BACKLOG = 100  # lines: Redis was missed
CATCHING_UP_SECONDS = 240.0


class Stream:
    """A Redis that the trail is shipped to."""

    def __init__(self):
        self.directory = room("stream")
        self.port = free_port()
        self.starts = 0
        self.start()

    def start(self):
        self.starts += 1
        self.program = Program(
            ["redis-server", "--port", self.port, "--dir", self.directory, "--save", "",
             "--appendonly", "yes", "--appendfsync", "always"],
            self.directory, f"redis-{self.starts}")
        until(lambda: self.say("ping") == "PONG", "redis")

    def say(self, *words):
        return run(["redis-cli", "-p", self.port, *words]).stdout.decode().strip()

    def key(self):
        """Of the one trail that is shipped here; "" before its first line."""
        return self.say("smembers", "sallyport:audit")

    def lines(self):
        """Every line, in the stream's order."""
        found, start, key = [], "-", self.key()
        while page := json.loads(self.say("--json", "xrange", key, start, "+", "count", PAGE)):
            found += [json.loads(fields[1]) for _, fields in page]
            start = "(" + page[-1][0]
        return found

    def close(self):
        self.program.stop(signal.SIGKILL)
        discard(self.directory)


@dataclass
class Toll:
    seconds: float = 0.0  # without Redis
    calls: int = 0  # answered in them
    backlog: int = 0  # lines, when it came back
    caught_up: float = 0.0  # seconds until they were there


def begin(make_lab, provider, stack):
    stream = Stream()
    stack.callback(stream.close)
    return make_lab(provider, settings={
        "audit": {"stream": f"redis://127.0.0.1:{stream.port}"}}), stream


def behind(gate):
    return gate.api("GET", "/readyz")[1]["audit_behind"]


@contextmanager
def outage(lab, stream, seconds):
    """Load; Redis killed for so long and back; then what the caller does, still under load; then
    what was missed is shipped. No call is refused for want of Redis."""
    toll = Toll()
    with Load(lab.gate.address, "/bench/lab/shipped", lab.token, CALLERS, "r") as load:
        until(stream.key, "the first lines in the stream")
        before = len(load.answered(200))
        stream.program.stop(signal.SIGKILL)
        gone = time.monotonic()
        until(lambda: time.monotonic() - gone >= seconds and behind(lab.gate) > BACKLOG
              and len(load.answered(200)) > before + BACKLOG,
              "calls while Redis is away", patience=seconds + 30)
        toll.calls = len(load.answered(200)) - before
        toll.backlog = behind(lab.gate)
        toll.seconds = time.monotonic() - gone
        stream.start()
        back = time.monotonic()
        refused = [made for made in load.answered() if made.status != 200]
        assert not refused, refused[:3]
        yield toll
    until(lambda: behind(lab.gate) == 0, "the backlog gone", CATCHING_UP_SECONDS)
    toll.caught_up = time.monotonic() - back
    lab.gate.stop()


def assert_shipped(gate, stream):
    """Every line once, and each writer's in order."""
    gate.verify()
    shipped = stream.lines()
    assert len(shipped) == len({line["id"] for line in shipped})
    assert {line["id"] for line in shipped} == {line["id"] for line in gate.trail.lines()}
    per_writer = {}
    for line in shipped:
        per_writer.setdefault(line["writer"], []).append(line["seq"])
    for writer, numbers in per_writer.items():
        assert numbers == list(range(1, len(numbers) + 1)), writer
