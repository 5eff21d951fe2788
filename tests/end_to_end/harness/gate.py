"""A gate: the real program in a directory of its own, and everything said to it."""
import http.client
import json
import os
import shutil
import signal
import socket
import time
from pathlib import Path

import jwt
import yaml

from . import catalogue
from .planted import Planted
from .processes import Program, discard, room, run, until
from .trail import Trail
from .wire import Caller

PROGRAM = os.environ.get("SALLYPORT_BINARY") or os.environ.get("SALLYPORT", "")
OWN_KEY_FILES = ("master.key", "control.token", "run-token.key")
FAULTS = (b"AddressSanitizer", b"LeakSanitizer", b"ThreadSanitizer", b"runtime error:")


class Gate:
    live = []  # for the report of a failed test

    def __init__(self, providers, *, settings=None, program=None, planted=None, environment=None,
                 preparation=None):
        self.program = program or PROGRAM
        self.directory = room("gate")
        self.planted = planted or Planted()
        self.environment = environment or {}
        self.preparation = preparation  # run in the child before the program
        self.heard = []  # what callers were answered: (name, bytes)
        self.raw_callers = []
        self.starts = 0
        self.process = None
        self.settings = self._set_up(providers, settings or {})
        self.trail = Trail(self.directory / "trail")
        for name in OWN_KEY_FILES:
            text = (self.directory / name).read_text().strip()
            self.planted.plant(name, text.splitlines()[1] if "\n" in text else text)

    def _set_up(self, providers, changes):
        made = run([self.program, "init", self.directory])
        assert made.returncode == 0, made.stderr.decode()
        for content in providers:
            catalogue.write(self.directory / "providers", content)
        settings = yaml.safe_load((self.directory / "sallyport.yaml").read_text())
        settings["node"] = "gate"
        settings["proxy"]["listen"] = ["127.0.0.1:0", "unix:proxy.sock"]
        settings["control"]["connect_page"] = "https://connect.example/page"
        settings["catalogue"] = ["providers"]
        for section, values in changes.items():
            if isinstance(values, dict):
                for key, value in values.items():
                    if isinstance(value, dict):
                        settings[section].setdefault(key, {}).update(value)
                    else:
                        settings[section][key] = value
            else:
                settings[section] = values
        self.configure(settings)
        return settings

    def configure(self, settings):
        (self.directory / "sallyport.yaml").write_text(yaml.safe_dump(settings))

    def share_keys(self, first):
        """Before its start: becomes a gate of that one's fleet."""
        for name in ("master.key", "run-token.key"):
            (self.directory / name).write_bytes((first.directory / name).read_bytes())

    # Its life.

    def start(self):
        self.starts += 1
        self.process = Program(
            [self.program, "serve", "--config", self.directory / "sallyport.yaml"],
            self.directory, f"serve-{self.starts}", env={**os.environ, **self.environment},
            preexec_fn=self.preparation)
        Gate.live.append(self)
        until(self._ready, "the gate to listen")
        return self

    def _ready(self):
        assert self.process.running(), self.process.output().decode(errors="replace")
        listening = {}
        for line in self.process.stdout.read_text().splitlines():
            word, name, where = line.split(" ", 2)
            assert word == "listening", line
            listening.setdefault(name, []).append(where)
        if len(listening.get("proxy", ())) < len(self.settings["proxy"]["listen"]) \
                or "control" not in listening:
            return False
        tcp = next(where for where in listening["proxy"] if where.startswith("http://"))
        self.url = tcp
        self.host = tcp.removeprefix("http://")
        self.address = ("127.0.0.1", int(tcp.rsplit(":", 1)[1]))
        self.tls = next((where.removeprefix("https://") for where in listening["proxy"]
                         if where.startswith("https://")), None)
        self.unix = next((where.removeprefix("unix:") for where in listening["proxy"]
                          if where.startswith("unix:")), None)
        self.control = listening["control"][0]
        self.public = next(iter(listening.get("public", ())), None)
        return True

    def errors(self):
        return b"".join(path.read_bytes() for path in sorted(self.directory.glob("serve-*.stderr")))

    def stop(self):
        status = self.process.stop(signal.SIGTERM)
        Gate.live.remove(self)
        assert status == 0, f"exit {status}: {self.errors()[-4000:].decode(errors='replace')}"
        self.assert_no_faults()

    def kill(self):
        self.process.stop(signal.SIGKILL)
        Gate.live.remove(self)
        self.assert_no_faults()

    def signal(self, sign):
        os.kill(self.process.pid, sign)

    def discard(self):
        for caller in self.raw_callers:
            caller.sock.close()
        if self in Gate.live:
            self.kill()
        discard(self.directory)

    def assert_no_faults(self):
        errors = self.errors()
        for fault in FAULTS:
            assert fault not in errors, errors[-8000:].decode(errors="replace")

    # Commands.

    def cli(self, *arguments, stdin=None, expect=0, control=True):
        environment = {} if not control else {
            "SALLYPORT_CONTROL": self.control,
            "SALLYPORT_CONTROL_TOKEN": (self.directory / "control.token").read_text().strip()}
        secret = stdin.encode() if isinstance(stdin, str) else stdin
        done = run([self.program, *arguments], stdin=secret, environment=environment)
        said = done.stdout + done.stderr
        for fault in FAULTS:
            assert fault not in said, said.decode(errors="replace")
        if arguments[:2] != ("run", "start"):
            self.heard.append((" ".join(map(str, arguments[:2])), said))
        if expect is not None:
            assert done.returncode == expect, (arguments, done.returncode, said.decode())
        return done

    def connect(self, provider, secret=None, *, workspace="acme", user="ann", scopes="*", what=None,
                more=()):
        """Adds a connection; the secret is planted. Returns its id."""
        secret = secret or self.planted.plant(what or f"credential of {provider}")
        done = self.cli("connection", "add", "--workspace", workspace, "--user", user,
                        "--provider", provider, *(("--scopes", scopes) if scopes else ()),
                        "--secret-file", "-", *more, stdin=secret)
        return done.stdout.decode().strip()

    def run_token(self, run_name, *connections, workspace="acme", user="ann", more=()):
        done = self.cli("run", "start", "--workspace", workspace, "--user", user, "--app", "tests",
                        "--run", run_name, "--ttl", "1h", *more,
                        *(part for each in connections for part in ("--connection", each)))
        return self.planted.plant("run token", done.stdout.decode().strip())

    def mint(self, uses, run_name="minted", key=None, algorithm="ES256", headers=None, **claims):
        """A token made by hand with the gate's own key, for what `run start` would not make."""
        key = key or (self.directory / "run-token.key").read_text()
        now = int(time.time())
        content = {"iss": "sallyport", "aud": "sallyport", "iat": now, "exp": now + 600,
                   "jti": os.urandom(8).hex(), "workspace": "acme", "app": "tests",
                   "run": run_name, "sub": "ann", "connections": uses, **claims}
        content = {name: value for name, value in content.items() if value is not None}
        return self.planted.plant("minted run token",
                                  jwt.encode(content, key, algorithm=algorithm, headers=headers))

    def api(self, method, path, body=None):
        """The control API, over its unix socket. (status, JSON)."""
        connection = http.client.HTTPConnection("control")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(30)
        connection.sock.connect(self.control.removeprefix("unix:"))
        token = (self.directory / "control.token").read_text().strip()
        connection.request(method, path, json.dumps(body) if body is not None else None,
                           {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
        response = connection.getresponse()
        data = response.read()
        connection.close()
        self.heard.append((path, data))
        return response.status, json.loads(data) if data else None

    # Calls.

    def caller(self, **options):
        return Caller(self.address, **options)

    def call(self, method, target, token=None, headers=(), body=None, address=None):
        """One call over a connection of its own, with the token in the usual place."""
        headers = [("Host", self.host), *headers, ("Connection", "close")]
        if token is not None:
            headers.append(("Authorization", f"Bearer {token}"))
        with Caller(address or self.address) as caller:
            caller.request(method, target, headers, body)
            response = caller.response(method)
        self.heard.append((f"{method} {target}", response.raw))
        return response

    def send_raw(self, data):
        """Bytes as they are. (the answer, a function that tells whether the gate then closed)."""
        caller = self.caller()
        self.raw_callers.append(caller)
        caller.send(data)
        answer = caller.response()
        self.heard.append(("raw", answer.raw))
        return answer, caller.ended

    # What must hold at the end.

    def verify(self, expect=0):
        return self.cli("audit", "verify", self.trail.directory, control=False, expect=expect)

    def assert_no_leaks(self):
        pids = [self.process.pid] if self.process and self.process.running() else []
        leaks = self.planted.sweep(self.directory, pids, self.heard, spared=OWN_KEY_FILES)
        assert not leaks, leaks


def other_directory(gate, name):
    """A copy of a gate's set-up beside it, for a second gate."""
    copy = room(name)
    for entry in (*OWN_KEY_FILES, "sallyport.yaml"):
        shutil.copy2(gate.directory / entry, copy / entry)
    shutil.copytree(gate.directory / "providers", copy / "providers")
    return Path(copy)
