"""Documents that somebody else wrote become providers, without a line of code."""
import json

import pytest
import yaml
from harness import gate as gates
from harness.processes import run


def openapi(url):
    return "notes", "openapi", json.dumps({
        "openapi": "3.0.3", "info": {"title": "Notes"}, "servers": [{"url": url + "/v1"}],
        "components": {"securitySchemes": {"o": {"type": "oauth2", "flows": {"authorizationCode": {
            "authorizationUrl": "https://notes.example/a", "tokenUrl": "https://notes.example/t",
            "scopes": {"see": "See notes", "write": "Write notes"}}}}}},
        "security": [{"o": ["see"]}],
        "paths": {"/items/{id}": {"get": {}, "post": {"security": [{"o": ["write"]}]}}}})


def discovery(url):
    return "leaves", "google-discovery", json.dumps({
        "discoveryVersion": "v1", "name": "leaves", "rootUrl": url + "/", "servicePath": "v1/",
        "auth": {"oauth2": {"scopes": {"see": {}, "write": {}}}},
        "resources": {"items": {"methods": {
            "get": {"httpMethod": "GET", "path": "items/{id}", "scopes": ["see", "write"]},
            "set": {"httpMethod": "POST", "path": "items/{id}", "scopes": ["write"]}}}}})


def table(url):
    return "till", "tsv", (f"# provider: till\n# base: {url}/v1\n"
                           "GET\t/items/{id}\tsee|write\nPOST\t/items/{id}\twrite\n")


@pytest.mark.parametrize("document", [openapi, discovery, table])
def test_an_imported_provider_decides_as_its_document_says(document, lab, authority):
    lab.provider.on("GET", "/v1/items/([^/]+)", lambda exchange, item: exchange.json({"id": item}))
    lab.provider.on("POST", "/v1/items/([^/]+)", lambda exchange, item: exchange.json({}, 201))
    identifier, form, text = document(lab.provider.url)
    gate = lab.gate
    source = gate.directory / f"{identifier}.document"
    source.write_text(text)
    done = run([gates.PROGRAM, "policy", "import", form, source, "--out",
                gate.directory / "providers", "--allow", "private_addresses", "--json"])
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout)
    assert told["provider"] == identifier and told["tables"][0]["calls"] == 2
    assert told["left_out"] == []
    with (gate.directory / "providers" / f"{identifier}.yaml").open("a") as file:
        file.write(f"tls_ca: {authority.file}\n")
    status, answer = gate.api("POST", "/api/reload")
    assert (status, answer["applied"]) == (200, True), answer

    secret = json.dumps({"access_token": lab.secret})
    connection = gate.connect(identifier, secret, scopes="see", more=("--kind", "oauth2"))
    token = gate.run_token(f"reads-{identifier}", connection)
    assert gate.call("GET", f"/{identifier}/v1/items/7", token).status == 200
    refused = gate.call("POST", f"/{identifier}/v1/items/7", token, body=b"{}")
    assert (refused.status, refused.json()["code"]) == (403, "scope_missing")
    assert refused.json()["missing_scopes"] == [["write"]]
    unknown = gate.call("GET", f"/{identifier}/v1/other", token)
    assert (unknown.status, unknown.json()["code"]) == (403, "operation_denied")

    config = gate.directory / "sallyport.yaml"
    explained = json.loads(run([gates.PROGRAM, "policy", "explain", "--config", config, "--provider",
                                identifier, "--scopes", "see", "--json", "--advice", "POST",
                                "/v1/items/7"]).stdout)
    assert explained["decision"] == "deny" and explained["ask_for"] == ["write"]
    assert run([gates.PROGRAM, "check", "--config", config]).returncode == 0


def test_what_cannot_be_imported_leaves_no_file(lab):
    source = lab.gate.directory / "broken.json"
    source.write_text('{"openapi": "3.0.0",\n"info": {"title": "X"}')
    out = lab.gate.directory / "nothing"
    done = run([gates.PROGRAM, "policy", "import", "openapi", source, "--out", out])
    assert done.returncode == 1
    assert done.stderr.decode().startswith(f"{source}:2:1: is no JSON")
    assert not out.exists()


def test_a_files_rules_survive_the_trip_through_yaml(lab):
    source = lab.gate.directory / "quoted.yaml"
    source.write_text(yaml.safe_dump({
        "openapi": "3.1.0", "info": {"title": 'A "quoted" # title: {x}'},
        "servers": [{"url": "https://quoted.example"}],
        "components": {"securitySchemes": {"k": {"type": "apiKey", "in": "query", "name": "a b"}}},
        "paths": {"/a": {"get": {"security": [{"k": []}]}}}}))
    out = lab.gate.directory / "quoted"
    done = run([gates.PROGRAM, "policy", "import", "openapi", source, "--out", out])
    assert done.returncode == 0, done.stderr.decode()
    written = yaml.safe_load((out / "a_quoted_title_x.yaml").read_text())
    assert written["name"] == 'A "quoted" # title: {x}'
    assert written["credentials"][0]["inject"][0]["name"] == "a b"
