"""Two SDKs as they are published: only their base URL and API key are changed."""
import json
import subprocess
from pathlib import Path

import pytest
from harness import catalogue, routes
from harness.processes import run
from harness.provider import Provider

HERE = Path(__file__).parent
COMPLETION_CALLS = 3


@pytest.fixture(scope="module", autouse=True)
def packages():
    if not (HERE / "node_modules" / "openai").exists():
        done = run(["npm", "ci", "--no-audit", "--no-fund"], directory=HERE, patience=240)
        assert done.returncode == 0, done.stderr.decode()


@pytest.fixture(scope="module")
def github(certificate):
    provider = routes.like_github(Provider(certificate))
    yield provider
    provider.stop()


@pytest.fixture(scope="module")
def openai(certificate):
    provider = routes.like_openai(Provider(certificate))
    yield provider
    provider.stop()


@pytest.fixture(scope="module")
def gate(make_gate, github, openai, authority):
    gate = make_gate([catalogue.github(github.url, authority),
                      catalogue.openai(openai.url, authority)])
    connections = []
    for name, provider, scopes in (("github", github, "repo,read:user,delete_repo"),
                                   ("openai", openai, "*")):
        secret = gate.planted.plant(f"credential of {name}")
        provider.authorization = f"Bearer {secret}"
        connections.append(gate.connect(name, secret, scopes=scopes))
    gate.token = gate.run_token("agent", *connections)
    return gate


def node(script, gate, base):
    return subprocess.Popen(
        ["node", HERE / "node" / script], text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env={"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": "/tmp",
                                     "BASE_URL": gate.url + base, "TOKEN": gate.token})


def test_octokit_pages_through_the_gate_and_hears_a_refusal(gate, github):
    with node("octokit.mjs", gate, "/github") as client:
        out, err = client.communicate(timeout=60)
    assert client.returncode == 0, err
    gate.heard.append(("octokit", (out + err).encode()))
    said = json.loads(out)
    assert said["login"] == "ann"
    assert said["issues"] == [1, 2, 3, 4, 5, 6]
    assert said["created"] == {"number": 7, "title": "found"}
    assert said["refused"] == {"status": 403, "code": "operation_denied"}
    # Each page was fetched through the gate: the provider saw its credential, the trail the call.
    assert all(request.authorized for request in github.requests)
    assert len(github.seen("/issues?")) == 3
    listed = gate.trail.lines("call.intent", operation="issues.list")
    assert len(listed) == 3 and listed[0]["scopes_used"] == ["public_repo"]
    assert len(gate.trail.lines("call.intent")) == len(github.requests)


def test_openai_streams_event_by_event(gate, openai):
    """The provider sends an event only once the client has shown the one before."""
    with node("openai.mjs", gate, "/openai/v1") as client:
        try:
            assert client.stdout.readline() == "small\n", client.stderr.read()
            assert client.stdout.readline() == "forty-two\n"
            for text in ("six ", "times ", "nine"):
                openai.events.put(text)
                assert client.stdout.readline() == text + "\n"
            openai.events.put("")
            assert client.stdout.readline() == "done\n"
        finally:
            client.kill()
    completions = openai.seen("/v1/chat/completions")
    assert len(completions) == 2 and all(request.authorized for request in openai.requests)
    assert len(openai.requests) == COMPLETION_CALLS
    assert gate.token not in "".join(value for request in openai.requests
                                     for _, value in request.headers)
    assert len(gate.trail.lines("call.intent", operation="chat.create")) == 2
