"""What is turned off while callers use it at every gate of a fleet, and what stays beside it."""
from .fleet import LEASE, moment
from .processes import until

# The lease is the promise. The second beyond it is for a sanitized build on a busy machine, where
# a thread that has just checked the lease may wait that long for a processor.
SCHEDULING = 1.0
ALLOWED = int((LEASE + SCHEDULING) * 1e9)
# After `--wait` nothing may start, but a request that started before may still be in the kernel.
ON_ITS_WAY = int(0.05 * 1e9)
# Within this everything serves again: Redis's own start, the gates' longest pause between attempts.
RECOVERY = 20.0
REFUSED = {401, 403, 503}


class Pair:
    """What is turned off, and what stays, both called at every gate all the time."""

    def __init__(self, fleet, stack, label):
        self.fleet = fleet
        self.label = label
        self.connection, self.run, token = fleet.connect()
        self.kept_connection, _, self.kept_token = fleet.connect()
        self.off = stack.enter_context(fleet.callers(token, label, each=6))
        self.kept = stack.enter_context(fleet.callers(self.kept_token, f"{label}-kept", each=2))
        self.assert_all_serve(self.off, 0)
        self.assert_all_serve(self.kept, 0)

    def assert_all_serve(self, callers, since, gates=None):
        for gate in gates or self.fleet.gates:
            until(lambda: len(callers.answered(gate.name, 200, since)) >= 10,
                  f"service by {gate.name}", RECOVERY)

    def turn_off(self, what="revoke", *more):
        if what == "end":
            self.fleet.first.cli("run", "end", self.run, "--workspace", "acme", *more)
        else:
            self.fleet.first.cli("connection", "revoke", self.connection, *more)
        self.since = moment()

    def await_answers(self, callers, since, gates=None):
        """So that what follows is said about calls that were made."""
        for gate in gates or self.fleet.gates:
            until(lambda: len(callers.answered(gate.name, since=since)) >= 10,
                  f"answers by {gate.name}")

    def assert_kept_off(self, allowed=ALLOWED):
        lag = self.fleet.lag(self.label, self.since)
        print(f"{self.label}: last arrival {lag * 1000:+.1f} ms after the command returned")
        assert not self.fleet.witness.arrivals(self.label, self.since + allowed), lag
        late = self.off.answered(since=self.since + allowed)
        assert late and {call.status for call in late} <= REFUSED, {call.status for call in late}
