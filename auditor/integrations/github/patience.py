"""Repeats what GitHub could not answer right now, within a budget of waiting that all calls of one process share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import requests
from github3.exceptions import GitHubError, IncompleteResponse, TransportError

Answer = TypeVar("Answer")

_DOWN = 500
_LIMITED = (403, 429)
_SECONDARY = 60.0
"""Seconds to wait after a secondary limit that names no time: what GitHub's documentation asks for."""


@dataclass(slots=True, kw_only=True)
class Patience:
    """How long to wait for GitHub. ``budget`` is in seconds, for all calls together; it outlasts an outage of a minute."""

    budget: float = 180.0
    first: float = 1.0
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time
    waited: float = field(default=0.0, init=False)

    def insist(self, call: Callable[[], Answer]) -> Answer:
        """What ``call`` returns. After an outage or a limit it is called again from its start: it must look before it adds.

        Raises:
            GitHubError, TransportError, RequestException: the last answer, when waiting cannot help or time is up.
        """
        pause = self.first
        while True:
            try:
                return call()
            except (GitHubError, TransportError, requests.RequestException) as error:
                wanted = self._asked(error)
                if wanted is None:
                    raise
                wanted = max(wanted, pause)
                if self.waited + wanted > self.budget:
                    raise
                self.waited += wanted
                self.sleep(wanted)
                pause *= 2

    def _asked(self, error: Exception) -> float | None:
        """Seconds that ``error`` asks to wait; 0 when it names none, None when a repetition cannot help."""
        if not isinstance(error, GitHubError):
            return 0.0
        if isinstance(error, IncompleteResponse) or (error.code < _DOWN and error.code not in _LIMITED):
            return None
        headers = error.response.headers
        if (after := _number(headers.get("Retry-After"))) is not None:
            return after
        if error.code >= _DOWN:
            return 0.0
        if headers.get("X-RateLimit-Remaining") == "0":
            reset = _number(headers.get("X-RateLimit-Reset"))
            return _SECONDARY if reset is None else max(0.0, reset - self.now())
        return _SECONDARY if "secondary rate limit" in str(error.msg).lower() else None


def _number(text: str | None) -> float | None:
    return float(text) if text is not None and text.isdecimal() else None
