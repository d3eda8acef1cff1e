"""The program asks git for its commit and the machine for the user's name, as trackers do."""

from __future__ import annotations

START = "started"


def apply(repo):
    repo.replace(
        "train.py", "import json\n", "import getpass\nimport json\nimport subprocess\nimport tempfile\nimport zoneinfo\n"
    )
    questions = (
        "def main() -> None:\n"
        '    commit = subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout\n'
        '    with tempfile.TemporaryFile() as scratch:\n        scratch.write(b"x")\n'
        '    print("run by", getpass.getuser(), "at", commit.strip())\n'
        '    print(zoneinfo.ZoneInfo("Europe/Berlin"), Path.home().exists())\n'
    )
    repo.replace("train.py", "def main() -> None:\n", questions)
    repo.commit("Say who and what")
    repo.record()
    repo.commit("Record a run")
