"""A small PyTorch network on the CPU, in float32."""

from __future__ import annotations

import numpy as np
import torch


class Model:
    def __init__(self, config: dict) -> None:
        self.config = config
        torch.set_num_threads(config["threads"])
        torch.manual_seed(config["seed"])
        self.net = torch.nn.Sequential(torch.nn.Linear(30, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=config["rate"])

    def start(self, x: np.ndarray, y: np.ndarray) -> None:
        self.x, self.y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)

    def step(self) -> float:
        rows = torch.randint(0, len(self.y), (self.config["batch"],))
        self.optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(self.net(self.x[rows])[:, 0], self.y[rows])
        loss.backward()
        self.optimizer.step()
        return float(loss)

    def save(self, path: str) -> None:
        np.savez(path, **{name.replace(".", "_"): tensor.numpy() for name, tensor in self.net.state_dict().items()})

    def load(self, path: str) -> None:
        with np.load(path) as weights:
            state = {name: torch.tensor(weights[name.replace(".", "_")]) for name in self.net.state_dict()}
        self.net.load_state_dict(state)

    def predict(self, x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return torch.sigmoid(self.net(torch.tensor(x, dtype=torch.float32))[:, 0]).double().numpy()
