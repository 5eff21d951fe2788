"""The refusal table of the contract, row by row, for a caller who is known."""
import pytest
from harness import catalogue, routes
from harness.checks import assert_forwarded, assert_refused, faceless
from harness.provider import Provider

PAGE = "https://connect.example/page"


@pytest.fixture(scope="module")
def github(certificate):
    provider = routes.like_github(Provider(certificate))
    yield provider
    provider.stop()


@pytest.fixture(scope="module")
def gate(make_gate, github, authority, certificate):
    elsewhere = Provider(certificate)
    started = make_gate([catalogue.github(github.url, authority),
                         catalogue.laboratory(elsewhere.url, authority, "elsewhere")])
    secret = started.planted.plant("credential of github")
    github.authorization = f"Bearer {secret}"
    started.connection = started.connect("github", secret, scopes="repo,read:user")
    started.token = started.run_token("r1", started.connection)
    yield started
    elsewhere.stop()


@pytest.fixture
def nothing_sent(github):
    before = len(github.requests)
    yield
    assert len(github.requests) == before, github.requests[before:]


def assert_points_at(problem, connection):
    assert problem["authorize_url"].startswith(PAGE), problem
    assert "github" in problem["authorize_url"] and connection in problem["authorize_url"]


def test_what_is_allowed_arrives_and_is_recorded(gate, github):
    answer = gate.call("GET", "/github/repos/o/r?per_page=2&token_like=x", gate.token)
    assert (answer.status, answer.json()["full_name"]) == (200, "o/r")
    request = github.only("/repos/o/r?")
    assert request.target == "/repos/o/r?per_page=2&token_like=x"
    assert request.authorized and request.value("X-Api-Version") == "7"
    assert request.value("Host") == f"localhost:{github.port}"
    intent, _ = assert_forwarded(
        gate, answer, request, workspace="acme", app="tests", run="r1", user="ann",
        connection_id=gate.connection, provider="github", path="/repos/o/r",
        query_keys=["per_page", "token_like"], operation="repos.get", scopes_used=["public_repo"])
    assert intent["class"] == "read" and intent["host"].startswith("localhost")


def test_scopes_granted_imply_others_and_are_named(gate):
    answer = gate.call("POST", "/github/repos/o/r/issues", gate.token,
                       body=b'{"title": "a bug"}')
    assert (answer.status, answer.json()["title"]) == (201, "a bug")
    intent, outcome = gate.trail.call(answer.call_id)
    assert intent["operation"] == "issues.create" and intent["scopes_used"] == ["public_repo"]
    assert outcome["status"] == 201


def test_a_missing_scope_is_named_per_alternative(gate, nothing_sent):
    token = gate.run_token("r-scopes", gate.connection, more=("--access", "destructive"))
    problem = assert_refused(gate, gate.call("DELETE", "/github/repos/o/r", token),
                             403, "scope_missing")
    assert problem["operation"] == "repos.delete"
    assert sorted(problem["missing_scopes"]) == [["admin"], ["delete_repo"]]
    assert sorted(problem["granted_scopes"]) == ["read:user", "repo"]
    assert_points_at(problem, gate.connection)


def test_a_run_may_be_narrowed_below_its_connection(gate, nothing_sent):
    token = gate.run_token("r-narrow", gate.connection, more=("--scopes", "github=public_repo"))
    assert_refused(gate, gate.call("GET", "/github/user", token), 403, "scope_missing")


def test_a_manifest_narrows_a_run_to_what_its_tools_need(gate, github):
    manifest = gate.directory / "app.yaml"
    manifest.write_text(
        "tools:\n  - {name: list_issues, connector: github, scopes: [public_repo]}\n")
    token = gate.run_token("r-manifest", gate.connection, more=("--manifest", manifest))
    assert gate.call("GET", "/github/repos/o/r/issues?manifest", token).status == 200
    assert_refused(gate, gate.call("GET", "/github/user", token), 403, "scope_missing")
    assert github.only("/issues?manifest").authorized


def test_a_run_cannot_be_widened_beyond_its_connection(gate, nothing_sent):
    token = gate.mint({"github": gate.connection}, "r-wide", access="destructive",
                      scopes={"github": ["delete_repo", "repo"]})
    assert_refused(gate, gate.call("DELETE", "/github/repos/o/r", token), 403, "scope_missing")


@pytest.mark.parametrize("method, path", [("GET", "/github/nobody/named/this"),
                                          ("PUT", "/github/user"), ("GET", "/github/")])
def test_what_no_rule_names_is_denied(gate, nothing_sent, method, path):
    assert_refused(gate, gate.call(method, path, gate.token), 403, "operation_denied")


def test_an_operation_above_the_runs_access_is_denied(gate, nothing_sent):
    reader = gate.run_token("r-read", gate.connection, more=("--access", "read"))
    answer = gate.call("POST", "/github/repos/o/r/issues", reader, body=b"{}")
    problem = assert_refused(gate, answer, 403, "operation_denied")
    assert problem["operation"] == "issues.create"
    able = gate.connect("github", scopes="delete_repo", more=("--name", "able"))
    writer = gate.run_token("r-write", able)
    problem = assert_refused(gate, gate.call("DELETE", "/github/repos/o/r", writer),
                             403, "operation_denied")
    assert problem["operation"] == "repos.delete"


@pytest.mark.parametrize("path", ["/nowhere/user", "/", "/github@evil.example/user",
                                  "/GITHUB/user", "/github@localhost:1/user"])
def test_a_provider_or_host_nobody_named_is_unknown(gate, nothing_sent, path):
    assert_refused(gate, gate.call("GET", path, gate.token), 404, "unknown_provider")


@pytest.mark.parametrize("target", [
    "http://169.254.169.254/latest/meta-data", "http://localhost:1/user", "http://2130706433/user",
    "http://[::ffff:127.0.0.1]/user", "http://0x7f.1/user", "http://evil.example/user"])
def test_an_absolute_target_nobody_named_is_unknown(gate, nothing_sent, target):
    answer = gate.call("GET", target, headers=[("Proxy-Authorization", f"Bearer {gate.token}")])
    assert_refused(gate, answer, 404, "unknown_provider")


@pytest.mark.parametrize("method, target", [("TRACE", "/github/user"),
                                            ("CONNECT", "localhost:443")])
def test_methods_that_are_not_served_are_refused(gate, nothing_sent, method, target):
    answer = gate.call(method, target, gate.token)
    assert_refused(gate, answer, 405, "method_not_allowed")
    assert gate.token.encode() not in answer.raw


def test_a_connection_the_run_may_not_use_cannot_be_told_from_none(gate, nothing_sent):
    """Another workspace's, another user's, another provider's, or one that never was."""
    others = [gate.connect("github", workspace="rival", scopes="repo"),
              gate.connect("github", user="bob", scopes="repo"),
              gate.connect("elsewhere"),
              "conn_01JDZZZZZZZZZZZZZZZZZZZZZZ"]
    token = gate.mint([gate.connection, *others], "r-others")
    faces = []
    for each in others:
        answer = gate.call("GET", "/github/user", token, [("Connection-Id", each)])
        assert_refused(gate, answer, 403, "connection_forbidden")
        headers, start, body = faceless(answer)
        faces.append((headers, start, body.replace(each, "CONNECTION")))
    assert all(face == faces[0] for face in faces), faces


def test_a_connection_outside_the_token_is_forbidden(gate, nothing_sent):
    other = gate.connect("github", scopes="repo", more=("--name", "spare"))
    assert_refused(gate, gate.call("GET", "/github/user", gate.token, [("Connection-Id", other)]),
                   403, "connection_forbidden")
    bare = gate.run_token("r-none")
    assert_refused(gate, gate.call("GET", "/github/user", bare), 403, "connection_forbidden")


def test_a_connection_shared_with_the_workspace_serves_its_other_users(gate, github):
    secret = github.authorization.removeprefix("Bearer ")
    shared = gate.connect("github", secret, user="bob", scopes="user",
                          more=("--shared", "--name", "everyone's"))
    token = gate.mint({"github": shared}, "r-shared", sub="carol")
    assert gate.call("GET", "/github/user", token).status == 200


def test_two_candidates_need_a_choice(gate, github):
    secret = github.authorization.removeprefix("Bearer ")
    second = gate.connect("github", secret, scopes="user", more=("--name", "second"))
    token = gate.run_token("r-two", gate.connection, second)
    problem = assert_refused(gate, gate.call("GET", "/github/user", token),
                             409, "connection_ambiguous")
    assert gate.connection in str(problem["candidates"]) and second in str(problem["candidates"])
    answer = gate.call("GET", "/github/user?chosen", token, [("Connection-Id", second)])
    assert answer.status == 200
    assert gate.trail.call(answer.call_id)[0]["connection_id"] == second
    assert github.only("/user?chosen").value("Connection-Id") is None


def test_states_other_than_active_are_refused(gate, nothing_sent):
    connection = gate.connect("github", scopes="user", more=("--name", "states"))
    token = gate.run_token("r-states", connection)
    gate.cli("connection", "deactivate", connection)
    problem = assert_refused(gate, gate.call("GET", "/github/user", token),
                             403, "connection_inactive")
    assert problem["connection_status"] == "inactive"
    assert_points_at(problem, connection)
    gate.cli("connection", "revoke", connection)
    problem = assert_refused(gate, gate.call("GET", "/github/user", token),
                             403, "connection_revoked")
    assert (problem["provider"], problem["connection_id"]) == ("github", connection)
    assert_points_at(problem, connection)
    answered = gate.cli("connection", "activate", connection, expect=1)
    assert b"revoked" in answered.stderr


def test_a_connection_never_authorised_is_inactive(gate, nothing_sent):
    status, made = gate.api("POST", "/api/connect/connections",
                            {"workspace": "acme", "user": "ann", "provider": "github",
                             "kind": "bearer", "name": "bare", "scopes_granted": ["user"]})
    assert status == 201 and made["status"] == "added", made
    token = gate.run_token("r-added", made["id"])
    problem = assert_refused(gate, gate.call("GET", "/github/user", token),
                             403, "connection_inactive")
    assert problem["connection_status"] == "added"


def test_the_trail_proves_itself_after_all_this(gate):
    gate.verify()
    gate.assert_no_leaks()
