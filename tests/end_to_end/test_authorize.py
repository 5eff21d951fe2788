"""Authorising a connection: a person, a browser, a real authorisation server, and the callback."""
import base64
import hashlib

import pytest
from harness.checks import assert_given_up, assert_refused
from harness.journey import Journey, visit
from harness.oauth_lab import OauthLab


@pytest.fixture(scope="module")
def lab(make_gate, authorization_server):
    made = OauthLab(make_gate, authorization_server)
    yield made
    made.close()


def test_a_person_says_yes_and_calls_work(lab, server):
    journey = Journey(lab)
    assert journey.status() == "pending"
    assert_refused(lab.gate, journey.call(), 403, "connection_inactive")
    page = journey.go()
    assert page.status_code == 200 and "text/html" in page.headers["Content-Type"]
    record = journey.record()
    assert record["status"] == "active" and record["kind"] == "oauth2"
    assert set(record["scopes_granted"]) == {"things:read", "things:write"}
    assert record["connected_at"] and record["expires_at"]
    assert journey.call(method="POST", body=b"x").status == 200
    assert [call["alive"] for call in journey.arrivals()] == [True]
    line, = lab.gate.trail.lines("connection.authorized", connection_id=journey.connection)
    assert "code" not in line


def test_the_request_is_what_the_best_practice_asks_for(lab, server):
    journey = Journey(lab)
    asked = journey.asked
    assert journey.authorize_url.startswith(server.url + "/auth?")
    assert asked["response_type"] == "code" and asked["client_id"] == lab.client["client_id"]
    assert asked["redirect_uri"] == lab.callback
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) >= 22, "128 bits"
    assert asked["scope"].split() == ["things:read", "things:write"]
    journey.go()
    told = next(fields for fields, _ in reversed(server.front.answered)
                if fields.get("grant_type") == "authorization_code")
    verifier = told["code_verifier"]
    assert 43 <= len(verifier) <= 128
    digest = hashlib.sha256(verifier.encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"]
    assert told["redirect_uri"] == lab.callback
    other = Journey(lab)
    assert other.asked["state"] != asked["state"]
    assert other.asked["code_challenge"] != asked["code_challenge"]


def test_a_person_who_grants_less_is_taken_at_their_word(lab):
    journey = Journey(lab)
    journey.go(scopes=["things:read"])
    record = journey.record()
    assert record["status"] == "active"
    assert record["scopes_granted"] == ["things:read"]
    assert set(record["scopes_requested"]) == {"things:read", "things:write"}
    token = journey.token()
    assert journey.call(token).status == 200
    problem = assert_refused(lab.gate, journey.call(token, method="POST", body=b"x"), 403,
                             "scope_missing")
    assert problem["missing_scopes"] == [["things:write"]]
    assert "state=" not in problem["authorize_url"]


def test_scopes_are_added_to_a_connection_that_stays_what_it_was(lab):
    journey = Journey(lab, scopes=["things:read"])
    journey.go()
    token = journey.token()
    assert_refused(lab.gate, journey.call(token, method="POST", body=b"x"), 403, "scope_missing")
    more = Journey(lab, scopes=["things:write"], connection_id=journey.connection)
    assert more.connection == journey.connection
    # What it may do already it goes on doing while the person thinks.
    assert journey.call(token).status == 200
    more.go()
    record = journey.record()
    assert record["status"] == "active"
    assert set(record["scopes_granted"]) == {"things:read", "things:write"}
    assert journey.call(token, method="POST", body=b"x").status == 200


def test_a_grant_that_ended_is_given_again_to_the_same_connection(lab, server):
    journey = Journey(lab)
    journey.go()
    token = journey.token()
    assert journey.call(token).status == 200
    server.bench("withdraw", token=journey.arrivals()[-1]["token"])
    assert_given_up(lab.gate, journey.call(token), 403, "reauth_required")
    again = Journey(lab, connection_id=journey.connection)
    again.go()
    assert journey.call(token).status == 200


def test_a_person_who_refuses_leaves_nothing_behind(lab, server):
    journey = Journey(lab)
    page = journey.go(decision="deny")
    assert page.status_code == 400 and "declined" in page.text
    assert journey.status() == "added"
    line, = lab.gate.trail.lines("connection.authorized", connection_id=journey.connection)
    assert line["code"] == "access_denied"
    assert server.front.count("authorization_code") == 0
    assert_refused(lab.gate, journey.call(), 403, "connection_inactive")


def test_a_refusal_does_not_take_away_what_there_was(lab):
    journey = Journey(lab, scopes=["things:read"])
    journey.go()
    more = Journey(lab, scopes=["things:write"], connection_id=journey.connection)
    more.go(decision="deny")
    assert journey.record()["scopes_granted"] == ["things:read"]
    assert journey.call().status == 200


def test_the_public_listener_serves_the_callback_and_nothing_else(lab):
    for path in ("/", "/healthz", "/readyz", "/metrics", "/api/openapi.json",
                 "/api/connect/connections", "/api/connect/providers", "/api/runs", "/api/keys",
                 "/api/connect/callback/x", "/things/api/x"):
        assert visit(lab, lab.public + path).status_code == 404, path
    status, _ = lab.gate.api("GET", "/api/connect/callback?code=x&state=y")
    assert status in (404, 405), "there DELETE is for a provider of that name"
