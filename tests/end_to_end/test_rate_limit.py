"""A connection's own rate_limit: so many calls, then 429 until there is room again."""
import pytest
from harness import catalogue
from harness.checks import assert_refused
from harness.control_api import ControlApi
from harness.processes import until


@pytest.fixture(scope="module")
def gate(make_gate, lab_provider, authority):
    made = make_gate([catalogue.laboratory(lab_provider.url, authority, "bench")],
                     settings={"proxy": {"workers": 2}})
    made.secret = made.planted.plant("credential of the bench")
    lab_provider.authorization = f"Bearer {made.secret}"
    return made


def limit(gate, connection, rate):
    answer = ControlApi(gate).ask("PATCH", f"/api/connect/connections/{connection}",
                                  {"settings": {"rate_limit": rate}})
    assert answer.status == 200, answer.body
    assert answer.json()["settings"]["rate_limit"] == rate


def test_beyond_its_limit_a_connection_is_refused_and_others_are_not(gate):
    limited, free = gate.connect("bench", gate.secret), gate.connect("bench", gate.secret)
    limit(gate, limited, {"requests": 5, "per": "1h"})
    token, other = gate.run_token("limited", limited), gate.run_token("free", free)
    answers = [gate.call("GET", "/bench/lab/echo", token) for _ in range(8)]
    assert [answer.status for answer in answers] == [200] * 5 + [429] * 3
    refused = answers[-1]
    assert_refused(gate, refused, 429, "rate_limited")
    # One comes free every 12 minutes.
    assert 600 < int(refused.value("Retry-After")) <= 720
    assert gate.call("GET", "/bench/lab/echo", other).status == 200, "it is each connection's own"
    assert gate.trail.refusal(refused.call_id)["connection_id"] == limited
    text = ControlApi(gate).ask("GET", "/metrics").body.decode()
    assert 'sallyport_calls_total{provider="bench",class="read",code="rate_limited"} 3' in text


def test_a_limit_counts_over_all_workers_and_follows_its_settings(gate):
    connection = gate.connect("bench", gate.secret)
    token = gate.run_token("workers", connection)

    def through(calls):
        return [gate.call("GET", "/bench/lab/echo", token).status for _ in range(calls)].count(200)

    limit(gate, connection, {"requests": 10, "per": "24h"})
    assert through(30) == 10  # Each call is a connection of its own: both workers have some.
    limit(gate, connection, {})
    assert through(12) == 12
    limit(gate, connection, {"requests": 1, "per": "1s"})
    until(lambda: through(1) == 1, "room for one more")


def test_a_limit_that_is_none_is_refused(gate):
    connection = gate.connect("bench", gate.secret)
    api = ControlApi(gate)
    for rate in ({"requests": 0, "per": "1s"}, {"requests": 5}, {"per": "1s"}, {"calls": 5},
                 {"requests": 5, "per": "10ms"}, {"requests": 5, "per": "1s", "burst": 9}):
        answer = api.ask("PATCH", f"/api/connect/connections/{connection}",
                         {"settings": {"rate_limit": rate}})
        assert (answer.status, answer.code()) == (422, "invalid_request"), (rate, answer.body)
        assert answer.json()["errors"][0]["pointer"] == "/settings/rate_limit"
