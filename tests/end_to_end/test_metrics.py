"""The metrics, read by somebody else's parser, and what they count."""
import re
import signal

import pytest
from harness.control_api import ControlApi
from harness.processes import until
from prometheus_client.parser import text_string_to_metric_families


def read(gate):
    """{family: [samples]}."""
    answer = ControlApi(gate).ask("GET", "/metrics")
    assert answer.status == 200
    families = {}
    for family in text_string_to_metric_families(answer.body.decode()):
        assert family.name not in families, f"{family.name} is announced twice"
        assert family.documentation and family.type != "unknown", family.name
        families[family.name] = family.samples
    return families


def settled(gate):
    """Read once nothing moves any more: a call is counted after its answer has gone out."""
    seen = []

    def stands():
        seen.append(value(read(gate), "sallyport_calls"))
        return seen[-2:] == [seen[-1]] * 2

    until(stands, "the counts to stand")
    return read(gate)


def value(families, name, suffix="", **labels):
    """The sum over the samples with these labels."""
    return sum(sample.value for sample in families[name]
               if sample.name in (name + suffix, name + "_total")
               and all(sample.labels.get(key) == wanted for key, wanted in labels.items()))


def test_are_what_prometheus_reads(lab):
    assert lab.call("GET", "/echo").status == 200
    families = read(lab.gate)
    for name, samples in families.items():
        assert re.fullmatch(r"(sallyport|process)_[a-z_]+", name)
        for sample in samples:
            assert sample.value >= 0, sample
    for name in ("sallyport_gate_seconds", "sallyport_provider_seconds"):
        series = {}
        for sample in families[name]:
            key = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
            series.setdefault(key, {}).setdefault(sample.name, []).append(sample)
        for parts in series.values():
            buckets = [bucket.value for bucket in parts[name + "_bucket"]]
            assert buckets == sorted(buckets)
            assert parts[name + "_bucket"][-1].labels["le"] == "+Inf"
            assert buckets[-1] == parts[name + "_count"][0].value
    assert value(families, "sallyport_build_info") == 1
    assert value(families, "process_resident_memory_bytes") > 1 << 20


def test_count_calls_by_provider_class_and_code(lab):
    before = settled(lab.gate)
    for _ in range(5):
        assert lab.call("GET", "/echo").status == 200
    assert lab.call("POST", "/echo", body=b"x" * 1000).status == 200
    assert lab.gate.call("GET", "/bench/lab/echo", "no.such.token").status == 401
    assert lab.gate.call("GET", "/nobody/x", lab.token).status == 404
    after = settled(lab.gate)

    def grew(name, suffix="", **labels):
        return value(after, name, suffix, **labels) - value(before, name, suffix, **labels)

    assert grew("sallyport_calls", provider="bench", code="ok", **{"class": "read"}) == 5
    assert grew("sallyport_calls", provider="bench", code="ok", **{"class": "write"}) == 1
    assert grew("sallyport_calls", provider="bench", code="run_token_invalid") == 1
    assert grew("sallyport_calls", provider="", code="unknown_provider") == 1
    assert grew("sallyport_answers", provider="bench", status="2xx") == 6
    assert grew("sallyport_request_bytes", provider="bench") == 1000
    assert grew("sallyport_response_bytes", provider="bench") > 0
    assert grew("sallyport_provider_seconds", "_count", provider="bench") == 6
    assert grew("sallyport_gate_seconds", "_count") == 8
    assert grew("sallyport_upstream_connections") == 6
    assert grew("sallyport_credential_lookups") == 6
    assert grew("sallyport_trail_lines") >= 14  # two of each call, one of each refusal


def test_know_no_provider_but_the_catalogues(lab):
    for name in ("made-up", "x" * 100, "bench%00"):
        lab.gate.call("GET", f"/{name}/lab/echo", lab.token)
    providers = {sample.labels["provider"] for sample in read(lab.gate)["sallyport_calls"]}
    assert providers <= {"", "bench"}


@pytest.mark.parametrize("sent, kept", [
    ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", True),
    ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", False),
    (None, False)])
def test_a_callers_trace_goes_on_and_stands_in_the_trail(lab, sent, kept):
    mark = f"trace-{sent}-{kept}"[:60].replace(".", "")
    headers = [("tracestate", "vendor=1")] + ([("traceparent", sent)] if sent else [])
    answer = lab.call("GET", f"/echo?mark={mark}", headers)
    assert answer.status == 200
    seen = lab.provider.seen(mark)[-1]
    lines = lab.gate.trail.call(answer.value("Sallyport-Call-Id"))
    if kept:
        version, trace, span, flags = seen.values("traceparent")[0].split("-")
        assert (version, trace, flags) == ("00", sent.split("-")[1], "01")
        assert span != sent.split("-")[2]
        assert seen.values("tracestate") == ["vendor=1"]
        assert {(line["trace_id"], line["span_id"]) for line in lines} == {(trace, span)}
    else:
        assert seen.values("traceparent") == [] == seen.values("tracestate")
        assert not any("trace_id" in line for line in lines)


# Last: its gate has another credential at the provider that they share.
def test_tell_how_a_reload_went(make_lab, lab_provider):
    lab = make_lab(lab_provider)
    assert value(read(lab.gate), "sallyport_reload_time_seconds") == 0
    assert "last_reload" not in lab.gate.api("GET", "/readyz")[1]
    file = lab.gate.directory / "providers" / "bench.yaml"
    good = file.read_text()
    file.write_text(good + "\ncolour: blue\n")
    lab.gate.signal(signal.SIGHUP)
    until(lambda: value(read(lab.gate), "sallyport_reload_success") == 0, "the failed reload")
    assert lab.gate.api("GET", "/readyz")[1]["last_reload"]["applied"] is False
    until(lambda: [line for line in lab.gate.trail.lines() if line["kind"] == "config.reloaded"
                   and line.get("code") == "invalid_configuration"], "its line in the trail")
    file.write_text(good)
    lab.gate.signal(signal.SIGHUP)
    until(lambda: value(read(lab.gate), "sallyport_reload_success") == 1, "the reload")
    assert value(read(lab.gate), "sallyport_reload_time_seconds") > 1.6e9
    assert lab.gate.api("GET", "/readyz")[1]["last_reload"]["applied"] is True
