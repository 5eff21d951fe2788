"""GitHub as a GitHub App meets it: a signed JWT buys an installation's token, which the API takes
until it ends. What GitHub's documentation says of both is checked; what it answers is answered."""
import secrets
import time
from datetime import datetime, timezone

import jwt

from . import catalogue
from .provider import Provider

EXP_MAX = 600  # seconds from now
LEEWAY = 5  # between two clocks of one machine
DOCUMENTATION = "https://docs.github.com/rest"


class GithubApp(Provider):
    def __init__(self, certificate, authority):
        super().__init__(certificate)
        self.authority = authority
        self.accepts = lambda request: True
        self.apps = {}  # app id -> public key
        self.installations = {}  # installation id -> (app id, permissions)
        self.tokens = {}  # token -> (its end, installation)
        self.proofs = []  # claims of every JWT that held
        self.lifetime = 3600
        self.on("POST", r"/app/installations/(\d+)/access_tokens", self._sell)
        self.on("*", "/repos/.*", self._serve_api)

    def install(self, app, installation, key, permissions):
        self.apps[app] = key.public_pem
        self.installations[installation] = app, permissions

    def end(self, token):
        self.tokens[token] = 0, self.tokens[token][1]

    def _fail(self, exchange, status, message):
        exchange.json({"message": message, "documentation_url": DOCUMENTATION}, status)

    def _claims(self, request):
        """Those of a JWT that GitHub would take; or what it would say."""
        token = (request.value("Authorization") or "").removeprefix("Bearer ")
        try:
            issuer = str(jwt.decode(token, options={"verify_signature": False})["iss"])
            claims = jwt.decode(token, self.apps[issuer], algorithms=["RS256"],
                                options={"require": ["iss", "iat", "exp"]})
        except (jwt.InvalidTokenError, KeyError):
            return None, "A JSON web token could not be decoded"
        if claims["exp"] > time.time() + EXP_MAX + LEEWAY:
            return None, "'Expiration time' claim ('exp') is too far in the future"
        if claims["iat"] > time.time() + LEEWAY:
            return None, "'Issued at' claim ('iat') must be an Integer representing the time " \
                         "that the assertion was issued"
        return claims, ""

    def _sell(self, exchange, installation):
        if not exchange.request.value("User-Agent"):
            return self._fail(exchange, 403, "Request forbidden by administrative rules.")
        claims, fault = self._claims(exchange.request)
        if fault:
            return self._fail(exchange, 401, fault)
        self.proofs.append(claims)
        app, permissions = self.installations.get(installation, (None, None))
        if app != str(claims["iss"]):
            return self._fail(exchange, 404, "Not Found")
        token = "ghs_" + secrets.token_hex(18)
        end = int(time.time()) + self.lifetime
        self.tokens[token] = end, installation
        return exchange.json({
            "token": token, "permissions": permissions, "repository_selection": "all",
            "expires_at": datetime.fromtimestamp(end, timezone.utc).strftime(
                "%Y-%m-%dT%H:%M:%SZ")}, 201)

    def _serve_api(self, exchange):
        token = (exchange.request.value("Authorization") or "").removeprefix("Bearer ")
        end, installation = self.tokens.get(token, (0, None))
        if end <= time.time():
            return self._fail(exchange, 401, "Bad credentials")
        return exchange.json({"installation": installation})

    def file(self, identifier="github"):
        path = "/repos/{owner}/{repository}"
        return catalogue.provider(
            identifier, self.url, self.authority,
            [catalogue.rule("repos.get", "read", ["GET"], path, [["metadata:read"]]),
             catalogue.rule("contents.put", "write", ["PUT"], path + "/contents/{+path}",
                            [["contents:write"]])],
            credentials=[{"kind": "oauth2", "inject": [
                {"in": "header", "name": "Authorization", "value": "Bearer {access_token}"}]}],
            scopes=[{"id": scope, "class": "write", "description": scope}
                    for scope in ("metadata:read", "contents:read", "contents:write")],
            scope_implies={"contents:write": ["contents:read"]},
            oauth2={"authorize_url": self.url + "/login/oauth/authorize",
                    "token_url": self.url + "/login/oauth/access_token",
                    "grants": ["authorization_code", "installation"],
                    "installation_url":
                        self.url + "/app/installations/{installation_id}/access_tokens"})
