"""The control listener as somebody meets it who has read nothing but its own description."""
import http.client
import json
import socket

import jsonschema


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def code(self):
        return self.json().get("code") if self.body else None


class ControlApi:
    def __init__(self, gate):
        self.gate = gate
        self.admin = (gate.directory / "control.token").read_text().strip()
        self.description = None

    def ask(self, method, target, body=None, token="", headers=()):
        """`token` None: none; "": the admin's."""
        connection = http.client.HTTPConnection("control")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(30)
        connection.sock.connect(self.gate.control.removeprefix("unix:"))
        fields = dict(headers)
        if token is not None:
            fields["Authorization"] = f"Bearer {token or self.admin}"
        connection.request(method, target, json.dumps(body) if body is not None else None, fields)
        response = connection.getresponse()
        streams = response.headers.get("Content-Type") == "text/event-stream"
        data = b"" if streams else response.read()
        connection.close()
        if not target.startswith("/api/runs"):  # The only answer that holds a token.
            self.gate.heard.append((target, data))
        return Answer(response.status, response.headers, data)

    def describe(self):
        if not self.description:
            answer = self.ask("GET", "/api/openapi.json")
            assert answer.status == 200
            self.description = answer.json()
        return self.description

    def operations(self):
        """(method, path, what is said of it), of the control listener's."""
        for path, methods in self.describe()["paths"].items():
            for method, operation in methods.items():
                if operation["x-listener"] == "control":
                    yield method.upper(), path, operation

    def validate(self, schema, value):
        document = self.describe()
        jsonschema.Draft202012Validator(
            schema, resolver=jsonschema.RefResolver.from_schema(document),
            format_checker=jsonschema.FormatChecker()).validate(value)

    def assert_described(self, method, path, answer):
        """The answer is one that the description has for this operation."""
        operation = self.describe()["paths"][path][method.lower()]
        where = f"{method} {path} -> {answer.status} {answer.body[:300]}"
        assert str(answer.status) in operation["responses"], where
        response = operation["responses"][str(answer.status)]
        if "content" not in response:
            assert answer.body == b"", where
            return
        [(media_type, content)] = response["content"].items()
        assert answer.headers["Content-Type"] == media_type, where
        if media_type.endswith("json"):
            self.validate(content["schema"], answer.json())
        if "x-codes" in response:
            assert answer.code() in response["x-codes"], where
