"""Tokens that really expire, for minutes on end: in calm, in bad weather before the token endpoint,
and with gates that are killed."""
import random
import threading
import time

import pytest
from harness import token_front
from harness.burst import burst, summary
from harness.oauth_lab import Grantee, OauthLab
from harness.processes import until

CALLERS = 200
ROUNDS = 10
LIFETIME = 8  # seconds of an access token
EARLY = 3  # that a gate takes it for dead: clocks differ, and answers take time
MARGIN = 1
WEATHER = 60.0  # seconds
KILLS = 20


@pytest.fixture(scope="module")
def lab(redis, make_gate, authorization_server):
    made = OauthLab(make_gate, authorization_server, size=2, redis=redis,
                    settings={"oauth": {"refresh_margin": f"{MARGIN}s", "refresh_timeout": "2s"}})
    yield made
    made.close()


@pytest.fixture
def short_lived(lab, server):
    server.set(access_ttl=LIFETIME)
    server.front.understated = EARLY
    return Grantee(lab, expires_in=LIFETIME - EARLY)


def test_ten_tokens_live_and_die_and_nobody_notices(lab, server, short_lived):
    grantee = short_lived
    burned = server.counts()["burned"]
    for number in range(ROUNDS):
        before = grantee.newest()["access_token"]
        until(lambda: not server.is_alive(before), "the token to die", 3 * LIFETIME)
        answers = burst(lab.gates, grantee.target(f"round-{number}"), grantee.token, CALLERS)
        assert summary(answers) == {(200, ""): CALLERS}
    assert server.counts()["burned"] == burned
    assert all(call["alive"] for call in grantee.arrivals())


class Caller(threading.Thread):
    """Calls until told to stop, over a connection of its own each time."""

    def __init__(self, grantee, number):
        super().__init__(daemon=True)
        self.grantee, self.number = grantee, number
        self.stopping = threading.Event()
        self.heard = []  # (status, code)

    def run(self):
        gates = self.grantee.lab.gates
        while not self.stopping.wait(0.01):
            gate = gates[self.number % len(gates)]
            try:
                answer = self.grantee.call("weather", gate=gate)
            except Exception:  # pylint: disable=broad-except
                continue  # Its gate has just been killed.
            code = answer.json().get("code", "") if answer.status >= 400 else ""
            self.heard.append((answer.status, code))


# Each leaves the refresh token as it was: the real server was not asked.
HARMLESS = [token_front.through, token_front.through, token_front.failing(500),
            token_front.busy(1), token_front.page, token_front.garbage, token_front.failing(
                502, b"<html></html>", "text/html"), token_front.slow(0.5)]


def test_a_minute_of_bad_weather_burns_no_grant(lab, server, short_lived):
    grantee = short_lived
    burned = server.counts()["burned"]
    callers = [Caller(grantee, number) for number in range(8)]
    for caller in callers:
        caller.start()
    until_when = time.monotonic() + WEATHER
    choose = random.Random(1)
    while time.monotonic() < until_when:
        server.front.always = choose.choice(HARMLESS)
        server.front.wait_for(server.front.count() + 1)
    server.front.always = token_front.through
    until(lambda: grantee.call().status == 200, "calm", 60)
    for caller in callers:
        caller.stopping.set()
        caller.join()
    heard = {what for caller in callers for what in caller.heard}
    assert heard <= {(200, ""), (503, "refresh_failed")}, heard
    assert server.counts()["burned"] == burned
    assert all(call["alive"] for call in grantee.arrivals())
    # Twice a lifetime at the very most, were every refresh to fail once.
    assert server.front.count() < 3 * WEATHER


def test_gates_killed_at_any_moment_leave_a_clear_state(lab, server):
    """Half of the kills hit a refresh that the server has answered already."""
    choose = random.Random(2)
    for number in range(KILLS):
        grantee = Grantee(lab)
        grantee.expire()
        server.front.reset()
        withheld = token_front.Withheld()
        server.front.next.append(withheld if number % 2 else token_front.slow(0.3))
        caller = Caller(grantee, 0)
        caller.start()
        server.front.wait_for(1)
        if number % 2:
            withheld.arrived.wait(30)
        else:
            threading.Event().wait(choose.random() * 0.6)
        lab.gates[0].kill()
        withheld.let_go.set()

        def settled():
            answer = grantee.call("settled", gate=lab.gates[1])
            return answer if answer.status != 503 else None

        answer = until(settled, "a clear state", 120)
        assert answer.status == 200 or answer.json()["code"] == "reauth_required", answer.raw
        caller.stopping.set()
        caller.join()
        asked = server.front.count()
        assert asked <= 3, number
        lab.gates[0].start()
        again = grantee.call("settled", gate=lab.gates[0])
        assert again.status == answer.status
        assert all(call["alive"] for call in grantee.arrivals())
        assert server.front.count() == asked
