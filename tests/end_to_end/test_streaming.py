"""Bodies flow: event by event, in constant memory, no faster than the slower side."""
import json
import os
import queue
import threading

import pytest
from harness import flow
from harness.processes import until
from harness.routes import BLOCK, until_done
from harness.wire import body_pieces, chunk, encode_head

SIZE = 64 << 20
GROWTH = 64 << 20


@pytest.fixture(scope="module")
def lab(make_lab, lab_provider):
    # AddressSanitizer keeps freed memory aside, which is not the gate's doing.
    sanitizer = ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=4")))
    return make_lab(lab_provider, environment={"ASAN_OPTIONS": sanitizer})


def test_events_arrive_one_by_one(lab):
    """The provider sends an event only after the caller has read the one before."""
    events = queue.Queue()
    lab.provider.on("GET", "/lab/events", lambda exchange: exchange.chunks(
        (f"data: {text}\n\n".encode() for text in until_done(events)),
        [("Content-Type", "text/event-stream")]))
    with lab.gate.caller() as caller:
        caller.request("GET", "/bench/lab/events", [("Authorization", f"Bearer {lab.token}")])
        head = caller.head()  # Before there is any event.
        pieces = caller.pieces(head)
        for number in range(20):
            events.put(str(number))
            assert next(pieces) == f"data: {number}\n\n".encode()
        assert len(lab.gate.trail.lines(call_id=head.call_id)) == 1, "the outcome came too early"
        events.put("")
        assert b"".join(pieces) == b"data: \n\n" and head.complete
    assert lab.gate.trail.call(head.call_id)[1]["response_bytes"] > 100


def test_both_ways_at_once(lab):
    """A provider may answer before it has read everything: what it says comes through at once."""
    def echo(exchange):
        exchange.start(200, [("Transfer-Encoding", "chunked")])
        for piece in body_pieces(exchange.reader, exchange.request):
            exchange.raw(chunk(piece.upper()))
        exchange.raw(b"0\r\n\r\n")

    lab.provider.on("POST", "/lab/early/echo", echo)
    with lab.gate.caller() as caller:
        caller.send(lab.head("POST /bench/lab/early/echo HTTP/1.1", "Transfer-Encoding: chunked"))
        head, pieces = None, None
        for number in range(10):
            caller.send(chunk(b"message %d" % number))
            head = head or caller.head()
            pieces = pieces or caller.pieces(head)
            assert next(pieces) == b"MESSAGE %d" % number
        caller.send(b"0\r\n\r\n")
        assert list(pieces) == [] and head.complete


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
def test_large_uploads_pass_in_constant_memory(lab, chunked):
    with flow.Peak(lab.gate.process) as peak:
        answer, digest = flow.upload(lab.gate, "/bench/lab/upload", lab.token, SIZE, chunked)
    assert answer.json() == {"bytes": SIZE, "sha256": digest}
    assert lab.provider.seen("/lab/upload")[-1].complete
    assert peak.growth < GROWTH, f"{peak.growth >> 20} MiB"
    assert lab.gate.trail.call(answer.call_id)[1]["request_bytes"] >= SIZE


@pytest.mark.parametrize("path", ["download", "download-chunked"])
def test_large_downloads_pass_in_constant_memory(lab, path):
    with flow.Peak(lab.gate.process) as peak:
        answer, size, digest = flow.download(lab.gate, f"/bench/lab/{path}?bytes={SIZE}", lab.token)
    assert (answer.status, answer.complete, size) == (200, True, SIZE)
    assert digest == flow.digest_of(SIZE) and answer.trailers == []
    assert peak.growth < GROWTH, f"{peak.growth >> 20} MiB"
    assert lab.gate.trail.call(answer.call_id)[1]["response_bytes"] >= SIZE


def test_slow_readers_hold_the_provider_back(lab):
    """Twenty callers read a little of 64 MiB each and stop: the provider is left standing with
    the rest, and the gate holds none of it."""
    sent = []

    def tap(exchange):
        count = len(sent)
        sent.append(0)
        exchange.start(200, [("Content-Length", str(SIZE))])
        for _ in range(SIZE // len(BLOCK)):
            exchange.raw(BLOCK)
            sent[count] += len(BLOCK)

    lab.provider.on("GET", "/lab/tap", tap)
    callers = [lab.gate.caller() for _ in range(20)]
    with flow.Peak(lab.gate.process) as peak:
        for caller in callers:
            caller.request("GET", "/bench/lab/tap", [("Authorization", f"Bearer {lab.token}")])
            next(caller.pieces(caller.head()))
        settled = [0, 0]

        def still():
            settled.append(sum(sent))
            return len(sent) == 20 and len(set(settled[-25:])) == 1

        until(still, "the provider to stand still")
        for caller in callers:
            caller.sock.close()
    assert max(sent) < SIZE, "somebody swallowed everything"
    assert peak.growth < GROWTH, f"{peak.growth >> 20} MiB"


def test_a_slow_provider_holds_the_uploader_back(lab):
    release = threading.Event()

    def slow(exchange):
        release.wait(60)
        exchange.provider.read_body(exchange)
        exchange.json({"bytes": exchange.request.body_bytes})

    lab.provider.on("PUT", "/lab/early/slow", slow)
    with lab.gate.caller() as caller, flow.Peak(lab.gate.process) as peak:
        caller.send(encode_head("PUT /bench/lab/early/slow HTTP/1.1", [
            ("Host", "gate"), ("Authorization", f"Bearer {lab.token}"),
            ("Content-Length", str(SIZE))]))
        caller.sock.setblocking(False)
        sent, refusals = 0, 0
        while sent < SIZE and refusals < 50:  # Nobody has taken a byte for all that time.
            try:
                sent += caller.sock.send(BLOCK[:min(len(BLOCK), SIZE - sent)])
                refusals = 0
            except BlockingIOError:
                refusals += 1
                release.wait(0.02)
        assert sent < SIZE
        caller.sock.settimeout(60)
        release.set()
        while sent < SIZE:
            sent += caller.sock.send(BLOCK[:min(len(BLOCK), SIZE - sent)])
        assert json.loads(caller.response().body) == {"bytes": SIZE}
    assert peak.growth < GROWTH, f"{peak.growth >> 20} MiB"


def test_many_callers_at_once_each_get_their_own_answer(lab):
    lab.provider.on("POST", "/lab/own/.*", lambda exchange: exchange.answer(
        200, exchange.request.path.encode() + b" " + exchange.request.body))
    faults = []

    def calls(name):
        with lab.gate.caller() as caller:
            for number in range(40):
                path = f"/lab/own/{name}-{number}"
                body = os.urandom(number * 997).hex().encode()
                caller.request("POST", "/bench" + path,
                               [("Authorization", f"Bearer {lab.token}")], body)
                answer = caller.response()
                if answer.status != 200 or answer.body != path.encode() + b" " + body:
                    faults.append((path, answer.start, answer.body[:100]))

    threads = [threading.Thread(target=calls, args=(name,)) for name in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(lab.provider.seen("/lab/own/")) == 16 * 40
    assert all(request.authorized for request in lab.provider.seen("/lab/own/"))
