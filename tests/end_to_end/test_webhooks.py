"""Events: told to receivers until they arrive, and taken from providers once and for certain."""
import datetime
import hashlib
import hmac
import http.client
import json
import subprocess

import pytest
from harness import catalogue
from harness.control_api import ControlApi
from harness.processes import room, until
from harness.receiver import Receiver

SECRET = "shared with the provider"


@pytest.fixture(scope="module")
def receiver(certificate):
    made = Receiver(certificate)
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def forget(receiver):
    receiver.deliveries.clear()
    receiver.statuses.clear()


@pytest.fixture(scope="module")
def gate(make_gate, receiver, authority, redis, lab_provider):
    secrets = room("hooks")
    (secrets / "provider.hook").write_text(SECRET)
    (secrets / "provider.hook").chmod(0o600)
    content = catalogue.laboratory(lab_provider.url, authority, "bench")
    content["webhooks"] = {
        "signature": {"header": "X-Bench-Signature", "prefix": "sha256=", "encoding": "hex"},
        "id": {"json": "id"}, "event": {"json": "type"}}
    lasting = catalogue.laboratory(lab_provider.url, authority, "lasting", credentials=[
        {"kind": "oauth2", "inject": [{"in": "header", "name": "Authorization",
                                       "value": "Bearer {access_token}"}]}],
        oauth2={"token_url": f"{lab_provider.url}/token", "grants": ["refresh_token"]})
    made = make_gate([content, lasting], settings={
        "public": {"listen": ["127.0.0.1:0"], "url": "https://gate.example"},
        "webhooks": {
            "deliver": [receiver.settings(secrets / "receiver.secret", authority)],
            "accept": {"bench": f"file:{secrets / 'provider.hook'}"},
            "stream": redis.url}})
    made.planted.plant("webhook secret", receiver.secret)
    made.planted.plant("provider's webhook secret", SECRET)
    return made


def test_what_happens_to_a_connection_is_told_and_proves_who_tells(gate, receiver):
    connection = gate.connect("bench")
    gate.cli("connection", "update", connection, "--name", "renamed")
    gate.cli("connection", "revoke", connection)
    told = [receiver.await_event(f"connection.{kind}")[-1]
            for kind in ("added", "updated", "revoked")]
    for each in told:
        assert receiver.is_genuine(each), each.headers
        assert each.event["data"]["id"] == connection
        assert "credential" not in each.event["data"]
    assert [each.event["data"]["status"] for each in told] == ["active", "active", "revoked"]
    assert len({each.id for each in told}) == 3


def test_an_event_is_told_again_until_it_arrives_and_always_bears_the_same_id(gate, receiver):
    receiver.statuses[:] = [500, 503, 429]
    connection = gate.connect("bench")
    arrived = receiver.await_event("connection.added")
    assert [each.status for each in receiver.deliveries] == [500, 503, 429, 204]
    assert {each.id for each in receiver.deliveries} == {arrived[0].id}
    assert arrived[0].event["data"]["id"] == connection


def test_an_event_survives_a_killed_gate(gate, receiver):
    receiver.statuses[:] = [500] * 50
    connection = gate.connect("bench")
    until(lambda: receiver.deliveries, "a first try")
    gate.kill()
    receiver.statuses.clear()
    gate.start()
    arrived = [each for each in receiver.await_event("connection.added")
               if each.event["data"]["id"] == connection]
    assert arrived and arrived[0].id == receiver.deliveries[0].id


def test_an_event_that_is_refused_for_good_does_not_hold_up_the_others(gate, receiver):
    receiver.statuses[:] = [410]
    gate.connect("bench")
    until(lambda: len(receiver.deliveries) == 1, "the refusal")
    later = gate.connect("bench")
    assert receiver.await_event("connection.added")[0].event["data"]["id"] == later


def reload_with(gate, deliver):
    changed = {**gate.settings, "webhooks": {**gate.settings["webhooks"], "deliver": deliver}}
    gate.configure(changed)
    status, answer = gate.api("POST", "/api/reload")
    assert (status, answer["applied"]) == (200, True), answer


def metrics_of(gate):
    return ControlApi(gate).ask("GET", "/metrics").body.decode()


def test_receivers_change_with_a_reload_and_what_waits_for_one_that_is_gone_is_dropped(
        gate, receiver, certificate, authority):
    other = Receiver(certificate)
    gate.planted.plant("webhook secret", other.secret)
    known = gate.settings["webhooks"]["deliver"]
    try:
        receiver.statuses[:] = [500] * 1000
        gate.connect("bench")
        until(lambda: receiver.deliveries, "a try that fails")
        secrets = room("hooks")
        reload_with(gate, [other.settings(secrets / "other.secret", authority)])
        until(lambda: b"events that waited for it are dropped" in gate.errors(), "the log's line")
        later = gate.connect("bench")
        assert other.await_event("connection.added")[0].event["data"]["id"] == later
        tried = len(receiver.deliveries)
        assert 'sallyport_events_total{outcome="dropped"} 1' in metrics_of(gate)
        # Back again: it hears what happens from now on, and nothing of what was dropped.
        receiver.statuses.clear()
        reload_with(gate, known)
        gate.cli("connection", "revoke", later)
        assert receiver.await_event("connection.revoked")[0].event["data"]["id"] == later
        assert receiver.accepted("connection.added") == []
        assert len(receiver.deliveries) == tried + 1
        assert other.accepted("connection.revoked") == []
    finally:
        reload_with(gate, known)
        other.stop()


def test_a_receiver_that_keeps_its_url_keeps_what_waits_for_it(gate, receiver, authority):
    receiver.statuses[:] = [500] * 1000
    connection = gate.connect("bench")
    until(lambda: receiver.deliveries, "a try that fails")
    secrets = room("hooks")
    reload_with(gate, [receiver.settings(secrets / "receiver.secret", authority,
                                         events=["connection.added"])])
    receiver.statuses.clear()
    assert receiver.await_event("connection.added")[0].event["data"]["id"] == connection
    reload_with(gate, gate.settings["webhooks"]["deliver"])


# Taken from providers.

def post(gate, provider, body, signature=None, secret=SECRET):
    host, port = gate.public.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    proof = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json",
               "X-Bench-Signature": signature or f"sha256={proof}"}
    connection.request("POST", f"/api/connect/webhooks/{provider}", body, headers)
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    gate.heard.append(("webhook", answer))
    return response.status


def published(redis):
    said = subprocess.run(["redis-cli", "-p", str(redis.port), "--json", "XRANGE",
                           "sallyport:webhooks:bench", "-", "+"], capture_output=True, check=True)
    entries = json.loads(said.stdout)
    return [dict(zip(fields[::2], fields[1::2])) for _, fields in entries]


def test_a_providers_event_is_published_once_however_often_it_comes(gate, redis):
    body = json.dumps({"id": "evt_1", "type": "thing.made", "thing": {"n": 1}}).encode()
    assert [post(gate, "bench", body) for _ in range(3)] == [204, 204, 204]
    mine = [entry for entry in published(redis) if entry["id"] == "evt_1"]
    assert len(mine) == 1
    assert mine[0]["event"] == "thing.made" and mine[0]["provider"] == "bench"
    assert mine[0]["body"].encode() == body


def test_what_is_not_signed_is_neither_published_nor_explained(gate, redis):
    body = json.dumps({"id": "evt_forged", "type": "thing.made"}).encode()
    assert post(gate, "bench", body, secret="guessed") == 401
    assert post(gate, "bench", body, signature="sha256=00") == 401
    assert post(gate, "nobody", body) == 404
    assert post(gate, "bench", b'{"type": "no id"}') == 422
    assert not [entry for entry in published(redis) if entry["id"] == "evt_forged"]


# What ends by itself.

def test_a_connection_that_is_about_to_end_is_told_of_once(gate, receiver):
    ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=3)
    secret = {"access_token": gate.planted.plant("token without another"),
              "expires_at": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}
    ending = gate.connect("lasting", json.dumps(secret), more=("--kind", "oauth2"))
    secret["refresh_token"] = gate.planted.plant("refresh token")
    gate.connect("lasting", json.dumps(secret), more=("--kind", "oauth2", "--name", "renews"))
    for _ in range(2):  # it looks at its start, and then each hour
        gate.stop()
        gate.start()
        told = receiver.await_event("connection.expiring")
        assert [each.event["data"]["id"] for each in told] == [ending]
        lines = gate.trail.lines("connection.expiring")
        assert [line["connection_id"] for line in lines] == [ending]


def test_providers_whose_events_are_taken_change_with_a_reload(gate, redis):
    body = json.dumps({"id": "after-reload", "type": "thing.made"}).encode()
    webhooks = gate.settings["webhooks"]
    gate.configure({**gate.settings, "webhooks": {**webhooks, "accept": {}}})
    assert gate.api("POST", "/api/reload")[0] == 200
    assert post(gate, "bench", body) == 404
    secrets = room("hooks")
    (secrets / "provider.hook").write_text("another secret")
    (secrets / "provider.hook").chmod(0o600)
    gate.planted.plant("provider's webhook secret", "another secret")
    accept = {"bench": f"file:{secrets / 'provider.hook'}"}
    gate.configure({**gate.settings, "webhooks": {**webhooks, "accept": accept}})
    assert gate.api("POST", "/api/reload")[0] == 200
    assert post(gate, "bench", body) == 401
    assert post(gate, "bench", body, secret="another secret") == 204
    assert "after-reload" in [entry["id"] for entry in published(redis)]
    gate.configure(gate.settings)
    assert gate.api("POST", "/api/reload")[0] == 200
