"""One path for queries and mutations: the body says which it is, and so decides."""
import json
import resource
import signal
from types import SimpleNamespace

import pytest
from harness import catalogue
from harness.checks import assert_refused
from harness.processes import until
from harness.provider import Provider


def graphql_rule(operation, level, kind, scopes, **more):
    return {**catalogue.rule(operation, level, ["POST"], "/graphql", scopes), "graphql": kind,
            **more}


RULES = [graphql_rule("graphql.query", "read", "query", [["read"], ["write"]]),
         graphql_rule("graphql.comment", "write", "mutation", [["comment"], ["write"]],
                      fields=["commentCreate"]),
         graphql_rule("graphql.mutation", "write", "mutation", [["write"]])]
JSON = ("Content-Type", "application/json")


@pytest.fixture(scope="module")
def bench(make_gate, certificate, authority):
    provider = Provider(certificate)
    provider.accepts = lambda request: True
    provider.on("*", "/.*", lambda exchange: exchange.json({"fine": True}))
    gate = make_gate(preparation=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN), providers=[catalogue.provider(
        "linear", f"https://localhost:{provider.port}", authority, RULES, strip=["json:token"],
        scopes=[{"id": one, "class": "write", "description": one}
                for one in ("read", "comment", "write")],
        tunnels=[{"path": "POST /batch", "why": "carries further calls"}])])
    connection = gate.connect("linear", scopes="read,comment", more=("--kind", "bearer"))
    token = gate.run_token("r", connection)

    def call(body, path="/graphql", headers=(JSON,)):
        before = len(provider.requests)
        answer = gate.call("POST", "/linear" + path, body=body, headers=[
            ("Proxy-Authorization", f"Bearer {token}"), *headers])
        answer.sent = provider.requests[before:]
        return answer

    yield SimpleNamespace(call=call, gate=gate, token=token, provider=provider)
    provider.stop()


def request(document, **more):
    return json.dumps({"query": document, **more}).encode()


def test_a_query_is_sent_on_as_it_came(bench):
    body = request("query Me($a: Int) { viewer(a: $a) { id } }", variables={"a": 1.50})
    answer = bench.call(body)
    assert answer.status == 200
    assert [one.body for one in answer.sent] == [body]


def test_the_caller_s_own_credential_is_taken_out_of_it(bench):
    # The member is not one of a GraphQL request, but it does not travel, so it does not matter.
    answer = bench.call(b'{"token": "mine", "query": "{ viewer }"}')
    assert answer.status == 200
    assert json.loads(answer.sent[0].body) == {"query": "{ viewer }"}


@pytest.mark.parametrize("document, code, operation", [
    ("mutation { commentCreate { id } }", None, None),
    ("mutation { issueDelete { id } }", "scope_missing", "graphql.mutation"),
    ("mutation { commentCreate { id } issueDelete { id } }", "scope_missing", "graphql.mutation"),
    ("mutation { harmless: issueDelete { id } }", "scope_missing", "graphql.mutation"),
    ("subscription { changes }", "operation_denied", None),
    ("query A { a } mutation B { b }", "operation_denied", None),
])
def test_a_mutation_needs_its_own_scopes(bench, document, code, operation):
    answer = bench.call(request(document))
    if code is None:
        assert answer.status == 200 and len(answer.sent) == 1
        return
    problem = assert_refused(bench.gate, answer, 403, code)
    assert answer.sent == []
    if operation:
        assert problem["operation"] == operation


def test_the_operation_named_is_the_one_decided_on(bench):
    both = "query Read { viewer } mutation Write { issueDelete }"
    assert bench.call(request(both, operationName="Read")).status == 200
    answer = bench.call(request(both, operationName="Write"))
    assert_refused(bench.gate, answer, 403, "scope_missing")


@pytest.mark.parametrize("path, headers, body", [
    ("/graphql?query=mutation{issueDelete}", (JSON,), request("{ viewer }")),
    ("/graphql", (("Content-Type", "application/graphql"),), b"{ viewer }"),
    ("/graphql", (("Content-Type", "application/x-www-form-urlencoded"),), b"query={viewer}"),
    ("/graphql", (), request("{ viewer }")),
    ("/graphql", (JSON, ("Content-Encoding", "gzip")), request("{ viewer }")),
    ("/graphql", (JSON,), b"[" + request("{ viewer }") + b"]"),
    ("/graphql", (JSON,), b'{"query": "{ viewer }", "query": "mutation { issueDelete }"}'),
    ("/graphql", (JSON,), b'{"query": "{ viewer }", "documentId": "7"}'),
    ("/graphql", (JSON,), b"not json"),
    ("/graphql", (JSON,), b""),
])
def test_what_could_be_read_in_two_ways_is_refused(bench, path, headers, body):
    answer = bench.call(body, path, headers)
    assert answer.status in (400, 403), answer.body
    assert answer.sent == []


def test_a_body_beyond_the_limit_is_refused(bench):
    answer = bench.call(request("{ viewer }", variables={"a": "x" * (1 << 20)}))
    assert_refused(bench.gate, answer, 413, "body_too_large")
    assert answer.sent == []


def send_head(caller, bench, body):
    caller.send(f"POST /linear/graphql HTTP/1.1\r\nHost: gate\r\nContent-Type: application/json\r\n"
                f"Proxy-Authorization: Bearer {bench.token}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode())


def test_a_body_whose_call_could_not_be_recorded_goes_with_its_call(bench):
    first, second = request("{ first }"), request("{ second }")
    process = bench.gate.process.pid
    with bench.gate.caller() as caller:
        resource.prlimit(process, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        try:
            send_head(caller, bench, first)
            caller.send(first)
            assert caller.response("POST").status == 503
        finally:
            resource.prlimit(process, resource.RLIMIT_FSIZE,
                             (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        until(lambda: bench.call(first).status == 200, "calls to be served again")
        send_head(caller, bench, second)
        caller.send(second)
        assert caller.response("POST").status == 200
    assert bench.provider.requests[-1].body == second


def test_a_caller_who_leaves_before_it_could_be_decided_on_made_no_call(bench):
    body = request("{ viewer }")
    before = bench.gate.trail.lines("call.refused", code="request_timeout")
    with bench.gate.caller() as caller:
        send_head(caller, bench, body)
        caller.send(body[:10])
    line, = until(lambda: bench.gate.trail.lines(
        "call.refused", code="request_timeout")[len(before):], "the refusal")
    assert line["path"] == "/graphql"
    assert bench.gate.trail.lines(call_id=line["call_id"]) == [line]


def test_a_tunnel_is_shut(bench):
    answer = bench.call(request("{ viewer }"), "/batch")
    problem = assert_refused(bench.gate, answer, 403, "operation_denied")
    assert problem["operation"] == "POST /batch"
