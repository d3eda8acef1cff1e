"""Finds credentials in the values of a manifest."""

from __future__ import annotations

from auditor import redact


def secrets_in(value: object) -> list[str]:
    """JSON Pointers of the strings in ``value`` that hold a credential, by their shape or by their name."""
    return redact.secrets(value)


def redacted(value: object) -> object:
    """``value`` without credentials, for a message: a command line (a tuple of words) or any JSON value."""
    return redact.argv(value) if isinstance(value, tuple) else redact.value(value)[0]
