#!/usr/bin/python3
"""A small provider for trying the gate without an account anywhere: notes over verified TLS.

    demo/provider.py DIRECTORY

Leaves in DIRECTORY (a set-up made by `sallyport init`):
    demo/certificate.pem, demo/key.pem    its certificate, made afresh at every start
    demo/secret                           the one API key it accepts, kept from start to start
    catalogue/demo.yaml                   what the gate has to know about it
then prints `listening https://127.0.0.1:PORT`, and one line per request it receives.
"""
import http.server
import json
import os
import secrets
import ssl
import subprocess
import sys

PROVIDER_FILE = """\
id: demo
name: Demo notes
category: Documents
base_url: "https://127.0.0.1:{port}"
allow: [private_addresses]            # it runs on this machine
tls_ca: "{certificate}"
credentials:
  - kind: bearer
    inject:
      - {{in: header, name: Authorization, value: "Bearer {{secret}}"}}
scopes:
  - {{id: "notes:read", class: read, description: "Read notes"}}
  - {{id: "notes:write", class: write, description: "Write and read notes"}}
scope_implies: {{"notes:write": ["notes:read"]}}
rules:
  - {{operation: notes.list, class: read, methods: [GET], path: "/v1/notes",
      scopes: [["notes:read"]]}}
  - {{operation: notes.add, class: write, methods: [POST], path: "/v1/notes",
      scopes: [["notes:write"]]}}
"""

NOTES = [{"id": 1, "text": "The gate holds the key."}, {"id": 2, "text": "The caller never does."}]


def prepare(directory):
    os.umask(0o077)
    own = os.path.join(directory, "demo")
    os.makedirs(own, exist_ok=True)
    certificate, key = os.path.join(own, "certificate.pem"), os.path.join(own, "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "30", "-subj", "/CN=demo provider",
         "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", certificate],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    secret_file = os.path.join(own, "secret")
    if not os.path.exists(secret_file):
        with open(secret_file, "w") as file:
            file.write("demo_" + secrets.token_hex(16))
    with open(secret_file) as file:
        return certificate, key, file.read()


class Notes(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    secret = ""

    def answer(self, status, body):
        data = (json.dumps(body) + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def handle_call(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        expected = ("Bearer " + self.secret).encode()
        given = self.headers.get("Authorization", "").encode("latin-1")
        if not secrets.compare_digest(given, expected):
            self.answer(401, {"error": "this provider knows no such key"})
        elif self.path.split("?")[0] != "/v1/notes":
            self.answer(404, {"error": "no such page"})
        elif self.command == "POST":
            NOTES.append({"id": len(NOTES) + 1, "text": body.decode("utf-8", "replace")})
            self.answer(201, NOTES[-1])
        else:
            self.answer(200, {"notes": NOTES})

    do_GET = do_POST = handle_call

    def log_message(self, form, *values):
        print(form % values, flush=True)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    directory = os.path.abspath(sys.argv[1])
    certificate, key, Notes.secret = prepare(directory)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Notes)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    # The handshake belongs to the connection's own thread, not to the one that accepts.
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
    port = server.server_address[1]
    with open(os.path.join(directory, "catalogue", "demo.yaml"), "w") as file:
        file.write(PROVIDER_FILE.format(port=port, certificate=certificate))
    print(f"listening https://127.0.0.1:{port}", flush=True)
    server.serve_forever()


main()
