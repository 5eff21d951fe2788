"""Tokens bought with a client's own credentials (RFC 6749, 4.4), proven in each of three ways to a
server that checks: bought before the first call, used while they live, bought anew."""
import jwt
import pytest
from harness.app_lab import App, AppLab, Key
from harness.checks import assert_refused
from harness.token_front import TokenFront

GRANT = "client_credentials"
WAYS = {"client_secret_post": "post", "client_secret_basic": "basic",
        "private_key_jwt": "private_key_jwt"}


class Behind(TokenFront):
    """Hands requests on under the server's own name: what they were sent to, it is not."""

    def _forward(self, request):
        request.headers = [(name, self.behind.netloc if name.lower() == "host" else value)
                           for name, value in request.headers]
        return super()._forward(request)


@pytest.fixture(scope="module")
def lab(make_gate, authorization_server, certificate, authority):
    server = authorization_server
    behind = Behind(certificate, authority, server.url)
    made = AppLab(make_gate, server, [
        *(server.provider(f"by-{way.replace('_', '-')}", {
            "authorize_url": None, "grants": [GRANT], "client_auth": [way]})
          for way in WAYS.values()),
        server.provider("elsewhere", {
            "authorize_url": None, "token_url": behind.url + "/token", "grants": [GRANT],
            "client_auth": ["private_key_jwt"]})])
    yield made
    made.close()
    behind.stop()


def client_of(server, way, **more):
    return server.client(auth=way, grants=[GRANT], **more)


def key_client(server, key, **more):
    known = client_of(server, "private_key_jwt", jwks={"keys": [key.jwk]}, **more)
    return {"client_id": known["client_id"], "private_key": key.pem}


@pytest.mark.parametrize("way", ["client_secret_post", "client_secret_basic"])
def test_a_secret_buys_tokens(lab, server, way):
    app = App(lab, f"by-{WAYS[way]}", client_of(server, way))
    said, _ = lab.assert_served_and_renewed(app, GRANT)
    assert said["account"] is None and set(said["scopes"]) == {"things:read", "things:write"}
    record = app.record()
    assert record["status"] == "active" and record["expires_at"]


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_key_buys_tokens(lab, server, algorithm):
    key = Key(algorithm)
    app = App(lab, "by-private-key-jwt",
              key_client(server, key, token_endpoint_auth_signing_alg=algorithm))
    lab.assert_served_and_renewed(app, GRANT)
    proofs = [jwt.decode(asked["client_assertion"], key.public_pem, algorithms=[algorithm],
                         audience=server.front.url + "/token")
              for asked, _ in server.front.answered[-2:]]
    assert proofs[0]["jti"] != proofs[1]["jti"], "each proof is for one use"


@pytest.mark.parametrize("way", list(WAYS))
def test_a_proof_the_server_does_not_take_is_no_call(lab, server, way):
    """It is the operator's to cure, not the user's: the connection stays what it is."""
    if way == "private_key_jwt":
        credential = {**key_client(server, Key()), "private_key": Key().pem}
    else:
        credential = {**client_of(server, way), "client_secret": "not-this-one-at-all"}
    app = App(lab, f"by-{WAYS[way].replace('_', '-')}", credential)
    assert_refused(lab.gate, app.call(), 503, "refresh_failed")
    assert server.front.answered[-1][1]["error"] == "invalid_client"
    assert server.calls(f"/api/{app.connection}/") == []
    assert app.record()["status"] == "active"
    assert [line["code"] for line in app.lines("connection.refreshed")] == ["refresh_failed"]


def test_a_proof_made_for_another_place_is_worth_nothing(lab, server):
    """The same key and server; only that the proof names where the gate sent it."""
    app = App(lab, "elsewhere", key_client(server, Key()))
    assert_refused(lab.gate, app.call(), 503, "refresh_failed")
    assert server.calls(f"/api/{app.connection}/") == []


def test_what_the_server_granted_is_what_may_be_done(lab, server):
    app = App(lab, "by-post", client_of(server, "client_secret_post"), scopes="things:read")
    assert app.call().status == 200
    assert_refused(lab.gate, app.call(method="POST", body=b"x"), 403, "scope_missing")
    assert server.calls(f"/api/{app.connection}/")[0]["method"] == "GET"


def test_a_scope_that_the_client_may_not_have_is_no_call(lab, server):
    client = client_of(server, "client_secret_post", scope="things:read")
    app = App(lab, "by-post", client)
    assert_refused(lab.gate, app.call(), 503, "refresh_failed")
    assert server.front.answered[-1][1]["error"] == "invalid_scope"


def test_a_token_that_ended_early_is_bought_anew_and_the_call_made_again(lab, server):
    app = App(lab, "by-post", client_of(server, "client_secret_post"))
    assert app.call().status == 200
    first = server.calls(f"/api/{app.connection}/")[0]["token"]
    server.bench("expire", token=first)
    assert app.call("again").status == 200
    assert [call["alive"] for call in server.calls(f"/api/{app.connection}/again")] \
        == [False, True]


def test_a_credential_for_a_grant_that_is_not_given_is_refused_at_once(lab, server):
    status, answer = lab.gate.api("POST", "/api/connect/connections", {
        "workspace": "acme", "user": "ann", "provider": "by-post", "kind": "oauth2",
        "credential": {"client_email": "robot@example.com", "private_key": Key().pem}})
    assert (status, answer["code"]) == (422, "invalid_credential"), answer
