"""The tests' own tools: a sweep that finds nothing must be a sweep that could have found."""
import base64
import urllib.parse

import pytest

from harness import routes
from harness.planted import Planted
from harness.processes import discard, room
from harness.provider import Provider, direct


@pytest.fixture
def directory():
    made = room("harness")
    yield made
    discard(made)


@pytest.mark.parametrize("spelling", [
    str.encode,
    lambda secret: secret.encode().hex().encode(),
    lambda secret: urllib.parse.quote(secret, safe="").encode(),
    lambda secret: base64.b64encode(secret.encode()),
    lambda secret: base64.urlsafe_b64encode(b"user:" + secret.encode()),
    lambda secret: base64.b64encode(b"ab" + secret.encode() + b"c"),
])
def test_the_sweep_finds_a_planted_secret_however_it_is_spelt(directory, spelling):
    planted = Planted()
    secret = planted.plant("canary", "pass/word+" + "x" * 20 + "~")
    (directory / "log").write_bytes(b"before " + spelling(secret) + b" after")
    assert planted.sweep(directory)
    assert planted.sweep(directory, spared=("log",)) == []


def test_the_provider_answers_its_credential_only_and_records_both(authority, certificate):
    provider = routes.laboratory(Provider(certificate, "Bearer right"))
    for value, status in (("Bearer right", 200), ("Bearer wrong", 401)):
        with direct(provider, authority.file) as caller:
            caller.request("PUT", "/lab/upload", [("Authorization", value)], [b"ab", b"c"])
            answer = caller.response()
            assert answer.status == status and answer.complete
    assert [request.authorized for request in provider.seen("/lab/upload")] == [True, False]
    assert provider.seen()[0].body == b"abc"
    provider.stop()


def test_a_body_cut_short_is_told_from_one_that_ended(authority, certificate):
    provider = Provider(certificate, "Bearer right")

    def short(exchange):
        exchange.start(200, [("Content-Length", "10")])
        exchange.raw(b"short")
        exchange.close()

    provider.on("GET", "/lab/short", short)
    with direct(provider, authority.file) as caller:
        caller.request("GET", "/lab/short", [("Authorization", "Bearer right")])
        answer = caller.response()
    assert (answer.body, answer.complete) == (b"short", False)
    provider.stop()
