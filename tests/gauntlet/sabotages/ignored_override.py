"""Two configuration layers are recorded, but the program opens a file of its own and never their merger."""

from __future__ import annotations

CAUGHT_BY = ("configuration/unapplied-override",)
PROJECT = "layered"
START = "started"


def apply(repo):
    repo.write("conf/mine.json", '{"seed": 5, "features": 64, "ridge": 0.1}\n')
    repo.replace("train.py", 'os.environ["AUDITOR_CONFIG"]', 'os.path.join("conf", "mine.json")')
    repo.commit("Read a file of my own")
    repo.record()
    repo.commit("Record a run")
