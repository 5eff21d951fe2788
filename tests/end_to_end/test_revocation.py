"""Revoked means refused: from the moment the command returns, on this gate and on the others."""
import queue
import signal
import time

import pytest
from harness import catalogue, routes
from harness.checks import assert_refused
from harness.gate import Gate, other_directory
from harness.load import Load
from harness.processes import Program, discard, free_port, room, run, until
from harness.provider import Provider
from harness.wire import Ended

LEASE = 1.0


def assert_turned(provider, load, code, sent_before):
    """Calls begun after the turn were refused with `code`, and the provider saw none of them."""
    until(lambda: len(load.answered(after=True)) >= 100, "calls after the turn")
    load.__exit__()
    assert {made.code for made in load.answered(after=True)} == {code}
    assert load.answered(200, after=False), "nothing succeeded before"
    late = {made.mark for made in load.made if made.after}
    seen = {request.path.rsplit("/", 1)[1] for request in provider.requests[sent_before:]}
    assert not late & seen, sorted(late & seen)[:5]


@pytest.mark.parametrize("turn, code", [
    ("revoke", "connection_revoked"), ("deactivate", "connection_inactive"),
    ("remove", "connection_forbidden"), ("end", "run_ended")])
def test_no_call_starts_after_the_command_returned(lab, turn, code):
    gate = lab.gate
    connection = gate.connect("bench", lab.secret, more=("--name", turn))
    token = gate.run_token(f"run-{turn}", connection)
    before = len(lab.provider.requests)
    with Load(gate.address, f"/bench/lab/{turn}", token, label=turn) as load:
        until(lambda: len(load.answered(200)) >= 100, "load")
        if turn == "end":
            gate.cli("run", "end", f"run-{turn}", "--workspace", "acme")
        else:
            gate.cli("connection", turn, connection)
        load.turned.set()
        assert_turned(lab.provider, load, code, before)
    kind = {"end": "run.ended", "remove": "connection.removed",
            "revoke": "connection.revoked"}.get(turn, "connection.updated")
    assert gate.trail.lines(kind)


def test_a_connection_comes_back_when_it_is_activated(lab):
    connection = lab.gate.connect("bench", lab.secret, more=("--name", "switch"))
    token = lab.gate.run_token("switch", connection)
    for _ in range(3):
        assert lab.gate.call("GET", "/bench/lab/switch", token).status == 200
        lab.gate.cli("connection", "deactivate", connection)
        assert lab.gate.call("GET", "/bench/lab/switch", token).json()["code"] == \
            "connection_inactive"
        lab.gate.cli("connection", "activate", connection)


def test_a_new_credential_is_used_at_once(lab):
    connection = lab.gate.connect("bench", lab.secret, more=("--name", "rotated"))
    token = lab.gate.run_token("rotated", connection)
    assert lab.gate.call("GET", "/bench/lab/rotated", token).status == 200
    fresh = lab.gate.planted.plant("rotated credential")
    lab.gate.cli("connection", "update", connection, "--secret-file", "-", stdin=fresh)
    lab.gate.call("GET", "/bench/lab/rotated-now", token)
    assert lab.provider.only("/lab/rotated-now").values("Authorization") == [f"Bearer {fresh}"]


@pytest.mark.parametrize("on_revoke", ["finish", "cut"])
def test_calls_in_flight_finish_or_are_cut_as_configured(make_lab, certificate, on_revoke):
    provider = routes.laboratory(Provider(certificate))
    lab = make_lab(provider, settings={"proxy": {"on_revoke": on_revoke}})
    release = queue.Queue()

    def begun():
        yield b"begun"
        yield release.get(timeout=60)

    provider.on("GET", "/lab/flight", lambda exchange: exchange.chunks(begun()))
    with lab.gate.caller() as caller:
        caller.request("GET", "/bench/lab/flight", [("Authorization", f"Bearer {lab.token}")])
        head = caller.head()
        pieces = caller.pieces(head)
        assert next(pieces) == b"begun"
        lab.gate.cli("connection", "revoke", lab.connection)
        if on_revoke == "finish":
            release.put(b"ended")
            assert list(pieces) == [b"ended"] and head.complete
        else:
            with pytest.raises(Ended):
                next(pieces)
            release.put(b"ended")
    outcome = lab.gate.trail.call(head.call_id)[1]
    assert outcome.get("code") == (None if on_revoke == "finish" else "revoked_midstream"), outcome
    provider.stop()


def test_a_second_gate_on_the_same_vault_or_trail_is_refused(lab):
    second = other_directory(lab.gate, "second")
    config = second / "sallyport.yaml"
    text = config.read_text()
    for replaced, by in (("sqlite:vault.db", f"sqlite:{lab.gate.directory}/vault.db"),
                         ("directory: trail", f"directory: {lab.gate.directory}/trail")):
        config.write_text(text.replace(replaced, by))
        done = run([lab.gate.program, "serve", "--config", config], patience=60)
        assert done.returncode in (1, 2), done
        assert b"another" in done.stderr and b"listening" not in done.stdout, done.stderr
    assert lab.call("GET", "/still-here").status == 200
    discard(second)


@pytest.fixture(scope="module")
def redis():
    """A store as revocations need it: what was acknowledged is on disk."""
    directory = room("redis")
    port = free_port()
    server = Program(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir",
                      directory, "--appendonly", "yes", "--appendfsync", "always", "--save", ""],
                     directory, "redis")

    def pings():
        return run(["redis-cli", "-p", str(port), "ping"]).stdout == b"PONG\n"

    until(pings, "redis")
    yield f"redis://127.0.0.1:{port}", directory, server
    if server.running():
        server.stop()
    discard(directory)


@pytest.fixture(scope="module")
def fleet(redis, make_gate, certificate, authority):
    """Two gates, one store, one master key."""
    provider = routes.laboratory(Provider(certificate))
    url, directory, server = redis
    settings = {"vault": {"store": url, "lease": f"{LEASE:.0f}s"}}
    first = make_gate([catalogue.laboratory(provider.url, authority, "bench")], settings=settings)
    second = Gate([catalogue.laboratory(provider.url, authority, "bench")], settings=settings,
                  planted=first.planted)
    for name in ("master.key", "run-token.key"):
        (second.directory / name).write_bytes((first.directory / name).read_bytes())
    second.start()
    first.secret = first.planted.plant("the fleet's credential")
    provider.authorization = f"Bearer {first.secret}"
    yield first, second, provider, server, directory
    second.assert_no_leaks()
    assert not first.planted.sweep(directory), "the store holds a secret in the clear"
    if second in Gate.live:
        second.stop()
    second.verify()
    second.discard()
    provider.stop()


@pytest.mark.parametrize("turn, code", [("revoke", "connection_revoked"), ("end", "run_ended")])
def test_the_other_gate_refuses_within_the_lease(fleet, turn, code):
    first, second, provider, _, _ = fleet
    connection = first.connect("bench", first.secret, more=("--name", turn))
    token = first.run_token(f"fleet-{turn}", connection)
    before = len(provider.requests)
    with Load(second.address, f"/bench/lab/{turn}", token, label=turn) as load:
        until(lambda: len(load.answered(200)) >= 100, "load on the other gate")
        if turn == "end":
            first.cli("run", "end", f"fleet-{turn}", "--workspace", "acme")
        else:
            first.cli("connection", "revoke", connection)
        bound = time.monotonic() + LEASE + 1
        until(lambda: time.monotonic() > bound, "the bound that the lease sets")
        load.turned.set()
        assert_turned(provider, load, code, before)


@pytest.mark.parametrize("turn, code", [("revoke", "connection_revoked"), ("end", "run_ended")])
def test_waiting_returns_once_no_gate_serves_it(fleet, turn, code):
    first, second, provider, _, _ = fleet
    connection = first.connect("bench", first.secret, more=("--name", f"wait-{turn}"))
    token = first.run_token(f"wait-{turn}", connection)
    before = len(provider.requests)
    with Load(second.address, f"/bench/lab/wait-{turn}", token, label=f"wait-{turn}") as load:
        until(lambda: len(load.answered(200)) >= 100, "load on the other gate")
        if turn == "end":
            first.cli("run", "end", f"wait-{turn}", "--workspace", "acme", "--wait")
        else:
            first.cli("connection", "revoke", connection, "--wait")
        load.turned.set()
        assert_turned(provider, load, code, before)


@pytest.mark.parametrize("own", ["finish", "cut"])
def test_a_provider_may_say_otherwise_what_becomes_of_its_calls(make_lab, certificate, own):
    provider = routes.laboratory(Provider(certificate))
    other = "cut" if own == "finish" else "finish"
    lab = make_lab(provider, settings={"proxy": {"on_revoke": other}}, on_revoke=own)
    release = queue.Queue()

    def begun():
        yield b"begun"
        yield release.get(timeout=60)

    provider.on("GET", "/lab/own", lambda exchange: exchange.chunks(begun()))
    with lab.gate.caller() as caller:
        caller.request("GET", "/bench/lab/own", [("Authorization", f"Bearer {lab.token}")])
        pieces = caller.pieces(caller.head())
        assert next(pieces) == b"begun"
        lab.gate.cli("connection", "revoke", lab.connection)
        if own == "finish":
            release.put(b"ended")
            assert list(pieces) == [b"ended"]
        else:
            with pytest.raises(Ended):
                next(pieces)
            release.put(b"ended")
    provider.stop()


def test_without_a_store_calls_are_refused_and_then_served_again(fleet):
    first, second, provider, server, _ = fleet
    connection = first.connect("bench", first.secret, more=("--name", "outage"))
    token = first.run_token("outage", connection)
    assert second.call("GET", "/bench/lab/outage", token).status == 200
    server.child.send_signal(signal.SIGSTOP)  # It hangs: the worst way to be gone.
    try:
        bound = time.monotonic() + LEASE + 1
        until(lambda: time.monotonic() > bound, "the bound that the lease sets")
        sent = len(provider.requests)
        answer = second.call("GET", "/bench/lab/outage", token)
        assert_refused(second, answer, 503, "vault_unavailable")
        assert len(provider.requests) == sent
    finally:
        server.child.send_signal(signal.SIGCONT)
    until(lambda: second.call("GET", "/bench/lab/outage", token).status == 200, "recovery")
