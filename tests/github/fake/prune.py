"""Writes ``openapi.json``: the operations that the auditor uses, out of GitHub's own description of its interface.

``npm pack @octokit/openapi@23.0.2 && tar xf octokit-openapi-23.0.2.tgz package/generated/api.github.com.json`` fetches that
description (MIT licence, Copyright Octokit contributors); then ``python tests/github/fake/prune.py
package/generated/api.github.com.json``. Kept are the operations below and every schema that they reach, without prose.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

REPOSITORY = "/repos/{owner}/{repo}"
OPERATIONS = {
    REPOSITORY: ("get",),
    f"{REPOSITORY}/pulls": ("get",),
    f"{REPOSITORY}/commits/{{ref}}": ("get",),
    f"{REPOSITORY}/commits/{{ref}}/check-runs": ("get",),
    f"{REPOSITORY}/git/refs": ("post",),
    f"{REPOSITORY}/check-runs": ("post",),
    f"{REPOSITORY}/check-runs/{{check_run_id}}": ("get", "patch"),
    f"{REPOSITORY}/statuses/{{sha}}": ("post",),
    f"{REPOSITORY}/issues": ("get", "post"),
    f"{REPOSITORY}/issues/{{issue_number}}": ("get", "patch"),
    f"{REPOSITORY}/issues/{{issue_number}}/comments": ("get", "post"),
    f"{REPOSITORY}/issues/comments/{{comment_id}}": ("patch", "delete"),
    f"{REPOSITORY}/deployments/{{deployment_id}}/statuses": ("post",),
    f"{REPOSITORY}/code-scanning/sarifs": ("post",),
    f"{REPOSITORY}/actions/runs/{{run_id}}/deployment_protection_rule": ("post",),
    "/app/installations/{installation_id}/access_tokens": ("post",),
}
PROSE = frozenset({"description", "summary", "example", "examples", "externalDocs", "x-github", "tags"})
NAMED = frozenset({"properties", "schemas", "parameters", "responses", "headers", "examples", "patternProperties"})
"""Objects whose keys are names, among which `description` is a property like any other."""


def pruned(whole: dict[str, Any]) -> dict[str, Any]:
    """The description of :data:`OPERATIONS` alone."""
    kept: dict[str, Any] = {
        "openapi": whole["openapi"],
        "info": {
            "title": whole["info"]["title"],
            "version": whole["info"]["version"],
            "license": whole["info"]["license"],
            "description": "A part of @octokit/openapi, MIT licence, Copyright Octokit contributors; see prune.py.",
        },
        "servers": [{"url": "/"}, {"url": "/api/v3"}],
        "paths": {},
    }
    for path, methods in OPERATIONS.items():
        item = whole["paths"][path]
        kept["paths"][path] = {key: _bare(item[key]) for key in methods}
    components: dict[str, Any] = {}
    waiting = list(_references(kept["paths"]))
    while waiting:
        _, _, kind, name = waiting.pop().split("/")
        if name in components.setdefault(kind, {}):
            continue
        components[kind][name] = _bare(whole["components"][kind][name])
        waiting += _references(components[kind][name])
    kept["components"] = components
    answers = [*components.get("responses", {}).values()]
    answers += [answer for item in kept["paths"].values() for call in item.values() for answer in call["responses"].values()]
    for answer in answers:
        answer.setdefault("description", "")  # the one piece of prose that the format asks for
    return kept


def _bare(node: Any, *, named: bool = False) -> Any:
    """``node`` without prose, and with null listed in every enumeration that may be null: GitHub does send it."""
    if isinstance(node, list):
        return [_bare(each) for each in node]
    if not isinstance(node, dict):
        return node
    bare = {key: _bare(value, named=key in NAMED and not named) for key, value in node.items() if named or key not in PROSE}
    if bare.get("nullable") is True and isinstance(bare.get("enum"), list) and None not in bare["enum"]:
        bare["enum"] = [*bare["enum"], None]
    return bare


def _references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [reference for each in node for reference in _references(each)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [reference for value in node.values() for reference in _references(value)]


if __name__ == "__main__":
    source = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    target = Path(__file__).with_name("openapi.json")
    target.write_text(json.dumps(pruned(source), separators=(",", ":"), sort_keys=True) + "\n", encoding="utf-8")
