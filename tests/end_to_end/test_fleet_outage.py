"""What was revoked stays revoked when gates and their store lose each other.

In each test one connection or run is turned off while callers use it at every gate, and another
stays: the first must not reach the provider beyond the lease, whatever happens to Redis; the second
must come back by itself. Needs network namespaces (harness/network.py).
"""
import signal

import pytest
from harness.fleet import LEASE, moment
from harness.turned_off import ALLOWED, ON_ITS_WAY, Pair

# A gate cut off cannot acknowledge, so `--wait` takes the lease; the rest is margin and scheduling.
WAITED_AT_MOST = 4 * LEASE


@pytest.mark.parametrize("what", ["revoke", "end"])
@pytest.mark.parametrize("how", ["silently", "loudly"])
def test_a_gate_cut_off_from_redis_stops_within_the_lease(fleet, stack, how, what):
    pair = Pair(fleet, stack, f"cut-{how}-{what}")
    cut_off = fleet.gates[2:]
    stack.callback(fleet.links[2].mend)
    fleet.links[2].cut(how)
    pair.turn_off(what)
    pair.await_answers(pair.off, pair.since + ALLOWED)
    pair.await_answers(pair.kept, pair.since + ALLOWED)
    assert {call.status for call in pair.kept.answered("gate3", since=pair.since + ALLOWED)} \
        == {503}, "only the store can say that a connection is still good"
    pair.assert_all_serve(pair.kept, pair.since + ALLOWED, fleet.gates[:2])
    fleet.links[2].mend()
    mended = moment()
    pair.assert_all_serve(pair.kept, mended, cut_off)
    pair.await_answers(pair.off, moment())
    pair.assert_kept_off()


def test_waiting_takes_no_longer_than_the_lease_of_a_gate_cut_off(fleet, stack):
    pair = Pair(fleet, stack, "cut-waits")
    stack.callback(fleet.links[2].mend)
    fleet.links[2].cut("silently")
    began = moment()
    pair.turn_off("revoke", "--wait")
    assert pair.since - began <= WAITED_AT_MOST * 1e9
    pair.await_answers(pair.off, pair.since)
    pair.assert_kept_off(ON_ITS_WAY)


def test_a_gate_cut_off_acknowledges_no_revocation(fleet, stack):
    pair = Pair(fleet, stack, "unacknowledged")
    stack.callback(fleet.links[2].mend)
    fleet.links[2].cut("silently")
    fleet.gates[2].cli("connection", "revoke", pair.connection, expect=1)
    fleet.links[2].mend()
    pair.assert_all_serve(pair.kept, moment())


def test_redis_that_hangs_stops_every_gate_within_the_lease(fleet, stack):
    pair = Pair(fleet, stack, "hangs")
    stack.callback(fleet.redis.signal, signal.SIGCONT)
    pair.turn_off()
    fleet.redis.signal(signal.SIGSTOP)
    pair.await_answers(pair.kept, pair.since + ALLOWED)
    assert {call.status for call in pair.kept.answered(since=pair.since + ALLOWED)} == {503}
    fleet.redis.signal(signal.SIGCONT)
    back = moment()
    pair.assert_all_serve(pair.kept, back)
    pair.await_answers(pair.off, back)
    pair.assert_kept_off()


def test_redis_that_was_killed_comes_back_with_what_it_acknowledged(fleet, stack):
    pair = Pair(fleet, stack, "killed")
    pair.turn_off()
    fleet.redis.stop(signal.SIGKILL)
    pair.await_answers(pair.kept, pair.since + ALLOWED)
    assert {call.status for call in pair.kept.answered(since=pair.since + ALLOWED)} == {503}
    fleet.redis.start()
    back = moment()
    pair.assert_all_serve(pair.kept, back)
    pair.await_answers(pair.off, back)
    pair.assert_kept_off()
