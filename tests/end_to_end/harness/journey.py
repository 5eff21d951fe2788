"""Authorising a connection as an App's page does it: initiate, send the person away, and see what
comes back."""
import urllib.parse

import requests

from .browser import Browser, parameters


class Journey:
    """Begun for `user` at `gate` (the first one). `asked` is what initiate was told besides."""

    def __init__(self, lab, scopes=("things:read", "things:write"), user="ann", gate=None, **asked):
        self.lab = lab
        self.gate = gate or lab.gate
        self.user = user
        status, answer = self.gate.api("POST", "/api/connect/initiate", {
            "workspace": "acme", "user": user, "provider": lab.identifier,
            "scopes": list(scopes), **asked})
        assert status in (200, 201), answer
        self.connection = answer["connection_id"]
        self.authorize_url = answer["authorize_url"]
        self.expires_at = answer["expires_at"]
        self._read(answer)

    def _read(self, _answer):
        self.asked = parameters(self.authorize_url)
        self.gate.heard.pop()  # The one answer that a state belongs in.
        self.lab.gate.planted.plant("state", self.asked["state"])

    def go(self, **person):
        """The whole way; what the browser shows in the end."""
        self.browser = Browser(self.lab.server.authority, **person)
        answer = self.browser.go(self.authorize_url)
        self._note(self.browser.visited)
        self.lab.gate.heard.append(("callback", answer.content))
        return answer

    def go_to_the_door(self, **person):
        """As far as the callback; its address, with code and state."""
        self.browser = Browser(self.lab.server.authority, **person)
        self.browser.go(self.authorize_url, stop=self.lab.callback)
        self._note(self.browser.visited)
        return self.browser.address

    def _note(self, addresses):
        """Codes and tickets are secrets too."""
        for address in addresses:
            for name in ("code", "ticket"):
                if value := parameters(address).get(name):
                    self.lab.gate.planted.plant(name, value)

    def record(self):
        status, answer = self.gate.api("GET", f"/api/connect/connections/{self.connection}")
        assert status == 200, answer
        return answer

    def status(self):
        return self.record()["status"]

    def token(self):
        self.lab.grantees += 1
        return self.gate.run_token(f"journey-{self.lab.grantees}", self.connection, user=self.user,
                                   more=("--access", "destructive"))

    def call(self, token=None, path="x", method="GET", body=None):
        return self.gate.call(method, f"/{self.lab.identifier}/api/{self.connection}/{path}",
                              token or self.token(), (), body)

    def arrivals(self):
        return self.lab.server.calls(f"/api/{self.connection}/")


def changed(address, **changes):
    """The address with other parameters; None takes one away."""
    parts = urllib.parse.urlsplit(address)
    fields = {**dict(urllib.parse.parse_qsl(parts.query)), **changes}
    query = urllib.parse.urlencode({name: value for name, value in fields.items()
                                    if value is not None})
    return urllib.parse.urlunsplit(parts._replace(query=query))


def visit(lab, address):
    """One request without cookies, redirects not followed."""
    session = requests.Session()
    session.trust_env = False
    answer = session.get(address, allow_redirects=False, timeout=60)
    shown = {name: value for name, value in answer.headers.items()
             if name != "Location"}  # That is where a ticket belongs.
    lab.gate.heard.append((urllib.parse.urlsplit(address).path,
                           answer.content + str(shown).encode()))
    return answer
