"""The trail as its auditors have it: searched and followed over HTTP, and in a Redis stream."""
import json
import signal
import socket
import urllib.parse

import pytest

from harness.load import Load
from harness.processes import Program, discard, free_port, room, run, until


class Listener:
    """A caller of the live stream, who reads on until there is enough."""

    def __init__(self, gate, after=None):
        self.peer = socket.socket(socket.AF_UNIX)
        self.peer.settimeout(30)
        self.peer.connect(gate.control.removeprefix("unix:"))
        token = (gate.directory / "control.token").read_text().strip()
        resume = f"Last-Event-ID: {after}\r\n" if after else ""
        self.peer.sendall(f"GET /api/audit/stream HTTP/1.1\r\nHost: control\r\n"
                          f"Authorization: Bearer {token}\r\n{resume}\r\n".encode())
        self.heard = b""

    def events(self):
        """[(id, line)] so far."""
        found = []
        for part in self.heard.split(b"\n\n")[:-1]:
            if part.startswith(b"id: "):
                identifier, data = part.split(b"\n")
                found.append((identifier[4:].decode(), json.loads(data[6:])))
        return found

    def read(self, enough):
        while not enough(self.events()):
            block = self.peer.recv(65536)
            assert block, "the stream ended"
            self.heard += block
        return self.events()

    def close(self):
        self.peer.close()


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

    def lines(self):
        """Every line of the one trail that is shipped here, in the stream's order."""
        key = self.say("smembers", "sallyport:audit")
        entries = json.loads(self.say("--json", "xrange", key, "-", "+")) if key else []
        return [json.loads(fields[1]) for _, fields in entries]

    def close(self):
        self.program.stop(signal.SIGKILL)
        discard(self.directory)


def test_every_line_of_a_call_is_found_by_what_it_says(lab):
    answer = lab.call("GET", "/found")
    query = urllib.parse.urlencode({"call": answer.call_id, "workspace": "acme", "since": "1h"})
    lab.gate.trail.call(answer.call_id)
    status, page = lab.gate.api("GET", f"/api/audit?{query}")
    assert status == 200
    assert [line["kind"] for line in page["items"]] == ["call.outcome", "call.intent"]
    assert page["next"] is None
    assert page["items"] == lab.gate.trail.lines(call_id=answer.call_id)[::-1]


def test_pages_hold_every_line_once(lab):
    for _ in range(25):
        lab.call("GET", "/paged")
    found, cursor = [], ""
    while True:
        status, page = lab.gate.api("GET", f"/api/audit?kind=call.intent&limit=7{cursor}")
        assert status == 200
        found += [line["id"] for line in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(found) == len(set(found))
    assert set(found) == {line["id"] for line in lab.gate.trail.lines("call.intent")}


def test_a_follower_that_is_cut_off_misses_nothing_even_over_a_kill(lab, stack):
    """Cut off again and again, and the gate killed once: each line once, and each writer's in
    order."""
    listener = Listener(lab.gate, after="0-0")
    heard = []
    with Load(lab.gate.address, "/bench/lab/followed", lab.token, 4, "s"):
        for cut in range(3):
            heard += listener.read(lambda events: len(events) > 60)
            listener.close()
            if cut == 2:
                lab.gate.kill()
                lab.gate.start()
                break
            listener = Listener(lab.gate, after=heard[-1][0])
    for number in range(30):
        lab.call("GET", f"/after/{number}")
    expected = {line["id"] for line in lab.gate.trail.lines()}
    listener = Listener(lab.gate, after=heard[-1][0])
    rest = listener.read(lambda events: expected <= {line["id"] for _, line in heard + events})
    listener.close()
    ids = [line["id"] for _, line in heard + rest]
    assert len(ids) == len(set(ids))
    per_writer = {}
    for _, line in heard + rest:
        per_writer.setdefault(line["writer"], []).append(line["seq"])
    for writer, numbers in per_writer.items():
        assert numbers == list(range(1, len(numbers) + 1)), writer


@pytest.fixture
def stream():
    made = Stream()
    yield made
    made.close()


def test_a_redis_that_was_away_under_load_has_every_line_once_and_in_order(
        make_lab, lab_provider, stream):
    lab = make_lab(lab_provider,
                   settings={"audit": {"stream": f"redis://127.0.0.1:{stream.port}"}})
    with Load(lab.gate.address, "/bench/lab/shipped", lab.token, 4, "r") as load:
        until(lambda: stream.lines(), "the first lines in the stream")
        stream.program.stop(signal.SIGKILL)
        before = len(load.answered(200))
        until(lambda: lab.gate.api("GET", "/readyz")[1]["audit_behind"] > 100, "a backlog")
        until(lambda: len(load.answered(200)) > before + 100, "calls while Redis is away")
        stream.start()
        until(lambda: lab.gate.api("GET", "/readyz")[1]["audit_behind"] < 1000, "the backlog gone")
        lab.gate.kill()
        lab.gate.start()
    lab.gate.stop()
    lab.gate.verify()
    shipped = stream.lines()
    assert len(shipped) == len({line["id"] for line in shipped})
    assert {line["id"] for line in shipped} == {line["id"] for line in lab.gate.trail.lines()}
    per_writer = {}
    for line in shipped:
        per_writer.setdefault(line["writer"], []).append(line["seq"])
    for writer, numbers in per_writer.items():
        assert numbers == list(range(1, len(numbers) + 1)), writer
