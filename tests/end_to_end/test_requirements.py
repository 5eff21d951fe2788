"""What an App needs of a user's connections: reported, required of a run, and told by the CLI."""
import pytest
from harness import catalogue
from harness.control_api import ControlApi


@pytest.fixture(scope="module")
def gate(make_gate, lab_provider, authority):
    def one(name, category):
        return catalogue.laboratory(lab_provider.url, authority, name, category=category)

    gate = make_gate([one("gmail", "Email"), one("outlook", "Email"), one("agentmail", "Email"),
                      one("github", "Code Repository"),
                      {**one("oldmail", "Email"), "enabled": False}])
    gate.connect("gmail", user="ann")
    gate.connect("github", user="bob")
    return gate


@pytest.fixture(scope="module")
def api(gate):
    return ControlApi(gate)


def ask(api, connects, user="ann"):
    answer = api.ask("POST", "/api/connect/status",
                     {"workspace": "acme", "user": user, "connects": connects})
    api.assert_described("POST", "/api/connect/status", answer)
    return answer.json()


def test_the_report_has_the_shape_of_the_contract(api):
    assert ask(api, [
        {"type": "category", "id": "email", "is_required": True, "label": "Any inbox"},
        "github", {"type": "specific", "id": "hubspot", "is_required": False}]) == {
            "is_satisfied": False,
            "requirements": [
                {"type": "category", "id": "email", "is_required": True, "category_name": "Email",
                 "is_satisfied": True, "satisfied_by": ["gmail"],
                 "available": ["agentmail", "gmail", "outlook"]},
                {"type": "specific", "id": "github", "is_required": True,
                 "category_name": "Code Repository", "is_satisfied": False, "satisfied_by": [],
                 "available": ["github"]},
                {"type": "specific", "id": "hubspot", "is_required": False, "category_name": None,
                 "is_satisfied": False, "satisfied_by": [], "available": []}]}


def test_requirements_are_merged_by_type_and_id_and_required_if_any_says_so(api):
    def records(*connects):
        return [(each["type"], each["id"], each["is_required"])
                for each in ask(api, list(connects))["requirements"]]

    optional = {"type": "specific", "id": "gmail", "is_required": False}
    assert records(optional, optional) == [("specific", "gmail", False)]
    assert records(optional, "gmail", optional) == [("specific", "gmail", True)]
    assert records({"type": "specific", "id": "email"}, {"type": "category", "id": "email"}) == [
        ("specific", "email", True), ("category", "email", True)]


def test_all_twelve_categories_exist_without_a_provider(api):
    names = {"calendar": "Calendar", "code_repository": "Code Repository", "crm": "CRM",
             "messaging": "Messaging", "file_storage": "File Storage", "email": "Email",
             "project_management": "Project Management", "social_media": "Social Media",
             "spreadsheets": "Spreadsheets", "documents": "Documents", "automation": "Automation",
             "database": "Database"}
    report = ask(api, [{"type": "category", "id": name} for name in names])
    assert {each["id"]: each["category_name"] for each in report["requirements"]} == names


def test_one_provider_is_asked_for_by_a_query(api):
    def one(user, provider):
        answer = api.ask(
            "GET", f"/api/connect/status?workspace=acme&user={user}&provider={provider}")
        api.assert_described("GET", "/api/connect/status", answer)
        return answer.json()["is_satisfied"]

    assert one("ann", "gmail") and one("bob", "github")
    assert not one("ann", "github") and not one("ann", "oldmail") and not one("ann", "nobody")


def run(connects, name, **more):
    return {"workspace": "acme", "user": "ann", "app": "tests", "run": name,
            "connects": connects, **more}


def test_a_run_starts_only_with_what_it_requires(api):
    refused = api.ask("POST", "/api/runs", run(["gmail", "github", "hubspot"], "unmet"))
    api.assert_described("POST", "/api/runs", refused)
    assert (refused.status, refused.code()) == (422, "requirements_unsatisfied")
    assert [each["id"] for each in refused.json()["requirements"]] == ["github", "hubspot"]
    assert "unmet" not in str(api.ask("GET", "/api/runs?workspace=acme").json())
    for number, body in enumerate([
            run(["gmail"], "met"), run([{"type": "category", "id": "email"}], "met-too"),
            run([{"type": "specific", "id": "github", "is_required": False}], "optional"),
            run(["github"], "trial", is_test=True)]):
        started = api.ask("POST", "/api/runs", body)
        assert started.status == 201, (number, started.body)
        api.gate.planted.plant("run token", started.json()["token"])


MANIFEST = """\
name: Triage
tools:
  - {name: read, connector: gmail, scopes: ["*"]}
  - {name: own}
connects:
  - {type: category, id: email, label: Any inbox}
stages:
  - name: first
    connects: [github]
  - name: second
    skills: [summarise]
    connects:
      - {type: specific, id: github, is_required: false}
skills:
  - summarise
  - name: file
    connects:
      - {type: category, id: database}
"""


def start(gate, manifest, name, *more, user="ann", expect=0):
    file = gate.directory / "app.yaml"
    file.write_text(manifest)
    return gate.cli("run", "start", "--workspace", "acme", "--user", user, "--app", "triage",
                    "--run", name, "--manifest", file, *more, expect=expect)


def test_the_cli_says_what_a_manifest_requires_and_the_user_lacks(gate):
    said = start(gate, MANIFEST, "cli-unmet", expect=1).stderr.decode()
    assert "requirements_unsatisfied" in said
    assert "to be connected first:\n  github (Code Repository)\n  database: no provider" in said
    assert "inbox" not in said and "gmail" not in said
    token = start(gate, MANIFEST, "cli-trial", "--test").stdout.decode().strip()
    gate.planted.plant("run token", token)
    one_of = start(gate, "connects: [{type: category, id: email}]", "cli-carl", user="carl",
                   expect=1).stderr.decode()
    assert "one of agentmail, gmail, outlook (Email)" in one_of


def test_a_connector_that_nobody_knows_is_told_with_its_place(gate):
    manifest = "tools:\n  - {name: a, connector: gmail}\n  - {name: b, connector: telegraph}\n"
    said = start(gate, manifest, "cli-odd", expect=1).stderr.decode()
    assert f"{gate.directory}/app.yaml:3:26: connector telegraph is not in the catalogue" in said


def test_what_a_manifest_connects_is_read_strictly(gate):
    for manifest, place in (("connects: gmail", ":1:11:"), ("connects: [{odd: 1}]", "odd"),
                            ("skills: [{connects: [{type: specific, id: 7, x: 1}]}]", "x")):
        said = start(gate, manifest, "cli-bad", expect=2).stderr.decode()
        assert place in said, said
