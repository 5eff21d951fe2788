"""kill -9 under load: whatever the provider saw stands in the trail, and the gate comes back."""
import pytest
from harness import crashes
from harness.load import Load
from harness.processes import until

KILLS = 20  # test_crash_full.py has a hundred
FSYNC_KILLS = 3
CALLS_BEFORE_KILL = crashes.CALLS_BEFORE_KILL


def test_twenty_kills_lose_no_recorded_call(lab):
    lab.toll = crashes.live_and_die(lab, KILLS)


def test_every_call_has_an_end(lab):
    crashes.assert_every_call_has_one_end(lab.gate.trail)


def test_the_trail_is_proved_and_writers_are_unique(lab):
    crashes.assert_proved(lab.gate, lab.toll.kept)
    assert len(lab.gate.trail.lines("gate.started")) == KILLS + 1


def test_what_was_acknowledged_before_a_kill_still_holds(lab):
    """A connection, a revocation and the end of a run, each killed right after its answer."""
    gate = lab.gate

    def die():
        gate.kill()
        gate.start()

    kept = gate.connect("bench", lab.secret, more=("--name", "kept"))
    die()
    token = gate.run_token("kept", kept)
    assert gate.call("GET", "/bench/lab/kept", token).status == 200
    gate.cli("run", "end", "kept", "--workspace", "acme")
    die()
    assert gate.call("GET", "/bench/lab/kept", token).json()["code"] == "run_ended"
    gate.cli("connection", "revoke", kept)
    die()
    again = gate.run_token("again", kept)
    assert gate.call("GET", "/bench/lab/kept", again).json()["code"] == "connection_revoked"


@pytest.mark.parametrize("torn", [b'{"id":"01', b'{"id":"01"}'], ids=["half", "whole without end"])
def test_a_torn_last_line_does_not_keep_the_gate_from_starting(lab, torn):
    lab.gate.kill()
    last = max(lab.gate.trail.directory.rglob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    with open(last, "ab") as file:
        file.write(torn)
    lab.gate.start()
    assert lab.call("GET", "/after-a-torn-line").status == 200
    lab.gate.verify()


def test_what_fsync_acknowledged_survives_kills_under_load(make_lab, lab_provider):
    """The same promise with lines committed by threads of their own."""
    lab = make_lab(lab_provider, settings={"audit": {"durability": "fsync"}})
    answered = set()
    for life in range(FSYNC_KILLS):
        with Load(lab.gate.address, "/bench/lab/fsync", lab.token, label=f"f{life}") as load:
            until(lambda: len(load.answered(200)) >= CALLS_BEFORE_KILL, "some load")
            lab.gate.kill()
        answered |= {made.call_id for made in load.answered(200)}
        lab.gate.start()
        seen = {request.path for request in lab.provider.seen("/lab/fsync")}
        assert seen <= {line["path"] for line in lab.gate.trail.lines("call.intent")}
    outcomes = [line["call_id"] for line in lab.gate.trail.lines("call.outcome")]
    assert answered <= set(outcomes)
    assert len(outcomes) == len(set(outcomes))
    lab.gate.verify()
