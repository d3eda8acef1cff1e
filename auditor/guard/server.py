"""Serves the webhook of a GitHub App on this machine."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from auditor.errors import UsageError
from auditor.git import Repository
from auditor.guard.outcome import blocking
from auditor.guard.protection import Guarded, answer, waiting
from auditor.guard.webhook import Later, Seen, Webhook, in_turn
from auditor.integrations.github import PUBLIC
from auditor.integrations.github.app import installed
from auditor.render import reading

SECRET: Final = "AUDITOR_WEBHOOK_SECRET"  # noqa: S105  (the name of a variable)
_SEEN: Final = "auditor/webhook.v1.sqlite"
_SHORTEST: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What a server is told: the repository and its clone, what ships, and the App (number, private key)."""

    repository: str
    clone: Path
    artifacts: tuple[str, ...]
    app: int
    key: Path


def webhook(serving: Serving, *, say: Callable[[str], None], later: Later | None = None) -> Webhook:
    """The application.

    Raises:
        UsageError: there is no secret, no key, or no clone.
    """
    secret = os.environ.get(SECRET, "").encode()
    if len(secret) < _SHORTEST:
        raise UsageError(f"{SECRET} is not set, or too short", hint="the App's webhook secret, 16 characters at least")
    try:
        key = serving.key.read_bytes()
    except OSError as error:
        raise UsageError(f"{serving.key} cannot be read: {error.strerror}", hint="the App's private key, PEM") from None
    api = os.environ.get("GITHUB_API_URL") or PUBLIC
    with Repository.discover(serving.clone) as repository:
        seen = Seen(repository.common_dir / _SEEN)
    guarded = Guarded(
        repository=serving.repository,
        clone=serving.clone,
        artifacts=serving.artifacts,
        api=api.rstrip("/"),
        hub=lambda installation: installed(serving.repository, app=serving.app, installation=installation, key=key, api=api),
    )

    def act(payload: dict[str, Any]) -> str:
        wanted = waiting(payload, guarded, dt.datetime.now(dt.UTC))
        report = answer(wanted, guarded)
        blocked = ", ".join(sorted(blocking(report))) or "; ".join(report.notes)
        return f"{wanted.environment} at {wanted.sha[:12]}: {reading.headline(report)} ({blocked})"

    return Webhook(secret, seen, act, say=say, later=later or in_turn())


def serve(application: Webhook, host: str, port: int, *, say: Callable[[str], None]) -> None:
    """Answer until interrupted. Put a proxy that speaks TLS in front of it."""

    class Quiet(WSGIRequestHandler):
        timeout = 30

        def log_message(self, *_: object) -> None:
            """Say nothing: what is worth saying is said by the application."""

    server: WSGIServer = make_server(host, port, application, handler_class=Quiet)
    say(f"listening on http://{host}:{server.server_port}")
    with server:
        server.serve_forever()
