"""A GitHub App's own token, for the calls that only the App itself may make."""

from __future__ import annotations

import github3

from auditor.integrations.github import PUBLIC
from auditor.integrations.github.hub import Hub
from auditor.integrations.github.patience import Patience


def installed(  # noqa: PLR0913  (each is one thing that GitHub asks for)
    full: str, *, app: int, installation: int, key: bytes, api: str = PUBLIC, patience: Patience | None = None
) -> Hub:
    """The repository ``full``, spoken to as the installation of an App whose private key (PEM) is ``key``.

    Raises:
        NotPostedError: GitHub gave no token.
    """
    hub = Hub(full, "unused", api=api, patience=patience)
    # The number of the App as text: the library that signs refuses an integer as an issuer.
    login = github3.GitHub(session=hub.session).login_as_app_installation
    hub.ask("the App's token", lambda: login(key, str(app), installation), needs="an installation of the App")
    return hub
