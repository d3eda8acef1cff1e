"""The program writes how many processors it saw and how long it took beside its figures."""

from __future__ import annotations

START = "started"


def apply(repo):
    repo.replace(
        "train.py",
        "import json\n",
        "import json\nimport os\nimport time\n",
    )
    repo.replace(
        "train.py",
        '"loss": loss}',
        '"loss": loss, "train_seconds": time.perf_counter()}',
    )
    repo.replace(
        "train.py",
        "    loss = 0.0\n",
        '    print(os.cpu_count(), "processors")\n    loss = 0.0\n',
    )
    repo.commit("Change the program")
    repo.record()
    repo.commit("Record a run")
