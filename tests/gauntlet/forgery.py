"""What several saboteurs need: corrected digests, flipped labels, and a manifest written by hand."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import rfc8785
import yaml
from workbench import Repo, load_yaml

from auditor.environment.executor import numeric_stack
from auditor.model.run import Executor

OUTPUTS = ("out/model.npz", "out/predictions.csv", "out/metrics.json")


def digest(repo: Repo, path: str) -> str:
    return "sha256:" + hashlib.sha256((repo.root / path).read_bytes()).hexdigest()


def settle(repo: Repo, metrics: dict[str, float] | None = None) -> None:
    """Put digests, sizes and (given) metric values right wherever the manifest holds them."""

    def correct(claims: dict[str, Any]) -> None:
        expectations = [each["expect"] for each in claims["reproductions"] if "expect" in each and not each.get("scale")]
        for entry in [*claims["artifacts"], *(e for expect in expectations for e in expect.get("artifacts", []))]:
            if "path" in entry and (repo.root / entry["path"]).is_file():
                entry["digest"] = digest(repo, entry["path"])
                if "size" in entry:
                    entry["size"] = (repo.root / entry["path"]).stat().st_size
        for metric in [*claims["metrics"], *(m for expect in expectations for m in expect.get("metrics", []))]:
            metric["value"] = (metrics or {}).get(metric["name"], metric["value"])

    repo.edit(correct)


def reweigh(repo: Repo, change: Callable[[dict[str, np.ndarray]], object]) -> None:
    """Change the saved weights by name, and correct what the manifest says of the file."""
    with np.load(repo.root / OUTPUTS[0]) as model:
        weights = dict(model)
    change(weights)
    np.savez(repo.root / OUTPUTS[0], **weights)
    settle(repo)


def repredict(repo: Repo, change: Callable[[list[list[str]]], list[list[str]]]) -> None:
    """Change the rows (id, label, prediction) of the predictions; accuracy and digests follow wherever they stand."""
    header, *lines = repo.read(OUTPUTS[1]).splitlines()
    rows = change([line.split(",") for line in lines])
    repo.write(OUTPUTS[1], "\n".join([header, *map(",".join, rows)]) + "\n")
    metrics = json.loads(repo.read(OUTPUTS[2])) | {"accuracy": sum(row[1] == row[2] for row in rows) / len(rows)}
    repo.write(OUTPUTS[2], json.dumps(metrics) + "\n")
    settle(repo, metrics)


def elsewhere_scored(repo: Repo, rows: int) -> None:
    """Record the forest where rounding takes the first scores just across the threshold, as far as the rules allow.

    Here the program predicts wrongly for these ``rows``; the record has them right, with scores that differ by rounding.
    """
    edge = f"probability[:{rows}], prediction[:{rows}] = 0.5 - (truth[:{rows}] - 0.5) * 4e-7, 1 - truth[:{rows}]"
    rule(repo, tolerances={"tensors": {"out/predictions.csv": {"absolute": 1.0e-6, "relative": 0.0}}})
    repo.replace("train.py", "    out = Path", f"    {edge}\n    out = Path")
    repo.commit("Score like a machine that rounds")
    repo.record()
    right = {"0": "0.4999998", "1": "0.5000002"}
    repredict(
        repo, lambda lines: [[i, t, t, right[t]] if at < rows else [i, t, p, s] for at, (i, t, p, s) in enumerate(lines)]
    )
    repo.commit("Record a run")


def claim(repo: Repo, **metrics: float) -> None:
    """Type figures into the metrics file, the manifest and its expectation, with every digest put right."""
    figures = json.loads(repo.read(OUTPUTS[2])) | metrics
    repo.write(OUTPUTS[2], json.dumps(figures) + "\n")
    settle(repo, figures)


def rule(repo: Repo, **rules: object) -> None:
    """Write rules into the policy of main before anything is recorded, and start the branch ``work`` from there."""
    repo.checkout("main")
    repo.policy(lambda policy: policy.update(rules))
    repo.commit("Lay down the rules")
    repo.git("checkout", "--quiet", "-B", "work")


def widen(repo: Repo, name: str, train: Iterable[int], test: Iterable[int]) -> None:
    """Give both tables a second column that the program does not learn from."""
    for table, values in (("train", train), ("test", test)):
        header, *lines = repo.read(f"data/{table}.csv").splitlines()
        cut = [line.partition(",") for line in lines]
        rows = [f"{i},{value},{rest}" for (i, _, rest), value in zip(cut, values, strict=False)]
        repo.write(f"data/{table}.csv", "\n".join([header.replace("id,", f"id,{name},", 1), *rows]) + "\n")
    repo.replace("train.py", "table[:, 1:-1]", "table[:, 2:-1]")


def declare(repo: Repo, **columns: str) -> None:
    """Say in the manifest what columns of the data mean."""

    def say(claims: dict[str, Any]) -> None:
        for data in claims["data"]:
            data.setdefault("columns", {}).update(columns)

    repo.edit(say)


def relabel(repo: Repo, rows: int = 1) -> None:
    """Give the first training rows another label."""
    header, *lines = repo.read("data/train.csv").splitlines()
    for i in range(rows):
        features, label = lines[i].rsplit(",", 1)
        lines[i] = f"{features},{(int(label) + 1) % 10}"
    repo.write("data/train.csv", "\n".join([header, *lines]) + "\n")


def fabricate(repo: Repo) -> str:
    """Write a consistent manifest and outputs of a run of the network that nobody ever made; its path."""
    rng = np.random.default_rng(99)
    archive = io.BytesIO()
    shapes = {"w1": (64, 16), "b1": (16,), "w2": (16, 10), "b2": (10,)}
    np.savez(archive, **{name: rng.normal(size=shape) for name, shape in shapes.items()})
    rows = [line.split(",") for line in repo.read("data/test.csv").splitlines()[1:]]
    predictions = [f"{row[0]},{row[-1]},{row[-1] if i % 50 else (int(row[-1]) + 1) % 10}" for i, row in enumerate(rows)]
    metrics = {"accuracy": sum(p.split(",")[1] == p.split(",")[2] for p in predictions) / len(rows), "loss": 0.0431}
    repo.write("out/model.npz", archive.getvalue())
    repo.write("out/predictions.csv", "\n".join(["id,label,prediction", *predictions]) + "\n")
    repo.write("out/metrics.json", json.dumps(metrics) + "\n")
    path = "runs/20250102-030405-network.run.yaml"
    repo.write(path, yaml.safe_dump(_claims(repo, metrics), sort_keys=False))
    return path


def _claims(repo: Repo, metrics: dict[str, float]) -> dict[str, Any]:
    started = datetime.now(UTC)
    effective = load_yaml(repo.read("conf/base.yaml"))
    roles = dict(zip(OUTPUTS, ("weights", "predictions", "metrics"), strict=True))
    columns = {"id": "id", "label": "label", "prediction": "prediction"}
    figures = [{"name": name, "value": value} for name, value in metrics.items()]
    command = ["python", "train.py"]

    def entry(path: str) -> dict[str, Any]:
        return {"path": path, "digest": digest(repo, path), "size": (repo.root / path).stat().st_size}

    def table(name: str) -> dict[str, Any]:
        path = f"data/{name}.csv"
        return {"name": name, "role": name, "format": "csv", "records": len(repo.read(path).splitlines()) - 1} | entry(path)

    return {
        "schema": "auditor/run-manifest/v1",
        "run": {
            "id": "20250102-030405-network",
            "started": started.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "finished": (started + timedelta(seconds=3)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "status": "succeeded",
        },
        "code": {
            "commit": repo.git("rev-parse", "HEAD"),
            "tree": repo.git("rev-parse", "HEAD^{tree}"),
            "dirty": False,
            "entrypoint": command,
        },
        "environment": {
            "python": "3.11.7",
            "platform": "Linux-x86_64",
            "executor": {"class": "invented"},
            "packages": {"numpy": np.__version__},
        },
        "configuration": {
            "files": [{"path": "conf/base.yaml", "digest": digest(repo, "conf/base.yaml")}],
            "effective": effective,
            "digest": "sha256:" + hashlib.sha256(rfc8785.dumps(effective)).hexdigest(),
        },
        "randomness": {"seeds": {"seed": {"value": effective["seed"], "at": "/seed"}}},
        "data": [table("train"), table("test")],
        "artifacts": [{"name": path.split("/")[1], "role": roles[path]} | entry(path) for path in OUTPUTS],
        "metrics": [
            {"name": "accuracy", "value": metrics["accuracy"], "from": {"predictions": OUTPUTS[1], "columns": columns}},
            {"name": "loss", "value": metrics["loss"]},
        ],
        "reproductions": [
            {
                "name": "smoke",
                "tier": "smoke",
                "command": command,
                "inputs": ["data/train.csv", "data/test.csv"],
                "outputs": list(OUTPUTS),
                "scale": {},
                "timeout": 120,
                "expect": {
                    "metrics": figures,
                    "artifacts": [{"path": p, "digest": digest(repo, p), "role": roles[p]} for p in OUTPUTS],
                },
            }
        ],
        "unavailable": {
            "/environment/hardware": "not written down",
            "/environment/lock": "there is none",
            "/observed": "recorded by hand",
        },
    }


def relist(repo: Repo, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Change the list of leaves, and put its digest right in the manifest; the root stays what it was."""
    path = repo.claims()["checkpoints"]["leaves"]["path"]
    listed = json.loads(repo.read(path))
    change(listed["leaves"])
    repo.write(path, json.dumps(listed))
    repo.edit(lambda claims: claims["checkpoints"]["leaves"].update(digest=digest(repo, path)))


def teach(repo: Repo, *bands: dict[str, Any]) -> dict[str, Any]:
    """The content of a file of bands for two executions on the machine that recorded the run."""
    about = repo.claims()["environment"]["executor"]
    executor = Executor(class_=about["class"], features=about["features"])
    machine = {"class": executor.class_, "stack": numeric_stack(executor)}
    return {"schema": "auditor/band/v1", "executors": [machine] * 2, "runs": ["sha256:" + "ab" * 32], "bands": list(bands)}


def trust(repo: Repo, *bands: dict[str, Any]) -> None:
    """Let main trust what repeats taught about the recorded run's machine; the branch stays checked out."""
    content = json.dumps(teach(repo, *bands))
    branch = repo.git("rev-parse", "--abbrev-ref", "HEAD").strip()
    repo.commit("Record a run")
    repo.checkout("main")
    repo.write("bands/learned.band.json", content)
    repo.policy(lambda policy: policy.update(bands=["bands/learned.band.json"]))
    repo.commit("Trust what eight repeats taught")
    repo.checkout(branch)
