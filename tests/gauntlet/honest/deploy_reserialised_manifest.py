"""The manifest was written again in another order."""

from __future__ import annotations

import yaml

GATE = "deploy"
KEY = None


def apply(team):
    claims = team.repo.claims()
    team.repo.write(team.repo.manifest, "# sorted\n" + yaml.safe_dump(claims, sort_keys=True))
    team.repo.commit("Sort the manifest")
