"""What is raised when an attestation is not what it should be."""

from __future__ import annotations

from auditor.errors import AuditorError
from auditor.model.words import Exit


class RefusedError(AuditorError):
    """An attestation, or something that it should vouch for, that must not be relied on."""

    exit = Exit.BLOCKED
