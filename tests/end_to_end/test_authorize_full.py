"""Authorisations that nobody finishes: the gate's own round, which comes by once a minute, tidies
up after them."""
import pytest
from harness.journey import Journey
from harness.oauth_lab import OauthLab
from harness.processes import until
from test_authorize_refusals import RETURN

# The shortest time there is for an authorisation, a grace and two rounds of a minute.
PATIENCE = 10 + 60 + 2 * 60


@pytest.fixture(scope="module")
def lab(make_gate, authorization_server):
    made = OauthLab(make_gate, authorization_server, settings={
        "control": {"return_urls": [RETURN], "authorization_ttl": "10s"}})
    yield made
    made.close()


def test_what_was_abandoned_goes_back_to_what_it_was(lab):
    never_left = Journey(lab)
    grown = Journey(lab, scopes=["things:read"])
    grown.go()
    half_way = Journey(lab, scopes=["things:write"], connection_id=grown.connection)
    half_way.go_to_the_door()
    assert never_left.status() == "pending"
    until(lambda: never_left.status() == "added", "the round", PATIENCE)
    record = grown.record()
    assert record["status"] == "active" and record["scopes_granted"] == ["things:read"]
