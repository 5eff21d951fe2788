"""Gates before a provider whose tokens expire: `things`, made of the authorisation server."""
import datetime
import json
from types import SimpleNamespace

from .browser import Browser
from .fleet import Redis
from .grants import CALLBACK, Flow
from .processes import free_port

HERE = SimpleNamespace(enter=None)  # as a machine: this one
LOOPBACK = SimpleNamespace(address="127.0.0.1")
SCOPES = "things:read things:write"


def local_redis():
    """redis-server on loopback; its `url` is what a gate is given."""
    made = Redis(HERE, LOOPBACK, port=free_port(), name="redis")
    made.url = f"redis://127.0.0.1:{made.port}"
    return made


def ago(seconds):
    when = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


class Grantee:
    """One connection with tokens of the server's, and a run that may use it."""

    def __init__(self, lab, account="ann", scopes=SCOPES, **given):
        self.lab = lab
        self.tokens = Flow(lab.server, lab.client, scopes).tokens(
            Browser(lab.server.authority, account))
        self.lab.grantees += 1
        name = f"grantee-{self.lab.grantees}"
        self.connection = lab.gate.connect(
            lab.identifier, self.secret(**given), scopes=scopes.replace(" ", ","),
            more=("--kind", "oauth2", "--name", name))
        self.token = lab.gate.run_token(name, self.connection, more=("--access", "destructive"))

    def secret(self, tokens=None, **changes):
        """The credential as a gate is given it."""
        tokens = tokens or self.tokens
        fields = {"access_token": tokens["access_token"], "expires_in": tokens["expires_in"],
                  "refresh_token": tokens["refresh_token"], **changes}
        if "expires_at" in fields:
            del fields["expires_in"]
        return json.dumps({name: value for name, value in fields.items() if value is not None})

    def newest(self):
        """Its tokens, as the server last gave them."""
        return self.lab.server.front.successor(self.tokens)

    def expire(self, **changes):
        """Its access token is dead, and the gate knows."""
        tokens = self.newest()
        self.lab.server.bench("expire", token=tokens["access_token"])
        self.lab.gate.cli("connection", "update", self.connection, "--secret-file", "-",
                          stdin=self.secret(tokens, expires_at=ago(60), **changes))

    def call(self, path="x", method="GET", body=None, gate=None):
        return (gate or self.lab.gate).call(method, self.target(path), self.token, (), body)

    def target(self, path):
        return f"/{self.lab.identifier}/api/{self.connection}/{path}"

    def record(self, gate=None):
        status, answer = (gate or self.lab.gate).api(
            "GET", f"/api/connect/connections/{self.connection}")
        assert status == 200, answer
        return answer

    def arrivals(self):
        """What of its calls reached the API."""
        return self.lab.server.calls(f"/api/{self.connection}/")


class OauthLab:
    """One gate, or `size` of them on one Redis. The callback stands at the first one's public
    listener."""

    identifier = "things"

    def __init__(self, make_gate, server, size=1, redis=None, settings=None, grants=(),
                 **provider):
        self.server = server
        self.grantees = 0
        self.public = f"http://127.0.0.1:{free_port()}"
        self.callback = self.public + "/api/connect/callback"
        self.client = server.client([CALLBACK, self.callback],
                                    grants=("authorization_code", "refresh_token", *grants))
        self.redis = redis
        self.gates = []
        content = server.provider(self.identifier, **provider)
        for number in range(size):
            self.gates.append(self._make(make_gate, content, settings or {}, number))
        self.gate = self.gates[0]
        self.gate.planted.plant("client secret", self.client["client_secret"])

    def _make(self, make_gate, content, settings, number):
        given = {"oauth_clients": {self.identifier: {
            "client_id": self.client["client_id"],
            "client_secret": self.server.secret_file(self.client)}},
            "public": {"listen": [] if number else [self.public.removeprefix("http://")],
                       "url": self.public}, **settings}
        if self.redis:
            # What is tested is not how soon a gate misses its store.
            given["vault"] = {"store": self.redis.url, "lease": "10s"}
            given["node"] = f"gate{number + 1}"
        return make_gate([content], settings=given,
                         like=self.gates[0] if self.gates else None)

    def close(self):
        """Before the gates are: every token that came past must be nowhere to be found."""
        for secret in self.server.front.secrets():
            self.gate.planted.plant("token", secret)
        if self.redis:
            assert not self.gate.planted.sweep(self.redis.directory)
