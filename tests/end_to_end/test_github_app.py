"""An installation of a GitHub App: its key signs for the App, GitHub sells a token of an hour, and
calls carry that."""
import json
import time
from datetime import datetime, timezone

import pytest
from harness.app_lab import Key, parse
from harness.checks import assert_refused
from harness.github_app import GithubApp
from harness.processes import until

APP, INSTALLATION = "12345", "67890"
PERMISSIONS = {"contents": "write", "metadata": "read"}
REPOSITORY = "/github/repos/o/r"


class Installed:
    def __init__(self, make_gate, certificate, authority):
        self.github = GithubApp(certificate, authority)
        self.gate = make_gate([self.github.file()])
        self.key = Key()
        self.github.install(APP, INSTALLATION, self.key, PERMISSIONS)
        for line in self.key.pem.splitlines()[1:-2]:
            self.gate.planted.plant("a line of the key", line)
        self.connections = 0

    def connect(self, scopes="metadata:read,contents:write", **changes):
        self.connections += 1
        name = f"installation-{self.connections}"
        secret = {"app_id": APP, "installation_id": INSTALLATION, "private_key": self.key.pem,
                  **changes}
        connection = self.gate.connect("github", json.dumps(secret), scopes=scopes,
                                       more=("--kind", "oauth2", "--name", name))
        return connection, self.gate.run_token(name, connection, more=("--access", "destructive"))

    def record(self, connection):
        return self.gate.api("GET", f"/api/connect/connections/{connection}")[1]

    def close(self):
        for token in self.github.tokens:
            self.gate.planted.plant("installation token", token)
        self.github.stop()


@pytest.fixture(scope="module")
def installed(make_gate, certificate, authority):
    made = Installed(make_gate, certificate, authority)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def an_hour(installed):
    yield
    installed.github.lifetime = 3600


def sold(installed):
    return len(installed.github.tokens)


def test_an_app_acts_as_its_installation(installed):
    connection, token = installed.connect()
    before = sold(installed)
    answer = installed.gate.call("GET", REPOSITORY, token)
    assert answer.status == 200 and answer.json() == {"installation": INSTALLATION}
    assert installed.gate.call("GET", REPOSITORY, token).status == 200
    assert sold(installed) == before + 1, "a token serves until it ends"
    record = installed.record(connection)
    assert record["status"] == "active"
    assert set(record["scopes_granted"]) == {"contents:write", "metadata:read"}
    hour = parse(record["expires_at"]) - datetime.now(timezone.utc)
    assert 3500 < hour.total_seconds() <= 3600
    request = installed.github.seen("/access_tokens")[-1]
    assert request.value("Accept") == "application/vnd.github+json"
    claims = installed.github.proofs[-1]
    assert claims["iss"] == APP and claims["exp"] - time.time() <= 600
    line, = installed.gate.trail.lines("connection.refreshed", connection_id=connection)
    assert line["provider"] == "github" and "code" not in line


def test_a_token_that_ends_is_bought_anew(installed):
    installed.github.lifetime = 4
    connection, token = installed.connect()
    assert installed.gate.call("GET", REPOSITORY, token).status == 200
    first = installed.record(connection)["expires_at"]
    until(lambda: datetime.now(timezone.utc) > parse(first), "the token to end")
    installed.github.lifetime = 3600
    assert installed.gate.call("GET", REPOSITORY, token).status == 200
    assert installed.record(connection)["expires_at"] > first


def test_a_token_that_was_taken_back_is_bought_anew_and_the_call_made_again(installed):
    _, token = installed.connect()
    assert installed.gate.call("GET", REPOSITORY, token).status == 200
    installed.github.end(list(installed.github.tokens)[-1])
    before = sold(installed)
    assert installed.gate.call("GET", REPOSITORY, token).status == 200
    assert sold(installed) == before + 1


def test_what_the_installation_may_not_do_is_refused_here(installed):
    """The App was given less than the connection says: what GitHub says counts."""
    installed.github.install(APP, "555", installed.key, {"metadata": "read"})
    connection, token = installed.connect(installation_id="555")
    assert installed.gate.call("GET", REPOSITORY, token).status == 200
    assert installed.record(connection)["scopes_granted"] == ["metadata:read"]
    answer = installed.gate.call("PUT", REPOSITORY + "/contents/x", token, (), b"x")
    assert_refused(installed.gate, answer, 403, "scope_missing")


def test_a_key_that_is_not_the_apps_buys_nothing(installed):
    """Nor does a clock that is wrong: it is not the user who can cure that."""
    connection, token = installed.connect(private_key=Key().pem)
    before = sold(installed)
    answer = installed.gate.call("GET", REPOSITORY, token)
    assert_refused(installed.gate, answer, 503, "refresh_failed")
    assert sold(installed) == before and installed.record(connection)["status"] == "active"


def test_an_app_that_was_uninstalled_has_to_be_installed_again(installed):
    connection, token = installed.connect(installation_id="404")
    answer = installed.gate.call("GET", REPOSITORY, token)
    assert_refused(installed.gate, answer, 403, "reauth_required")
    assert installed.record(connection)["status"] == "reauth_required"


@pytest.mark.parametrize("changes", [
    {"private_key": "no key"}, {"installation_id": ""}, {"app_id": None}, {"owner": "o"},
    {"installation_id": "1/../2"}], ids=lambda changes: "-".join(changes))
def test_what_cannot_be_a_credential_is_refused_at_once(installed, changes):
    secret = {"app_id": APP, "installation_id": INSTALLATION, "private_key": installed.key.pem,
              **changes}
    status, answer = installed.gate.api("POST", "/api/connect/connections", {
        "workspace": "acme", "user": "ann", "provider": "github", "kind": "oauth2",
        "credential": {name: value for name, value in secret.items() if value is not None}})
    assert (status, answer["code"]) == (422, "invalid_credential"), answer
