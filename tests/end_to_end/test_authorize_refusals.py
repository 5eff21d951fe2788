"""What comes to the callback that was not meant to: replayed, exchanged, forged, too late, for
somebody else. Nothing of it makes a connection usable, and none of it costs the server a token."""
import datetime

import pytest
from harness.browser import parameters
from harness.journey import Journey, changed, visit
from harness.oauth_lab import OauthLab
from harness.processes import until

RETURN = "https://app.example/connected"


HASTE = 10  # seconds that an authorisation may take at the least


@pytest.fixture(scope="module")
def lab(make_gate, authorization_server):
    made = OauthLab(make_gate, authorization_server,
                    settings={"control": {"return_urls": [RETURN]}})
    yield made
    made.close()


@pytest.fixture(scope="module", autouse=True)
def overdue(make_gate, authorization_server):
    """An authorisation that will be too old by the time the last test asks."""
    made = OauthLab(make_gate, authorization_server,
                    settings={"control": {"authorization_ttl": f"{HASTE}s"}})
    journey = Journey(made)
    journey.door = journey.go_to_the_door()
    yield journey
    made.close()


def exchanged(server):
    return server.front.count("authorization_code")


def assert_turned_away(answer):
    assert 400 <= answer.status_code < 500, answer.text
    assert "Location" not in answer.headers


def test_a_state_is_good_once(lab, server):
    journey = Journey(lab)
    door = journey.go_to_the_door()
    assert visit(lab, door).status_code == 200
    assert journey.status() == "active" and exchanged(server) == 1
    assert_turned_away(visit(lab, door))
    assert exchanged(server) == 1 and journey.status() == "active"
    assert journey.call().status == 200, "a second use must not burn what the first one brought"


def test_a_code_with_a_fresh_state_is_refused_by_the_server(lab, server):
    first = Journey(lab)
    door = first.go_to_the_door()
    assert visit(lab, door).status_code == 200
    second = Journey(lab, user="bob")
    stolen = changed(door, state=second.asked["state"])
    assert_turned_away(visit(lab, stolen))
    assert second.status() != "active"


def test_a_code_of_one_journey_is_no_good_in_another(lab, server):
    """Ann's code brought to Bob's callback: the verifier is another's."""
    ann, bob = Journey(lab), Journey(lab, user="bob")
    door = ann.go_to_the_door(account="ann")
    assert_turned_away(visit(lab, changed(door, state=bob.asked["state"])))
    assert bob.status() != "active"
    assert ann.status() != "active", "the server has burned the code"


@pytest.mark.parametrize("changes", [
    {"state": "x" * 43}, {"state": None}, {"state": ""}, {"code": None}, {"code": ""},
    {"state": "../../etc/passwd"}],
    ids=lambda changes: "-".join(f"{name}" for name in changes))
def test_a_callback_that_is_not_one_is_turned_away(lab, server, changes):
    journey = Journey(lab)
    assert_turned_away(visit(lab, changed(journey.go_to_the_door(), **changes)))
    assert exchanged(server) == 0 and journey.status() != "active"


@pytest.mark.parametrize("twice", ["state", "code"])
def test_a_parameter_given_twice_is_turned_away(lab, server, twice):
    journey = Journey(lab)
    door = journey.go_to_the_door()
    assert_turned_away(visit(lab, f"{door}&{twice}=another"))
    assert exchanged(server) == 0 and journey.status() != "active"


def test_an_issuer_that_is_another_is_turned_away(lab, server):
    journey = Journey(lab)
    door = journey.go_to_the_door()
    assert_turned_away(visit(lab, changed(door, iss="https://evil.example")))
    assert exchanged(server) == 0 and journey.status() != "active"


def test_a_code_that_nobody_says_it_is_from_is_turned_away(lab, server):
    """The server is known to name itself (RFC 9207, 2.4)."""
    journey = Journey(lab)
    door = journey.go_to_the_door()
    assert parameters(door)["iss"] == server.url
    assert_turned_away(visit(lab, changed(door, iss=None)))
    assert exchanged(server) == 0 and journey.status() == "added"
    line, = lab.gate.trail.lines("connection.authorized", connection_id=journey.connection)
    assert line["code"] == "wrong_issuer"


def test_the_proof_cannot_be_taken_out_of_the_way_there(lab, server):
    """Whoever strips the challenge from the address finds a server that wants it."""
    journey = Journey(lab)
    stripped = changed(journey.authorize_url, code_challenge=None, code_challenge_method=None)
    journey.authorize_url = stripped
    assert "error" in parameters(journey.go_to_the_door())
    assert_turned_away(visit(lab, journey.browser.address))
    assert journey.status() != "active"


def test_a_challenge_exchanged_on_the_way_does_not_pass(lab, server):
    journey = Journey(lab)
    journey.authorize_url = changed(journey.authorize_url, code_challenge="A" * 43)
    assert_turned_away(visit(lab, journey.go_to_the_door()))
    assert journey.status() != "active"


def test_an_error_is_shown_without_its_markup(lab, server):
    journey = Journey(lab)
    forged = (f"{lab.callback}?state={journey.asked['state']}&error=access_denied"
              "&error_description=%3Cscript%3Ealert(1)%3C/script%3E&iss=" + server.url)
    answer = visit(lab, forged)
    assert "<script>" not in answer.text
    assert answer.headers["Content-Security-Policy"]
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert journey.status() != "active" and exchanged(server) == 0


def test_what_was_cancelled_does_not_come_back(lab, server):
    journey = Journey(lab)
    door = journey.go_to_the_door()
    status, _ = lab.gate.api("POST", f"/api/connect/connections/{journey.connection}/cancel")
    assert status == 200
    assert journey.status() == "added"
    assert_turned_away(visit(lab, door))
    assert exchanged(server) == 0 and journey.status() == "added"


def test_a_second_beginning_ends_the_first(lab, server):
    first = Journey(lab)
    door = first.go_to_the_door()
    second = Journey(lab, connection_id=first.connection)
    assert_turned_away(visit(lab, door))
    assert exchanged(server) == 0
    second.go()
    assert second.status() == "active"


def test_what_was_revoked_while_the_person_thought_stays_revoked(lab, server):
    journey = Journey(lab)
    door = journey.go_to_the_door()
    lab.gate.cli("connection", "revoke", journey.connection)
    assert_turned_away(visit(lab, door))
    assert journey.status() == "revoked"


@pytest.mark.parametrize("body", [
    {"provider": "nobody"}, {"provider": "../things"}, {"scopes": ["things:read things:admin"]},
    {"scopes": ["*"]}, {"scopes": "things:read"}, {"user": ""}, {"workspace": None},
    {"return_url": "https://evil.example/connected"},
    {"return_url": "https://app.example.evil.example/connected"},
    {"return_url": "https://app.example@evil.example/connected"},
    {"return_url": "https://app.example/connected/../elsewhere"},
    {"return_url": "https://app.example/connected%2f..%2felsewhere"},
    {"return_url": "https://app.example/connectedness"}, {"return_url": RETURN + "?ticket=mine"},
    {"return_url": RETURN + "#here"}, {"return_url": "http://app.example/connected"},
    {"return_url": "//app.example/connected"}, {"return_url": "javascript:alert(1)"},
    {"connection_id": "conn_1"}, {"redirect_uri": "https://evil.example"}, {"state": "chosen"}],
    ids=lambda body: "-".join(f"{name}={value}" for name, value in body.items()))
def test_what_cannot_begin_says_why(lab, body):
    status, answer = lab.gate.api("POST", "/api/connect/initiate", {
        "workspace": "acme", "user": "ann", "provider": "things", "scopes": ["things:read"],
        **body})
    assert status in (400, 422), (body, answer)
    assert answer["code"] in ("bad_request", "invalid_request", "unknown_provider")
    assert answer["detail"]
    assert "authorize_url" not in answer


def test_another_users_connection_cannot_be_authorised(lab):
    journey = Journey(lab)
    for other in ({"user": "bob"}, {"workspace": "umbra"}):
        status, answer = lab.gate.api("POST", "/api/connect/initiate", {
            "workspace": "acme", "user": "ann", "provider": "things", "scopes": ["things:read"],
            "connection_id": journey.connection, **other})
        assert status == 404, answer


# With a page to return to, in two steps.

class TwoSteps(Journey):
    def __init__(self, lab, **more):
        super().__init__(lab, return_url=RETURN + "?from=here", **more)

    def come_back(self, **person):
        """The ticket that the person's browser carries to the App's page."""
        answer = visit(self.lab, self.go_to_the_door(**person))
        assert answer.status_code in (302, 303), answer.text
        self.returned = answer.headers["Location"]
        found = parameters(self.returned)
        assert self.returned.startswith(RETURN) and found["from"] == "here"
        self.lab.gate.planted.plant("ticket", found["ticket"])
        return found["ticket"]

    def complete(self, ticket, **claimed):
        return self.gate.api("POST", "/api/connect/complete", {
            "workspace": "acme", "user": self.user, "ticket": ticket, **claimed})


def test_a_connection_waits_for_the_one_who_began_it(lab, server):
    journey = TwoSteps(lab)
    ticket = journey.come_back()
    assert "code=" not in journey.returned and "state=" not in journey.returned
    assert journey.status() == "pending"
    assert journey.call().status == 403
    status, answer = journey.complete(ticket)
    assert status == 200 and answer["id"] == journey.connection and answer["status"] == "active"
    assert journey.call().status == 200


@pytest.mark.parametrize("claimed", [{"user": "bob"}, {"workspace": "umbra"}],
                         ids=["user", "workspace"])
def test_a_ticket_that_another_brings_is_burned(lab, claimed):
    journey = TwoSteps(lab)
    ticket = journey.come_back()
    status, answer = journey.complete(ticket, **claimed)
    assert status == 404, answer
    assert journey.complete(ticket)[0] == 404
    assert journey.status() == "added"


def test_a_ticket_is_good_once(lab):
    journey = TwoSteps(lab)
    ticket = journey.come_back()
    assert journey.complete(ticket)[0] == 200
    assert journey.complete(ticket)[0] == 404
    assert journey.status() == "active"


def test_a_ticket_nobody_gave_opens_nothing(lab):
    journey = TwoSteps(lab)
    journey.come_back()
    for forged in ("x" * 43, "x", journey.asked["state"]):
        assert journey.complete(forged)[0] == 404
    assert journey.status() == "pending"


def test_a_person_who_refuses_returns_to_the_page_too(lab):
    journey = TwoSteps(lab)
    answer = visit(lab, journey.go_to_the_door(decision="deny"))
    assert answer.status_code in (302, 303)
    found = parameters(answer.headers["Location"])
    assert found["error"] == "access_denied" and "ticket" not in found
    assert answer.headers["Location"].startswith(RETURN)
    assert journey.status() == "added"


def test_a_wrong_account_changes_nothing(lab):
    scopes = ["openid", "profile", "things:read"]
    journey = Journey(lab, scopes=scopes)
    journey.go(account="ann")
    assert journey.record()["account"] == "ann@example.com"
    token = journey.token()
    again = Journey(lab, scopes=scopes, connection_id=journey.connection)
    assert again.go(account="bob").status_code == 400
    record = journey.record()
    assert (record["account"], record["status"]) == ("ann@example.com", "active")
    assert journey.call(token).status == 200


def test_an_authorisation_that_took_too_long_is_refused(overdue, server):
    def is_over():
        return datetime.datetime.now(datetime.timezone.utc) > datetime.datetime.fromisoformat(
            overdue.expires_at.replace("Z", "+00:00"))

    until(is_over, "the authorisation to be too old", 2 * HASTE)
    assert_turned_away(visit(overdue.lab, overdue.door))
    assert exchanged(server) == 0 and overdue.status() != "active"
