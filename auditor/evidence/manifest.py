"""A manifest as it was found: its place, its document or why there is none, and what its schema refuses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from auditor.errors import UnreadableError
from auditor.evidence.unanswered import Inconclusive
from auditor.manifest.load import to_run
from auditor.manifest.reader import Document
from auditor.manifest.validate import Violation, violations
from auditor.model.run import Run


@dataclass(frozen=True)
class Manifest:
    """A manifest. ``path`` is where it was found, relative to the repository root; ``error`` tells why it is unreadable."""

    path: str
    document: Document | None = None
    error: UnreadableError | None = None

    @cached_property
    def violations(self) -> list[Violation]:
        """What the manifest's schema refuses, empty for a valid manifest."""
        return violations(self._readable().value, "run-manifest")

    @property
    def value(self) -> object:
        """The document's JSON value.

        Raises:
            Inconclusive: there is none.
        """
        return self._readable().value

    @cached_property
    def run(self) -> Run:
        """The claims, as far as the manifest's shape allows to read them at all.

        Raises:
            Inconclusive: the shape is too far from the schema.
        """
        try:
            return to_run(self._readable())
        except UnreadableError:
            raise Inconclusive("the manifest does not fit its schema (see schema/invalid-manifest)") from None

    def place(self, pointer: str) -> tuple[str, int | None]:
        """File and line (from 1) of the value at ``pointer``."""
        found = self.document.place(pointer) if self.document is not None else None
        return self.path, found[0] if found else None

    def _readable(self) -> Document:
        if self.document is None:
            raise Inconclusive("the manifest cannot be read (see schema/unreadable-manifest)")
        return self.document
