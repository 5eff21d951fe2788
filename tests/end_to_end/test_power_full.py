"""Power cuts by the hundred, of the binary that is shipped."""
import pytest
from harness.outages import outages_of

LIVES = 20
EARLIER = 4


@pytest.mark.parametrize("durability", ["fsync", "write"])
def test_a_hundred_cuts(make_lab, lab_provider, durability):
    with outages_of(make_lab, lab_provider, durability) as outages:
        outages.lives(LIVES, EARLIER, outages.nothing_seen_is_missing if durability == "fsync"
                      else lambda moment: None)
