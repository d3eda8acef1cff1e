"""The predictions are those of another model, and accuracy and digests follow them."""

from __future__ import annotations

from forgery import repredict

CAUGHT_BY = ("reproduction/diverged-reproduction",)


def apply(repo):
    ours = repo.read("conf/base.yaml")
    repo.write("conf/base.yaml", ours.replace("epochs: 12", "epochs: 30"))
    kept = {path: (repo.root / path).read_bytes() for path in ("out/model.npz", "out/predictions.csv", "out/metrics.json")}
    repo.auditor(
        "record", "--name", "other", "--manifest", "other.run.yaml", "--allow-dirty", "--", "python", "train.py"
    ).expect(0)
    foreign = [line.split(",") for line in repo.read("out/predictions.csv").splitlines()[1:]]
    for path, content in [*kept.items(), ("conf/base.yaml", ours)]:
        repo.write(path, content)
    for left in repo.root.glob("other*"):
        left.unlink()
    repredict(repo, lambda _rows: foreign)
    repo.commit("Polish")
