"""Clients as people have them: curl, requests, rclone; every way in."""
import re

import pytest
import requests
from harness import catalogue
from harness.catalogue import rule
from harness.checks import assert_forwarded
from harness.planted import Planted
from harness.processes import Program, answers, discard, free_port, room, run, until


def curl(lab, *arguments, stdin=None):
    done = run(["curl", "--silent", "--show-error", "--include", "--max-time", "60",
                "--noproxy", "", *arguments], stdin=stdin,
               environment={"http_proxy": "", "https_proxy": "", "no_proxy": ""})
    assert done.returncode == 0, done.stderr.decode()
    lab.gate.heard.append(("curl", done.stdout + done.stderr))
    head, body = b"HTTP/1.1 1", done.stdout
    while head.startswith(b"HTTP/1.1 1"):  # Interim answers come first.
        head, _, body = body.partition(b"\r\n\r\n")
    return head.decode(), body


def call_id(head):
    return re.search(r"(?im)^Sallyport-Call-Id: *(\S+)", head).group(1)


def test_curl_in_the_reverse_way(lab):
    head, body = curl(lab, "-H", f"Authorization: Bearer {lab.token}",
                      f"{lab.gate.url}/bench/lab/reverse?q=1")
    assert " 200 " in head and body == b'{"fine": true}'
    request = lab.provider.only("/lab/reverse")
    assert request.authorized and request.target == "/lab/reverse?q=1"
    intent, outcome = lab.gate.trail.call(call_id(head))
    assert (intent["operation"], intent["query_keys"]) == ("lab.read", ["q"])
    assert outcome["status"] == 200 and outcome["response_bytes"] >= len(body)


def test_curl_in_the_forward_way(lab):
    """http:// in the URL and http_proxy set: the leg to the provider is TLS all the same."""
    for port in (f":{lab.provider.port}", ""):
        head, body = curl(lab, "--proxy", lab.gate.url,
                          "--proxy-header", f"Proxy-Authorization: Bearer {lab.token}",
                          f"http://localhost{port}/lab/forward?p={port[1:]}")
        assert " 200 " in head and body == b'{"fine": true}'
        assert lab.gate.trail.call(call_id(head))[0]["path"] == "/lab/forward"
    for request in lab.provider.seen("/lab/forward"):
        assert request.authorized and request.target.startswith("/lab/forward")
        assert not [name for name, _ in request.headers if name.lower().startswith("proxy-")]


def test_curl_with_the_token_as_the_proxys_password(lab):
    head, _ = curl(lab, "--proxy", lab.gate.url, "--proxy-user", f"run:{lab.token}",
                   "http://localhost/lab/password")
    assert " 200 " in head and lab.provider.only("/lab/password").authorized


def test_curl_over_the_unix_socket(lab):
    head, _ = curl(lab, "--unix-socket", lab.gate.unix,
                   "-H", f"Authorization: Bearer {lab.token}", "http://gate/bench/lab/unix")
    assert " 200 " in head and lab.provider.only("/lab/unix").authorized
    lab.gate.trail.call(call_id(head))


def test_curl_uploads_what_it_expects_to_be_allowed(lab):
    """Expect: 100-continue is answered, and the bytes arrive as they were."""
    payload = bytes(run(["openssl", "rand", str(2 << 20)]).stdout)
    for framing in ("Content-Type: application/octet-stream", "Transfer-Encoding: chunked"):
        head, body = curl(lab, "-H", f"Authorization: Bearer {lab.token}", "-H", framing,
                          "-H", "Expect: 100-continue", "--data-binary", "@-",
                          f"{lab.gate.url}/bench/lab/upload", stdin=payload)
        assert " 200 " in head, head
    uploads = lab.provider.seen("/lab/upload")
    assert [request.body_bytes for request in uploads] == [2 << 20] * 2
    assert uploads[0].sha256 == uploads[1].sha256


def test_requests_keeps_its_connection(lab):
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {lab.token}"
        ids = set()
        for number in range(20):
            answer = session.post(f"{lab.gate.url}/bench/lab/session/{number}", json={"n": number})
            assert answer.status_code == 200 and answer.json() == {"fine": True}
            ids.add(answer.headers["Sallyport-Call-Id"])
    assert len(ids) == 20
    seen = lab.provider.seen("/lab/session/")
    assert [request.json() for request in seen] == [{"n": number} for number in range(20)]
    assert {request.value("Content-Type") for request in seen} == {"application/json"}


@pytest.mark.parametrize("method, body", [
    ("GET", None), ("HEAD", None), ("POST", b"x"), ("PUT", b""), ("PATCH", b"{}"),
    ("DELETE", None), ("OPTIONS", None)])
def test_methods_arrive_as_they_are(lab, method, body):
    answer = lab.call(method, f"/method-{method}", body=body)
    assert answer.status == 200 and answer.complete
    request = lab.provider.only(f"/lab/method-{method}")
    assert (request.method, request.body) == (method, body or b"")
    assert_forwarded(lab.gate, answer, request, path=f"/lab/method-{method}")


DAV = [rule("dav.read", "read", ["GET", "HEAD", "OPTIONS", "PROPFIND"], "/**"),
       rule("dav.write", "write", ["PUT", "MKCOL", "MOVE", "COPY", "PROPPATCH"], "/**"),
       rule("dav.delete", "destructive", ["DELETE"], "/**")]


@pytest.fixture(scope="module")
def files(certificate):
    """rclone's own WebDAV server with TLS and a password, and room for both ends' files."""
    directory = room("dav")
    (directory / "served").mkdir()
    planted = Planted()
    password = planted.plant("webdav password")
    digest = run(["openssl", "passwd", "-apr1", "-stdin"], stdin=password.encode()).stdout
    (directory / "htpasswd").write_bytes(b"ann:" + digest)
    port = free_port()
    server = Program(
        ["rclone", "serve", "webdav", directory / "served", "--addr", f"localhost:{port}",
         "--cert", certificate[0], "--key", certificate[1], "--htpasswd", directory / "htpasswd",
         "--config", "/dev/null"], directory, "server")
    until(lambda: answers(port), "rclone's server")
    yield directory, planted, password, port
    server.stop()
    discard(directory)


def test_rclone_copies_files_up_and_down(make_gate, authority, files):
    """The forward way: the names inside WebDAV's answers then mean what they say. Go's HTTP
    client uses no proxy for what is spelt "localhost"; the gate minds no case."""
    directory, planted, password, port = files
    gate = make_gate([catalogue.provider("dav", f"https://localhost:{port}", authority, DAV,
                                         credentials=[catalogue.BASIC])], planted=planted)
    token = gate.run_token("sync", gate.connect("dav", f"ann:{password}"),
                           more=("--access", "destructive"))
    here, back = directory / "here", directory / "back"
    (here / "deep" / "er").mkdir(parents=True)
    content = {"deep/er/blob": bytes(run(["openssl", "rand", str(1 << 20)]).stdout),
               "deep/plain.txt": b"plain\n", "a name with spaces & ümlauts.txt": b"odd\n"}
    for name, data in content.items():
        (here / name).write_bytes(data)

    def rclone(*arguments):
        done = run(["rclone", "--config", "/dev/null", "--retries", "1", *arguments,
                    "--webdav-url", f"http://LOCALHOST:{port}", "--webdav-vendor", "other"],
                   environment={"http_proxy": f"http://run:{token}@{gate.host}", "no_proxy": "",
                                "NO_PROXY": ""})
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    rclone("copy", here, ":webdav:")
    assert sorted(rclone("lsf", "-R", "--files-only", ":webdav:").splitlines()) == sorted(content)
    rclone("copy", ":webdav:", back)
    assert {name: (back / name).read_bytes() for name in content} == content
    moved = gate.call("MOVE", f"http://localhost:{port}/deep/plain.txt", headers=[
        ("Proxy-Authorization", f"Bearer {token}"),
        ("Destination", f"https://localhost:{port}/moved.txt")])
    assert moved.status == 201, moved.raw
    assert (directory / "served" / "moved.txt").read_bytes() == b"plain\n"
    rclone("deletefile", ":webdav:moved.txt")
    assert not (directory / "served" / "moved.txt").exists()

    intents = gate.trail.lines("call.intent")
    assert {"PROPFIND", "MKCOL", "PUT", "GET", "MOVE", "DELETE"} <= {
        line["method"] for line in intents}
    until(lambda: {line["call_id"] for line in intents} ==
          {line["call_id"] for line in gate.trail.lines("call.outcome")}, "every outcome")
