"""A vault backed up and put back, from either kind of store into the other; read by a second
implementation of its format on the way."""
import json
import sqlite3
import sys
from pathlib import Path

import pytest
from harness import catalogue
from harness.gate import Gate
from harness.processes import Program, discard, free_port, room, run, until

sys.path.insert(0, str(Path(__file__).parents[1] / "vault"))
import format_vectors  # noqa: E402


@pytest.fixture(scope="module")
def redis():
    port, directory = free_port(), room("redis")
    server = Program(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir",
                      str(directory), "--appendonly", "yes", "--appendfsync", "always"],
                     directory, "redis")
    until(lambda: run(["redis-cli", "-p", str(port), "ping"]).stdout == b"PONG\n", "redis")
    yield lambda number: f"redis://127.0.0.1:{port}/{number}"
    server.stop()
    discard(directory)


@pytest.fixture
def new_gate(lab_provider, authority):
    """Starts gates on stores of their own, under a master key that others may share; in the end
    they are held to what every gate is held to."""
    made = []

    def make(store=None, master=None):
        gate = Gate([catalogue.laboratory(lab_provider.url, authority, "bench")],
                    settings={"vault": {"store": store}} if store else None)
        if master is not None:
            (gate.directory / "master.key").write_text(master)
        made.append(gate)
        return gate.start()

    yield make
    for gate in made:
        gate.assert_no_leaks()
        gate.stop()
        gate.verify()
        gate.discard()


def fill(gate, provider, name):
    """Two workspaces, a live connection in each, a revoked one, an ended run, two generations."""
    secret = gate.planted.plant(f"credential of {name}")
    provider.authorization = f"Bearer {secret}"
    live = gate.connect("bench", secret, more=("--name", "live"))
    gate.cli("key", "rotate", "--workspace", "acme")
    other = gate.connect("bench", secret, workspace="globex")
    revoked = gate.connect("bench", secret)
    gate.cli("connection", "revoke", revoked)
    gate.run_token("ended", live)
    gate.cli("run", "end", "ended", "--workspace", "acme")
    return secret, live, other, revoked


@pytest.mark.parametrize("way", ["sqlite to redis", "redis to sqlite"])
def test_a_backup_of_one_kind_of_store_lives_on_in_the_other(way, new_gate, redis, lab_provider):
    first, second = (None, redis(1)) if way == "sqlite to redis" else (redis(2), None)
    source = new_gate(first)
    secret, live, other, revoked = fill(source, lab_provider, way)
    file = source.directory / "vault.backup"
    source.cli("vault", "backup", file)
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    source.cli("vault", "backup", file, expect=1)
    assert file.read_bytes() == before, "a backup never overwrites"

    master_text = (source.directory / "master.key").read_text()
    master = format_vectors.read_master_key(master_text)
    header, keys, connections, runs = format_vectors.read_backup(file)
    assert header["master_keys"] == [format_vectors.key_id(master).hex()]
    assert set(connections) == {live, other, revoked} and runs == [("acme", "ended")]
    assert ("acme", 2) in keys and ("globex", 1) in keys
    for connection in (live, other):
        fields = format_vectors.open_stored(master, keys, *connections[connection])
        assert fields == {"secret": secret.encode()}
    assert connections[revoked][0]["status"] == "revoked" and connections[revoked][1] == b""
    assert secret.encode() not in before and master not in before

    target = new_gate(second, master_text)
    target.planted.secrets.update(source.planted.secrets)
    target.cli("vault", "restore", file)
    token = target.run_token("new", live)
    assert target.call("GET", "/bench/lab/restored", token).status == 200
    gone = target.mint({"bench": revoked}, "gone")
    assert target.call("GET", "/bench/lab/revoked", gone).json()["code"] == "connection_revoked"
    late = target.mint({"bench": live}, "ended")
    assert target.call("GET", "/bench/lab/ended", late).json()["code"] == "run_ended"
    said = target.cli("vault", "restore", file, "--json").stdout
    assert json.loads(said)["restored"] == 0, "what is there already is left alone"
    assert target.trail.lines("vault.restored") and source.trail.lines("vault.backed_up")

    strange = target.connect("bench", secret)
    said = target.cli("vault", "restore", file, expect=1).stderr
    assert b"not empty: it holds 1 connections" in said, said
    assert target.cli("connection", "show", strange)


def test_what_is_not_a_whole_backup_changes_nothing(new_gate, lab_provider):
    source = new_gate(None)
    fill(source, lab_provider, "damage")
    file = source.directory / "vault.backup"
    source.cli("vault", "backup", file)
    master_text = (source.directory / "master.key").read_text()
    target = new_gate(None, master_text)
    lines = file.read_bytes().splitlines(keepends=True)
    broken = target.directory / "broken.backup"
    sealed = next(number for number, line in enumerate(lines) if b'"sealed":"Q' in line)
    cases = {
        "cut off": lines[:-1],
        "torn": [*lines[:-1], lines[-1][:20]],
        "a line less": [*lines[:2], *lines[3:]],
        "changed": [*lines[:sealed], lines[sealed].replace(b'"sealed":"Q', b'"sealed":"R'),
                    *lines[sealed + 1:]],
        "more after the end": [*lines, lines[1]],
        "no header": lines[1:],
        "no JSON": [lines[0], b"{}\n", *lines[1:]],
        "nothing": [],
    }
    for what, content in cases.items():
        broken.write_bytes(b"".join(content))
        assert target.cli("vault", "restore", broken, expect=1).stderr, what
        listed = json.loads(target.cli("connection", "list", "--json", "--workspace", "acme").stdout)
        assert listed["items"] == [], what

    stranger = new_gate(None)
    said = stranger.cli("vault", "restore", file, expect=1).stderr
    assert b"master key" in said and b"does not have" in said
    stranger.planted.secrets.update(source.planted.secrets)


def test_records_in_the_embedded_store_open_with_the_second_reader(new_gate, lab_provider):
    gate = new_gate(None)
    secret, live, other, _ = fill(gate, lab_provider, "store")
    master = format_vectors.read_master_key((gate.directory / "master.key").read_text())
    gate.stop()
    database = sqlite3.connect(gate.directory / "vault.db")
    keys = {(workspace, generation): wrapped for workspace, generation, wrapped
            in database.execute("SELECT workspace, generation, wrapped FROM keys")}
    for connection in (live, other):
        record, sealed = database.execute(
            "SELECT record, sealed FROM connections WHERE id = ?", (connection,)).fetchone()
        fields = format_vectors.open_stored(master, keys, json.loads(record), sealed)
        assert fields == {"secret": secret.encode()}
    database.close()
    gate.start()
