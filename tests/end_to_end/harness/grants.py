"""A client of the authorisation server beside the gate: how a test comes by tokens of its own."""
import base64
import hashlib
import secrets
import urllib.parse

from .browser import parameters

CALLBACK = "http://127.0.0.1:9/api/connect/callback"  # Nobody is there; the browser stops before.


class Flow:
    """A client that does it right, unless told otherwise."""

    def __init__(self, server, client, scopes="things:read things:write", **changes):
        self.server, self.client = server, client
        self.verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(self.verifier.encode()).digest()
        asked = {"response_type": "code", "client_id": client["client_id"], "scope": scopes,
                 "redirect_uri": CALLBACK, "state": "of-the-test", "code_challenge_method": "S256",
                 "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
                 **changes}
        self.address = f"{server.url}/auth?" + urllib.parse.urlencode(
            {name: value for name, value in asked.items() if value is not None})

    def back(self, browser):
        """What the browser brings back to the callback."""
        browser.go(self.address, stop=CALLBACK)
        return parameters(browser.address)

    def exchange(self, code, **changes):
        return self.server.ask("/token", self.client, grant_type="authorization_code", code=code,
                               redirect_uri=CALLBACK,
                               **{"code_verifier": self.verifier, **changes})

    def tokens(self, browser):
        answer = self.exchange(self.back(browser)["code"])
        assert answer.status_code == 200, answer.text
        return answer.json()
