"""The errors that people see. Each carries the exit code it ends with and, where there is one, the way out.

* :class:`AuditorError`
    * :class:`UsageError` (2): the command line or the place it was called in does not fit
    * :class:`PolicyError` (2): the policy at the policy ref is invalid
    * :class:`EmptySelectionError` (3): a path or pattern that matched nothing, a checklist without checks
    * :class:`UndecidableError` (4): evidence that the command cannot do without is missing
    * :class:`LedgerError` (4): the ledger cannot be read or written
    * :class:`BrokenLedgerError` (1): what the ledger holds is not what was written into it
    * :class:`RefusedError` (1): an action that the policy does not allow
    * :class:`UnreadableError` (1): a document that cannot be read, with the place of the defect
"""

from __future__ import annotations

from typing import ClassVar

from auditor.model.words import Exit


class AuditorError(Exception):
    """Base of all errors that end a command. ``hint`` says what to do about it."""

    exit: ClassVar[Exit] = Exit.INTERNAL

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(AuditorError):
    """The command line, or the place it was called in, does not fit."""

    exit = Exit.USAGE


class PolicyError(AuditorError):
    """The policy at the policy ref is invalid; nothing can be judged by it."""

    exit = Exit.USAGE


class EmptySelectionError(AuditorError):
    """A path or pattern matched no file, or a checklist has no checks. Empty is not success."""

    exit = Exit.EMPTY_SELECTION


class UndecidableError(AuditorError):
    """Evidence that the command cannot do without is missing."""

    exit = Exit.UNDECIDED


class LedgerError(AuditorError):
    """The ledger cannot be reached, read or written; nothing that was not acknowledged was kept."""

    exit = Exit.UNDECIDED


class BrokenLedgerError(AuditorError):
    """What the ledger holds is not what was written into it."""

    exit = Exit.BLOCKED


class RefusedError(AuditorError):
    """An action that the policy does not allow this person, or for this run."""

    exit = Exit.BLOCKED


class UnreadableError(AuditorError):
    """A document that cannot be read. ``line`` and ``column`` count from 1 where the defect has a place."""

    exit = Exit.BLOCKED

    def __init__(
        self, message: str, *, source: str, line: int | None = None, column: int | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.source = source
        self.line = line
        self.column = column

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.source, self.line, self.column) if part is not None)
        return f"{place}: {self.message}"
