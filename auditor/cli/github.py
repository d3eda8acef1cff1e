"""``auditor github``: what the action of this repository calls."""

from __future__ import annotations

import os
from pathlib import Path

import click


@click.group("github")
def command() -> None:
    """Be a step of GitHub Actions."""


@command.command("step")
def step() -> int:
    """Do what the action's inputs ask for: gate, or one of the guard's three jobs.

    Inputs come in variables named AUDITOR_INPUT_..., as action.yml passes them. The exit code is the gate's.
    """
    from auditor.guard.step import step as taken  # noqa: PLC0415  (loaded when called)

    return taken(dict(os.environ), Path.cwd())
