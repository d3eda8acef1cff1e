"""The three calls that github3.py does not have, or has without what is needed. Unlike its session, these raise on 4xx."""

from __future__ import annotations

import base64
import gzip
from typing import Any, Literal

from github3.exceptions import error_for

from auditor.errors import UsageError
from auditor.integrations.github.hub import Hub, NotPostedError

DeploymentState = Literal["error", "failure", "inactive", "in_progress", "queued", "pending", "success"]

MOST_SARIF = 10 << 20
"""Bytes that GitHub takes, compressed."""
LONGEST_DESCRIPTION = 140


def _post(hub: Hub, what: str, url: str, body: dict[str, Any], *, needs: str) -> dict[str, Any]:
    def once() -> dict[str, Any]:
        response = hub.session.post(url, json=body)
        if response.status_code >= 400:
            raise error_for(response)
        return dict(response.json()) if response.content else {}

    return hub.ask(what, once, needs=needs)


def upload_sarif(hub: Hub, sarif: str, *, commit: str, ref: str) -> str:
    """Hand ``sarif`` to code scanning for ``commit`` at ``ref`` (``refs/pull/7/head``); the id of the upload.

    Raises:
        NotPostedError: GitHub did not take it.
    """
    packed = gzip.compress(sarif.encode(), mtime=0)
    if len(packed) > MOST_SARIF:
        raise NotPostedError(f"code scanning: the report has {len(packed)} bytes, compressed; GitHub takes {MOST_SARIF}")
    body = {"commit_sha": commit, "ref": ref, "sarif": base64.b64encode(packed).decode(), "tool_name": "auditor"}
    url = hub.url("code-scanning", "sarifs")
    return str(_post(hub, "code scanning", url, body, needs="security-events: write").get("id", ""))


def post_deployment(  # noqa: PLR0913  (each is one field of the answer)
    hub: Hub,
    deployment: int,
    state: DeploymentState,
    description: str,
    *,
    environment_url: str | None = None,
    log_url: str | None = None,
) -> None:
    """Set the status of a deployment.

    Raises:
        NotPostedError: GitHub did not take it.
    """
    given = {"environment_url": environment_url, "log_url": log_url}
    body = {"state": state, "description": description[:LONGEST_DESCRIPTION]} | {k: v for k, v in given.items() if v}
    url = hub.url("deployments", str(deployment), "statuses")
    _post(hub, "deployment status", url, body, needs="deployments: write")


def review(hub: Hub, run: int, *, environment: str, approved: bool, comment: str) -> None:
    """Answer a custom deployment protection rule. Only the App that owns the rule may: ``hub`` holds its installation token.

    Raises:
        NotPostedError: GitHub did not take it.
    """
    if not environment:
        raise UsageError("the environment has no name")
    body = {"environment_name": environment, "state": "approved" if approved else "rejected", "comment": comment}
    url = hub.url("actions", "runs", str(run), "deployment_protection_rule")
    _post(hub, "deployment protection rule", url, body, needs="deployments: write of the App that owns the rule")
