#!/usr/bin/python3
"""The rules of the house that a compiler does not know (CONTRIBUTING.md says why each exists).

    tests/house/house.py [ROOT]     prints every breach as file:line: message, status 1 if any

Each check is a function from files to breaches, so that house_test.py can show it a bad sample.
"""
import hashlib
import os
import re
import sys

FOLDERS = ("base", "policy", "audit", "identity", "net", "vault", "oauth", "proxy", "config",
           "control", "cli")

# Folder -> the folders, or single headers, it may include besides its own.
MAY_INCLUDE = {
    "base": (),
    "policy": ("base",),
    "audit": ("base",),
    "identity": ("base",),
    "net": ("base",),
    "vault": ("base", "net"),
    "oauth": ("base", "net", "policy", "vault/secret.hpp", "vault/connection.hpp",
              "vault/fields.hpp", "vault/error.hpp", "vault/token_source.hpp",
              "identity/signature.hpp", "identity/settings.hpp"),
    "config": ("base", "policy") + tuple(f"{folder}/settings.hpp" for folder in FOLDERS),
    "proxy": ("base", "net", "policy", "audit", "identity", "vault/resolver.hpp",
              "vault/secret.hpp", "vault/error.hpp", "vault/connection.hpp"),
    "control": ("base", "net", "vault", "oauth", "policy", "audit", "identity", "config"),
    "cli": FOLDERS,
}

# What a third party's headers begin with -> the paths that may include them.
HOMES = {
    "yaml-cpp/": ("config/",),
    "hiredis": ("net/redis", "vault/"),
    "sqlite3": ("vault/",),
    "CLI/": ("cli/",),
    "boost/beast": ("proxy/", "net/", "control/"),
    "boost/asio": ("proxy/", "net/", "control/", "vault/", "oauth/", "cli/"),
}

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
SIZE_REASON = re.compile(r"//\s*Size: because \S")
APACHE_2_SHA256 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
PROMISE = re.compile(r"\b(TODO|FIXME|XXX|GTEST_SKIP)\b|\bDISABLED_")


def is_cpp(path):
    return path.endswith((".cpp", ".hpp"))


def is_product(path):
    return is_cpp(path) and path.split("/")[0] in FOLDERS


def check_include_direction(path, text):
    """Who may include whom, and third parties at home."""
    if not is_product(path):
        return
    folder = path.split("/")[0]
    allowed = MAY_INCLUDE[folder] + (folder,)
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, target = match.groups()
        if quote == '"':
            if "/" not in target:
                yield number, f'"{target}" is included without its folder'
            elif target.split("/")[0] not in allowed and target not in allowed:
                yield number, f'{folder}/ may not include "{target}"'
            continue
        for party, homes in HOMES.items():
            if target.startswith(party) and not path.startswith(homes):
                yield number, f"<{target}> belongs into {' or '.join(homes)}"


def check_header(path, text):
    """A header opens with what it is for, and is guarded."""
    if not is_product(path) or not path.endswith(".hpp"):
        return
    if not text.startswith("// "):
        yield 1, "a header opens with prose: what it is for"
    if "#pragma once" not in text:
        yield 1, "no #pragma once"


def check_promises(path, text):
    """What is not done is not in the tree."""
    if not is_cpp(path):
        return
    for number, line in enumerate(text.splitlines(), 1):
        if PROMISE.search(line):
            yield number, "a promise left in the code"


def check_file_size(path, text):
    """A file that cannot be taken in at once is two ideas."""
    lines = text.splitlines()
    if len(lines) <= FILE_LINES_MAX:
        return
    for line in lines:
        if not line.startswith("//"):
            break
        if SIZE_REASON.match(line):
            return
    yield len(lines), f"{len(lines)} lines, {FILE_LINES_MAX} at most"


NO_CODE = re.compile(
    r"""//[^\n]*|/\*.*?\*/"""
    r"""|\bR"(?P<mark>[^()\s]{0,16})\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*\""""
    r"""|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'""", re.DOTALL)


def blanked(text):
    """The text with comments, strings and characters replaced by spaces, line for line."""
    return NO_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


SCOPE = re.compile(r"^\s*(inline\s+)?(namespace|class|struct|union|enum|extern)\b"
                   r"|>\s*(class|struct|union)\b")
AFTER_ARGUMENTS = re.compile(r"\)\s*(const|noexcept|override|->.*)*\s*$")


def functions(text):
    """(first line, last line) of each function body's definition; approximate, but good at it."""
    code = re.sub(r"^[ \t]*#.*(\\\n.*)*$", "", blanked(text), flags=re.MULTILINE)
    code = blanked(text) if code.count("\n") != text.count("\n") else code
    stack, parens, start, statement, number = [], 0, None, "", 1
    for place, char in enumerate(code):
        inside_body = any(kind != "scope" for kind, _ in stack)
        if char == "\n":
            number += 1
        if char == "{":
            if inside_body or parens:
                stack.append(("inner", number))
            elif SCOPE.search(statement) and not AFTER_ARGUMENTS.search(statement):
                stack.append(("scope", number))
                statement, start = "", None
            else:
                assigned = re.sub(r"operator\s*\S+", "", re.sub(r"[<>=!]=", "", statement))
                is_function = "(" in statement and "=" not in re.sub(r"\([^()]*\)", "", re.sub(
                    r"<[^<>]*>", "", assigned))
                stack.append(("function" if is_function else "inner", start or number))
        elif char == "}" and stack:
            kind, opened = stack.pop()
            if kind == "function":
                yield opened, number
            if not any(other != "scope" for other, _ in stack) and not parens:
                follows = code[place + 1:place + 200].lstrip()[:1]
                # What follows a constructor's initialiser goes on with the same function.
                if kind == "scope" or follows not in (",", "{"):
                    statement, start = "", None
        elif not inside_body:
            if char in "()":
                parens = max(0, parens + (1 if char == "(" else -1))
            if char == ";" and not parens:
                statement, start = "", None
            elif not char.isspace() or statement:
                start = start or number
                statement += char


def check_function_size(path, text):
    """The same for functions."""
    if not is_cpp(path):
        return
    lines = text.splitlines()
    for first, last in functions(text):
        count = last - first + 1
        if count <= FUNCTION_LINES_MAX:
            continue
        above = first - 2
        while above >= 0 and lines[above].lstrip().startswith("//"):
            if SIZE_REASON.match(lines[above].lstrip()):
                break
            above -= 1
        else:
            yield first, f"a function of {count} lines, {FUNCTION_LINES_MAX} at most"


def check_links(path, text, exists):
    """A document that points nowhere."""
    if not path.endswith(".md"):
        return
    for number, line in enumerate(text.splitlines(), 1):
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", line):
            if not exists(os.path.normpath(os.path.join(os.path.dirname(path), target))):
                yield number, f"the link to {target} leads nowhere"


def check_licence(text):
    """The licence is the Apache License 2.0, to the letter."""
    if hashlib.sha256(text.encode()).hexdigest() != APACHE_2_SHA256:
        yield 1, "this is not the text of the Apache License, Version 2.0"


CHECKS = (check_include_direction, check_header, check_promises, check_file_size,
          check_function_size)
SOURCES = (".cpp", ".hpp", ".py", ".sh", ".js", ".mjs", ".ts", ".cmake", ".md")
SKIPPED = {"build", "node_modules", "__pycache__"}


def breaches(root):
    for directory, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders
                            if name not in SKIPPED and not name.startswith("."))
        for name in sorted(files):
            path = os.path.relpath(os.path.join(directory, name), root)
            if not name.endswith(SOURCES) and path != "dev":
                continue
            with open(os.path.join(directory, name), encoding="utf-8") as file:
                text = file.read()
            found = [breach for check in CHECKS for breach in check(path, text)]
            found += check_links(path, text,
                                 lambda target: os.path.exists(os.path.join(root, target)))
            yield from ((path, number, message) for number, message in found)
    with open(os.path.join(root, "LICENSE"), encoding="utf-8") as file:
        yield from (("LICENSE", number, message) for number, message in check_licence(file.read()))


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", "..")
    found = list(breaches(os.path.abspath(root)))
    for path, number, message in found:
        print(f"{path}:{number}: {message}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
