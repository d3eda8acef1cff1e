"""Data that is a folder outside git: found by the digest of the whole, in the working tree or in a store."""

from __future__ import annotations

import shutil

import pytest
from workbench import Repo, result

LOADING = """
    parts = [load(str(place)) for place in sorted(Path("data/parts").rglob("*.csv"))]
    _, train, labels = (np.concatenate(column) for column in zip(*parts, strict=True))
"""


@pytest.fixture(scope="module")
def template(templates, tmp_path_factory) -> Repo:
    """A run on a folder of two files that git ignores, and a store that holds it. Copy before use."""
    root = tmp_path_factory.mktemp("folders")
    repo = templates("logistic", "started").copy(root / "repository")
    repo.replace("train.py", '\n    _, train, labels = load("data/train.csv")\n', LOADING)
    header, *rows = repo.read("data/train.csv").splitlines()
    for name, own in (("a", rows[::2]), ("deep/b", rows[1::2])):
        repo.write(f"data/parts/{name}.csv", "\n".join([header, *own]) + "\n")
    (repo.root / "data" / "train.csv").unlink()
    repo.write(".gitignore", "/data/parts/\n__pycache__/\n/out/\n")
    repo.checkout("main")
    repo.policy(lambda policy: policy.update(stores={"kept": f"file://{root}/kept"}))
    repo.commit("Read the training data in parts")
    repo.git("branch", "--delete", "--force", "--quiet", "work")
    repo.branch("work")
    options = ("--config", "conf/base.yaml", "--data", "train=data/parts", "--data", "test=data/test.csv")
    outputs = ("--out", "out/model.npz", "--out", "out/predictions.csv", "--metrics", "out/metrics.json")
    repo.auditor("record", "--name", "parts", *options, *outputs, "--", "python", "train.py").expect(0)
    repo.git("add", "--force", "out")
    repo.commit("Record a run")
    told = repo.auditor("store", "put", "data/parts").expect(0).stdout
    assert told.split()[0] == repo.claims()["data"][0]["digest"]
    return repo


def smoke(repo: Repo, code: int):
    report = repo.gate(base="origin/main").expect(code).json()
    (found,) = report["runs"][0]["reproductions"]
    return report, found


def test_a_folder_of_the_working_tree_is_given_to_the_command(template, tmp_path):
    report = template.copy(tmp_path / "repository").gate().expect(0).json()
    assert report["runs"][0]["reproductions"][0]["agreement"] == "bitwise"
    assert result(report, "randomness/dead-seed")["outcome"] == "not-applicable"


def test_in_another_clone_it_comes_from_the_store(template, tmp_path):
    clone = template.clone(tmp_path / "clone")
    report, found = smoke(clone, 0)
    assert found["agreement"] == "bitwise", report
    assert not (clone.root / "data" / "parts").exists()


def test_without_the_store_nothing_is_executed_and_the_folder_is_named(template, tmp_path):
    clone = template.clone(tmp_path / "clone")
    clone.checkout("origin/main")
    shutil.move(template.root.parent / "kept", tmp_path / "away")
    try:
        clone.checkout("work")
        _, found = smoke(clone, 4)
    finally:
        shutil.move(tmp_path / "away", template.root.parent / "kept")
    assert found["agreement"] == "inconclusive"
    assert "data/parts" in found["note"]


def test_another_file_in_the_store_is_not_taken_for_a_part_of_it(template, tmp_path):
    clone = template.clone(tmp_path / "clone")
    part = next(f for f in (template.root.parent / "kept" / "sha256").iterdir() if f.read_bytes().startswith(b"id,"))
    content = part.read_bytes()
    part.chmod(0o644)
    part.write_bytes(content.replace(b"\n1", b"\n2", 1))
    try:
        _, found = smoke(clone, 4)
    finally:
        part.write_bytes(content)
    assert found["agreement"] == "inconclusive"


def test_a_folder_of_which_git_holds_a_part_is_completed(template, tmp_path):
    repo = template.copy(tmp_path / "repository")
    repo.write(".gitignore", "/data/parts/deep\n__pycache__/\n/out/\n")
    repo.checkout("main")
    repo.write("data/parts/a.csv", template.read("data/parts/a.csv"))
    repo.git("add", "--force", "data/parts/a.csv", ".gitignore")
    repo.git("commit", "--quiet", "--message", "Keep one part in git")
    repo.git("checkout", "--quiet", "-B", "half")
    options = ("--config", "conf/base.yaml", "--data", "train=data/parts", "--data", "test=data/test.csv")
    outputs = ("--out", "out/model.npz", "--out", "out/predictions.csv", "--metrics", "out/metrics.json")
    repo.auditor("record", "--name", "half", *options, *outputs, "--", "python", "train.py").expect(0)
    repo.git("add", "--force", "out")
    repo.commit("Record a run")
    report = repo.gate().expect(0).json()
    assert report["runs"][0]["reproductions"][0]["agreement"] == "bitwise"
