"""Computes the vectors of vault/FORMAT.md from the primitives alone (needs python3-cryptography).

Written from FORMAT.md, not from the C++: what it prints is what envelope_test.cpp expects.
"""
import hashlib
import hmac
import struct

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


if __name__ == "__main__":
    SALT = bytes(range(32))
    ID = "01ARYZ6S41TSV4RRFFQ69G5FAV"
    print("sealed ", seal(b"k" * 32, SALT, 1, "acme", ID, 7, 1,
                          b"sallyport:connection:conn_" + ID.encode(), b"sealed",
                          b"plain text").hex())
    print("key id ", key_id(b"m" * 32).hex())
    print("wrapped", wrap(b"m" * 32, SALT, "acme", 1, 1763633315000042,
                          b"sallyport:keys:acme", b"k" * 32).hex())
