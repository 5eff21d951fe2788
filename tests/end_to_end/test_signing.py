"""Credentials that sign calls (AWS Signature Version 4), against botocore's own signer."""
import datetime

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from harness import catalogue
from harness.provider import Provider

RULES = [catalogue.rule("any", "write", ["*"], "/**")]
KEY_ID = "AKIDEXAMPLE"
SESSION = "session+token/with=signs"


def signing(identifier, service, provider, authority):
    return catalogue.provider(
        identifier, provider.url, authority, RULES,
        variables=[{"name": "region", "where": "oauth", "desc": "region"}],
        credentials=[{"kind": "custom", "sign": "aws_sigv4", "service": service,
                      "region": "{region}"}])


def expected(request, service, secret, session):
    """The Authorization field that botocore makes of what the provider saw."""
    given = Credentials(KEY_ID, secret, session)
    signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(given, service, "eu-central-1")
    fields = {name.lower(): value for name, value in request.headers}
    signed = fields["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    url = f"https://{fields['host']}{request.target}"
    asked = AWSRequest(method=request.method, url=url, data=request.body,
                       headers={name: fields[name] for name in signed})
    asked.context["timestamp"] = fields["x-amz-date"]
    when = datetime.datetime.strptime(fields["x-amz-date"], "%Y%m%dT%H%M%SZ")
    assert abs((datetime.datetime.utcnow() - when).total_seconds()) < 60
    signature = signer.signature(signer.string_to_sign(asked, signer.canonical_request(asked)),
                                 asked)
    return (f"AWS4-HMAC-SHA256 Credential={signer.scope(asked)}, "
            f"SignedHeaders={';'.join(signed)}, Signature={signature}")


@pytest.fixture(scope="module")
def signed(make_gate, certificate, authority):
    provider = Provider(certificate)
    provider.accepts = lambda request: True
    provider.on("*", "/.*", lambda exchange: exchange.json({"ok": True}))
    gate = make_gate([signing("objects", "s3", provider, authority),
                      signing("queue", "sqs", provider, authority)])
    secret = gate.planted.plant("secret access key")
    gate.planted.plant("session token", SESSION)
    given = ('{"access_key_id": "%s", "secret_access_key": "%s", "session_token": "%s"}'
             % (KEY_ID, secret, SESSION))
    connections = [gate.connect(name, given, more=("--kind", "custom", "--var",
                                                   "region=eu-central-1"))
                   for name in ("objects", "queue")]
    token = gate.run_token("r", *connections)

    def call(method, path, body=None, headers=()):
        return gate.call(method, path, token, headers, body)

    yield gate, provider, call, secret, token
    provider.stop()


@pytest.mark.parametrize("service, method, target, body", [
    ("s3", "GET", "/objects/bucket/a%20key/%281%29.txt?list-type=2&prefix=a%2Fb&max-keys=2", None),
    ("s3", "PUT", "/objects/bucket/put?tagging", b"some bytes"),
    ("sqs", "GET", "/queue/1234/name?Action=ReceiveMessage&Version=2012-11-05", None),
    ("sqs", "POST", "/queue/", b"Action=SendMessage&MessageBody=a%20b"),
])
def test_the_signature_is_the_one_that_botocore_makes(signed, service, method, target, body):
    _, provider, call, secret, _ = signed
    before = len(provider.seen())
    headers = [("Content-Type", "application/x-www-form-urlencoded")] if body else []
    assert call(method, target, body, headers).status == 200
    request = provider.seen()[before]
    assert request.values("Authorization") == [expected(request, service, secret, SESSION)]
    assert request.values("X-Amz-Security-Token") == [SESSION]
    assert secret not in str(request.headers)


def test_the_callers_own_signature_does_not_travel(signed):
    _, provider, call, secret, _ = signed
    answer = call("GET", "/objects/bucket/mine?X-Amz-Signature=theirs&X-Amz-Credential=theirs",
                  headers=[("X-Amz-Date", "19700101T000000Z"), ("X-Amz-Security-Token", "theirs")])
    assert answer.status == 200
    request = provider.only("/bucket/mine")
    assert request.target == "/bucket/mine"
    assert "theirs" not in str(request.headers)
    assert request.values("Authorization") == [expected(request, "s3", secret, SESSION)]


def test_an_sdk_gives_its_run_token_as_the_name_of_its_key(signed):
    gate, provider, _, _, token = signed
    answer = gate.call("GET", "/objects/bucket/sdk", headers=[
        ("Authorization", f"AWS4-HMAC-SHA256 Credential={token}/20260101/x/s3/aws4_request, "
                          "SignedHeaders=host, Signature=00")])
    assert answer.status == 200
    assert provider.only("/bucket/sdk").values("Authorization")[0].count(KEY_ID) == 1


def test_a_body_whose_hash_is_signed_is_bounded(signed):
    _, provider, call, _, _ = signed
    assert call("PUT", "/objects/bucket/large", b"x" * (2 << 20)).status == 200
    assert call("PUT", "/queue/large", b"x" * (2 << 20)).status == 413
    assert not provider.seen("/large?") and len(provider.seen("/large")) == 1


def test_pieces_that_the_caller_signed_are_refused(signed):
    _, provider, call, _, _ = signed
    answer = call("PUT", "/objects/bucket/pieces", b"1;chunk-signature=0\r\nx\r\n0\r\n\r\n", [
        ("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")])
    assert answer.status == 400
    assert not provider.seen("/pieces")
