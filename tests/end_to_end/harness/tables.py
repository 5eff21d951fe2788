"""The catalogue that ships, moved to this machine, and what its tables say about a call.

What a row allows is worked out here from the files' own words, apart from the program's reading.
"""
import copy
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

SHIPPED = Path(__file__).resolve().parents[3] / "config" / "catalogue"
PLACEHOLDER = re.compile(r"\{(\+?[^}]*)\}")


@dataclass(frozen=True)
class Row:
    source: str  # as the trail names its rule
    method: str
    template: str
    path: str  # with the base's path
    host: str  # at which the base stands
    alternatives: tuple  # none: no scopes are needed

    @property
    def operation(self):
        return f"{self.method} {self.template}"


def read_table(file):
    """The rows of a table. A base is `URL`, `URL (remark)` or `URL for: TEMPLATE...`."""
    bases, rows = [], []
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if line.startswith("# base:"):
            bases = [part.strip() for part in line[7:].split(";")]
        elif line and not line.startswith("#"):
            method, template, scopes = line.split("\t")
            own = next((base for base in bases if template in base.partition(" for: ")[2].split()),
                       bases[0])
            host, _, path = own.split(" ")[0].removeprefix("https://").partition("/")
            alternatives = () if scopes == "-" else tuple(
                tuple(scope for scope in each.split("+") if scope != "-")
                for each in scopes.split("|"))
            rows.append(Row(f"{file.name}:{number}", method, template,
                            ("/" + path if path else "") + template.replace("}}", "}"),
                            host, alternatives))
    return rows


class Shipped:
    """A provider's file and the tables it names."""

    def __init__(self, content, tables):
        self.content = content
        self.id = content["id"]
        self.base = content["base_url"].removeprefix("https://")
        entries = [entry if isinstance(entry, dict) else {"file": entry}
                   for entry in content["scope_rules"]]
        self.variants = {entry["file"]: entry.get("variant", "") for entry in entries}
        self.kinds = [each["kind"] for each in content["credentials"]]
        objects = content.get("object_scopes", {})
        self.selectors = set(objects.get("placeholders", ()))
        self.types = objects.get("types", [])
        self.vocabulary = {scope["id"] for scope in content.get("scopes", ())} | {
            scope for file in self.variants for row in tables[file]
            for alternative in row.alternatives for scope in alternative}
        self.implies = self._implications(content.get("scope_implies", {}))

    def _implications(self, written):
        found = {scope: set(children) for scope, children in written.items() if "*" not in scope}
        for pattern, children in written.items():
            before, star, after = pattern.partition("*")
            fits = re.compile(re.escape(before) + "(.+)" + re.escape(after))
            for scope in self.vocabulary if star else ():
                if match := fits.fullmatch(scope):
                    found.setdefault(scope, set()).update(
                        child.replace("*", match[1], 1) for child in children)
        return found

    def closure(self, scopes):
        closed, open_ones = set(), list(scopes)
        while open_ones:
            scope = open_ones.pop()
            if scope not in closed:
                closed.add(scope)
                open_ones += self.implies.get(scope, ())
        return closed

    def chosen_types(self, row):
        """The types of object among which the row's path chooses: it does where its alternatives
        are for several."""
        served = [each for each in self.types if self.for_type(row, each)]
        named = self.selectors & set(PLACEHOLDER.findall(row.path))
        return served if named and len(served) > 1 else []

    @staticmethod
    def for_type(row, kind):
        def named(scope):
            return any(scope.startswith(pattern[:-1]) if pattern.endswith("*")
                       else scope == pattern for pattern in kind["scopes"])

        return [each for each in row.alternatives if any(map(named, each))]

    def suffices(self, alternatives, scopes):
        closed = self.closure(scopes)
        return not alternatives or any(closed.issuperset(each) for each in alternatives)

    def hosts(self):
        return [entry["host"] if isinstance(entry, dict) else entry
                for entry in self.content.get("hosts", ())]

    def write(self, directory, address_of):
        """The file with every host of its own replaced by `address_of(host)`, host:port."""
        content = copy.deepcopy(self.content)
        content["allow"] = [*content.get("allow", ()), "plain_http", "private_addresses"]
        content["base_url"] = "http://" + address_of(self.base)
        places = {self.base: address_of(self.base)}
        for index, (entry, name) in enumerate(zip(content.get("hosts", ()), self.hosts())):
            places[name] = address_of(name)
            if isinstance(entry, dict):
                entry["host"] = places[name]
            else:
                content["hosts"][index] = places[name]
        for rule in (*content.get("rules", ()), *content.get("coarse", ())):
            if "hosts" in rule:
                rule["hosts"] = [places[name].split(":")[0] for name in rule["hosts"]]
        test = content.get("test", {})
        for name, place in places.items() if "request" in test else ():
            written = name if name.startswith("{") else "https://" + name
            test["request"] = test["request"].replace(written, "http://" + place)
        (directory / f"{self.id}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))


def compare(template, other):
    """Less than 0: the first is more specific, by the words of CONTRACT.md 5."""
    def kind(segment):
        if segment == "**":
            return 4
        if PLACEHOLDER.fullmatch(segment):
            return 3 if segment.startswith("{+") else 2
        return 1 if "{" in segment else 0

    for one, two in zip(template.split("/"), other.split("/")):
        if kind(one) != kind(two):
            return kind(one) - kind(two)
    return 0


def shipped():
    """(the providers with tables by id, the tables by file)."""
    tables = {file.name: read_table(file) for file in sorted(SHIPPED.glob("*.tsv"))}
    contents = [yaml.safe_load(file.read_text()) for file in sorted(SHIPPED.glob("*.yaml"))]
    return {each["id"]: Shipped(each, tables) for each in contents if "scope_rules" in each}, tables


def write_tables(directory, address_of):
    """The tables, with the hosts of their bases replaced."""
    for file in SHIPPED.glob("*.tsv"):
        text = file.read_text()
        head, mark, rest = text.partition("# base:")
        line, end, rows = rest.partition("\n")
        assert mark, file
        line = re.sub(r"https://([^/ );]+)",
                      lambda found: "https://" + address_of(found[1]).split(":")[0], line)
        (directory / file.name).write_text(head + mark + line + end + rows)
