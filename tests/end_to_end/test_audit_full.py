"""The trail's Redis away for a minute under load, with the binary that is shipped."""
from harness import shipping


def test_a_minute_without_redis(make_lab, lab_provider, stack):
    lab, stream = shipping.begin(make_lab, lab_provider, stack)
    with shipping.outage(lab, stream, seconds=60) as toll:
        pass
    shipping.assert_shipped(lab.gate, stream)
    print(toll)
