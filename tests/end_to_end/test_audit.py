"""The trail as its auditors have it: searched and followed over HTTP, and in a Redis stream."""
import json
import socket
import urllib.parse

from harness import shipping
from harness.load import Load


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


def test_a_redis_that_was_away_under_load_has_every_line_once_and_in_order(
        make_lab, lab_provider, stack):
    """test_audit_full.py takes it away for a minute."""
    lab, stream = shipping.begin(make_lab, lab_provider, stack)
    with shipping.outage(lab, stream, seconds=1):
        lab.gate.kill()
        lab.gate.start()
    shipping.assert_shipped(lab.gate, stream)
