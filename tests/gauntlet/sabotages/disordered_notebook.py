"""The notebook that was run had its cells executed from the bottom up, under rules that forbid it."""

from __future__ import annotations

import json

from forgery import rule

CAUGHT_BY = ("code/out-of-order-notebook",)
START = "started"


def apply(repo):
    rule(repo, severities={"code/out-of-order-notebook": "major"})
    head, _, tail = repo.read("train.py").partition("def main")
    cells = [
        {"cell_type": "code", "execution_count": count, "metadata": {}, "outputs": [], "source": source}
        for count, source in ((7, head), (2, f"def main{tail}"))
    ]
    book = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    repo.write("train.ipynb", json.dumps(book, indent=1) + "\n")
    repo.write(
        "train.py",
        "import json\nfrom pathlib import Path\n\n"
        'for cell in json.loads(Path("train.ipynb").read_text(encoding="utf-8"))["cells"]:\n'
        '    exec(cell["source"])\n',
    )
    repo.commit("Train in a notebook")
    repo.record()
    repo.commit("Record a run")
