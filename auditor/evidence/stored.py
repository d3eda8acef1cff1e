"""Finds the bytes behind a claim outside git: in the stores of the policy, or where the command saw them.

Nothing here follows an address because a manifest names it. A store is asked for a digest; an address counts only below the
root of a store that the policy names, and a mount only inside such a store or the work tree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from auditor import digest
from auditor.evidence.located import Claim, Located
from auditor.model.words import EvidenceLevel
from auditor.store.base import Found, StoreDownError, StoreError
from auditor.store.stores import Stores


@dataclass(slots=True)
class Stored:
    """Looks up claims in ``stores`` for one audit. ``scratch`` takes what has to be downloaded."""

    root: Path
    stores: Stores
    scratch: Callable[[], Path]
    _fetched: dict[tuple[str, str], tuple[Path, str, int]] = field(default_factory=dict)
    _failures: list[str] = field(default_factory=list)

    def locate(self, claim: Claim) -> Located | None:
        """The bytes behind ``claim``, None when no store has them; :meth:`why_not` then tells why."""
        self._failures.clear()
        # 1. By digest: what a store proves itself need not be read, anything else is.
        wanted = claim.digest
        if wanted is not None:
            for found in self._held(wanted):
                located = self._proven(claim, found) if found.proven == wanted else self._hashed(claim, found)
                if located is not None and located.digest == wanted:
                    return located
                if located is not None:
                    self._failures.append(f"store {found.store}: {found.name} holds other bytes than its name says")
        # 2. By mount: other bytes than those declared may have come there since, and are nobody's claim.
        located = self._mounted(claim)
        if located is not None and located.digest == wanted:
            return located
        # 3. By address, where other bytes than those declared are an answer, too.
        uri: str | None = getattr(claim, "uri", None)
        at = self._standing(uri) if uri is not None else None
        if at is None:
            return None
        # A store's checksum may clear, and never accuse: where it says other bytes, they are read.
        return self._proven(claim, at) if at.proven is not None and at.proven == wanted else self._hashed(claim, at)

    def file(self, claim: Claim) -> Path | None:
        """A file with the bytes of ``claim``, downloaded where need be; None when no store has them."""
        self._failures.clear()
        wanted = claim.digest
        for found in self._held(wanted) if wanted is not None else []:
            located = self._hashed(claim, found)
            if located is not None and located.digest == wanted:
                return located.file
        uri: str | None = getattr(claim, "uri", None)
        at = self._standing(uri) if uri is not None else None
        located = self._hashed(claim, at) if at is not None else None
        return located.file if located is not None and located.digest == wanted else None

    def why_not(self) -> str:
        """Which stores were asked in vain the last time, and what kept them from answering."""
        if not self.stores.names:
            return "no store is configured that holds them"
        return "; ".join([f"no store ({', '.join(self.stores.names)}) has them", *dict.fromkeys(self._failures)])

    def _held(self, wanted: str) -> list[Found]:
        found = self.stores.find(wanted)
        self._failures += self.stores.failures
        return found

    def _standing(self, uri: str) -> Found | None:
        found = self.stores.at(uri)
        self._failures += self.stores.failures
        return found

    def _proven(self, claim: Claim, found: Found) -> Located:
        assert found.proven is not None  # noqa: S101  (asked by the callers)
        return Located(
            path=_named(claim),
            digest=found.proven,
            size=found.size or 0,
            where=f"store {found.store}, by its own checksum",
            file=None,
            level=EvidenceLevel.CONSISTENT,
        )

    def _hashed(self, claim: Claim, found: Found) -> Located | None:
        """What ``found`` hashes to here; None, with the reason kept, when it cannot be read."""
        size: int | None = getattr(claim, "size", None)
        key = (found.store, found.name)
        try:
            if key not in self._fetched:
                self._fetched[key] = self._read(found, size)
        except StoreError as error:
            if isinstance(error, StoreDownError):
                self.stores.give_up(found.store, error)
            self._failures.append(error.message)
            return None
        except OSError as error:
            self._failures.append(f"store {found.store}: {found.name} cannot be read: {error.strerror}")
            return None
        file, value, length = self._fetched[key]
        return Located(path=_named(claim), digest=value, size=length, where=f"store {found.store}", file=file)

    def _read(self, found: Found, size: int | None) -> tuple[Path, str, int]:
        if found.file is not None:
            return found.file, *digest.of_file(found.file)
        from auditor.store.fetch import fetch  # noqa: PLC0415  (only what is downloaded needs it)

        return fetch(found, self.scratch(), size=size)

    def _mounted(self, claim: Claim) -> Located | None:
        mount: str | None = getattr(claim, "mount", None)
        place = Path(mount) if mount is not None and "\0" not in mount else None
        if place is None or not place.is_absolute() or ".." in place.parts:
            return None
        try:
            resolved = place.resolve(strict=True)
            store = self.stores.hold(resolved)
            if not resolved.is_file() or (store is None and not resolved.is_relative_to(self.root.resolve())):
                return None
            value, size = digest.of_file(resolved)
        except (OSError, RuntimeError, ValueError):
            return None
        where = "working tree, where the run saw it" if store is None else f"store {store}, where the run saw it"
        return Located(path=_named(claim), digest=value, size=size, where=where, file=resolved)


def _named(claim: Claim) -> str:
    """What a claim is called: its path, else its address, the place where it was seen, or its digest."""
    others = (getattr(claim, "uri", None), getattr(claim, "mount", None), claim.digest)
    return claim.path or next((name for name in others if name), "bytes without a name")
