"""The commands, as a person or a script meets them."""
import http.client
import json
import os
import re
import signal
import socket
import stat
import threading

import pytest
import yaml
from harness import catalogue, gate as gates
from harness.processes import discard, room, run, until

PROBLEM = re.compile(r"^(.+):(\d+):(\d+): (.+)$")
COMMANDS = ["init", "check", "serve", "provider list", "provider show", "connection add",
            "connection list", "connection show", "connection update", "connection activate",
            "connection deactivate", "connection revoke", "connection remove", "run start",
            "run list", "run end", "policy explain", "audit tail", "audit verify"]


def sallyport(*arguments, expect=0, **options):
    done = run([gates.PROGRAM, *arguments], **options)
    if expect is not None:
        assert done.returncode == expect, (arguments, done.stdout, done.stderr)
    return done


@pytest.fixture
def directory():
    made = room("cli")
    yield made
    discard(made)


@pytest.fixture
def made(directory):
    sallyport("init", directory / "gate")
    return directory / "gate"


def edited(made, change):
    """The path of a configuration with `change` made to its data."""
    settings = yaml.safe_load((made / "sallyport.yaml").read_text())
    change(settings)
    (made / "changed.yaml").write_text(yaml.safe_dump(settings))
    return made / "changed.yaml"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command):
    done = sallyport(*command.split(), "--help")
    assert b"Usage" in done.stdout or b"usage" in done.stdout
    assert done.stderr == b""


@pytest.mark.parametrize("arguments", [
    [], ["dance"], ["serve"], ["serve", "--config", "/nowhere"], ["check", "--confg", "x"],
    ["provider", "show"], ["policy", "explain", "--provider", "x"]], ids=repr)
def test_wrong_usage_exits_2_and_says_so(arguments):
    done = sallyport(*arguments, expect=2)
    assert done.stderr and done.stdout == b""


def test_init_writes_a_set_up_for_its_owner_only_that_works(made):
    files = {path.name for path in made.iterdir()}
    assert {"sallyport.yaml", "master.key", "control.token", "run-token.key",
            "catalogue"} <= files
    for path in [made, *made.rglob("*")]:
        assert not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO), path
    assert (made / "run-token.key").read_text().startswith("-----BEGIN ")
    sallyport("check", "--config", made / "sallyport.yaml")


def test_init_never_overwrites(made, directory):
    before = {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}
    done = sallyport("init", made, expect=1)
    assert done.stderr
    assert before == {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}
    (directory / "other").mkdir()
    (directory / "other" / "mine").write_text("mine")
    sallyport("init", directory / "other", expect=1)
    assert [path.name for path in (directory / "other").iterdir()] == ["mine"]


def test_two_set_ups_share_no_key(made, directory):
    sallyport("init", directory / "second")
    for name in ("master.key", "control.token", "run-token.key"):
        assert (made / name).read_bytes() != (directory / "second" / name).read_bytes()


def test_check_reports_every_problem_with_its_place(made):
    text = (made / "sallyport.yaml").read_text()
    text = text.replace("  drain_timeout: 30s", "  drain_timeout: soon\n  spelling_mistake: 1")
    text = text.replace("  durability: write", "  durability: perhaps")
    (made / "wrong.yaml").write_text(text)
    (made / "catalogue" / "broken.yaml").write_text("id: broken\nname: [\n")
    (made / "catalogue" / "odd.yaml").write_text(yaml.safe_dump(
        {**catalogue.provider("odd", "https://odd.example", type("A", (), {"file": ""}), []),
         "unheard_of": True}))
    done = sallyport("check", "--config", made / "wrong.yaml", expect=2)
    problems = [PROBLEM.match(line) for line in (done.stdout + done.stderr).decode().splitlines()]
    found = {(os.path.basename(each[1]), int(each[2])) for each in problems if each}
    lines = text.splitlines()
    for mark in ("drain_timeout: soon", "spelling_mistake", "durability: perhaps"):
        place = next(number for number, line in enumerate(lines, 1) if mark in line)
        assert ("wrong.yaml", place) in found, (mark, found)
    assert {"broken.yaml", "odd.yaml"} <= {name for name, _ in found}


@pytest.mark.parametrize("address, plain, status", [
    ("0.0.0.0:0", False, 2), ("0.0.0.0:0", True, 0), ("127.0.0.1:0", False, 0)])
def test_plain_text_beyond_loopback_must_be_asked_for(made, address, plain, status):
    def change(settings):
        settings["proxy"]["listen"] = [{"address": address, "plain": True} if plain else address]

    sallyport("check", "--config", edited(made, change), expect=status)


def test_a_key_that_others_can_read_is_a_problem(made):
    (made / "master.key").chmod(0o644)
    done = sallyport("check", "--config", made / "sallyport.yaml", expect=2)
    problem = PROBLEM.match(done.stdout.decode().splitlines()[0])
    line = (made / "sallyport.yaml").read_text().splitlines()[int(problem[2]) - 1]
    assert "master.key" in line and "others" in problem[4]


def test_the_catalogue_is_listed_and_shown(made):
    config = made / "sallyport.yaml"
    listed = json.loads(sallyport("provider", "list", "--config", config, "--json").stdout)
    items = listed["items"] if isinstance(listed, dict) else listed
    identifiers = {item["id"] for item in items}
    assert {"github", "gmail", "slack"} <= identifiers
    shown = json.loads(sallyport("provider", "show", "github", "--config", config, "--json").stdout)
    assert shown["id"] == "github" and "base_url" in shown
    assert b"github" in sallyport("provider", "list", "--config", config).stdout
    sallyport("provider", "show", "nobody", "--config", config, expect=1)


@pytest.mark.parametrize("scopes, method, path, expected", [
    ("public_repo", "GET", "/repos/o/r", {"decision": "allow", "operation": "repos.get",
                                           "class": "read"}),
    ("repo", "POST", "/repos/o/r/issues", {"decision": "allow", "operation": "issues.create"}),
    ("repo", "DELETE", "/repos/o/r", {"decision": "deny", "operation": "repos.delete",
                                      "class": "destructive"}),
    ("repo", "GET", "/nobody/named/this", {"decision": "deny"})], ids=repr)
def test_a_decision_is_explained_offline(made, authority, scopes, method, path, expected):
    catalogue.write(made / "providers", catalogue.github("https://localhost:1", authority))
    config = edited(made, lambda settings: settings.update(catalogue=["providers"]))
    done = sallyport("policy", "explain", "--config", config, "--provider", "github", "--scopes",
                     scopes, "--json", method, path)
    said = json.loads(done.stdout)
    assert {name: said[name] for name in expected} == expected
    if said.get("operation"):
        assert "github.yaml" in said["rule"]
    if expected.get("operation") == "repos.delete":
        assert sorted(said["missing_scopes"]) == [["admin"], ["delete_repo"]]


def test_the_first_bad_line_is_named(lab):
    for number in range(10):
        assert lab.call("GET", f"/line-{number}").status == 200
    until(lambda: len(lab.gate.trail.lines("call.outcome")) >= 10, "outcomes")
    copy = room("trail")
    run(["cp", "-r", str(lab.gate.trail.directory), copy])
    segment = max((copy / "trail").rglob("*.jsonl"), key=lambda path: path.stat().st_size)
    whole = segment.read_bytes()
    sallyport("audit", "verify", copy / "trail")
    lines = whole.split(b"\n")
    middle = len(lines) // 2
    damages = {
        "flipped": lines[:middle] + [lines[middle].replace(b'"2', b'"3', 1)] + lines[middle + 1:],
        "removed": lines[:middle] + lines[middle + 1:],
        "doubled": lines[:middle] + [lines[middle]] + lines[middle:],
        "swapped": lines[:middle] + [lines[middle + 1], lines[middle]] + lines[middle + 2:],
    }
    for name, damaged in damages.items():
        segment.write_bytes(b"\n".join(damaged))
        done = sallyport("audit", "verify", copy / "trail", expect=1)
        said = (done.stdout + done.stderr).decode()
        first = middle + (2 if name == "doubled" else 1)
        assert segment.name in said and re.search(rf"\b{first}\b", said), (name, first, said)
    discard(copy)


def test_connections_and_runs_are_listed_without_secrets(lab):
    shown = json.loads(lab.gate.cli("connection", "show", lab.connection, "--json").stdout)
    assert (shown["id"], shown["workspace"], shown["user"]) == (lab.connection, "acme", "ann")
    assert (shown["provider"], shown["kind"], shown["status"]) == ("bench", "bearer", "active")
    assert shown["scopes_granted"] == ["*"]
    listed = json.loads(lab.gate.cli("connection", "list", "--workspace", "acme", "--json").stdout)
    assert lab.connection in [item["id"] for item in listed["items"]]
    runs = json.loads(lab.gate.cli("run", "list", "--workspace", "acme", "--json").stdout)
    assert "everything" in [item["run"] for item in runs["items"]]
    lab.gate.cli("connection", "show", "conn_01JDZZZZZZZZZZZZZZZZZZZZZZ", expect=1)


@pytest.mark.parametrize("secret", ["", "two\nlines", "nul\0byte", "bell\x07", "\r"], ids=repr)
def test_a_value_that_cannot_be_sent_is_refused(lab, secret):
    done = lab.gate.cli("connection", "add", "--workspace", "acme", "--user", "ann", "--provider",
                        "bench", "--name", "bad", "--secret-file", "-", stdin=secret, expect=1)
    assert done.stdout == b""


def test_a_control_token_is_needed(lab):
    environment = {"SALLYPORT_CONTROL": lab.gate.control, "SALLYPORT_CONTROL_TOKEN": "x" * 43}
    sallyport("connection", "list", "--workspace", "acme", environment=environment, expect=1)
    environment.pop("SALLYPORT_CONTROL_TOKEN")
    sallyport("connection", "list", "--workspace", "acme", environment=environment, expect=None)
    token_file = lab.gate.directory / "control.token"
    sallyport("connection", "list", "--workspace", "acme", "--control", lab.gate.control,
              "--control-token-file", token_file)


def test_a_reload_takes_what_is_right_and_keeps_what_was(lab, authority):
    gate, file = lab.gate, lab.gate.directory / "providers" / "bench.yaml"
    good = file.read_text()
    assert gate.call("GET", "/bench/fresh/x", lab.token).json()["code"] == "operation_denied"
    content = yaml.safe_load(good)
    content["rules"].append(catalogue.rule("fresh.read", "read", ["GET"], "/fresh/**"))
    file.write_text(yaml.safe_dump(content))
    gate.signal(signal.SIGHUP)
    until(lambda: gate.call("GET", "/bench/fresh/x", lab.token).status == 404, "the new rule")
    reloads = len(gate.trail.lines("config.reloaded"))
    assert reloads == 1
    errors = len(gate.errors())
    (gate.directory / "sallyport.yaml").write_text("proxy: {listen: [\n")
    gate.signal(signal.SIGHUP)
    until(lambda: b"sallyport.yaml:" in gate.errors()[errors:], "a word about the broken file")
    assert gate.call("GET", "/bench/fresh/x", lab.token).status == 404
    gate.configure(gate.settings)
    file.write_text("id: [broken\n")
    errors = len(gate.errors())
    gate.signal(signal.SIGHUP)
    until(lambda: b"bench.yaml:" in gate.errors()[errors:], "a word about the broken provider")
    assert gate.call("GET", "/bench/lab/x", lab.token).status == 200
    file.write_text(good)


def test_a_broken_provider_file_keeps_only_itself_out(make_gate, lab_provider, authority):
    sound = catalogue.laboratory(lab_provider.url, authority, "sound")
    broken = {**sound, "id": "broken", "unheard_of": 1}
    gate = make_gate([sound, broken])
    assert b"broken.yaml:" in gate.errors()
    token = gate.run_token("r", gate.connect("sound"))
    assert gate.call("GET", "/sound/lab/x", token).status in (200, 401)
    assert gate.call("GET", "/broken/lab/x", token).json()["code"] == "unknown_provider"


def test_sigterm_finishes_what_was_begun_and_takes_nothing_new(make_lab, lab_provider):
    lab = make_lab(lab_provider)
    gate, release = lab.gate, threading.Event()
    lab.provider.on("GET", "/lab/draining", lambda exchange: (
        release.wait(30), exchange.json({"drained": True})))
    with gate.caller() as caller:
        caller.send(lab.head("GET /bench/lab/draining HTTP/1.1"))
        until(lambda: lab.provider.seen("/lab/draining"), "the call to be under way")
        gate.signal(signal.SIGTERM)

        def closed():
            try:
                gate.caller().sock.close()
                return False
            except ConnectionError:
                return True

        until(closed, "the listener to close")
        assert gate.process.running()
        release.set()
        answer = caller.response()
        assert (answer.status, answer.json()) == (200, {"drained": True})
    gate.stop()
    assert gate.trail.call(answer.call_id)[1]["status"] == 200
    assert len(gate.trail.lines("gate.stopped")) == 1
    assert not (gate.directory / "control.sock").exists()
    gate.verify()


def test_health_needs_no_token_and_metrics_do(lab):
    for path, status in (("/healthz", 200), ("/readyz", 200), ("/metrics", 401)):
        connection = http.client.HTTPConnection("control")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(lab.gate.control.removeprefix("unix:"))
        connection.request("GET", path)
        assert connection.getresponse().status == status, path
        connection.close()
