"""The inputs of the action, as ``action.yml`` passes them: by environment variable, and checked before anything is done."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from auditor.errors import UsageError

PREFIX: Final = "AUDITOR_INPUT_"

Part = Literal["gate", "plan", "execute", "judge", "keep"]
GateName = Literal["merge", "deploy", "history"]
Post = Literal["check", "status", "comment", "code-scanning", "deployment", "issues"]

ABOUT_A_CHANGE: Final[tuple[Post, ...]] = ("check", "status", "comment", "code-scanning")
"""What is posted on a pull request; nothing else has a place for it."""

_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./@^~-]{0,254}")
_MOST_PATTERNS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What the workflow asks of the step. Refs are None where they come from the event."""

    part: Part = "gate"
    gate: GateName = "merge"
    post: tuple[Post, ...] = ()
    base: str | None = None
    head: str | None = None
    manifests: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()
    token: str = field(default="", repr=False)
    plan: str = ""
    executed: str = ""
    evidence: str = ""
    deployment: int | None = None
    environment_url: str = ""
    budget: str | None = None


def read(environment: Mapping[str, str]) -> Inputs:
    """The inputs in ``environment``.

    Raises:
        UsageError: one of them is not allowed.
    """
    given = {name.removeprefix(PREFIX).lower(): value for name, value in environment.items() if name.startswith(PREFIX)}
    token = given.pop("token", "").strip()
    post = tuple(dict.fromkeys(given.get("post", "").replace(",", " ").split()))
    if post and not token:
        raise UsageError("post: nothing can be posted without a token", hint="with: {token: ${{ github.token }}}")
    return Inputs(
        part=_as(Part, "part", given.get("part") or "gate"),
        gate=_as(GateName, "gate", given.get("gate") or "merge"),
        post=_as(tuple[Post, ...], "post", post),
        base=_ref(given, "base"),
        head=_ref(given, "head"),
        manifests=_lines(given, "manifests"),
        artifacts=_lines(given, "artifacts"),
        token=token,
        plan=given.get("plan", ""),
        executed=given.get("executed", ""),
        evidence=given.get("evidence", ""),
        deployment=_deployment(given),
        environment_url=given.get("environment_url", "").strip(),
        budget=given.get("budget", "").strip() or None,
    )


def _as(kind: Any, name: str, value: object) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        raise UsageError(f"{name}: {str(value)[:100]!r} is not allowed", hint="see the inputs in action.yml") from None


def _ref(given: Mapping[str, str], name: str) -> str | None:
    value = given.get(name, "").strip()
    if value and (not _REF.fullmatch(value) or ".." in value):
        raise UsageError(f"{name}: {value[:100]!r} is no ref", hint="a branch, a tag or a commit")
    return value or None


def _lines(given: Mapping[str, str], name: str) -> tuple[str, ...]:
    lines = tuple(filter(None, (line.strip() for line in given.get(name, "").splitlines())))
    if len(lines) > _MOST_PATTERNS:
        raise UsageError(f"{name}: more than {_MOST_PATTERNS} lines")
    if strange := [line for line in lines if line.startswith("-") or "\0" in line]:
        raise UsageError(f"{name}: {strange[0][:100]!r} is no path or pattern")
    return lines


def _deployment(given: Mapping[str, str]) -> int | None:
    value = given.get("deployment", "").strip()
    if value and not re.fullmatch(r"[0-9]{1,18}", value):
        raise UsageError(f"deployment: {value[:40]!r} is no number")
    return int(value) if value else None
