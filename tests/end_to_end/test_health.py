"""A connection's health: when it was last used, how its refreshes went, and that it is about to end."""
import datetime
import json
import resource

import pytest
from harness import catalogue, token_front
from harness.checks import assert_given_up, assert_refused
from harness.control_api import ControlApi
from harness.oauth_lab import Grantee, OauthLab, local_redis
from harness.processes import room, until
from harness.receiver import Receiver
from test_metrics import read, value


@pytest.fixture(scope="module")
def another_redis():
    made = local_redis()
    yield made
    made.discard()


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def lab(request, redis, another_redis, make_gate, authorization_server):
    """One gate on a file, or two on one Redis. What they need outlives them."""
    size = 2 if request.param == "redis" else 1
    made = OauthLab(make_gate, authorization_server, size, redis if size > 1 else None)
    yield made
    made.close()


def parsed(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def etag(gate, connection):
    return ControlApi(gate).ask("GET", f"/api/connect/connections/{connection}").headers["ETag"]


def refreshes(gate, connection):
    status, answer = gate.api("GET", f"/api/connect/connections/{connection}/refreshes")
    assert status == 200 and answer["next"] is None, answer
    return answer["items"]


# When it was last used.

def test_the_last_use_is_that_of_the_last_call_let_through(lab, server):
    grantee = Grantee(lab)
    assert grantee.record()["last_used_at"] is None
    version = etag(lab.gate, grantee.connection)
    before = now()
    assert grantee.call().status == 200
    used = grantee.record()["last_used_at"]
    second = datetime.timedelta(seconds=1)
    assert before - second <= parsed(used) <= now() + second
    assert lab.gate.call("GET", "/nowhere/x", grantee.token).status == 404
    assert grantee.record()["last_used_at"] == used, "what was refused is no use"
    _, listed = lab.gate.api("GET", "/api/connect/connections?limit=1000")
    assert used in [one["last_used_at"] for one in listed["items"]
                    if one["id"] == grantee.connection]
    shown = json.loads(lab.gate.cli("connection", "show", grantee.connection, "--json").stdout)
    assert shown["last_used_at"] == used
    assert b"ago" in lab.gate.cli("connection", "show", grantee.connection).stdout
    assert etag(lab.gate, grantee.connection) == version, "a use is no change of the record"
    for gate in lab.gates:
        until(lambda: grantee.record(gate)["last_used_at"] == used, "the other gates to show it")


def test_a_later_use_at_another_gate_counts_and_none_goes_back(lab, server):
    grantee = Grantee(lab)
    seen = []
    for gate in [*lab.gates, *reversed(lab.gates)]:
        assert grantee.call(gate=gate).status == 200
        used = grantee.record(gate)["last_used_at"]
        for each in lab.gates:
            until(lambda: grantee.record(each)["last_used_at"] == used, "all to show the latest")
        seen.append(used)
    assert seen == sorted(seen) and len(set(seen)) == len(seen)


def test_the_last_use_survives_a_restart_and_goes_with_the_connection(lab, server):
    grantee = Grantee(lab)
    assert grantee.call().status == 200
    used = grantee.record()["last_used_at"]
    lab.gate.stop()  # It keeps what it has not kept yet.
    lab.gate.start()
    assert grantee.record()["last_used_at"] == used
    lab.gate.cli("connection", "remove", grantee.connection)
    lab.gate.cli("connection", "add", "--workspace", "acme", "--user", "ann", "--provider",
                 lab.identifier, "--id", grantee.connection, "--kind", "oauth2", "--secret-file",
                 "-", stdin=grantee.secret())
    assert grantee.record()["last_used_at"] is None


# How its refreshes went.

def test_the_history_of_refreshes_is_the_same_at_every_gate(lab, server):
    grantee = Grantee(lab)
    assert refreshes(lab.gate, grantee.connection) == []
    grantee.expire()
    server.front.always = token_front.failing(500)
    assert_refused(lab.gate, grantee.call(), 503, "refresh_failed")
    server.front.always = token_front.through
    until(lambda: grantee.call().status == 200, "the connection to come back", 60)
    for gate in lab.gates:
        newest, *earlier = refreshes(gate, grantee.connection)
        assert newest["outcome"] == "refreshed" and newest["reason"] == ""
        assert newest["expires_at"] == grantee.record()["expires_at"]
        assert newest["retry_after"] is None and parsed(newest["time"]) <= now()
        assert {one["outcome"] for one in earlier} == {"failed"}
        assert earlier[-1]["retry_after"] >= 1 and earlier[-1]["reason"]
        assert earlier[-1]["expires_at"] is None
    shown = lab.gate.cli("connection", "show", grantee.connection).stdout
    assert b"refreshed" in shown and b"failed" in shown
    told = json.loads(lab.gate.cli("connection", "refreshes", grantee.connection, "--json").stdout)
    assert told["items"] == refreshes(lab.gate, grantee.connection)


def test_the_end_of_a_grant_is_in_the_history(lab, server):
    grantee = Grantee(lab)
    server.bench("withdraw", token=grantee.tokens["access_token"])
    assert_given_up(lab.gate, grantee.call(), 403, "reauth_required")
    newest, = refreshes(lab.gate, grantee.connection)
    assert newest["outcome"] == "reauth_required"
    assert newest["reason"] == grantee.record()["status_reason"]
    assert lab.gate.api("GET", "/api/connect/connections/conn_01ARYZ6S41TSV4RRFFQ69G5FAV/refreshes"
                        )[0] == 404


def test_a_refresh_is_in_the_trail_before_it_is_begun(lab, server):
    grantee = Grantee(lab)
    grantee.expire()
    assert grantee.call().status == 200
    lines = [line for line in lab.gate.trail.lines(connection_id=grantee.connection)
             if line["kind"].startswith("connection.refresh")]
    assert [line["kind"] for line in lines] == ["connection.refreshing", "connection.refreshed"]


def test_no_refresh_is_begun_while_the_trail_cannot_be_written(lab, server):
    if lab.redis is None:
        pytest.skip("the limit would hold for the vault's own file, too")
    grantee = Grantee(lab)
    grantee.expire()
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(lab.gate.process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    try:
        assert_refused(lab.gate, grantee.call(), 503, "audit_unavailable", recorded=False)
        status, answer = lab.gate.api(
            "POST", f"/api/connect/connections/{grantee.connection}/refresh")
        assert (status, answer["code"]) == (503, "audit_unavailable")
    finally:
        resource.prlimit(lab.gate.process.pid, resource.RLIMIT_FSIZE, unlimited)
    assert server.front.count() == 0
    until(lambda: grantee.call().status == 200, "the refresh once it can be recorded")
    assert server.front.count() == 1
    assert [one["outcome"] for one in refreshes(lab.gate, grantee.connection)] == ["refreshed"]


# That it is about to end.

@pytest.fixture(scope="module")
def receiver(certificate):
    made = Receiver(certificate)
    yield made
    made.stop()


@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_a_connection_inside_the_time_of_warning_is_told_of_at_once(
        store, another_redis, make_gate, receiver, authority, lab_provider):
    receiver.deliveries.clear()
    lasting = catalogue.laboratory(lab_provider.url, authority, "lasting", credentials=[
        {"kind": "oauth2", "inject": [{"in": "header", "name": "Authorization",
                                       "value": "Bearer {access_token}"}]}],
        oauth2={"token_url": f"{lab_provider.url}/token", "grants": ["refresh_token"]})
    settings = {"control": {"expiry_warning": "2h"}, "webhooks": {
        "deliver": [receiver.settings(room("hooks") / "receiver.secret", authority)]}}
    if store == "redis":
        settings["vault"] = {"store": another_redis.url}
    gate = make_gate([lasting], settings=settings)
    gate.planted.plant("webhook secret", receiver.secret)
    until(lambda: read(gate), "the gate to be well")

    def secret(hours):
        ends = now() + datetime.timedelta(hours=hours)
        return json.dumps({"access_token": gate.planted.plant("token without another"),
                           "expires_at": ends.strftime("%Y-%m-%dT%H:%M:%SZ")})

    def warned():
        return [line["connection_id"] for line in gate.trail.lines("connection.expiring")]

    def expiring():
        return value(read(gate), "sallyport_connections_expiring")

    soon = gate.connect("lasting", secret(1), more=("--kind", "oauth2", "--name", "soon"))
    later = gate.connect("lasting", secret(20), more=("--kind", "oauth2", "--name", "later"))
    until(lambda: soon in warned(), "the warning of the one that came")
    told = receiver.await_event("connection.expiring")
    assert [each.event["data"]["id"] for each in told] == [soon]
    until(lambda: expiring() == 1, "the one to be counted")
    changed = gate.connect("lasting", secret(30), more=("--kind", "oauth2", "--name", "changed"))
    gate.cli("connection", "update", changed, "--secret-file", "-", stdin=secret(1))
    until(lambda: changed in warned(), "the warning of the one that changed")
    gate.cli("connection", "revoke", changed)
    until(lambda: expiring() == 1, "the revoked one not to be counted")
    assert later not in warned()
    # A longer time of warning finds the other, by a reload and not an hour later.
    gate.settings["control"]["expiry_warning"] = "24h"
    gate.configure(gate.settings)
    assert gate.api("POST", "/api/reload")[0] == 200
    until(lambda: later in warned(), "the warning of the one inside the longer time")
    until(lambda: expiring() == 2, "both to be counted")
    assert sorted(warned()) == sorted([soon, changed, later]), "each once"
