"""Providers that cannot be reached, prove to be somebody else, or keep silent."""
import socket
import threading

import pytest
from harness import catalogue, routes
from harness.checks import assert_refused
from harness.processes import free_port, until
from harness.provider import Provider, Unencrypted

SETTINGS = {"proxy": {"limits": {"upstream_timeout": "1s"}}}


@pytest.fixture(scope="module")
def providers(authority, certificate):
    """Each fails in its own way."""
    made = {
        "expired": Provider(authority.issue("expired", expired=True)),
        "misnamed": Provider(authority.issue("misnamed", names=("other.example",))),
        "selfsigned": Provider(authority.issue("selfsigned", self_signed=True)),
        "untrusted": Provider(certificate),
        "private": Provider(certificate),
        "plain": Unencrypted(certificate),
        "sound": routes.laboratory(Provider(certificate)),
    }
    yield made
    for provider in made.values():
        provider.stop()


@pytest.fixture(scope="module")
def gate(make_gate, providers, authority):
    files = [catalogue.laboratory(provider.url, authority, name)
             for name, provider in providers.items()]
    files.append(catalogue.laboratory(f"https://localhost:{free_port()}", authority, "closed"))
    files.append(catalogue.laboratory("https://no-such-host.invalid", authority, "unresolved"))
    for content in files:
        if content["id"] == "private":
            content["allow"] = []
        if content["id"] == "untrusted":
            del content["tls_ca"]
    gate = make_gate(files, settings=SETTINGS)
    gate.secrets = {content["id"]: gate.planted.plant(f"credential of {content['id']}")
                    for content in files}
    gate.token = gate.run_token("r", *(gate.connect(name, secret)
                                       for name, secret in gate.secrets.items()))
    return gate


def failed(gate, answer, status, code, error):
    """The gate's own answer to a call that was recorded as sent, and how Proxy-Status names it."""
    assert_refused(gate, answer, status, code, recorded=False)
    errors = answer.value("Proxy-Status").split("error=")[1].split(";")[0]
    assert errors in error, answer.value("Proxy-Status")
    assert "127.0.0.1" not in answer.raw.decode() and "localhost" not in answer.raw.decode()
    intent, outcome = gate.trail.call(answer.call_id)
    assert outcome["code"] == code and intent["decision"] == "allow"


@pytest.mark.parametrize("name", ["expired", "misnamed", "selfsigned", "untrusted"])
def test_a_server_that_does_not_prove_its_name_gets_nothing(gate, providers, name):
    answer = gate.call("GET", f"/{name}/lab/x", gate.token)
    failed(gate, answer, 502, "upstream_tls_failed", ("tls_certificate_error",))
    assert providers[name].connections > 0 and providers[name].requests == []


def test_a_server_without_tls_gets_nothing(gate, providers):
    answer = gate.call("GET", "/plain/lab/x", gate.token)
    failed(gate, answer, 502, "upstream_tls_failed",
           ("tls_protocol_error", "connection_terminated"))


def test_a_closed_port_is_unreachable(gate):
    failed(gate, gate.call("GET", "/closed/lab/x", gate.token), 502, "upstream_unreachable",
           ("connection_refused",))


def test_a_name_without_an_address_is_unreachable(gate):
    failed(gate, gate.call("GET", "/unresolved/lab/x", gate.token), 502, "upstream_unreachable",
           ("dns_error",))


def test_a_private_address_is_not_even_tried(gate, providers):
    answer = gate.call("GET", "/private/lab/x", gate.token)
    failed(gate, answer, 502, "upstream_unreachable", ("destination_ip_prohibited",))
    assert providers["private"].connections == 0


def test_an_answer_that_never_comes_is_a_504(gate, providers):
    provider = providers["sound"]
    provider.authorization = f"Bearer {gate.secrets['sound']}"
    released = threading.Event()
    provider.on("GET", "/lab/silent", lambda exchange: released.wait(60))
    answer = gate.call("GET", "/sound/lab/silent", gate.token)
    failed(gate, answer, 504, "upstream_timeout", ("http_response_timeout",
                                                   "connection_read_timeout"))
    assert len(provider.seen("/lab/silent")) == 1  # Not sent again.
    released.set()


def test_an_answer_that_stops_coming_is_cut(gate, providers):
    provider = providers["sound"]
    provider.authorization = f"Bearer {gate.secrets['sound']}"
    released = threading.Event()

    def stalls(exchange):
        exchange.start(200, [("Content-Length", "10")])
        exchange.raw(b"half")
        released.wait(60)

    provider.on("GET", "/lab/stalls", stalls)
    answer = gate.call("GET", "/sound/lab/stalls", gate.token)
    assert answer.body == b"half" and not answer.complete
    assert gate.trail.call(answer.call_id)[1]["code"].startswith("upstream_")
    released.set()


def test_a_kept_connection_that_died_is_not_the_callers_trouble(gate, providers):
    """A provider may close what it kept open at any time; a call that cannot have been seen is
    sent again over a new connection, and the provider sees it once."""
    provider = providers["sound"]
    provider.authorization = f"Bearer {gate.secrets['sound']}"
    for number in range(5):
        provider.on("GET", f"/lab/closing-{number}", lambda exchange: (
            exchange.json({"fine": True}), exchange.close()))
        closed = provider.open
        assert gate.call("GET", f"/sound/lab/closing-{number}", gate.token).status == 200
        until(lambda: provider.open <= closed, "the provider to close")
        assert gate.call("GET", f"/sound/lab/next-{number}", gate.token).status == 200
        assert len(provider.seen(f"/lab/next-{number}")) == 1


def test_a_call_that_may_have_been_seen_is_not_repeated(gate, providers):
    provider = providers["sound"]
    provider.authorization = f"Bearer {gate.secrets['sound']}"
    provider.on("POST", "/lab/once", lambda exchange: exchange.close())
    assert gate.call("GET", "/sound/lab/warm", gate.token).status == 200
    answer = gate.call("POST", "/sound/lab/once", gate.token, body=b"pay 100")
    assert answer.status == 502, answer.raw
    assert len(provider.seen("/lab/once")) == 1


def test_connections_are_kept_and_used_again(gate, providers):
    provider = providers["sound"]
    provider.authorization = f"Bearer {gate.secrets['sound']}"
    before = provider.connections
    with gate.caller() as caller:
        for number in range(20):
            caller.request("GET", f"/sound/lab/kept-{number}",
                           [("Authorization", f"Bearer {gate.token}")])
            assert caller.response().status == 200
    assert provider.connections - before <= 2


def test_other_tenants_never_share_a_connection_to_the_provider(gate, providers):
    provider = providers["sound"]
    secrets = {"acme": gate.secrets["sound"], "rival": gate.planted.plant("the rival's credential")}
    provider.accepts = lambda request: request.value("Authorization") in {
        f"Bearer {secret}" for secret in secrets.values()}
    rival = gate.connect("sound", secrets["rival"], workspace="rival")
    tokens = {"acme": gate.token, "rival": gate.run_token("r", rival, workspace="rival")}
    for _ in range(5):
        for workspace, token in tokens.items():
            assert gate.call("GET", f"/sound/lab/tenant-{workspace}", token).status == 200
    used = {workspace: {request.connection for request in provider.seen(f"/tenant-{workspace}")}
            for workspace in tokens}
    assert not used["acme"] & used["rival"]
    for workspace, secret in secrets.items():
        for request in provider.seen(f"/tenant-{workspace}"):
            assert request.values("Authorization") == [f"Bearer {secret}"]


def test_the_gate_still_listens(gate):
    with socket.create_connection(gate.address, timeout=10):
        pass
    gate.assert_no_leaks()
