"""What was revoked stays revoked when the store forgets it: emptied, or replaced by a replica that
never heard of it.

The gates remember for it. Needs network namespaces (harness/network.py).
"""
import signal

import pytest
from harness.fleet import Redis, moment
from harness.processes import until
from harness.turned_off import ALLOWED, RECOVERY, REFUSED, Pair


@pytest.mark.parametrize("what", ["revoke", "end"])
def test_an_emptied_redis_brings_nothing_back(fleet, stack, what):
    pair = Pair(fleet, stack, f"emptied-{what}")
    pair.turn_off(what)
    fleet.redis.say("flushall")
    pair.await_answers(pair.off, pair.since + ALLOWED)
    pair.await_answers(pair.kept, pair.since + ALLOWED)
    late = {call.status for call in pair.kept.answered(since=pair.since + ALLOWED)}
    assert late <= REFUSED, late
    pair.assert_kept_off()
    until(lambda: {fleet.status(gate, pair.kept_token) for gate in fleet.gates} == {403},
          "the gates to say that the connections are gone", RECOVERY)
    _, _, token = fleet.connect()
    assert [fleet.status(gate, token) for gate in fleet.gates] == [200, 200, 200]


@pytest.mark.parametrize("what", ["revoke", "end"])
def test_a_replica_that_missed_a_revocation_does_not_undo_it(fleet, stack, what):
    pair = Pair(fleet, stack, f"replica-{what}")
    replica = Redis(*fleet.plug_in(f"replica-{what}", fleet.inside), name="replica")
    replica.follow(fleet.redis)
    fleet.redis.lose(replica)
    pair.turn_off(what)
    fleet.fail_over_to(replica)
    pair.await_answers(pair.off, pair.since + ALLOWED)
    pair.assert_all_serve(pair.kept, pair.since + ALLOWED)
    pair.await_answers(pair.off, moment())
    pair.assert_kept_off()


def test_a_stale_replica_that_sentinel_promotes_does_not_undo_a_revocation(watched_fleet, stack):
    fleet = watched_fleet
    pair = Pair(fleet, stack, "sentinel")
    fleet.redis.lose(fleet.replica)
    pair.turn_off()
    fleet.redis.stop(signal.SIGKILL)
    until(lambda: "role:master" in fleet.replica.say("info", "replication"), "the promotion")
    promoted = moment()
    pair.assert_all_serve(pair.kept, promoted)
    pair.await_answers(pair.off, max(promoted, pair.since + ALLOWED))
    pair.assert_kept_off()
