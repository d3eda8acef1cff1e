"""Entries of the ledger, and what verifying them showed, for people at a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from auditor.ledger.branch import Merged
from auditor.ledger.chain import Verified
from auditor.ledger.entry import Entry
from auditor.policy.identity import People
from auditor.render.text import visible, visible_lines

_SHORT = len("sha256:") + 12


def log(entries: Iterable[Entry], people: People) -> Iterator[str]:
    """One line an entry: place, time, kind, subject, by whom, and its gist."""
    for entry in entries:
        gist = next((str(entry.body[key]) for key in ("verdict", "reason", "item", "name") if entry.body.get(key)), "")
        about = str(entry.body.get("check") or entry.body.get("gate") or "")
        words = (
            f"{entry.sequence:>6}  {entry.written[:19]}Z  {entry.kind:<12}  {entry.subject[:_SHORT]}  {by(entry, people)}"
        )
        yield visible(f"{words}  {about} {gist}".rstrip())


def show(entry: Entry, people: People) -> str:
    """All of one entry."""
    rows = {
        "entry": str(entry.sequence),
        "kind": str(entry.kind),
        "written": entry.written,
        "by": by(entry, people),
        "key": entry.keyid or "none",
        "subjects": ", ".join(entry.subjects),
        "previous": entry.previous,
        "digest": entry.digest,
        "statement": entry.said,
    }
    lines = [f"{name:<10} {value}" for name, value in rows.items()]
    return visible_lines("\n".join([*lines, json.dumps(entry.body, indent=2, ensure_ascii=False)]))


def by(entry: Entry, people: People) -> str:
    """Who wrote an entry, as far as a signature proves it; ``[...]`` is only what it says of itself."""
    person = people.signer(entry)
    if person is not None:
        return person
    return f"[{entry.actor}, unsigned]" if entry.key is None else f"[{entry.keyid}, unknown]"


def verified(found: Verified, name: str) -> str:
    """What verification showed, its conclusion last."""
    lines = list(found.remarks[:20])
    if len(found.remarks) > len(lines):
        lines.append(f"and {len(found.remarks) - len(lines)} more remarks")
    lines += [f"signed     {count} by {keyid}" for keyid, count in sorted(found.keys.items())]
    if found.unsigned:
        lines.append(f"unsigned   {found.unsigned}: anybody who can write to the ledger could have written them")
    checkpoint = found.checkpoint
    if checkpoint is not None:
        lines.append(f"checkpoint {checkpoint.written}, {checkpoint.body.get('sequence')} entries, by {checkpoint.keyid}")
    else:
        lines.append("checkpoint none that counts: an end that was cut off would not show")
    lines.append(f"head       {found.head}")
    if found.broken is not None:
        lines.append(f"BROKEN     {name}: {found.broken}")
    else:
        state = "unsigned" if not found.signed else "signed" if not found.unsigned else "partly signed"
        lines.append(f"verified   {found.entries} entries, {state}")
    return visible_lines("\n".join(lines))


def merged(done: Merged) -> str:
    """What came of pushing or pulling, on one line."""
    parts = [f"{done.sent} sent", f"{done.received} received"]
    if done.moved:
        parts.append(f"{done.moved} of our own follow them")
    if done.withdrawn:
        parts.append(f"{done.withdrawn} checkpoints withdrawn (their place is another now); make a new one")
    return ", ".join(parts)
