from __future__ import annotations

import pytest
from workbench import Repo, environment, started


@pytest.fixture(scope="session")
def stepwise(tmp_path_factory) -> Repo:
    """A recorded and committed run with checkpoints; never changed, only copied."""
    base = tmp_path_factory.mktemp("stepwise")
    (base / "home").mkdir()
    repo = started(base / "repository", environment(base / "home"), "stepwise")
    repo.extra["AUDITOR_CHALLENGE_KEY"] = "a key that only the verifier has"
    repo.record()
    repo.commit("Record a run")
    return repo


@pytest.fixture
def repo(stepwise, tmp_path) -> Repo:
    twin = stepwise.copy(tmp_path / "repository")
    twin.extra |= stepwise.extra
    return twin
