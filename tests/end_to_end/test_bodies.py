"""What is kept of calls' bodies for auditors: nothing unless the provider's file asks for it, never
the credential, and readable by auditors alone."""
import base64
import hashlib
import http.client
import json
import os
import socket

import pytest
from harness import catalogue, flow
from harness.processes import until

KEPT = 16 << 10
LARGE = 100 << 20
GROWTH = 64 << 20
OTHERS = ("platform", "auditor")  # roles besides the set-up's own admin


class Kept:
    """A laboratory whose bodies are kept, and what its auditors say."""

    def __init__(self, make_gate, provider, authority, **more):
        environment = {"ASAN_OPTIONS": ":".join(filter(None, (
            os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=4")))}
        self.tokens = {role: os.urandom(24).hex() for role in OTHERS}
        environment.update({f"TOKEN_OF_{role.upper()}": token for role, token in self.tokens.items()})
        named = [{"role": "admin", "token": "file:control.token", "workspaces": ["*"]},
                 *({"role": role, "token": f"env:TOKEN_OF_{role.upper()}", "workspaces": ["*"]}
                   for role in OTHERS)]
        self.provider = provider
        self.gate = make_gate(
            [catalogue.laboratory(provider.url, authority, "bench", **more),
             catalogue.laboratory(provider.url, authority, "silent")],
            environment=environment, settings={"control": {"tokens": named}})
        self.tokens["admin"] = (self.gate.directory / "control.token").read_text().strip()
        (self.gate.directory / "auditor.token").write_text(self.tokens["auditor"])
        (self.gate.directory / "auditor.token").chmod(0o600)
        self.secret = self.gate.planted.plant("credential of the bench")
        provider.authorization = f"Bearer {self.secret}"
        self.connection = self.gate.connect("bench", self.secret)
        self.quiet = self.gate.connect("silent", self.secret)
        self.token = self.gate.run_token("everything", self.connection, self.quiet,
                                         more=("--access", "destructive"))

    def call(self, method, path, headers=(), body=None, provider="bench"):
        return self.gate.call(method, f"/{provider}/lab{path}", self.token, headers, body)

    def ask(self, call_id, role="auditor", workspace="acme"):
        connection = http.client.HTTPConnection("control")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(30)
        connection.sock.connect(self.gate.control.removeprefix("unix:"))
        connection.request("GET", f"/api/audit/calls/{call_id}/bodies?workspace={workspace}",
                           headers={"Authorization": f"Bearer {self.tokens[role]}"})
        response = connection.getresponse()
        data = response.read()
        connection.close()
        self.gate.heard.append(("bodies", data))
        return response.status, json.loads(data)

    def read(self, call_id):
        """{side: body}, once they are written."""
        def there():
            status, answer = self.ask(call_id)
            return answer if status == 200 else None
        answer = until(there, f"the bodies of {call_id}")
        return {body["side"]: {**body, "data": base64.b64decode(body["data"])}
                for body in answer["bodies"]}

    def outcome(self, call_id):
        return until(lambda: self.gate.trail.lines("call.outcome", call_id=call_id),
                     "the outcome")[0]

    def files(self):
        return sorted(self.gate.trail.directory.glob("bodies-*.sealed"))


@pytest.fixture(scope="module")
def kept(make_gate, lab_provider, authority):
    return Kept(make_gate, lab_provider, authority,
                capture_bodies={"request": "16KiB", "response": "16KiB"})


def test_nothing_is_kept_by_default(kept):
    before = sum(file.stat().st_size for file in kept.files())
    answer = kept.call("POST", "/plain", [("Content-Type", "text/plain")], b"a body",
                       provider="silent")
    assert answer.status == 200
    assert not [name for name in kept.outcome(answer.call_id) if "captur" in name]
    assert kept.ask(answer.call_id)[0] == 404
    assert sum(file.stat().st_size for file in kept.files()) == before


def test_both_bodies_are_read_by_an_auditor_alone(kept):
    mark = "said-in-confidence-" + os.urandom(8).hex()
    answer = kept.call("POST", "/both", [("Content-Type", "application/json")],
                       json.dumps({"text": mark}).encode())
    bodies = kept.read(answer.call_id)
    assert json.loads(bodies["request"]["data"]) == {"text": mark}
    assert bodies["response"]["data"] == answer.body
    assert bodies["request"]["content_type"] == "application/json"
    assert not bodies["request"]["truncated"] and bodies["request"]["proved"]
    assert bodies["response"]["proved"]
    outcome = kept.outcome(answer.call_id)
    assert outcome["request_captured"] == outcome["request_bytes"]
    assert outcome["response_captured"] == len(answer.body)
    assert outcome["response_proof"] == bodies["response"]["proof"]
    for role in ("admin", "platform"):
        assert kept.ask(answer.call_id, role)[0] == 403
    assert kept.ask(answer.call_id, workspace="umbrella")[0] == 404
    read = kept.gate.trail.lines("body.read", call_id=answer.call_id)
    assert {line["actor"] for line in read} == {"token:auditor#2"}
    # At rest it is noise.
    assert all(mark.encode() not in file.read_bytes() for file in kept.files())
    assert all(file.stat().st_mode & 0o77 == 0 for file in kept.files())


def test_a_credential_that_comes_back_is_masked(kept):
    """The provider repeats what it was sent, in one piece and in two."""
    def echo(exchange):
        said = exchange.request.value("Authorization").encode()
        exchange.chunks([b'{"you sent": "', said[:20], said[20:], b'"}'])

    kept.provider.on("GET", "/lab/echo", echo)
    with kept.gate.caller() as caller:  # What it is told is its own affair.
        caller.request("GET", "/bench/lab/echo", [("Authorization", f"Bearer {kept.token}")])
        answer = caller.response()
    assert kept.secret.encode() in answer.body
    captured = kept.read(answer.call_id)["response"]["data"]
    assert captured == answer.body.replace(kept.secret.encode(), b"*" * len(kept.secret))


def test_a_credential_in_a_body_is_added_behind_what_is_kept(make_gate, lab_provider, authority):
    usual = lab_provider.authorization
    inject = [{"in": "body", "name": "api_key", "value": "{secret}"},
              {"in": "header", "name": "Authorization", "value": "Bearer {secret}"}]
    lab = Kept(make_gate, lab_provider, authority, capture_bodies={"request": "1KiB"},
               credentials=[{"kind": "bearer", "inject": inject}])
    answer = lab.call("POST", "/inside", [("Content-Type", "application/json")],
                      b'{"api_key": "the-callers-own", "text": "hello"}')
    lab_provider.authorization = usual
    assert answer.status == 200
    assert json.loads(lab.provider.only("/inside").body)["api_key"] == lab.secret
    bodies = lab.read(answer.call_id)
    assert list(bodies) == ["request"]
    assert json.loads(bodies["request"]["data"]) == {"text": "hello"}


@pytest.mark.parametrize("path", ["download", "download-chunked"])
def test_large_answers_are_kept_in_part_and_pass_in_constant_memory(kept, path):
    with flow.Peak(kept.gate.process) as peak:
        answer, size, digest = flow.download(kept.gate, f"/bench/lab/{path}?bytes={LARGE}",
                                             kept.token)
    assert (answer.complete, size, digest) == (True, LARGE, flow.digest_of(LARGE))
    assert peak.growth < GROWTH, f"{peak.growth >> 20} MiB"
    body = kept.read(answer.call_id)["response"]
    assert body["truncated"] and body["bytes"] == KEPT
    assert body["data"] == (bytes(range(256)) * 64)
    assert kept.outcome(answer.call_id)["capture_truncated"] == ["response"]


def test_large_uploads_are_kept_in_part(kept):
    answer, digest = flow.upload(kept.gate, "/bench/lab/upload", kept.token, LARGE, chunked=True)
    assert answer.json() == {"bytes": LARGE, "sha256": digest}
    body = kept.read(answer.call_id)["request"]
    assert body["truncated"] and body["bytes"] == KEPT
    assert hashlib.sha256(body["data"]).hexdigest() == flow.digest_of(KEPT)


def test_the_command_prints_what_was_kept(kept):
    answer = kept.call("POST", "/command", [("Content-Type", "text/plain")], b"printed as it is\n")
    kept.read(answer.call_id)
    where = ("audit", "body", answer.call_id, "--workspace", "acme",
             "--control-token-file", kept.gate.directory / "auditor.token")
    said = kept.gate.cli(*where).stdout.decode()
    assert "request: 17 bytes, text/plain, as the trail has it" in said
    assert kept.gate.cli(*where, "--side", "request").stdout == b"printed as it is\n"
    assert json.loads(kept.gate.cli(*where, "--json").stdout)["call_id"] == answer.call_id
    kept.gate.cli("audit", "body", answer.call_id, "--workspace", "acme", expect=1)


def test_what_was_kept_survives_a_kill_and_goes_with_the_workspaces_key(kept):
    answer = kept.call("POST", "/lasting", [("Content-Type", "text/plain")], b"to be shredded")
    kept.read(answer.call_id)
    kept.gate.kill()
    kept.gate.start()
    assert kept.read(answer.call_id)["request"]["data"] == b"to be shredded"
    kept.gate.cli("key", "rotate", "--workspace", "acme")
    later = kept.call("POST", "/later", [("Content-Type", "text/plain")], b"under another key")
    assert kept.read(later.call_id)["request"]["data"] == b"under another key"
    assert kept.read(answer.call_id)["request"]["proved"]
    kept.gate.cli("key", "shred", "--workspace", "acme", "--yes")
    for call in (answer, later):
        status, said = kept.ask(call.call_id)
        assert (status, said["code"]) == (410, "key_gone")
    kept.gate.stop()
    kept.gate.verify()
    kept.gate.start()
