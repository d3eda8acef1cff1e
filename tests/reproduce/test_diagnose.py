from __future__ import annotations

from pathlib import Path

import pytest

from auditor.model.run import Environment, Run, RunInfo
from auditor.model.words import Agreement, Isolation
from auditor.reproduce.diagnose import diagnose, readable
from auditor.reproduce.sandbox import Execution

WORK = Path("/work-of-a-run")
DIVERGED, UNSURE = Agreement.DIVERGED, Agreement.INCONCLUSIVE


def said(stderr="", *, status=1, timed_out=False, repository=Path("/nowhere")):
    run = Run(
        schema="x",
        run=RunInfo(id="r", status="succeeded"),
        environment=Environment(packages={"xgboost": "3.2.0"}),
    )
    execution = Execution(
        exit=status,
        timed_out=timed_out,
        seconds=3.0,
        stdout_tail="",
        stderr_tail=stderr,
        isolation=Isolation.BWRAP,
    )
    found = diagnose(execution, run, work=WORK, repository=repository)
    return found.agreement, found.note


@pytest.mark.parametrize(
    ("stderr", "agreement", "words"),
    [
        ("FileNotFoundError: [Errno 2] No such file or directory: 'a/b.csv'", DIVERGED, "--data b=a/b.csv"),
        (f"FileNotFoundError: [Errno 2] No such file or directory: '{WORK}/b.csv'", DIVERGED, "--data b=b.csv"),
        ("ModuleNotFoundError: No module named 'xgboost'", UNSURE, "xgboost==3.2.0"),
        ("urllib.error.URLError: <urlopen error [Errno -3] Temporary failure in name resolution>", DIVERGED, "network"),
        ("OSError: [Errno 101] Network is unreachable", DIVERGED, "network"),
        ("PermissionError: [Errno 13] Permission denied: '/etc/x'", DIVERGED, "(/etc/x)"),
        ("OSError: [Errno 30] Read-only file system: 'data/x.csv'", DIVERGED, "(data/x.csv)"),
        ("setpriv: failed to execute foo: No such file or directory", UNSURE, "program foo"),
        ("bwrap: execvp foo: No such file or directory", UNSURE, "program foo"),
        ("ImportError: libgomp.so.1: cannot open shared object file: No such file", UNSURE, "libgomp.so.1"),
        ("numpy.core._exceptions.MemoryError: Unable to allocate 3 TiB", UNSURE, "memory"),
        ("ValueError: too bad", DIVERGED, "ValueError: too bad"),
        ("", DIVERGED, "it printed nothing"),
    ],
)
def test_a_failure_is_named_with_what_helps(stderr, agreement, words):
    found, note = said(stderr)
    assert (found, words in note) == (agreement, True), note


def test_a_time_limit_or_a_kill_is_no_divergence():
    assert said(timed_out=True)[0] is UNSURE
    assert said(status=-9)[0] is UNSURE
    assert said(status=137)[0] is UNSURE


def test_a_module_of_the_working_tree_that_was_not_committed_is_the_records_lack(tmp_path):
    (tmp_path / "helpers.py").write_text("")
    found, note = said("ModuleNotFoundError: No module named 'helpers'", repository=tmp_path)
    assert (found, "not in the recorded commit" in note) == (DIVERGED, True)


def test_text_of_a_run_cannot_steer_a_terminal():
    assert readable("a\x1b[31m\r\nb\x00" + "c" * 1000).startswith("a [31m b c")
    assert len(readable("c" * 1000)) == 300
