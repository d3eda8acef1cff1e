"""The metrics hold a duration, which is different each time and no claim."""

from __future__ import annotations

START = "started"


def apply(repo):
    repo.replace("train.py", "import json\n", "import json\nimport time\n")
    repo.replace("train.py", "def main() -> None:\n", "def main() -> None:\n    begun = time.perf_counter()\n")
    repo.replace("train.py", '"loss": loss}', '"loss": loss, "train_seconds": time.perf_counter() - begun}')
    repo.commit("Time it")
    repo.record()
    repo.commit("Record a run")
