"""Tokens bought with a service account's key (RFC 7523, as Google has it), from a server that checks
every claim of the assertion."""
import json
import time

import jwt
import pytest
from harness.app_lab import App, AppLab, Key
from harness.checks import assert_refused

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ROBOT = "robot@project.iam.example.com"


@pytest.fixture(scope="module")
def lab(make_gate, authorization_server):
    server = authorization_server
    made = AppLab(make_gate, server, [
        server.provider("things", {"authorize_url": None, "grants": ["jwt_bearer"]})])
    made.key = Key()
    server.bench("account", address=ROBOT, jwk=made.key.jwk, acts_for=["ann@example.com"],
                 scopes=["things:read", "things:write"])
    yield made
    made.close()


def key_file(key, address=ROBOT, **more):
    """As the provider's console hands it out, with what nobody needs."""
    return {"type": "service_account", "project_id": "project", "private_key_id": "of-the-app",
            "private_key": key.pem, "client_email": address, "client_id": "1234567890",
            "auth_uri": "https://accounts.example.com/o/oauth2/auth",
            "token_uri": "https://evil.example/token",
            "auth_provider_x509_cert_url": "https://www.example.com/oauth2/v1/certs",
            "client_x509_cert_url": "https://www.example.com/robot", "universe_domain": "example.com",
            **more}


def assertions(server):
    return [fields["assertion"] for fields, _ in server.front.answered
            if fields.get("grant_type") == GRANT]


def test_a_key_file_as_it_is_buys_tokens(lab, server):
    app = App(lab, "things", key_file(lab.key))
    first, second = lab.assert_served_and_renewed(app, GRANT)
    assert first["account"] == second["account"] == ROBOT
    shown, later = (jwt.decode(each, lab.key.public_pem, algorithms=["RS256"],
                               audience=server.front.url + "/token")
                    for each in assertions(server)[-2:])
    assert shown["iss"] == ROBOT and "sub" not in shown
    assert set(shown["scope"].split()) == {"things:read", "things:write"}
    assert shown["exp"] - shown["iat"] <= 3600 and abs(shown["iat"] - time.time()) < 120
    assert later != shown, "bought by an assertion of its own"


def test_it_acts_for_a_user_where_it_may(lab, server):
    app = App(lab, "things", key_file(lab.key, subject="ann@example.com"))
    assert app.call().json()["account"] == "ann@example.com"
    other = App(lab, "things", key_file(lab.key, subject="eve@example.com"))
    assert_refused(lab.gate, other.call(), 503, "refresh_failed")
    assert server.front.answered[-1][1]["error"] == "unauthorized_client"
    assert server.calls(f"/api/{other.connection}/") == []


def test_only_what_was_asked_for_is_asked_of_the_server(lab, server):
    app = App(lab, "things", key_file(lab.key), scopes="things:read")
    assert app.call().json()["scopes"] == ["things:read"]
    assert_refused(lab.gate, app.call(method="POST", body=b"x"), 403, "scope_missing")
    beyond = App(lab, "things", key_file(lab.key), scopes="things:read,things:admin")
    assert_refused(lab.gate, beyond.call(), 503, "refresh_failed")


@pytest.mark.parametrize("wrong", ["key", "account"])
def test_what_is_not_proven_buys_nothing(lab, server, wrong):
    """The key is no longer the account's: whoever owns the connection has to bring another."""
    credential = key_file(Key() if wrong == "key" else lab.key,
                          "nobody@example.com" if wrong == "account" else ROBOT)
    app = App(lab, "things", credential)
    assert_refused(lab.gate, app.call(), 403, "reauth_required")
    assert server.front.answered[-1][1]["error"] == "invalid_grant"
    assert app.record()["status"] == "reauth_required"
    assert server.calls(f"/api/{app.connection}/") == []
    lab.gate.cli("connection", "update", app.connection, "--secret-file", "-",
                 stdin=json.dumps(key_file(lab.key)))
    assert app.call().status == 200


def test_where_tokens_are_bought_is_not_for_the_key_file_to_say(lab, server):
    count = server.front.count(GRANT)
    assert App(lab, "things", key_file(lab.key)).call().status == 200
    assert server.front.count(GRANT) == count + 1
