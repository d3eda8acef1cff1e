"""What a runner of GitHub Actions gives a step, and takes from it: variables, files, and lines that it obeys."""

from __future__ import annotations

import os
import re
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from auditor.errors import UndecidableError, UsageError
from auditor.integrations.github import PUBLIC
from auditor.render.text import plain

if TYPE_CHECKING:
    from auditor.integrations.github.hub import Hub

SUMMARY_LIMIT: Final = 1 << 20
"""Bytes that a step summary may have."""

_KEPT_FROM_CHILDREN: Final = ("ACTIONS_", "GITHUB_", "INPUT_", "AUDITOR_INPUT_")
_NUMBER = re.compile(r"[0-9]{1,20}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """The runner's side of a step.

    ``token`` is empty where nothing is to be posted. ``attempt`` is the workflow's run and attempt number, which only grow.
    """

    repository: str
    event: Path
    temp: Path
    api: str
    server: str
    attempt: tuple[int, int]
    token: str = field(default="", repr=False)
    outputs: Path | None = None
    summary: Path | None = None

    @classmethod
    def here(cls, environment: Mapping[str, str], token: str = "") -> Runner:
        """The runner that this process is a step of.

        Raises:
            UsageError: this is no step of GitHub Actions.
        """
        if environment.get("GITHUB_ACTIONS") != "true":
            raise UsageError(
                "this is no step of GitHub Actions", hint="elsewhere, `auditor gate merge` does the same and posts nothing"
            )
        missing = [name for name in ("GITHUB_REPOSITORY", "GITHUB_EVENT_PATH", "RUNNER_TEMP") if not environment.get(name)]
        if missing:
            raise UsageError(f"the runner gave no {', no '.join(missing)}")
        return cls(
            repository=environment["GITHUB_REPOSITORY"],
            event=Path(environment["GITHUB_EVENT_PATH"]),
            temp=Path(environment["RUNNER_TEMP"]),
            api=environment.get("GITHUB_API_URL") or PUBLIC,
            server=environment.get("GITHUB_SERVER_URL") or "https://github.com",
            attempt=(_number(environment, "GITHUB_RUN_ID"), _number(environment, "GITHUB_RUN_ATTEMPT")),
            token=token,
            outputs=_file(environment, "GITHUB_OUTPUT"),
            summary=_file(environment, "GITHUB_STEP_SUMMARY"),
        )

    @property
    def details(self) -> str:
        """The page of this workflow run."""
        return f"{self.server}/{self.repository}/actions/runs/{self.attempt[0]}"

    def hub(self) -> Hub:
        """The repository on GitHub.

        Raises:
            UndecidableError: there is no token.
        """
        if not self.token:
            raise UndecidableError("there is no token to ask GitHub with", hint="with: {token: ${{ github.token }}}")
        from auditor.integrations.github.hub import Hub  # noqa: PLC0415  (only what speaks to GitHub loads that)

        return Hub(self.repository, self.token, api=self.api)

    def give(self, **values: str) -> None:
        """Set outputs of the step. No value can end its own entry: each is fenced with a random word."""
        if self.outputs is None:
            return
        with self.outputs.open("a", encoding="utf-8") as stream:
            for name, value in values.items():
                end = f"end-{secrets.token_hex(16)}"
                stream.write(f"{name.replace('_', '-')}<<{end}\n{plain(value)}\n{end}\n")

    def summarise(self, markdown: str) -> None:
        """Append to the step's summary; what does not fit is left out, and said."""
        if self.summary is None:
            return
        text = plain(markdown)
        if len(text.encode()) > SUMMARY_LIMIT - 1000:
            text = "The report is too long for a summary; it is among the files of this run."
        with self.summary.open("a", encoding="utf-8") as stream:
            stream.write(f"{text}\n")


def hide(value: str) -> None:
    """Have the runner mask ``value`` in everything that is printed from now on."""
    for line in filter(None, (part.strip() for part in value.splitlines())):
        _print(f"::add-mask::{line}")


@contextmanager
def fenced() -> Iterator[None]:
    """Let nothing that is printed inside be taken for a workflow command, whoever wrote it."""
    word = secrets.token_hex(20)
    _print(f"::stop-commands::{word}")
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        _print(f"::{word}::")


def forget() -> None:
    """Take from this process's environment what no child of it needs to know: tokens, inputs, the runner's own addresses."""
    for name in list(os.environ):
        if name.startswith(_KEPT_FROM_CHILDREN) and name not in _NEEDED:
            del os.environ[name]


_NEEDED: Final = frozenset(
    {"GITHUB_ACTIONS", "GITHUB_EVENT_PATH", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"}
)
"""What the gate itself reads: which event, and what evidence is bound to."""


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _number(environment: Mapping[str, str], name: str) -> int:
    text = environment.get(name, "")
    return int(text) if _NUMBER.fullmatch(text) else 0


def _file(environment: Mapping[str, str], name: str) -> Path | None:
    return Path(environment[name]) if environment.get(name) else None
