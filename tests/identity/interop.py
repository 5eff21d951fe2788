"""The other side of interop_test.cpp: mints and verifies tokens with PyJWT.

    interop.py mint ALG KEY_FILE < claims.json > token
    interop.py verify ALG KEY_FILE < token > claims.json
"""

import json
import sys

import jwt

action, algorithm, key_file = sys.argv[1:]
with open(key_file, "rb") as file:
    key = file.read()
if action == "mint":
    sys.stdout.write(jwt.encode(json.load(sys.stdin), key, algorithm=algorithm))
else:
    claims = jwt.decode(sys.stdin.read(), key, algorithms=[algorithm], audience="sallyport",
                        issuer="sallyport",
                        options={"require": ["exp", "iat", "iss", "aud", "jti"]})
    json.dump(claims, sys.stdout, sort_keys=True)
