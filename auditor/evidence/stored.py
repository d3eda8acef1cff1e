"""Finds the bytes behind a claim outside git: in the stores of the policy, or where the command saw them.

Nothing here follows an address because a manifest names it. A store is asked for a digest; an address counts only below the
root of a store that the policy names, and a mount only inside such a store or the work tree.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from auditor import digest
from auditor.evidence.located import Claim, Located
from auditor.model.run import DataSource
from auditor.model.words import EvidenceLevel
from auditor.store import trees
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
        if wanted is not None and getattr(claim, "format", None) == trees.FORMAT:
            folder = next(filter(None, (self._assembled(claim, found) for found in self._held(wanted))), None)
            return folder or self._mounted_folder(claim)
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

    def _assembled(self, claim: Claim, found: Found) -> Located | None:
        """The folder whose list ``found`` is, every file hashed here; None, with the reason kept, where one is lacking."""
        listing = self._hashed(DataSource(name="list", digest=claim.digest), found)
        if listing is None or listing.file is None or listing.digest != claim.digest:
            return None
        place = self.scratch() / f"tree-{listing.digest.removeprefix('sha256:')}"
        try:
            entries = trees.read(listing.file.read_bytes()) if listing.size <= trees.LARGEST else ()
            for entry in entries if not place.exists() else ():
                self._put(entry, place)
        except (OSError, ValueError, StoreError) as error:
            shutil.rmtree(place, ignore_errors=True)
            self._failures.append(f"store {found.store}: the folder cannot be put together: {error}")
            return None
        size = sum(entry.size for entry in entries)
        where = f"store {found.store}"
        return Located(path=_named(claim), digest=listing.digest, size=size, where=where, file=None, folder=place)

    def _put(self, entry: trees.Entry, folder: Path) -> None:
        held = DataSource(name=entry.path, path=entry.path, digest=entry.digest, size=entry.size)
        located = next(filter(None, (self._hashed(held, found) for found in self._held(entry.digest))), None)
        if located is None or located.file is None or (located.digest, located.size) != (entry.digest, entry.size):
            raise ValueError(f"no store holds {entry.path}")
        target = folder / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(located.file, target)

    def _mounted_folder(self, claim: Claim) -> Located | None:
        """A folder where the command saw it, or at its address, inside of a store on this machine or the work tree."""
        uri: str = getattr(claim, "uri", None) or ""
        at = unquote(uri.removeprefix("file://")) if uri.startswith("file:///") else None
        for seen in (getattr(claim, "mount", None), at):
            try:
                resolved, store = self._resolved(seen)
                if resolved is None or not resolved.is_dir():
                    continue
                sizes = [file.stat().st_size for _, file in trees.files_of(resolved)]
                value = trees.digest_of(resolved)
            except (OSError, RuntimeError, ValueError):
                continue
            if value is not None and value == claim.digest:
                return Located(
                    path=_named(claim), digest=value, size=sum(sizes), where=_seen(store), file=None, folder=resolved
                )
        return None

    def _resolved(self, seen: str | None) -> tuple[Path | None, str | None]:
        """A place that the run saw, every link followed, and the store it is in; None for one not to be looked at."""
        place = Path(seen) if seen is not None and "\0" not in seen else None
        if place is None or not place.is_absolute() or ".." in place.parts:
            return None, None
        resolved = place.resolve(strict=True)
        store = self.stores.hold(resolved)
        inside = store is not None or resolved.is_relative_to(self.root.resolve())
        return (resolved if inside else None), store

    def _mounted(self, claim: Claim) -> Located | None:
        try:
            resolved, store = self._resolved(getattr(claim, "mount", None))
            if resolved is None or not resolved.is_file():
                return None
            value, size = digest.of_file(resolved)
        except (OSError, RuntimeError, ValueError):
            return None
        return Located(path=_named(claim), digest=value, size=size, where=_seen(store), file=resolved)


def _seen(store: str | None) -> str:
    return "working tree, where the run saw it" if store is None else f"store {store}, where the run saw it"


def _named(claim: Claim) -> str:
    """What a claim is called: its path, else its address, the place where it was seen, or its digest."""
    others = (getattr(claim, "uri", None), getattr(claim, "mount", None), claim.digest)
    return claim.path or next((name for name in others if name), "bytes without a name")
