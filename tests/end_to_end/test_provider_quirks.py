"""What providers do differently, from made-up provider files: the same journey must come to the
same end at each of them."""
import base64
import hmac
import json
import re
import secrets

import pytest
from harness import catalogue
from harness.journey import changed, visit
from harness.made_up import MadeUp, parameters_of, text_of
from harness.oauth_lab import ago
from harness.processes import discard, free_port, room, until
from harness.token_front import fields_of

SCOPES = [{"id": name, "class": "write", "description": name} for name in ("a:read", "b:write")]
RULES = [catalogue.rule("api.any", "write", ["*"], "/api/**", [["a:read"]])]


def quirky(made, authority, identifier, oauth2, **more):
    return catalogue.provider(
        identifier, more.pop("base_url", made.url), authority, RULES, **{
            "credentials": [{"kind": "oauth2", "inject": [
                {"in": "header", "name": "Authorization", "value": "Bearer {access_token}"}]}],
            "scopes": SCOPES,
            "oauth2": {"authorize_url": made.url + "/authorize", "token_url": made.url + "/token",
                       "pkce": "supported", "client_auth": ["post"], **oauth2}, **more})


QUIRKS = {
    "plain": {},
    "renamed": {"param_names": {"client_id": "client_key", "scope": "permissions"}},
    "json": {"token_body": "json"},
    "basic": {"client_auth": ["basic"]},
    "headers": {"token_headers": {"X-Api-Version": "3", "Accept": "application/vnd.quirk+json"},
                "token_params": {"audience": "the-api"}, "authorize_params": {"prompt": "consent"}},
    "commas": {"scope_separator": ","},
    "unproven": {"pkce": "unsupported"},
    "no-scopes": {"scope_separator": ""},
    "nested": {"token_paths": {"bot": "access_token", "user": "authed_user.access_token"},
               "variants": {"bot": {}, "user": {}}},
    "stable": {"refresh": {"rotation": "stable"}},
    "proven": {"param_names": {"callback_signature": "hmac"},
               "authorize_url": "https://{shop}.quirk.example/authorize"},
    "reads-back": {"introspect": {
        "method": "GET", "url": "URL/permissions", "auth": "bearer"}, "revoke": {
        "style": "rfc7009", "url": "URL/revoke"}},
}


MORE = {"proven": {"variables": [
    {"name": "shop", "where": "host", "pattern": "[a-z]+", "default": "acme", "desc": "whose"}]}}


class Quirks:
    def __init__(self, make_gate, certificate, authority):
        self.made = MadeUp(certificate)
        self.public = f"http://127.0.0.1:{free_port()}"
        contents = [quirky(self.made, authority, name, json.loads(json.dumps(oauth2).replace(
            "URL", self.made.url)), **MORE.get(name, {})) for name, oauth2 in QUIRKS.items()]
        contents.append(quirky(
            self.made, authority, "instance", {"response_vars": ["api_host"]},
            base_url=f"https://{{api_host}}:{self.made.port}", variables=[
                {"name": "api_host", "where": "host", "pattern": "local[a-z]+",
                 "desc": "where the API is"}]))
        contents.append(quirky(
            self.made, authority, "origin", {"response_vars": ["instance_url"]},
            base_url="{instance_url}", variables=[
                {"name": "instance_url", "where": "host", "desc": "where the API is",
                 "pattern": "^https://localhost:[0-9]+$"}]))
        contents.append(quirky(self.made, authority, "guarded", {}, allow=[],
                               base_url="https://api.example.com"))
        self.impostor = MadeUp(authority.issue("impostor", self_signed=True))
        contents.append(quirky(self.made, authority, "impostor",
                               {"token_url": self.impostor.url + "/token"}))
        self.clients = {content["id"]: f"client-of-{content['id']}" for content in contents}
        self.gate = make_gate(contents, settings={
            "public": {"listen": [self.public.removeprefix("http://")], "url": self.public},
            "oauth_clients": {name: {"client_id": client, "client_secret": self._secret_file()}
                              for name, client in self.clients.items()}})
        self.secret = self.gate.planted.plant("client secret", self.secret)
        self.runs = 0

    def _secret_file(self):
        if not hasattr(self, "directory"):
            self.directory = room("quirks")
            self.secret = "sp" + secrets.token_hex(20)
            file = self.directory / "secret"
            file.touch(mode=0o600)
            file.write_text(self.secret)
        return f"file:{self.directory / 'secret'}"

    def tokens(self, **changes):
        """An answer of the token endpoint, whose access token the API then takes."""
        found = {"access_token": self.gate.planted.plant("access token"), "token_type": "Bearer",
                 "refresh_token": self.gate.planted.plant("refresh token"), "expires_in": 3600,
                 **changes}
        found = {name: value for name, value in found.items() if value is not None}
        if "access_token" in found:
            self.made.good.add(found["access_token"])
        return found

    def begin(self, provider, **asked):
        status, answer = self.gate.api("POST", "/api/connect/initiate", {
            "workspace": "acme", "user": "ann", "provider": provider,
            "scopes": ["a:read", "b:write"], **asked})
        assert status in (200, 201), answer
        self.gate.heard.pop()  # The one answer that a state belongs in.
        self.gate.planted.plant("state", parameters_of(answer["authorize_url"])["state"])
        return answer["connection_id"], parameters_of(answer["authorize_url"])

    def come_back(self, asked):
        return visit(self, changed(self.public + "/api/connect/callback", state=asked["state"],
                                   code=self.gate.planted.plant("code")))

    def authorise(self, provider, *answers, **asked):
        """The whole way; (the connection's id, what the authorisation request held)."""
        connection, sent = self.begin(provider, **asked)
        self.made.tells(*(answers or [self.tokens()]))
        page = self.come_back(sent)
        assert page.status_code == 200, page.text
        return connection, sent

    def record(self, connection):
        return self.gate.api("GET", f"/api/connect/connections/{connection}")[1]

    def call(self, provider, connection, method="GET"):
        self.runs += 1
        token = self.gate.run_token(f"quirk-{self.runs}", connection)
        return self.gate.call(method, f"/{provider}/api/x", token)

    def expire(self, connection, tokens):
        self.gate.cli("connection", "update", connection, "--secret-file", "-", stdin=json.dumps({
            "access_token": tokens["access_token"], "refresh_token": tokens["refresh_token"],
            "expires_at": ago(60)}))
        self.made.good.discard(tokens["access_token"])


@pytest.fixture(scope="module")
def quirks(make_gate, certificate, authority):
    made = Quirks(make_gate, certificate, authority)
    yield made
    made.made.stop()
    made.impostor.stop()
    discard(made.directory)


@pytest.fixture(autouse=True)
def nothing_left_to_say(quirks):
    quirks.made.answers.clear()


@pytest.mark.parametrize("provider", [name for name in QUIRKS
                                      if name not in ("nested", "proven", "reads-back")])
def test_the_journey_ends_well_and_is_refreshed(quirks, provider):
    tokens = quirks.tokens(scope=None if provider == "no-scopes" else "a:read b:write")
    connection, _ = quirks.authorise(provider, tokens)
    assert quirks.record(connection)["status"] == "active"
    assert quirks.call(provider, connection).status == 200
    fresh = quirks.tokens()
    quirks.expire(connection, tokens)
    quirks.made.tells(fresh)
    assert quirks.call(provider, connection).status == 200
    _, fields = quirks.made.asked()
    assert fields["grant_type"] == "refresh_token"
    assert fields["refresh_token"] == tokens["refresh_token"]


def test_parameters_go_by_the_providers_names(quirks):
    _, sent = quirks.authorise("renamed")
    assert sent["client_key"] == "client-of-renamed" and "client_id" not in sent
    assert sent["permissions"] == "a:read b:write" and "scope" not in sent
    _, fields = quirks.made.asked()
    assert fields["client_key"] == "client-of-renamed" and "client_id" not in fields


def test_a_token_request_may_be_json(quirks):
    quirks.authorise("json")
    request, fields = quirks.made.asked()
    assert request.value("Content-Type") == "application/json"
    assert fields["client_secret"] == quirks.secret and fields["code_verifier"]


def test_a_client_may_prove_itself_in_a_header_alone(quirks):
    quirks.authorise("basic")
    request, fields = quirks.made.asked()
    pair = f"client-of-basic:{quirks.secret}".encode()
    assert request.value("Authorization") == "Basic " + base64.b64encode(pair).decode()
    assert "client_secret" not in fields and quirks.secret not in text_of(request)


def test_headers_and_parameters_of_the_file_are_sent(quirks):
    _, sent = quirks.authorise("headers")
    request, fields = quirks.made.asked()
    assert sent["prompt"] == "consent" and "audience" not in sent
    assert fields["audience"] == "the-api" and "prompt" not in fields
    assert request.values("Accept") == ["application/vnd.quirk+json"]
    assert request.values("X-Api-Version") == ["3"]


def test_scopes_are_separated_as_the_file_says(quirks):
    assert quirks.authorise("commas", quirks.tokens(scope="a:read,b:write"))[1]["scope"] \
        == "a:read,b:write"
    assert "scope" not in quirks.authorise("no-scopes")[1]
    connection, _ = quirks.authorise("commas", quirks.tokens(scope="a:read"))
    assert quirks.record(connection)["scopes_granted"] == ["a:read"]


def test_no_proof_is_sent_to_who_chokes_on_it(quirks):
    _, sent = quirks.authorise("unproven")
    assert not {name for name in sent if name.startswith("code_challenge")}
    assert "code_verifier" not in quirks.made.asked()[1]
    assert "code_challenge" in quirks.authorise("plain")[1]


def signed(key, **fields):
    """As Shopify signs a callback: all of it but the signature."""
    text = "&".join(f"{name}={value}" for name, value in sorted(fields.items()))
    return {**fields, "hmac": hmac.new(key.encode(), text.encode(), "sha256").hexdigest()}


def test_a_callback_that_its_provider_signs_is_checked(quirks):
    def come_back(forge=lambda fields: fields, key=quirks.secret, shop="acme"):
        connection, sent = quirks.begin("proven")
        quirks.made.tells(quirks.tokens())
        fields = signed(key, state=sent["state"], code=quirks.gate.planted.plant("code"),
                        shop=f"{shop}.quirk.example", timestamp="1", host="aG9zdA")
        before = len(quirks.made.seen("/token"))
        page = visit(quirks, changed(quirks.public + "/api/connect/callback", **forge(fields)))
        return page.status_code, len(quirks.made.seen("/token")) - before, connection

    status, asked, connection = come_back()
    assert (status, asked) == (200, 1) and quirks.record(connection)["status"] == "active"
    for wrong in ({"key": "another-secret"}, {"shop": "other"},
                  {"forge": lambda fields: {**fields, "hmac": None}},
                  {"forge": lambda fields: {**fields, "hmac": "0" * 64}},
                  {"forge": lambda fields: {**fields, "code": "another"}},
                  {"forge": lambda fields: {**fields, "more": "1"}}):
        status, asked, connection = come_back(**wrong)
        assert (status, asked) == (400, 0), wrong
        assert quirks.record(connection)["status"] == "added"
        line, = quirks.gate.trail.lines("connection.authorized", connection_id=connection)
        assert line["code"] == "forged_callback"


def test_scopes_that_the_token_answer_leaves_unsaid_are_asked_for(quirks):
    told = {"data": [{"permission": "a:read", "status": "granted"},
                     {"permission": "b:write", "status": "declined"}]}
    asked = []

    def permissions(exchange):
        asked.append(exchange.request.value("Authorization"))
        exchange.json(told, 200 if told else 500)

    quirks.made.on("GET", "/permissions", permissions)
    tokens = quirks.tokens(scope=None)
    connection, _ = quirks.authorise("reads-back", tokens)
    assert asked == [f"Bearer {tokens['access_token']}"]
    assert quirks.record(connection)["scopes_granted"] == ["a:read"]
    assert quirks.call("reads-back", connection).status == 200
    told.clear()
    connection, sent = quirks.begin("reads-back")
    tokens = quirks.tokens(scope=None)
    quirks.made.tells(tokens, {}, {})
    assert quirks.come_back(sent).status_code == 503
    assert quirks.record(connection)["status"] == "added"
    assert fields_of(quirks.made.seen("/revoke")[-1])["token"] == tokens["access_token"]


def test_a_token_may_stand_deeper_in_the_answer(quirks):
    inner = quirks.tokens()
    answer = {"ok": True, "access_token": quirks.gate.planted.plant("bot token"),
              "token_type": "bot", "authed_user": inner}
    connection, _ = quirks.authorise("nested", answer, variant="user")
    assert quirks.call("nested", connection).status == 200
    connection, _ = quirks.authorise("nested", {**answer, "access_token":
                                                quirks.tokens()["access_token"]}, variant="bot")
    assert quirks.call("nested", connection).status == 200


def test_the_answer_says_where_the_api_is(quirks):
    connection, _ = quirks.authorise("instance", quirks.tokens(api_host="localhost"))
    assert quirks.record(connection)["variables"] == {"api_host": "localhost"}
    answer = quirks.call("instance", connection)
    assert answer.status == 200, answer.raw


def test_the_answer_may_say_it_with_scheme_and_port(quirks):
    connection, _ = quirks.authorise("origin", quirks.tokens(instance_url=quirks.made.url))
    assert quirks.record(connection)["variables"] == {"instance_url": quirks.made.url}
    answer = quirks.call("origin", connection)
    assert answer.status == 200, answer.raw


def test_an_address_that_the_file_does_not_allow_is_no_place_for_a_token(quirks):
    connection, sent = quirks.begin("instance")
    quirks.made.tells(quirks.tokens(api_host="evil.example"))
    assert quirks.come_back(sent).status_code >= 400
    record = quirks.record(connection)
    assert record["status"] != "active" and "evil" not in str(record["variables"])


def test_a_token_endpoint_on_a_private_network_is_not_spoken_to(quirks):
    """The guard of calls holds for what is said to authorisation servers too."""
    before = quirks.made.connections
    connection, sent = quirks.begin("guarded")
    page = quirks.come_back(sent)
    assert page.status_code >= 400 and quirks.made.connections == before
    assert quirks.record(connection)["status"] != "active"


def test_a_token_endpoint_that_cannot_prove_who_it_is_hears_nothing(quirks):
    connection, sent = quirks.begin("impostor")
    assert quirks.come_back(sent).status_code >= 400
    assert quirks.impostor.requests == [] and quirks.impostor.connections >= 1
    assert quirks.record(connection)["status"] != "active"


@pytest.mark.parametrize("answer", [
    {"access_token": ""}, {"access_token": None}, {"access_token": 7},
    {"access_token": "a\r\nX-Evil: 1"}, {"token_type": "mac"}, {"access_token": "x" * 70000},
    {"error": "invalid_grant"}, {"expires_in": 3600.5}, {"expires_in": -5},
    {"expires_in": "soon"}],
    ids=["empty", "none", "number", "lines", "mac", "long", "error", "fraction", "past", "soon"])
def test_an_answer_that_is_none_connects_nothing(quirks, answer):
    connection, sent = quirks.begin("plain")
    quirks.made.tells(quirks.tokens(**answer))
    page = quirks.come_back(sent)
    assert page.status_code >= 400 and "X-Evil" not in page.text
    assert quirks.record(connection)["status"] != "active"


def test_a_redirect_is_not_followed(quirks):
    connection, sent = quirks.begin("plain")
    there = []
    quirks.made.on("*", "/elsewhere", lambda exchange: there.append(exchange.json({})))
    quirks.made.routes.insert(0, ("POST", re.compile("/token"), lambda exchange:
                                  exchange.answer(307, b"", [("Location", "/elsewhere")])))
    try:
        assert quirks.come_back(sent).status_code >= 400
    finally:
        quirks.made.routes.pop(0)
    assert there == [] and quirks.record(connection)["status"] != "active"


@pytest.mark.parametrize("value", [None, "3600", 0], ids=str)
def test_any_expiry_is_survived(quirks, value):
    connection, _ = quirks.authorise("plain", quirks.tokens(expires_in=value, scope="a:read"))
    assert quirks.record(connection)["status"] == "active"
    quirks.made.tells(quirks.tokens())
    assert quirks.call("plain", connection).status == 200


def test_a_refresh_token_that_does_not_come_anew_is_kept(quirks):
    first = quirks.tokens(scope="a:read")
    connection, _ = quirks.authorise("stable", first)
    server_says = [quirks.tokens(refresh_token=None, expires_in=1) for _ in range(2)]
    quirks.expire(connection, first)
    quirks.made.tells(*server_says)
    assert quirks.call("stable", connection).status == 200
    quirks.made.good.discard(server_says[0]["access_token"])

    def again():
        return quirks.call("stable", connection).status == 200 and \
            quirks.made.asked()[1]["refresh_token"] == first["refresh_token"]

    until(again, "a second refresh with the first token")
