"""Callers that call without pause on every gate at once, each call with a mark and its times."""
import asyncio
import itertools
import json
import threading
import time
from dataclasses import dataclass

PAUSE = 0.01  # seconds between a caller's calls: the gates shall be busy, the machine not full
PATIENCE = 30.0  # seconds without an answer before a caller begins anew


@dataclass
class Stamped:
    """Times are nanoseconds of CLOCK_REALTIME, which the provider's arrivals are stamped with."""

    gate: str
    mark: str
    began: int
    ended: int = 0
    status: int = 0  # 0: no answer came
    code: str = ""


class Callers:
    """`each` callers for each gate, a dictionary from name to unix socket. All ask for
    TARGET/LABEL/MARK with one token. Runs in a thread of its own between enter and exit."""

    def __init__(self, gates, target, token, label, each=8):
        self.gates = gates
        self.prefix = f"{target}/{label}/"
        self.token = token
        self.each = each
        self.made = []
        self.stopping = False
        self.marks = itertools.count()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._all()), daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stopping = True
        self.thread.join(PATIENCE + 5)
        assert not self.thread.is_alive(), "a caller did not end"

    def answered(self, gate=None, status=None, since=0):
        """The answers to calls begun after `since`."""
        return [call for call in list(self.made) if call.status and call.began > since
                and gate in (None, call.gate) and status in (None, call.status)]

    async def _all(self):
        await asyncio.gather(*(self._caller(name, path) for name, path in self.gates.items()
                               for _ in range(self.each)))

    async def _caller(self, gate, path):
        while not self.stopping:
            writer = None
            try:
                reader, writer = await asyncio.open_unix_connection(path)
                while not self.stopping:
                    await asyncio.wait_for(self._call(gate, reader, writer), PATIENCE)
                    await asyncio.sleep(PAUSE)
            except (OSError, EOFError, ValueError, asyncio.TimeoutError):
                await asyncio.sleep(PAUSE)
            finally:
                if writer:
                    writer.close()

    async def _call(self, gate, reader, writer):
        call = Stamped(gate, f"{gate}.{next(self.marks)}", time.time_ns())
        self.made.append(call)
        writer.write(f"GET {self.prefix}{call.mark} HTTP/1.1\r\nHost: gate\r\n"
                     f"Authorization: Bearer {self.token}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        fields = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if line)
        body = await reader.readexactly(int(fields["content-length"]))
        call.code = json.loads(body).get("code", "")
        call.ended = time.time_ns()
        call.status = int(head.split(" ", 2)[1])
