"""The generator is seeded from the clock, and the manifest names the seed of the configuration."""

from __future__ import annotations

CAUGHT_BY = ("reproduction/diverged-reproduction",)
START = "started"


def apply(repo):
    repo.replace(
        "train.py",
        "import json\n",
        "import json\nimport time\n",
    )
    repo.replace(
        "train.py",
        'default_rng(config["seed"])',
        "default_rng(time.time_ns() % 2**32)",
    )
    repo.commit("Change the program")
    repo.record()
    repo.commit("Record a run")
