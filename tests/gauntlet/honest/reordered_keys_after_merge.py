"""A merged manifest is only laid out differently."""

from __future__ import annotations

import yaml

START = "merged"


def apply(repo):
    repo.write(repo.manifest, yaml.safe_dump(repo.claims(), sort_keys=True, width=60))
    repo.commit("Reformat")
