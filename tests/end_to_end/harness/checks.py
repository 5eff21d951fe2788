"""What the contract says about every refusal, whatever its reason."""

ROUTED = ("connection_id", "provider", "authorize_url")


def assert_refused(gate, response, status, code, recorded=True):
    """The answer is the gate's own, complete, and in the trail under the same id."""
    assert response.status == status, response.raw
    assert response.complete
    assert response.value("Content-Type") == "application/problem+json"
    problem = response.json()
    assert {"type", "title", "status", "detail", "code", "call_id"} <= set(problem), problem
    assert problem["status"] == status and problem["code"] == code, problem
    assert response.value("Proxy-Status").startswith("sallyport; error="), response.headers
    assert response.call_id == problem["call_id"]
    assert not response.values("Set-Cookie")
    if recorded:
        line = gate.trail.refusal(problem["call_id"])
        assert line["code"] == code and line["decision"] == "deny", line
    return problem


def assert_given_up(gate, response, status, code):
    """As a refusal, of a call that had reached the provider: intent and outcome are there."""
    problem = assert_refused(gate, response, status, code, recorded=False)
    _, outcome = gate.trail.call(problem["call_id"])
    assert outcome["code"] == code, outcome
    return problem


def assert_forwarded(gate, response, request, **expected):
    """Both lines are there, they agree with what the provider saw, and `expected` holds."""
    intent, outcome = gate.trail.call(response.call_id)
    assert intent["method"] == request.method
    assert intent["decision"] == "allow" and outcome["status"] == response.status, outcome
    assert outcome["response_bytes"] >= len(response.body)
    assert outcome["request_bytes"] >= request.body_bytes
    assert intent["time"] <= outcome["time"] and outcome["duration_us"] > 0
    for name, value in expected.items():
        assert intent.get(name) == value, (name, intent)
    return intent, outcome


def faceless(response):
    """What a caller can compare: everything but the call's id and the date."""
    own = response.call_id or ""
    return [(name, value.replace(own, "ID")) for name, value in response.headers
            if name.lower() != "date"], response.start, \
        response.body.decode().replace(own, "ID")
