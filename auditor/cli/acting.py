"""What the commands of people share: the options for key and base, and how an act is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from auditor.gate.acts import Act, Done


def acting(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options ``--reason``, ``--key`` and ``--base``."""
    options = [
        click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept for ever."),
        click.option(
            "--key",
            metavar="FILE",
            help="Signs: PEM or OpenSSH file, .pub of a key in an agent, gpg:FINGERPRINT.  [AUDITOR_KEY]",
        ),
        click.option("--base", metavar="REF", help="Whose policy says who may.  [default: origin/HEAD, main]"),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def act(*, reason: str, key: str | None, base: str | None) -> Act:
    """The act of whoever calls, here."""
    from auditor.gate.acts import Act  # noqa: PLC0415  (loaded when called)

    return Act(root=Path.cwd(), reason=reason, key=key, base=base)


def tell(done: Done) -> None:
    """Say what was written down."""
    from auditor.gate.acts import said  # noqa: PLC0415  (loaded when called)
    from auditor.render.text import visible_lines  # noqa: PLC0415

    click.echo(visible_lines("\n".join(said(done))))
