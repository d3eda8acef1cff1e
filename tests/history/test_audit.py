"""Every run of a history is graded once, also the second time, and whatever happens to single ones."""

from __future__ import annotations

import json

import pytest
from past import build, claims, model, place, table, text_of

from auditor.history.audit import Asked, audit
from auditor.history.record import Record


def look(repo, *named, **options):
    return audit(Asked(start=repo.root, named=named or (".",), processes=1, **options))


def known(repo):
    with Record(place(repo.root)) as record:
        return {judged.id: judged for judged in record.all_latest()}


@pytest.fixture
def past(repository):
    return build(repository, 12, commits=30)


def test_every_version_in_the_history_is_graded_once_and_the_second_pass_grades_nothing(past):
    first = look(past)
    assert (first.found, first.graded, first.left) == (12, 12, 0)
    before = known(past)
    assert sorted(before) == [f"run-{number:06}" for number in range(12)]
    assert {judged.state for judged in before.values()} == {"read"}
    second = look(past)
    assert (second.found, second.graded) == (12, 0)
    assert known(past) == before
    assert second.grades == first.grades


def test_an_edited_manifest_is_another_run_and_a_moved_one_is_the_same(past):
    look(past)
    past.git("mv", "runs/000/000000.run.yaml", "runs/000/moved.run.yaml")
    past.replace("runs/000/000003.run.yaml", "status: succeeded", "status: failed")
    past.commit()
    again = look(past)
    assert (again.found, again.graded) == (13, 1)


def test_a_manifest_of_the_working_tree_counts(past):
    look(past)
    past.write("runs/new.run.json", text_of(claims(99), "json"))
    again = look(past)
    assert again.graded == 1
    assert "run-000099" in known(past)


def test_a_run_that_two_stores_hold_is_one_run(past, tmp_path):
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    for path in (past.root / "runs" / "000").iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    (copy / "other.run.json").write_bytes(text_of(claims(77), "json"))
    done = look(past, ".", str(copy))
    assert (done.found, done.graded) == (13, 13)
    with Record(place(past.root)) as record:
        run = known(past)["run-000000"]
        assert {version.store for version in record.places(run.digest)} == {"git", copy.as_uri()}


def test_what_cannot_be_read_is_graded_and_blocks_nothing(past):
    past.write("runs/broken.run.yaml", "a: b: c\n")
    past.write("runs/later.run.json", json.dumps({"schema": "auditor/run-manifest/v9", "what": ["ever"]}))
    past.commit()
    done = look(past)
    assert done.graded == 14
    with Record(place(past.root)) as record:
        states = {judged.manifest: (judged.state, judged.today) for judged in record.all_latest()}
        later = next(judged for judged in record.all_latest() if judged.state == "newer")
        (result,) = record.results(later.results)
    assert states["runs/broken.run.yaml"] == ("unreadable", "blocked")
    assert states["runs/later.run.json"] == ("newer", "undecided")
    assert result.outcome == "inconclusive"
    assert "v9 is newer" in result.reason


def test_a_run_that_vanishes_from_all_stores_is_lost_and_comes_back(past):
    past.write("runs/loose.run.json", text_of(claims(50), "json"))
    look(past)
    (past.root / "runs/loose.run.json").unlink()
    gone = look(past)
    (regression,) = gone.regressions
    assert known(past)["run-000050"].state == "lost"
    assert "artifacts/lost" in regression.causes[0]
    assert look(past).graded == 0
    past.write("runs/loose.run.json", text_of(claims(50), "json"))
    assert look(past).graded == 1
    assert known(past)["run-000050"].state == "read"


def test_bytes_that_change_outside_git_are_noticed_and_named(repository):
    value = claims(1)
    repository.write("train.py", "pass\n")
    repository.write(".gitignore", "data/\nout/\n")
    commit = repository.commit()
    value["code"] = {"commit": commit, "entrypoint": ["python", "train.py"]}
    del value["configuration"], value["observed"]
    repository.write("data/1.csv", table(1))
    repository.write("out/000001.bin", model(1))
    repository.write("runs/one.run.json", text_of(value, "json"))
    repository.commit()
    assert look(repository).grades == {"open": 1}
    assert look(repository).graded == 0
    repository.write("data/1.csv", "id,x,label\n1,2,3\n")
    again = look(repository)
    (regression,) = again.regressions
    assert again.grades == {"blocked": 1}
    assert "data/1.csv" in " ".join(regression.causes)
    repository.write("data/1.csv", table(1))
    (recovered,) = look(repository).regressions
    assert recovered.recovered


def test_the_index_is_a_cache_and_the_record_is_not(past):
    first = look(past)
    for file in place(past.root).glob("history-index*"):
        file.unlink()
    again = look(past)
    assert (again.graded, again.grades) == (12, first.grades)
    with Record(place(past.root)) as record:
        assert len(list(record.verdicts())) == 12, "the same verdict is not repeated"
        with pytest.raises(Exception, match="never rewritten"):
            record._data.execute("DELETE FROM verdicts")


def test_a_damaged_index_is_forgotten(past):
    look(past)
    for file in place(past.root).glob("history-index*"):
        file.unlink()
    (place(past.root) / "history-index.v1.sqlite").write_bytes(b"no data base" * 1000)
    assert look(past).graded == 12


def test_paranoid_grades_everything_again(past):
    look(past)
    assert look(past, paranoid=True).graded == 12


def test_rules_that_change_grade_again_and_stand_side_by_side(past):
    past.write("auditor.yaml", "schema: auditor/policy/v1\n")
    past.commit()
    past.write("runs/late.run.json", text_of(claims(60), "json"))
    past.commit()
    look(past)
    assert known(past)["run-000060"].then == "blocked"  # its data and code are nowhere
    past.write("auditor.yaml", "schema: auditor/policy/v1\ngates:\n  history: {checklist: schema}\n")
    past.commit()
    look(past)
    late = known(past)["run-000060"]
    assert (late.then, late.today) == ("blocked", "open")


def test_a_budget_names_what_it_left_out_and_the_next_audit_goes_on(past):
    done = look(past, deadline=0.0)
    assert (done.graded, done.left, done.complete) == (0, 12, False)
    assert any("000003.run.yaml" in name for name in done.left_names)
    assert look(past).graded == 12


def test_shards_share_the_work(past):
    parts = [look(past, shard=(number, 3)).graded for number in (1, 2, 3)]
    assert sum(parts) == 12
    assert all(parts)
    assert len(known(past)) == 12


def test_merges_renames_and_a_history_that_was_rewritten(past):
    past.branch("side")
    past.write("runs/side.run.json", text_of(claims(70), "json"))
    past.commit()
    past.checkout("main")
    past.write("notes/x.txt", "x")
    past.commit()
    past.git("merge", "--quiet", "--no-ff", "--no-edit", "side")
    assert look(past).graded == 13
    past.git("reset", "--quiet", "--hard", "HEAD~2")
    rewritten = look(past)
    assert known(past)["run-000070"].state == "lost"
    assert rewritten.found == 12


def test_the_command_line_says_what_was_done(past):
    said = past.auditor("history", "audit").expect(0)
    assert "12 runs found, 12 graded now" in said.stdout
    report = past.auditor("history", "audit", ".", "--format", "json").expect(0).json()
    assert len(report["runs"]) == 12
    assert report["gate"] is None
    assert past.auditor("history", "audit", "--budget", "0s").exit == 0, "nothing is left to do"
    past.auditor("history", "audit", "nowhere").expect(2)
    past.auditor("history", "audit", "--shard", "4/3").expect(2)
    past.auditor("history", "audit", "--budget", "soon").expect(2)
    past.auditor("history", "audit", "--executor", "dask").expect(2)


def test_a_history_without_runs_is_no_success(repository):
    repository.write("train.py", "pass\n")
    repository.commit()
    repository.auditor("history", "audit").expect(3)


def test_a_long_history_of_three_shapes_is_graded_once_and_the_numbers_agree(repository, tmp_path):
    past = build(repository, 500, commits=2000)
    assert int(past.git("rev-list", "--count", "HEAD")) >= 2000
    first = look(past)
    assert (first.found, first.graded, first.left, first.unread) == (500, 500, 0, [])
    second = look(past)
    assert (second.found, second.graded, second.left) == (500, 0, 0)
    assert second.grades == first.grades
    forms = {path.suffix for path in (past.root / "runs").rglob("*.run.*")}
    assert forms == {".yaml", ".json"}
