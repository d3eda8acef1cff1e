"""The two ways in which a question about a run can go without an answer. Both carry the reason, for people."""

from __future__ import annotations


class UnansweredError(Exception):
    """Raised by a check, or by the evidence it asked for, instead of an answer."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Inconclusive(UnansweredError):  # noqa: N818  (a word of the vocabulary, not an error of the program)
    """The evidence that would decide is missing. Never counts as passed."""


class NotApplicable(UnansweredError):  # noqa: N818  (the same)
    """The question does not arise for this run."""
