"""What is compared: the provider behind everyone, and one class per way of standing in front of it.

All of them run on loopback out of one scratch directory. A proxy gets one worker on PROXY_CPU; the
provider, Redis and the load share LOAD_CPU.
"""
import os
import re
import secrets
import signal
import socket
import subprocess
import time

PROXY_CPU, LOAD_CPU = 0, 1
HOST = "provider.test"
CIPHER = "TLS_AES_128_GCM_SHA256"
HERE = os.path.dirname(os.path.abspath(__file__))
START_SECONDS_MAX = 20.0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def quietly(*arguments, **more):
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **more)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments[:3])} ... failed:\n{done.stdout}")
    return done.stdout


class Process:
    """A child pinned to one CPU, its output in DIR/NAME.out."""

    def __init__(self, directory, name, cpu, arguments):
        self.name, self.output = name, os.path.join(directory, name + ".out")
        with open(self.output, "w", encoding="utf-8") as output:
            self.child = subprocess.Popen(["taskset", "-c", str(cpu), *arguments], cwd=directory,
                                          stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def wait_until(self, ready):
        deadline = time.monotonic() + START_SECONDS_MAX
        while not ready():
            if self.child.poll() is not None or time.monotonic() > deadline:
                self.stop()
                with open(self.output, encoding="utf-8", errors="replace") as output:
                    raise RuntimeError(f"{self.name} did not start:\n{output.read()}")
            time.sleep(0.05)

    def cpu_seconds(self):
        """User and system time of all its threads, ended ones too, to the nanosecond: the kernel's
        clock for a process (the encoding of clock_getcpuclockid)."""
        return time.clock_gettime((~self.child.pid << 3) | 2)

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()


class Scene:
    """The scratch directory, its certificates, the provider and Redis."""

    def __init__(self, directory, sizes):
        self.directory = directory
        self.secret = "secret_" + secrets.token_hex(16)
        self.upstream_port = free_port()
        self.processes = []
        self.make_certificates()
        os.mkdir(os.path.join(directory, "www"))
        for size in sizes:
            with open(os.path.join(directory, "www", str(size)), "w", encoding="utf-8") as file:
                file.write(("0123456789abcdef" * (size // 16 + 1))[:size])

    def make_certificates(self):
        names = os.path.join(self.directory, "names")
        with open(names, "w", encoding="utf-8") as file:
            file.write(f"subjectAltName=DNS:{HOST},IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
        request = ("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                   "-nodes")
        quietly(*request, "-x509", "-subj", "/CN=authority", "-days", "2",
                "-keyout", "authority.key", "-out", "authority.pem", cwd=self.directory)
        quietly(*request, "-subj", f"/CN={HOST}",
                "-keyout", "upstream.key", "-out", "upstream.csr", cwd=self.directory)
        quietly("openssl", "x509", "-req", "-in", "upstream.csr", "-CA", "authority.pem",
                "-CAkey", "authority.key", "-CAcreateserial", "-days", "2", "-extfile", names,
                "-out", "upstream.pem", cwd=self.directory)

    def configuration(self, name, port):
        """conf/NAME.conf with its @WORDS@ filled in, written to the scratch directory."""
        text = read(os.path.join(HERE, "conf", name + ".conf"))
        words = {"DIR": self.directory, "PORT": port, "UPSTREAM": self.upstream_port,
                 "HOST": HOST, "SECRET": self.secret, "CIPHER": CIPHER}
        for word, value in words.items():
            text = text.replace(f"@{word}@", str(value))
        path = os.path.join(self.directory, name + ".conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def start(self, name, cpu, arguments, ready):
        process = Process(self.directory, name, cpu, arguments)
        self.processes.append(process)
        process.wait_until(ready)
        return process

    def start_upstream(self):
        path = self.configuration("upstream", self.upstream_port)
        self.start("upstream", LOAD_CPU, ["nginx", "-c", path], lambda: answers(self.upstream_port))

    def start_redis(self):
        path = os.path.join(self.directory, "redis.sock")
        if os.path.exists(path):
            return
        command = ["redis-server", "--port", "0", "--unixsocket", path, "--save", ""]
        self.start("redis", LOAD_CPU, command, lambda: os.path.exists(path))
        quietly("redis-cli", "-s", path, "SET", "Bearer " + Peer.caller, self.secret)

    def stop(self):
        for process in reversed(self.processes):
            process.stop()


class Peer:
    """Another proxy, configured by conf/NAME.conf."""

    caller = "caller_" + secrets.token_hex(16)
    prefix = ""

    def __init__(self, scene, name, command, needs_redis=False):
        self.name = name
        if needs_redis:
            scene.start_redis()
        self.port = free_port()
        self.token = self.caller
        path = scene.configuration(name, self.port)
        self.process = scene.start(name, PROXY_CPU, [*command, path], lambda: answers(self.port))


class Gate:
    """A build of Sallyport, with one provider, one connection and one run."""

    prefix = "/bench"

    def __init__(self, scene, name, program, durability="write"):
        self.name, self.program = name, os.path.abspath(program)
        self.directory = os.path.join(scene.directory, "gate-" + name)
        quietly(self.program, "init", self.directory)
        self.write("sallyport.yaml", SETTINGS.replace("durability: write",
                                                      f"durability: {durability}"))
        authority = os.path.join(scene.directory, "authority.pem")
        self.write("catalogue/bench.yaml",
                   PROVIDER.format(port=scene.upstream_port, authority=authority))
        settings = os.path.join(self.directory, "sallyport.yaml")
        output = os.path.join(scene.directory, name + ".out")
        self.process = scene.start(
            name, PROXY_CPU, [self.program, "serve", "--config", settings],
            lambda: "listening control" in read(output) and "listening proxy" in read(output))
        self.port = int(re.search(r"^listening proxy http://.*:(\d+)$", read(output), re.M)[1])
        owner = ("--workspace", "bench", "--user", "load")
        connection = self.ask("connection", "add", *owner, "--provider", "bench",
                              "--scopes", "*", "--secret-file", "-", stdin=scene.secret)
        self.token = self.ask("run", "start", *owner, "--app", "load", "--run", "load-1",
                              "--connection", connection)

    def write(self, path, text):
        with open(os.path.join(self.directory, path), "w", encoding="utf-8") as file:
            file.write(text)

    def ask(self, *arguments, stdin=""):
        token = read(os.path.join(self.directory, "control.token")).strip()
        surroundings = {**os.environ, "SALLYPORT_CONTROL": f"unix:{self.directory}/control.sock",
                        "SALLYPORT_CONTROL_TOKEN": token}
        return quietly(self.program, *arguments, input=stdin, env=surroundings).strip()


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


SETTINGS = """\
node: bench
proxy: {listen: ["127.0.0.1:0"], workers: 1}
control:
  listen: "unix:control.sock"
  tokens: [{role: admin, token: "file:control.token", workspaces: ["*"]}]
vault: {store: "sqlite:vault.db", master_key: "file:master.key"}
run_tokens:
  issuers:
    - {issuer: sallyport, alg: ES256, key: "file:run-token.key"}
audit: {directory: trail, durability: write}
catalogue: ["catalogue"]
"""

PROVIDER = """\
id: bench
name: Bench
category: Testing
base_url: "https://127.0.0.1:{port}"
allow: [private_addresses]
tls_ca: "{authority}"
credentials:
  - kind: bearer
    inject:
      - {{in: header, name: Authorization, value: "Bearer {{secret}}"}}
scopes:
  - {{id: "read", class: read, description: "Read"}}
rules:
  - {{operation: bench.get, class: read, methods: [GET], path: "/{{size}}", scopes: [["read"]]}}
"""
