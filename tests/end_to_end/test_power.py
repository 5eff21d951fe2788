"""Power cuts under load, on a disk that keeps of what was not synced whatever it pleases."""
from harness import power
from harness.gate import Gate
from harness.outages import outages_of

LIVES = 5  # test_power_full.py has more
EARLIER = 1


def test_with_fsync_every_call_that_was_seen_stands_after_every_cut(make_lab, lab_provider):
    with outages_of(make_lab, lab_provider, "fsync") as outages:
        outages.lives(LIVES, EARLIER, outages.nothing_seen_is_missing)


def test_with_write_what_checkpoints_cover_stands_after_every_cut(make_lab, lab_provider):
    """What they do not cover yet may be gone, and the gate goes on without it."""
    with outages_of(make_lab, lab_provider, "write") as outages:
        outages.lives(LIVES, EARLIER, lambda moment: None)


def test_the_disk_is_told_everything(make_lab, lab_provider):
    """Or these tests would overlook something: without a cut it holds what the directory does."""
    with outages_of(make_lab, lab_provider, "fsync") as outages:
        found = []

        def stop(gate):
            gate.stop()
            found.append(power.contents(outages.trail))

        before, runs = outages.live("whole", [stop])
        told = power.Disk(before).replay(runs[0]).content()
        assert sorted(told) == sorted(found[0])
        assert [name for name in told if told[name] != found[0][name]] == []


def test_the_disk_forgets_what_nobody_made_it_keep(make_lab, lab_provider):
    """Or these tests would prove nothing: with `write` a call's intent is not synced."""
    with outages_of(make_lab, lab_provider, "write") as outages:
        before, runs = outages.live("lost", [Gate.kill])
        disk = power.Disk(before).replay(runs[0])
        outages.cut(disk, "nothing")
        assert outages.missing(float("inf"))
        outages.come_back(b"")
