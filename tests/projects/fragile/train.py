"""A program with twelve bugs, each of which makes one output depend on what no output should depend on.

``python train.py NAME...`` writes ``out/NAME.txt`` for the named ones, or all of them; ``clean`` has no bug.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import sys
import time
from pathlib import Path


def hash_seed() -> object:
    return list({"alpha", "beta", "gamma", "delta", "epsilon", "zeta"})


def directory_order() -> object:
    return os.listdir("data")  # noqa: PTH208


def clock() -> object:
    return random.Random(int(time.time()) // 86400).random(), dt.datetime.now(dt.UTC).date()  # noqa: S311


def time_zone() -> object:
    return dt.datetime.fromtimestamp(1_700_000_000).hour  # noqa: DTZ006


def working_directory() -> object:
    return os.getcwd()  # noqa: PTH109


def processors() -> object:
    numbers = [0.1 * i for i in range(1000)]
    shards = os.cpu_count() or 1
    return sum(sum(numbers[i::shards]) for i in range(shards)), shards


def locale() -> object:
    with open("data/words.txt", errors="replace") as stream:  # noqa: PTH123
        return len(stream.read())


def home() -> object:
    return str(Path.home() / ".cache")


def memory() -> object:
    import numpy as np  # noqa: PLC0415

    np.ones(3000).sum()
    return float(np.nan_to_num(np.empty(4096, dtype=np.uint8).astype(float)).sum())


class Thing:
    def __init__(self, name: int) -> None:
        self.name = name


def addresses() -> object:
    return [thing.name for thing in {Thing(i) for i in range(40)}]


def entropy() -> object:
    return random.random()  # noqa: S311


def threads() -> object:
    import numpy as np  # noqa: PLC0415

    rng = np.random.default_rng(3)
    return float((rng.normal(size=(300, 700)).astype("f") @ rng.normal(size=(700, 300)).astype("f")).astype("d").sum())


def clean() -> object:
    return sorted({"alpha", "beta"}), random.Random(5).random()  # noqa: S311


ALL = (hash_seed, directory_order, clock, time_zone, working_directory, processors, locale, home, memory, addresses)
BUGS = {bug.__name__.replace("_", "-"): bug for bug in (*ALL, entropy, threads, clean)}

if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    for name in sys.argv[1:] or BUGS:
        Path(f"out/{name}.txt").write_text(f"{BUGS[name]()!r}\n", encoding="utf-8")
