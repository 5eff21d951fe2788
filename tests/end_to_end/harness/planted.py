"""Secrets that can be recognised anywhere, and the search for them.

Everything a test hands the gate in confidence is planted here: random enough that finding it, or
one of its usual encodings, proves a leak.
"""
import base64
import secrets
import urllib.parse
from pathlib import Path


def spellings(secret):
    """The secret as it might turn up: plain, escaped, and base 64 at each of the three offsets."""
    raw = secret.encode()
    found = {raw, urllib.parse.quote(secret, safe="").encode(), raw.hex().encode()}
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).rstrip(b"=")
        # The edges depend on the neighbours' bits; what lies between them does not.
        inner = encoded[(offset * 8 + 5) // 6:-1]
        found |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return found


class Planted:
    def __init__(self):
        self.secrets = {}  # what it is -> the secret

    def plant(self, what, secret=None):
        secret = secret or "sp" + secrets.token_urlsafe(30).replace("-", "A").replace("_", "B")
        self.secrets[f"{what} #{len(self.secrets)}"] = secret
        return secret

    def found_in(self, where, data):
        return [f"{what} in {where}" for what, secret in self.secrets.items()
                if any(spelling in data for spelling in spellings(secret))]

    def sweep(self, directory, pids=(), texts=(), spared=()):
        """Every place a planted secret is in: files below `directory` but for those `spared`, the
        processes' command lines and environments, and other bytes ((name, bytes) pairs)."""
        leaks = []
        for path in sorted(Path(directory).rglob("*")):
            if path.is_file() and path.name not in spared:
                leaks += self.found_in(path, path.read_bytes())
        for pid in pids:
            for entry in ("cmdline", "environ"):
                try:
                    leaks += self.found_in(f"/proc/{pid}/{entry}",
                                           Path(f"/proc/{pid}/{entry}").read_bytes())
                except (PermissionError, FileNotFoundError):
                    pass  # Unreadable is as good as clean.
        for name, data in texts:
            leaks += self.found_in(name, data)
        return leaks
