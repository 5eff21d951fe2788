"""Every buffer, wait and queue has an end, and whoever runs into it hears which."""
import pytest
from harness.checks import assert_refused
from harness.processes import until
from harness.wire import Caller, Ended

SETTINGS = {"proxy": {"limits": {"header_timeout": "500ms", "idle_timeout": "1500ms",
                                 "header_bytes": "16KiB", "connections": 40}}}


@pytest.fixture(scope="module")
def lab(make_lab, lab_provider):
    return make_lab(lab_provider, settings=SETTINGS)


@pytest.fixture
def untouched(lab):
    before = len(lab.provider.requests)
    yield
    assert len(lab.provider.requests) == before


def test_a_slow_head_is_given_up_on(lab, untouched):
    """The limit is for the whole head: a byte now and then does not buy more time."""
    with lab.gate.caller() as caller:
        caller.send(b"GET /bench/lab/slow HTTP/1.1\r\nHost: gate\r\nX-Drip: ")
        caller.sock.settimeout(0.05)
        for _ in range(400):
            caller.send(b"x")
            try:
                caller.reader.fill()
                break
            except TimeoutError:
                continue
        caller.sock.settimeout(10)
        answer = caller.response()
        assert_refused(lab.gate, answer, 408, "request_timeout", recorded=False)
        assert caller.ended()


def test_a_caller_who_never_speaks_is_let_go(lab, untouched):
    with lab.gate.caller() as caller:
        assert caller.ended()


def test_an_idle_connection_is_let_go(lab):
    with lab.gate.caller() as caller:
        caller.send(lab.head("GET /bench/lab/idle HTTP/1.1"))
        assert caller.response().status == 200
        assert caller.ended()


def test_an_upload_that_stalls_is_given_up_on(lab):
    with lab.gate.caller() as caller:
        caller.send(lab.head("PUT /bench/lab/upload HTTP/1.1", "Content-Length: 100") + b"half")
        try:
            answer = caller.response()
        except Ended:
            answer = None
    assert answer is None or answer.status == 408
    assert not lab.provider.only("/lab/upload").complete
    until(lambda: lab.gate.trail.lines("call.outcome", code="request_timeout"), "the outcome")


@pytest.mark.parametrize("lines", [
    ["X-Big: " + "x" * 20_000], [f"X-{number}: y" for number in range(3000)]],
    ids=["long", "many"])
def test_a_large_head_is_refused(lab, untouched, lines):
    answer, closed = lab.gate.send_raw(lab.head("GET /bench/lab/large HTTP/1.1", *lines))
    assert_refused(lab.gate, answer, 431, "headers_too_large", recorded=False)
    assert closed()


def test_a_head_of_a_hundred_small_lines_is_the_most(lab):
    few = [f"X-{number}: y" for number in range(80)]
    answer, _ = lab.gate.send_raw(lab.head("GET /bench/lab/few HTTP/1.1", *few))
    assert answer.status == 200


def test_a_long_target_is_refused(lab, untouched):
    for target in ("/bench/lab/" + "x" * 9000, "/bench/lab/x?" + "y" * 9000):
        answer, closed = lab.gate.send_raw(lab.head(f"GET {target} HTTP/1.1"))
        assert_refused(lab.gate, answer, 414, "target_too_long", recorded=False)
        assert closed()


def test_callers_beyond_the_limit_do_not_push_out_those_inside(lab):
    inside = Caller(lab.gate.address)
    inside.send(lab.head("GET /bench/lab/inside HTTP/1.1"))
    assert inside.response().status == 200
    crowd = [Caller(lab.gate.address) for _ in range(60)]
    inside.send(lab.head("GET /bench/lab/still-inside HTTP/1.1"))
    assert inside.response().status == 200
    for caller in [inside, *crowd]:
        caller.sock.close()

    def well():
        try:
            return lab.call("GET", "/well").status == 200
        except (Ended, OSError):
            return False

    until(well, "room for a caller")
