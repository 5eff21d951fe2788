"""Tokens that expire, against a real authorisation server that burns a grant whose refresh token is
used twice: one refresh for all who wait, served again, and nothing expired at the provider."""
import hashlib

import pytest
from harness.burst import burst, summary
from harness.checks import assert_given_up, assert_refused
from harness.oauth_lab import Grantee, OauthLab
from harness.processes import until

CALLERS = 50


@pytest.fixture(scope="module")
def lab(make_gate, authorization_server):
    made = OauthLab(make_gate, authorization_server)
    yield made
    made.close()


def await_refresh(lab, grantee):
    until(lambda: lab.gate.trail.lines("connection.refreshed", connection_id=grantee.connection),
          "the refresh that the next call needs")


def test_a_token_that_is_good_is_used_as_it_is(lab, server):
    grantee = Grantee(lab)
    assert grantee.call().status == 200
    assert server.front.count() == 0
    assert [call["token"] for call in grantee.arrivals()] == [grantee.tokens["access_token"]]


def test_an_expired_token_is_refreshed_once_for_all_who_call(lab, server):
    grantee = Grantee(lab)
    grantee.expire()
    assert summary(burst(lab.gates, grantee.target("all"), grantee.token, CALLERS)) \
        == {(200, ""): CALLERS}
    assert server.front.count() == 1
    assert {(call["token"], call["alive"]) for call in grantee.arrivals()} \
        == {(grantee.newest()["access_token"], True)}
    line, = lab.gate.trail.lines("connection.refreshed", connection_id=grantee.connection)
    assert line["provider"] == "things" and line["workspace"] == "acme"


def test_a_token_the_provider_no_longer_takes_is_refreshed_and_the_call_made_again(lab, server):
    grantee = Grantee(lab)
    server.bench("expire", token=grantee.tokens["access_token"])
    assert grantee.call("again").status == 200
    assert server.front.count() == 1
    assert [call["alive"] for call in grantee.arrivals()] == [False, True]


@pytest.mark.parametrize("pieces", [[b"a thing"], [b"a ", b"thing"], [b"x" * 30_000, b"y" * 30_000]],
                         ids=["whole", "in pieces", "large"])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_small_body_is_sent_again_where_the_method_may_be_repeated(lab, server, pieces, chunked):
    grantee = Grantee(lab)
    server.bench("expire", token=grantee.tokens["access_token"])
    body = b"".join(pieces)
    sent = iter(pieces) if chunked else body
    assert grantee.call("again", "PUT", sent).status == 200
    assert [(call["alive"], call["bytes"], call["sha256"]) for call in grantee.arrivals()] \
        == [(alive, len(body), hashlib.sha256(body).hexdigest()) for alive in (False, True)]
    assert server.front.count() == 1


def test_a_large_body_is_not_sent_again(lab, server):
    grantee = Grantee(lab)
    server.bench("expire", token=grantee.tokens["access_token"])
    assert grantee.call("once", "PUT", b"x" * (64 * 1024 + 1)).status == 401
    assert [call["bytes"] for call in grantee.arrivals()] == [64 * 1024 + 1]
    await_refresh(lab, grantee)
    assert server.front.count() == 1


def test_a_body_of_a_call_that_may_do_something_twice_is_sent_once(lab, server):
    grantee = Grantee(lab)
    server.bench("expire", token=grantee.tokens["access_token"])
    assert grantee.call("once", "POST", b"a thing").status == 401
    assert [call["bytes"] for call in grantee.arrivals()] == [7]
    await_refresh(lab, grantee)
    assert server.front.count() == 1
    assert grantee.call("once", "POST", b"a thing").status == 200
    assert [call["alive"] for call in grantee.arrivals()] == [False, True]


def test_a_storm_of_401_is_one_refresh(lab, server):
    grantee = Grantee(lab)
    server.bench("expire", token=grantee.tokens["access_token"])
    assert summary(burst(lab.gates, grantee.target("storm"), grantee.token, CALLERS)) \
        == {(200, ""): CALLERS}
    assert server.front.count() == 1
    assert server.is_alive(grantee.newest()["access_token"])


def test_a_grant_that_the_provider_has_ended_asks_for_the_person_again(lab, server):
    grantee = Grantee(lab)
    assert grantee.call().status == 200
    server.bench("withdraw", token=grantee.tokens["access_token"])
    problem = assert_given_up(lab.gate, grantee.call(), 403, "reauth_required")
    assert problem["authorize_url"].startswith("https://connect.example/page")
    assert grantee.connection in problem["authorize_url"]
    assert grantee.record()["status"] == "reauth_required"
    answers = burst(lab.gates, grantee.target("x"), grantee.token, CALLERS)
    assert summary(answers) == {(403, "reauth_required"): CALLERS}
    assert server.front.count() == 1
    line, = lab.gate.trail.lines("connection.reauth_required", connection_id=grantee.connection)
    assert line["workspace"] == "acme"


def test_a_grantee_who_comes_back_is_served_again(lab, server):
    grantee = Grantee(lab)
    server.bench("withdraw", token=grantee.tokens["access_token"])
    assert grantee.call().status == 403
    fresh = Grantee(lab)
    lab.gate.cli("connection", "update", grantee.connection, "--secret-file", "-",
                 stdin=fresh.secret())
    assert grantee.record()["status"] == "active"
    assert grantee.call().status == 200


def test_what_expired_and_cannot_be_refreshed_is_never_sent(lab, server):
    grantee = Grantee(lab)
    grantee.expire(refresh_token=None)
    assert_refused(lab.gate, grantee.call(), 403, "reauth_required")
    assert grantee.arrivals() == [] and server.front.count() == 0
    assert grantee.record()["status"] == "reauth_required"


def test_a_token_near_its_end_is_refreshed_while_it_still_serves(lab, server):
    grantee = Grantee(lab, expires_in=4)  # By the server's clock it has an hour.
    until(lambda: grantee.call("ahead").status == 200 and server.front.count() == 1, "a refresh")
    until(lambda: grantee.call("ahead").status == 200
          and grantee.arrivals()[-1]["token"] == grantee.newest()["access_token"],
          "the fresh token to be used")
    assert all(call["alive"] for call in grantee.arrivals())
    assert server.front.count() == 1


def test_a_refresh_keeps_what_the_record_says(lab, server):
    grantee = Grantee(lab)
    before = grantee.record()
    grantee.expire()
    assert grantee.call().status == 200
    after = grantee.record()
    assert after["status"] == "active" and after["expires_at"] > before["expires_at"]
    for name in ("id", "name", "user", "scopes_granted", "created_at", "variables", "settings"):
        assert after[name] == before[name], name


def test_a_revoked_connection_is_not_refreshed(lab, server):
    grantee = Grantee(lab)
    grantee.expire()
    lab.gate.cli("connection", "revoke", grantee.connection)
    assert_refused(lab.gate, grantee.call(), 403, "connection_revoked")
    assert server.front.count() == 0
