"""A small WSGI application that takes GitHub's word that a deployment waits: only when it is signed, and only once."""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from auditor.errors import AuditorError

LARGEST: Final = 5 << 20
"""Bytes of an event; those of this kind have a few thousand."""
EVENT: Final = "deployment_protection_rule"

Start = Callable[[str, list[tuple[str, str]]], object]
Later = Callable[[Callable[[], None]], None]


class Seen:
    """The events that were taken, by the digest of their bytes: the one thing about an event that its signature covers."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._open()) as database, database:
            database.execute("CREATE TABLE IF NOT EXISTS seen (digest TEXT PRIMARY KEY, at TEXT DEFAULT CURRENT_TIMESTAMP)")

    def first(self, digest: str) -> bool:
        """Whether this is the first time; from now on it is not."""
        with closing(self._open()) as database, database:
            return database.execute("INSERT OR IGNORE INTO seen (digest) VALUES (?)", (digest,)).rowcount == 1

    def forget(self, digest: str) -> None:
        """Let an event that came to nothing be sent again."""
        with closing(self._open()) as database, database:
            database.execute("DELETE FROM seen WHERE digest = ?", (digest,))

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file, timeout=30)


class Webhook:
    """Answers GitHub at once, and does what is to be done ``later``: GitHub waits ten seconds, a gate may take minutes.

    ``act`` is told the payload; it raises an :class:`AuditorError` when nothing came of it, and then the same event may come
    again. ``secret`` is what GitHub signs with. ``say`` is told what happened, in one line.
    """

    def __init__(
        self, secret: bytes, seen: Seen, act: Callable[[dict[str, Any]], str], *, say: Callable[[str], None], later: Later
    ) -> None:
        if len(secret) < 16:
            raise ValueError("a secret of fewer than 16 bytes can be guessed")
        self._secret = secret
        self._seen = seen
        self._act = act
        self._say = say
        self._later = later

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """Answer one request."""
        status, words = self._answer(environ)
        body = f"{words}\n".encode()
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
        start(status, headers)
        return [body]

    def _answer(self, environ: dict[str, Any]) -> tuple[str, str]:
        # 1. Bound it, then check the signature over the very bytes, before anything else of it is looked at.
        if environ.get("REQUEST_METHOD") != "POST":
            return "405 Method Not Allowed", "events are posted"
        length = str(environ.get("CONTENT_LENGTH") or "")
        if not length.isdecimal() or len(length) > 9 or int(length) > LARGEST:
            return "413 Content Too Large", "no length, or too long"
        body = environ["wsgi.input"].read(int(length))
        expected = "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), str(environ.get("HTTP_X_HUB_SIGNATURE_256", "")).encode()):
            return "401 Unauthorized", "the signature is not GitHub's"
        # 2. The event's name is not signed: the payload has to be of the right kind by itself, which who acts on it sees to.
        if environ.get("HTTP_X_GITHUB_EVENT") != EVENT:
            return "200 OK", "not for us"
        return self._taken(body)

    def _taken(self, body: bytes) -> tuple[str, str]:
        try:
            payload = json.loads(body)
        except (ValueError, RecursionError):
            payload = None
        if not isinstance(payload, dict):
            return "400 Bad Request", "no JSON object"
        # 3. Neither is the delivery's number signed: an event is known by its bytes.
        digest = hashlib.sha256(body).hexdigest()
        if not self._seen.first(digest):
            return "200 OK", "taken before"
        self._later(lambda: self._work(payload, digest))
        return "202 Accepted", "taken"

    def _work(self, payload: dict[str, Any], digest: str) -> None:
        try:
            self._say(self._act(payload))
        except AuditorError as error:
            self._seen.forget(digest)
            self._say(f"not answered: {error}")
        except Exception as error:  # noqa: BLE001  (a server goes on; what failed was not approved)
            self._seen.forget(digest)
            self._say(f"not answered: internal error: {type(error).__name__}: {error}")


def in_turn() -> Later:
    """Do one thing after the other, in a thread of its own: two gates at once would compete for one clone."""
    lock = threading.Lock()

    def later(work: Callable[[], None]) -> None:
        def run() -> None:
            with lock:
                work()

        threading.Thread(target=run, daemon=True, name="auditor-webhook").start()

    return later
