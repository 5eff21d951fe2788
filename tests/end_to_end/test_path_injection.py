"""A credential that is a part of the path, as a bot's token is: it never comes back."""
import pytest
from harness import catalogue
from harness.provider import Provider

TOKEN = "1234567890:AAF-abcdefghijklmnopqrstuvwxyz012345"
RULES = [catalogue.rule("get", "read", ["*"], "/get{name}"),
         catalogue.rule("call", "write", ["*"], "/{method}"),
         catalogue.rule("file", "read", ["GET"], "/file/{+path}")]


@pytest.fixture(scope="module")
def bot(make_gate, certificate, authority):
    provider = Provider(certificate)

    def echo(exchange):
        target = exchange.request.target
        exchange.json({"ok": True}, status=302 if "Redirect" in target else 200, headers=[
            ("Location", f"https://localhost:{provider.port}{target}"),
            ("Content-Location", target),
            ("Link", f"<{target}>; rel=\"next\"")])

    provider.on("*", "/.*", echo)
    provider.accepts = lambda request: True
    gate = make_gate([catalogue.provider(
        "bot", f"https://localhost:{provider.port}", authority, RULES, verb_semantics="path",
        credentials=[{"kind": "api_key", "inject": [
            {"in": "path", "value": "/bot{secret}"},
            {"in": "path", "under": "/file", "value": "/bot{secret}"}]}])])
    gate.planted.plant("bot token", TOKEN)
    connection = gate.connect("bot", TOKEN, more=("--kind", "api_key"))
    token = gate.run_token("r", connection)

    def call(method, path):
        return gate.call(method, "/bot" + path,
                         headers=[("Proxy-Authorization", f"Bearer {token}")])

    yield gate, provider, call
    provider.stop()


def test_reaches_the_provider_in_the_path_of_methods_and_of_files(bot):
    gate, provider, call = bot
    assert call("GET", "/getMe?a=1").status == 200
    assert provider.only("/getMe").target == f"/bot{TOKEN}/getMe?a=1"
    assert call("GET", "/file/photos/1.jpg").status == 200
    assert provider.only("/photos").target == f"/file/bot{TOKEN}/photos/1.jpg"
    paths = {line["path"] for line in gate.trail.lines("call.intent")}
    assert {"/getMe", "/file/photos/1.jpg"} <= paths


def test_is_taken_out_of_every_reference_that_comes_back(bot):
    gate, _, call = bot
    answer = call("GET", "/getRedirect?page=2")
    assert answer.status == 302
    own = f"{gate.url}/bot/getRedirect?page=2"
    assert answer.value("Location") == own
    assert answer.value("Content-Location") == own
    assert answer.value("Link") == f"<{own}>; rel=\"next\""
    assert TOKEN.encode() not in answer.raw
