"""Turns the recorded weights into predictions, without training anything."""

from __future__ import annotations

import numpy as np
import torch
from network import configuration, network, write_predictions


def main() -> None:
    model = network(configuration())
    with np.load("out/model.npz") as weights:
        model.load_state_dict({name: torch.from_numpy(weights[name]) for name in weights.files})
    write_predictions(model)


if __name__ == "__main__":
    main()
