"""Verifies a ledger from its first entry to its last, and names the first that is not what was written."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

import msgspec

from auditor.ledger import entry as form
from auditor.ledger.database import Database
from auditor.ledger.entry import GENESIS, Entry, signature_fault
from auditor.ledger.keys import key_of

_MASK: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The first entry that is not what was written. ``sequence`` is where it stands, or should."""

    sequence: int
    why: str

    def __str__(self) -> str:
        return f"entry {self.sequence} {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What verification found.

    ``entries`` and ``head`` say how far the chain reaches; ``keys`` how many entries each key (by its id) has signed;
    ``checkpoint`` is the newest one that counts. ``remarks`` are oddities that break nothing.
    """

    entries: int
    head: str
    unsigned: int
    keys: Mapping[str, int]
    checkpoint: Entry | None = None
    broken: Broken | None = None
    remarks: tuple[str, ...] = ()

    @property
    def signed(self) -> int:
        """How many entries are signed."""
        return sum(self.keys.values())


class _Glance(msgspec.Struct, frozen=True):
    """As much of a statement as verification looks at."""

    key: str | None
    kind: str
    schema: str
    subjects: tuple[str, ...]
    written: str


_GLANCE: Final = msgspec.json.Decoder(_Glance).decode


@dataclass(slots=True)
class _Walk:
    """What was seen on the way from the first entry."""

    entries: int = 0
    head: str = GENESIS
    unsigned: int = 0
    keys: Counter[str] = field(default_factory=Counter)
    checkpoints: list[Entry] = field(default_factory=list)
    index: int = 0
    rows: int = 0
    written: str = ""
    remarks: list[str] = field(default_factory=list)


def verify(database: Database, *, trusted: Collection[str] | None, witness: Entry | None, pushed: Entry | None) -> Verified:
    """The whole of :meth:`auditor.ledger.ledger.Ledger.verify`, in the order in which it decides.

    1. Each entry has the digest that it says, names its predecessor, stands at its place, and is signed as it says.
    2. The index finds exactly the entries that the statements speak of.
    3. What each checkpoint says of the chain, the chain says, too.
    """
    walk = _Walk()
    broken = (
        _chain(database, walk)
        or _index(database, walk)
        or _checkpoints(database, walk, witness)
        or _pushed(database, walk, pushed)
    )
    counting = [one for one in walk.checkpoints if trusted is None or one.keyid in trusted]
    return Verified(
        entries=walk.entries,
        head=walk.head,
        unsigned=walk.unsigned,
        keys=walk.keys,
        checkpoint=counting[-1] if counting else None,
        broken=broken,
        remarks=tuple(walk.remarks),
    )


def _chain(database: Database, walk: _Walk) -> Broken | None:
    query = "SELECT sequence, kind, digest, signature, statement FROM entries ORDER BY sequence"
    for block in database.blocks(query):
        if (broken := _block(block, walk)) is not None:
            return broken
    return None


def _block(block: Sequence[tuple[Any, ...]], walk: _Walk) -> Broken | None:  # noqa: C901  (see its first line)
    """Walk through one block of rows. A million of them pass here: what is looked up or called for each is kept small."""
    glance, sha256 = _GLANCE, hashlib.sha256
    head, expected, total, written = walk.head, walk.entries, 0, walk.written
    for sequence, kind, digest, signature, raw in block:
        statement = raw if type(raw) is bytes else form.raw(raw)
        expected += 1
        if sequence != expected:
            return Broken(sequence=expected, why=f"is missing: entry {sequence} stands next")
        # The link of an unsigned entry, as entry.link() writes it.
        link = (
            b'{"previous":"%b","sequence":%d,"signature":null,"statement":%b}' % (head.encode(), sequence, statement)
            if signature is None
            else form.link(head, sequence, signature, statement)
        )
        if sha256(link).hexdigest() != digest[7:] or digest[:7] != "sha256:":
            return Broken(sequence=sequence, why="is not what was written: its digest, or its predecessor's, is another")
        try:
            said = glance(statement)
        except (msgspec.DecodeError, RecursionError) as error:
            return Broken(sequence=sequence, why=f"is no statement: {error}")
        if said.kind != kind:
            return Broken(sequence=sequence, why=f"is listed as {kind}, but says {said.kind}")
        if said.key is None and signature is None:
            walk.unsigned += 1
        elif fault := _signature(said, signature, statement, walk):
            return Broken(sequence=sequence, why=fault)
        if kind == "checkpoint":
            walk.checkpoints.append(form.entry(sequence, head, digest, signature, statement))
        if said.written < written:
            # Clocks differ and are put back; the order of the entries is what counts.
            walk.remarks.append(f"entry {sequence} is dated {said.written}, before the one in front of it ({written})")
        for subject in said.subjects:
            total += hash((subject, kind, sequence))
            walk.rows += 1
        head, written = digest, said.written
    walk.head, walk.entries, walk.written = head, expected, written
    walk.index += total
    return None


def _signature(said: _Glance, signature: str | None, statement: bytes, walk: _Walk) -> str | None:
    """Why an entry is not signed as it says; otherwise it is counted."""
    fault = signature_fault(said.key, signature, statement)
    if fault is None and said.key is not None:
        walk.keys[key_of(said.key).keyid] += 1
    return fault


def _index(database: Database, walk: _Walk) -> Broken | None:
    """Compare the index with the statements by the sum of their rows' hashes.

    Python keys the hash of text anew in each process, so that nobody can prepare rows whose sum is the same.
    """
    total = rows = 0
    for block in database.blocks("SELECT subject, kind, sequence FROM subjects"):
        total += sum(map(hash, block))
        rows += len(block)
    if rows != walk.rows or (total - walk.index) & _MASK:
        return _first_lost(database, walk)
    return None


def _first_lost(database: Database, walk: _Walk) -> Broken:
    """Name the entry by which index and statements differ: slower, and only when they do."""
    found: dict[int, set[tuple[str, str]]] = {}
    for subject, kind, sequence in chain.from_iterable(database.blocks("SELECT subject, kind, sequence FROM subjects")):
        found.setdefault(sequence, set()).add((subject, kind))
    listed = database.blocks("SELECT sequence, kind, statement FROM entries ORDER BY sequence")
    for sequence, kind, raw in chain.from_iterable(listed):
        said = msgspec.json.decode(form.raw(raw), type=_Glance)
        if found.pop(sequence, set()) != {(subject, kind) for subject in said.subjects}:
            return Broken(sequence=sequence, why="cannot be found by the digests that it is about: the index was edited")
    extra = min(found, default=walk.entries + 1)
    return Broken(sequence=extra, why="is in the index only: the end was cut off, or the index was edited")


def _checkpoints(database: Database, walk: _Walk, witness: Entry | None) -> Broken | None:
    for checkpoint in [*walk.checkpoints, *([witness] if witness is not None else [])]:
        place = checkpoint.body.get("sequence")
        if not isinstance(place, int) or isinstance(place, bool):
            return Broken(sequence=checkpoint.sequence, why="is a checkpoint of nothing")
        said = f"the checkpoint of {checkpoint.written}"
        if (broken := _at(database, walk, place, checkpoint.subject, said)) is not None:
            return broken
    return None


def _pushed(database: Database, walk: _Walk, pushed: Entry | None) -> Broken | None:
    return None if pushed is None else _at(database, walk, pushed.sequence, pushed.digest, "the copy that was pushed")


def _at(database: Database, walk: _Walk, place: int, digest: str, said: str) -> Broken | None:
    """Hold the entry at ``place`` against the digest that it has according to what ``said`` names."""
    if place > walk.entries:
        return Broken(sequence=walk.entries + 1, why=f"is missing: {said} counts {place}, there are {walk.entries}")
    for (found,) in database.rows("SELECT digest FROM entries WHERE sequence = ?", (place,)):
        if found != digest:
            return Broken(sequence=place, why=f"was replaced: {said} knows another")
    return None
