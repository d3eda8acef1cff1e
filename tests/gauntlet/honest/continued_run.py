"""A second run starts from the weights of the first, names it as its parent, and writes to a folder of its own."""

from __future__ import annotations

from forgery import digest


def apply(repo):
    start = digest(repo, "out/model.npz")
    repo.replace("train.py", "    loss = 0.0\n", '    w = dict(np.load("out/model.npz"))\n    loss = 0.0\n')
    repo.replace("train.py", 'out = Path("out")', 'out = Path("second")')
    repo.replace("train.py", 'learning_rate"])', 'learning_rate"] / 2)')
    repo.commit("Go on from there")
    lineage = ("--data", "start:parent-weights=out/model.npz", "--parent", f"{start}:continued-from")
    data = ("--data", "train=data/train.csv", "--data", "test=data/test.csv")
    files = ("--out", "second/model.npz", "--out", "second/predictions.csv", "--metrics", "second/metrics.json")
    options = ("--name", "second", "--config", "conf/base.yaml", *data, *files, *lineage)
    repo.auditor("record", *options, "--", "python", "train.py").expect(0)
    repo.commit("Record a run")
