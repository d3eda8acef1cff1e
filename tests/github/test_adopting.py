"""What ``auditor init --ci github`` writes, and this repository's own workflows, under the linters of the trade."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ACTION = f"octo/auditor@{'a' * 40}"
WORKFLOWS = ("audit-request.yml", "audit.yml", "audit-after.yml")


def tool(name: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / name
    return subprocess.run([str(program), *arguments], cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture
def adopted(repository):
    """An empty repository that was given the guard."""
    repository.auditor("init", "--ci", "github", "--action", ACTION).expect(0)
    return repository


@pytest.fixture(params=["adopted", "own"])
def folder(request):
    """Everything of this kind that we write."""
    return ROOT if request.param == "own" else request.getfixturevalue("adopted").root


def test_it_writes_policy_and_workflows_and_says_what_is_next(adopted):
    assert adopted.git("status", "--short", "-uall").split("\n") == [
        "?? .github/workflows/audit-after.yml",
        "?? .github/workflows/audit-request.yml",
        "?? .github/workflows/audit.yml",
        "?? auditor.yaml",
    ]
    guard = adopted.read(".github/workflows/audit.yml")
    assert guard.count(f"uses: {ACTION}\n") == 4
    for line in guard.splitlines():
        if "uses:" in line:
            assert len(line.partition("@")[2].split(" ")[0]) == 40, line


def test_it_overwrites_nothing_unless_forced(adopted):
    adopted.write("auditor.yaml", "schema: auditor/policy/v1\n")
    adopted.auditor("init", "--ci", "github", "--action", ACTION).expect(2)
    adopted.git("rm", "-q", "-f", "--cached", "--ignore-unmatch", "x")
    for name in WORKFLOWS:
        (adopted.root / ".github/workflows" / name).unlink()
    answer = adopted.auditor("init", "--ci", "github", "--action", ACTION).expect(0)
    assert "auditor.yaml," not in answer.stdout
    assert adopted.read("auditor.yaml") == "schema: auditor/policy/v1\n"
    adopted.auditor("init", "--ci", "github", "--action", ACTION, "--force").expect(0)
    assert len(adopted.read("auditor.yaml")) > 1000


@pytest.mark.parametrize(
    "action", ["octo/auditor@v1", "octo/auditor", "octo/auditor@abc", f"../x@{'a' * 40}", f"x@{'a' * 40}"]
)
def test_an_action_that_can_be_moved_is_refused(repository, action):
    repository.auditor("init", "--ci", "github", "--action", action).expect(2)
    assert not (repository.root / ".github").exists()


def test_ci_and_action_go_together(repository):
    repository.auditor("init", "--ci", "github").expect(2)
    repository.auditor("init", "--action", ACTION).expect(2)


def test_zizmor_finds_nothing(folder):
    done = tool("zizmor", "--offline", "--no-progress", "--persona", "pedantic", "--format", "json", ".", cwd=folder)
    found = [f"{one['ident']}: {one['locations'][0]['symbolic']['key']}" for one in json.loads(done.stdout or "[]")]
    assert found == [], done.stdout + done.stderr


def test_the_guard_s_trigger_is_the_one_thing_that_zizmor_is_told_to_ignore(folder):
    allowed = "[self-repository]" if folder == ROOT else "[dangerous-triggers]"
    said = [
        line.partition("zizmor: ignore")[2]
        for path in (folder / ".github").rglob("*.yml")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "zizmor: ignore" in line
    ]
    assert all(line.startswith(allowed) and len(line) > 60 for line in said), said
    assert len(said) <= 1


def test_actionlint_finds_nothing(folder):
    files = sorted(str(path) for path in (folder / ".github/workflows").glob("*.yml"))
    done = tool("actionlint", *files, cwd=folder)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_the_schemas_of_github_are_kept(folder):
    files = sorted(str(path) for path in (folder / ".github/workflows").glob("*.yml"))
    done = tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    done = tool("check-jsonschema", "--builtin-schema", "vendor.github-actions", str(ROOT / "action.yml"), cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_jobs_that_run_nothing_of_the_change_may_write(adopted):
    guard = yaml.safe_load(adopted.read(".github/workflows/audit.yml"))
    assert guard["permissions"] == {}
    rights = {name: job["permissions"] for name, job in guard["jobs"].items()}
    assert rights["execute"] == {"contents": "read"}
    # what may write to the repository reads nothing that anybody could have forged
    writers = [name for name, right in rights.items() if right.get("contents") == "write"]
    assert writers == ["keep"]
    assert rights["keep"] == {"contents": "write"}
    (given,) = [step["with"] for step in guard["jobs"]["keep"]["steps"] if step.get("uses") == ACTION]
    assert given == {"part": "keep", "plan": "${{ needs.plan.outputs.plan }}", "token": "${{ github.token }}"}
    text = adopted.read(".github/workflows/audit.yml")
    assert "actions/checkout" not in text
    assert "secrets." not in text
    assert "cache" not in text.replace("a cache", "")


def test_no_input_is_put_into_a_shell_line():
    for step in yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
