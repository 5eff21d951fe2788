"""A person with a browser: follows redirects, keeps cookies, fills in forms and presses buttons.

It goes only where it is sent and stops at whatever is neither a redirect nor a form, so that a test
sees the page, or the callback, at which the person ends up.
"""
import urllib.parse
from dataclasses import dataclass, field
from html.parser import HTMLParser

import requests

STEPS_MAX = 25
REDIRECTS = (301, 302, 303, 307, 308)


@dataclass
class Form:
    action: str = ""
    identifier: str = ""
    fields: list = field(default_factory=list)  # (type, name, value)

    def names(self):
        return [name for _, name, _ in self.fields]

    def values(self, name):
        return [value for _, each, value in self.fields if each == name]


class Forms(HTMLParser):
    """The forms of a page. A button may stand outside the form that it names."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form":
            self.found.append(Form(given.get("action", ""), given.get("id", "")))
        elif tag in ("input", "button") and self.found and given.get("name"):
            form = next((each for each in self.found if each.identifier == given.get("form")),
                        self.found[-1])
            form.fields.append((given.get("type", "submit" if tag == "button" else "text"),
                                given["name"], given.get("value", "")))


class Browser:
    """`account` is who signs in. `scopes` are the boxes left ticked; None: all. With `decision`
    "deny" the person signs in and then says no. Where `stop` is in an address, the browser does not
    go there: `address` is then where it was sent."""

    def __init__(self, authority, account="ann", scopes=None, decision="allow", code=None):
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(authority.file)
        self.account, self.scopes, self.decision, self.code = account, scopes, decision, code
        self.visited = []  # every address, in order
        self.offered = []  # the boxes of the last consent

    def go(self, address, stop=None):
        """The last answer; None where it stopped instead."""
        ask = "GET", address, None
        for _ in range(STEPS_MAX):
            method, address, form = ask
            self.visited.append(address)
            if stop and stop in address:
                return None
            answer = self.session.request(method, address, data=form, allow_redirects=False,
                                          timeout=30)
            ask = self._next(answer)
            if not ask:
                return answer
        raise AssertionError(f"going in circles: {self.visited[-4:]}")

    @property
    def address(self):
        return self.visited[-1]

    def _next(self, answer):
        if answer.status_code in REDIRECTS:
            return "GET", urllib.parse.urljoin(answer.url, answer.headers["Location"]), None
        forms = Forms(answer.text).found if "html" in answer.headers.get("Content-Type", "") else []
        if not forms:
            return None
        form = forms[0]
        return "POST", urllib.parse.urljoin(answer.url, form.action), self._fill_in(form)

    def _fill_in(self, form):
        data = [(name, value) for kind, name, value in form.fields if kind == "hidden"]
        if "account" in form.names():
            return [*data, ("account", self.account), ("decision", "allow")]
        if "user_code" in form.names() and self.code:
            data = [pair for pair in data if pair[0] != "user_code"]
            return [*data, ("user_code", self.code)]
        if "decision" in form.names():
            self.offered = form.values("scope")
            data += [("scope", scope) for scope in self.offered
                     if self.scopes is None or scope in self.scopes]
            return [*data, ("decision", self.decision)]
        return data + [(name, value) for kind, name, value in form.fields if kind == "submit"]


def parameters(address):
    """What an address carries in its query."""
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
