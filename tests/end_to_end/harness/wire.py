"""HTTP/1.1 as bytes: what both ends of these tests read and write.

The standard library's client and server repair or hide much of what is asked about here (repeated
fields, trailers, interim answers, how a message ended), so both ends use this instead. It reads one
message after another from a socket and judges nothing: a malformed message is the test's business.
"""
import json
import socket
from dataclasses import dataclass, field

PATIENCE = 20.0  # seconds without a byte before a test gives up


class Ended(Exception):
    """The other side closed, or reset, in the middle of what was being read."""


class Reader:
    """Buffered reading from a socket."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""

    def fill(self):
        try:
            more = self.sock.recv(65536)
        except (ConnectionError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise Ended(str(error)) from error
        if not more:
            raise Ended("end of stream")
        self.buffer += more

    def until(self, mark):
        while mark not in self.buffer:
            self.fill()
        piece, self.buffer = self.buffer.split(mark, 1)
        return piece

    def some(self, most):
        if not self.buffer:
            self.fill()
        piece, self.buffer = self.buffer[:most], self.buffer[most:]
        return piece


@dataclass
class Message:
    """A request or a response, as it stood on the wire."""

    start: str = ""
    headers: list = field(default_factory=list)  # (name, value), in order, as spelt
    body: bytes = b""
    trailers: list = field(default_factory=list)
    complete: bool = False  # the body ended as its framing says

    def values(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def value(self, name):
        found = self.values(name)
        return found[0] if found else None

    def json(self):
        return json.loads(self.body)


@dataclass
class Response(Message):
    interim: list = field(default_factory=list)  # the 1xx answers that came before

    @property
    def status(self):
        return int(self.start.split(" ", 2)[1])

    @property
    def call_id(self):
        return self.value("Sallyport-Call-Id")

    @property
    def raw(self):
        """Everything there was, for sweeping."""
        lines = [self.start] + [f"{name}: {value}" for name, value in self.headers + self.trailers]
        return "\n".join(lines).encode("latin-1") + b"\n" + self.body


def read_fields(reader):
    fields = []
    while line := reader.until(b"\r\n"):
        name, _, value = line.decode("latin-1").partition(":")
        fields.append((name, value.strip(" \t")))
    return fields


def read_head(reader, message):
    message.start = reader.until(b"\r\n").decode("latin-1")
    message.headers = read_fields(reader)
    return message


def body_pieces(reader, message, *, until_close=False):
    """Yields the body as it arrives; sets trailers and complete."""
    if message.value("Transfer-Encoding"):
        while size := int(reader.until(b"\r\n").split(b";")[0], 16):
            while size:
                piece = reader.some(size)
                size -= len(piece)
                yield piece
            reader.until(b"\r\n")
        message.trailers = read_fields(reader)
    elif (length := message.value("Content-Length")) is not None:
        left = int(length)
        while left:
            piece = reader.some(left)
            left -= len(piece)
            yield piece
    elif until_close:
        try:
            while True:
                yield reader.some(65536)
        except Ended as ended:
            if str(ended) != "end of stream":
                raise
    message.complete = True


def encode_head(start, headers):
    lines = [start] + [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk(piece):
    return b"%x\r\n%s\r\n" % (len(piece), piece)


class Caller:
    """One connection to the gate: ("127.0.0.1", port), or the path of a unix socket."""

    def __init__(self, address, patience=PATIENCE):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(patience)
        self.sock.connect(address)
        self.reader = Reader(self.sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        """A gate that has already refused may have closed: what it answered still counts."""
        try:
            self.sock.sendall(data)
        except OSError:
            pass

    def request(self, method, target, headers=(), body=None):
        headers = list(headers)
        if not any(name.lower() == "host" for name, _ in headers):
            headers.insert(0, ("Host", "gate"))
        if isinstance(body, bytes):
            headers.append(("Content-Length", str(len(body))))
        elif body is not None:
            headers.append(("Transfer-Encoding", "chunked"))
        self.send(encode_head(f"{method} {target} HTTP/1.1", headers))
        if isinstance(body, bytes):
            self.send(body)
        elif body is not None:
            for piece in body:
                self.send(chunk(piece))
            self.send(b"0\r\n\r\n")

    def head(self):
        """The head of the next final answer, with the interim ones."""
        interim = []
        while True:
            response = read_head(self.reader, Response())
            if not 100 <= response.status < 200 or response.status == 101:
                response.interim = interim
                return response
            interim.append(response)

    def pieces(self, response, method="GET"):
        if method == "HEAD" or response.status in (204, 304):
            response.complete = True
            return iter(())
        return body_pieces(self.reader, response, until_close=True)

    def response(self, method="GET"):
        response = self.head()
        taken = []
        try:
            for piece in self.pieces(response, method):
                taken.append(piece)
        except (Ended, ValueError):
            response.complete = False
        response.body = b"".join(taken)
        return response

    def ended(self):
        """True once the gate has closed the connection without saying another word."""
        if self.reader.buffer:
            return False
        try:
            return self.sock.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False
