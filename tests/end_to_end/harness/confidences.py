"""A thousand secrets given to a gate in confidence, used, abused and taken away again; and the
search for that many at once."""
import json
import secrets
import subprocess
import tempfile
from itertools import cycle

from . import catalogue
from .planted import spellings

RULES = [catalogue.rule("lab.read", "read", ["GET"], "/lab/**"),
         catalogue.rule("lab.write", "write", ["POST"], "/lab/**")]


def header(name, value):
    return {"in": "header", "name": name, "value": value}


INJECTIONS = {
    "api_key": [header("X-Api-Key", "{secret}")],
    "bearer": [header("Authorization", "Bearer {secret}")],
    "basic": [header("Authorization", "Basic {basic}")],
    "oauth2": [header("Authorization", "Bearer {access_token}")],
    "custom": [header("X-Account", "{account}"), header("X-Password", "{pass}")],
}


def providers(url, authority):
    """One of each kind, and one that nobody answers for."""
    return [catalogue.provider(kind.replace("_", "-"), url, authority, RULES,
                               credentials=[{"kind": kind, "inject": inject}])
            for kind, inject in INJECTIONS.items()] + [
        catalogue.provider("nobody", "https://127.0.0.1:1", authority, RULES)]


def fresh_secret():
    return "sp" + secrets.token_urlsafe(30).replace("-", "A").replace("_", "B")


class Confidences:
    def __init__(self, gate):
        self.gate = gate
        self.credentials = []  # every secret part of every credential
        self.connections = []  # (provider, id)

    def _plant(self):
        self.credentials.append(fresh_secret())
        return self.credentials[-1]

    def _fields(self, kind):
        return {
            "api_key": lambda: {"secret": self._plant()},
            "bearer": lambda: {"secret": self._plant()},
            "basic": lambda: {"username": "ann", "password": self._plant()},
            "oauth2": lambda: {"access_token": self._plant(), "client_id": "app",
                               "refresh_token": self._plant(),
                               "client_secret": self._plant()},
            "custom": lambda: {"account": self._plant(), "pass": self._plant()},
        }[kind]()

    def give(self, total, by_command):
        """Until `total` secrets are in; the first `by_command` connections over the command line,
        from stdin and from files in turn, the others through the control API."""
        kinds = cycle(INJECTIONS)
        while len(self.credentials) < total:
            kind = next(kinds)
            given = self._by_command if len(self.connections) < by_command else self._by_api
            provider = kind.replace("_", "-")
            self.connections.append((provider, given(provider, kind, self._fields(kind))))

    def _by_command(self, provider, kind, fields):
        text = {"basic": lambda: f"ann:{fields['password']}",
                "oauth2": lambda: json.dumps(fields),
                "custom": lambda: json.dumps(fields)}.get(kind, lambda: fields["secret"])()
        source, stdin = "-", text
        if len(self.connections) % 2:
            with tempfile.NamedTemporaryFile("w", prefix="sp-secret-", delete=False) as file:
                file.write(text)
            source, stdin = file.name, None
        done = self.gate.cli("connection", "add", "--workspace", "acme", "--user", "ann",
                             "--provider", provider, "--kind", kind, "--scopes", "*",
                             "--secret-file", source, stdin=stdin)
        if source != "-":
            subprocess.run(["shred", "-u", source], check=True)
        return done.stdout.decode().strip()

    def _by_api(self, provider, kind, fields):
        status, answer = self.gate.api("POST", "/api/connect/connections", {
            "workspace": "acme", "user": "ann", "provider": provider, "kind": kind,
            "scopes_granted": ["*"], "credential": fields})
        assert status == 201, answer
        return answer["id"]


def written_out(known, file, spelled=spellings):
    """Every spelling on a line of its own, for grep. Returns which secret each belongs to."""
    whose = {spelling: secret for secret in known for spelling in spelled(secret)}
    file.write_bytes(b"".join(spelling + b"\n" for spelling in whose))
    return whose


def found_by_grep(whose, patterns, haystack):
    """The secrets of which `haystack`, a file or directory, holds some spelling."""
    done = subprocess.run(["grep", "-raohF", "-f", patterns, haystack], capture_output=True,
                          check=False, env={"LC_ALL": "C"})
    assert done.returncode in (0, 1), done.stderr.decode()
    return {whose[line] for line in done.stdout.split(b"\n") if line in whose}
