"""The error for a format whose library is not installed."""

from __future__ import annotations

from auditor.errors import UndecidableError


def missing(what: str, library: str, extra: str) -> UndecidableError:
    """What to raise when ``library`` cannot be imported: not a pass, and how to get it."""
    return UndecidableError(
        f"{what} cannot be read: the library {library} is not installed", hint=f"pip install 'ml-run-auditor[{extra}]'"
    )
