"""A thousand rows of the tables that ship, through a running gate: with one alternative's scopes a
call arrives byte for byte, with less it never leaves."""
import itertools
import json
import os
import random
import re

import pytest
from harness import gate as gates, tables
from harness.planted import spellings
from harness.processes import discard, room, run
from harness.provider import Provider

SEED = int(os.environ.get("SALLYPORT_TABLES_SEED", "20261120"))
ROWS = 1000
ROWS_OF_EACH_TABLE = 20  # at least, where it has as many
OTHER_SCOPES = 40  # at most, of those that do not suffice
SHADOWED_PART = 20  # at most one row in so many is decided by another rule
ESCAPED = ("%C3%A9", "%7e", "%20", "%2B", "~", "-x", "%4a")


class Neighbourhood:
    """A provider on an address of its own for every host that the catalogue names."""

    def __init__(self, secret):
        self.providers = {}
        self.marks = spellings(secret)
        self.injected = re.compile("[?&][^?&=]+=" + re.escape(secret))

    def address_of(self, host):
        if host not in self.providers:
            made = Provider(None, address=f"127.0.1.{len(self.providers) + 1}")
            made.accepts = self.bears_credential
            made.on("*", ".*", lambda exchange: exchange.json({"fine": True}))
            self.providers[host] = made
        made = self.providers[host]
        return "{}:{}".format(*made.listener.getsockname())

    def bears_credential(self, request):
        head = repr((request.target, request.headers)).encode()
        return any(mark in head for mark in self.marks)

    def seen(self):
        """All requests: (host, method, target but for the credential, whether that was there)."""
        return [(host, request.method, self.injected.sub("", request.target), request.authorized)
                for host, provider in self.providers.items() for request in provider.seen()]


class Street:
    """A gate before the neighbourhood, and a connection for each provider, kind and variant: one
    whose scopes change with the call, one that has none."""

    def __init__(self, make_gate, directory):
        self.catalogue, self.tables = tables.shipped()
        secret = "sp4Street" + "%030x" % random.SystemRandom().getrandbits(120)
        self.neighbours = Neighbourhood(secret)
        for each in self.catalogue.values():
            each.write(directory, self.neighbours.address_of)
        tables.write_tables(directory, self.neighbours.address_of)
        self.gate = make_gate([], settings={"catalogue": [str(directory)]})
        self.secret = self.gate.planted.plant("credential of the street", secret)
        self.connections = {}
        self.granted = {}
        self.tokens = {}
        self.caller = self.gate.caller()

    def connection(self, provider, kind, variant, use):
        key = (provider.id, kind, variant, use)
        if key not in self.connections:
            credential = {"oauth2": {"access_token": self.secret},
                          "basic": {"username": "ann", "password": self.secret}}
            status, made = self.gate.api("POST", "/api/connect/connections", {
                "workspace": "acme", "user": "ann", "provider": provider.id, "kind": kind,
                "variant": variant, "scopes": [], "name": " ".join(key),
                "credential": credential.get(kind, {"secret": self.secret}),
                **({"variables": {"api_domain": "https://acme.pipedrive.com"}}
                   if provider.id == "pipedrive" else {})})
            assert status == 201, made
            self.connections[key] = made["id"]
            self.granted[made["id"]] = []
            self.tokens[made["id"]] = self.gate.run_token(
                f"run-{len(self.tokens)}", made["id"], more=("--access", "destructive"))
        return self.connections[key]

    def grant(self, connection, scopes):
        if self.granted[connection] != scopes:
            status, answer = self.gate.api("PATCH", f"/api/connect/connections/{connection}",
                                           {"scopes": scopes})
            assert status == 200, answer
            self.granted[connection] = scopes

    def call(self, connection, method, target):
        body = b"" if method in ("POST", "PUT", "PATCH") else None
        self.caller.request(method, target, [
            ("Host", self.gate.host),
            ("Proxy-Authorization", f"Bearer {self.tokens[connection]}")], body)
        answer = self.caller.response(method)
        self.gate.heard.append((f"{method} {target}", answer.raw))
        return answer


@pytest.fixture(scope="module")
def street(make_gate):
    directory = room("catalogue")
    made = Street(make_gate, directory)
    yield made
    made.caller.sock.close()
    for provider in made.neighbours.providers.values():
        provider.stop()
    discard(directory)


def chosen_rows(street, chance):
    """(table, row) pairs: some of each table, the others as the tables' sizes have it."""
    chosen = [(name, row) for name, rows in street.tables.items()
              for row in chance.sample(rows, min(ROWS_OF_EACH_TABLE, len(rows)))]
    others = [(name, row) for name, rows in street.tables.items() for row in rows]
    taken = {row.source for _, row in chosen}
    others = [each for each in others if each[1].source not in taken]
    return chosen + chance.sample(others, ROWS - len(chosen))


def path_for(row, number, chance, selected):
    """A path of the row's template: values with escapes, and here and there an escaped letter where
    the template has it plain. `selected`: what stands for the placeholders that say a type."""
    def value(found):
        name = found[1]
        if name in selected:
            return selected[name]
        plain = f"n{number}{chance.choice(ESCAPED)}"
        return f"{plain}/m{chance.choice(ESCAPED)}" if name.startswith("+") else plain

    segments = []
    for segment in row.path.split("/"):
        places = [at for at, letter in enumerate(segment) if letter.isalpha()]
        if places and "{" not in segment and chance.random() < 0.05:
            at = chance.choice(places)
            segment = f"{segment[:at]}%{ord(segment[at]):02x}{segment[at + 1:]}"
        segments.append(tables.PLACEHOLDER.sub(value, segment))
    return "/".join(segments)


def less_than(provider, alternatives, row, chance):
    """Scopes, the row's own first, as many as together do not suffice."""
    own = sorted({scope for each in row.alternatives for scope in each})
    others = sorted(provider.vocabulary - set(own))
    chance.shuffle(own)
    scopes = []
    for scope in own + chance.sample(others, min(OTHER_SCOPES, len(others))):
        if len(scopes) < OTHER_SCOPES and not provider.suffices(alternatives, [*scopes, scope]):
            scopes.append(scope)
    return scopes


class Case:
    """A row, a provider that has it, and a path."""

    def __init__(self, street, number, table, row, chance):
        self.row = row
        self.provider = chance.choice([each for each in street.catalogue.values()
                                       if table in each.variants])
        self.kind = chance.choice(self.provider.kinds)
        self.variant = self.provider.variants[table]
        self.alternatives = row.alternatives
        selected = {}
        if types := self.provider.chosen_types(row):
            chosen = chance.choice(types)
            value = chosen["values"][0].replace("*", "7")
            selected = {name: value for name in self.provider.selectors}
            self.alternatives = tuple(self.provider.for_type(row, chosen))
        elsewhere = row.host != self.provider.base and row.host in self.provider.hosts()
        self.host = row.host if elsewhere else self.provider.base
        self.at = street.neighbours.address_of(self.host) if elsewhere else ""
        self.path = path_for(row, number, chance, selected)
        self.target = f"{self.path}?row={number}"
        self.ways = {"less": less_than(self.provider, self.alternatives, row, chance), "none": []}
        if self.alternatives:
            self.ways["enough"] = list(chance.choice(self.alternatives))
        self.answers = {}

    def __str__(self):
        return (f"{self.row.source} of {self.provider.id} {self.kind} {self.variant!r} at "
                f"{self.host}: {self.row.method} {self.path}")

    def call(self, street):
        for way, scopes in self.ways.items():
            connection = street.connection(self.provider, self.kind, self.variant,
                                           "none" if way == "none" else "changing")
            if way != "none":
                street.grant(connection, scopes)
            place = f"/{self.provider.id}" + (f"@{self.at}" if self.at else "")
            self.answers[way] = street.call(connection, self.row.method,
                                            place + self.target + "-" + way)

    def arrivals(self):
        return [(self.host, self.row.method, self.target + "-" + way, True)
                for way, answer in self.answers.items() if answer.status == 200]

    def check(self):
        for way, answer in self.answers.items():
            about = f"{self} {way} {self.ways[way]}: {answer.start} {answer.body[:400]}"
            if self.provider.suffices(self.alternatives, self.ways[way]):
                assert answer.status == 200 and answer.json() == {"fine": True}, about
                continue
            problem = answer.json()
            assert (answer.status, problem.get("code")) == (403, "scope_missing"), about
            assert problem["operation"] == self.row.operation, about
            closed = self.provider.closure(self.ways[way])
            assert sorted(map(sorted, problem["missing_scopes"])) == sorted(
                sorted(set(each) - closed) for each in self.alternatives), about

    def check_shadow(self, street, rule):
        """Another rule decides: one at least as specific, and the program says so offline, too."""
        host = ("--host", self.at.split(":")[0]) if self.at else ()
        for way, scopes in self.ways.items():
            told = run([gates.PROGRAM, "policy", "explain", "--config",
                        street.gate.directory / "sallyport.yaml", "--provider", self.provider.id,
                        "--kind", self.kind, "--variant", self.variant, "--access", "destructive",
                        *host, "--scopes", ",".join(scopes), "--json", self.row.method, self.path])
            explained = json.loads(told.stdout)
            about = f"{self} {way}: {explained}, {rule}"
            assert explained["rule"] == rule, about
            assert (explained["decision"] == "allow") == (self.answers[way].status == 200), about
            assert self.answers[way].status in (200, 403), about
        file, _, line = rule.partition(":")
        if file.endswith(".yaml"):
            templates = [each["path"] for each in self.provider.content.get("rules", ())
                         if each["operation"] == explained["operation"]]
        else:
            templates = [each.path for each in street.tables[file] if each.source == rule]
        order = min(tables.compare(each, self.row.path) for each in templates)
        is_earlier = file.endswith(".yaml") or int(line) < int(self.row.source.partition(":")[2])
        assert order < 0 or (order == 0 and is_earlier), about


def test_rows_of_every_table_decide_in_a_running_gate(street):
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    cases = [Case(street, number, table, row, chance)
             for number, (table, row) in enumerate(chosen_rows(street, chance))]
    assert {case.row.source.partition(":")[0] for case in cases} == set(street.tables)
    assert len(street.tables) == 24
    for case in cases:
        case.call(street)
    rules = {line["call_id"]: line["rule"] for line in street.gate.trail.lines()
             if "rule" in line}
    arrived = sorted(itertools.chain.from_iterable(case.arrivals() for case in cases))
    assert sorted(street.neighbours.seen()) == arrived
    shadowed, faults = [], []
    for case in cases:
        rule = rules.get(case.answers["none"].call_id)
        try:
            if rule in (None, case.row.source):
                case.check()
            else:
                shadowed.append(case)
                case.check_shadow(street, rule)
        except AssertionError as fault:
            faults.append(str(fault))
    print(f"{len(cases)} rows, {len(arrived)} calls arrived, {len(shadowed)} rows shadowed")
    assert not faults, "\n".join(faults)
    assert len(shadowed) * SHADOWED_PART < len(cases)
    assert len(arrived) > ROWS * 0.9
