"""git itself, against a private repository it holds no password for."""
import pytest
from harness import catalogue
from harness.catalogue import rule
from harness.git_server import GitServer, git
from harness.planted import Planted
from harness.processes import discard, room, run, until

USER = "deploy"


@pytest.fixture(scope="module")
def planted_gate(make_gate, certificate, authority):
    """The gate, the server, and a token for a run that may read and write."""
    planted = Planted()
    password = planted.plant("git password")
    server = GitServer(certificate, USER, password)
    repository = "/{owner}/{repository}"
    gate = make_gate([catalogue.provider("code", server.url, authority, [
        rule("git.refs", "read", ["GET"], repository + "/info/refs"),
        rule("git.fetch", "read", ["POST"], repository + "/git-upload-pack"),
        rule("git.push", "write", ["POST"], repository + "/git-receive-pack"),
    ], credentials=[catalogue.BASIC])], planted=planted)
    gate.server = server
    gate.connection = gate.connect("code", f"{USER}:{password}")
    gate.token = gate.run_token("pipeline", gate.connection)
    yield gate
    server.stop()


@pytest.fixture
def work():
    made = room("work")
    yield made
    discard(made)


def remote(gate, token=None):
    return f"http://run:{token or gate.token}@{gate.host}/code/team/project.git"


def commit(clone, name, content):
    (clone / name).write_bytes(content)
    git("-C", clone, "add", name)
    git("-C", clone, "commit", "-m", f"Add {name}")
    return git("-C", clone, "rev-parse", "HEAD").stdout.strip()


def test_clone_push_and_fetch_go_through_the_gate(planted_gate, work):
    gate = planted_gate
    first, second = work / "first", work / "second"
    git("clone", remote(gate), first)
    # Large enough that git sends it in chunks of unannounced length.
    blob = bytes(run(["openssl", "rand", str(3 << 20)]).stdout)
    pushed = commit(first, "blob", blob)
    git("-C", first, "push", "origin", "HEAD:main")
    git("clone", "--branch", "main", remote(gate), second)
    assert (second / "blob").read_bytes() == blob
    later = commit(first, "note", b"later\n")
    git("-C", first, "push", "origin", "HEAD:main")
    git("-C", second, "fetch", "origin")
    fetched = git("-C", second, "rev-parse", "origin/main").stdout.strip()
    assert fetched == later != pushed
    assert git("-C", gate.server.bare, "rev-parse", "main").stdout.strip() == later

    seen = gate.server.requests()
    assert seen and all(status == 200 for _, _, status in seen), seen
    assert {user for user, _, _ in seen} == {USER}
    outcomes = until(lambda: (found := gate.trail.lines("call.outcome")) and
                     len(found) == len(seen) and found, "an outcome for each request")
    assert {line["status"] for line in outcomes} == {200}
    intents = gate.trail.lines("call.intent")
    assert sorted((line["method"], line["path"]) for line in intents) == sorted(
        (request.split()[0], request.split()[1].split("?")[0]) for _, request, _ in seen)
    assert {line["operation"] for line in intents} == {"git.refs", "git.fetch", "git.push"}
    pushes = {line["call_id"] for line in intents if line["operation"] == "git.push"}
    assert max(line["request_bytes"] for line in outcomes if line["call_id"] in pushes) > 3 << 20


def test_a_run_that_may_only_read_cannot_push(planted_gate, work):
    gate = planted_gate
    reader = gate.run_token("reader", gate.connection, more=("--access", "read"))
    git("clone", remote(gate, reader), work / "clone")
    commit(work / "clone", "vandal", b"!")
    before = len(gate.server.requests())
    refused = git("-C", work / "clone", "push", "origin", "HEAD:vandal", expect=None)
    assert refused.returncode != 0
    assert not any("POST" in request and "receive-pack" in request
                   for _, request, _ in gate.server.requests()[before:])
    assert any(line["operation"] == "git.push" for line in gate.trail.lines(
        "call.refused", code="operation_denied"))


def test_git_is_asked_for_a_password_and_told_why_not(planted_gate, work):
    gate = planted_gate
    url = f"http://{gate.host}/code/team/project.git"
    answer = gate.call("GET", "/code/team/project.git/info/refs?service=git-upload-pack")
    assert answer.status == 401
    challenges = ", ".join(answer.values("WWW-Authenticate"))
    assert 'Basic realm="sallyport"' in challenges and "Bearer" in challenges
    refused = git("clone", url, work / "none", expect=None)
    assert refused.returncode != 0
    gate.heard.append(("git", refused.stdout + refused.stderr))
