"""What the authorisation server itself says of tokens (RFC 7662), once a gate has done with them."""
import pytest
from harness.app_lab import App, AppLab, Key
from harness.journey import Journey
from harness.oauth_lab import Grantee, OauthLab
from harness.processes import until

APP_GRANT = "client_credentials"


@pytest.fixture(scope="module")
def lab(make_gate, authorization_server):
    made = OauthLab(make_gate, authorization_server)
    yield made
    made.close()


@pytest.fixture(scope="module")
def apps(make_gate, authorization_server):
    made = AppLab(make_gate, authorization_server, [authorization_server.provider(
        "things", {"authorize_url": None, "grants": [APP_GRANT],
                   "client_auth": ["private_key_jwt", "basic"]})])
    yield made
    made.close()


def says(server, client, tokens):
    """{name of the token: does the server call it active?}"""
    return {name: server.introspect(client, tokens[name])["active"]
            for name in ("access_token", "refresh_token") if name in tokens}


def newest(server):
    return next(told for _, told in reversed(server.front.answered) if "access_token" in told)


def test_what_was_granted_is_what_the_record_says(lab, server):
    journey = Journey(lab, scopes=["things:read"])
    journey.go(account="eve")
    told = server.introspect(lab.client, newest(server)["access_token"])
    assert told["active"] and told["client_id"] == lab.client["client_id"]
    assert told["sub"] == "eve" and told["scope"].split() == journey.record()["scopes_granted"]


def test_what_is_revoked_here_is_inactive_there(lab, server):
    journey = Journey(lab)
    journey.go()
    tokens = newest(server)
    assert says(server, lab.client, tokens) == {"access_token": True, "refresh_token": True}
    lab.gate.cli("connection", "revoke", journey.connection)
    until(lambda: says(server, lab.client, tokens)
          == {"access_token": False, "refresh_token": False}, "both to be inactive")


@pytest.mark.parametrize("how", ["remove", "disconnect", "replace"])
def test_no_way_out_leaves_tokens_behind(lab, server, how):
    journey = Journey(lab, user=f"user-{how}")
    journey.go()
    tokens = newest(server)
    path = f"/api/connect/connections/{journey.connection}"
    if how == "remove":
        assert lab.gate.api("DELETE", path)[0] == 204
    elif how == "disconnect":
        assert lab.gate.api(
            "DELETE", f"/api/connect/things?workspace=acme&user={journey.user}")[0] == 204
    else:
        again = Journey(lab, user=journey.user, connection_id=journey.connection)
        again.go(account="ann")
        assert says(server, lab.client, newest(server))["access_token"]
        lab.gate.cli("connection", "revoke", journey.connection)
        tokens = newest(server)
    until(lambda: not any(says(server, lab.client, tokens).values()), "them to be inactive")


def test_a_refresh_leaves_one_refresh_token_alive(lab, server):
    grantee = Grantee(lab)
    before = grantee.tokens
    server.bench("expire", token=before["access_token"])
    assert grantee.call().status == 200
    assert says(server, lab.client, before) == {"access_token": False, "refresh_token": False}
    assert says(server, lab.client, grantee.newest()) \
        == {"access_token": True, "refresh_token": True}


@pytest.mark.parametrize("way", ["private_key_jwt", "client_secret_basic"])
def test_an_apps_token_is_inactive_once_it_is_revoked(apps, server, way):
    """The server hears of a revocation only from a client that proves who it is."""
    key = Key()
    more = {"jwks": {"keys": [key.jwk]}} if way == "private_key_jwt" else {}
    client = server.client(auth=way, grants=[APP_GRANT], **more)
    credential = {"client_id": client["client_id"], "private_key": key.pem} if more else client
    app = App(apps, "things", credential)
    assert app.call().status == 200
    token = server.calls(f"/api/{app.connection}/")[0]["token"]
    witness = server.client(grants=[APP_GRANT])
    assert server.introspect(witness, token)["active"]
    apps.gate.cli("connection", "revoke", app.connection)
    until(lambda: not server.introspect(witness, token)["active"], "it to be inactive")
