"""What a challenge sees, what it costs and what it wrongly accuses; how many runs chaos needs.

Forgeries are simulated on a real trajectory: each fabricated segment is judged by the very code that judges a replay, and
which segments are looked at is drawn by the very code that draws a challenge.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import trajectory
from clock import goal, table
from trajectory import STEPS, State, Task
from workbench import environment, started

from auditor.commitment import challenge
from auditor.compare.update import Update, compare_update
from auditor.diagnose import isolate
from auditor.model.words import Agreement
from auditor.reproduce.twin import TWINS, perturbed

SEGMENTS = int(os.environ.get("BENCH_SEGMENTS", "1000"))
FORGERIES = 200
HONEST = min(500, SEGMENTS)
DRAWN = 20
KERNELS = ({"OPENBLAS_CORETYPE": "Sandybridge"}, {"OPENBLAS_CORETYPE": "Haswell"}, {"OPENBLAS_CORETYPE": "Prescott"})
THREADS = ({"OPENBLAS_NUM_THREADS": "1"}, {"OPENBLAS_NUM_THREADS": "2"})


def forged(task: Task, states: list[State], other: list[State]) -> dict[str, list[bool]]:
    """For each kind of forgery, whether the judge sees it in each segment."""
    rng = np.random.default_rng(3)
    seen: dict[str, list[bool]] = {}

    def judge(kind: str, start: State, claimed: State, first: int) -> None:
        replayed = task.train(start, first)
        seen.setdefault(kind, []).append(_verdict(task, start, claimed, replayed, first)[1] is Agreement.DIVERGED)

    for i in range(len(states) - 1):
        start, end, first = states[i], states[i + 1], i * STEPS
        before, after = states[max(i - 1, 0)], states[min(i + 2, len(states) - 1)]
        line = [_between(before, after, share) for share in (1 / 3, 2 / 3)]
        judge("linear interpolation", line[0], line[1], first)
        judge("glued runs", start, other[i + 1], first)
        bare = State(start.weights, {name: np.zeros_like(array) for name, array in start.speed.items()})
        judge("dropped optimizer state", bare, end, first)
        judge("learning rate +1 %", start, task.train(start, first, rate=0.0505), first)
        judge("one sample swapped", start, task.train(start, first, swap=int(rng.integers(STEPS))), first)
        judge("fabricated tail", start, _noisy(start, end, rng), first)
    return seen


def _verdict(task: Task, start: State, claimed: State, replayed: State, first: int) -> tuple[Update, Agreement]:
    """What a verifier says: by the gates, and by noise twins where these could change the answer."""
    update = compare_update(start.weights, claimed.weights, replayed.weights)
    noise = None
    if update.asks_for_noise:
        twins = [State(perturbed(start.weights, number), start.speed) for number in range(TWINS)]
        ends = [task.train(twin, first).weights for twin in twins]
        noise = max(compare_update(start.weights, replayed.weights, end).rho for end in ends)
    return update, update.judge(noise)


def _between(one: State, other: State, share: float) -> State:
    mixed = {n: (a + np.float32(share) * (other.weights[n] - a)).astype("f") for n, a in one.weights.items()}
    return State(mixed, one.speed)


def _noisy(start: State, end: State, rng: np.random.Generator) -> State:
    """An update of the right size in a random direction."""
    made = {}
    for name, array in start.weights.items():
        size = float(np.sqrt(np.mean((end.weights[name] - array) ** 2)))
        made[name] = (array + rng.normal(0, size or 1e-6, array.shape)).astype("f")
    return State(made, end.speed)


def detecting(seen: dict[str, list[bool]]) -> list[list[str]]:
    """Rates of detection over simulated forgeries beside the formula's 95 % interval."""
    coin = random.Random(5)  # noqa: S311
    rows = []
    for kind, verdicts in seen.items():
        for share in (0.01, 0.05, 0.10):
            count = round(share * len(verdicts))
            hits = 0
            for number in range(FORGERIES):
                bad = set(coin.sample(range(len(verdicts)), count))
                drawn = challenge.draw(f"{kind}{share}{number}".encode(), len(verdicts), DRAWN)
                hits += any(segment in bad and verdicts[segment] for segment in drawn)
            expected = challenge.detection(len(verdicts), count, DRAWN)
            low, high = _interval(expected)
            rate = hits / FORGERIES
            power = sum(verdicts) / len(verdicts)
            word = "ok" if low <= rate <= high else "OUTSIDE"
            rows.append(
                [kind, f"{share:.0%}", f"{power:.1%}", f"{rate:.1%}", f"{expected:.1%}", f"{low:.1%} to {high:.1%}", word]
            )
    return rows


def _interval(rate: float) -> tuple[float, float]:
    """Where the share of FORGERIES tries falls with 95 % probability."""
    from scipy.special import bdtr  # noqa: PLC0415

    counts = np.arange(FORGERIES + 1)
    cumulative = bdtr(counts, FORGERIES, rate)
    return float(np.searchsorted(cumulative, 0.025)) / FORGERIES, float(np.searchsorted(cumulative, 0.975)) / FORGERIES


def alarms(room: Path, task: Task, states: list[State]) -> list[list[str]]:
    """Honest replays in other numeric environments: none may be accused."""
    np.savez(room / "run.npz", **trajectory.stored(states))
    rows = []
    for setting in (*KERNELS, *THREADS):
        subprocess.run([sys.executable, trajectory.__file__, str(room), str(HONEST)], env=os.environ | setting, check=True)
        replayed = trajectory.loaded(room / "replayed.npz")
        found = [_verdict(task, states[i], states[i + 1], replayed[i], i * STEPS) for i in range(HONEST)]
        accused = sum(verdict is Agreement.DIVERGED for _, verdict in found)
        asked = sum(update.asks_for_noise for update, _ in found)
        name = ", ".join(f"{key}={value}" for key, value in setting.items())
        rows.append([name, str(HONEST), f"{max(update.rho for update, _ in found):.1e}", str(asked), str(accused)])
    return rows


def chaos() -> list[list[str]]:
    """Executions that halving takes, the one that varies everything included, beside those of earlier simulations."""
    coin, rows = random.Random(1), []  # noqa: S311
    for count, known in ((1, 6.1), (2, 9.2), (3, 11.7)):
        needed = []
        for _ in range(2000):
            guilty, asked = set(coin.sample(range(11), count)), []
            isolate.culprits(range(11), lambda chosen, g=guilty, a=asked: a.append(1) or bool(set(chosen) & g))
            needed.append(len(asked) + 1)
        rows.append([str(count), f"{np.mean(needed):.1f}", str(known)])
    return rows


def command(room: Path) -> str:
    """What ``reproduce --tier segment`` takes for a real run of as many segments, beside the run alone."""
    (room / "home").mkdir(parents=True)
    repo = started(room / "run", environment(room / "home"), "stepwise")
    repo.replace("conf/base.yaml", "steps: 80", f"steps: {SEGMENTS * 10}")
    repo.commit("Train longer")
    begun = time.perf_counter()
    subprocess.run([sys.executable, "train.py"], cwd=repo.root, env=repo.env, check=True)
    bare = time.perf_counter() - begun
    repo.record()
    repo.commit("Record a run")
    begun = time.perf_counter()
    repo.auditor("reproduce", repo.manifest, "--tier", "segment", "--challenge", str(DRAWN), timeout=3600).expect(0)
    took = time.perf_counter() - begun
    said = f"the command itself on a run of {SEGMENTS} segments that takes {bare:.1f} s"
    return f"{said}: {took:.1f} s, each replay starting an interpreter in a sandbox anew"


def measuring(room: Path) -> str:
    task = Task()
    begun = time.perf_counter()
    states = task.run(SEGMENTS)
    trained = time.perf_counter() - begun
    begun = time.perf_counter()
    for segment in challenge.draw(b"cost", SEGMENTS, DRAWN + 4):
        task.train(states[segment], segment * STEPS)
    share = (time.perf_counter() - begun) / trained
    other = task.run(SEGMENTS, seed=1)
    rows = detecting(forged(task, states, other))
    honest = alarms(room, task, states)
    outside = sum(row[-1] != "ok" for row in rows)
    accused = sum(int(row[-1]) for row in honest)
    heads = ["forgery", "share", "seen when drawn", "detected", "formula", "95 % interval", ""]
    parts = [
        table(f"{FORGERIES} forgeries each of a run of {SEGMENTS} segments, {DRAWN} drawn", heads, rows),
        goal(not outside, f"detection within the formula's interval ({len(rows) - outside} of {len(rows)}):"),
        table("honest replays", ["under", "segments", "largest ρ", "twins asked", "accused"], honest),
        goal(not accused, f"honest segments accused ({accused}):"),
        table("chaos", ["culprits", "executions needed", "expected"], chaos()),
        f"replaying {DRAWN} drawn and 4 mandatory of {SEGMENTS} segments: {share:.1%} of the training's arithmetic",
        command(room / "command"),
    ]
    return "\n\n".join(parts)
