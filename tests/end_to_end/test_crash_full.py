"""A hundred kill -9 under load, of the binary that is shipped."""
from harness import crashes

KILLS = 100
CALLS_BEFORE_KILL = 1500


def test_a_hundred_kills_lose_no_recorded_call(lab):
    toll = crashes.live_and_die(lab, KILLS, CALLS_BEFORE_KILL)
    crashes.assert_every_call_has_one_end(lab.gate.trail)
    crashes.assert_proved(lab.gate, toll.kept)
    assert len(lab.gate.trail.lines("gate.started")) == KILLS + 1
    print(f"{toll.lives} kills, {toll.calls} calls at the provider, {toll.seconds:.0f} s")
