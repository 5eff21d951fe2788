"""The control API under more than one caller: lists that change while they are read, changes that
meet, and requests that are sent again. On both stores; on Redis through two gates."""
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import catalogue
from harness.control_api import ControlApi

CONNECTIONS = "/api/connect/connections"


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def apis(request, make_gate, lab_provider, authority):
    """Every gate of the store; of the embedded one there is one."""
    content = catalogue.laboratory(lab_provider.url, authority, "bench")
    connecting = catalogue.laboratory(lab_provider.url, authority, "lasting", credentials=[
        {"kind": "oauth2", "inject": [{"in": "header", "name": "Authorization",
                                       "value": "Bearer {access_token}"}]}],
        oauth2={"authorize_url": f"{lab_provider.url}/authorize",
                "token_url": f"{lab_provider.url}/token", "scope_separator": " "})
    secrets = authority.file.parent / f"client-{uuid.uuid4().hex}"
    secrets.write_text("client secret")
    secrets.chmod(0o600)
    settings = {
        "public": {"listen": ["127.0.0.1:0"], "url": "https://gate.example"},
        "oauth_clients": {"lasting": {"client_id": "me", "client_secret": f"file:{secrets}"}}}
    if request.param == "redis":
        settings["vault"] = {"store": request.getfixturevalue("redis").url}
    first = make_gate([content, connecting], settings=settings)
    gates = [first]
    if request.param == "redis":
        gates.append(make_gate([content, connecting], settings=settings, like=first))
    return [ControlApi(gate) for gate in gates]


def add(api, workspace="acme", user="ann", **more):
    secret = api.gate.planted.plant("credential in a body")
    answer = api.ask("POST", CONNECTIONS, {
        "workspace": workspace, "user": user, "provider": "bench", "scopes": ["*"],
        "credential": {"secret": secret}, **more})
    assert answer.status == 201, answer.body
    return answer.json()["id"]


def walk(api, path, limit, between=lambda page: None):
    """Every item of a list, page by page."""
    items, after = [], ""
    while True:
        more = f"&after={after}" if after else ""
        answer = api.ask("GET", f"{path}{'&' if '?' in path else '?'}limit={limit}{more}")
        assert answer.status == 200, answer.body
        page = answer.json()
        assert len(page["items"]) <= limit
        items += page["items"]
        if page["next"] is None:
            return items
        after = page["next"]
        between(page)


def test_lists_show_once_what_stands_while_others_come_and_go(apis):
    ids = {add(api, "paging", user) for user in ("ann", "bob") for api in apis * 8}
    leaving = {add(apis[0], "paging") for _ in range(12)}

    def disturb(_):
        if leaving:
            add(apis[-1], "paging")
            assert apis[-1].ask("DELETE", f"{CONNECTIONS}/{leaving.pop()}").status == 204

    for limit in (1, 3, 1000):
        seen = [one["id"] for one in
                walk(apis[0], f"{CONNECTIONS}?workspace=paging", limit, disturb)]
        assert seen == sorted(set(seen))
        assert ids <= set(seen)
    bobs = walk(apis[0], f"{CONNECTIONS}?workspace=paging&user=bob", 2)
    assert {one["user"] for one in bobs} == {"bob"} and len(bobs) == 8 * len(apis)
    assert walk(apis[0], f"{CONNECTIONS}?workspace=nobody", 10) == []


def test_a_page_behind_what_is_gone_goes_on_from_there(apis):
    ids = sorted(add(apis[0], "cut") for _ in range(4))
    page = apis[0].ask("GET", f"{CONNECTIONS}?workspace=cut&limit=2").json()
    assert apis[-1].ask("DELETE", f"{CONNECTIONS}/{page['next']}").status == 204
    rest = apis[0].ask("GET", f"{CONNECTIONS}?workspace=cut&limit=9&after={page['next']}").json()
    assert [one["id"] for one in rest["items"]] == ids[2:] and rest["next"] is None


def test_runs_and_keys_come_in_pages_too(apis):
    names = [f"run-{number:02}" for number in range(7)]
    for name in reversed(names):
        answer = apis[-1].ask("POST", "/api/runs", {
            "workspace": "paging", "user": "ann", "app": "tests", "run": name})
        assert answer.status == 201, answer.body
        apis[0].gate.planted.plant("run token", answer.json()["token"])
    assert apis[-1].ask("DELETE", "/api/runs/run-03?workspace=paging").status == 204
    live = [one["run"] for one in walk(apis[0], "/api/runs?workspace=paging", 2)]
    assert live == [name for name in names if name != "run-03"]
    add(apis[0], "zebra")
    keys = [(one["workspace"], one["generation"]) for one in walk(apis[0], "/api/keys", 2)]
    assert keys == sorted(set(keys))
    assert {"paging", "zebra"} <= {workspace for workspace, _ in keys}
    for path in ("/api/keys", "/api/runs?workspace=paging", CONNECTIONS, "/api/connect/providers"):
        for limit in ("0", "1001", "-1", "x"):
            refused = apis[0].ask("GET", f"{path}{'&' if '?' in path else '?'}limit={limit}")
            assert (refused.status, refused.code()) == (400, "bad_request"), (path, limit)


def together(tasks):
    """What each answered; all begin at once."""
    begin = threading.Barrier(len(tasks))

    def run(task):
        begin.wait()
        return task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(run, tasks))


def test_of_changes_bound_to_one_version_exactly_one_is_made(apis):
    for _ in range(12):
        connection = add(apis[0])
        path = f"{CONNECTIONS}/{connection}"
        tag = {"If-Match": apis[0].ask("GET", path).headers["ETag"]}
        asked = [(apis[number % len(apis)], method, target, body) for number, (method, target, body)
                 in enumerate([("POST", path + "/revoke", None), ("DELETE", path, None),
                               ("PATCH", path, {"name": "mine"}),
                               ("POST", path + "/deactivate", None),
                               ("POST", path + "/revoke", None), ("DELETE", path, None)])]
        answers = together([lambda each=each: each[0].ask(*each[1:], headers=tag)
                            for each in asked])
        made = [(each[1], each[2]) for each, answer in zip(asked, answers) if answer.status < 300]
        assert len(made) == 1, [(answer.status, answer.code()) for answer in answers]
        for answer in answers:
            if answer.status >= 300:
                assert (answer.status, answer.code()) in [
                    (412, "precondition_failed"), (404, "not_found"),
                    (409, "connection_revoked")], answer.body
        left = apis[-1].ask("GET", path)
        if made[0][0] == "DELETE":
            assert left.status == 404
        else:
            expected = {"PATCH": "active", path + "/revoke": "revoked",
                        path + "/deactivate": "inactive"}
            method, target = made[0]
            assert left.json()["status"] == expected[method if method == "PATCH" else target]


def test_creating_requests_sent_again_at_once_are_done_once(apis):
    secret = apis[0].gate.planted.plant("credential in a body")
    for path, body, status in (
            (CONNECTIONS, {"workspace": "again", "user": "ann", "provider": "bench",
                           "scopes": ["*"], "credential": {"secret": secret}}, 201),
            ("/api/connect/initiate", {"workspace": "again", "user": "bob",
                                       "provider": "lasting"}, 200)):
        key = {"Idempotency-Key": uuid.uuid4().hex}
        answers = together([lambda number=number: apis[number % len(apis)].ask(
            "POST", path, body, headers=key) for number in range(6)])
        done = [answer for answer in answers if answer.status == status]
        assert done and len({answer.body for answer in done}) == 1
        assert {answer.code() for answer in answers if answer.status != status} \
            <= {"idempotency_key_in_use"}
        repeated = apis[-1].ask("POST", path, body, headers=key)
        assert (repeated.status, repeated.body) == (status, done[0].body)
        other = apis[0].ask("POST", path, {**body, "user": "eve"}, headers=key)
        assert (other.status, other.code()) == (422, "idempotency_key_reused")
    found = walk(apis[0], f"{CONNECTIONS}?workspace=again", 100)
    assert sorted(one["user"] for one in found) == ["ann", "bob"]
