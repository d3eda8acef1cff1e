"""``pytest --auditor`` in somebody else's repository: an item for each check, red exactly where ``auditor check`` is."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from workbench import OUTCOMES, wrong_metric

ROOT = Path(__file__).resolve().parents[2]
TEST = """
import pytest


def test_it_runs_again(reproduces):
    assert reproduces(MANIFEST, isolation="none") == "bitwise"


def test_what_is_not_there_does_not_reproduce(reproduces):
    with pytest.raises(pytest.fail.Exception, match="matches no file"):
        reproduces("runs/nothing.run.yaml")
"""


@pytest.fixture
def foreign(project):
    """A recorded run whose repository has tests of its own, elsewhere than its runs."""
    repo = project("logistic")
    repo.write("tests/test_own.py", "def test_own():\n    pass\n")
    repo.write("pytest.ini", "[pytest]\ntestpaths = tests\nfilterwarnings = error\n")
    return repo


def pytest_in(repo, *arguments):
    """The exit code of pytest there, and what it prints. The plugin is named, as it is where autoloading is switched off."""
    command = [sys.executable, "-m", "pytest", "-p", "auditor.pytest_plugin", "-p", "no:cacheprovider", *arguments]
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        command, cwd=repo.root, env=repo.env | alone, capture_output=True, encoding="utf-8", timeout=240, check=False
    )
    return done.returncode, done.stdout + done.stderr


def outcomes(output):
    """How many items had each outcome of pytest, and how many checks each of ours."""
    items = Counter(re.findall(r"::\S+ (PASSED|FAILED|SKIPPED|ERROR)", output))
    counted = ", ".join(rf"(\d+) {outcome}" for outcome in OUTCOMES)
    said = re.search(f"^{counted}$", output, re.MULTILINE)
    return items, dict(zip(OUTCOMES, map(int, said.groups()), strict=True)) if said else None


def test_every_check_of_every_manifest_is_an_item_with_the_engines_outcome(foreign):
    report = foreign.auditor("check", "--format", "json").expect(0).json()
    code, output = pytest_in(foreign, "--auditor", "-v", "-rs")
    assert code == 0, output
    (run,) = report["runs"]
    for result in run["results"]:
        assert f"{foreign.manifest}::{result['check']} " in output
    items, said = outcomes(output)
    assert said == report["counts"]
    assert items["PASSED"] == report["counts"]["passed"] + 1, "and the repository's own test"
    assert items["SKIPPED"] == len(run["results"]) - report["counts"]["passed"]
    skipped = next(result for result in run["results"] if result["outcome"] == "not-applicable")
    assert f"{skipped['check']}: not-applicable: {skipped['reason'][:30]}" in output


def test_without_being_asked_it_does_nothing(foreign):
    code, output = pytest_in(foreign, "-v")
    assert (code, outcomes(output)) == (0, ({"PASSED": 1}, None)), output
    program = (
        "import sys; before = set(sys.modules); import auditor.pytest_plugin; new = set(sys.modules) - before; "
        "assert not [name for name in new if name.split('.')[0] in {'numpy', 'click', 'rich', 'msgspec', 'yaml'}], new; "
        "assert sorted(name for name in new if name.startswith('auditor')) == ['auditor', 'auditor.pytest_plugin'], new"
    )
    subprocess.run([sys.executable, "-c", f"import pytest; {program}"], check=True, cwd=ROOT)


def test_a_blocker_fails_with_its_findings_and_without_a_traceback(foreign):
    foreign.edit(wrong_metric)
    code, output = pytest_in(foreign, "--auditor", "-v")
    assert code == 1, output
    assert re.search(r"::metrics/wrong-metric FAILED", output)
    assert re.search(rf"{re.escape(foreign.manifest)}:\d+: .*0\.999", output), output
    assert "  fix: " in output
    assert "pytest_plugin.py" not in output
    report = foreign.auditor("check", "--format", "json").expect(1).json()
    assert outcomes(output)[1] == report["counts"]


@pytest.mark.parametrize(("severity", "word", "code"), [("major", "FAILED", 1), ("minor", "SKIPPED", 0)])
def test_what_is_not_decided_is_red_where_it_counts(foreign, severity, word, code):
    foreign.policy(lambda policy: policy.update(severities={"environment/unlocked-environment": severity}))
    foreign.auditor("check").expect(4 if code else 0)
    done, output = pytest_in(foreign, "--auditor", "-v", "-rs")
    assert done == code, output
    assert f"::environment/unlocked-environment {word}" in output
    assert re.search(rf"inconclusive.*\({severity}\)", output), output


def test_an_unreadable_manifest_is_red_once(foreign):
    foreign.write("runs/broken.run.yaml", "run: [\n")
    code, output = pytest_in(foreign, "--auditor", "-v", "runs/broken.run.yaml")
    assert code == 1
    items, said = outcomes(output)
    assert items["FAILED"] == 1
    assert said["failed"] == 1
    assert not items["PASSED"]


def test_one_check_can_be_asked_by_its_name_and_none_is_no_success(foreign):
    code, output = pytest_in(foreign, "--auditor", "-v", f"{foreign.manifest}::metrics/wrong-metric")
    assert (code, outcomes(output)[0]) == (0, {"PASSED": 1}), output
    code, output = pytest_in(foreign, "--auditor", "tests")
    assert code == 4
    assert "none of the given paths is a manifest" in output


def test_a_repository_without_runs_and_an_invalid_policy_are_errors(repository):
    code, output = pytest_in(repository, "--auditor")
    assert code == 4
    assert "no manifest matches runs/**/*.run.yaml" in output
    repository.write("auditor.yaml", "schema: auditor/policy/v1\nno-such-key: 1\n")
    code, output = pytest_in(repository, "--auditor")
    assert code == 4
    assert "no-such-key" in output
    assert "Traceback" not in output


def test_reproduces_executes_the_run_and_says_how_it_agrees(foreign):
    foreign.write("tests/test_run.py", TEST.replace("MANIFEST", repr(foreign.manifest)))
    code, output = pytest_in(foreign, "-v", "tests/test_run.py")
    assert code == 0, output


def test_reproduces_fails_with_the_report_where_the_run_diverges(foreign):
    foreign.edit(wrong_metric)
    foreign.write("tests/test_run.py", TEST.replace("MANIFEST", repr(foreign.manifest)))
    code, output = pytest_in(foreign, "-v", "tests/test_run.py::test_it_runs_again")
    assert code == 1, output
    assert f"{foreign.manifest} does not reproduce: diverged" in output
    assert "metrics/wrong-metric" in output


def test_pytest_finds_it_by_itself_once_installed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"auditor": "auditor.pytest_plugin"}
