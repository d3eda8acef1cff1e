"""A declared trace is another one each time: it holds the clock beside the loss, and nobody claimed what a clock may do."""

from __future__ import annotations

START = "started"
LOG = """
import json
import time
from pathlib import Path

loss = json.loads(Path("out/metrics.json").read_text())["loss"]
rows = [f"{step},{loss * (5 - step)},{time.time_ns()}" for step in range(5)]
Path("out/trace.csv").write_text("\\n".join(["step,loss,clock", *rows]) + "\\n")
"""


def apply(repo):
    repo.write("train.py", repo.read("train.py") + LOG)
    repo.commit("Keep a trace")
    repo.record("--out", "trace:out/trace.csv")
    repo.commit("Record a run")
