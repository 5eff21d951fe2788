"""Callers over TLS: proven by certificate where the listener asks, tokens bound to it."""
import base64
import hashlib
import ssl

import pytest
from harness.checks import assert_refused
from harness.wire import Caller, Ended, Reader


@pytest.fixture(scope="module")
def lab(make_lab, lab_provider, authority):
    certificate, key = authority.issue("gate")
    return make_lab(lab_provider, settings={"proxy": {"listen": [
        "127.0.0.1:0",
        {"address": "127.0.0.1:0", "tls": {"certificate": str(certificate), "key": str(key),
                                           "client_ca": str(authority.file)}}]}})


@pytest.fixture(scope="module")
def identities(authority):
    """(certificate, key) of two callers, by name."""
    return {name: authority.issue(name, names=(name,)) for name in ("run-a", "run-b")}


def call(lab, authority, token, identity=None):
    context = ssl.create_default_context(cafile=str(authority.file))
    if identity:
        context.load_cert_chain(*identity)
    host, port = lab.gate.tls.rsplit(":", 1)
    with Caller((host, int(port))) as caller:
        caller.sock = context.wrap_socket(caller.sock, server_hostname="localhost")
        caller.reader = Reader(caller.sock)
        caller.request("GET", "/bench/lab/redirect/self",
                       [("Host", lab.gate.tls), ("Authorization", f"Bearer {token}")])
        response = caller.response()
    lab.gate.heard.append(("tls", response.raw))
    return response


def thumbprint(certificate):
    der = ssl.PEM_cert_to_DER_cert(certificate.read_text())
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


def test_a_caller_with_a_certificate_is_served_and_stays_on_tls(lab, authority, identities):
    answer = call(lab, authority, lab.token, identities["run-a"])
    assert answer.status == 302
    assert answer.value("Location") == f"https://{lab.gate.tls}/bench/lab/after?x=1"


def test_a_caller_without_a_certificate_does_not_get_in(lab, authority):
    before = len(lab.provider.requests)
    with pytest.raises((ssl.SSLError, ConnectionError, Ended)):
        call(lab, authority, lab.token)
    assert len(lab.provider.requests) == before


def test_a_bound_token_is_good_with_its_certificate_only(lab, authority, identities):
    bound = lab.gate.mint({"bench": lab.connection}, "bound",
                          cnf={"x5t#S256": thumbprint(identities["run-a"][0])})
    assert call(lab, authority, bound, identities["run-a"]).status == 302
    for answer in (call(lab, authority, bound, identities["run-b"]),
                   lab.gate.call("GET", "/bench/lab/x", bound)):
        assert_refused(lab.gate, answer, 401, "run_token_invalid")


def test_plain_text_on_the_tls_port_is_not_answered(lab):
    host, port = lab.gate.tls.rsplit(":", 1)
    with Caller((host, int(port))) as caller:
        caller.send(lab.head("GET /bench/lab/plain HTTP/1.1"))
        caller.sock.settimeout(20)
        try:
            said = caller.sock.recv(100)
        except ConnectionError:
            said = b""
        assert not said.startswith(b"HTTP/")
    assert lab.provider.seen("/lab/plain") == []
