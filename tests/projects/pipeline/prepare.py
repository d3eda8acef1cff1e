"""Splits the raw table into train and test, by a seed of its own."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import yaml


def main() -> None:
    settings = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["prepare"]
    with Path("data/raw.csv").open(newline="", encoding="utf-8") as stream:
        head, *rows = csv.reader(stream)
    random.Random(settings["split_seed"]).shuffle(rows)  # noqa: S311  (a split, no secret)
    cut = int(len(rows) * settings["fraction"])
    for name, part in (("train", rows[:cut]), ("test", rows[cut:])):
        path = Path("work", f"{name}.csv")
        path.parent.mkdir(exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream, lineterminator="\n").writerows([head, *part])


if __name__ == "__main__":
    main()
