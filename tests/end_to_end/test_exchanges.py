"""Calls whose halves do not meet as planned: early answers, unread bodies, callers who leave."""
import os
import threading

import pytest
from harness.processes import until
from harness.wire import Ended, Response, chunk, read_head

PATIENCE = "/lab/patience"


def answers_until_closed(caller):
    found = []
    while True:
        try:
            found.append(caller.response())
        except (Ended, TimeoutError):
            return found


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_the_body_of_a_refused_call_is_never_the_next_call(lab, framing):
    hidden = lab.head("GET /bench/lab/hidden HTTP/1.1")
    legit = lab.head("GET /bench/lab/legit HTTP/1.1", "Connection: close")
    if framing == "length":
        refused = lab.head("POST /bench/denied HTTP/1.1", f"Content-Length: {len(hidden)}") + hidden
    else:
        refused = lab.head("POST /bench/denied HTTP/1.1", "Transfer-Encoding: chunked") + \
            chunk(hidden) + b"0\r\n\r\n"
    with lab.gate.caller() as caller:
        caller.send(refused + legit)
        answers = answers_until_closed(caller)
    assert answers[0].status == 403
    assert [answer.status for answer in answers[1:]] in ([], [200])
    assert lab.provider.seen("/lab/hidden") == []


def test_a_refused_callers_large_body_does_not_drown_the_answer(lab):
    """The answer may come while the body is still on its way; it must not be lost to a reset."""
    body = os.urandom(4 << 20)
    with lab.gate.caller() as caller:
        sender = threading.Thread(target=caller.send, args=(
            lab.head("PUT /bench/denied HTTP/1.1", f"Content-Length: {len(body)}") + body,))
        sender.start()
        answer = caller.response()
        sender.join()
    assert (answer.status, answer.json()["code"]) == (403, "operation_denied")


def test_a_caller_who_asks_first_is_told_to_go_on(lab):
    with lab.gate.caller() as caller:
        caller.send(lab.head("PUT /bench/lab/upload HTTP/1.1", "Content-Length: 5",
                             "Expect: 100-continue"))
        assert read_head(caller.reader, Response()).status == 100
        caller.send(b"hello")
        answer = caller.response()
    assert answer.json()["bytes"] == 5


def test_a_caller_who_asks_first_is_told_not_to(lab):
    with lab.gate.caller() as caller:
        caller.send(lab.head("PUT /bench/denied HTTP/1.1", "Content-Length: 5",
                             "Expect: 100-continue"))
        answer = caller.response()
    assert answer.status == 403 and answer.interim == []


def test_an_answer_before_the_body_was_read_is_passed_on(lab):
    """What the provider did not read must not become part of the next call to it."""
    def early(exchange):
        exchange.json({"early": True}, 413)
        exchange.provider.read_body(exchange)

    lab.provider.on("PUT", "/lab/early/no", early)
    body = lab.head("GET /bench/lab/hidden-early HTTP/1.1") * 20_000
    with lab.gate.caller() as caller:
        sender = threading.Thread(target=caller.send, args=(
            lab.head("PUT /bench/lab/early/no HTTP/1.1", f"Content-Length: {len(body)}") + body,))
        sender.start()
        answer = caller.response()
        assert (answer.status, answer.json()) == (413, {"early": True})
        caller.sock.close()
        sender.join()
    for number in range(3):
        assert lab.call("GET", f"/after-early-{number}").json() == {"fine": True}
    assert lab.provider.seen("hidden-early") == []


def test_a_caller_who_leaves_before_the_answer_is_not_waited_for(lab):
    released = threading.Event()
    gone = []

    def patient(exchange):
        try:
            exchange.reader.fill()  # Nothing more is to come but the end.
        except (Ended, OSError):
            gone.append(True)
        released.wait(1)
        raise Ended("the gate has hung up")

    lab.provider.on("GET", PATIENCE, patient)
    with lab.gate.caller() as caller:
        caller.send(lab.head(f"GET /bench{PATIENCE} HTTP/1.1"))
        until(lambda: lab.provider.seen(PATIENCE), "the call to arrive")
    until(lambda: gone, "the gate to hang up on the provider")
    released.set()
    intent = lab.gate.trail.lines("call.intent", path=PATIENCE)[0]
    assert lab.gate.trail.call(intent["call_id"])[1]["code"] == "client_abort"


def test_answers_without_a_date_get_one(lab):
    answer = lab.call("GET", "/dateless")
    assert answer.value("Date").endswith(" GMT")
    lab.provider.on("GET", "/lab/dated", lambda exchange: exchange.json({}, headers=[
        ("Date", "Thu, 01 Jan 2026 00:00:00 GMT")]))
    assert lab.call("GET", "/dated").values("Date") == ["Thu, 01 Jan 2026 00:00:00 GMT"]


def test_what_rests_on_disk_is_its_owners_alone(lab):
    for path in lab.gate.directory.rglob("*"):
        if path.name.startswith(("vault.db", "control.sock")) or path.parent.name == "trail":
            assert path.stat().st_mode & 0o077 == 0, path
