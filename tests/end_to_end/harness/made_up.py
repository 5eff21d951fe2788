"""A provider made up for one quirk: its token endpoint says what a test wrote down, its API takes
the token that came with it, and both remember what they were asked."""
import json
import urllib.parse
from collections import deque

from .provider import Provider
from .token_front import fields_of


class MadeUp(Provider):
    def __init__(self, certificate):
        super().__init__(certificate)
        self.good = set()  # access tokens that the API takes
        self.answers = deque()  # (status, JSON) of the token endpoint, one a request
        self.accepts = lambda request: not request.path.startswith("/api/") \
            or (request.value("Authorization") or "").removeprefix("Bearer ") in self.good
        self.on("POST", "/(?:token|revoke|device|introspect).*", self._answer)
        self.on("*", "/api/.*", lambda exchange: exchange.json({"fine": True}))

    def _answer(self, exchange):
        status, told = self.answers.popleft() if self.answers else (400, {"error": "not_expected"})
        exchange.json(told, status)

    def tells(self, *answers):
        """What the next token requests are answered."""
        for answer in answers:
            self.answers.append(answer if isinstance(answer, tuple) else (200, answer))

    def asked(self, number=-1, path="/token"):
        """(request, its fields) of the token endpoint."""
        request = self.seen(path)[number]
        return request, fields_of(request)


def parameters_of(address):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))


def text_of(request):
    return json.dumps([request.start, request.headers]) + request.body.decode(errors="replace")
