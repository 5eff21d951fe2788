"""Keys that are rotated, shredded and lost while calls go on; records that were tampered with."""
import json
import os
import secrets
import signal
import sqlite3
import subprocess
import threading
import time

import pytest
from harness.checks import assert_refused
from harness.load import Load
from harness.processes import until

CONNECTIONS = 300


def status(lab, *more):
    return json.loads(lab.gate.cli("key", "status", "--json", *more).stdout)


def rotate(lab, *what):
    return json.loads(lab.gate.cli("key", "rotate", "--json", *what).stdout)


@pytest.fixture(scope="module")
def crowded(lab):
    """The gate with many more connections in the workspace, none of which has been used."""
    lab.crowd = []
    for number in range(CONNECTIONS):
        code, made = lab.gate.api("POST", "/api/connect/connections", {
            "workspace": "acme", "user": "ann", "provider": "bench", "name": f"n{number}",
            "scopes_granted": ["*"], "credential": {"secret": lab.secret}})
        assert code == 201
        lab.crowd.append(made["id"])
    return lab


def test_calls_go_on_while_the_workspaces_key_is_rotated(crowded):
    """Some with a credential that is in memory, some with one that has to be read just then."""
    lab = crowded
    before = status(lab, "--workspace", "acme")["items"][-1]["generation"]
    answers = []

    def call_each_for_the_first_time():
        for number, connection in enumerate(lab.crowd):
            token = lab.gate.mint({"bench": connection}, f"cold-{number}")
            answer = lab.gate.call("GET", "/bench/lab/cold", token)
            answers.append((answer.status, answer.body[:200]))

    cold = threading.Thread(target=call_each_for_the_first_time)
    rotations = 0
    with Load(lab.gate.address, "/bench/lab/rotating", lab.token, count=2) as load:
        until(lambda: len(load.answered(200)) > 20, "some calls")
        cold.start()
        while cold.is_alive() or rotations < 3:
            made = rotate(lab, "--workspace", "acme")
            rotations += 1
            assert made["done"] and not made["damaged"], made
            assert made["generation"] == before + rotations
            assert made["resealed"] >= CONNECTIONS
        served = len(load.answered(200))
        until(lambda: len(load.answered(200)) > served + 20, "calls under the last key")
    cold.join()
    assert {(made.status, made.code) for made in load.answered()} == {(200, "")}
    assert len(answers) == CONNECTIONS and {status for status, _ in answers} == {200}, answers
    kept = status(lab, "--workspace", "acme")["items"]
    assert [item["generation"] for item in kept] == [before + rotations]
    assert kept[0]["records"] >= CONNECTIONS + 1
    assert lab.gate.trail.lines("key.rotated")


def test_a_rotation_that_was_killed_is_finished_by_the_next(crowded):
    lab = crowded
    environment = {**os.environ, "SALLYPORT_CONTROL": lab.gate.control,
                   "SALLYPORT_CONTROL_TOKEN":
                       (lab.gate.directory / "control.token").read_text().strip()}
    for number in range(6):
        rotating = subprocess.Popen(
            [lab.gate.program, "key", "rotate", "--workspace", "acme"], env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        lines = len(lab.gate.trail.lines("key.rotated"))
        until(lambda: len(lab.gate.trail.lines("key.rotated")) > lines or
              rotating.poll() is not None, "the rotation to begin")
        time.sleep(0.004 * number)  # Not to wait for anything: to be cut off at different places.
        lab.gate.kill()
        rotating.wait(30)
        lab.gate.start()
        assert lab.call("GET", f"/after-kill-{number}").status == 200
    made = rotate(lab, "--workspace", "acme")
    assert made["done"] and made["damaged"] == 0
    left = status(lab, "--workspace", "acme")["items"]
    assert len(left) == 1 and left[0]["generation"] == made["generation"]
    assert left[0]["records"] >= CONNECTIONS + 1
    assert lab.call("GET", "/in-the-end").status == 200


def reloaded(lab, settings):
    """Whether the gate took them; either way its trail says so."""
    lines = len(lab.gate.trail.lines("config.reloaded"))
    lab.gate.configure(settings)
    lab.gate.signal(signal.SIGHUP)
    until(lambda: len(lab.gate.trail.lines("config.reloaded")) > lines, "the gate to have read it")
    return "code" not in lab.gate.trail.lines("config.reloaded")[-1]


def test_the_master_key_is_changed_without_a_restart(lab):
    fresh = lab.gate.directory / "master.key"
    old = lab.gate.directory / "old-master.key"
    alone = lab.gate.cli("key", "rotate", "--master").stdout.decode()
    assert alone.startswith("already under master key"), alone
    old.write_text(fresh.read_text())
    old.chmod(0o600)
    known = status(lab)["master_keys"][0]["master_key"]
    text = lab.gate.planted.plant("new master key", secrets.token_hex(32))

    fresh.write_text(text + "\n")
    assert not reloaded(lab, lab.gate.settings), "it opens nothing in the store"
    assert lab.call("GET", "/still-the-old").status == 200
    settings = {**lab.gate.settings,
                "vault": {**lab.gate.settings["vault"],
                          "previous_master_keys": ["file:old-master.key"]}}
    assert reloaded(lab, settings)
    with Load(lab.gate.address, "/bench/lab/rewrapping", lab.token, count=2) as load:
        until(lambda: len(load.answered(200)) > 5, "some calls")
        made = rotate(lab, "--master")
        served = len(load.answered(200))
        until(lambda: len(load.answered(200)) > served + 5, "calls under the new master key")
    assert {(made.status, made.code) for made in load.answered()} == {(200, "")}
    assert made["done"] and made["unknown"] == 0 and made["rewrapped"] >= 2, made
    assert rotate(lab, "--master")["rewrapped"] == 0
    by_key = {entry["master_key"]: entry for entry in status(lab)["master_keys"]}
    assert by_key[known]["keys"] == 0 and by_key[known]["role"] == "previous"

    old.unlink()
    lab.gate.configure(lab.gate.settings)
    lab.gate.stop()
    lab.gate.start()
    assert lab.call("GET", "/under-the-new").status == 200


def test_a_shredded_workspace_is_gone_and_its_neighbour_is_not(lab):
    gate = lab.gate
    secret = gate.planted.plant("credential to shred")
    lost = gate.connect("bench", secret, workspace="globex")
    token = gate.run_token("shredded", lost, workspace="globex")
    lab.provider.authorization = f"Bearer {secret}"
    assert gate.call("GET", "/bench/lab/before", token).status == 200
    lab.provider.authorization = f"Bearer {lab.secret}"
    gate.cli("key", "shred", "--workspace", "globex", expect=2)
    said = gate.cli("key", "shred", "--workspace", "globex", "--yes").stdout
    assert b"1 connections revoked" in said and b"backups made before" in said
    answer = gate.call("GET", "/bench/lab/after", token)
    assert_refused(gate, answer, 403, "connection_revoked")
    assert lab.call("GET", "/neighbour").status == 200
    assert gate.trail.lines("key.shredded")


def edited(lab, change):
    """The store as it is after `change`, made while the gate is down. It is up again afterwards."""
    lab.gate.stop()
    with sqlite3.connect(lab.gate.directory / "vault.db", isolation_level=None) as database:
        change(database)
    database.close()
    lab.gate.start()


def sealed_of(database, connection):
    return database.execute("SELECT sealed FROM connections WHERE id = ?", (connection,)).fetchone()[0]


def put(database, connection, sealed):
    database.execute("UPDATE connections SET sealed = ? WHERE id = ?", (sealed, connection))


def flip(sealed, place):
    return sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1:]


@pytest.mark.parametrize("damage", ["flipped", "truncated", "unknown version", "another's",
                                    "another workspace's", "rolled back", "gone", "key flipped"])
def test_a_tampered_record_is_refused_and_says_nothing(lab, damage):
    """SECURITY.md, case 46: with the gate running again on what somebody did to its file."""
    gate = lab.gate
    victim = gate.connect("bench", workspace="initech")
    other = gate.connect("bench", lab.secret, workspace="initech")
    stranger = gate.connect("bench", lab.secret)
    token = gate.run_token(f"tampered-{secrets.token_hex(4)}", victim, workspace="initech")
    kept = {}

    def remember(database):
        kept["sealed"] = sealed_of(database, victim)
        kept["key"] = database.execute(
            "SELECT wrapped FROM keys WHERE workspace = 'initech'").fetchone()[0]

    def tamper(database):
        sealed = sealed_of(database, victim)
        if damage == "key flipped":
            database.execute("UPDATE keys SET wrapped = ? WHERE workspace = 'initech'",
                             (flip(kept["key"], 110),))
            return
        put(database, victim, {
            "flipped": flip(sealed, len(sealed) // 2), "truncated": sealed[:-1],
            "unknown version": b"CVR2" + sealed[4:], "another's": sealed_of(database, other),
            "another workspace's": sealed_of(database, stranger),
            "rolled back": kept["sealed"], "gone": b""}[damage])

    edited(lab, remember)
    if damage == "rolled back":
        gate.cli("connection", "update", victim, "--secret-file", "-",
                 stdin=gate.planted.plant("its next credential"))
    edited(lab, tamper)
    seen = len(lab.provider.requests)
    answer = gate.call("GET", "/bench/lab/tampered", token)
    assert_refused(gate, answer, 503, "vault_unavailable")
    assert len(lab.provider.requests) == seen
    if damage == "key flipped":
        edited(lab, lambda database: database.execute(
            "UPDATE keys SET wrapped = ? WHERE workspace = 'initech'", (kept["key"],)))
    gate.cli("connection", "remove", victim)


def test_a_bit_flipped_anywhere_in_a_record_is_noticed(lab):
    """One gate start for all: every fourth byte, each in a record of its own."""
    gate = lab.gate
    wanted = 132 + 128 + 16
    ids = []

    def prepare(database):
        sealed = sealed_of(database, ids[0])
        for place, connection in enumerate(ids[1:]):
            put(database, connection, flip(sealed_of(database, connection), 4 * place % len(sealed)))

    for _ in range(1 + wanted // 4):
        code, made = gate.api("POST", "/api/connect/connections", {
            "workspace": "hooli", "user": "ann", "provider": "bench", "scopes_granted": ["*"],
            "credential": {"secret": gate.planted.plant("credential to flip")}})
        assert code == 201, made
        ids.append(made["id"])
    edited(lab, prepare)
    seen = len(lab.provider.requests)
    for connection in ids[1:]:
        token = gate.mint({"bench": connection}, f"flip-{connection}", workspace="hooli")
        answer = gate.call("GET", "/bench/lab/flipped", token)
        assert (answer.status, answer.json()["code"]) == (503, "vault_unavailable"), connection
    assert len(lab.provider.requests) == seen
