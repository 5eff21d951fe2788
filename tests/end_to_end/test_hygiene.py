"""What of a gate can be seen from outside it: its process, its files, its last breath."""
import os
import resource
import signal
import socket
from pathlib import Path

import pytest
from harness import routes
from harness.confidences import (
    Confidences, found_by_grep, fresh_secret, providers, written_out)
from harness.processes import Program, discard, room, run, until
from harness.provider import Provider
from harness.gate import PROGRAM

SECRETS = 1000
BY_COMMAND = 60
CALLS_A_RUN = 40
SANITIZED = b"__asan_init" in Path(PROGRAM).read_bytes() if PROGRAM else False
SHOWN_BY_PROC = ("cmdline", "environ", "status", "stat", "maps", "smaps", "comm", "limits", "auxv",
                 "mountinfo", "io", "wchan", "stack", "syscall", "net/unix", "net/tcp")


def status_of(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines)


# The process.

def test_the_process_is_confined_in_all_its_threads(lab):
    pid = lab.gate.process.pid
    threads = [task.name for task in Path(f"/proc/{pid}/task").iterdir()]
    assert len(threads) > 1
    for thread in threads:
        status = status_of(f"{pid}/task/{thread}")
        assert (status["Seccomp"], status["NoNewPrivs"]) == ("2", "1"), thread
    assert int(Path(f"/proc/{pid}/coredump_filter").read_text(), 16) == 0
    limits = Path(f"/proc/{pid}/limits").read_text()
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]
    assert lab.call("GET", "/confined").status == 200


def test_the_filter_can_be_left_out_to_debug(make_gate, lab_provider, authority):
    gate = make_gate(providers(lab_provider.url, authority))
    gate.stop()
    bare = Program([gate.program, "serve", "--no-seccomp", "--config",
                    gate.directory / "sallyport.yaml"], gate.directory, "bare")
    until(lambda: b"listening control" in bare.output(), "the gate to listen")
    assert status_of(bare.pid)["Seccomp"] == "0"
    assert b"--no-seccomp" in bare.output()
    assert bare.stop() == 0
    gate.start()


def test_the_environment_is_out_of_sight_and_still_read_at_a_reload(make_gate, lab_provider,
                                                                    authority):
    gate = make_gate(providers(lab_provider.url, authority))
    gate.stop()
    token = (gate.directory / "control.token").read_text().strip()
    gate.settings["control"]["tokens"][0]["token"] = "env:TOKEN_OF_THE_TEST"
    gate.settings["vault"]["master_key"] = "env:KEY_OF_THE_TEST"
    gate.configure(gate.settings)
    gate.environment = {
        "TOKEN_OF_THE_TEST": token, "SALLYPORT_CONTROL_TOKEN": token,
        "KEY_OF_THE_TEST": (gate.directory / "master.key").read_text().strip(),
        "BYSTANDER": gate.planted.plant("another program's secret")}
    gate.start()
    assert Path(f"/proc/{gate.process.pid}/environ").read_bytes().strip(b"\0") == b""
    for _ in range(2):
        status, answer = gate.api("POST", "/api/reload")
        assert status == 200, answer
    assert gate.api("GET", "/api/connect/connections?workspace=acme")[0] == 200


def test_the_service_manager_hears_of_it(lab_provider, authority, make_gate):
    directory = room("manager")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(directory / "notify"))
        manager.settimeout(30)
        gate = make_gate(providers(lab_provider.url, authority),
                         environment={"NOTIFY_SOCKET": str(directory / "notify")})
        assert manager.recv(100) == b"READY=1"
        gate.signal(signal.SIGTERM)
        assert manager.recv(100) == b"STOPPING=1"
        gate.stop()
    discard(directory)


def unlimited_cores():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@pytest.mark.parametrize("sign", [signal.SIGSEGV, signal.SIGABRT, signal.SIGQUIT])
def test_it_dies_without_a_core(make_gate, lab_provider, authority, sign):
    gate = make_gate(providers(lab_provider.url, authority), preparation=unlimited_cores,
                     environment={"ASAN_OPTIONS": "handle_segv=0:allow_user_segv_handler=1"})
    gate.connect("bearer")
    process = gate.process.child
    gate.signal(sign)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = -os.WTERMSIG(status)
    assert os.WTERMSIG(status) == sign and not os.WCOREDUMP(status)
    gate.live.remove(gate)


# The embedded store's file.

def test_a_store_that_another_gate_has_is_refused_under_any_name(make_gate, lab_provider,
                                                                 authority):
    first = make_gate(providers(lab_provider.url, authority))
    store = first.directory / "vault.db"
    directory = room("second")
    run([first.program, "init", directory])
    (directory / "link.db").symlink_to(store)
    os.link(store, directory / "twin.db")
    settings = (directory / "sallyport.yaml").read_text()
    start = [first.program, "serve", "--config", directory / "sallyport.yaml"]
    for name, reason in ((store, "another process has the store open"),
                         (os.path.relpath(store, directory), "another process has the store open"),
                         ("link.db", "another process has the store open"),
                         ("twin.db", "a second name")):
        if name == store:
            (directory / "twin.db").rename(directory / "aside")
            os.unlink(directory / "aside")
        if name == "twin.db":
            os.link(store, directory / "twin.db")
        changed = settings.replace("sqlite:vault.db", f"sqlite:{name}")
        assert changed != settings
        (directory / "sallyport.yaml").write_text(changed)
        done = run(start)
        said = done.stderr.decode()
        assert done.returncode == 1 and reason in said, said
        assert os.path.basename(name) in said, said
    os.unlink(directory / "twin.db")
    first.kill()
    first.start()
    discard(directory)


# A thousand secrets.

class Swept:
    """A gate that was trusted with them and lived through everything below."""

    def __init__(self, gate, provider):
        self.gate, self.provider = gate, provider
        self.trusted = Confidences(gate)
        self.trusted.give(SECRETS, BY_COMMAND)
        self._call_with_all()
        self._provoke()
        self.revoked = self._revoke()

    def _call_with_all(self):
        """Each connection once, some with a body; each run over one connection of its own."""
        calls = self.trusted.connections
        for start in range(0, len(calls), CALLS_A_RUN):
            mine = calls[start:start + CALLS_A_RUN]
            token = self.gate.mint([connection for _, connection in mine], f"run-{start}")
            with self.gate.caller() as caller:
                for number, (provider, connection) in enumerate(mine):
                    method, body = (("POST", b"x" * 5000) if number % 7 == 0 else ("GET", None))
                    caller.request(method, f"/{provider}/lab/{number}",
                                   [("Host", self.gate.host), ("Connection-Id", connection),
                                    ("Proxy-Authorization", f"Bearer {token}")], body)
                    response = caller.response(method)
                    self.gate.heard.append((provider, response.raw))
                    assert response.status == 200, response.raw

    def _provoke(self):
        """Errors that had secrets at hand."""
        gate = self.gate
        provider, connection = self.trusted.connections[0]
        token = gate.mint([connection, gate.connect("nobody")], "faults")
        given = [("Connection-Id", connection)]
        assert gate.call("GET", "/nobody/lab/x", token).status == 502
        assert gate.call("GET", f"/{provider}/lab/dies", None, [
            *given, ("Proxy-Authorization", f"Bearer {token}")]).status == 502
        assert gate.call("DELETE", f"/{provider}/lab/x", None, [
            *given, ("Proxy-Authorization", f"Bearer {token}")]).status == 403
        assert gate.call("GET", f"/{provider}/lab/../x", token).status == 400
        assert gate.call("GET", f"/{provider}/lab/x", token + "x").status == 401
        answer, _ = gate.send_raw(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nAuthorization: Bearer "
                                  + token.encode() + b"\r\n\r\n")
        assert answer.status == 400
        leaky = fresh_secret()
        self.trusted.credentials.append(leaky)
        for credential in ({"secret": leaky + "\r\n"}, {"secrets": leaky}, [leaky], leaky):
            status, _ = gate.api("POST", "/api/connect/connections", {
                "workspace": "acme", "user": "ann", "provider": "bearer", "kind": "bearer",
                "credential": credential})
            assert status in (400, 422)
        gate.cli("connection", "add", "--workspace", "acme", "--user", "ann", "--provider",
                 "oauth2", "--kind", "oauth2", "--secret-file", "-", stdin='{"access_token": "'
                 + leaky, expect=1)

    def _revoke(self):
        """A tenth; then a call with one of them."""
        gone = self.trusted.connections[::10]
        for _, connection in gone:
            assert self.gate.api("POST", f"/api/connect/connections/{connection}/revoke")[0] == 200
        provider, connection = gone[0]
        token = self.gate.mint([connection], "late")
        refused = self.gate.call("GET", f"/{provider}/lab/late", None, [
            ("Proxy-Authorization", f"Bearer {token}")])
        assert refused.json()["code"] == "connection_revoked"
        return gone


@pytest.fixture(scope="module")
def swept(make_gate, certificate, authority):
    provider = routes.laboratory(Provider(certificate))
    provider.accepts = lambda request: True
    provider.on("*", "/lab/dies", lambda exchange: exchange.close())
    yield Swept(make_gate(providers(provider.url, authority)), provider)
    provider.stop()


@pytest.fixture
def scratch():
    directory = room("scratch")
    yield directory
    discard(directory)


def test_the_secrets_did_arrive(swept):
    """Else finding none of them would prove nothing."""
    arrived = "\n".join(f"{name}: {value}" for request in swept.provider.seen()
                        for name, value in request.headers)
    tokens = [secret for secret in swept.trusted.credentials if secret in arrived]
    assert len(tokens) > SECRETS / 3
    assert len(swept.trusted.credentials) >= SECRETS


def test_none_of_a_thousand_secrets_is_anywhere_to_be_read(swept, scratch):
    """Logs, trail, store, answers of gate, control API and commands, and what /proc shows."""
    gate = swept.gate
    for path in ("/api/connect/connections?workspace=acme", "/api/runs?workspace=acme",
                 "/api/connect/providers", "/metrics", "/api/openapi.json"):
        gate.heard.append((path, repr(gate.api("GET", path)).encode()
                           if path != "/metrics" else b""))
    for words in (("connection", "list", "--workspace", "acme", "--json"),
                  ("connection", "show", swept.trusted.connections[0][1], "--json"),
                  ("provider", "list"), ("run", "list", "--workspace", "acme")):
        gate.cli(*words)
    gate.cli("check", "--config", gate.directory / "sallyport.yaml", control=False)
    (scratch / "heard").write_bytes(b"\n".join(data for _, data in gate.heard))
    for entry in SHOWN_BY_PROC:
        try:
            (scratch / entry.replace("/", "-")).write_bytes(
                Path(f"/proc/{gate.process.pid}/{entry}").read_bytes())
        except (PermissionError, FileNotFoundError):
            pass  # Unreadable is as good as clean.
    for number in os.listdir(f"/proc/{gate.process.pid}/fd"):
        (scratch / f"fd-{number}").write_text(os.readlink(f"/proc/{gate.process.pid}/fd/{number}"))
    patterns = room("patterns")
    own = {secret for what, secret in gate.planted.secrets.items()
           if what.startswith(("master.key", "control.token", "run-token.key"))}
    planted = set(gate.planted.secrets.values()) | set(swept.trusted.credentials)
    whose = written_out(planted - own, patterns / "patterns")
    assert found_by_grep(whose, patterns / "patterns", scratch) == set()
    assert found_by_grep(whose, patterns / "patterns", gate.directory) == set()
    assert {line["kind"] for line in gate.trail.lines()} >= {
        "call.intent", "call.refused", "connection.added", "connection.revoked"}
    discard(patterns)


def memory_of(pid, file):
    """What the process can write to, into a file: as root, who may."""
    with open(f"/proc/{pid}/mem", "rb", 0) as memory, open(file, "wb") as out:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights = line.split()[:2]
            start, end = (int(side, 16) for side in span.split("-"))
            if not rights.startswith("rw"):
                continue
            memory.seek(start)
            try:
                out.write(memory.read(end - start))
            except OSError:
                pass  # Not to be read by anybody, such as a device's.


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps freed memory back to look at it")
def test_its_memory_forgets_what_is_not_in_use(swept, scratch):
    """Even who reads the whole process finds no credential between calls, nor the tokens of callers
    who have gone."""
    gate = swept.gate
    patterns = room("patterns")
    tokens = [secret for what, secret in gate.planted.secrets.items() if what.startswith("minted")]
    canary = gate.settings["control"]["connect_page"]  # In memory for sure.
    whose = written_out([*swept.trusted.credentials, *tokens, canary], patterns / "patterns")
    for caller in gate.raw_callers:
        caller.sock.close()

    def found():
        memory_of(gate.process.pid, scratch / "memory")
        return found_by_grep(whose, patterns / "patterns", scratch)

    # Callers that were refused are listened to for a moment more.
    until(lambda: not found() & set(tokens), "the tokens to be forgotten")
    assert found() == {canary}
    discard(patterns)
