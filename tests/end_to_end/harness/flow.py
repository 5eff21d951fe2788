"""Bodies too large to hold: sent, received and measured piece by piece."""
import hashlib
import threading

from .routes import BLOCK
from .wire import chunk, encode_head


class Peak:
    """The most memory a gate's process held while this was open, beyond what it held before."""

    def __init__(self, process):
        self.process = process
        self.done = threading.Event()
        self.before = self.most = process.memory()

    def __enter__(self):
        self.watcher = threading.Thread(target=self._watch, daemon=True)
        self.watcher.start()
        return self

    def _watch(self):
        while not self.done.wait(0.05):
            self.most = max(self.most, self.process.memory())

    def __exit__(self, *_):
        self.done.set()
        self.watcher.join()

    @property
    def growth(self):
        return self.most - self.before


def upload(gate, target, token, size, chunked=False):
    """PUTs `size` bytes; (the answer, the digest of what was sent)."""
    framing = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(size))
    digest = hashlib.sha256()
    with gate.caller(patience=600) as caller:
        caller.send(encode_head(f"PUT {target} HTTP/1.1", [
            ("Host", gate.host), ("Authorization", f"Bearer {token}"), framing]))
        while size > 0:
            piece = BLOCK[:size]
            digest.update(piece)
            caller.sock.sendall(chunk(piece) if chunked else piece)
            size -= len(piece)
        if chunked:
            caller.send(b"0\r\n\r\n")
        return caller.response(), digest.hexdigest()


def download(gate, target, token):
    """(the answer's head, bytes, digest)."""
    digest = hashlib.sha256()
    size = 0
    with gate.caller(patience=600) as caller:
        caller.request("GET", target, [("Authorization", f"Bearer {token}")])
        answer = caller.head()
        for piece in caller.pieces(answer):
            digest.update(piece)
            size += len(piece)
    return answer, size, digest.hexdigest()


def digest_of(size):
    digest = hashlib.sha256()
    while size > 0:
        digest.update(BLOCK[:size])
        size -= len(BLOCK)
    return digest.hexdigest()
