"""A gate before providers whose tokens no person grants: what buys one is a key or a secret."""
import json
from datetime import datetime, timezone

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (Encoding, NoEncryption, PrivateFormat,
                                                          PublicFormat)
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from .processes import until

SCOPES = "things:read,things:write"


def parse(moment):
    return datetime.fromisoformat(moment.replace("Z", "+00:00"))


class Key:
    """A private key as people are given one, and its public half as servers know it."""

    def __init__(self, algorithm="RS256"):
        self.algorithm = algorithm
        made = ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" \
            else rsa.generate_private_key(65537, 2048)
        self.pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        self.public_pem = made.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        to_jwk = (ECAlgorithm if algorithm == "ES256" else RSAAlgorithm).to_jwk
        self.jwk = {**json.loads(to_jwk(made.public_key())), "alg": algorithm, "use": "sig",
                    "kid": "of-the-app"}
        self.jwk.pop("key_ops", None)


class App:
    """One connection that holds what buys tokens, and a run that may use it."""

    made = 0

    def __init__(self, lab, provider, credential, scopes=SCOPES, more=()):
        App.made += 1
        self.lab, self.provider = lab, provider
        for name in ("client_secret", "private_key"):
            if name in credential:
                # Of a key, a line from its middle.
                lab.gate.planted.plant(name, max(credential[name].splitlines()[1:-1] or
                                                 [credential[name]], key=len))
        self.connection = lab.gate.connect(
            provider, json.dumps(credential), scopes=scopes,
            more=("--kind", "oauth2", "--name", f"app-{App.made}", *more))
        self.token = lab.gate.run_token(f"app-{App.made}", self.connection,
                                        more=("--access", "destructive"))

    def call(self, path="x", method="GET", body=None):
        return self.lab.gate.call(method, f"/{self.provider}/api/{self.connection}/{path}",
                                  self.token, (), body)

    def record(self):
        status, answer = self.lab.gate.api("GET", f"/api/connect/connections/{self.connection}")
        assert status == 200, answer
        return answer

    def lines(self, kind):
        return self.lab.gate.trail.lines(kind, connection_id=self.connection)


class AppLab:
    """`providers` are files' contents, all of `server`, the authorisation server."""

    def __init__(self, make_gate, server, providers, **options):
        self.server = server
        self.gate = make_gate(providers, **options)

    def close(self):
        """Before the gate is: every token that came past must be nowhere to be found."""
        for secret in self.server.front.secrets():
            self.gate.planted.plant("token", secret)

    def assert_served_and_renewed(self, app, grant, path="x"):
        """Its first call buys a token; that is used while it lives, and another bought then.
        The API's own words on both."""
        self.server.set(access_ttl=4)
        before = self.server.front.count(grant)
        first = app.call(path)
        assert first.status == 200, (first.raw, self.server.front.answered[-1:])
        assert self.server.front.count(grant) == before + 1
        arrived = self.server.calls(f"/api/{app.connection}/")
        assert [call["alive"] for call in arrived] == [True]
        ends = parse(app.record()["expires_at"])
        until(lambda: datetime.now(timezone.utc) > ends, "the token to end")
        assert not self.server.is_alive(arrived[0]["token"])
        second = app.call(path)
        assert second.status == 200, second.raw
        arrived = self.server.calls(f"/api/{app.connection}/")
        assert arrived[-1]["token"] != arrived[0]["token"]
        assert all(call["alive"] for call in arrived)
        lines = app.lines("connection.refreshed")
        assert len(lines) >= 2 and {line["provider"] for line in lines} == {app.provider}
        return first.json(), second.json()
