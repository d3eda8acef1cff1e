"""A run that crashes, hangs or eats memory is quarantined after two tries; everything else is graded once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from past import build, place

from auditor.history import workers
from auditor.history.examine import Unread
from auditor.history.found import Version
from auditor.history.record import Record
from auditor.history.workers import Local


@dataclass(frozen=True)
class Poisoned:
    """A grader that does what a version's path says; how often it was asked stands in ``log``."""

    log: Path

    def __call__(self):
        return self

    def close(self):
        pass

    def grade(self, version):
        with self.log.open("a") as stream:
            stream.write(f"{version.path}\n")
        match version.path.partition("-")[0]:
            case "segfault":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "exit":
                os._exit(3)
            case "endless":
                time.sleep(600)
            case "greedy":
                bytearray(workers.MEMORY + 1)
        return Unread(version=version, reason="fine")


def versions(*paths):
    return [Version(store="s", path=path, mark="m") for path in paths]


def test_poison_is_quarantined_and_nothing_else_is_lost_or_repeated(tmp_path):
    paths = [f"good-{number}" for number in range(30)]
    paths[3:3], paths[15:15], paths[20:20] = ["segfault-1"], ["exit-1"], ["endless-1"]
    log = tmp_path / "log"
    pool = Local(Poisoned(log), 2, patience=4.0)
    batch = versions(*paths, "greedy-1")
    try:
        answers = [a for part in pool.answers([tuple(batch[n : n + 8]) for n in range(0, len(batch), 8)]) for a in part]
    finally:
        pool.close()
    assert Counter(answer.version.path for answer in answers) == Counter(version.path for version in batch)
    bad = {answer.version.path: answer.reason for answer in answers if answer.quarantined}
    assert set(bad) == {"segfault-1", "exit-1", "endless-1", "greedy-1"}
    assert "SIGSEGV" in bad["segfault-1"]
    assert "exit 3" in bad["exit-1"]
    assert "did not come to an end" in bad["endless-1"]
    asked = Counter(log.read_text().split())
    assert {asked[path] for path in bad} == {workers.TRIES}
    assert {asked[path] for path in paths if path not in bad} == {1}


KILLS = int(os.environ.get("SOAK_KILLS", "2"))


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_audit_goes_on_without_repeating_or_losing_a_run(repository, signal_number):
    build(repository, 40, commits=40)
    command = [sys.executable, "-m", "auditor", "history", "audit"]
    for number in range(KILLS):
        process = subprocess.Popen(
            command, cwd=repository.root, env=repository.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        _wait_for(place(repository.root), 1 + number * 40 // KILLS // 2, process)
        process.send_signal(signal_number)
        _, said = process.communicate(timeout=60)
        assert b"Traceback" not in said
    said = repository.auditor("history", "audit").expect(0).stdout
    assert said.startswith("40 runs found")
    with Record(place(repository.root)) as record:
        assert set(Counter(judged.digest for judged in record.verdicts()).values()) == {1}
        assert record.count() == 40


def _wait_for(folder, runs, process):
    for _ in range(600):
        if process.poll() is not None:
            return
        if (folder / "history.v1.sqlite").exists():
            with Record(folder) as record:
                if record.count() >= runs:
                    return
        time.sleep(0.02)
