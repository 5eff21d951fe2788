"""Who is believed to call: run tokens, where they stand, and what is refused."""
import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from harness import catalogue
from harness.checks import assert_refused
from harness.processes import until
from harness.provider import Provider
from harness.routes import laboratory


@pytest.fixture
def nothing_sent(lab):
    before = len(lab.provider.requests)
    yield
    assert len(lab.provider.requests) == before


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption()).decode()


def assert_invalid(lab, token, code="run_token_invalid"):
    assert_refused(lab.gate, lab.gate.call("GET", "/bench/lab/x", token), 401, code)


def test_without_a_token_the_caller_is_asked_for_one(lab, nothing_sent):
    answer = lab.gate.call("GET", "/bench/lab/x")
    assert_refused(lab.gate, answer, 401, "run_token_missing")
    assert [value.split()[0] for value in answer.values("WWW-Authenticate")] == ["Bearer"]
    assert "error=" not in answer.value("WWW-Authenticate")


def test_in_the_forward_way_the_proxy_asks(lab, nothing_sent):
    target = f"http://localhost:{lab.provider.port}/lab/x"
    answer = lab.gate.call("GET", target)
    assert_refused(lab.gate, answer, 407, "run_token_missing")
    assert answer.value("Proxy-Authenticate").startswith("Bearer")
    answer = lab.gate.call("GET", target, headers=[("Proxy-Authorization", "Bearer junk")])
    assert_refused(lab.gate, answer, 407, "run_token_invalid")


@pytest.mark.parametrize("token", ["junk", "a.b.c", "", "x" * 20000, "..", "e30.e30.e30"],
                         ids=["word", "dots", "empty", "long", "hollow", "braces"])
def test_what_is_no_token_is_refused(lab, nothing_sent, token):
    answer = lab.gate.call("GET", "/bench/lab/x", token)
    assert answer.status in (401, 431)
    assert answer.json()["code"] in ("run_token_invalid", "run_token_missing", "headers_too_large")
    assert answer.values("WWW-Authenticate") or answer.status == 431


def test_an_expired_token_says_so(lab, nothing_sent):
    now = int(time.time())
    token = lab.gate.mint({"bench": lab.connection}, iat=now - 700, exp=now - 60)
    assert_invalid(lab, token, "run_token_expired")


def test_the_leeway_is_thirty_seconds(lab):
    now = int(time.time())
    token = lab.gate.mint({"bench": lab.connection}, iat=now - 700, exp=now - 5)
    assert lab.gate.call("GET", "/bench/lab/x", token).status == 200


@pytest.mark.parametrize("claims", [
    {"iss": "somebody"}, {"aud": "other"}, {"workspace": None}, {"sub": None}, {"run": None},
    {"app": None}, {"exp": None}, {"run": "no spaces allowed"}, {"workspace": 7},
    {"exp": int(time.time()) + 90 * 24 * 3600}, {"access": "everything"}, {"connections": "bench"},
    {"nbf": int(time.time()) + 3600}, {"cnf": {"x5t#S256": "A" * 43}}],
    ids=lambda claims: "-".join(claims))
def test_claims_that_are_wrong_or_missing_are_refused(lab, nothing_sent, claims):
    token = lab.gate.mint({"bench": lab.connection}, **claims)
    assert_invalid(lab, token)


@pytest.mark.parametrize("headers", [{"crit": ["exp"]}, {"jku": "https://evil.example/keys"},
                                     {"x5u": "https://evil.example/cert"}],
                         ids=lambda headers: next(iter(headers)))
def test_headers_that_point_elsewhere_are_refused(lab, nothing_sent, headers):
    token = lab.gate.mint({"bench": lab.connection}, headers=headers)
    assert_invalid(lab, token)


def test_the_algorithm_is_the_configured_one(lab, nothing_sent):
    """No signature at all, and an HMAC under the public key that everybody may know."""
    private = serialization.load_pem_private_key(
        (lab.gate.directory / "run-token.key").read_bytes(), None)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    good = lab.gate.mint({"bench": lab.connection})
    claims = jwt.decode(good, options={"verify_signature": False})

    def part(value):
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    signed = part({"alg": "HS256", "typ": "JWT"}) + "." + part(claims)
    confused = signed + "." + part(hmac.new(public, signed.encode(), hashlib.sha256).digest())
    unsigned = part({"alg": "none", "typ": "JWT"}) + "." + part(claims) + "."
    for token in (confused, unsigned):
        assert_invalid(lab, token)


def test_another_key_or_a_changed_claim_is_refused(lab, nothing_sent):
    stranger = pem(ec.generate_private_key(ec.SECP256R1()))
    forged = lab.gate.mint({"bench": lab.connection}, key=stranger)
    assert_invalid(lab, forged)
    head, body, signature = lab.token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["workspace"] = "rival"
    changed = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    assert_invalid(lab, f"{head}.{changed}.{signature}")


def test_two_different_tokens_are_ambiguous_and_twice_the_same_is_not(lab):
    other = lab.gate.run_token("another", lab.connection)
    answer = lab.gate.call("GET", "/bench/lab/x", lab.token,
                           [("Proxy-Authorization", f"Bearer {other}")])
    assert_refused(lab.gate, answer, 400, "bad_request")
    answer = lab.gate.call("GET", "/bench/lab/x", lab.token,
                           [("Proxy-Authorization", f"Bearer {lab.token}")])
    assert answer.status == 200


def test_the_token_may_be_a_proxy_password(lab):
    pair = base64.b64encode(f"anything:{lab.token}".encode()).decode()
    answer = lab.gate.call("GET", "/bench/lab/proxy-password",
                           headers=[("Proxy-Authorization", f"Basic {pair}")])
    assert answer.status == 200
    request = lab.provider.only("/lab/proxy-password")
    assert request.values("Proxy-Authorization") == []


def test_an_ended_run_is_refused_on_every_connection(lab, nothing_sent):
    token = lab.gate.run_token("short", lab.connection)
    lab.gate.cli("run", "end", "short", "--workspace", "acme")
    assert_invalid(lab, token, "run_ended")
    minted = lab.gate.mint({"bench": lab.connection}, "short")
    assert_invalid(lab, minted, "run_ended")


@pytest.mark.parametrize("inject, place", [
    ([{"in": "header", "name": "X-Api-Key", "value": "{secret}"}], "header"),
    ([{"in": "query", "name": "api_key", "value": "{secret}"}], "query"),
], ids=["header", "query"])
def test_the_token_stands_where_the_key_would(make_gate, certificate, authority, inject, place):
    provider = laboratory(Provider(certificate))
    gate = make_gate([catalogue.laboratory(provider.url, authority, "keyed", credentials=[
        {"kind": "api_key", "inject": inject}])])
    key = gate.planted.plant("api key")
    token = gate.run_token("r", gate.connect("keyed", key))
    if place == "header":
        provider.accepts = lambda request: request.values("X-Api-Key") == [key]
        answer = gate.call("GET", "/keyed/lab/a?b=c&d=", headers=[("x-api-key", token)])
    else:
        provider.accepts = lambda request: f"api_key={key}" in request.target
        answer = gate.call("GET", f"/keyed/lab/a?b=c&api_key={token}&d=")
    assert answer.status == 200, answer.raw
    request = provider.only("/lab/a")
    assert token not in request.target and token not in str(request.headers)
    assert "b=c" in request.target and "d=" in request.target
    intent, _ = gate.trail.call(answer.call_id)
    assert intent["path"] == "/lab/a" and set(intent["query_keys"]) <= {"b", "d", "api_key"}
    provider.stop()


def test_refusals_of_strangers_are_counted_to_the_last(lab):
    """They may be folded into fewer lines when there are many, but none may go missing."""
    def refusals():
        return sum(line.get("count", 1) for line in lab.gate.trail.lines("call.refused"))

    before = refusals()
    with lab.gate.caller() as caller:
        for _ in range(4):
            caller.send(b"GET /bench/lab/x HTTP/1.1\r\nHost: gate\r\n\r\n" * 100)
            assert {caller.response().status for _ in range(100)} == {401}
    until(lambda: refusals() == before + 400, "all of them to be counted")


def test_a_second_issuer_speaks_for_its_workspaces_only(make_lab, lab_provider):
    """Its tokens are made elsewhere; their runs can be ended here all the same."""
    key = "k" * 48
    lab = make_lab(lab_provider, environment={"PLATFORM_KEY": key}, settings={"run_tokens": {
        "issuers": [{"issuer": "sallyport", "alg": "ES256", "key": "file:run-token.key"},
                    {"issuer": "platform", "alg": "HS256", "key": "env:PLATFORM_KEY",
                     "workspaces": ["acme"]}]}})
    uses = {"bench": lab.connection}
    foreign = {"key": key, "algorithm": "HS256", "iss": "platform"}
    good = lab.gate.mint(uses, "elsewhere", **foreign)
    assert lab.gate.call("GET", "/bench/lab/x", good).status == 200
    assert_invalid(lab, lab.gate.mint(uses, "other", **{**foreign, "workspace": "rival"}))
    assert_invalid(lab, lab.gate.mint(uses, "other", **{**foreign, "iss": "sallyport"}))
    assert_invalid(lab, lab.gate.mint(uses, "other", iss="platform"))
    lab.gate.cli("run", "end", "elsewhere", "--workspace", "acme")
    assert_invalid(lab, good, "run_ended")
