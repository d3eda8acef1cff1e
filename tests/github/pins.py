"""Pins what ``action.yml`` installs: ``python tests/github/pins.py`` (``make lock``) writes ``requirements.lock`` anew."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "requirements.lock"


def wanted() -> list[Requirement]:
    """The dependencies that the action needs: the core ones and the sandbox's."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(line) for line in (*project["dependencies"], *project["optional-dependencies"]["sandbox"])]


def header() -> str:
    """What the pins were made of: pins of other dependencies are stale."""
    asked = " ".join(sorted(str(requirement).replace(" ", "") for requirement in wanted()))
    return f"# Written by `make lock`; installed by action.yml.\n# of: {asked}\n"


def main() -> None:
    command = [
        str(Path(sys.executable).parent / "uv"), "pip", "compile", "pyproject.toml", "--extra", "sandbox", "--universal",
        "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate", "--quiet",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    FILE.write_text(header() + done.stdout, encoding="utf-8")


if __name__ == "__main__":
    main()
