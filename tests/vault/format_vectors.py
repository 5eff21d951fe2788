"""A second implementation of vault/FORMAT.md, from the primitives alone (python3-cryptography).

Written from FORMAT.md, not from the C++. Run by itself it proves that FORMAT.md has the vectors that
it computes; imported it opens what a gate sealed, from a store or a backup.
"""
import base64
import hashlib
import hmac
import json
import struct
import sys
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def hkdf(key, salt, info, size):
    pseudo_random_key = hmac.new(salt or bytes(32), key, hashlib.sha256).digest()
    okm, block, counter = b"", b"", 0
    while len(okm) < size:
        counter += 1
        block = hmac.new(pseudo_random_key, block + info + bytes([counter]), hashlib.sha256).digest()
        okm += block
    return okm[:size]


def ulid(text):
    number = 0
    for letter in text:
        number = number * 32 + CROCKFORD.index(letter)
    return number.to_bytes(16, "big")


def workspace_tag(name):
    return hashlib.sha256(name.encode()).digest()[:16]


def seal(key, salt, generation, workspace, connection, version, kind, store_key, field, plain):
    header = (b"CVR1" + bytes([1, 0]) + struct.pack(">I", generation) + workspace_tag(workspace)
              + ulid(connection) + struct.pack(">Q", version) + bytes([kind, 0]))
    okm = hkdf(key, salt, b"cvr1" + header, 76)
    start = header + salt + okm[32:64]
    padded = plain + b"\x80"
    padded += bytes(-len(padded) % 64)
    sealed = AESGCM(okm[:32]).encrypt(okm[64:], padded, start + store_key + b"\0" + field)
    return start + okm[64:] + struct.pack(">I", len(padded)) + sealed


def key_id(master):
    return hashlib.sha256(hkdf(master, b"", b"id", 32)).digest()[:4]


def wrap(master, salt, workspace, generation, created, store_key, key):
    header = (b"CVW1" + key_id(master) + workspace_tag(workspace) + struct.pack(">I", generation)
              + struct.pack(">Q", created))
    okm = hkdf(master, salt, b"cvw1" + header, 76)
    start = header + salt + okm[32:64]
    return start + AESGCM(okm[:32]).encrypt(okm[64:], key, start + store_key)


def read_master_key(text):
    text = text.strip()
    return bytes.fromhex(text) if len(text) == 64 else base64.b64decode(text)


def unwrap(master, workspace, wrapped):
    """The data key. Refuses what is not exactly as FORMAT.md has it."""
    assert wrapped[:4] == b"CVW1" and wrapped[4:8] == key_id(master), "another master key"
    generation, created = struct.unpack(">IQ", wrapped[24:36])
    okm = hkdf(master, wrapped[36:68], b"cvw1" + wrapped[:36], 76)
    place = b"sallyport:keys:" + workspace.encode()
    key = AESGCM(okm[:32]).decrypt(okm[64:], wrapped[100:], wrapped[:100] + place)
    assert wrap(master, wrapped[36:68], workspace, generation, created, place, key) == wrapped
    return key


def open_record(key, workspace, connection, version, kind, sealed):
    """The packed credential of `connection` (conn_...)."""
    generation, = struct.unpack(">I", sealed[6:10])
    okm = hkdf(key, sealed[52:84], b"cvr1" + sealed[:52], 76)
    place = b"sallyport:connection:" + connection.encode()
    padded = AESGCM(okm[:32]).decrypt(sealed[116:128], sealed[132:],
                                      sealed[:116] + place + b"\0sealed")
    plain = padded.rstrip(b"\0")[:-1]
    assert seal(key, sealed[52:84], generation, workspace, connection.removeprefix("conn_"), version,
                kind, place, b"sealed", plain) == sealed
    return plain


def unpack(packed):
    fields = {}
    while packed:
        length, = struct.unpack(">H", packed[:2])
        name, packed = packed[2:2 + length].decode(), packed[2 + length:]
        length, = struct.unpack(">I", packed[:4])
        fields[name], packed = packed[4:4 + length], packed[4 + length:]
    return fields


def generation_of(sealed):
    return struct.unpack(">I", sealed[6:10])[0]


def open_stored(master, keys, record, sealed):
    """The fields of a connection: `record` as the store has it, `keys` (workspace, generation) ->
    wrapped."""
    key = unwrap(master, record["workspace"], keys[record["workspace"], generation_of(sealed)])
    kind = 2 if record["kind"] == "oauth2" else 1
    return unpack(open_record(key, record["workspace"], record["id"],
                              record["credential_version"], kind, sealed))


def read_backup(path):
    """(header, keys, connections by id, ended runs), once its last line has proved it whole."""
    data = Path(path).read_bytes()
    *lines, last = data.splitlines(keepends=True)
    end = json.loads(last)["end"]
    assert hashlib.sha256(b"".join(lines)).hexdigest() == end["sha256"], "changed"
    header = json.loads(lines[0])["sallyport_backup"]
    keys, connections, runs, seen = {}, {}, [], {"key": 0, "connection": 0, "run": 0}
    for line in lines[1:]:
        (what, item), = json.loads(line).items()
        seen[what] += 1
        if what == "key":
            keys[item["workspace"], item["generation"]] = base64.b64decode(item["wrapped"])
        elif what == "connection":
            connections[item["record"]["id"]] = (item["record"], base64.b64decode(item["sealed"]))
        else:
            runs.append((item["workspace"], item["run"]))
    assert seen == {"key": end["keys"], "connection": end["connections"], "run": end["runs"]}
    return header, keys, connections, runs


if __name__ == "__main__":
    SALT = bytes(range(32))
    ID = "01ARYZ6S41TSV4RRFFQ69G5FAV"
    computed = {
        "sealed": seal(b"k" * 32, SALT, 1, "acme", ID, 7, 1,
                       b"sallyport:connection:conn_" + ID.encode(), b"sealed", b"plain text"),
        "key id": key_id(b"m" * 32),
        "wrapped": wrap(b"m" * 32, SALT, "acme", 1, 1763633315000042, b"sallyport:keys:acme",
                        b"k" * 32)}
    written = "".join((Path(__file__).parents[2] / "vault" / "FORMAT.md").read_text().split())
    for what, value in computed.items():
        if value.hex() not in written:
            sys.exit(f"FORMAT.md does not have this vector: {what} {value.hex()}")
    assert unwrap(b"m" * 32, "acme", computed["wrapped"]) == b"k" * 32
    assert open_record(b"k" * 32, "acme", "conn_" + ID, 7, 1, computed["sealed"]) == b"plain text"
