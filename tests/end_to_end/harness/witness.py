"""A provider that testifies: it answers every GET and writes down when it came, by the kernel.

A program of its own, so that nothing else delays it: `witness.py CERTIFICATE KEY ADDRESS`. It
prints `listening PORT`, then a line for every request: `ARRIVAL CONNECTION TARGET`. ARRIVAL is
when the packet that completed the request's head came in, as the kernel stamped it, in nanoseconds
of CLOCK_REALTIME (the only clock it stamps with): however late this program runs, the time holds.
"""
import selectors
import socket
import ssl
import struct
import sys
import time

SO_TIMESTAMPING = 37
RX_SOFTWARE = 1 << 3
SOFTWARE = 1 << 4
ANSWER = b'HTTP/1.1 200 Fine\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n' \
    b'{"fine":true}'


def stamp_of(ancillary):
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPING:
            seconds, nanoseconds = struct.unpack_from("qq", data)
            if seconds:
                return seconds * 1_000_000_000 + nanoseconds
    return time.time_ns()  # The kernel's stamping starts a moment after it is asked for.


class Peer:
    def __init__(self, sock, context, number):
        self.sock = sock
        self.number = number
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.is_open = False
        self.head = b""

    def hear(self):
        """Takes what has come and answers it; false once the other side has gone."""
        data, ancillary, _, _ = self.sock.recvmsg(1 << 16, 256)
        self.incoming.write(data)
        try:
            if not self.is_open:
                self.tls.do_handshake()
                self.is_open = True
            while plain := self.tls.read(1 << 16):
                self.answer(plain, stamp_of(ancillary))
        except ssl.SSLWantReadError:
            pass
        if said := self.outgoing.read():
            self.sock.sendall(said)
        return bool(data)

    def answer(self, plain, stamp):
        *heads, self.head = (self.head + plain).split(b"\r\n\r\n")
        for head in heads:
            print(stamp, self.number, head.split(b" ", 2)[1].decode())
            self.tls.write(ANSWER)


def main(certificate, key, address):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server((address, 0), backlog=512)
    listener.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, RX_SOFTWARE | SOFTWARE)
    print("listening", listener.getsockname()[1], flush=True)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    connections = 0
    while True:
        for ready, _ in selector.select():
            if ready.fileobj is listener:
                connections += 1
                sock, _ = listener.accept()
                sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, RX_SOFTWARE | SOFTWARE)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(sock, selectors.EVENT_READ, Peer(sock, context, connections))
                continue
            try:
                stays = ready.data.hear()
            except OSError:
                stays = False
            if not stays:
                selector.unregister(ready.fileobj)
                ready.fileobj.close()
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
