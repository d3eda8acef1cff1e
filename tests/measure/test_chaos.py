from __future__ import annotations

import json
import shutil

import pytest
from workbench import PROJECTS, Repo, environment

from auditor.diagnose.factors import FACTORS

NAMES = [factor.name for factor in FACTORS]


def fragile(root, *bugs, script=None, variables=None, program="python"):
    (root / "home").mkdir()
    repo = Repo(root / "repository", environment(root / "home")).init()
    shutil.copytree(PROJECTS / "fragile", repo.root, dirs_exist_ok=True)
    for name, text in (("words", "é" * 40), ("b", "b"), ("c", "c")):
        repo.write(f"data/{name}.txt", text)
    if script is not None:
        repo.write("train.py", script)
    repo.auditor("init").expect(0)
    repo.commit()
    repo.extra |= variables or {}
    outs = [word for bug in bugs for word in ("--out", f"out/{bug}.txt")]
    repo.auditor("record", "--name", "fragile", *outs, "--", program, "train.py", *bugs).expect(0)
    repo.extra.clear()
    repo.commit()
    return repo


def chaos(repo, *options, exits=(0,)):
    answer = repo.auditor("chaos", repo.manifest, "--format", "json", *options).expect(*exits)
    (result,) = answer.json()["runs"][0]["reproductions"]
    return result, {c["of"].removeprefix("factor:"): c for c in result["comparisons"]}


def test_each_of_twelve_bugs_is_named_as_the_right_factor_and_nothing_else(tmp_path):
    repo = fragile(tmp_path, *NAMES, "clean")
    result, found = chaos(repo)
    assert list(found) == NAMES
    for name in NAMES:
        assert found[name]["agreement"] == "diverged", found[name]
        assert f"changes file:out/{name}.txt;" in found[name]["note"], found[name]
    assert result["agreement"] == "diverged"


def test_a_clean_project_comes_out_clean_in_three_executions(tmp_path):
    repo = fragile(tmp_path, "clean")
    result, found = chaos(repo)
    assert {c["agreement"] for c in found.values()} == {"bitwise"}
    assert "3 executions" in result["note"]
    answer = repo.auditor("chaos", repo.manifest).expect(0)
    assert "time-zone" in answer.stdout


def test_an_address_that_decides_is_not_blamed_on_what_moves_it(tmp_path):
    _, found = chaos(fragile(tmp_path, "addresses"))
    assert [name for name in NAMES if found[name]["agreement"] == "diverged"] == ["addresses"]


def test_what_the_record_fixes_is_not_varied(tmp_path):
    repo = fragile(tmp_path, "hash-seed", variables={"PYTHONHASHSEED": "7"})
    _, found = chaos(repo)
    assert found["hash-seed"]["agreement"] == "not-exercised"
    assert "PYTHONHASHSEED" in found["hash-seed"]["note"]


WITHOUT_PYTHON = "#!/bin/sh\nmkdir -p out; echo steady > out/clean.txt\n"


def test_a_variation_that_nobody_saw_is_not_exercised(tmp_path):
    result, found = chaos(fragile(tmp_path, "clean", script=WITHOUT_PYTHON, program="sh"))
    assert {c["agreement"] for c in found.values()} == {"not-exercised"}
    assert result["agreement"] == "not-exercised"


ONE_LOCALE = """
export LC_ALL=C.UTF-8 LANG=C.UTF-8 PYTHONUTF8=1
exec python -c "import pathlib; pathlib.Path('out').mkdir(exist_ok=True); pathlib.Path('out/clean.txt').write_text('steady')"
"""


def test_a_locale_that_cannot_be_had_is_not_exercised(tmp_path):
    """Whatever is asked for, the program sees the same locale, as on a machine that has no other one."""
    _, found = chaos(fragile(tmp_path, "clean", script=ONE_LOCALE, program="sh"))
    assert found["locale"]["agreement"] == "not-exercised"
    assert "did not take effect" in found["locale"]["note"]
    assert found["hash-seed"]["agreement"] == "bitwise"


ITSELF = """
import os, pathlib
pathlib.Path("out").mkdir(exist_ok=True)
pathlib.Path("out/clean.txt").write_text(open("/proc/sys/kernel/random/uuid").read())
"""


def test_a_run_that_does_not_repeat_itself_is_told_to_find_that_first(tmp_path):
    result, found = chaos(fragile(tmp_path, "clean", script=ITSELF))
    assert {c["agreement"] for c in found.values()} == {"inconclusive"}
    assert "find that cause first" in result["note"]


TOGETHER = """
import os, pathlib
pathlib.Path("out").mkdir(exist_ok=True)
both = os.cpu_count() == 5 and os.environ.get("TZ") == "GMT-14"
pathlib.Path("out/clean.txt").write_text(str(both))
"""


def test_factors_that_act_only_together_are_found(tmp_path):
    _, found = chaos(fragile(tmp_path, "clean", script=TOGETHER))
    assert [name for name in NAMES if found[name]["agreement"] == "diverged"] == ["time-zone", "processors"]
    assert "together with processors" in found["time-zone"]["note"]


def test_a_budget_that_is_used_up_leaves_an_answer(tmp_path):
    answer = fragile(tmp_path, "clean").auditor("chaos", "runs/*.run.yaml", "--budget", "1s", "--format", "json")
    assert answer.exit in {0, 4}
    json.loads(answer.stdout)


@pytest.mark.parametrize("name", ["nowhere.run.yaml", "train.py"])
def test_a_manifest_that_is_none_is_said(tmp_path, name):
    repo = fragile(tmp_path, "clean")
    answer = repo.auditor("chaos", name)
    assert answer.exit in {1, 2, 3, 4}
    assert answer.stderr.strip()
