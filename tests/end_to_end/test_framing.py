"""Requests that can be read two ways, written byte by byte: no provider may see any of them."""
import pytest
from harness import catalogue, routes
from harness.checks import assert_refused
from harness.provider import Provider
from harness.wire import Ended

PAYLOAD = b"GET /bench/lab/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def say(lab):
    """Sends a request with these lines after the start. As Gate.send_raw."""
    def say(lines, body=b"", start="POST /bench/lab/ambiguous HTTP/1.1", host=True):
        return lab.gate.send_raw(lab.head(start, *lines, host=host) + body)
    return say


@pytest.fixture
def untouched(lab):
    before = len(lab.provider.requests)
    yield
    seen = [request.start for request in lab.provider.requests[before:]]
    assert seen == [], seen


def assert_closed_400(lab, answer, closed):
    assert_refused(lab.gate, answer, 400, "bad_request", recorded=False)
    assert closed(), "the connection stayed open"


@pytest.mark.parametrize("lines", [
    ["Content-Length: 3", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: chunked", "Content-Length: 3"],
    *([f"Transfer-Encoding: {coding}"] for coding in (
        "gzip", "identity", "xchunked", "cow", "chunked, gzip", "gzip, chunked", "chunked, chunked",
        "chunked;q=1", '"chunked"', "chunked, identity", ", chunked", "\x0bchunked", "chunked\xa0",
        "")),
    ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
    *([f"Content-Length: {length}"] for length in (
        "+5", "-5", "0x5", "5,6", "", "9" * 30, "5 5", "5;", "५", "18446744073709551621")),
    ["Content-Length: 5", "Content-Length: 6"],
], ids=repr)
def test_framing_that_can_be_read_two_ways_is_refused(lab, say, untouched, lines):
    if "५" in lines[0]:
        lines = [lines[0].encode().decode("latin-1")]
    assert_closed_400(lab, *say(lines, b"5\r\nabcde\r\n0\r\n\r\n" + PAYLOAD))


def test_transfer_encoding_in_http_1_0_is_refused(lab, say, untouched):
    assert_closed_400(lab, *say(["Transfer-Encoding: chunked"], b"3\r\nabc\r\n0\r\n\r\n" + PAYLOAD,
                                start="POST /bench/lab/ambiguous HTTP/1.0"))


def test_a_repeated_equal_length_goes_out_once_or_not_at_all(lab, say):
    answer, _ = say(["Content-Length: 3", "Content-Length: 3"], b"abc",
                    start="POST /bench/lab/repeated HTTP/1.1")
    assert answer.status in (200, 400)
    for request in lab.provider.seen("/lab/repeated"):
        assert request.values("Content-Length") == ["3"] and request.body == b"abc"


@pytest.mark.parametrize("body", [
    b"10000000000000003\r\nabc\r\n0\r\n\r\n", b"-3\r\nabc\r\n0\r\n\r\n",
    b"+3\r\nabc\r\n0\r\n\r\n", b"0x3\r\nabc\r\n0\r\n\r\n", b"1_0\r\nabc\r\n0\r\n\r\n",
    b"3\nabc\r\n0\r\n\r\n", b"3\r\nabcX\r\n0\r\n\r\n", b"3\r\nabc0\r\n\r\n",
    b"\r\nabc\r\n0\r\n\r\n",
    b"3 3\r\nabc\r\n0\r\n\r\n", b"g\r\nabc\r\n0\r\n\r\n",
], ids=repr)
def test_a_broken_chunk_never_completes_at_the_provider(lab, say, body):
    before = len(lab.provider.requests)
    answer, closed = say(["Transfer-Encoding: chunked"], body + PAYLOAD,
                         start="POST /bench/lab/chunks HTTP/1.1")
    assert_closed_400(lab, answer, closed)
    for request in lab.provider.requests[before:]:
        assert request.path == "/lab/chunks" and not request.complete, request


def test_chunk_extensions_are_bounded(lab, say):
    body = b"3;" + b"x" * 8192 + b"\r\nabc\r\n0\r\n\r\n"
    answer, closed = say(["Transfer-Encoding: chunked"], body,
                         start="POST /bench/lab/extended HTTP/1.1")
    assert answer.status in (400, 413) and closed()
    assert not any(request.complete for request in lab.provider.seen("/lab/extended"))


def test_small_chunk_extensions_are_ignored(lab, say):
    answer, _ = say(["Transfer-Encoding: chunked"],
                    b"3;a=b\r\nabc\r\n0;last\r\n\r\n",
                    start="POST /bench/lab/small-extension HTTP/1.1")
    assert answer.status == 200
    assert lab.provider.only("/lab/small-extension").body == b"abc"


def test_trailers_are_dropped_and_decide_nothing(lab, say):
    trailers = (b"Host: evil\r\nAuthorization: Bearer evil\r\nContent-Length: 1\r\n"
                b"Transfer-Encoding: gzip\r\nConnection-Id: conn_other\r\nX-Late: late\r\n\r\n")
    answer, _ = say(["Transfer-Encoding: chunked", "Trailer: X-Late"],
                    b"3\r\nabc\r\n0\r\n" + trailers, start="POST /bench/lab/trailers HTTP/1.1")
    assert answer.status == 200
    request = lab.provider.only("/lab/trailers")
    assert request.body == b"abc" and request.trailers == []
    assert request.values("X-Late") == [] and request.authorized


@pytest.mark.parametrize("hosts", [[], ["Host: a", "Host: b"], ["Host: gate", "Host: gate"],
                                   ["Host: a/b"], ["Host: a b"], ["Host: a@b"], ["Host: a,b"],
                                   ["Host: a:b:c"], ["Host: gate:99999999"]], ids=repr)
def test_exactly_one_valid_host_is_needed(lab, say, untouched, hosts):
    assert_closed_400(lab, *say(hosts, start="GET /bench/lab/hosts HTTP/1.1", host=False))


@pytest.mark.parametrize("line", [
    "X-A : b", ": b", "X-A: b\x00c", "X-A: b\rc", "X-A: b\nX-C: d", "X-A: b\x01c", "no colon here",
    "X A: b", "X-\x80: b", "X-A: b\r\n folded", "X(A: b"], ids=repr)
def test_malformed_fields_are_refused(lab, say, untouched, line):
    assert_closed_400(lab, *say([line], start="GET /bench/lab/fields HTTP/1.1"))


def test_a_line_that_starts_with_a_space_is_refused(lab, untouched):
    for first in (b" Host: gate\r\n", b"\tX: y\r\n"):
        answer, closed = lab.gate.send_raw(
            b"GET /bench/lab/space HTTP/1.1\r\n" + first + b"Host: gate\r\n\r\n")
        assert_closed_400(lab, answer, closed)


@pytest.mark.parametrize("start", [
    "GET  /bench/lab/start HTTP/1.1", "GET /bench/lab/start HTTP/1.1 ", "GET /bench/lab/start",
    "GET /bench/lab/start HTTP/2.0", "GET\t/bench/lab/start HTTP/1.1", "/bench/lab/start HTTP/1.1",
    "GET bench/lab/start HTTP/1.1", "GET /bench/lab/st#art HTTP/1.1",
    "GET /bench/lab/st\xffart HTTP/1.1", "GET /bench/lab/st\\art HTTP/1.1",
    "G(T /bench/lab/start HTTP/1.1", "GET /bench/lab/st art HTTP/1.1", "GET * HTTP/1.1",
    "GET @evil.test/ HTTP/1.1", "GET file:///etc/passwd HTTP/1.1"], ids=repr)
def test_a_malformed_start_line_reaches_nobody(lab, say, untouched, start):
    answer, _ = say([], start=start)
    assert answer.status in (400, 404, 405, 501, 505), answer.start
    assert answer.json()["code"] in ("bad_request", "unknown_provider", "method_not_allowed")


@pytest.mark.parametrize("path", [
    "/lab/../lab/x", "/lab/%2e%2e/x", "/lab/.%2E/x", "/lab/./x", "/lab/..;a=b/x", "/lab/a%2fb",
    "/lab//x", "/lab/%00", "/lab/a%0ab", "/lab/a%5cb", "/lab/a%252eb", "/lab/a%252Fb",
    "/lab/a%255cb", "/lab/%zz", "/lab/%2", "/lab/%", "/lab/%7f", "/lab/a/..", "/lab/a/%2e"],
    ids=repr)
def test_a_path_that_can_be_read_two_ways_is_refused(lab, say, untouched, path):
    answer, _ = say([], start=f"GET /bench{path} HTTP/1.1")
    problem = assert_refused(lab.gate, answer, 400, "bad_request", recorded=False)
    assert path not in problem["detail"]


@pytest.mark.parametrize("path", [
    "/lab/a%20b/%C3%BC;v=1?q=a%2Fb&r=..%2f&&=", "/lab/x/?", "/lab/~a+b!", "/lab/a:b@c",
    "/lab/%41?%zz"], ids=repr)
def test_any_other_path_goes_out_byte_for_byte(lab, say, path):
    answer, _ = say([], start=f"GET /bench{path} HTTP/1.1")
    assert answer.status == 200, answer.raw
    assert lab.provider.seen()[-1].target == path


def test_underscores_do_not_smuggle_fields_past_the_gate(lab, say):
    for name in ("Transfer_Encoding", "Authorization_", "Content_Length", "Connection_Id"):
        answer, _ = say([f"{name}: chunked"], start="GET /bench/lab/underscore HTTP/1.1")
        assert answer.status in (200, 400)
    for request in lab.provider.seen("/lab/underscore"):
        assert not [name for name, _ in request.headers if "_" in name]


def test_connection_options_cannot_remove_what_the_gate_adds(lab, say):
    answer, _ = say(["Connection: authorization, host, via, x-request-id, content-length, x-mine",
                     "X-Mine: hop", "X-Other: end", "Keep-Alive: timeout=9", "TE: trailers",
                     "Proxy-Connection: keep-alive", "Sallyport-Anything: x", "Content-Length: 3"],
                    b"abc", start="POST /bench/lab/options HTTP/1.1")
    assert answer.status == 200
    request = lab.provider.only("/lab/options")
    assert request.authorized and request.body == b"abc"
    assert request.values("Host") == [f"localhost:{lab.provider.port}"]
    assert request.values("X-Mine") == [] and request.values("X-Other") == ["end"]
    for name in ("Keep-Alive", "TE", "Proxy-Connection", "Sallyport-Anything"):
        assert request.values(name) == [], name
    assert request.value("Connection") in (None, "keep-alive")


def test_an_upgrade_is_not_passed_on(lab, say):
    answer, _ = say(["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMA"],
                    start="GET /bench/lab/upgrade HTTP/1.1")
    assert answer.status == 200
    request = lab.provider.only("/lab/upgrade")
    assert request.values("Upgrade") == [] and request.values("HTTP2-Settings") == []


def test_the_callers_own_credentials_are_dropped(make_lab, certificate):
    provider = routes.laboratory(Provider(certificate))
    lab = make_lab(provider, credentials=[catalogue.BEARER, {
        "kind": "api_key", "inject": [{"in": "header", "name": "X-Api-Key", "value": "{secret}"}]}],
        strip=["query:access_token", "header:X-Legacy-Key"])
    answer = lab.gate.call(
        "GET", "/bench/lab/own?access_token=mine&a=b&access_token=&Access_token=kept",
        headers=[("Authorization", "Bearer mine"), ("X-Api-Key", "mine"), ("x-legacy-key", "mine"),
                 ("Cookie", "session=mine"), ("Proxy-Authorization", f"Bearer {lab.token}")])
    assert answer.status == 200, answer.raw
    request = lab.provider.only("/lab/own")
    assert request.authorized and len(request.values("Authorization")) == 1
    for name in ("X-Api-Key", "X-Legacy-Key", "Cookie", "Proxy-Authorization"):
        assert request.values(name) == [], name
    assert "access_token=mine" not in request.target and "a=b" in request.target
    provider.stop()


def test_pipelined_calls_are_answered_in_order(lab):
    names = [f"pipelined-{number}" for number in range(8)]
    lab.provider.on("POST", "/lab/pipelined-.*", lambda exchange: exchange.answer(
        200, exchange.request.body))
    data = b"".join(lab.head(f"POST /bench/lab/{name} HTTP/1.1", f"Content-Length: {len(name)}")
                    + name.encode() for name in names)
    with lab.gate.caller() as caller:
        caller.send(data)
        answers = [caller.response() for _ in names]
    assert [answer.body.decode() for answer in answers] == names
    assert len({answer.call_id for answer in answers}) == len(names)


def test_nothing_is_read_after_a_caller_says_close(lab):
    with lab.gate.caller() as caller:
        caller.send(lab.head("GET /bench/lab/last HTTP/1.1", "Connection: close")
                    + lab.head("GET /bench/lab/after HTTP/1.1"))
        assert caller.response().status == 200
        assert caller.ended()
    assert lab.provider.seen("/lab/after") == []


def test_a_leading_empty_line_is_forgiven(lab):
    answer, _ = lab.gate.send_raw(b"\r\n" + lab.head("GET /bench/lab/leading HTTP/1.1"))
    assert answer.status == 200 and lab.provider.only("/lab/leading").authorized


def test_http_1_0_callers_are_answered_and_let_go(lab):
    lab.provider.on("GET", "/lab/old", lambda exchange: exchange.chunks([b"ab", b"c"]))
    with lab.gate.caller() as caller:
        caller.send(lab.head("GET /bench/lab/old HTTP/1.0"))
        answer = caller.response()
        assert (answer.status, answer.body) == (200, b"abc")
        assert not answer.values("Transfer-Encoding")
        assert caller.ended()


def test_garbage_is_answered_or_hung_up_on(lab, untouched):
    for garbage in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64,
                    b"\0" * 1000 + b"\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                    b"\xff" * 300 + b"\r\n\r\n"):
        with lab.gate.caller() as caller:
            caller.send(garbage)
            try:
                assert caller.response().status in (400, 405, 501, 505)
            except Ended:
                continue
            assert caller.ended()


def test_the_gate_is_well_and_has_leaked_nothing(lab):
    assert lab.call("GET", "/after-all-this").status == 200
    lab.gate.assert_no_leaks()
    lab.gate.verify()
