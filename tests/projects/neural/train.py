"""A small PyTorch network on the CPU."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import yaml


def load(path: str) -> tuple[np.ndarray, torch.Tensor, torch.Tensor]:
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return (
        table[:, 0].astype(int),
        torch.tensor(table[:, 1:-1] / 16.0, dtype=torch.float32),
        torch.tensor(table[:, -1]).long(),
    )


def main() -> None:
    config = yaml.safe_load(Path("conf/base.yaml").read_text(encoding="utf-8"))
    torch.manual_seed(config["seed"])
    _, x, y = load("data/train.csv")
    ids, test, truth = load("data/test.csv")
    first = torch.nn.Linear(x.shape[1], config["width"])
    model = torch.nn.Sequential(first, torch.nn.ReLU(), torch.nn.Linear(config["width"], 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=config["rate"])
    for _epoch in range(config["epochs"]):
        for rows in torch.randperm(len(y)).split(50):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
    with torch.no_grad():
        score = model(test)
    prediction = score.argmax(dim=1)
    out = Path("out")
    out.mkdir(exist_ok=True)
    np.savez(out / "model.npz", **{name.replace(".", "_"): tensor.numpy() for name, tensor in model.state_dict().items()})
    lines = ["id,label,prediction"] + [f"{i},{int(t)},{int(p)}" for i, t, p in zip(ids, truth, prediction, strict=True)]
    (out / "predictions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    loss = float(torch.nn.functional.cross_entropy(score, truth))
    metrics = {"accuracy": float((prediction == truth).double().mean()), "test_loss": loss}
    (out / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")


if __name__ == "__main__":
    main()
