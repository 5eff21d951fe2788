"""A token endpoint that is slow, busy, silent, wrong or cut off: callers hear a clear refusal at
once, nobody storms the endpoint, and what can come back comes back by itself."""
import threading
import time

import pytest
from harness import token_front
from harness.burst import burst, summary
from harness.checks import assert_refused
from harness.oauth_lab import Grantee, OauthLab
from harness.processes import until

CALLERS = 50
TIMEOUT = 2.0  # seconds that a token endpoint may take
# Requests a burst may cause that meets a failing endpoint: the first, and one more if the gate
# meanwhile thinks it time to try again.
TRIES = 2


@pytest.fixture(scope="module")
def lab(make_gate, authorization_server):
    made = OauthLab(make_gate, authorization_server,
                    settings={"oauth": {"refresh_timeout": f"{TIMEOUT:.0f}s"}})
    yield made
    made.close()


@pytest.fixture
def grantee(lab, server):
    made = Grantee(lab)
    made.expire()
    return made


def assert_refresh_failed(lab, answer):
    problem = assert_refused(lab.gate, answer, 503, "refresh_failed")
    assert int(answer.value("Retry-After")) >= 1
    return problem


def comes_back(grantee):
    until(lambda: grantee.call("back").status == 200, "the connection to come back", 60)
    assert grantee.record()["status"] == "active"


def test_a_slow_endpoint_holds_the_callers_and_serves_them_all(lab, server, grantee):
    server.front.next.append(token_front.slow(TIMEOUT / 2))
    assert summary(burst(lab.gates, grantee.target("slow"), grantee.token, CALLERS)) \
        == {(200, ""): CALLERS}
    assert server.front.count() == 1


UNHEARD = {
    "500": token_front.failing(500),
    "502 page": token_front.failing(502, b"<html>Bad gateway</html>", "text/html"),
    "page": token_front.page,
    "garbage": token_front.garbage,
    "huge": token_front.huge,
    "redirect": token_front.failing(302, headers=[("Location", "https://localhost/elsewhere")]),
    "server_error": token_front.failing(
        400, b'{"error": "temporarily_unavailable", "error_description": "later"}'),
}


@pytest.mark.parametrize("fault", UNHEARD.values(), ids=UNHEARD)
def test_an_endpoint_that_fails_is_not_stormed_and_comes_back(lab, server, grantee, fault):
    server.front.always = fault
    answers = burst(lab.gates, grantee.target("failing"), grantee.token, CALLERS)
    assert summary(answers) == {(503, "refresh_failed"): CALLERS}
    assert_refresh_failed(lab, grantee.call("failing"))
    assert 1 <= server.front.count() <= TRIES
    assert grantee.record()["status"] == "active"
    assert grantee.arrivals() == []
    server.front.always = token_front.through
    comes_back(grantee)


def test_a_busy_endpoint_is_left_alone_for_as_long_as_it_asks(lab, server, grantee):
    server.front.next.append(token_front.busy(3))
    answer = grantee.call()
    assert_refresh_failed(lab, answer)
    assert int(answer.value("Retry-After")) in (3, 4)
    comes_back(grantee)
    first, second = (when for when, _ in server.front.times)
    assert second - first >= 3


def test_a_client_that_the_server_does_not_know_is_no_reason_to_bother_the_person(
        lab, server, grantee):
    server.front.always = token_front.failing(401, b'{"error": "invalid_client"}')
    assert_refresh_failed(lab, grantee.call())
    assert grantee.record()["status"] == "active"
    server.front.always = token_front.through
    comes_back(grantee)


def test_a_silent_endpoint_costs_the_callers_the_time_limit_and_no_more(lab, server, grantee):
    hanging = token_front.Hanging()
    server.front.always = hanging
    began = time.monotonic()
    answers = burst(lab.gates, grantee.target("silent"), grantee.token, CALLERS)
    assert time.monotonic() - began < 5 * TIMEOUT
    assert summary(answers) == {(503, "refresh_failed"): CALLERS}
    assert 1 <= server.front.count() <= TRIES
    server.front.always = token_front.through
    hanging.let_go.set()
    comes_back(grantee)


def test_nobody_at_the_endpoint_is_a_failure_like_any_other(make_gate, lab, server):
    alone = OauthLab(make_gate, server, oauth2={"token_url": "https://127.0.0.1:1/token"})
    grantee = Grantee(alone)
    grantee.expire()
    assert_refresh_failed(alone, grantee.call())
    assert grantee.record()["status"] == "active"


# The server answered and has rotated the refresh token, but what it said cannot be used: the grant
# is lost, and all that is left is to say so.
HEARD_IN_VAIN = {"lost": token_front.lost, "truncated": token_front.truncated,
                 "no bearer": token_front.lying}


@pytest.mark.parametrize("fault", HEARD_IN_VAIN.values(), ids=HEARD_IN_VAIN)
def test_an_answer_lost_on_its_way_ends_in_a_clear_state(lab, server, grantee, fault):
    server.front.next.append(fault)
    first = grantee.call()
    assert first.status in (403, 503), first.raw
    until(lambda: grantee.call().json().get("code") == "reauth_required", "a clear state", 60)
    assert grantee.record()["status"] == "reauth_required"
    asked = server.front.count()
    assert asked == 2
    assert summary(burst(lab.gates, grantee.target("x"), grantee.token, CALLERS)) \
        == {(403, "reauth_required"): CALLERS}
    assert server.front.count() == asked
    assert grantee.arrivals() == []
    lab.gate.trail.lines("connection.reauth_required", connection_id=grantee.connection)


def test_one_connections_trouble_is_not_anothers(lab, server, grantee):
    other = Grantee(lab, account="bob")
    hanging = token_front.Hanging()
    server.front.next.append(hanging)
    with_trouble = []
    waiting = threading.Thread(target=lambda: with_trouble.append(grantee.call()))
    waiting.start()
    server.front.wait_for(1)
    other.expire()
    assert other.call().status == 200
    hanging.let_go.set()
    waiting.join()
    assert with_trouble[0].json()["code"] == "refresh_failed"
