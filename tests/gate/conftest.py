"""A team whose policy knows its people by their keys, made once and copied."""

from __future__ import annotations

import pytest
from governed import Governed, governed
from workbench import Repo


@pytest.fixture(scope="session")
def team_template(tmp_path_factory, shell):
    room = tmp_path_factory.mktemp("governed")
    return governed(Repo(room / "repository", shell).init(), room / "keys")


@pytest.fixture
def team(team_template, tmp_path) -> Governed:
    made = team_template
    return Governed(made.repo.copy(tmp_path / "team"), made.keys, made.public, trust=made.trust)
