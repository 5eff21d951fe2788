"""Two gates on one Redis whose callers meet the same expired token: the authorisation server is
asked once, whichever gate asks and whatever becomes of that gate."""
import threading

import pytest
from harness import token_front
from harness.burst import burst, summary
from harness.gate import Gate
from harness.oauth_lab import Grantee, OauthLab
from harness.processes import until

CALLERS = 200
ROUNDS = 10


@pytest.fixture(scope="module")
def lab(redis, make_gate, authorization_server):
    made = OauthLab(make_gate, authorization_server, size=2, redis=redis)
    yield made
    made.close()


def test_ten_times_two_hundred_callers_on_two_gates_are_one_refresh_each(lab, server):
    grantee = Grantee(lab)
    burned = server.counts()["burned"]
    for number in range(1, ROUNDS + 1):
        grantee.expire()
        answers = burst(lab.gates, grantee.target(f"round-{number}"), grantee.token, CALLERS)
        assert summary(answers) == {(200, ""): CALLERS}, number
        assert server.front.count() == number
    assert server.counts()["burned"] == burned
    assert all(call["alive"] for call in grantee.arrivals())
    assert len({call["token"] for call in grantee.arrivals()}) == ROUNDS
    assert server.is_alive(grantee.newest()["refresh_token"])


def test_a_storm_of_401_on_two_gates_is_one_refresh(lab, server):
    grantee = Grantee(lab)
    server.bench("expire", token=grantee.tokens["access_token"])
    answers = burst(lab.gates, grantee.target("storm"), grantee.token, CALLERS)
    assert summary(answers) == {(200, ""): CALLERS}
    assert server.front.count() == 1


def test_an_endpoint_that_fails_is_not_stormed_by_a_fleet(lab, server):
    grantee = Grantee(lab)
    grantee.expire()
    server.front.always = token_front.failing(500)
    answers = burst(lab.gates, grantee.target("failing"), grantee.token, CALLERS)
    assert summary(answers) == {(503, "refresh_failed"): CALLERS}
    assert server.front.count() <= 2 * len(lab.gates)
    server.front.always = token_front.through
    for gate in lab.gates:
        until(lambda: grantee.call(gate=gate).status == 200, "the connection to come back", 60)


def test_a_grant_that_ended_is_known_to_all(lab, server):
    grantee = Grantee(lab)
    for gate in lab.gates:
        assert grantee.call(gate=gate).status == 200
    server.bench("withdraw", token=grantee.tokens["access_token"])
    answers = burst(lab.gates, grantee.target("ended"), grantee.token, CALLERS)
    assert summary(answers) == {(403, "reauth_required"): CALLERS}
    assert server.front.count() == 1


class Survivors:
    """One caller at each gate, of which one gate is killed while the answer to its refresh is on
    its way."""

    def __init__(self, lab, grantee, fault):
        self.lab, self.grantee = lab, grantee
        lab.server.front.next.append(fault)
        self.first, self.second = lab.gates
        self.caller = threading.Thread(target=self._call_in_vain, daemon=True)
        self.caller.start()

    def _call_in_vain(self):
        try:
            self.grantee.call("killed", gate=self.first)
        except Exception:  # pylint: disable=broad-except
            pass  # Its gate is dead.

    def outcome(self):
        """What the other gate says in the end: served, or a clear state."""
        def settled():
            answer = self.grantee.call("survived", gate=self.second)
            return answer if answer.status != 503 else None
        return until(settled, "a clear state", 120)


def test_a_gate_killed_before_its_refresh_reached_the_server_is_replaced(lab, server):
    grantee = Grantee(lab)
    grantee.expire()
    hanging = token_front.Hanging()
    survivors = Survivors(lab, grantee, hanging)
    server.front.wait_for(1)
    lab.gates[0].kill()
    try:
        assert survivors.outcome().status == 200
        assert server.front.count() == 2
        assert grantee.record(lab.gates[1])["status"] == "active"
    finally:
        hanging.let_go.set()
        lab.gates[0].start()
    assert grantee.call(gate=lab.gates[0]).status == 200
    assert server.front.count() == 2


def test_a_gate_killed_between_the_answer_and_the_store_leaves_a_clear_state(lab, server):
    grantee = Grantee(lab)
    grantee.expire()
    withheld = token_front.Withheld()
    survivors = Survivors(lab, grantee, withheld)
    assert withheld.arrived.wait(30)
    lab.gates[0].kill()
    try:
        answer = survivors.outcome()
        assert (answer.status, answer.json()["code"]) == (403, "reauth_required")
        asked = server.front.count()
        assert asked == 2
        assert grantee.record(lab.gates[1])["status"] == "reauth_required"
    finally:
        withheld.let_go.set()
        lab.gates[0].start()
    answers = burst(lab.gates, grantee.target("after"), grantee.token, 20)
    assert summary(answers) == {(403, "reauth_required"): 20}
    assert server.front.count() == asked
    assert grantee.arrivals() == []
    lines = [line for gate in lab.gates for line in
             gate.trail.lines("connection.reauth_required", connection_id=grantee.connection)]
    assert len(lines) == 1


def test_a_gate_alone_that_was_killed_tries_the_old_token_once(make_gate, authorization_server,
                                                              server):
    """The embedded store: nobody can take over, so the gate itself finds out after its start."""
    alone = OauthLab(make_gate, authorization_server)
    grantee = Grantee(alone)
    grantee.expire()
    withheld = token_front.Withheld()
    server.front.next.append(withheld)

    def call_in_vain():
        try:
            grantee.call("killed")
        except Exception:  # pylint: disable=broad-except
            pass  # Its gate is dead.

    caller = threading.Thread(target=call_in_vain, daemon=True)
    caller.start()
    assert withheld.arrived.wait(30)
    alone.gate.kill()
    withheld.let_go.set()
    alone.gate.start()

    def settled():
        answer = grantee.call("after")
        return answer if answer.status != 503 else None

    answer = until(settled, "a clear state", 120)
    assert (answer.status, answer.json()["code"]) == (403, "reauth_required")
    assert server.front.count() == 2
    assert grantee.call("after").status == 403
    assert server.front.count() == 2
    assert alone.gate in Gate.live
