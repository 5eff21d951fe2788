"""What stands in front of a token endpoint and can go wrong: a TLS server that hands requests on to
the real one, and does to them, or to their answers, what a test tells it to.

It counts token requests by grant and by what became of them. A fault is a function
(exchange, forward) -> None, where `forward()` asks the real server and gives (status, headers,
body). Faults of `next` are used up one by one; after them `always` holds.
"""
import contextlib
import http.client
import json
import ssl
import threading
import time
import urllib.parse
from collections import Counter, deque

from .processes import until
from .provider import Provider

PATIENCE = 120.0  # seconds that a withheld answer is withheld at most


class TokenFront(Provider):
    def __init__(self, certificate, authority, behind):
        super().__init__(certificate)
        self.accepts = lambda request: True
        self.behind = urllib.parse.urlsplit(behind)
        self.trust = ssl.create_default_context(cafile=str(authority.file))
        self.next = deque()
        self.always = through
        self.understated = 0  # seconds that tokens live longer than the gate is told
        self.beside = through  # for every endpoint but the token endpoint
        self.asked = Counter()  # grant -> requests that arrived
        self.times = []  # (monotonic seconds, grant)
        self.answered = []  # (what was asked, what the real server said), as far as it was JSON
        self.on("*", "/.*", self._serve_one)

    def _serve_one(self, exchange):
        grant = fields_of(exchange.request).get("grant_type", "")
        with self.lock:
            if exchange.request.path.endswith("/token"):
                self.asked[grant] += 1
                self.times.append((time.monotonic(), grant))
                fault = self.next.popleft() if self.next else self.always
            else:
                fault = self.beside
        fault(exchange, lambda: self._forward(exchange.request))

    def _forward(self, request):
        link = http.client.HTTPSConnection(self.behind.hostname, self.behind.port, timeout=30,
                                           context=self.trust)
        try:
            headers = {name: value for name, value in request.headers
                       if name.lower() not in ("connection", "content-length")}
            link.request(request.method, request.target, request.body or None, headers)
            answer = link.getresponse()
            body = answer.read()
        finally:
            link.close()
        with contextlib.suppress(ValueError), self.lock:
            told = json.loads(body)
            if self.understated and "expires_in" in told:
                told["expires_in"] -= self.understated
                body = json.dumps(told).encode()
            self.answered.append((fields_of(request), told))
        return answer.status, answer.getheader("Content-Type"), body

    # What a test does with it.

    def reset(self):
        with self.lock:
            self.next.clear()
            self.always = self.beside = through
            self.understated = 0
            self.asked.clear()
            self.times.clear()

    def count(self, grant="refresh_token"):
        with self.lock:
            return self.asked[grant]

    def successor(self, tokens):
        """The newest tokens that came of these."""
        while found := [told for asked, told in self.answered
                        if asked.get("refresh_token") == tokens["refresh_token"]
                        and "access_token" in told]:
            tokens = found[0]
        return tokens

    def secrets(self):
        """Every token and code that came past."""
        with self.lock:
            return {value for pair in self.answered for fields in pair
                    for name, value in fields.items()
                    if name in ("device_code", "access_token", "refresh_token", "id_token", "code",
                                "code_verifier", "client_secret", "client_assertion")}

    def wait_for(self, number, grant="refresh_token"):
        until(lambda: self.count(grant) >= number, f"{number} requests for {grant}")


def fields_of(request):
    if (request.value("Content-Type") or "").startswith("application/json"):
        return request.json()
    return dict(urllib.parse.parse_qsl(request.body.decode()))


def give(exchange, status, content_type, body):
    exchange.answer(status, body, [("Content-Type", content_type or "application/json"),
                                   ("Cache-Control", "no-store")])


# The faults.

def through(exchange, forward):
    """None."""
    give(exchange, *forward())


def failing(status=500, body=b"{}", content_type="application/json", headers=()):
    """An answer that the real server never heard of."""
    def fault(exchange, _):
        exchange.answer(status, body, [("Content-Type", content_type), *headers])
    return fault


def busy(seconds):
    return failing(429, headers=[("Retry-After", str(seconds))])


def page(exchange, _):
    """What a load balancer says when it is not well; with 200, as some do."""
    give(exchange, 200, "text/html", b"<html><body>We'll be right back</body></html>")


def adding(**members):
    """What the server left unsaid."""
    def fault(exchange, forward):
        status, content_type, body = forward()
        give(exchange, status, content_type, json.dumps({**json.loads(body), **members}).encode())
    return fault


def lying(exchange, forward):
    """As if it were no bearer token."""
    status, content_type, body = forward()
    give(exchange, status, content_type, body.replace(b'"Bearer"', b'"mac"'))


def garbage(exchange, _):
    give(exchange, 200, "application/json", b'{"access_token": ["not", {"a": "text"}], "expires_in"')


def huge(exchange, _):
    """Without end, for all the reader knows: 64 MiB are announced."""
    exchange.start(200, [("Content-Type", "application/json"), ("Content-Length", str(64 << 20))])
    exchange.raw(b'{"access_token": "' + b"x" * (4 << 20))
    exchange.close(farewell=False)


def truncated(exchange, forward):
    """The connection ends in the middle of an answer whose length was said."""
    _, content_type, body = forward()
    exchange.start(200, [("Content-Type", content_type), ("Content-Length", str(len(body)))])
    exchange.raw(body[:len(body) // 2])
    exchange.close(farewell=False)


def lost(exchange, forward):
    """The server answered, and nobody heard it."""
    forward()
    exchange.close(farewell=False)


def slow(seconds):
    """In time, but only just: for a storm to gather."""
    def fault(exchange, forward):
        answer = forward()
        time.sleep(seconds)
        give(exchange, *answer)
    return fault


class Withheld:
    """The real server answers at once; its answer goes on only when a test lets go, or never."""

    def __init__(self):
        self.arrived = threading.Event()  # the real server has answered
        self.let_go = threading.Event()

    def __call__(self, exchange, forward):
        answer = forward()
        self.arrived.set()
        self.let_go.wait(PATIENCE)
        give(exchange, *answer)


class Hanging:
    """The real server is not even asked."""

    def __init__(self):
        self.let_go = threading.Event()

    def __call__(self, exchange, _):
        self.let_go.wait(PATIENCE)
        exchange.close(farewell=False)
