"""Loads a policy from bytes or from a commit, and says exactly where an invalid one is wrong."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from auditor.errors import PolicyError, UnreadableError
from auditor.git import Repository
from auditor.manifest.reader import Document, read
from auditor.manifest.validate import Violation, violations
from auditor.model.finding import Finding
from auditor.model.policy import Policy

FILE = "auditor.yaml"
"""Where a repository keeps its policy."""

TEMPLATE = Path(__file__).with_name("template.yaml")
"""The built-in policy as `auditor init` writes it. A test holds it equal to the defaults of :class:`Policy`."""

BUILT_IN = "built-in"
"""The source of the policy that judges when a commit has none."""

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]{1,9})([smhd])")
_GATES = ("merge", "deploy", "history")


class InvalidPolicyError(PolicyError):
    """A document that is no valid policy: the message names every violation as ``file:line:column: words``.

    ``findings`` say the same, for a report.
    """

    def __init__(self, violated: Sequence[tuple[Finding, int | None]]) -> None:
        super().__init__("\n".join(_line(*one) for one in violated), hint=violated[0][0].fix)
        self.findings = tuple(finding for finding, _ in violated)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedPolicy:
    """A valid policy with the defaults filled in.

    ``digest`` covers the canonical form of the document as it was written, so that neither comments nor key order matter;
    ``document`` is None for the built-in policy.
    """

    policy: Policy
    digest: str
    source: str
    document: Document | None = None

    def line(self, pointer: str) -> int | None:
        """The line (from 1) of the entry at ``pointer``, or of what would hold it; None for the built-in policy."""
        place = self.document.place(pointer) if self.document is not None else None
        return place[0] if place is not None else None


def load(raw: bytes | None, *, source: str) -> LoadedPolicy:
    """The policy written in ``raw``; the built-in one for None.

    Raises:
        InvalidPolicyError: it cannot be read, or some entry is not allowed; every violation is named with its place.
    """
    # 1. No policy at all is the built-in one.
    if raw is None:
        return LoadedPolicy(policy=Policy(), digest=read(TEMPLATE.read_bytes(), source=BUILT_IN).digest, source=BUILT_IN)
    # 2. Read, then let the schema and what a pattern cannot say explain every violation.
    try:
        document = read(raw, source=source)
    except UnreadableError as error:
        raise InvalidPolicyError([_unreadable(error)]) from error
    found = violations(document.value, "policy") or list(_impossible_days(document.value))
    if found:
        raise InvalidPolicyError([_finding(violation, document) for violation in found])
    # 3. Only a valid document gets the defaults.
    try:
        policy = msgspec.convert(_with_defaults(document.value), Policy)
        return LoadedPolicy(policy=policy, digest=document.digest, source=source, document=document)
    except (msgspec.ValidationError, ValueError) as error:
        violation = Violation(pointer="", message=str(error), fix="write the entry as `auditor init` does")
        raise InvalidPolicyError([_finding(violation, document)]) from error


def read_at(repository: Repository, commit: str) -> LoadedPolicy:
    """The policy in ``auditor.yaml`` at ``commit``; the built-in one when that commit has no such file.

    Raises:
        PolicyError: something other than a regular file stands there, or it is invalid.
        GitError: the commit is not here.
    """
    listed = repository.run("ls-tree", "-z", "--full-tree", commit, "--", FILE)
    if not listed:
        return load(None, source=FILE)
    mode = listed.split(b" ", 1)[0]
    if mode not in {b"100644", b"100755"}:
        kind = {b"120000": "a symbolic link", b"040000": "a directory", b"160000": "a submodule"}.get(
            mode, "no regular file"
        )
        raise PolicyError(
            f"{FILE} is {kind} at {commit[:12]}: a policy is a regular file", hint=f"commit the policy itself as {FILE}"
        )
    raw = repository.read(commit, FILE)
    if raw is None:
        raise PolicyError(f"{FILE} at {commit[:12]} cannot be read", hint="fetch the missing objects: git fetch --refetch")
    return load(raw, source=FILE)


def duration(text: str) -> int:
    """Seconds in a duration such as ``90s``, ``10m``, ``2h`` or ``30d``.

    Raises:
        PolicyError: the text is no duration.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise PolicyError(f"{text!r} is no duration", hint="write a whole number and s, m, h or d: 10m")
    return int(match[1]) * _SECONDS[match[2]]


def _built_in() -> dict[str, Any]:
    value = msgspec.to_builtins(Policy())
    assert isinstance(value, dict)  # noqa: S101  (a struct becomes a dict)
    return value


def _with_defaults(value: dict[str, Any]) -> dict[str, Any]:
    """The document with every key that it leaves out of a gate or of the tolerances taken from the built-in policy.

    A struct's own defaults would not do: those of ``Gate`` are not those of the *merge* gate.
    """
    default = _built_in()
    gates = value.get("gates", {})
    tolerances = value.get("tolerances", {})
    filled = {**default["tolerances"], **tolerances}
    for table in ("metrics", "tensors"):
        filled[table] = {**default["tolerances"][table], **tolerances.get(table, {})}
    return value | {
        "gates": {name: {**default["gates"][name], **gates.get(name, {})} for name in _GATES},
        "tolerances": filled,
    }


def _impossible_days(value: dict[str, Any]) -> Iterator[Violation]:
    """Days that a pattern takes for one although no calendar has them."""
    for index, waiver in enumerate(value.get("waivers", [])):
        try:
            dt.date.fromisoformat(waiver["until"])
        except ValueError:
            pointer, day = f"/waivers/{index}/until", waiver["until"]
            yield Violation(pointer=pointer, message=f"{day!r} is no day", fix="write a day that exists, as YYYY-MM-DD")


def _finding(violation: Violation, document: Document) -> tuple[Finding, int | None]:
    line, column = document.place(violation.pointer) or (None, None)
    where = f"{violation.pointer}: " if violation.pointer else ""
    finding = Finding(
        message=f"{where}{violation.message}",
        fix=violation.fix,
        pointer=violation.pointer,
        file=document.source,
        line=line,
    )
    return finding, column


def _unreadable(error: UnreadableError) -> tuple[Finding, int | None]:
    fix = error.hint or "repair the file, or start again from `auditor init --force`"
    return Finding(message=error.message, fix=fix, file=error.source, line=error.line), error.column


def _line(finding: Finding, column: int | None) -> str:
    place = ":".join(str(part) for part in (finding.file, finding.line, column) if part is not None)
    return f"{place}: {finding.message}"
