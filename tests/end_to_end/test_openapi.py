"""The control API held against its own description: every route of it, with the right token, a
wrong one, none, and every role; and no answer holds a secret."""
import re
import uuid

import jsonschema
import pytest
from harness import catalogue
from harness.control_api import ControlApi

NOWHERE = "conn_01JD0000000000000000000000"


@pytest.fixture(scope="module")
def api(make_gate, lab_provider, authority):
    gate = make_gate(
        [catalogue.laboratory(lab_provider.url, authority, "bench")],
        environment={"PLATFORM_TOKEN": "platform-" + uuid.uuid4().hex,
                     "AUDITOR_TOKEN": "auditor-" + uuid.uuid4().hex},
        settings={"control": {"tokens": [
            {"role": "admin", "token": "file:control.token", "workspaces": ["*"]},
            {"role": "platform", "token": "env:PLATFORM_TOKEN", "workspaces": ["acme"]},
            {"role": "auditor", "token": "env:AUDITOR_TOKEN", "workspaces": ["*"]}]}})
    made = ControlApi(gate)
    made.tokens = {"admin": made.admin, "platform": gate.environment["PLATFORM_TOKEN"],
                   "auditor": gate.environment["AUDITOR_TOKEN"]}
    for role, token in made.tokens.items():
        gate.planted.plant(f"control token of {role}", token)
    return made


def filled(path):
    """The path with names in it that nothing has."""
    return re.sub("{(provider_id|run|call_id)}", "nobody", path.replace("{id}", NOWHERE))


def test_the_description_is_an_openapi_document(api):
    document = api.describe()
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"] and document["info"]["version"]
    for name, schema in document["components"]["schemas"].items():
        assert re.fullmatch(r"[a-z_]+", name)
        jsonschema.Draft202012Validator.check_schema(schema)
    for path, methods in document["paths"].items():
        assert path.startswith("/")
        for method, operation in methods.items():
            assert method in ("get", "post", "put", "patch", "delete")
            assert operation["summary"] and operation["responses"]
            named = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path)), path
            for one in operation["parameters"]:
                assert one["in"] in ("path", "query", "header") and one["description"]
                assert one["required"] or one["in"] != "path"
            for status, response in operation["responses"].items():
                assert re.fullmatch(r"[2345]\d\d", status) and response["description"]


def test_every_route_asks_for_a_token_and_the_right_role(api):
    count = 0
    for method, path, operation in api.operations():
        count += 1
        target, body = filled(path), {} if "requestBody" in operation else None
        is_open = operation.get("security") == []
        none = api.ask(method, target, body, token=None)
        wrong = api.ask(method, target, body, token="wrong-token")
        if is_open:
            api.assert_described(method, path, none)
            assert none.status != 401 and wrong.status != 401
            continue
        for answer, code in ((none, "token_missing"), (wrong, "token_invalid")):
            assert (answer.status, answer.code()) == (401, code), (method, path)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            api.assert_described(method, path, answer)
        for role, token in api.tokens.items():
            if role not in operation["x-roles"]:
                answer = api.ask(method, target, body, token=token)
                assert (answer.status, answer.code()) == (403, "forbidden"), (method, path, role)
                api.assert_described(method, path, answer)
    assert count >= 27


def test_every_route_answers_what_it_says_to_names_that_nothing_has(api):
    for method, path, operation in api.operations():
        if (method, path) == ("POST", "/api/reload"):
            continue
        for role in operation["x-roles"]:
            for body in ([{}, {"odd": 1}, {"workspace": 7}] if "requestBody" in operation
                         else [None]):
                answer = api.ask(method, filled(path), body, token=api.tokens[role])
                assert answer.status not in (401, 500), (method, path, answer.body)
                api.assert_described(method, path, answer)


def test_every_route_does_what_it_says(api):
    """The whole table, once, in an order in which each can succeed."""
    gate, done = api.gate, set()

    def ask(method, path, body=None, status=200, token="", headers=(), **named):
        target, _, query = path.partition("?")
        answer = api.ask(method, path.format(**named), body, token, headers)
        assert answer.status == status, (method, path, answer.body)
        api.assert_described(method, target, answer)
        operation = api.describe()["paths"][target][method.lower()]
        known = {one["name"] for one in operation["parameters"] if one["in"] == "query"}
        assert {part.partition("=")[0] for part in query.split("&") if part} <= known
        if body is not None:
            api.validate(operation["requestBody"]["content"]["application/json"]["schema"], body)
        done.add((method, target))
        return answer.json() if answer.body and "json" in answer.headers["Content-Type"] else None

    def secret():
        return gate.planted.plant("credential in a body")

    for path in ("/healthz", "/readyz"):
        ask("GET", path, token=None)
    ask("GET", "/metrics", token=api.tokens["auditor"])
    ask("GET", "/api/openapi.json", token=api.tokens["auditor"])
    ask("POST", "/api/reload")
    assert ask("GET", "/api/connect/providers?limit=1")["items"][0]["id"] == "bench"
    ask("GET", "/api/connect/providers/{id}", id="bench")

    connections = "/api/connect/connections"
    one = ask("POST", connections, {
        "workspace": "acme", "user": "ann", "provider": "bench", "name": "work",
        "scopes": ["*"], "settings": {"timeout": "5s"}, "credential": {"secret": secret()}}, 201)
    ask("GET", connections + "?workspace=acme&user=ann&limit=10", token=api.tokens["platform"])
    shown = api.ask("GET", f"{connections}/{one['id']}")
    ask("GET", connections + "/{id}", id=one["id"])
    ask("GET", connections + "/{id}", status=304, id=one["id"],
        headers={"If-None-Match": shown.headers["ETag"]})
    ask("PATCH", connections + "/{id}", {"name": "home", "credential": {"secret": secret()}},
        id=one["id"], headers={"If-Match": shown.headers["ETag"]})
    ask("PATCH", connections + "/{id}", {"name": "lost"}, 412, id=one["id"],
        headers={"If-Match": shown.headers["ETag"]})
    ask("POST", connections + "/{id}/deactivate", id=one["id"])
    ask("POST", connections + "/{id}/activate", id=one["id"])
    ask("GET", "/api/connect/status?workspace=acme&user=ann&provider=bench")
    report = ask("POST", "/api/connect/status", {
        "workspace": "acme", "user": "ann", "connects": [
            "bench", {"type": "category", "id": "email", "is_required": False, "label": "Any"}]})
    assert report["is_satisfied"] is True

    run = {"workspace": "acme", "user": "ann", "app": "tests", "run": "described",
           "connections": [one["id"]], "scopes": {"bench": ["*"]}, "access": "read", "ttl": "5m",
           "connects": ["bench"]}
    started = ask("POST", "/api/runs", run, 201)
    gate.planted.plant("run token", started["token"])
    unmet = ask("POST", "/api/runs", {**run, "run": "unmet", "connects": [
        {"type": "category", "id": "email"}]}, 422)
    assert [each["id"] for each in unmet["requirements"]] == ["email"]
    ask("GET", "/api/runs?workspace=acme&limit=5")
    ask("DELETE", "/api/runs/{run}?workspace=acme", status=204, run="described")

    ask("GET", "/api/audit?workspace=acme&limit=3", token=api.tokens["auditor"])
    ask("GET", "/api/audit/stream", token=api.tokens["auditor"])
    ask("GET", "/api/keys")
    ask("GET", "/api/keys?workspace=acme")
    ask("POST", "/api/keys/rotate", {"workspace": "acme"})
    ask("POST", "/api/keys/rotate", {"master": True})
    backup = ask("GET", "/api/vault/backup?part=connections")
    ask("POST", "/api/vault/restore", {"items": backup["items"]})
    ask("GET", connections + "/{id}/refreshes", id=one["id"])
    ask("POST", connections + "/{id}/revoke", id=one["id"])
    ask("DELETE", connections + "/{id}", status=204, id=one["id"])
    ask("POST", connections, {"workspace": "shredded", "user": "ann", "provider": "bench",
                              "credential": {"secret": secret()}}, 201)
    ask("POST", "/api/keys/shred", {"workspace": "shredded", "confirm": "shredded"})

    # The authorisation of a connection at a provider, and bodies, have tests of their own.
    elsewhere = {(method, path) for method, path, _ in api.operations()
                 if re.search("/(initiate|complete|cancel|refresh|test|bodies)|connect/{", path)}
    described = {(method, path) for method, path, _ in api.operations()}
    assert described - done <= elsewhere, described - done


def test_a_token_for_one_workspace_learns_nothing_of_another(api):
    secret = api.gate.planted.plant("credential of another workspace")
    foreign = api.ask("POST", "/api/connect/connections", {
        "workspace": "globex", "user": "ann", "provider": "bench",
        "credential": {"secret": secret}}).json()["id"]
    platform = api.tokens["platform"]
    for method, path, operation in api.operations():
        if "{id}" not in path or "platform" not in operation["x-roles"] or "connections" not in path:
            continue
        body = {"name": "x"} if "requestBody" in operation else None
        answers = [api.ask(method, path.replace("{id}", each), body, platform)
                   for each in (foreign, NOWHERE)]
        assert [each.status for each in answers] == [404, 404], (method, path)
        assert answers[0].body == answers[1].body
    listed = api.ask("GET", "/api/connect/connections", token=platform).json()["items"]
    assert foreign not in [each["id"] for each in listed]
    run = api.ask("POST", "/api/runs", {
        "workspace": "acme", "user": "ann", "app": "x", "run": "foreign",
        "connections": [foreign]}, token=platform)
    nobody = api.ask("POST", "/api/runs", {
        "workspace": "acme", "user": "ann", "app": "x", "run": "foreign",
        "connections": [NOWHERE]}, token=platform)
    assert (run.status, run.body) == (nobody.status, nobody.body) and run.status == 422
