"""kill -9 under load: whatever the provider saw stands in the trail, and the gate comes back."""
import pytest
from harness.load import Load
from harness.processes import until

KILLS = 20
FSYNC_KILLS = 3
CALLS_BEFORE_KILL = 150


def test_twenty_kills_lose_no_recorded_call(lab):
    """One gate directory, twenty lives. Its own trail is the only witness asked."""
    slow = "/lab/load-slow/"
    lab.provider.on("GET", slow + ".*", lambda exchange: exchange.provider.stopped.wait(0.2)
                    or exchange.json({}))
    for life in range(KILLS):
        if life == KILLS // 2:
            lab.kept = newest_checkpoint(lab.gate)
        with Load(lab.gate.address, "/bench/lab/load", lab.token, label=f"{life}") as load, \
                Load(lab.gate.address, "/bench" + slow.rstrip("/"), lab.token, 2, f"s{life}"):
            until(lambda: len(load.answered(200)) >= CALLS_BEFORE_KILL, "some load")
            lab.gate.kill()
        lab.gate.start()
        seen = {request.path for request in lab.provider.seen("/lab/load")}
        intents = {line["path"] for line in lab.gate.trail.lines("call.intent")}
        assert seen <= intents, sorted(seen - intents)[:5]
    assert len(seen) >= KILLS * CALLS_BEFORE_KILL


def newest_checkpoint(gate):
    """As somebody would keep it elsewhere: the last whole note, by its origin's line."""
    notes = max(gate.trail.directory.glob("checkpoints-*.notes")).read_bytes()
    start = b"gate/audit\n"
    assert notes.startswith(start)
    return start + notes.rsplit(b"\n" + start, 1)[-1].removeprefix(start)


def test_every_call_has_an_end(lab):
    """Those cut off by a kill were closed as what they are when the gate came back."""
    intents = {line["call_id"] for line in lab.gate.trail.lines("call.intent")}
    outcomes = [line for line in lab.gate.trail.lines("call.outcome")]
    assert intents == {line["call_id"] for line in outcomes}
    assert len(outcomes) == len(intents)
    unknown = [line for line in outcomes if line.get("code") == "outcome_unknown"]
    assert unknown, "twenty kills under load cut nothing off?"
    assert all("status" not in line for line in unknown)


def test_the_trail_is_proved_and_writers_are_unique(lab):
    lab.gate.verify()
    kept = lab.gate.directory / "kept.note"
    kept.write_bytes(lab.kept)
    lab.gate.cli("audit", "verify", lab.gate.trail.directory, "--checkpoint", kept, control=False)
    per_writer = {}
    for line in lab.gate.trail.lines():
        per_writer.setdefault(line["writer"], []).append(line["seq"])
    for writer, numbers in per_writer.items():
        assert sorted(numbers) == list(range(1, len(numbers) + 1)), writer
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
