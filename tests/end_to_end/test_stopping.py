"""A gate that is told to stop while a provider is being asked for tokens: the answer is awaited and
stored, because the refresh token that was sent may be worth nothing any more."""
import signal
import threading

import pytest
from harness import token_front
from harness.oauth_lab import Grantee, OauthLab, ago
from harness.processes import answers, until


@pytest.fixture(scope="module")
def lab(make_gate, authorization_server):
    made = OauthLab(make_gate, authorization_server)
    yield made
    made.close()


def refreshed_ahead(grantee):
    """By a call that does not wait for it, because its token is still valid for a while."""
    grantee.lab.gate.cli("connection", "update", grantee.connection, "--secret-file", "-",
                         stdin=grantee.secret(grantee.newest(), expires_at=ago(-30)))
    assert grantee.call("ahead").status == 200


def refreshed_by_hand(grantee):
    """By a request to the control listener, whose caller does not stay."""
    def ask():
        try:
            grantee.lab.gate.api("POST", f"/api/connect/connections/{grantee.connection}/refresh")
        except Exception:  # pylint: disable=broad-except
            pass  # Its gate has stopped.
    threading.Thread(target=ask, daemon=True).start()


@pytest.mark.parametrize("begin", [refreshed_ahead, refreshed_by_hand])
def test_tokens_that_are_on_their_way_are_stored_before_the_gate_ends(lab, server, begin):
    grantee = Grantee(lab)
    withheld = token_front.Withheld()
    server.front.next.append(withheld)
    begin(grantee)
    assert withheld.arrived.wait(30)
    port = int(lab.public.rsplit(":", 1)[1])
    lab.gate.signal(signal.SIGTERM)
    until(lambda: not answers(port), "the public listener to close")
    withheld.let_go.set()
    lab.gate.stop()
    lab.gate.start()
    assert grantee.call("after").status == 200
    assert grantee.record()["status"] == "active"
    assert server.front.count() == 1
    lab.gate.trail.lines("connection.refreshed", connection_id=grantee.connection)


def test_an_answer_that_does_not_come_does_not_keep_the_gate(make_gate, authorization_server,
                                                             server):
    alone = OauthLab(make_gate, authorization_server,
                     settings={"oauth": {"refresh_timeout": "1s"}})
    grantee = Grantee(alone)
    hanging = token_front.Hanging()
    server.front.next.append(hanging)
    refreshed_by_hand(grantee)
    server.front.wait_for(1)
    alone.gate.stop()
    hanging.let_go.set()
