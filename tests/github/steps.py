"""One step of the action without a runner around it, and the events that it runs for."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fake.server import FULL, Fake


def pull_request(repo: Any, number: int = 7, base: str = "main", head: str = "work") -> dict[str, Any]:
    """The event of a pull request that was opened."""
    sides = {side: {"sha": repo.git("rev-parse", ref), "ref": ref} for side, ref in (("head", head), ("base", base))}
    return {"action": "opened", "number": number, "pull_request": {"number": number} | sides}


def workflow_run(head: str, repository: str = FULL, **more: Any) -> dict[str, Any]:
    """The event that the guard runs for, after a pull request asked for an audit."""
    run = {"event": "pull_request", "head_sha": head, "head_branch": "work", "head_repository": {"full_name": repository}}
    return {"action": "completed", "workflow_run": run | more}


@dataclass
class Step:
    """What one step came to."""

    code: int
    log: str
    output: str
    summary: str
    room: Path

    def report(self) -> Any:
        return json.loads((self.room / "auditor-report" / "report.json").read_text(encoding="utf-8"))

    def given(self, name: str) -> str:
        """The output ``name``."""
        lines = self.output.splitlines()
        (start,) = [index for index, line in enumerate(lines) if line.startswith(f"{name}<<")]
        end = lines.index(lines[start].partition("<<")[2], start + 1)
        return "\n".join(lines[start + 1 : end])

    @property
    def obeyed(self) -> list[str]:
        """The lines that a runner would take for commands: those outside of a fence."""
        found, fence = [], None
        for line in self.log.splitlines():
            bare = line.strip()
            if fence is not None:
                fence = None if bare == f"::{fence}::" else fence
            elif bare.startswith("::stop-commands::"):
                fence = bare.removeprefix("::stop-commands::")
            elif bare.startswith("::") or "##[" in bare:
                found.append(bare)
        return found


@dataclass
class Runner:
    """A machine for one job: a folder of its own, and the variables that GitHub sets."""

    room: Path
    env: dict[str, str]
    fake: Fake | None = None
    variables: dict[str, str] = field(default_factory=dict)

    def __call__(self, workspace: Path, payload: Any, **inputs: str) -> Step:
        """Run one step."""
        self.room.mkdir(parents=True, exist_ok=True)
        event = self.room / "event.json"
        if payload is not None:
            event.write_text(payload if isinstance(payload, str) else json.dumps(payload), encoding="utf-8")
        files = {name: self.room / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for path in files.values():
            path.unlink(missing_ok=True)  # each step has files of its own
        env = self.env | {
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            "GITHUB_REPOSITORY": FULL,
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_RUN_ID": "5",
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_API_URL": self.fake.root if self.fake else "http://127.0.0.1:9",
            "RUNNER_TEMP": str(self.room),
            **{name: str(path) for name, path in files.items()},
            **self.variables,
        }
        env |= {f"AUDITOR_INPUT_{name.upper()}": value for name, value in inputs.items()}
        done = subprocess.run(
            [sys.executable, "-I", "-m", "auditor", "github", "step"],
            cwd=workspace, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr + done.stdout, done.stderr
        output, summary = (path.read_text(encoding="utf-8") if path.exists() else "" for path in files.values())
        return Step(done.returncode, done.stdout + done.stderr, output, summary, self.room)
