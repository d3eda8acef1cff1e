"""Keeps a ledger on the orphan branch ``auditor-ledger``, for teams without a database server.

Files ``entries/<first sequence>.jsonl`` hold :data:`SEGMENT` entries each, one canonical line an entry. The branch only ever
moves forward. Where two clones wrote at once, the one that comes second puts its own entries behind the other's: what they
say and their signatures stay, only their places change, and nobody had seen those yet.
"""

from __future__ import annotations

import io
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from auditor.errors import BrokenLedgerError, LedgerError
from auditor.git import GitError, Repository
from auditor.ledger.entry import GENESIS, Entry, Kind
from auditor.ledger.keys import SigningKey
from auditor.ledger.ledger import Ledger
from auditor.ledger.transfer import as_draft, lines, read_lines

BRANCH: Final = "auditor-ledger"
SEGMENT: Final = 1000
_FOLDER: Final = "entries"
_ATTEMPTS: Final = 12
_NOBODY: Final = ("-c", "user.name=auditor", "-c", "user.email=auditor@localhost")
"""Commits of the branch have no author of their own: who said what is in the entries, signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What came of bringing two ledgers together.

    ``received`` entries are new here, ``moved`` ones of our own stand further back now, and ``withdrawn`` checkpoints were
    about places that no longer are. ``sent`` entries are new there.
    """

    received: int = 0
    moved: int = 0
    withdrawn: int = 0
    sent: int = 0


def pull(ledger: Ledger, repository: Repository, remote: str) -> Merged:
    """Take over what ``remote``'s branch has and ``ledger`` has not.

    Raises:
        BrokenLedgerError: the branch is broken, or no longer continues what it was. LedgerError: it cannot be reached.
    """
    tip = _fetched(repository, remote)
    return Merged() if tip is None else _merged(ledger, repository, tip)


def push(ledger: Ledger, repository: Repository, remote: str, key: SigningKey | None = None) -> Merged:
    """Bring both together, and ``remote``'s branch forward; with a ``key``, end with a checkpoint.

    Raises:
        BrokenLedgerError: the branch is broken, or no longer continues what it was. LedgerError: it cannot be written.
    """
    received = moved = withdrawn = 0
    for attempt in range(_ATTEMPTS):
        tip = _fetched(repository, remote)
        if tip is not None:
            done = _merged(ledger, repository, tip)
            received, moved, withdrawn = received + done.received, moved + done.moved, withdrawn + done.withdrawn
        before = _last(repository, tip)
        count = before.sequence if before is not None else 0
        if ledger.head[0] == count:
            return Merged(received=received, moved=moved, withdrawn=withdrawn)
        if key is not None and not attempt:
            ledger.checkpoint(key)
        new = _commit(ledger, repository, tip, count)
        if _pushed(repository, remote, new):
            return Merged(received=received, moved=moved, withdrawn=withdrawn, sent=ledger.head[0] - count)
        time.sleep(random.uniform(0, 0.1 * (attempt + 1)))  # noqa: S311  (so that two clones do not meet again)
    raise LedgerError(f"{remote} moved on {_ATTEMPTS} times in a row", hint="try again")


def last_pushed(repository: Repository, remote: str = "origin") -> Entry | None:
    """The last entry that this clone knows to be on ``remote``'s branch: a witness that lies elsewhere.

    Raises:
        BrokenLedgerError: the branch is broken.
    """
    return _last(repository, repository.commit(_tracked(remote)))


def _tracked(remote: str) -> str:
    # A ref of our own: `git fetch` forces refs/remotes/ to whatever the remote has, and what was seen would be forgotten.
    return f"refs/auditor/ledger/{remote}"


def _fetched(repository: Repository, remote: str) -> str | None:
    """The tip of the remote's branch; None when there is none yet."""
    known = repository.commit(_tracked(remote))
    try:
        listed = repository.run("ls-remote", "--", remote, f"refs/heads/{BRANCH}")
        if not listed.strip():
            if known is not None:
                raise BrokenLedgerError(f"{remote} has no branch {BRANCH} any more, and it had one")
            return None
        fetched = f"refs/auditor/fetched/{remote}"
        repository.run("fetch", "--quiet", "--no-tags", "--refmap=", remote, f"+refs/heads/{BRANCH}:{fetched}")
    except GitError as error:
        raise LedgerError(f"the ledger of {remote} cannot be fetched: {error.message}") from None
    tip = repository.commit(fetched)
    if tip is None or (known is not None and not repository.is_ancestor(known, tip)):
        raise BrokenLedgerError(
            f"the branch {BRANCH} of {remote} was rewritten: it no longer continues what this clone has seen of it"
        )
    repository.run("update-ref", _tracked(remote), tip)
    return tip


def _merged(ledger: Ledger, repository: Repository, tip: str) -> Merged:
    """Bring the ledger and the commit ``tip`` together: theirs first, then what only we have."""
    head = ledger.head
    theirs = _entries(repository, tip)
    common, first = 0, None
    own = ledger.entries()
    for found in theirs:
        mine = next(own, None)
        if mine is None or mine.digest != found.digest:
            first = found
            break
        common = found.sequence
    if first is None:
        return Merged()
    news = [first, *theirs]
    said = {found.statement for found in news}
    ours = [mine for mine in ledger.entries(after=common) if mine.statement not in said]
    kept = [mine for mine in ours if mine.kind is not Kind.CHECKPOINT]
    ledger.replace_tail(common, [as_draft(one) for one in (*news, *kept)], onto=head)
    return Merged(received=len(news), moved=len(kept), withdrawn=len(ours) - len(kept))


def _entries(repository: Repository, tip: str) -> Iterator[Entry]:
    """The whole chain of a commit, verified line by line."""
    before: Entry | None = None
    for path in _segments(repository, tip):
        for found in read_lines(io.BytesIO(repository.read(tip, path) or b""), f"{BRANCH}:{path}"):
            follows = (GENESIS, 1) if before is None else (before.digest, before.sequence + 1)
            if (found.previous, found.sequence) != follows:
                raise BrokenLedgerError(f"{BRANCH}:{path}: entry {found.sequence} does not follow the one before it")
            yield found
            before = found


def _last(repository: Repository, tip: str | None) -> Entry | None:
    segments = _segments(repository, tip) if tip is not None else []
    if tip is None or not segments:
        return None
    found = None
    for found in read_lines(io.BytesIO(repository.read(tip, segments[-1]) or b""), f"{BRANCH}:{segments[-1]}"):  # noqa: B007
        pass
    return found


def _segments(repository: Repository, tip: str) -> list[str]:
    return sorted(path for path in repository.entries(tip) if path.startswith(f"{_FOLDER}/") and path.endswith(".jsonl"))


def _commit(ledger: Ledger, repository: Repository, tip: str | None, count: int) -> str:
    """A commit that follows ``tip`` and has every entry; ``count`` are there already. Only what is new is written."""
    whole = count // SEGMENT
    existing = repository.entries(tip) if tip is not None else {}
    blobs = {path: existing[path].sha for path in sorted(existing) if path.startswith(f"{_FOLDER}/")}
    entries = ledger.entries(after=whole * SEGMENT)
    start = whole * SEGMENT + 1
    while block := list(islice(entries, SEGMENT)):
        sha = repository.run("hash-object", "-w", "--stdin", stdin=b"".join(lines(block))).decode().strip()
        blobs[f"{_FOLDER}/{start:012d}.jsonl"] = sha
        start += SEGMENT
    listing = "".join(f"100644 blob {sha}\t{path.removeprefix(f'{_FOLDER}/')}\n" for path, sha in sorted(blobs.items()))
    folder = repository.run("mktree", stdin=listing.encode()).decode().strip()
    tree = repository.run("mktree", stdin=f"040000 tree {folder}\t{_FOLDER}\n".encode()).decode().strip()
    parent = ("-p", tip) if tip is not None else ()
    message = f"Entries up to {ledger.head[0]}"
    return repository.run(*_NOBODY, "commit-tree", tree, *parent, "-m", message).decode().strip()


def _pushed(repository: Repository, remote: str, commit: str) -> bool:
    """Whether the remote took the commit; it does not when somebody else was faster.

    Raises:
        LedgerError: it refused for another reason.
    """
    try:
        repository.run("push", "--quiet", "--no-verify", remote, f"{commit}:refs/heads/{BRANCH}")
    except GitError as error:
        words = str(error)
        if any(sign in words for sign in ("fetch first", "non-fast-forward", "cannot lock ref", "failed to update ref")):
            return False
        raise LedgerError(f"{remote} does not take the ledger: {error.message}", hint="may you push there?") from None
    repository.run("update-ref", _tracked(remote), commit)
    return True
