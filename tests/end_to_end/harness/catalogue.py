"""Provider files for the providers of these tests."""
import yaml

BEARER = {"kind": "bearer", "inject": [
    {"in": "header", "name": "Authorization", "value": "Bearer {secret}"}]}
BASIC = {"kind": "basic", "inject": [
    {"in": "header", "name": "Authorization", "value": "Basic {basic}"}]}


def provider(identifier, url, authority, rules, **more):
    """A file's content: on loopback, trusting the session's authority, a bearer credential."""
    return {"id": identifier, "name": identifier.capitalize(), "category": "Testing",
            "base_url": url, "allow": ["private_addresses"], "tls_ca": str(authority.file),
            "credentials": [BEARER], "rules": rules, **more}


def rule(operation, level, methods, path, scopes=None):
    found = {"operation": operation, "class": level, "methods": methods, "path": path}
    return {**found, "scopes": scopes} if scopes else found


def github(url, authority):
    repository = "/repos/{owner}/{repository}"
    return provider("github", url, authority, [
        rule("users.get", "read", ["GET", "HEAD"], "/user", [["read:user"]]),
        rule("repos.get", "read", ["GET", "HEAD"], repository, [["public_repo"]]),
        rule("issues.list", "read", ["GET"], repository + "/issues", [["public_repo"]]),
        rule("issues.create", "write", ["POST"], repository + "/issues", [["public_repo"]]),
        rule("repos.delete", "destructive", ["DELETE"], repository,
             [["delete_repo"], ["admin", "repo"]]),
    ], scopes=[{"id": identifier, "class": level, "description": identifier}
               for identifier, level in (("read:user", "read"), ("user", "write"),
                                         ("public_repo", "write"), ("repo", "write"),
                                         ("delete_repo", "write"), ("admin", "write"))],
        scope_implies={"repo": ["public_repo"], "user": ["read:user"]},
        headers={"X-Api-Version": "7"})


def openai(url, authority):
    return provider("openai", url, authority, [
        rule("models.list", "read", ["GET"], "/v1/models"),
        rule("chat.create", "write", ["POST"], "/v1/chat/completions")])


def laboratory(url, authority, identifier, **more):
    return provider(identifier, url, authority, [
        rule("lab.read", "read", ["GET", "HEAD", "OPTIONS"], "/lab/**"),
        rule("lab.write", "write", ["POST", "PUT", "PATCH"], "/lab/**"),
        rule("lab.delete", "destructive", ["DELETE"], "/lab/**")], **more)


def write(directory, content):
    directory.mkdir(exist_ok=True)
    file = directory / f"{content['id']}.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    return file
