"""Fixtures for every test: a scrubbed environment, the command line, and repositories that are cheap to come by."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parent))  # tests are no package: this is how they share the workbench

from services import postgres
from services.image import image
from services.mlflow import mlflow_server
from team import team
from workbench import Answer, Repo, environment, merged, recorded, started

__all__ = ["image", "mlflow_server", "team"]  # fixtures that live elsewhere and are shared by all tests

IN_CI = os.environ.get("CI") == "true"
"""Read before the environment is scrubbed."""


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In continuous integration nothing may hide behind a skip but the want of an accelerator."""
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail") and item.get_closest_marker("accelerator") is None:
        report.outcome, report.longrepr = "failed", f"skipped in CI: {report.longreprtext}"
    return report


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole module that skips itself."""
    report = yield
    if IN_CI and report.outcome == "skipped":
        report.outcome, report.longrepr = "failed", f"{collector.nodeid} skipped itself in CI: {report.longreprtext}"
    return report


@pytest.fixture(scope="session", autouse=True)
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a person's plain shell, in this process as in those that tests start."""
    env = environment(tmp_path_factory.mktemp("home"))
    foreign = ("CI", "NO_COLOR", "FORCE_COLOR", "TZ", "AUDITOR_CONFIG", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name in foreign or name.startswith(("GIT_", "GITHUB_")):
                patch.delenv(name)
        for name, value in env.items():
            patch.setenv(name, value)
        yield env


@pytest.fixture(scope="session")
def postgresql(shell: dict[str, str]) -> Iterator[postgres.Server]:
    """A PostgreSQL server of our own."""
    with postgres.running() as server:
        yield server


@pytest.fixture
def auditor(tmp_path: Path, shell: dict[str, str]) -> Callable[..., Answer]:
    """Run ``auditor`` with these arguments in an empty directory that is no repository."""
    return Repo(tmp_path, shell).auditor


@pytest.fixture
def repository(tmp_path: Path, shell: dict[str, str]) -> Repo:
    """An empty git repository on the branch ``main``."""
    return Repo(tmp_path / "repository", shell).init()


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory, shell: dict[str, str]) -> Callable[[str, str], Repo]:
    """Repositories by project and stage (``started``, ``recorded``, ``merged``), each made once. Copy before use."""
    made: dict[tuple[str, str], Repo] = {}

    def template(name: str, stage: str) -> Repo:
        if (name, stage) not in made:
            root = tmp_path_factory.mktemp(f"{name}-{stage}") / "repository"
            match stage:
                case "started":
                    made[name, stage] = started(root, shell, name)
                case "recorded":
                    made[name, stage] = recorded(template(name, "started").copy(root))
                case "merged":
                    made[name, stage] = merged(template(name, "recorded").copy(root))
                case _:
                    raise ValueError(stage)
        return made[name, stage]

    return template


@pytest.fixture
def project(templates: Callable[[str, str], Repo], tmp_path: Path) -> Callable[..., Repo]:
    """A fresh copy of an honest project at a stage; without arguments: a recorded run on a branch."""

    def make(name: str = "network", stage: str = "recorded", folder: str = "project") -> Repo:
        return templates(name, stage).copy(tmp_path / folder)

    return make
