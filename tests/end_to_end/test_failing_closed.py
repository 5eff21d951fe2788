"""No trail, no call (G2, G5); and what the kernel is told about the process (G1)."""
import resource
import signal
from pathlib import Path

import pytest
from harness.checks import assert_refused
from harness.processes import until
from harness.wire import Ended


@pytest.fixture(scope="module")
def lab(make_lab, lab_provider):
    """A gate that hears of a full disk as an error from write(2)."""
    return make_lab(lab_provider,
                    preparation=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN))


def allow_files_of(lab, size):
    resource.prlimit(lab.gate.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_calls_are_refused_while_the_trail_cannot_be_written(lab):
    assert lab.call("GET", "/before").status == 200
    allow_files_of(lab, 1)
    try:
        for number in range(5):
            answer = lab.call("GET", f"/unrecorded-{number}")
            assert_refused(lab.gate, answer, 503, "audit_unavailable", recorded=False)
    finally:
        allow_files_of(lab, resource.RLIM_INFINITY)
    assert lab.provider.seen("/lab/unrecorded") == []
    until(lambda: lab.call("GET", "/afterwards").status == 200, "calls to be served again")
    seen = {request.path for request in lab.provider.requests}
    assert seen <= {line["path"] for line in lab.gate.trail.lines("call.intent")}
    lab.gate.verify()


def test_control_actions_that_cannot_be_recorded_are_refused(lab):
    allow_files_of(lab, 1)
    try:
        done = lab.gate.cli("connection", "add", "--workspace", "acme", "--user", "ann",
                            "--provider", "bench", "--name", "unrecorded", "--secret-file", "-",
                            stdin="unrecorded", expect=1)
        assert done.stdout == b""
    finally:
        allow_files_of(lab, resource.RLIM_INFINITY)


def test_running_out_of_descriptors_is_survived(lab):
    """Callers wait or are turned away; nobody's call goes unrecorded, and it passes."""
    pid = lab.gate.process.pid
    held = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    unlimited = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (held + 8, unlimited[1]))
    crowd = []
    try:
        for number in range(30):
            caller = lab.gate.caller()
            crowd.append(caller)
            caller.send(lab.head(f"GET /bench/lab/crowd-{number} HTTP/1.1"))
        # The first that fit in are answered, whatever the answer.
        assert crowd[0].response().status in (200, 502, 503)
    finally:
        for caller in crowd:
            caller.sock.close()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, unlimited)

    def well():
        try:
            return lab.call("GET", "/after-the-crowd").status == 200
        except (Ended, OSError):
            return False

    until(well, "calls to be served again")
    seen = {request.path for request in lab.provider.requests}
    assert seen <= {line["path"] for line in lab.gate.trail.lines("call.intent")}


def test_the_process_leaves_no_core_and_gains_no_privileges(lab):
    limits = Path(f"/proc/{lab.gate.process.pid}/limits").read_text()
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"], core
    status = Path(f"/proc/{lab.gate.process.pid}/status").read_text()
    assert "NoNewPrivs:\t1" in status


def test_a_wrong_master_key_is_found_before_anything_is_served(lab):
    lab.gate.stop()
    key = lab.gate.directory / "master.key"
    right = key.read_text()
    key.write_text("0" * 64 + "\n")
    with pytest.raises(AssertionError, match="key"):
        lab.gate.start()
    assert not lab.gate.process.stdout.with_name(f"serve-{lab.gate.starts}.stdout").read_bytes()
    key.write_text(right)
    lab.gate.live.remove(lab.gate)
    lab.gate.start()
    assert lab.call("GET", "/right-again").status == 200
