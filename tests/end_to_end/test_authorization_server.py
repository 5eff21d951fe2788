"""The authorisation server of these tests is as strict as they need it: what a gate must not get
wrong is wrong here too."""
import json
import secrets
import time

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from harness import token_front
from harness.browser import Browser
from harness.grants import CALLBACK, Flow
from harness.processes import until


def refresh(server, client, token):
    return server.ask("/token", client, grant_type="refresh_token", refresh_token=token)


@pytest.fixture
def client(server):
    return server.client([CALLBACK])


def test_a_code_becomes_tokens_that_the_api_takes(server, client, authority):
    flow = Flow(server, client)
    back = flow.back(Browser(authority))
    assert back["state"] == "of-the-test" and back["iss"] == server.url
    tokens = flow.exchange(back["code"]).json()
    assert tokens["token_type"] == "Bearer" and tokens["expires_in"] == 3600
    assert set(tokens["scope"].split()) == {"things:read", "things:write"}
    answer = server.call(tokens["access_token"])
    assert answer.status_code == 200 and answer.json()["account"] == "ann"
    assert server.call("no-token").status_code == 401
    assert [call["alive"] for call in server.calls("/api/things")] == [True, False]


def test_proof_of_the_code_is_required_and_checked(server, client, authority):
    bare = Flow(server, client, code_challenge=None, code_challenge_method=None)
    assert bare.back(Browser(authority))["error"] == "invalid_request"
    plain = Flow(server, client, code_challenge_method="plain")
    assert plain.back(Browser(authority))["error"] == "invalid_request"
    flow = Flow(server, client)
    wrong = flow.exchange(flow.back(Browser(authority))["code"], code_verifier="x" * 43)
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")


def test_a_code_is_good_once_and_its_tokens_die_with_the_second_use(server, client, authority):
    flow = Flow(server, client)
    code = flow.back(Browser(authority))["code"]
    tokens = flow.exchange(code).json()
    assert flow.exchange(code).json()["error"] == "invalid_grant"
    assert server.call(tokens["access_token"]).status_code == 401


def test_a_person_may_grant_less_be_another_or_refuse(server, client, authority):
    less = Flow(server, client).tokens(Browser(authority, scopes=["things:read"]))
    assert less["scope"] == "things:read"
    other = Flow(server, client).tokens(Browser(authority, account="bob"))
    assert server.call(other["access_token"]).json()["account"] == "bob"
    no = Flow(server, client).back(Browser(authority, decision="deny"))
    assert no["error"] == "access_denied" and no["iss"] == server.url


def test_a_refresh_token_rotates_and_a_reused_one_burns_the_family(server, client, authority):
    first = Flow(server, client).tokens(Browser(authority))
    second = refresh(server, client, first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert server.call(second["access_token"]).status_code == 200
    assert refresh(server, client, first["refresh_token"]).json()["error"] == "invalid_grant"
    assert server.call(second["access_token"]).status_code == 401
    assert refresh(server, client, second["refresh_token"]).json()["error"] == "invalid_grant"
    assert not server.is_alive(second["refresh_token"])


def test_tokens_expire_when_told_to(server, client, authority):
    server.set(access_ttl=1)
    tokens = Flow(server, client).tokens(Browser(authority))
    until(lambda: server.call(tokens["access_token"]).status_code == 401, "the token to expire", 5)
    assert server.is_alive(tokens["refresh_token"])


def test_revoked_and_withdrawn_tokens_are_dead(server, client, authority):
    revoked = Flow(server, client).tokens(Browser(authority))
    answer = server.ask("/token/revocation", client, token=revoked["refresh_token"])
    assert answer.status_code == 200 and not server.is_alive(revoked["refresh_token"])
    withdrawn = Flow(server, client).tokens(Browser(authority))
    server.bench("withdraw", token=withdrawn["access_token"])
    assert server.call(withdrawn["access_token"]).status_code == 401
    told = server.ask("/token/introspection", client, token=withdrawn["access_token"])
    assert told.json() == {"active": False}


@pytest.mark.parametrize("auth", ["basic", "post"])
def test_a_client_proves_itself_with_its_secret(server, authority, client, auth):
    tokens = Flow(server, client).tokens(Browser(authority))
    fields = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    stranger = {**client, "client_secret": "guessed"}
    assert server.ask("/token", stranger, auth, **fields).json()["error"] == "invalid_client"
    other = server.client([CALLBACK])
    assert server.ask("/token", other, auth, **fields).json()["error"] == "invalid_grant"
    assert server.ask("/token", client, auth, **fields).status_code == 200


def test_a_client_without_a_user_proves_itself_with_its_key(server):
    key = ec.generate_private_key(ec.SECP256R1())
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    client = server.client(auth="private_key_jwt", grants=["client_credentials"],
                           token_endpoint_auth_signing_alg="ES256", jwks={"keys": [{**public, "use": "sig"}]},
                           scope="things:read")
    now = int(time.time())
    assertion = jwt.encode({"iss": client["client_id"], "sub": client["client_id"], "iat": now,
                            "aud": server.url + "/token", "exp": now + 60,
                            "jti": secrets.token_hex(8)}, key, algorithm="ES256")
    answer = server.session.post(server.url + "/token", timeout=30, data={
        "grant_type": "client_credentials", "scope": "things:read",
        "client_assertion": assertion, "client_assertion_type":
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"})
    assert answer.status_code == 200, answer.text
    assert server.call(answer.json()["access_token"]).status_code == 200


def test_a_device_waits_for_the_person_with_the_code(server, authority):
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    client = server.client(grants=[grant, "refresh_token"])
    begun = server.ask("/device/auth", client, scope="things:read").json()
    fields = {"grant_type": grant, "device_code": begun["device_code"]}
    assert server.ask("/token", client, **fields).json()["error"] == "authorization_pending"
    Browser(authority, code=begun["user_code"]).go(begun["verification_uri_complete"])
    answer = server.ask("/token", client, **fields)
    assert answer.status_code == 200, answer.text
    assert server.call(answer.json()["access_token"]).status_code == 200


# The front.

def through_front(server, client, patience=5, **fields):
    return server.session.post(server.front.url + "/token", data={**client, **fields},
                               timeout=patience)


def test_the_front_hands_on_and_counts(server, client, authority):
    tokens = Flow(server, client).tokens(Browser(authority))
    server.front.next.append(token_front.busy(7))
    first, second = (through_front(server, client, grant_type="refresh_token",
                                   refresh_token=tokens["refresh_token"]) for _ in range(2))
    assert (first.status_code, first.headers["Retry-After"]) == (429, "7")
    assert second.status_code == 200 and "access_token" in second.json()
    assert server.front.count() == 2 and server.front.count("authorization_code") == 0


@pytest.mark.parametrize("fault", [token_front.lost, token_front.truncated],
                         ids=["lost", "truncated"])
def test_an_answer_that_the_front_loses_was_given_all_the_same(server, client, authority, fault):
    tokens = Flow(server, client).tokens(Browser(authority))
    server.front.next.append(fault)
    with pytest.raises(requests.RequestException):
        through_front(server, client, grant_type="refresh_token",
                      refresh_token=tokens["refresh_token"]).json()
    again = through_front(server, client, grant_type="refresh_token",
                          refresh_token=tokens["refresh_token"])
    assert again.json()["error"] == "invalid_grant"


def test_a_withheld_answer_goes_on_when_let_go(server, client, authority):
    tokens = Flow(server, client).tokens(Browser(authority))
    withheld = token_front.Withheld()
    server.front.next.append(withheld)
    withheld.let_go.set()
    answer = through_front(server, client, grant_type="refresh_token",
                           refresh_token=tokens["refresh_token"])
    assert withheld.arrived.is_set() and answer.status_code == 200
