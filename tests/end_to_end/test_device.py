"""Connecting by a code that a person types into a browser elsewhere (RFC 8628): the gate asks the
server, at the pace the server wants, until the person has decided."""
import json

import pytest
from harness import token_front
from harness.checks import assert_refused
from harness.device import GRANT, Device, type_in
from harness.gate import PROGRAM
from harness.oauth_lab import OauthLab
from harness.processes import Program, until


@pytest.fixture(scope="module")
def lab(make_gate, authorization_server):
    made = OauthLab(make_gate, authorization_server, grants=[GRANT])
    yield made
    made.close()


@pytest.fixture(scope="module")
def pair(redis, make_gate, authorization_server):
    """Two gates of a fleet."""
    made = OauthLab(make_gate, authorization_server, size=2, redis=redis, grants=[GRANT])
    yield made
    made.close()


@pytest.fixture(autouse=True)
def haste(server):
    """The server says nothing of a pace, which means five seconds."""
    server.front.beside = token_front.adding(interval=1)
    yield
    server.set(device_ttl=300)


def ends(device, patience=30.0):
    """The connection once it no longer waits."""
    return until(lambda: (found := device.record())["status"] != "pending" and found,
                 "the decision to arrive", patience)


def asked(server):
    return server.front.count(GRANT)


def test_a_code_typed_in_elsewhere_connects(lab, server):
    device = Device(lab)
    assert set(device.answer) == {"connection_id", "authorize_url", "expires_at", "user_code",
                                  "verification_uri"}
    assert device.answer["authorize_url"] == device.told()["verification_uri_complete"]
    assert device.told()["device_code"] not in json.dumps(device.answer)
    assert device.status() == "pending"
    assert_refused(lab.gate, device.call(), 403, "connection_inactive")
    server.front.wait_for(2, GRANT)
    assert device.status() == "pending"
    device.type_in(account="eve")
    record = ends(device)
    assert record["status"] == "active" and record["expires_at"] and record["connected_at"]
    assert set(record["scopes_granted"]) == {"things:read", "things:write"}
    assert device.call().json()["account"] == "eve"
    line, = lab.gate.trail.lines("connection.authorized", connection_id=device.connection)
    assert line["actor"] == "gate" and "code" not in line
    count = asked(server)
    server.bench("expire", token=device.arrivals()[-1]["token"])
    assert device.call(path="again").status == 200
    assert asked(server) == count and server.front.count("refresh_token") == 1


def test_a_person_may_grant_less(lab):
    device = Device(lab)
    device.type_in(scopes=["things:read"])
    assert ends(device)["scopes_granted"] == ["things:read"]
    token = device.token()
    assert device.call(token).status == 200
    assert_refused(lab.gate, device.call(token, method="POST", body=b"x"), 403, "scope_missing")


def test_the_server_sets_the_pace(lab, server):
    server.front.next.append(token_front.failing(400, b'{"error": "slow_down"}'))
    device = Device(lab)
    server.front.wait_for(3, GRANT)
    times = [moment for moment, grant in server.front.times if grant == GRANT]
    assert times[1] - times[0] >= 6 and times[2] - times[1] >= 6, "five more, and for good"
    lab.gate.api("POST", f"/api/connect/connections/{device.connection}/cancel")


def test_weather_is_no_decision(lab, server):
    server.front.next.extend([token_front.failing(503), token_front.page])
    device = Device(lab)
    device.type_in()
    assert ends(device, 60)["status"] == "active"


def test_a_person_who_says_no_is_heard(lab, server):
    device = Device(lab)
    device.type_in(decision="deny")
    record = ends(device)
    assert record["status"] == "added" and "declined" in record["status_reason"]
    line, = lab.gate.trail.lines("connection.authorized", connection_id=device.connection)
    assert line["code"] == "access_denied"
    other = Device(lab)
    other.type_in()
    count = asked(server)
    ends(other)
    assert asked(server) <= count + 2, "nobody asks after the first one any more"


def test_nobody_types_it_in_before_it_ends(lab, server):
    server.set(device_ttl=3)
    device = Device(lab)
    record = ends(device)
    assert record["status"] == "added" and "in time" in record["status_reason"]
    line, = lab.gate.trail.lines("connection.authorized", connection_id=device.connection)
    assert line["code"] == "authorization_expired"


def test_what_was_cancelled_is_not_asked_about_again(lab, server):
    device = Device(lab)
    server.front.wait_for(1, GRANT)
    status, record = lab.gate.api(
        "POST", f"/api/connect/connections/{device.connection}/cancel")
    assert status == 200 and record["status"] == "added"
    device.type_in()
    other = Device(lab)
    other.type_in()
    ends(other)
    assert device.status() == "added"
    assert server.counts()["granted"].get(GRANT, 0) >= 1
    assert not [told for fields, told in server.front.answered if "access_token" in told
                and fields.get("device_code") == device.told()["device_code"]]


def test_tokens_that_come_after_it_was_cancelled_are_revoked(lab, server):
    withheld = token_front.Withheld()
    device = Device(lab)
    device.type_in()
    server.front.always = withheld
    assert withheld.arrived.wait(30)
    lab.gate.api("POST", f"/api/connect/connections/{device.connection}/cancel")
    withheld.let_go.set()
    server.front.always = token_front.through
    tokens = until(lambda: next((told for fields, told in server.front.answered
                                 if fields.get("device_code") == device.told()["device_code"]
                                 and "access_token" in told), None), "the tokens")
    until(lambda: not server.is_alive(tokens["access_token"])
          and not server.is_alive(tokens["refresh_token"]), "the tokens to die at the server")
    assert device.status() == "added"
    line, = lab.gate.trail.lines("connection.authorized", connection_id=device.connection)
    assert line["code"] == "cancelled"


def test_what_was_revoked_meanwhile_stays_revoked(lab):
    device = Device(lab)
    lab.gate.cli("connection", "revoke", device.connection)
    device.type_in()
    other = Device(lab)
    other.type_in()
    ends(other)
    assert device.status() == "revoked"


def test_more_is_granted_to_a_connection_that_serves_on(lab):
    device = Device(lab, scopes=["things:read"])
    device.type_in()
    ends(device)
    token = device.token()
    more = Device(lab, scopes=["things:write"], connection_id=device.connection)
    assert device.call(token).status == 200
    more.type_in(decision="deny")
    until(lambda: "declined" in device.record()["status_reason"], "the refusal to be told")
    assert device.status() == "active" and device.call(token).status == 200
    again = Device(lab, scopes=["things:write"], connection_id=device.connection)
    again.type_in()
    until(lambda: len(device.record()["scopes_granted"]) == 2, "the scope")
    assert device.record()["status_reason"] == ""
    assert device.call(token, method="POST", body=b"x").status == 200


def test_a_gate_that_was_killed_goes_on_where_it_was(lab, server):
    device = Device(lab)
    server.front.wait_for(1, GRANT)
    lab.gate.kill()
    device.type_in()
    lab.gate.start()
    assert ends(device, 60)["status"] == "active"
    assert device.call().status == 200


def test_one_gate_of_a_fleet_asks_and_another_takes_over(pair, server):
    device = Device(pair)
    server.front.wait_for(4, GRANT)
    times = [moment for moment, grant in server.front.times if grant == GRANT]
    assert all(later - earlier >= 1 for earlier, later in zip(times, times[1:]))
    pair.gates[0].kill()
    device.gate = pair.gates[1]
    device.type_in()
    # It may have been killed in the middle of a question, which nobody else asks meanwhile.
    assert ends(device, 90)["status"] == "active"
    assert device.call().status == 200
    pair.gates[0].start()
    device.gate = pair.gates[0]
    assert device.call().status == 200


def test_the_command_shows_the_code_and_waits(lab, server):
    gate = lab.gate
    environment = {"SALLYPORT_CONTROL": gate.control, "SALLYPORT_CONTROL_TOKEN":
                   (gate.directory / "control.token").read_text().strip()}

    def authorize(name):
        program = Program([PROGRAM, "connection", "authorize", "--workspace", "acme", "--user",
                           "ann", "--provider", "things", "--scopes", "things:read", "--device"],
                          gate.directory, name, env=environment)

        def shown():
            assert program.running(), program.output()
            return program.stdout.read_text().partition("\n")[0]

        line = until(shown, "the code")
        words = line.split()
        assert words[0] == "open" and words[2:5] == ["and", "type", "in"], line
        return program, words[1], words[5]

    program, address, code = authorize("yes")
    type_in(server, address, code)
    assert program.child.wait(30) == 0
    said = program.stdout.read_text().split()
    assert said[-2] == "connected" and said[-1].startswith("conn_")
    program, address, code = authorize("no")
    type_in(server, address, code, decision="deny")
    assert program.child.wait(30) == 1
    assert "declined" in program.stderr.read_text()


@pytest.mark.parametrize("asked_for", [
    {"grant": "password"}, {"grant": "device_code", "return_url": "https://app.example/x"},
    {"grant": 7}], ids=["password", "return", "number"])
def test_what_cannot_begin_says_why(lab, asked_for):
    status, answer = lab.gate.api("POST", "/api/connect/initiate", {
        "workspace": "acme", "user": "ann", "provider": "things", **asked_for})
    assert status in (400, 422) and answer["detail"], answer
    assert "user_code" not in answer


def test_a_server_that_gives_no_code_leaves_nothing_behind(lab, server):
    server.front.beside = token_front.failing(500)
    before = lab.gate.api("GET", "/api/connect/connections?workspace=acme&user=ann")[1]["items"]
    status, answer = lab.gate.api("POST", "/api/connect/initiate", {
        "workspace": "acme", "user": "ann", "provider": "things", "grant": "device_code"})
    assert (status, answer["code"]) == (503, "provider_unavailable")
    after = lab.gate.api("GET", "/api/connect/connections?workspace=acme&user=ann")[1]["items"]
    assert len(after) == len(before)
    line = lab.gate.trail.lines("connection.added", code="provider_unavailable")[-1]
    assert line["detail"] == "not done"
