"""One gate directory, many lives, each ended under load. Its own trail is the only witness asked."""
import time
from dataclasses import dataclass

from .load import Load
from .power import contents
from .processes import until
from .trail import lines_of

CALLS_BEFORE_KILL = 150
SLOW_SECONDS = 0.2


@dataclass
class Toll:
    lives: int
    calls: int  # that the provider saw
    seconds: float
    kept: bytes  # a checkpoint of the middle of it, as somebody would keep it elsewhere


def live_and_die(lab, lives, calls=CALLS_BEFORE_KILL):
    """`lives` times load and kill -9 once so many were answered. After each the gate starts by itself, and what the provider
    saw in that life stands in the trail."""
    slow = "/lab/load-slow/"
    lab.provider.on("GET", slow + ".*",
                    lambda exchange: exchange.provider.stopped.wait(SLOW_SECONDS)
                    or exchange.json({}))
    began = time.monotonic()
    toll = Toll(lives, 0, 0, b"")
    for life in range(lives):
        born = time.time() - 1
        if life == lives // 2:
            toll.kept = newest_note(contents(lab.gate.trail.directory))
        with Load(lab.gate.address, "/bench/lab/load", lab.token, label=f"l{life}") as load, \
                Load(lab.gate.address, "/bench" + slow.rstrip("/"), lab.token, 2, f"s{life}"):
            until(lambda: len(load.answered(200)) >= calls, "some load")
            lab.gate.kill()
        lab.gate.start()
        seen = {request.path for sign in "ls" for request in lab.provider.seen(f"/{sign}{life}-")}
        assert len(seen) >= calls
        missing = seen - intents_of(lab.gate.trail, born)
        assert not missing, (life, sorted(missing)[:5])
        toll.calls += len(seen)
    toll.seconds = time.monotonic() - began
    return toll


def intents_of(trail, since=0.0):
    """The paths of the intents in segments that were written to since then."""
    return {line["path"] for path, line in lines_of(trail.directory, since)
            if line["kind"] == "call.intent"}


def newest_note(files):
    """The last whole checkpoint of a directory's files, by its origin's line; b"" if none is."""
    start = b"gate/audit\n"
    for name in sorted((name for name in files if name.endswith(".notes")), reverse=True):
        if files[name].startswith(start):
            return start + files[name].rsplit(b"\n" + start, 1)[-1].removeprefix(start)
    return b""


def assert_every_call_has_one_end(trail):
    """Those cut off were closed as what they are when the gate came back."""
    intents, outcomes = set(), []
    for _, line in lines_of(trail.directory):
        if line["kind"] == "call.intent":
            intents.add(line["call_id"])
        elif line["kind"] == "call.outcome":
            outcomes.append(line)
    assert intents == {line["call_id"] for line in outcomes}
    assert len(outcomes) == len(intents)
    unknown = [line for line in outcomes if line.get("code") == "outcome_unknown"]
    assert unknown, "nothing was cut off under load?"
    assert all("status" not in line for line in unknown)


def assert_proved(gate, kept):
    """By its own checkpoints and by one that was kept elsewhere; each writer counts from 1."""
    gate.verify()
    note = gate.directory / "kept.note"
    note.write_bytes(kept)
    gate.cli("audit", "verify", gate.trail.directory, "--checkpoint", note, control=False)
    per_writer = {}
    for _, line in lines_of(gate.trail.directory):
        per_writer.setdefault(line["writer"], []).append(line["seq"])
    for writer, numbers in per_writer.items():
        assert sorted(numbers) == list(range(1, len(numbers) + 1)), writer
