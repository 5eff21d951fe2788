"""Connecting by a code that a person types in elsewhere (RFC 8628), as an App's page begins it."""
import urllib.parse

from .browser import Browser
from .journey import Journey

GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class Device(Journey):
    """`code` is for the person, who goes to the server with any browser."""

    def __init__(self, lab, **asked):
        super().__init__(lab, grant="device_code", **asked)

    def _read(self, answer):
        self.answer = answer
        self.code = answer["user_code"]
        self.lab.gate.planted.plant("device code", self.told()["device_code"])

    def told(self):
        """What the server answered the gate with."""
        return next(told for _, told in reversed(self.lab.server.front.answered)
                    if told.get("user_code") == self.code)

    def type_in(self, **person):
        """The person goes there, types the code, signs in and decides."""
        return type_in(self.lab.server, self.answer["verification_uri"], self.code, **person)


def type_in(server, address, code, **person):
    # By its own name: the gate knows the server by that of its front.
    path = urllib.parse.urlsplit(address).path
    return Browser(server.authority, code=code, **person).go(server.url + path)
