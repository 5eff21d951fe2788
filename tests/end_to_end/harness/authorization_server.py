"""The authorisation server of node/authorization_server.js, and a provider made of it.

By hand, from tests/end_to_end: `python3 -m harness.authorization_server` starts one with its token
front, registers a client, writes a provider file, and says what to put where.
"""
import base64
import json
import os
from pathlib import Path

import requests

from . import catalogue
from .certificates import Authority
from .processes import Program, discard, room, run, until
from .token_front import TokenFront

HERE = Path(__file__).parent.parent
SCOPES = (("things:read", "read"), ("things:write", "write"), ("things:delete", "destructive"),
          ("things:admin", "destructive"))
BEARER = {"kind": "oauth2", "inject": [
    {"in": "header", "name": "Authorization", "value": "Bearer {access_token}"}]}


def install():
    """The packages, where nobody has installed them yet."""
    if not (HERE / "node_modules" / "oidc-provider").exists():
        done = run(["npm", "ci", "--no-audit", "--no-fund"], directory=HERE, patience=240)
        assert done.returncode == 0, done.stderr.decode()


class AuthorizationServer:
    """`front` is the token endpoint (and revocation) as a gate sees it: see token_front.py."""

    def __init__(self, authority, certificate):
        install()
        self.authority = authority
        self.directory = room("issuer")
        certificate_file, key_file = certificate
        self.program = Program(
            ["node", HERE / "node" / "authorization_server.js"], self.directory, "issuer",
            env={"PATH": os.environ["PATH"], "HOME": str(self.directory),
                 "CERTIFICATE": str(certificate_file), "KEY": str(key_file)})
        until(self._ready, "the authorisation server")
        self.url = self.program.stdout.read_text().split()[0]
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(authority.file)
        self.front = TokenFront(certificate, authority, self.url)

    def _ready(self):
        assert self.program.running(), self.program.output().decode(errors="replace")
        return "\n" in self.program.stdout.read_text()

    def stop(self):
        self.front.stop()
        self.program.stop()
        discard(self.directory)

    # The bench: what is asked and changed beside the protocol.

    def bench(self, tool, **asked):
        answer = self.session.post(f"{self.url}/test/{tool}", data=json.dumps(asked), timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def client(self, redirect_uris=(), *, auth="client_secret_post",
               grants=("authorization_code", "refresh_token"), **more):
        """Registers one (RFC 7591), and returns what a gate's `oauth_clients` wants to know."""
        answer = self.session.post(self.url + "/reg", timeout=30, json={
            "redirect_uris": list(redirect_uris), "grant_types": list(grants),
            "token_endpoint_auth_method": auth,
            "response_types": ["code"] if "authorization_code" in grants else [], **more})
        assert answer.status_code == 201, answer.text
        return {name: value for name, value in answer.json().items()
                if name in ("client_id", "client_secret")}

    def secret_file(self, client):
        """Its secret as a gate's settings want it."""
        file = self.directory / f"{client['client_id']}.secret"
        file.touch(mode=0o600)
        file.write_text(client["client_secret"])
        return f"file:{file}"

    def set(self, **knobs):
        """access_ttl, code_ttl, refresh_ttl, device_ttl: seconds."""
        self.bench("knobs", **knobs)

    def counts(self):
        return self.bench("counts")

    def calls(self, mark=""):
        """What reached the API: method, path, bytes, token, alive, at (milliseconds)."""
        return [call for call in self.bench("calls") if mark in call["path"]]

    def is_alive(self, token):
        return self.bench("alive", token=token)["alive"]

    # The protocol, as a client speaks it.

    def ask(self, path, client, auth="post", **fields):
        """One request to the server itself, with the client's secret in the body or as Basic."""
        headers = {}
        if auth == "basic":
            pair = f"{client['client_id']}:{client['client_secret']}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
        else:
            fields = {**client, **fields}
        return self.session.post(self.url + path, data=fields, headers=headers, timeout=30)

    def introspect(self, client, token, **proof):
        """What the server says of a token (RFC 7662): its own word, which no gate has part in."""
        answer = self.ask("/token/introspection", client, token=token, **proof)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def call(self, token, path="/api/things", method="GET"):
        return self.session.request(method, self.url + path, timeout=30,
                                    headers={"Authorization": f"Bearer {token}"})

    # The provider made of it.

    def provider(self, identifier="things", oauth2=None, **more):
        """A provider file's content: every path below /api, guarded by scopes. What is None in
        `oauth2` is left out."""
        path = "/api/**"
        facts = {
            "issuer": self.url, "authorize_url": self.url + "/auth",
            "token_url": self.front.url + "/token",
            "device_authorization_url": self.front.url + "/device/auth",
            "revoke": {"style": "rfc7009", "url": self.front.url + "/token/revocation"},
            "pkce": "required", "client_auth": ["post", "basic"], "scope_separator": " ",
            "refresh": {"rotation": "rotates"}, **(oauth2 or {})}
        facts = {name: fact for name, fact in facts.items() if fact is not None}
        return catalogue.provider(
            identifier, self.url, self.authority,
            [catalogue.rule("things.get", "read", ["GET"], path, [["things:read"]]),
             catalogue.rule("things.put", "write", ["POST", "PUT"], path, [["things:write"]]),
             catalogue.rule("things.delete", "destructive", ["DELETE"], path, [["things:delete"]])],
            **{"credentials": [BEARER], "oauth2": facts,
               "scopes": [{"id": scope, "class": level, "description": scope}
                          for scope, level in SCOPES],
               "scope_implies": {"things:admin": ["things:read", "things:write"]}, **more})


def by_hand():
    directory = room("by-hand")
    authority = Authority(directory)
    server = AuthorizationServer(authority, authority.issue("server"))
    client = server.client(["http://127.0.0.1:8099/api/connect/callback"])
    file = catalogue.write(directory / "providers", server.provider())
    print(f"""authorisation server  {server.url}
token front           {server.front.url}
provider file         {file}
oauth_clients:        things: {{client_id: {client['client_id']}, client_secret: ...}}
  secret              {client['client_secret']}
redirect_uri          http://127.0.0.1:8099/api/connect/callback
certificates          curl --cacert {authority.file}
Press Enter to end.""")
    input()
    server.stop()
    discard(directory)


if __name__ == "__main__":
    by_hand()
