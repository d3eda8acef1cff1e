from __future__ import annotations

import json

import pytest
import yaml

from auditor.errors import UndecidableError
from auditor.model.run import Configuration, FileRef, Origin, Randomness, Run, RunInfo, Seed
from auditor.reproduce import config_text
from auditor.reproduce.configure import Changes, apply, other_seeds

TEXT = "seed: 7\ntrain: {epochs: 20, layers: [3, 4]}\n"


def a_run(*, effective=None, files=("conf.yaml",), source="file", seeds=None):
    effective = effective if effective is not None else {"seed": 7, "train": {"epochs": 20, "layers": [3, 4]}}
    return Run(
        schema="auditor/run-manifest/v1",
        run=RunInfo(id="r", status="succeeded"),
        configuration=Configuration(
            files=tuple(FileRef(path=f) for f in files), effective=effective, origins={"/seed": Origin(source=source)}
        ),
        randomness=Randomness(seeds=seeds or {}),
    )


def configured(
    run,
    changes,
    tmp_path,
    *,
    command=("python", "train.py"),
    text="seed: 7\ntrain: {epochs: 20, layers: [3, 4]}\n",
    name="conf.yaml",
):
    (tmp_path / "work").mkdir()
    (tmp_path / "shown").mkdir()
    (tmp_path / "work" / name).write_text(text)
    argv, effective = apply(run, changes, command, work=tmp_path / "work", folder=tmp_path / "shown")
    return argv, json.loads(effective.read_text()), (tmp_path / "work" / name).read_text()


def test_the_effective_configuration_holds_the_changes(tmp_path):
    changes = Changes(values={"train.epochs": 1, "/seed": 8, "/train/layers/1": 9})
    argv, effective, _ = configured(a_run(), changes, tmp_path, command=("python", "t.py", "--config={config}"))
    assert effective == {"seed": 8, "train": {"epochs": 1, "layers": [3, 9]}}
    assert argv[2] == f"--config={tmp_path}/shown/config.json"


def test_a_single_file_is_changed_where_the_value_stands(tmp_path):
    text = "# ours\nseed: 7  # lucky\ntrain: {epochs: 20, layers: [3, 4]}\nlr: 1e-4\n"
    _, _, changed = configured(a_run(), Changes(values={"train.epochs": 1, "/seed": 8}), tmp_path, text=text)
    assert changed == "# ours\nseed: 8  # lucky\ntrain: {epochs: 1, layers: [3, 4]}\nlr: 1e-4\n"


def test_a_single_file_is_left_alone_without_changes(tmp_path):
    _, _, text = configured(a_run(), Changes(), tmp_path, text="seed:   7\n")
    assert text == "seed:   7\n"


def test_a_json_file_stays_json(tmp_path):
    run = a_run(files=("conf.json",))
    _, _, text = configured(run, Changes(values={"/seed": 8}), tmp_path, name="conf.json", text='{"seed": 7, "a": 1e-4}')
    assert json.loads(text) == {"seed": 8, "a": 1e-4}


@pytest.mark.parametrize(("files", "source"), [(("conf.yaml", "more.yaml"), "file"), (("conf.yaml",), "set")])
def test_layers_and_values_set_beside_the_file_leave_the_file_alone(tmp_path, files, source):
    run = a_run(files=files, source=source)
    _, effective, text = configured(run, Changes(values={"/seed": 8}), tmp_path)
    assert (effective["seed"], text) == (8, TEXT)


def test_a_link_in_place_of_the_file_is_never_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "conf.yaml").write_text("seed: 7\n")
    (tmp_path / "work").mkdir()
    (tmp_path / "shown").mkdir()
    (tmp_path / "work/conf").symlink_to(victim)
    run = a_run(files=("conf/conf.yaml",))
    apply(run, Changes(values={"/seed": 8}), ("python",), work=tmp_path / "work", folder=tmp_path / "shown")
    assert (victim / "conf.yaml").read_text() == "seed: 7\n"


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("a: 1\n", {"b": 2}, {"a": 1, "b": 2}),
        ("a: &x 1\nb: *x\n", {"a": 2}, {"a": 2, "b": 1}),
        ("a: 1\na: 2\n", {"a": 3}, {"a": 3}),
        ("a: 1.0\n", {"a": 1e-05}, {"a": 1e-05}),
        ("a: 1.0\n", {"a": 1e22}, {"a": 1e22}),
        ("a: x\n", {"a": "no"}, {"a": "no"}),
        ("ä: ü\nb: 1\n", {"b": 2}, {"ä": "ü", "b": 2}),
        ("a.b: 1\n", {"a.b": 2}, {"a.b": 2}),
        ("x: {y: [1, 2]}\n", {"/x/y/1": 5}, {"x": {"y": [1, 5]}}),
        ("x: {y: 1}\n", {"x": 5}, {"x": 5}),
    ],
)
def test_yaml_reads_back_as_changed(text, values, expected):
    assert yaml.safe_load(config_text.changed(text.encode(), values, is_json=False)) == expected


@pytest.mark.parametrize("text", ["- 1\n", "a: [1\n", "a: " + "[" * 100 + "]" * 100, "a: 1\n"])
def test_a_place_that_cannot_be_changed_is_undecidable(text):
    with pytest.raises(UndecidableError):
        config_text.changed(text.encode(), {"a.b.c": 2}, is_json=False)


def test_all_seeds_change_together_but_not_the_hash_seed(tmp_path):
    seeds = {
        "seed": Seed(value=7, at="/seed"),
        "cli": Seed(value=3, at=3),
        "option": Seed(value="5", at="4"),
        "variable": Seed(value=1, at="MY_SEED"),
        "PYTHONHASHSEED": Seed(value=0, at="PYTHONHASHSEED"),
        "word": Seed(value="lucky", at="/word"),
        "large": Seed(value=2**32 - 1, at="/large"),
    }
    run = a_run(effective={"seed": 7, "word": "lucky", "large": 2**32 - 1}, seeds=seeds)
    changes = other_seeds(run)
    command = ("python", "t.py", "--cli", "3", "--option=5")
    argv, effective, _ = configured(run, changes, tmp_path, command=command)
    assert effective["seed"] != 7
    assert effective["word"] == "lucky"
    assert 0 <= effective["large"] < 2**32 - 1
    assert argv[3] != "3"
    assert argv[4].startswith("--option=")
    assert argv[4] != "--option=5"
    assert set(changes.variables) == {"MY_SEED"}


def test_no_seed_gives_no_changes():
    assert not other_seeds(a_run())
    assert other_seeds(a_run(seeds={"s": Seed(value=1, at="/seed")}))


def test_a_seed_beyond_the_command_is_undecidable(tmp_path):
    with pytest.raises(UndecidableError, match="argument 9"):
        configured(a_run(), Changes(arguments={9: "1"}), tmp_path)
