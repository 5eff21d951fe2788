"""What a gate no longer wants, it ends at the authorisation server too."""
import pytest
from harness.checks import assert_refused
from harness.journey import Journey
from harness.oauth_lab import OauthLab
from harness.processes import until
from test_authorize_refusals import RETURN, TwoSteps


@pytest.fixture(scope="module")
def lab(make_gate, authorization_server):
    made = OauthLab(make_gate, authorization_server,
                    settings={"control": {"return_urls": [RETURN]}})
    yield made
    made.close()


def assert_dies(server, tokens):
    until(lambda: not server.is_alive(tokens["access_token"])
          and not server.is_alive(tokens["refresh_token"]), "the tokens to die at the server", 10)


def test_a_connection_that_is_revoked_is_dead_there_too(lab, server):
    journey = Journey(lab)
    journey.go()
    token = journey.token()
    assert journey.call(token).status == 200
    _, tokens = server.front.answered[-1]
    assert server.is_alive(tokens["access_token"])
    lab.gate.cli("connection", "revoke", journey.connection)
    assert_dies(server, tokens)
    assert_refused(lab.gate, journey.call(token), 403, "connection_revoked")


def test_tokens_behind_a_ticket_that_another_brought_are_revoked(lab, server):
    journey = TwoSteps(lab)
    ticket = journey.come_back()
    _, tokens = server.front.answered[-1]
    assert journey.complete(ticket, user="bob")[0] == 404
    assert_dies(server, tokens)


def test_tokens_of_a_wrong_account_are_revoked(lab, server):
    scopes = ["openid", "profile", "things:read"]
    journey = Journey(lab, scopes=scopes)
    journey.go(account="ann")
    again = Journey(lab, scopes=scopes, connection_id=journey.connection)
    again.go(account="bob")
    _, tokens = server.front.answered[-1]
    assert_dies(server, tokens)
    assert journey.call().status == 200
