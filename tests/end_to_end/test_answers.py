"""What providers answer: passed on whole, filtered where it must be, and refused where it lies."""
import socket

import pytest
from harness import catalogue, routes
from harness.checks import assert_forwarded, assert_refused
from harness.processes import until
from harness.provider import Provider
from harness.wire import Ended


@pytest.fixture
def answer_raw(lab):
    """Makes the provider answer one path with these bytes; returns what a call then got."""
    count = iter(range(10 ** 6))

    def answer(data, method="GET", close=True):
        path = f"/lab/raw/{next(count)}-{id(data)}"

        def route(exchange):
            exchange.raw(data)
            if close:
                exchange.close()

        lab.provider.on(method, path, route)
        return lab.call(method, path.removeprefix("/lab"))
    return answer


def assert_whole(lab):
    """The next call gets its own answer."""
    answer = lab.call("GET", "/whole")
    assert (answer.status, answer.body) == (200, b'{"fine": true}')


def test_status_reason_fields_and_body_are_the_providers(lab, answer_raw):
    answer = answer_raw(b"HTTP/1.1 418 Odd Kettle\r\nX-Twice: a\r\nX-Twice: b\r\nx-lower: c\r\n"
                        b"Content-Length: 3\r\n\r\ntea")
    assert (answer.status, answer.body, answer.complete) == (418, b"tea", True)
    assert answer.values("X-Twice") == ["a", "b"] and ("x-lower", "c") in answer.headers
    assert answer.call_id and not answer.values("Proxy-Status")


@pytest.mark.parametrize("status", [200, 201, 301, 400, 401, 403, 404, 429, 500, 502, 503])
def test_every_status_is_passed_on_as_the_providers_own(lab, status):
    answer = lab.call("GET", f"/status/{status}")
    assert (answer.status, answer.json()) == (status, {"status": status})
    assert not answer.values("Proxy-Status")
    assert lab.gate.trail.call(answer.call_id)[1]["status"] == status


def test_what_concerns_the_gate_or_its_state_is_not_sent_back(lab):
    answer = lab.call("GET", "/state")
    assert answer.status == 200 and answer.value("X-Kept") == "kept"
    for name in ("Set-Cookie", "Alt-Svc", "Clear-Site-Data", "Strict-Transport-Security", "X-Named",
                 "Keep-Alive", "Proxy-Status"):
        assert answer.values(name) == [], name
    assert answer.values("Sallyport-Call-Id") == [answer.call_id] != ["forged"]


@pytest.mark.parametrize("method, path, status, length", [
    ("HEAD", "/head", 200, "12345"), ("GET", "/empty", 204, None),
    ("GET", "/unchanged", 304, None)])
def test_answers_without_a_body_have_none(lab, method, path, status, length):
    with lab.gate.caller() as caller:
        for _ in range(2):  # On one connection: a stray byte would spoil the second.
            caller.request(method, "/bench/lab" + path, [("Authorization", f"Bearer {lab.token}")])
            answer = caller.response(method)
            assert (answer.status, answer.body) == (status, b"")
            assert answer.value("Content-Length") in (length, None)
            assert not answer.values("Transfer-Encoding") or method == "HEAD"


def test_interim_answers_are_passed_on(lab):
    answer = lab.call("GET", "/hints")
    assert answer.status == 200
    assert [interim.status for interim in answer.interim] == [103]
    assert answer.interim[0].value("Link") == f"<{lab.gate.url}/bench/style.css>; rel=preload"


def test_interim_answers_are_bounded(lab, answer_raw):
    answer = answer_raw(b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" * 5000
                        + b"HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\n")
    assert_refused_upstream(lab, answer)
    assert len(answer.interim) <= 64


def assert_refused_upstream(lab, answer, code="upstream_protocol_error"):
    """A call that was sent has an outcome, not a refusal; its answer is the gate's own."""
    assert_refused(lab.gate, answer, 502, code, recorded=False)
    _, outcome = lab.gate.trail.call(answer.call_id)
    assert outcome["code"] == code, outcome
    assert_whole(lab)


def test_no_answer_at_all_is_a_502(lab, answer_raw):
    assert_refused_upstream(lab, answer_raw(b""), "upstream_unreachable")


@pytest.mark.parametrize("data", [
    b"HTTP/1.1 200 Fine\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    b"HTTP/1.1 200 Fine\r\nContent-Length: x\r\n\r\nabc",
    b"HTTP/1.1 200 Fine\r\nContent-Length: -1\r\n\r\nabc",
    b"HTTP/1.1 200 Fine\r\nTransfer-Encoding: xyz\r\n\r\nabc",
    b"HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    b"HTTP/1.0 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 Fine\r\nX-A: b\r\n folded\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 000 Zero\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 99 Low\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 1000 High\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    b"HTTP/1.1 200 Fine\r\nX-A: b\x00c\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 Fine\r\nno colon\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/2 200\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"not http at all\r\n\r\n",
    b"HTTP/1.1 200 Fine\r\nX-A: cut"], ids=repr)
def test_an_answer_that_is_no_answer_is_a_502(lab, answer_raw, data):
    assert_refused_upstream(lab, answer_raw(data))


@pytest.mark.parametrize("head", [
    b"X-Big: " + b"x" * (1 << 20) + b"\r\n",
    b"".join(b"X-%d: y\r\n" % number for number in range(100_000))], ids=["large", "many"])
def test_a_head_without_end_is_a_502(lab, answer_raw, head):
    before = lab.gate.process.memory()
    assert_refused_upstream(lab, answer_raw(b"HTTP/1.1 200 Fine\r\n" + head + b"\r\n"))
    assert lab.gate.process.memory() - before < 64 << 20


@pytest.mark.parametrize("data, body", [
    (b"HTTP/1.1 200 Fine\r\nContent-Length: 10\r\n\r\nshort", b"short"),
    (b"HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n", b"short"),
    (b"HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\nzz\r\n", b"short")],
    ids=["length", "chunks", "broken chunk"])
def test_a_body_cut_short_never_looks_whole(lab, answer_raw, data, body):
    try:
        answer = answer_raw(data)
        assert not answer.complete and body.startswith(answer.body)
    except Ended:
        pass  # Not even a head: the fault was seen before anything was passed on.
    path = lab.provider.requests[-1].path
    intent = lab.gate.trail.lines("call.intent", path=path)[-1]
    outcome = lab.gate.trail.call(intent["call_id"])[1]
    assert outcome["code"].startswith("upstream_"), outcome
    assert_whole(lab)


SHORT = b"HTTP/1.1 200 Fine\r\nContent-Length: 3\r\n\r\nabc"


@pytest.mark.parametrize("data, method, expected", [
    (SHORT + SHORT.replace(b"abc", b"bad"), "GET", b"abc"), (SHORT, "HEAD", b""),
    (b"HTTP/1.1 204 None\r\n\r\nbody", "GET", b""), (b"HTTP/1.1 304 Same\r\n\r\nbody", "GET", b""),
    (b"HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nextra", "GET",
     b"abc")], ids=["second", "head", "204", "304", "after chunks"])
def test_bytes_after_the_end_are_nobodys_answer(lab, answer_raw, data, method, expected):
    """The provider keeps the connection open: a gate that reused it would hand on the rest."""
    answer = answer_raw(data, method, close=False)
    assert answer.body == expected
    connection = lab.provider.requests[-1].connection
    for _ in range(3):
        assert_whole(lab)
        assert lab.provider.requests[-1].connection != connection


def test_a_body_that_ends_with_the_connection_is_passed_on(lab, answer_raw):
    answer = answer_raw(b"HTTP/1.1 200 Fine\r\n\r\nuntil the end")
    assert (answer.status, answer.body, answer.complete) == (200, b"until the end", True)


def test_a_body_that_ends_without_a_farewell_is_cut_short(lab):
    """TLS says goodbye; where it does not, somebody in between may have cut the answer."""
    def route(exchange):
        exchange.raw(b"HTTP/1.1 200 Fine\r\n\r\nuntil the")
        exchange.close(farewell=False)

    lab.provider.on("GET", "/lab/no-farewell", route)
    answer = lab.call("GET", "/no-farewell")
    assert not answer.complete
    assert lab.gate.trail.call(answer.call_id)[1]["code"].startswith("upstream_")


def test_redirects_are_handed_over_and_stay_inside(lab):
    answer = lab.call("GET", "/redirect/self")
    assert answer.status == 302
    assert answer.value("Location") == f"{lab.gate.url}/bench/lab/after?x=1"
    assert answer.value("Content-Location") == f"{lab.gate.url}/bench/lab/here"
    assert lab.provider.seen("/lab/after") == []
    answer = lab.call("GET", "/redirect/elsewhere")
    assert answer.value("Location") == "https://elsewhere.example/lab/after"


def test_in_the_forward_way_redirects_are_left_alone(lab):
    answer = lab.gate.call("GET", "http://localhost/lab/redirect/self",
                           headers=[("Proxy-Authorization", f"Bearer {lab.token}")])
    assert answer.value("Location") == f"{lab.provider.url}/lab/after?x=1"


def test_links_to_a_credential_in_the_query_lose_it(make_gate, certificate, authority):
    provider = routes.laboratory(Provider(certificate))
    gate = make_gate([catalogue.laboratory(provider.url, authority, "queried", credentials=[
        {"kind": "api_key", "inject": [{"in": "query", "name": "key", "value": "{secret}"}]}])])
    secret = gate.planted.plant("query key")
    provider.accepts = lambda request: f"key={secret}" in request.target
    provider.on("GET", "/lab/paged", lambda exchange: exchange.json([], headers=[
        ("Link", f'<{provider.url}/lab/paged?key={secret}&page=2>; rel="next"'),
        ("Location", f"/lab/paged?page=3&key={secret}")]))
    token = gate.run_token("r", gate.connect("queried", secret))
    answer = gate.call("GET", f"/queried/lab/paged?page=1&key={token}")
    assert answer.value("Link") == f'<{gate.url}/queried/lab/paged?page=2>; rel="next"'
    assert answer.value("Location") == f"{gate.url}/queried/lab/paged?page=3"
    assert_forwarded(gate, answer, provider.only("/lab/paged"), path="/lab/paged")
    provider.stop()


def test_a_caller_who_leaves_is_not_waited_for(lab):
    """The provider's connection is closed, and the trail says who gave up."""
    arrived = []

    def endless(exchange):
        arrived.append(exchange)
        exchange.start(200, [("Transfer-Encoding", "chunked")])
        try:
            while True:
                exchange.raw(b"4\r\nmore\r\n")
        except OSError:
            arrived.append("hung up")
            raise

    lab.provider.on("GET", "/lab/endless", endless)
    with lab.gate.caller() as caller:
        caller.request("GET", "/bench/lab/endless", [("Authorization", f"Bearer {lab.token}")])
        head = caller.head()
        next(iter(caller.pieces(head)))
    until(lambda: "hung up" in arrived, "the gate to hang up on the provider")
    outcome = lab.gate.trail.call(head.call_id)[1]
    assert outcome["code"] == "client_abort", outcome


def test_a_caller_who_stops_uploading_completes_nothing(lab):
    with lab.gate.caller() as caller:
        caller.send(lab.head("PUT /bench/lab/upload HTTP/1.1", "Content-Length: 1000") + b"half")
        until(lambda: lab.provider.seen("/lab/upload"), "the head to arrive")
    request = lab.provider.only("/lab/upload")
    until(lambda: lab.gate.trail.lines("call.outcome", code="client_abort"), "the outcome")
    assert not request.complete
    assert_whole(lab)


def test_a_caller_who_says_nothing_is_let_go(lab):
    for said in (b"", b"\r\n"):
        with lab.gate.caller() as caller:
            caller.send(said)
            caller.sock.shutdown(socket.SHUT_WR)
            with pytest.raises(Ended):
                caller.response()
    assert_whole(lab)
    lab.gate.assert_no_leaks()
