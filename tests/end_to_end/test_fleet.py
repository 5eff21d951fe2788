"""Several gates on one store: what is revoked at one is refused at all, and tenants never meet.

Needs network namespaces (harness/network.py). Bounds: G3 promises that no call starts anywhere
once the lease has passed, and none at all after `--wait`. What the provider sees is later than what
starts by the time a request is on its way.
"""
import pytest
from harness.checks import faceless
from harness.fleet import moment
from harness.processes import until
from harness.turned_off import ALLOWED, ON_ITS_WAY


def turn(fleet, what, connection, run, wait, gate=None):
    """Revokes or ends; the moment the command returned."""
    gate = gate or fleet.first
    more = ("--wait",) if wait else ()
    if what == "end":
        gate.cli("run", "end", run, "--workspace", "acme", *more)
    else:
        gate.cli("connection", "revoke", connection, *more)
    return moment()


CODES = {"revoke": "connection_revoked", "end": "run_ended"}


@pytest.mark.parametrize("wait", [False, True], ids=["returns", "waits"])
@pytest.mark.parametrize("what", ["revoke", "end"])
def test_what_is_turned_off_at_one_gate_is_refused_at_all(fleet, what, wait, record_property):
    connection, run, token = fleet.connect()
    label = f"{what}-{wait}"
    with fleet.callers(token, label) as callers:
        for gate in fleet.gates:
            until(lambda: len(callers.answered(gate.name, 200)) >= 50, f"load on {gate.name}")
        since = turn(fleet, what, connection, run, wait)
        allowed = since + (0 if wait else ALLOWED)
        for gate in fleet.gates:
            until(lambda: len(callers.answered(gate.name, since=allowed)) >= 50,
                  f"refusals by {gate.name}")
    lag = fleet.lag(label, since)
    record_property("lag_seconds", lag)
    print(f"{label}: last arrival {lag * 1000:+.1f} ms after the command returned")
    assert lag * 1e9 <= (ON_ITS_WAY if wait else ALLOWED)
    assert {(call.status, call.code) for call in callers.answered(since=allowed)} \
        == {(401 if what == "end" else 403, CODES[what])}
    # The gate that was told knows at once; the last arrival of all may be another gate's.
    assert not callers.answered("gate1", 200, since)
    assert not [arrival for arrival in fleet.witness.arrivals(label, since + ON_ITS_WAY)
                if "/gate1." in arrival.target]


def test_a_run_and_a_connection_begun_at_one_gate_serve_at_all(fleet):
    _, _, token = fleet.connect(fleet.gates[2])
    assert [fleet.status(gate, token) for gate in fleet.gates] == [200, 200, 200]


def test_workspaces_share_a_providers_host_but_no_connection_to_it(fleet):
    tokens = {}
    gate = fleet.first
    for workspace in ("acme", "umbra"):
        connection = gate.connect("bench", fleet.secret, workspace=workspace,
                                  more=("--name", "shared host"))
        tokens[workspace] = gate.run_token("shared-host", connection, workspace=workspace)
    with fleet.callers(tokens["acme"], "of-acme", [gate], each=6) as acme, \
            fleet.callers(tokens["umbra"], "of-umbra", [gate], each=6) as umbra:
        for callers in (acme, umbra):
            until(lambda: len(callers.answered(status=200)) >= 200, "calls of both")
    of_acme, of_umbra = ({arrival.connection for arrival in fleet.witness.arrivals(label)}
                         for label in ("of-acme", "of-umbra"))
    assert of_acme and of_umbra and not of_acme & of_umbra


@pytest.mark.parametrize("state", ["active", "revoked"])
def test_what_is_another_workspaces_answers_like_what_is_not_there(fleet, state):
    gate = fleet.first
    foreign = gate.connect("bench", fleet.secret, workspace="umbra", more=("--name", state))
    absent = foreign[:-6] + "000000"
    if state == "revoked":
        gate.cli("connection", "revoke", foreign)
    answers = []
    for identifier in (foreign, absent):
        token = gate.mint({"bench": identifier})
        for each in fleet.gates:
            answer = each.call("GET", "/bench/lab/foreign/x", token,
                               [("Connection-Id", identifier)], address=each.unix)
            assert (answer.status, answer.json()["code"]) == (403, "connection_forbidden")
            fields, start, body = faceless(answer)
            answers.append((fields, start, body.replace(identifier, "CONNECTION")))
    assert all(answer == answers[0] for answer in answers), answers
    assert not fleet.witness.arrivals("foreign")
