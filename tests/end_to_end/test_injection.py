"""Where a credential goes, and that nothing of the caller's goes there."""
import base64
import json
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest
from harness import catalogue, routes
from harness.checks import assert_forwarded, assert_refused
from harness.processes import until
from harness.provider import Provider
from harness.wire import Response, read_head

LABORATORY = [catalogue.rule("lab.read", "read", ["GET", "HEAD"], "/lab/**"),
              catalogue.rule("lab.write", "write", ["POST", "PUT"], "/lab/**")]


@pytest.fixture
def bench(make_gate, certificate, authority):
    """Makes a provider whose file says how credentials go in, with a connection and a run.
    Returns what a test needs of them; `call` authenticates by Proxy-Authorization."""
    providers = []

    def make(kind, inject, secret, *, add=(), url=None, accepts=lambda request: True,
             settings=None, **more):
        provider = routes.laboratory(Provider(certificate))
        providers.append(provider)
        provider.accepts = accepts
        provider.on("*", "/.*", lambda exchange: exchange.json({"fine": True}))
        gate = make_gate([catalogue.provider(
            "bench", (url or "https://localhost:{port}").replace("{port}", str(provider.port)),
            authority, LABORATORY, credentials=[{"kind": kind, "inject": inject}], **more)],
            settings=settings)
        connection = gate.connect("bench", secret, more=("--kind", kind, *add))
        token = gate.run_token("r", connection)

        def call(method, path, headers=(), body=None):
            return gate.call(method, "/bench" + path, headers=[
                ("Proxy-Authorization", f"Bearer {token}"), *headers], body=body)

        for part in json.loads(secret).values() if secret.startswith("{") else [secret]:
            if len(str(part)) > 20:
                gate.planted.plant("part of a credential", part)
        return SimpleNamespace(gate=gate, provider=provider, call=call, connection=connection,
                               token=token)

    yield make
    for provider in providers:
        provider.stop()


def secret_of(letter):
    return letter + base64.urlsafe_b64encode(bytes(range(24))).decode() + letter


def test_in_a_query_parameter_beside_the_callers_own(bench):
    key = secret_of("q")
    made = bench("api_key", [{"in": "query", "name": "key", "value": "{secret}"}], key)
    for path, expected in (("/lab/bare", f"/lab/bare?key={key}"), ("/lab/a?b=1", None),
                           ("/lab/mine?key=mine&b=1", None)):
        assert made.call("GET", path).status == 200
        target = made.provider.seen(path.split("?")[0])[0].target
        assert target.count("key=") == 1 and f"key={key}" in target and "mine=" not in target
        assert expected is None or target == expected
        assert "b=1" in target or expected
    assert all("key=" not in json.dumps(line) for line in made.gate.trail.lines("call.intent"))


def test_in_the_path_which_neither_policy_nor_trail_sees(bench):
    key = secret_of("p")
    made = bench("api_key", [{"in": "path", "value": "/bot{secret}"}], key)
    answer = made.call("GET", "/lab/send?text=hello")
    assert answer.status == 200
    assert made.provider.seen()[-1].target == f"/bot{key}/lab/send?text=hello"
    intent, _ = made.gate.trail.call(answer.call_id)
    assert intent["path"] == "/lab/send" and intent["operation"] == "lab.read"


def test_in_a_cookie_without_the_callers_cookies(bench):
    key = secret_of("c")
    made = bench("api_key", [{"in": "cookie", "name": "session", "value": "{secret}"}], key)
    assert made.call("GET", "/lab/cookie", [("Cookie", "session=mine; other=too")]).status == 200
    assert made.provider.only("/lab/cookie").values("Cookie") == [f"session={key}"]


def test_several_fields_of_a_custom_credential(bench):
    fields = {"application": secret_of("a"), "signing_key": secret_of("s")}
    made = bench("custom", [
        {"in": "header", "name": "X-Application", "value": "{application}"},
        {"in": "header", "name": "X-Signature", "value": "v1 {signing_key}"}], json.dumps(fields))
    answer = made.call("GET", "/lab/custom", [("X-Application", "mine"), ("x-signature", "mine")])
    assert answer.status == 200
    request = made.provider.only("/lab/custom")
    assert request.values("X-Application") == [fields["application"]]
    assert request.values("X-Signature") == [f"v1 {fields['signing_key']}"]


def test_a_custom_credential_that_lacks_a_field_is_an_error_not_a_hole(bench):
    made = None
    try:
        made = bench("custom", [
            {"in": "header", "name": "X-Application", "value": "{application}"},
            {"in": "header", "name": "X-Signature", "value": "{signing_key}"}],
            json.dumps({"application": secret_of("a")}))
    except AssertionError:
        return  # Refused when it was added: better still.
    answer = made.call("GET", "/lab/lacking")
    assert answer.status in (403, 503), answer.raw
    assert made.provider.seen("/lab/lacking") == []


def test_an_oauth_access_token(bench):
    access = secret_of("t")
    made = bench("oauth2", [
        {"in": "header", "name": "Authorization", "value": "Bearer {access_token}"}], json.dumps(
            {"access_token": access, "refresh_token": secret_of("r"), "client_id": "id",
             "client_secret": secret_of("z"), "expires_in": 3600}))
    answer = made.call("GET", "/lab/oauth")
    assert answer.status == 200
    assert made.provider.only("/lab/oauth").values("Authorization") == [f"Bearer {access}"]
    assert "r" + access[1:-1] not in str(made.provider.requests[0].headers)


def test_an_expired_access_token_is_not_sent(bench):
    made = bench("oauth2", [
        {"in": "header", "name": "Authorization", "value": "Bearer {access_token}"}], json.dumps(
            {"access_token": secret_of("t"), "expires_at": "2020-01-01T00:00:00Z"}))
    answer = made.call("GET", "/lab/expired")
    assert (answer.status, answer.json()["code"]) in ((403, "reauth_required"),
                                                      (503, "refresh_failed")), answer.raw
    assert made.provider.seen("/lab/expired") == []


def test_a_host_that_the_connection_names_within_its_pattern(bench):
    key = secret_of("v")
    variable = {"name": "site", "where": "host", "pattern": "local[a-z]+"}
    made = bench("bearer", catalogue.BEARER["inject"], key, url="https://{site}:{port}",
                 variables=[variable], add=("--var", "site=localhost"))
    assert made.call("GET", "/lab/variable").status == 200
    request = made.provider.only("/lab/variable")
    assert request.value("Host") == f"localhost:{made.provider.port}"
    for value in ("evil.example", "localhost/", "localhost@evil", "", "localhost:1", "LOCAL host"):
        done = made.gate.cli("connection", "add", "--workspace", "acme", "--user", "ann",
                             "--provider", "bench", "--name", "evil", "--var", f"site={value}",
                             "--secret-file", "-", stdin=key, expect=None)
        assert done.returncode in (1, 2), (value, done.stdout)
    done = made.gate.cli("connection", "update", made.connection, "--var", "site=localdomain",
                         expect=1)
    assert b"credential" in done.stderr  # A new place needs the credential again.


@pytest.mark.parametrize("content, body", [
    ("application/json", b'{"token": "mine", "a": 1}'),
    ("application/x-www-form-urlencoded", b"token=mine&a=1")], ids=["json", "form"])
def test_a_credential_in_the_callers_body_is_dropped_or_refused(bench, content, body):
    made = bench("bearer", catalogue.BEARER["inject"], secret_of("b"),
                 strip=["form:token", "json:token"])
    answer = made.call("POST", "/lab/body", [("Content-Type", content)], body)
    assert answer.status in (200, 400)
    assert all(b"mine" not in request.body for request in made.provider.seen("/lab/body"))


def test_in_the_body_which_is_bounded(bench):
    key = secret_of("k")
    made = bench("api_key", [{"in": "body", "name": "api_key", "value": "{secret}"}], key)
    kind = [("Content-Type", "application/json")]
    answer = made.call("POST", "/lab/small", kind, b'{"a": [1, 2.50], "api_key": "mine"}')
    assert answer.status == 200, answer.raw
    assert made.provider.only("/lab/small").json() == {"a": [1, 2.5], "api_key": key}
    large = b'{"a": "' + b"x" * (1 << 20) + b'"}'
    for body in (large, [large[:1000], large[1000:]]):
        answer = made.call("POST", "/lab/large", kind, body)
        assert_refused(made.gate, answer, 413, "body_too_large", recorded=False)
    assert made.provider.seen("/lab/large") == []


def test_in_a_form_which_may_come_in_chunks(bench):
    key = "f&=+" + secret_of("f")
    made = bench("api_key", [{"in": "body", "name": "api_key", "value": "{secret}"}], key)
    kind = [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")]
    pieces = [b"a=1&api_", b"key=mine&", b"b=%2B+c"]
    answer = made.call("POST", "/lab/form", kind, pieces)
    assert answer.status == 200, answer.raw
    request = made.provider.only("/lab/form")
    assert request.values("Transfer-Encoding") == []
    assert request.values("Content-Length") == [str(len(request.body))]
    assert request.body.startswith(b"a=1&b=%2B+c&api_key=")
    assert parse_qs(request.body.decode())["api_key"] == [key]
    assert_forwarded(made.gate, answer, request)


@pytest.mark.parametrize("headers, body", [
    ([], None),
    ([("Content-Type", "application/json")], None),
    ([], b"{}"),
    ([("Content-Type", "text/plain")], b"{}"),
    ([("Content-Type", "multipart/form-data; boundary=b")], b"--b--"),
    ([("Content-Type", "application/json"), ("Content-Encoding", "gzip")], b"{}"),
    ([("Content-Type", "application/json"), ("Content-Type", "text/plain")], b"{}"),
    ([("Content-Type", "application/json; charset=utf-16")], b"{}"),
    ([("Content-Type", "application/json")], b"[]"),
    ([("Content-Type", "application/json")], b'{"a": 1} {"api_key": "mine"}'),
    ([("Content-Type", "application/json")], [b'{"a"', b": "]),
    ([("Content-Type", "application/json")], b'{"a": ' + b"[" * 10000 + b"]" * 10000 + b"}"),
], ids=["nothing", "no-body", "no-type", "text", "parts", "gzip", "two-types", "utf-16", "array",
        "two-values", "cut", "deep"])
def test_a_body_that_cannot_take_the_credential_is_refused(bench, headers, body):
    made = bench("api_key", [{"in": "body", "name": "api_key", "value": "{secret}"}],
                 secret_of("k"))
    answer = made.call("POST", "/lab/unfit", headers, body)
    assert_refused(made.gate, answer, 400, "bad_request", recorded=False)
    _, outcome = made.gate.trail.call(answer.call_id)
    assert (outcome["decision"], outcome["code"]) == ("deny", "bad_request"), outcome
    assert made.provider.requests == []


def test_a_body_is_asked_for_before_it_is_changed(bench):
    key = secret_of("e")
    made = bench("api_key", [{"in": "body", "name": "api_key", "value": "{secret}"}], key)
    with made.gate.caller() as caller:
        for body in (b'{"a":1}', b"{}"):
            caller.send(f"POST /bench/lab/asked HTTP/1.1\r\nHost: gate\r\n"
                        f"Proxy-Authorization: Bearer {made.token}\r\n"
                        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                        f"Expect: 100-continue\r\n\r\n".encode())
            assert read_head(caller.reader, Response()).status == 100
            caller.send(body)
            assert caller.response("POST").status == 200
    assert [request.json() for request in made.provider.seen("/lab/asked")] == [
        {"a": 1, "api_key": key}, {"api_key": key}]


def test_what_cannot_hold_a_carrier_streams_past(bench):
    made = bench("bearer", catalogue.BEARER["inject"], secret_of("b"),
                 strip=["form:token", "json:token"])
    large = b'{"token": "data"}' * 100_000
    answer = made.call("POST", "/lab/stream", [("Content-Type", "application/octet-stream"),
                                               ("Content-Encoding", "gzip")], large)
    assert answer.status == 200
    assert made.provider.only("/lab/stream").body_bytes == len(large)
    for body in (b'[{"token": 1}]', b'{"a": {"token": 2.50}} ', b""):
        answer = made.call("POST", "/lab/same", [("Content-Type", "application/json")], body)
        assert answer.status == 200 and made.provider.seen("/lab/same")[-1].body == body
    assert made.call("GET", "/lab/none").status == 200


@pytest.mark.parametrize("name, status", [("token", 400), ("file", 200)])
def test_a_credential_in_a_part_of_the_callers_body_is_refused(bench, name, status):
    made = bench("bearer", catalogue.BEARER["inject"], secret_of("b"), strip=["form:token"])
    body = (f"--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"token\"\r\n\r\n"
            "mine\r\n--b--\r\n").encode()
    answer = made.call("POST", "/lab/parts",
                       [("Content-Type", "multipart/form-data; boundary=b")], body)
    assert answer.status == status, answer.raw
    assert [request.body for request in made.provider.requests] == [body] * (status == 200)


def test_what_was_taken_from_a_body_is_in_the_trail(bench):
    made = bench("bearer", catalogue.BEARER["inject"], secret_of("b"), strip=["json:token"])
    answer = made.call("POST", "/lab/told", [("Content-Type", "application/json")],
                       b'{"tok\\u0065n": "mine", "a": 1, "token": 2}')
    assert answer.status == 200 and made.provider.only("/lab/told").body == b'{ "a": 1}'
    _, outcome = made.gate.trail.call(answer.call_id)
    assert outcome["stripped"] == ["token"], outcome


@pytest.mark.parametrize("leaves, status, code", [(True, None, "client_abort"),
                                                  (False, 408, "request_timeout")])
def test_a_body_that_never_ends_reaches_nobody(bench, leaves, status, code):
    made = bench("bearer", catalogue.BEARER["inject"], secret_of("b"), strip=["json:token"],
                 settings={"proxy": {"limits": {"idle_timeout": "1s"}}})
    with made.gate.caller() as caller:
        caller.send(f"POST /bench/lab/half HTTP/1.1\r\nHost: gate\r\n"
                    f"Authorization: Bearer {made.token}\r\nContent-Type: application/json\r\n"
                    f"Content-Length: 100\r\n\r\n{{".encode())
        if leaves:
            until(lambda: made.gate.trail.lines("call.intent"), "the intent")
        else:
            assert_refused(made.gate, caller.response(), status, code, recorded=False)
    outcome = until(lambda: made.gate.trail.lines("call.outcome"), "the outcome")[0]
    assert (outcome["code"], outcome["request_bytes"]) == (code, 1), outcome
    assert made.provider.requests == []
