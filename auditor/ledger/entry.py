"""What an entry of the ledger is, as bytes: a statement that somebody made, and the link that ties it to its predecessor.

A *statement* says who wrote what about which digests, and when; it is what a key signs. A *link* gives it a place:

    {"previous":"sha256:...","sequence":7,"signature":"ed25519:...","statement":{...}}

in RFC 8785 form, without a newline. The digest of an entry is the SHA-256 of its link; the first entry's predecessor is
:data:`GENESIS`. A signature does not cover the place, so that statements of two clones can be brought into one order
without anybody's key; the chain covers the signature, so that nobody can take one away.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from auditor import __version__, digest
from auditor.errors import UsageError
from auditor.ledger.keys import PublicKey, SigningKey, key_of
from auditor.model.run import Json

SCHEMA = "auditor/ledger/v1"
PAYLOAD_TYPE = "application/vnd.auditor.ledger+json"
"""What a signature says that it signs (DSSE's pre-authentication encoding), so that it counts for nothing else."""

GENESIS = "sha256:" + 64 * "0"
"""The digest that the first entry names as its predecessor's."""

LARGEST = 4 << 20
"""Bytes of the largest statement: whatever is larger belongs in a file, and its digest here."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SIGNATURE = re.compile(rb"[a-z0-9-]+:[A-Za-z0-9+/]+={0,2}")


class Kind(StrEnum):
    """What an entry says."""

    VERDICT = "verdict"
    APPROVAL = "approval"
    ACCEPTANCE = "acceptance"
    WAIVER = "waiver"
    ATTESTATION = "attestation"
    REVOCATION = "revocation"
    REGISTRATION = "registration"
    PROMOTION = "promotion"
    ACCESS = "access"
    KEY = "key"
    CHECKPOINT = "checkpoint"
    CHALLENGE = "challenge"


_KINDS = frozenset(map(str, Kind))


def kind_of(word: str | None) -> Kind | None:
    """The kind that ``word`` names, None for none.

    Raises:
        UsageError: it names none.
    """
    if word is not None and word not in _KINDS:
        raise UsageError(f"there is no kind of entry called {word!r}", hint=f"kinds: {', '.join(sorted(_KINDS))}")
    return None if word is None else Kind(word)


class Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody wrote down. Field names are the keys of the JSON; ``key`` is an OpenSSH public key, None: unsigned."""

    actor: str
    body: dict[str, Json]
    key: str | None
    kind: str
    schema: str
    subjects: tuple[str, ...]
    tool: str
    written: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry, as read from a ledger: its content has its digest, but nothing is said about signature and neighbours.

    ``subjects`` are all digests that it is about, the main one first; ``written`` is what the writer's clock said (RFC
    3339, UTC); ``actor`` is how the writer calls itself, which only a signature proves.
    """

    sequence: int
    kind: Kind
    subjects: tuple[str, ...]
    written: str
    actor: str
    body: dict[str, Json]
    previous: str
    digest: str
    signature: str | None
    key: str | None
    statement: bytes = field(repr=False)

    @property
    def subject(self) -> str:
        """The digest that the entry is mainly about."""
        return self.subjects[0]

    @property
    def said(self) -> str:
        """The digest of the statement: what to revoke it by, since it stays the same wherever the entry stands."""
        return digest.of_bytes(self.statement)

    @property
    def when(self) -> dt.datetime:
        """``written`` as a time."""
        return dt.datetime.fromisoformat(self.written)

    @property
    def keyid(self) -> str | None:
        """The digest of the key that the entry says it was signed with; None for an unsigned one."""
        return None if self.key is None else PublicKey(self.key).keyid

    @property
    def link(self) -> bytes:
        """The bytes that the digest covers: one line of an export."""
        return link(self.previous, self.sequence, self.signature, self.statement)

    def is_signed(self) -> bool:
        """Whether the signature is that of the key named in the entry. Whose key it is, the policy knows."""
        return signature_fault(self.key, self.signature, self.statement) is None


@dataclass(frozen=True, slots=True)
class Draft:
    """A statement on its way into a ledger, signed where there is a key. ``kind`` and ``subjects`` are read from it."""

    statement: bytes
    signature: str | None
    kind: str
    subjects: tuple[str, ...]


def draft(  # noqa: PLR0913  (what a statement says, each named)
    kind: Kind,
    *,
    subjects: Sequence[str],
    body: dict[str, Json],
    key: SigningKey | None = None,
    actor: str | None = None,
    written: dt.datetime | None = None,
) -> Draft:
    """A statement made now, signed when there is a ``key``.

    Raises:
        UsageError: a subject is no digest, or the body has no canonical form or is too large.
    """
    if not subjects or not all(_DIGEST.fullmatch(subject) for subject in subjects):
        raise UsageError(f"{', '.join(subjects) or 'nothing'} is no digest", hint="write sha256: and 64 hexadecimal digits")
    distinct = list(dict.fromkeys(subjects))
    said = {
        "actor": actor or (key.public.keyid if key is not None else "unsigned"),
        "body": body,
        "key": key.public.text if key is not None else None,
        "kind": str(kind),
        "schema": SCHEMA,
        "subjects": distinct,
        "tool": __version__,
        "written": spelled(written or dt.datetime.now(tz=dt.UTC)),
    }
    try:
        statement = digest.canonical_bytes(said)
    except ValueError as error:
        raise UsageError(f"the {kind} cannot be written down: {error}") from None
    if len(statement) > LARGEST:
        raise UsageError(f"the {kind} has {len(statement)} bytes, more than the {LARGEST} that a ledger takes")
    signature = key.sign(envelope(statement)) if key is not None else None
    return Draft(statement, signature, str(kind), tuple(distinct))


def spelled(when: dt.datetime) -> str:
    """A time as entries write it: RFC 3339, UTC, microseconds."""
    return when.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def envelope(statement: bytes) -> bytes:
    """What is signed: the statement in DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %b %d %b" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(statement), statement)


def link(previous: str, sequence: int, signature: str | None, statement: bytes) -> bytes:
    """The bytes of an entry. The statement is canonical already, so the whole is."""
    signed = b"null" if signature is None else b'"%b"' % signature.encode()
    return b'{"previous":"%b","sequence":%d,"signature":%b,"statement":%b}' % (
        previous.encode(), sequence, signed, statement,
    )  # fmt: skip


def link_digest(previous: str, sequence: int, signature: str | None, statement: bytes) -> str:
    """The digest of an entry."""
    return f"sha256:{hashlib.sha256(link(previous, sequence, signature, statement)).hexdigest()}"


def signature_fault(key: str | None, signature: str | None, statement: bytes) -> str | None:
    """Why a statement is not signed as it says, in words; None when it is, or when it says that it is unsigned."""
    if key is None:
        return None if signature is None else "carries a signature of no key"
    if signature is None:
        return "says that it is signed, but has no signature"
    if not _SIGNATURE.fullmatch(signature.encode(errors="replace")):
        return "has a signature that is none"
    return None if key_of(key).verifies(envelope(statement), signature) else "is not signed by the key that it names"


def raw(column: bytes | str) -> bytes:
    """A statement as a database gave it: whoever edited one may have left text where bytes were."""
    return column.encode() if isinstance(column, str) else bytes(column)


_DECODE = msgspec.json.Decoder(Statement)


def parse(statement: bytes) -> Statement:
    """A statement that was read from somewhere.

    Raises:
        ValueError: it is none, with the reason in words.
    """
    if len(statement) > LARGEST:
        raise ValueError(f"has {len(statement)} bytes, more than the {LARGEST} of the largest")
    try:
        said = _DECODE.decode(statement)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"is no statement: {error}") from None
    if said.schema != SCHEMA:
        raise ValueError(f"is of the schema {said.schema!r}, which this version does not know")
    if said.kind not in _KINDS:
        raise ValueError(f"is of the kind {said.kind!r}, which this version does not know")
    if not said.subjects or not all(_DIGEST.fullmatch(subject) for subject in said.subjects):
        raise ValueError("is about something that is no digest")
    return said


def entry(sequence: int, previous: str, digest_: str, signature: str | None, statement: bytes) -> Entry:
    """The entry that these columns hold.

    Raises:
        ValueError: they hold none, or one with another digest; the reason in words.
    """
    if link_digest(previous, sequence, signature, statement) != digest_:
        raise ValueError("has another digest than was written down: it was edited")
    said = parse(statement)
    return Entry(
        sequence=sequence,
        kind=Kind(said.kind),
        subjects=said.subjects,
        written=said.written,
        actor=said.actor,
        body=said.body,
        previous=previous,
        digest=digest_,
        signature=signature,
        key=said.key,
        statement=statement,
    )
