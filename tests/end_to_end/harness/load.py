"""Callers that keep calling, each call with a mark of its own."""
import itertools
import threading
from dataclasses import dataclass

from .wire import Caller, Ended


@dataclass
class Made:
    mark: str
    status: int = 0  # 0: no answer came
    code: str = ""
    call_id: str = ""
    after: bool = False  # begun after somebody had set `turned`


class Load:
    """`count` threads, each on a kept connection, until told to stop."""

    def __init__(self, addresses, target, token, count=8, label="m"):
        self.addresses = itertools.cycle(addresses if isinstance(addresses, list) else [addresses])
        self.target = target
        self.token = token
        self.stopping = threading.Event()
        self.turned = threading.Event()
        self.made = []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(
            target=self._work, args=(f"{label}-{number}", next(self.addresses)), daemon=True)
            for number in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)

    def answered(self, status=None, after=None):
        with self.lock:
            return [made for made in self.made if made.status and status in (None, made.status)
                    and after in (None, made.after)]

    def _work(self, name, address):
        for number in itertools.count():
            try:
                with Caller(address, patience=30) as caller:
                    for number in itertools.count(number):
                        if self.stopping.is_set():
                            return
                        self._call(caller, f"{name}-{number}.")
            except (Ended, OSError, ValueError, IndexError):
                if self.stopping.wait(0.01):
                    return

    def _call(self, caller, mark):
        made = Made(mark, after=self.turned.is_set())
        with self.lock:
            self.made.append(made)
        caller.request("GET", f"{self.target}/{mark}", [("Authorization", f"Bearer {self.token}")])
        answer = caller.response()
        if not answer.complete:
            raise Ended("cut short")
        made.call_id = answer.call_id
        made.code = answer.json().get("code", "")
        made.status = answer.status
