from __future__ import annotations

import random

import numpy as np
import pytest

from auditor.commitment.checkpoint import read_checkpoint
from auditor.commitment.leaves import gather
from auditor.steps import Steps


def loop(folder, state, draw, update, *, total=20):
    steps = Steps(folder, every=5)
    steps.start(**state)
    for step in steps.until(total):
        rows = draw()
        steps.done(step, batch=rows, hyperparameters={"rate": 0.1}, loss=update(rows))
    return steps


def numpy_state(rng):
    state = {"weights": {"w": np.zeros(4)}, "optimizer": {"v": np.zeros(4)}, "rng": rng}

    def draw():
        return rng.integers(0, 9, 3) if hasattr(rng, "integers") else rng.randint(0, 9, 3)

    def update(rows):
        state["optimizer"]["v"][...] = 0.9 * state["optimizer"]["v"] + rows.mean()
        state["weights"]["w"] -= 0.1 * state["optimizer"]["v"]
        return float(state["weights"]["w"].sum())

    return state, draw, update


def torch_state(_):
    import torch  # noqa: PLC0415

    torch.manual_seed(3)
    generator = torch.Generator().manual_seed(5)
    model = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    x = torch.arange(60.0).reshape(10, 6) / 60
    state = {"weights": model, "optimizer": optimizer, "rng": {"batches": generator, "global": torch}}

    def draw():
        return torch.randint(0, 10, (4,), generator=generator).numpy()

    def update(rows):
        optimizer.zero_grad()
        noise = torch.randn(4, 6)
        loss = (model(x[rows] + 0.1 * noise) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss

    return state, draw, update


MAKERS = {
    "generator": lambda: numpy_state(np.random.default_rng(1)),
    "mersenne": lambda: numpy_state(np.random.Generator(np.random.MT19937(1))),
    "legacy": lambda: numpy_state(np.random.RandomState(1)),
    "torch": lambda: torch_state(None),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_a_loop_that_resumes_arrives_where_the_whole_one_did(kind, tmp_path, monkeypatch):
    loop(tmp_path / "whole", *MAKERS[kind]())
    monkeypatch.setenv("AUDITOR_RESUME", str(tmp_path / "whole/step-00000010.npz"))
    monkeypatch.setenv("AUDITOR_STEPS", "5")
    monkeypatch.setenv("AUDITOR_OUT", str(tmp_path / "part"))
    loop(tmp_path / "whole", *MAKERS[kind]())
    one = read_checkpoint(tmp_path / "whole/step-00000015.npz")
    other = read_checkpoint(tmp_path / "part/step-00000015.npz")
    for part in ("weights", "optimizer", "rng"):
        assert one.digest(part) == other.digest(part), part
    whole = (tmp_path / "whole/trace.jsonl").read_text().splitlines()
    assert (tmp_path / "part/trace.jsonl").read_text().splitlines() == whole[10:15]


def test_a_generator_of_the_standard_library_is_kept_too(tmp_path, monkeypatch):
    state = {"weights": {"w": np.zeros(1)}, "rng": random.Random(4)}  # noqa: S311
    loop(tmp_path / "whole", state, lambda: [state["rng"].randrange(9)], float_of)
    ended = state["rng"].random()
    monkeypatch.setenv("AUDITOR_RESUME", str(tmp_path / "whole/step-00000015.npz"))
    again = {"weights": {"w": np.zeros(1)}, "rng": random.Random(9)}  # noqa: S311
    loop(tmp_path / "whole", again, lambda: [again["rng"].randrange(9)], float_of)
    assert again["rng"].random() == ended


def float_of(rows):
    return float(sum(rows))


def test_a_run_that_goes_on_keeps_its_trace_and_says_where(tmp_path, monkeypatch):
    folder = tmp_path / "out"
    loop(folder, *MAKERS["generator"](), total=12)
    (folder / "step-00000012.npz").unlink()
    monkeypatch.setenv("AUDITOR_RESUME", str(folder / "step-00000010.npz"))
    loop(folder, *MAKERS["generator"]())
    leaves, lines = gather(tmp_path, "out")
    assert [leaf.step for leaf in leaves.leaves] == [0, 5, 10, 15, 20]
    assert [line.step for line in lines if line.resumed] == [11]


def test_a_figure_that_is_not_finite_is_text(tmp_path):
    loop(tmp_path / "out", *MAKERS["generator"]()[:2], lambda _: float("nan"))
    _, lines = gather(tmp_path, "out")
    assert {line.metrics["loss"] for line in lines} == {"nan"}
