"""Trains a small PyTorch network on the CPU, step by step, and leaves a checkpoint every ten steps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from network import configuration, load, network, write_predictions
from steps import Steps, precision


def main() -> None:
    config = configuration()
    torch.set_default_dtype(getattr(torch, precision("float32")))
    torch.manual_seed(config["seed"])
    ids, x, y = load("data/train.csv")
    model = network(config)
    optimizer = torch.optim.Adam(model.parameters(), lr=config["learning_rate"])

    steps = Steps("out/checkpoints", every=config["every"])
    steps.start(weights=model, optimizer=optimizer, rng=torch)
    loss = torch.zeros(())
    for step in steps.until(config["steps"]):
        rows = torch.randint(0, len(y), (config["batch"],))
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
        steps.done(step, batch=ids[rows.numpy()], hyperparameters={"learning_rate": config["learning_rate"]}, loss=loss)

    np.savez("out/model.npz", **{name: tensor.numpy() for name, tensor in model.state_dict().items()})
    truth, scores = write_predictions(model)
    accuracy = float((scores.argmax(dim=1) == truth).double().mean())
    Path("out/metrics.json").write_text(json.dumps({"accuracy": accuracy, "loss": float(loss)}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
