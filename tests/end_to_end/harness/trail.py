"""Reading the trail as an auditor would: from its files."""
import gzip
import json
from pathlib import Path

from .processes import until


def lines_of(directory, since=0.0):
    """Every whole line, per segment in order of writing; of segments written to since then."""
    for path in sorted([*Path(directory).rglob("*.jsonl"), *Path(directory).rglob("*.jsonl.gz")]):
        if path.stat().st_mtime < since:
            continue
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for line in data.split(b"\n")[:-1]:
            yield path, json.loads(line)


class Trail:
    def __init__(self, directory):
        self.directory = Path(directory)

    def lines(self, kind=None, **wanted):
        return [line for _, line in lines_of(self.directory)
                if (kind is None or line["kind"] == kind)
                and all(line.get(name) == value for name, value in wanted.items())]

    def call(self, call_id):
        """(intent, outcome) of a finished call, in the order they must have."""
        assert call_id, "the answer named no call"
        lines = until(lambda: (found := self.lines(call_id=call_id)) and len(found) >= 2 and found,
                      f"intent and outcome of {call_id}")
        assert [line["kind"] for line in lines] == ["call.intent", "call.outcome"], lines
        intent, outcome = lines
        assert intent["writer"] == outcome["writer"] and intent["seq"] < outcome["seq"]
        return intent, outcome

    def refusal(self, call_id):
        assert call_id, "the answer named no call"
        lines = until(lambda: self.lines(call_id=call_id), f"the refusal of {call_id}")
        assert [line["kind"] for line in lines] == ["call.refused"], lines
        return lines[0]
