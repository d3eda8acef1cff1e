"""Makes a training loop one that a verifier can replay in parts: it writes checkpoints and a trace, and can start from one.

    steps = Steps("out/checkpoints", every=10)
    steps.start(weights=w, optimizer=velocity, rng=rng)      # writes the first checkpoint, or resumes from another
    for step in steps.until(1000):
        rows = rng.integers(0, len(y), 32)
        loss = train(w, velocity, x[rows], y[rows])
        steps.done(step, batch=rows, hyperparameters={"learning_rate": 0.1}, loss=loss)

``weights`` and ``optimizer`` are numpy arrays by name, or a PyTorch module and optimizer; ``rng`` is a generator of numpy,
of PyTorch (or ``torch`` itself) or of ``random``, or several by name.

The protocol behind it, which any program may speak by itself: ``AUDITOR_RESUME`` names the checkpoint to start from (unset:
the beginning), ``AUDITOR_STEPS`` how many steps to do, ``AUDITOR_OUT`` the folder for the checkpoint they lead to, and
``AUDITOR_EVERY`` asks for more checkpoints on the way. ``AUDITOR_PRECISION`` (float64), where a program heeds it, has a
stretch computed more exactly than the run was, which tells rounding from fraud; :func:`precision` reads it. A checkpoint
``step-N.npz`` (or ``.safetensors``) holds ``step`` and arrays called ``weights/...``, ``optimizer/...`` and ``rng/...``;
``trace.jsonl`` one line a step.

Needs numpy and nothing of ours: a project may keep a copy of this file, and then needs no auditor to run.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

TRACE = "trace.jsonl"
_SMALL = 1 << 20  # bytes of weights up to which every step's weights are hashed, not only those of checkpoints


def precision(usual: str) -> str:
    """The name of the dtype to compute in: ``usual``, or the wider one that a verifier asks for. Heeding it is optional.

    For numpy ``np.dtype(precision("float32"))``; for PyTorch ``getattr(torch, precision("float32"))`` as the default dtype.
    """
    return os.environ.get("AUDITOR_PRECISION", usual)


class Steps:
    """Checkpoints of one training loop, every ``every`` steps, in ``folder``."""

    def __init__(self, folder: str | os.PathLike[str], *, every: int) -> None:
        self._resume = os.environ.get("AUDITOR_RESUME")
        self._limit = int(os.environ["AUDITOR_STEPS"]) if "AUDITOR_STEPS" in os.environ else None
        self._every = int(os.environ.get("AUDITOR_EVERY", every))
        self._is_replay = "AUDITOR_OUT" in os.environ
        self.folder = Path(os.environ.get("AUDITOR_OUT", folder))
        self.first = 0
        """The step that the loop starts after."""
        self._last: int | None = None
        self._state: dict[str, Any] = {}
        self._continued = False

    def start(self, *, weights: Any, optimizer: Any = (), rng: Any = ()) -> None:
        """Take up the state that training changes; overwrite it where training resumes."""
        self._state = {"weights": weights, "optimizer": optimizer, "rng": rng}
        if self._resume is not None:
            with np.load(self._resume, allow_pickle=False) as archive:
                saved = {name: archive[name] for name in archive.files}
            self.first = int(saved.pop("step"))
            for part, holder in self._state.items():
                _restore(holder, {n.removeprefix(f"{part}/"): a for n, a in saved.items() if n.startswith(f"{part}/")})
        self.folder.mkdir(parents=True, exist_ok=True)
        self._begin_trace()
        if self._resume is None:
            for old in self.folder.glob("step-*.npz"):  # of an earlier run
                old.unlink()
            self._write(0)

    def until(self, total: int) -> Iterator[int]:
        """The numbers of the steps to do, from 1 to ``total``, or those of them that a verifier asks for."""
        self._last = total if self._limit is None else min(total, self.first + self._limit)
        yield from range(self.first + 1, self._last + 1)

    def done(self, step: int, *, batch: Any, hyperparameters: Mapping[str, float] | None = None, **metrics: float) -> None:
        """Note what ``step`` did: the ids of the rows it saw, by which hyperparameters, and what it measured."""
        rows = np.asarray(batch)
        line: dict[str, Any] = {
            "step": step,
            "batch": _digest({"": rows}),
            "size": int(rows.size),
            "hyperparameters": {name: float(value) for name, value in (hyperparameters or {}).items()},
            "metrics": {name: _number(value) for name, value in metrics.items()},
            "digests": {"rng": _digest(_arrays(self._state["rng"]))},
        }
        weights = _arrays(self._state["weights"])
        if sum(array.nbytes for array in weights.values()) <= _SMALL:
            line["digests"]["weights"] = _digest(weights)
        if self._continued:
            line["resumed"] = True
            self._continued = False
        with (self.folder / TRACE).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
        if step % self._every == 0 or step == self._last:
            self._write(step)

    def _begin_trace(self) -> None:
        trace = self.folder / TRACE
        kept: list[str] = []
        if self.first and not self._is_replay and trace.exists():
            # A run that goes on after an interruption keeps what it did up to the checkpoint.
            lines = trace.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = [line for line in lines if json.loads(line)["step"] <= self.first]
            self._continued = True
        trace.write_text("".join(kept), encoding="utf-8")

    def _write(self, step: int) -> None:
        arrays: dict[str, Any] = {"step": np.array(step)}
        for part, holder in self._state.items():
            arrays |= {f"{part}/{name}": array for name, array in _arrays(holder).items()}
        target = self.folder / f"step-{step:08d}.npz"
        beside = target.with_suffix(".tmp.npz")
        np.savez(beside, **arrays)
        beside.replace(target)


def _arrays(holder: Any) -> dict[str, Any]:
    """Everything in ``holder`` that training changes, as arrays by name."""
    return dict(_flat(holder, ""))


def _flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if hasattr(value, "state_dict"):
        value = value.state_dict()
    state = _generator_state(value)
    if state is not None:
        yield name or "state", state
    elif hasattr(value, "detach"):
        yield name, value.detach().cpu().numpy()
    elif isinstance(value, np.ndarray | np.generic | bool | int | float):
        yield name, np.asarray(value)
    elif isinstance(value, Mapping):
        for key, child in value.items():
            yield from _flat(child, f"{name}/{key}" if name else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for index, child in enumerate(value):
            yield from _flat(child, f"{name}/{index}" if name else str(index))


def _generator_state(value: Any) -> Any:
    """The state of a random generator as an array of bytes, None for anything else."""
    if hasattr(value, "bit_generator"):
        words = json.dumps(value.bit_generator.state, default=lambda part: part.tolist(), sort_keys=True)
    elif isinstance(value, np.random.RandomState):
        words = json.dumps(value.get_state(legacy=False), default=lambda part: part.tolist(), sort_keys=True)
    elif hasattr(value, "getstate"):
        words = json.dumps(value.getstate())
    elif hasattr(value, "get_rng_state"):
        return value.get_rng_state().numpy()
    elif hasattr(value, "get_state") and hasattr(value, "initial_seed"):
        return value.get_state().numpy()
    else:
        return None
    return np.frombuffer(words.encode(), dtype=np.uint8)


def _restore(holder: Any, saved: Mapping[str, Any]) -> None:
    if _generator_state(holder) is not None:
        _restore_generator(holder, saved["state"])
    elif hasattr(holder, "load_state_dict"):
        holder.load_state_dict(_like(holder.state_dict(), saved))
    elif isinstance(holder, Mapping | Sequence):
        for key, child in holder.items() if isinstance(holder, Mapping) else enumerate(holder):
            name = str(key)
            if isinstance(child, np.ndarray):
                child[...] = saved[name]
            elif _generator_state(child) is not None:
                _restore_generator(child, saved[name])
            elif hasattr(child, "detach"):
                child.detach().copy_(_tensor(saved[name]))
            else:
                _restore(child, {n.removeprefix(f"{name}/"): a for n, a in saved.items() if n.startswith(f"{name}/")})


def _restore_generator(generator: Any, state: Any) -> None:
    if hasattr(generator, "set_rng_state"):
        generator.set_rng_state(_tensor(state))
    elif hasattr(generator, "initial_seed"):
        generator.set_state(_tensor(state))
    else:
        value = json.loads(bytes(state))
        if hasattr(generator, "bit_generator"):
            if isinstance(value["state"], dict) and isinstance(value["state"].get("key"), list):
                value["state"]["key"] = np.array(value["state"]["key"], dtype=np.uint64)
            generator.bit_generator.state = value
        elif hasattr(generator, "setstate"):
            generator.setstate((value[0], tuple(value[1]), value[2]))
        else:
            value["state"]["key"] = np.array(value["state"]["key"], dtype=np.uint32)
            generator.set_state(value)


def _like(template: Any, saved: Mapping[str, Any]) -> Any:
    """The state of a PyTorch module or optimizer from arrays; an optimizer has none yet for its parameters."""
    if "param_groups" not in template:
        return {name: _tensor(saved[name]) if hasattr(old, "detach") else old for name, old in template.items()}
    groups = [
        {
            key: saved[f"param_groups/{i}/{key}"].item() if f"param_groups/{i}/{key}" in saved else old
            for key, old in g.items()
        }
        for i, g in enumerate(template["param_groups"])
    ]
    state: dict[int, dict[str, Any]] = {}
    for name, array in saved.items():
        where, _, rest = name.partition("/")
        if where == "state":
            number, _, key = rest.partition("/")
            state.setdefault(int(number), {})[key] = _tensor(array)
    return {
        "state": state,
        "param_groups": [g | {"params": old["params"]} for g, old in zip(groups, template["param_groups"], strict=True)],
    }


def _tensor(array: Any) -> Any:
    import torch  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415  (only a program that uses it comes here)

    return torch.from_numpy(np.array(array))


def _number(value: Any) -> float | str:
    number = float(value.item() if hasattr(value, "item") else value)  # a tensor that knows its gradient would warn
    return number if np.isfinite(number) else repr(number)


def _digest(arrays: Mapping[str, Any]) -> str:
    state = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        state.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        state.update(array.tobytes())
    return f"sha256:{state.hexdigest()}"
