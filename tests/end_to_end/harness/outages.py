"""Lives of one gate that end with the power: kill -9 under load, and what the disk then holds."""
import os
import random
import secrets
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass

from . import power
from .crashes import intents_of, newest_note
from .gate import Gate
from .load import Load
from .processes import room, until

CALLS_BEFORE_CUT = 200
STARTUP_RECORDS = 80  # of a life's journal: the gate reads what is there and begins its own files
CALLERS = 24
RUNS_MAX = 2  # of a life


@dataclass
class Losses:
    seed: int
    cuts: int = 0
    calls: int = 0
    torn: int = 0  # cuts after which something was set aside
    seconds: float = 0.0

    def __str__(self):
        return (f"{self.cuts} power cuts, {self.calls} calls at the provider, after "
                f"{self.torn} something was set aside, {self.seconds:.0f} s, seed {self.seed}")


@contextmanager
def outages_of(make_lab, provider, durability):
    """SALLYPORT_SEED repeats the choices of a run; the load is never twice the same."""
    lab = make_lab(provider, settings={"audit": {"durability": durability}})
    seed = int(os.environ.get("SALLYPORT_SEED") or secrets.randbits(32))
    outages = Outages(lab, seed)
    yield outages
    print(outages.losses)
    shutil.rmtree(outages.side, ignore_errors=True)


class Outages:
    """The laboratory's gate on a disk without a battery. Begins with an empty trail."""

    def __init__(self, lab, seed):
        self.lab = lab
        self.gate = lab.gate
        self.trail = lab.gate.trail.directory
        self.chance = random.Random(seed)
        self.losses = Losses(seed)
        self.side = room("power")
        self.library = power.build(self.side)
        self.gate.stop()
        power.lay_out(self.trail, {})

    def live(self, name, ends):
        """Runs of the gate under load, each ended as `ends` says and the next one right behind it:
        the disk hears of none. (what it held before, what was done to it since, by run)."""
        before, journal = power.contents(self.trail), []
        disk = power.Disk(before)
        for run, end in enumerate(ends):
            file = self.side / f"journal-{name}-{run}"
            self.gate.environment = power.environment(self.library, self.trail, file)
            self.gate.start()
            with Load(self.gate.address, "/bench/lab/cut", self.lab.token, CALLERS,
                      f"{name}-{run}") as load:
                until(lambda: len(load.answered(200)) >= CALLS_BEFORE_CUT, "some load")
                end(self.gate)
            journal.append(list(power.records(file, run)))
            # A kill may have come between what was done last and its record: it was not done.
            power.lay_out(self.trail, disk.replay(journal[-1]).content())
        self.gate.environment = {}
        return before, journal

    def cut(self, disk, way):
        """The power goes. What is then on the disk is what the gate finds."""
        left = disk.after_cut(way, self.chance)
        power.lay_out(self.trail, left)
        self.losses.cuts += 1
        return left

    def come_back(self, kept):
        """The gate starts by itself and serves, and its trail is proved, also by the last
        checkpoint that was promised to be on the disk."""
        self.gate.start()
        assert self.lab.call("GET", "/after-a-cut").status == 200
        self.gate.stop()
        self.gate.verify()
        if kept:
            note = self.side / "kept.note"
            note.write_bytes(kept)
            self.gate.cli("audit", "verify", self.trail, "--checkpoint", note, control=False)

    def seen(self, until_moment):
        """Paths of the calls that the provider had seen by then."""
        return {request.path for request in self.lab.provider.seen("/lab/cut/")
                if request.moment < until_moment}

    def lives(self, count, earlier, check):
        """So many lives; each of them is cut at its end, which the next one goes on from, and
        before that as if it had been at `earlier` other moments, every other one of them while a
        gate starts. check(moment) judges what came back."""
        began = time.monotonic()
        for life in range(count):
            ends = self.chance.choices((Gate.kill, Gate.stop), (3, 1),
                                       k=self.chance.randint(1, RUNS_MAX))
            before, runs = self.live(f"p{life}", ends)
            journal = sum(runs, [])
            starts = [len(sum(runs[:number], [])) for number in range(len(runs))]
            for number in range(earlier):
                most = self.chance.randint(1, STARTUP_RECORDS)
                at = (self.chance.choice(starts) + most if number % 2
                      else self.chance.randint(1, len(journal)))
                self.examine(before, journal, min(at, len(journal)), check)
            left = self.examine(before, journal, len(journal), check)
            power.lay_out(self.trail, left)
        self.losses.calls = len(self.seen(time.monotonic()))
        self.losses.seconds = time.monotonic() - began

    def examine(self, before, journal, count, check):
        moment = journal[count].moment if count < len(journal) else time.monotonic()
        disk = power.Disk(before).replay(journal[:count])
        kept = newest_note({name: bytes(file.durable) for name, file in disk.promised.items()})
        way = self.chance.choice(power.WAYS)
        left = self.cut(disk, way)
        where = f"seed {self.losses.seed}, cut {self.losses.cuts}: {count} of {len(journal)}, {way}"
        try:
            self.come_back(kept)
            check(moment)
        except AssertionError as error:
            raise AssertionError(f"{where}: {error}") from error
        self.losses.torn += any(name.endswith(".torn") and data != left.get(name)
                                for name, data in power.contents(self.trail).items())
        return left

    def missing(self, moment):
        """Paths of the calls that the provider had seen by then and the trail does not have."""
        return self.seen(moment) - intents_of(self.gate.trail)

    def nothing_seen_is_missing(self, moment):
        missing = self.missing(moment)
        assert not missing, sorted(missing)[:5]
