"""Two runs of a sweep are recorded one after the other, each with its own values in the same configuration file."""

from __future__ import annotations

START = "started"


def apply(repo):
    repo.replace("train.py", 'out = Path("out")', 'out = Path(config["out"])')
    repo.replace("train.py", "out.mkdir(exist_ok=True)", "out.mkdir(parents=True, exist_ok=True)")
    for name, seed in (("a", 3), ("b", 4)):
        values = f"seed: {seed}\nepochs: 6\nhidden: 16\nbatch: 32\nlearning_rate: 0.15\nout: out/{name}\n"
        repo.write("conf/base.yaml", values)
        repo.commit(f"Choose the values of run {name}")
        files = (
            "--out",
            f"out/{name}/model.npz",
            "--out",
            f"out/{name}/predictions.csv",
            "--metrics",
            f"out/{name}/metrics.json",
        )
        data = ("--data", "train=data/train.csv", "--data", "test=data/test.csv")
        config = ("--config", "conf/base.yaml")
        repo.auditor("record", "--name", name, *config, *data, *files, "--", "python", "train.py").expect(0)
        repo.commit(f"Record run {name}")
