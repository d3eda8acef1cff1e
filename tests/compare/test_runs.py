"""Sets of runs: what the command says of folders of manifests and of tables with a row per run."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from auditor.cli.compare import command
from auditor.errors import AuditorError

REFERENCES = [0.930, 0.926, 0.934, 0.929, 0.931]
RCP = [16, 14, 16, 17, 16, 16, 15, 16, 15, 16]


def table(path, **columns):
    rows = zip(*columns.values(), strict=True)
    path.write_text("\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def runs(folder, figures):
    folder.mkdir()
    for number, figure in enumerate(figures):
        run = {"schema": "auditor/run-manifest/v1", "run": {"id": f"r{number}", "status": "succeeded"}}
        (folder / f"{number}.run.json").write_text(json.dumps(run | {"metrics": [{"name": "accuracy", "value": figure}]}))
    return folder


def ask(*arguments):
    result = CliRunner().invoke(command, [*map(str, arguments), "--format", "json"])
    if isinstance(result.exception, AuditorError):
        return result.exception.exit, result.exception.message
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    found = json.loads(result.output)
    return result.exit_code, {one["of"].removeprefix("metric:"): one for one in found["comparisons"]}


def test_one_new_run_against_a_folder_of_manifests(tmp_path):
    known = runs(tmp_path / "known", REFERENCES)
    code, found = ask(known, runs(tmp_path / "near", [0.927]), "--test", "interval")
    assert (code, found["accuracy"]["agreement"]) == (0, "statistically-consistent")
    assert found["accuracy"]["note"].startswith("consistent: prediction interval, 0.927 against 0.93")
    assert found["accuracy"]["detectable"] > 0
    code, found = ask(known, runs(tmp_path / "far", [0.910]), "--test", "interval")
    assert (code, found["accuracy"]["agreement"]) == (1, "diverged")
    code, _ = ask(known, tmp_path / "far", "--test", "interval", "--better", "lower")
    assert code == 0
    code, found = ask(known, tmp_path / "near", "--test", "interval", "--margin", "0.001")
    assert (code, found["accuracy"]["agreement"]) == (4, "inconclusive")


def test_only_two_one_sided_tests_say_equivalent(tmp_path):
    known = table(tmp_path / "a.csv", name=[f"run{n}" for n in range(8)], loss=[1 + n % 3 * 0.01 for n in range(8)])
    new = table(tmp_path / "b.csv", name=[f"run{n}" for n in range(8)], loss=[1.001 + n % 3 * 0.01 for n in range(8)])
    code, found = ask(known, new, "--test", "equivalence", "--margin", "0.05")
    assert (code, found["loss"]["agreement"]) == (0, "statistically-consistent")
    assert found["loss"]["note"].startswith("equivalent: two one-sided tests")
    assert list(found) == ["loss"]
    code, found = ask(known, new, "--test", "equivalence", "--margin", "0.002")
    assert code == 4
    assert "equivalent" not in found["loss"]["note"]
    assert "equivalent" not in ask(known, new, "--test", "interval")[1]["loss"]["note"]


def test_the_best_of_many_seeds_is_no_typical_run(tmp_path):
    others = table(tmp_path / "a.csv", accuracy=REFERENCES * 4)
    picked = table(tmp_path / "b.csv", accuracy=[0.950])
    code, found = ask(others, picked, "--test", "seeds", "--better", "higher")
    assert (code, found["accuracy"]["agreement"]) == (1, "diverged")
    assert "cherry-picked seed" in found["accuracy"]["note"]
    code, _ = ask(others, table(tmp_path / "c.csv", accuracy=[0.932]), "--test", "seeds", "--better", "higher")
    assert code == 0
    code, found = ask(others, table(tmp_path / "d.csv", accuracy=[0.93, 0.93]), "--test", "seeds", "--better", "higher")
    assert (code, found["accuracy"]["note"]) == (4, "the claim is one run, here are 2")


@pytest.mark.parametrize(
    ("test", "submission", "code"),
    [
        ("rcp-rules", [15, 15, 15, 16, 16], 0),
        ("rcp-rules", [15, 15, 15, 15, 16], 1),
        ("rcp-checker", [15, 15, 15, 15, 16], 0),
        ("rcp-rules", [15, 15, 15, 16, ""], 0),
        ("rcp-rules", [15, 15, 16, "", ""], 1),
    ],
)
def test_the_golden_reference_convergence_point(tmp_path, test, submission, code):
    """The rules allow a mean of 15.2126 at least, the checker a smaller one; one run may fail to converge."""
    files = table(tmp_path / "a.csv", epochs=RCP), table(tmp_path / "b.csv", epochs=submission, x=range(5))
    assert ask(*files, "--test", test, "--metric", "epochs")[0] == code


def test_many_metrics_share_the_level(tmp_path):
    """0.0098 off is beyond the interval of one metric and within that of ten."""
    alone = {"a": REFERENCES}
    many = alone | {f"other{n}": REFERENCES for n in range(9)}
    shifted = {name: [0.9202] if name == "a" else [0.93] for name in many}
    known, new = table(tmp_path / "k.csv", **many), table(tmp_path / "n.csv", **shifted)
    assert ask(known, new, "--test", "interval", "--metric", "a")[0] == 1
    assert ask(known, new, "--test", "interval")[0] == 0


def test_a_run_without_the_figure_decides_nothing(tmp_path):
    known = table(tmp_path / "a.csv", accuracy=[*REFERENCES, ""], seed=range(6))
    code, found = ask(known, table(tmp_path / "b.csv", accuracy=[0.93]), "--test", "interval", "--metric", "accuracy")
    assert code == 4
    assert "without this figure" in found["accuracy"]["note"]


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--test", "equivalence"], 2, "needs --margin"),
        (["--test", "seeds"], 2, "needs --better"),
        (["--test", "interval", "--alpha", "0.6"], 2, "level of significance"),
        (["--test", "interval", "--margin", "-1"], 2, "finite number above 0"),
        (["--test", "interval", "--rtol", "1"], 2, "--rtol does not go with --test"),
        (["--test", "interval", "--metric", "nothing"], 3, "no metric nothing"),
        (["--margin", "1"], 2, "belong to --test"),
    ],
)
def test_questions_that_cannot_be_asked(tmp_path, options, code, words):
    files = table(tmp_path / "a.csv", accuracy=REFERENCES), table(tmp_path / "b.csv", accuracy=[0.93])
    found = ask(*files, *options)
    assert found[0] == code
    assert words in found[1]


def test_a_folder_without_manifests(tmp_path):
    assert ask(tmp_path, tmp_path, "--test", "interval")[0] == 3
