"""A project's own checks: written, found, trusted as far as the policy ref, and kept from harming the report."""

from __future__ import annotations

from pathlib import Path

import pytest
from workbench import result

from auditor import testing
from auditor.catalogue.checklists import Selected, select
from auditor.catalogue.own import in_work_tree
from auditor.engine import Gathered, ask
from auditor.errors import PolicyError
from auditor.evidence.claimed import Scratch
from auditor.model.words import Outcome, Severity

CHECK = '''"""Flags a run that nobody signed with a name.

## Why it matters
Somebody has to be asked.
"""

from auditor.api import EvidenceLevel, Finding, Rule, Severity

RULE = Rule(id="governance/nameless-run", summary="A run without an author.", severity=Severity.MAJOR,
            evidence=EvidenceLevel.DECLARED, since="1")


def check(run):
    if not (run.run.purpose or "").startswith("for "):
        yield Finding(message="nobody says what the run is for", pointer="/run", fix="write run.purpose")
'''
FOLDER = "audit/checks"
PLACE = f"{FOLDER}/governance/nameless_run.py"


@pytest.fixture
def scratch():
    made = Scratch()
    yield made
    made.close()


def load(root: Path, scratch: Scratch, body: str, place: str = PLACE):
    file = root / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(body, encoding="utf-8")
    return in_work_tree(root, [FOLDER], scratch)


def body(code: str) -> str:
    return CHECK.partition("def check")[0] + code


def answer(checks):
    (check,) = checks.values()
    return ask([Selected(check=check, severity=Severity.MAJOR)], Gathered({"run": lambda: None}))[0]


def test_five_steps(project, tmp_path):
    # 1. Write the check, with a docstring that is its manual page.
    repo = project(stage="merged")
    repo.checkout("main")
    repo.write(PLACE, CHECK)
    # 2. Try it on a case.
    case = tmp_path / "failed.yaml"
    case.write_text("about: Nobody says what the run is for.\nfindings: [/run]\n", encoding="utf-8")
    scratch = Scratch()
    (check,) = in_work_tree(repo.root, [FOLDER], scratch).values()
    written, expected = testing.load(case)
    (tmp_path / "case").mkdir()
    assert testing.run(written, check, tmp_path / "case").outcome is expected
    scratch.close()
    # 3. Name its folder in the policy.
    repo.policy(lambda policy: policy.update(checks=[FOLDER]))
    # 4. Look: it is listed, explained, and asked.
    assert "governance/nameless-run" in repo.auditor("checks").expect(0).stdout
    assert "Somebody has to be asked." in repo.auditor("explain", "governance/nameless-run").expect(0).stdout
    assert result(repo.auditor("check", "--format", "json").json(), "governance/nameless-run")["outcome"] == "failed"
    # 5. Merge it: from now on every change is asked.
    repo.commit("Ask what runs are for")
    repo.branch("later")
    repo.record("--name", "second")
    repo.commit("Record another run")
    report = repo.gate().json()
    found = result(report, "governance/nameless-run")
    assert (report["verdict"], found["outcome"], found["severity"]) == ("blocked", "failed", "major")


def test_change_can_neither_add_nor_soften_a_check_for_itself(project):
    repo = project(stage="started")
    repo.checkout("main")
    repo.write(PLACE, CHECK)
    repo.policy(lambda policy: policy.update(checks=[FOLDER]))
    repo.commit("Ask what runs are for")
    repo.branch("soften")
    marker = repo.root / "ran"
    repo.write(PLACE, body(f"open({str(marker)!r}, 'w').close()\ndef check(run):\n    yield from ()\n"))
    repo.write("own/data/new_defect.py", f"open({str(marker)!r}, 'w').close()\n")
    repo.policy(lambda policy: policy.update(checks=[FOLDER, "own"], severities={"data/new-defect": "major"}))
    repo.commit("Ask less")
    repo.record()
    repo.commit("Record a run")
    report = repo.gate().json()
    assert result(report, "governance/nameless-run")["outcome"] == "failed"
    softened = result(report, "governance/loosened-policy")
    assert PLACE in {finding["file"] for finding in softened["findings"]}
    assert not marker.exists()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import nothing_of_that_name\n", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("raise ValueError('no good')\n", "ValueError: no good"),
        ("raise SystemExit(0)\n", "SystemExit: 0"),
        ("def check(:\n", "SyntaxError"),
        ("", "a check needs RULE"),
        (CHECK.replace("governance/nameless-run", "data/other-name"), "its place says governance/nameless-run"),
        (CHECK.replace("def check(run)", "def check(world)"), "asks for world, which is no evidence"),
        (CHECK.partition('"""\n\nfrom')[2].join(["from", ""]), "has no docstring"),
    ],
    ids=["import", "raise", "exit", "syntax", "empty", "misplaced", "unknown-evidence", "no-docstring"],
)
def test_file_that_is_no_check_is_named_with_the_reason(tmp_path, scratch, code, words):
    with pytest.raises(PolicyError) as caught:
        load(tmp_path, scratch, code)
    assert PLACE in caught.value.message
    assert words in caught.value.message


@pytest.mark.parametrize("place", ["loose.py", "data/one.py", "Data/two_words.py", "a/b/two_words.py", "data/with_2.py"])
def test_file_at_an_odd_place_is_refused(tmp_path, scratch, place):
    with pytest.raises(PolicyError, match="not where a check can be"):
        load(tmp_path, scratch, CHECK, f"{FOLDER}/{place}")


def test_check_of_ours_is_not_replaced(tmp_path, scratch):
    with pytest.raises(PolicyError, match="a check called data/changed-dataset already"):
        load(
            tmp_path,
            scratch,
            CHECK.replace("governance/nameless-run", "data/changed-dataset"),
            f"{FOLDER}/data/changed_dataset.py",
        )


def test_folder_without_checks_is_not_success(tmp_path, scratch):
    with pytest.raises(PolicyError, match=r"the folder audit/checks has no check"):
        load(tmp_path, scratch, "", f"{FOLDER}/data/_helper.py")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def check(run):\n    raise ValueError('inside')\n    yield\n", "ValueError: inside"),
        ("def check(run):\n    raise SystemExit(0)\n    yield\n", "tried to end the program (SystemExit)"),
        ("def check(run):\n    exit()\n", "tried to end the program"),
        ("def check(run):\n    return None\n", "TypeError"),
        ("def check(run):\n    yield 'a word'\n", "this one yielded str"),
        ("def check(run):\n    yield None\n", "this one yielded NoneType"),
        ("def check(run):\n    def again(): again()\n    again()\n    yield\n", "RecursionError"),
    ],
)
def test_check_that_fails_is_crashed_and_ends_nothing(tmp_path, scratch, code, words):
    found = answer(load(tmp_path, scratch, body(code)))
    assert found.outcome is Outcome.CRASHED
    assert words in found.reason


def test_what_a_check_prints_stays_out_of_the_report(tmp_path, scratch, capsys):
    code = "print('at import')\ndef check(run):\n    print('asked')\n    yield from ()\n    print('done')\n"
    assert answer(load(tmp_path, scratch, body(code))).outcome is Outcome.PASSED
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.split("\n")[:3] == ["at import", "asked", "done"]


def test_own_checks_are_on_every_checklist_and_weigh_what_the_policy_says(tmp_path, scratch):
    own = load(tmp_path, scratch, CHECK)
    for name in ("standard", "strict", "governance"):
        chosen = {s.check.rule.id: s.severity for s in select(name, {"governance/nameless-run": Severity.INFO}, own)}
        assert chosen["governance/nameless-run"] is Severity.INFO
    assert "governance/nameless-run" not in {s.check.rule.id for s in select("data", None, own)}


def test_dataclasses_and_our_internals_can_be_used(tmp_path, scratch):
    code = "from __future__ import annotations\n"
    text = body(
        "from dataclasses import dataclass\nimport auditor.engine\n\n@dataclass(frozen=True)\nclass A:\n    x: int = 1\n\n"
        "def check(run):\n    assert A().x == 1\n    yield from ()\n"
    ).replace("from auditor.api", f"{code}from auditor.api", 1)
    assert answer(load(tmp_path, scratch, text)).outcome is Outcome.PASSED
