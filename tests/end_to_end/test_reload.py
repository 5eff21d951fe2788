"""Reloading: whole or not at all, and without a call noticing that it should not."""
import signal

import yaml
from harness import catalogue
from harness.load import Load
from harness.processes import until


def rewrite(gate, name, change):
    file = gate.directory / "providers" / f"{name}.yaml"
    content = yaml.safe_load(file.read_text())
    change(content)
    file.write_text(yaml.safe_dump(content, sort_keys=False))


def reload(gate):
    return gate.api("POST", "/api/reload")


def test_reloads_under_traffic_lose_no_call(make_lab, lab_provider):
    lab = make_lab(lab_provider)
    with Load(lab.gate.address, "/bench/lab/echo", lab.token) as load:
        for number in range(1, 21):
            rewrite(lab.gate, "bench", lambda content: content.update(name=f"Bench {number}"))
            status, answer = reload(lab.gate)
            assert (status, answer["applied"]) == (200, True), answer
            until(lambda: len(load.answered()) >= 100 * number, "traffic between two reloads")
    assert len(load.made) >= 2000
    assert {made.status for made in load.made} == {200}, [
        made for made in load.made if made.status != 200][:5]


def test_a_broken_file_keeps_what_was_and_says_what_is_wrong(make_lab, lab_provider):
    lab = make_lab(lab_provider)
    rewrite(lab.gate, "bench", lambda content: content.update(colour="blue"))
    status, answer = reload(lab.gate)
    assert status == 422 and answer["applied"] is False
    assert any("bench.yaml:" in line and "colour" in line for line in answer["problems"]), answer
    assert lab.call("GET", "/echo").status == 200
    lab.gate.signal(signal.SIGHUP)
    until(lambda: b"colour" in lab.gate.errors(), "the reason in the log")
    assert lab.call("GET", "/echo").status == 200


def test_a_removed_provider_is_unknown_afterwards(make_lab, lab_provider, authority):
    lab = make_lab(lab_provider)
    (lab.gate.directory / "providers" / "bench.yaml").unlink()
    assert reload(lab.gate)[0] == 200
    refused = lab.call("GET", "/echo")
    assert (refused.status, refused.json()["code"]) == (404, "unknown_provider")
    catalogue.write(lab.gate.directory / "providers",
                    catalogue.laboratory(lab_provider.url, authority, "bench"))
    assert reload(lab.gate)[0] == 200
    assert lab.call("GET", "/echo").status == 200


def test_a_narrowed_rule_bites_on_the_next_call_of_a_warm_connection(make_lab, lab_provider):
    lab = make_lab(lab_provider)
    with lab.gate.caller() as caller:
        def call(method):
            caller.request(method, "/bench/lab/echo", [
                ("Host", "gate"), ("Authorization", f"Bearer {lab.token}")], b"x")
            return caller.response(method).status

        assert call("POST") == 200
        rewrite(lab.gate, "bench", lambda content: content.update(
            rules=[rule for rule in content["rules"] if rule["class"] == "read"]))
        assert reload(lab.gate)[0] == 200
        assert call("POST") == 403


def test_scopes_of_a_run_for_a_provider_that_nobody_knows_are_refused(lab):
    status, answer = lab.gate.api("POST", "/api/runs", {
        "workspace": "acme", "user": "ann", "app": "tests", "run": "unknown-scopes",
        "connections": [lab.connection], "scopes": {"nobody": ["x"]}})
    assert status == 422 and "nobody" in str(answer), answer


def test_a_run_never_exceeds_its_grant(make_lab, lab_provider):
    lab = make_lab(lab_provider)
    rewrite(lab.gate, "bench", lambda content: [
        rule.update(scopes=[["see"]] if rule["class"] == "read" else [["write"]])
        for rule in content["rules"]])
    assert reload(lab.gate)[0] == 200
    narrow = lab.gate.connect("bench", lab.secret, scopes="see")
    wide = lab.gate.run_token("wider-than-granted", narrow,
                              more=("--scopes", "bench=see,write", "--access", "destructive"))
    assert lab.gate.call("GET", "/bench/lab/echo", wide).status == 200
    assert lab.gate.call("POST", "/bench/lab/echo", wide, body=b"x").status == 403
    less = lab.gate.run_token("less-than-granted", lab.connection, more=("--scopes", "bench=see"))
    assert lab.gate.call("POST", "/bench/lab/echo", less, body=b"x").status == 403
