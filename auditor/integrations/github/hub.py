"""One repository on GitHub, spoken to with one token."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import urlsplit

import github3
import requests
from github3.exceptions import GitHubError, GitHubException, IncompleteResponse, TransportError
from github3.session import GitHubSession

from auditor.errors import UndecidableError, UsageError
from auditor.integrations.github import PUBLIC
from auditor.integrations.github.patience import Patience

Answer = TypeVar("Answer")

VERSION = "2022-11-28"
"""The version of the interface that github3.py 4 reads: later ones drop keys that it asks for."""

_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})
_NEVER = "2099-01-01T00:00:00Z"
_CONNECT, _READ = 5, 30


class NotPostedError(UndecidableError):
    """GitHub did not take what was to be posted. ``hint`` names the permission that is wanted, where that is the reason."""


class Hub:
    """A repository ``owner/name`` at the interface ``api`` (``GITHUB_API_URL``; it may end in ``/api/v3``)."""

    def __init__(self, full: str, token: str, *, api: str = PUBLIC, patience: Patience | None = None) -> None:
        if not _REPOSITORY.fullmatch(full) or ".." in full:
            raise UsageError(f"{full!r} is no repository", hint="OWNER/REPOSITORY")
        self.full = full
        self.session = session(api)
        # What github3 lets do checks alone; a job's token is an App's installation token, too.
        self.session.app_installation_token_auth({"token": token, "expires_at": _NEVER})
        self._patience = patience or Patience()

    @cached_property
    def repository(self) -> Any:
        """github3's repository."""
        owner, _, name = self.full.partition("/")
        return self.ask("reading the repository", lambda: github3.GitHub(session=self.session).repository(owner, name))

    def url(self, *parts: str) -> str:
        """The address of something below the repository."""
        return str(self.session.build_url("repos", *self.full.split("/"), *parts))

    def ask(self, what: str, call: Callable[[], Answer], *, needs: str | None = None) -> Answer:
        """What ``call`` returns, asked again while GitHub is down or limits us.

        Raises:
            NotPostedError: GitHub will not, or cannot; ``needs`` is the permission that is named when it may not.
        """
        try:
            return self._patience.insist(call)
        except IncompleteResponse as error:
            raise _not_understood(what, error) from None
        except GitHubError as error:
            raise NotPostedError(f"{what}: GitHub answered {error.code}: {error.msg}", hint=_advice(error, needs)) from None
        except (TransportError, requests.RequestException) as error:
            raise NotPostedError(f"{what}: GitHub cannot be reached: {_cause(error)}") from None
        except (GitHubException, KeyError, TypeError, ValueError) as error:
            # github3 reads answers by key; what a server of another version leaves out shows here.
            raise _not_understood(what, error) from None


def session(api: str) -> GitHubSession:
    """A session without a token at ``api``.

    Raises:
        UsageError: ``api`` is no address that a token may be sent to.
    """
    parts = urlsplit(api)
    if not parts.hostname or parts.username or (parts.scheme != "https" and parts.hostname not in _HERE):
        raise UsageError(f"{api!r} is no address to send a token to", hint="GITHUB_API_URL must begin with https://")
    made = GitHubSession(default_connect_timeout=_CONNECT, default_read_timeout=_READ)
    made.base_url = api.rstrip("/")
    made.headers["X-GitHub-Api-Version"] = VERSION
    return made


def _not_understood(what: str, error: Exception) -> NotPostedError:
    return NotPostedError(f"{what}: GitHub's answer was not understood: {type(error).__name__}: {error}")


def _advice(error: GitHubError, needs: str | None) -> str | None:
    if error.code == 401:
        return "the token is missing, expired or revoked"
    if error.code in {403, 404} and needs is not None:
        return f"the token may not: it needs the permission {needs}"
    return None


def _cause(error: Exception) -> str:
    return str(error).split(" (Caused by ")[-1][:200]
