"""A provider: a real TLS server on loopback that answers only to its own credential.

It records every request it was sent, before it judges it, with the raw fields and a digest of the
body. What it answers is up to its routes; a route has the whole connection in hand, so it can also
answer what no server should.
"""
import contextlib
import hashlib
import json
import re
import socket
import ssl
import threading
import time
from dataclasses import dataclass

from .processes import until
from .wire import Caller, Ended, Message, Reader, body_pieces, chunk, encode_head, read_head

BODY_KEPT = 1 << 20


@dataclass
class Request(Message):
    connection: int = 0  # which of the provider's connections it came over
    body_bytes: int = 0
    sha256: str = ""
    authorized: bool = False
    moment: float = 0.0  # time.monotonic() once its head was read

    @property
    def method(self):
        return self.start.split(" ")[0]

    @property
    def target(self):
        return self.start.split(" ")[1]

    @property
    def path(self):
        return self.target.split("?")[0]


class Exchange:
    """One request and the connection it is to be answered on."""

    def __init__(self, provider, sock, reader, request):
        self.provider = provider
        self.sock = sock
        self.reader = reader
        self.request = request
        self.closing = False
        self.farewell = True

    def raw(self, data):
        self.sock.sendall(data)

    def start(self, status, headers=(), reason="Fine"):
        self.raw(encode_head(f"HTTP/1.1 {status} {reason}", headers))

    def answer(self, status, body=b"", headers=()):
        self.raw(encode_head(f"HTTP/1.1 {status} Fine",
                             [*headers, ("Content-Length", str(len(body)))])
                 + (b"" if self.request.method == "HEAD" else body))

    def json(self, value, status=200, headers=()):
        self.answer(status, json.dumps(value).encode(),
                    [("Content-Type", "application/json"), *headers])

    def chunks(self, pieces, headers=(), trailers=()):
        self.start(200, [*headers, ("Transfer-Encoding", "chunked")])
        for piece in pieces:
            self.raw(chunk(piece))
        self.raw(b"0\r\n" + encode_head("", trailers)[2:])

    def close(self, farewell=True):
        """Closes once the route is done, with TLS's close_notify or without."""
        self.closing = True
        self.farewell = farewell


class Provider:
    """`authorization` is the one value of Authorization it answers to, unless `accepts` is
    replaced. Without a certificate it speaks plain HTTP."""

    def __init__(self, certificate, authorization=None, early=(), address="127.0.0.1"):
        self.authorization = authorization
        self.accepts = lambda request: request.values("Authorization") == [self.authorization]
        self.early = early  # patterns of paths whose routes read the body themselves
        self.requests = []
        self.connections = 0
        self.open = 0
        self.routes = []
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        self.listener = socket.create_server((address, 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.url = f"https://localhost:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def on(self, method, pattern, route):
        """Later routes win. `route(exchange, *groups)`; method "*" is any."""
        self.routes.insert(0, (method, re.compile(pattern), route))

    def stop(self):
        self.stopped.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    # What a test asks afterwards.

    def seen(self, mark=""):
        """The requests whose target holds `mark`."""
        with self.lock:
            return [request for request in self.requests if mark in request.target]

    def only(self, mark):
        """The one request there must be."""
        found = until(lambda: self.seen(mark), f"a request for {mark}")
        assert len(found) == 1, [request.start for request in found]
        return found[0]

    # The server.

    def _accept(self):
        while not self.stopped.is_set():
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, plain):
        with self.lock:
            self.connections += 1
            self.open += 1
            number = self.connections
        try:
            plain.settimeout(120)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context is None:
                self._converse(plain, number)
                return
            with self.context.wrap_socket(plain, server_side=True) as sock:
                self._converse(sock, number)
        except (Ended, OSError, ValueError, IndexError):
            pass  # The gate hung up, or a test of broken framing had its way.
        finally:
            plain.close()
            with self.lock:
                self.open -= 1

    def _converse(self, sock, number):
        reader = Reader(sock)
        while not self.stopped.is_set():
            request = read_head(reader, Request(connection=number))
            request.moment = time.monotonic()
            with self.lock:
                self.requests.append(request)
            exchange = Exchange(self, sock, reader, request)
            if not any(re.search(pattern, request.path) for pattern in self.early):
                if request.value("Expect"):
                    exchange.raw(b"HTTP/1.1 100 Continue\r\n\r\n")
                self.read_body(exchange)
            request.authorized = self.accepts(request)
            if request.authorized:
                self._route(exchange)
            else:
                exchange.json({"message": "who are you?"}, 401,
                              [("WWW-Authenticate", 'Basic realm="provider"')])
            if exchange.closing:
                if exchange.farewell:
                    sock.settimeout(5)
                    sock.unwrap()
                return

    def read_body(self, exchange):
        digest = hashlib.sha256()
        for piece in body_pieces(exchange.reader, exchange.request):
            digest.update(piece)
            exchange.request.body_bytes += len(piece)
            if len(exchange.request.body) < BODY_KEPT:
                exchange.request.body += piece
        exchange.request.sha256 = digest.hexdigest()

    def _route(self, exchange):
        for method, pattern, route in self.routes:
            found = pattern.fullmatch(exchange.request.path)
            if found and method in ("*", exchange.request.method):
                return route(exchange, *found.groups())
        return exchange.json({"message": "no such thing"}, 404)


class Unencrypted(Provider):
    """Counts who comes; speaks no TLS. For what must never be reached at all."""

    def _serve(self, plain):
        with self.lock:
            self.connections += 1
        plain.close()


def direct(provider, authority_file):
    """A caller that talks to the provider without a gate between."""
    caller = Caller(("127.0.0.1", provider.port))
    context = ssl.create_default_context(cafile=str(authority_file))
    caller.sock = context.wrap_socket(caller.sock, server_hostname="localhost")
    caller.reader = Reader(caller.sock)
    return caller
