"""Somebody who is told by webhook: a TLS server that keeps what it is sent and answers as told."""
import base64
import hashlib
import hmac
import json
import ssl
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .processes import until


@dataclass
class Delivery:
    headers: dict
    body: bytes
    status: int  # what it was answered

    @property
    def id(self):
        return self.headers["webhook-id"]

    @property
    def event(self):
        return json.loads(self.body)


class Receiver:
    def __init__(self, certificate):
        self.secret = base64.b64encode(b"known to receiver and gate").decode()
        self.deliveries = []
        self.statuses = []  # of the next ones; then 204
        handler = type("Handler", (_Handler,), {"receiver": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_address[1]}/hooks"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def settings(self, gate_directory_file, authority, **more):
        """The receiver as a gate's configuration has it."""
        gate_directory_file.write_text(f"whsec_{self.secret}\n")
        gate_directory_file.chmod(0o600)
        return {"url": self.url, "secret": f"file:{gate_directory_file}",
                "allow": ["private_addresses"], "tls_ca": str(authority.file), **more}

    def accepted(self, kind=None):
        return [each for each in self.deliveries if each.status < 300
                and (kind is None or each.event["type"] == kind)]

    def await_event(self, kind, count=1):
        until(lambda: len(self.accepted(kind)) >= count, f"{count} events {kind}")
        return self.accepted(kind)

    def is_genuine(self, delivery):
        """As any implementation of Standard Webhooks would check it."""
        stamp = delivery.headers["webhook-timestamp"]
        signed = f"{delivery.id}.{stamp}.".encode() + delivery.body
        proof = hmac.new(base64.b64decode(self.secret), signed, hashlib.sha256).digest()
        expected = "v1," + base64.b64encode(proof).decode()
        return abs(time.time() - int(stamp)) < 60 and hmac.compare_digest(
            expected, delivery.headers["webhook-signature"])

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        statuses = self.receiver.statuses
        status = statuses.pop(0) if statuses else 204
        self.receiver.deliveries.append(
            Delivery({name.lower(): value for name, value in self.headers.items()}, body, status))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass
