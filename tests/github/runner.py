"""Runs workflows with ``act``, in place of GitHub's runner: the real action.yml, as somebody else's workflow uses it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fake.server import FULL, TOKEN, Fake

ROOT = Path(__file__).resolve().parents[2]
ACTION = "octo/auditor"
SHIPPED = ("action.yml", "requirements.lock", "pyproject.toml", "auditor", "checks", "schemas")
STUBS = {
    # Where the real one installs a Python, this one puts the auditor's dependencies where action.yml would install them.
    "actions/setup-python": """
        - shell: bash
          run: cp -rs "$AUDITOR_TEST_ROOM" "$RUNNER_TEMP/auditor"
    """,
    "actions/upload-artifact": """
        - shell: bash
          env: {FROM: "${{ inputs.path }}", NAME: "${{ inputs.name }}"}
          run: mkdir -p "$AUDITOR_TEST_ARTIFACTS/$NAME" && cp -r "$FROM/." "$AUDITOR_TEST_ARTIFACTS/$NAME"
    """,
    "actions/cache/restore": """
        - shell: bash
          env: {TO: "${{ inputs.path }}"}
          run: test ! -d "$AUDITOR_TEST_ARTIFACTS/cache" || cp -r "$AUDITOR_TEST_ARTIFACTS/cache" "$TO"
    """,
    "actions/cache/save": """
        - shell: bash
          env: {FROM: "${{ inputs.path }}"}
          run: rm -rf "$AUDITOR_TEST_ARTIFACTS/cache" && cp -r "$FROM" "$AUDITOR_TEST_ARTIFACTS/cache"
    """,
    "actions/download-artifact": """
        - shell: bash
          env: {TO: "${{ inputs.path }}", NAME: "${{ inputs.name }}"}
          run: mkdir -p "$TO" && cp -r "$AUDITOR_TEST_ARTIFACTS/$NAME/." "$TO"
    """,
}
"""Foreign actions cannot be fetched here; these do the same to folders of the test."""


@dataclass(frozen=True, repr=False)
class Ran:
    """What one run of a workflow came to."""

    code: int
    lines: list[dict[str, Any]]
    stderr: str
    artifacts: Path

    def __repr__(self) -> str:
        return f"act ended with {self.code}\n{self.log}\n{self.stderr}"

    @property
    def log(self) -> str:
        """All that was printed."""
        return "\n".join(str(line.get("raw", line.get("msg", ""))).rstrip("\n") for line in self.lines)

    @property
    def summary(self) -> str:
        """The step summaries."""
        return "\n".join(str(line.get("content", "")) for line in self.lines if line.get("command") == "summary")

    def outputs(self, step: str) -> dict[str, str]:
        """The outputs of the step with this id, in whatever job."""
        found = {}
        for line in self.lines:
            if line.get("command") == "set-output" and (line.get("stepID") or [""])[0] == step:
                found[str(line["name"])] = str(line.get("arg", ""))
        return found

    @property
    def commands(self) -> list[str]:
        """The workflow commands that the runner obeyed."""
        own = {"summary", "set-output", "stop-commands", "ignored", "add-mask"}
        named = [line for line in self.lines if line.get("command") not in {None, *own}]
        fences = {line["arg"] for line in self.lines if line.get("command") == "stop-commands"}
        return [f"{line['command']}: {line.get('arg', '')}" for line in named if line["command"] not in fences]

    def jobs(self) -> dict[str, str]:
        """How each job ended."""
        return {line["jobID"]: line["jobResult"] for line in self.lines if "jobResult" in line}


@dataclass
class Act:
    """A machine that runs workflows: the action, the dependencies that it would install, and stand-ins for foreign ones."""

    folder: Path
    env: dict[str, str]
    sha: str = ""
    stubs: dict[str, Path] = field(default_factory=dict)

    def prepare(self) -> Act:
        """Lay out what all runs share."""
        action = self.folder / "action"
        action.mkdir(parents=True)
        for name in SHIPPED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, action / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, action / name)
        self.sha = self._commit(action)
        for name, steps in STUBS.items():
            owner, repository, *below = name.split("/")
            stub = self.stubs.setdefault(f"{owner}/{repository}", self.folder / f"{owner}-{repository}")
            folder = stub.joinpath(*below)
            folder.mkdir(parents=True)
            given = "name: stub\ndescription: stub\ninputs: {name: {description: x}, path: {description: x}}\n"
            (folder / "action.yml").write_text(f"{given}runs:\n  using: composite\n  steps:{steps}", encoding="utf-8")
        for stub in self.stubs.values():
            self._commit(stub)
        self._room()
        # The runner's own machine lets everybody become root; what is run so here needs nothing of the kind.
        sudo = self.folder / "bin" / "sudo"
        sudo.parent.mkdir()
        sudo.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
        sudo.chmod(0o755)
        return self

    def _room(self) -> None:
        """An environment with the dependencies of this one, and without the auditor: that comes from the action."""
        room = self.folder / "room"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", room], check=True)
        (purelib,) = (room / "lib").glob("python*/site-packages")
        packages = [entry for entry in sys.path if Path(entry).name in {"site-packages", "dist-packages"}]
        (purelib / "dependencies.pth").write_text("\n".join(packages) + "\n", encoding="utf-8")
        shutil.copy(ROOT / "requirements.lock", room)

    def _commit(self, folder: Path) -> str:
        for arguments in (("init", "-q", "-b", "main"), ("add", "-A", "-f"), ("commit", "-q", "-m", "x")):
            subprocess.run(["git", *arguments], cwd=folder, env=self.env, check=True)
        head = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=folder, env=self.env, check=True, capture_output=True, text=True
        )
        return head.stdout.strip()

    def run(
        self,
        repository: Path,
        workflow: str,
        event: str,
        payload: Any,
        *,
        fake: Fake | None = None,
        room: Path,
        run: int = 1,
        job: str | None = None,
        configured: dict[str, str] | None = None,
        **variables: str,
    ) -> Ran:
        """Run ``workflow``, where ACTION stands for the auditor's action, in a checkout of ``repository``."""
        room.mkdir(parents=True, exist_ok=True)
        file = room / "workflow.yml"
        file.write_text(workflow.replace("ACTION", f"{ACTION}@{self.sha}"), encoding="utf-8")
        told = room / "event.json"
        told.write_text(payload if isinstance(payload, str) else json.dumps(payload), encoding="utf-8")
        artifacts = room / "artifacts"
        artifacts.mkdir(exist_ok=True)
        given = {
            "GITHUB_API_URL": fake.root if fake is not None else "http://127.0.0.1:9",
            "GITHUB_REPOSITORY": FULL,
            "GITHUB_RUN_ID": str(run),
            "AUDITOR_TEST_ROOM": str(self.folder / "room"),
            "AUDITOR_TEST_ARTIFACTS": str(artifacts),
        } | variables
        mapped = [f"{ACTION}@{self.sha}={self.folder / 'action'}", *_pinned(workflow, self.stubs)]
        # Where another server is named, act looks for actions there, too.
        at = f"{variables['GITHUB_SERVER_URL']}/" if "GITHUB_SERVER_URL" in variables else ""
        command = [
            shutil.which("act", path=self.env["PATH"]) or str(Path(sys.executable).parent / "act"), event,
            "-C", str(repository), "-W", str(file), "-e", str(told), "--json", "-s", f"GITHUB_TOKEN={TOKEN}",
            *(("-j", job) if job else ()), "--pull=false", "--no-cache-server", "--action-cache-path", str(room / "act"),
            *(part for label in ("ubuntu-24.04", "ubuntu-latest") for part in ("-P", f"{label}=-self-hosted")),
            *(part for one in mapped for part in ("--local-repository", f"{at}{one}")),
            *(part for name, value in given.items() for part in ("--env", f"{name}={value}")),
            *(part for name, value in (configured or {}).items() for part in ("--var", f"{name}={value}")),
        ]  # fmt: skip
        clean = {name: self.env[name] for name in ("HOME", "LANG") if name in self.env}
        clean["PATH"] = os.pathsep.join([str(self.folder / "bin"), self.env["PATH"]])
        clean |= {name: os.environ[name] for name in ("TMPDIR", "LD_LIBRARY_PATH") if name in os.environ}
        done = subprocess.run(
            command, env=clean, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240, check=False
        )
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return Ran(done.returncode, lines, done.stderr, artifacts)


def _pinned(workflow: str, stubs: dict[str, Path]) -> list[str]:
    """The foreign actions that a workflow uses, at whatever commit, with the folders that stand in for them."""
    used = {part.split(" ")[0] for line in workflow.splitlines() if (part := line.partition("uses: ")[2].strip())}
    found = {}
    for name, _, commit in (one.partition("@") for one in used):
        repository = "/".join(name.split("/")[:2])
        if repository in stubs:
            found[f"{repository}@{commit}"] = stubs[repository]
    return [f"{one}={stub}" for one, stub in sorted(found.items())]
