"""A GitHub on this machine for each test; every call and every answer of it must fit GitHub's own description."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parent))
sys.path.append(str(Path(__file__).resolve().parents[1] / "gauntlet"))

from fake.description import Description
from fake.server import FULL, TOKEN, Fake, served
from runner import Act
from steps import Runner, Step
from workbench import Repo

from auditor.integrations.github.hub import Hub
from auditor.integrations.github.patience import Patience


@pytest.fixture(scope="session")
def description() -> Description:
    """GitHub's description, read once."""
    return Description()


@pytest.fixture
def fake(description: Description) -> Iterator[Fake]:
    """A GitHub without any history. Whatever a test does with it, nothing may contradict the description."""
    with served(description) as made:
        yield made
        assert made.violations == []


@pytest.fixture
def waits() -> list[float]:
    """The seconds that were waited for the GitHub of this test; nobody really waits."""
    return []


@pytest.fixture
def hub(fake: Fake, waits: list[float]) -> Callable[..., Hub]:
    """Speak to it with some token."""

    def make(token: str = TOKEN, **patience: float) -> Hub:
        return Hub(FULL, token, api=fake.root, patience=Patience(sleep=waits.append, **patience))

    return make


@pytest.fixture(scope="session")
def act(tmp_path_factory: pytest.TempPathFactory, shell: dict[str, str]) -> Act:
    """A machine that runs workflows."""
    return Act(tmp_path_factory.mktemp("act") / "machine", shell).prepare()


@pytest.fixture
def step(tmp_path: Path, shell: dict[str, str]) -> Callable[..., Step]:
    """Run one step of the action in a repository, without a runner around it."""

    def run(
        repo: Repo, payload: object, *, fake: Fake | None = None, runner: dict[str, str] | None = None, **inputs: str
    ) -> Step:
        return Runner(tmp_path / "runner", shell, fake, runner or {})(repo.root, payload, **inputs)

    return run
