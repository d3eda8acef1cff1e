"""A pool of two processes prepares the data, and temporary files lie where the machine has them."""

from __future__ import annotations

START = "started"


def apply(repo):
    repo.replace(
        "train.py",
        "import json\n",
        "import json\nimport multiprocessing\nimport tempfile\n",
    )
    work = (
        "    with multiprocessing.Pool(2) as pool, tempfile.TemporaryDirectory() as folder:\n"
        '        sums = Path(folder) / "sums"\n'
        '        sums.write_text(str(pool.map(sum, x[:4].tolist())), encoding="utf-8")\n'
    )
    repo.replace("train.py", "    loss = 0.0\n", f"{work}    loss = 0.0\n")
    repo.commit("Change the program")
    repo.record()
    repo.commit("Record a run")
