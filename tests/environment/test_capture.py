from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from auditor import environment
from auditor.environment import hardware, interpreter, variables
from auditor.errors import UndecidableError

PLAIN = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}


def script(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def fake_library(folder: Path, name: str, version: str) -> None:
    (folder / f"{name}-{version}.dist-info").mkdir(parents=True)


def test_the_environment_is_that_of_the_interpreter_named() -> None:
    found = environment.capture(sys.executable, PLAIN)
    assert found.python == ".".join(map(str, sys.version_info[:3]))
    import numpy as np  # noqa: PLC0415

    assert found.packages["numpy"] == np.__version__
    assert "scikit-learn" in found.packages  # PEP 503 name of scikit_learn-1.x.dist-info
    assert found.platform is not None
    assert found.platform.startswith(os.uname().sysname)
    assert found.hardware["cpu"]["count"] == len(os.sched_getaffinity(0))


def test_two_captures_give_the_same_class() -> None:
    one, other = (environment.capture(sys.executable, PLAIN).executor for _ in range(2))
    assert one == other
    assert one is not None
    assert len(one.class_.rpartition("-")[2]) == 12


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "OPENBLAS_CORETYPE", "XLA_FLAGS"])
def test_another_numeric_variable_gives_another_class(name) -> None:
    plain = environment.capture(sys.executable, PLAIN).executor
    changed = environment.capture(sys.executable, PLAIN | {name: "7"}).executor
    assert plain is not None
    assert changed is not None
    assert plain.class_ != changed.class_


@pytest.mark.parametrize("name", ["PYTHONHASHSEED", "TZ", "LANG", "TF_CPP_MIN_LOG_LEVEL", "HF_TOKEN"])
def test_what_changes_no_numbers_does_not_change_the_class(name) -> None:
    plain = environment.capture(sys.executable, PLAIN).executor
    assert plain == environment.capture(sys.executable, PLAIN | {name: "1"}).executor


def test_another_library_version_gives_another_class(tmp_path) -> None:
    classes = set()
    for version in ("9.1", "9.2"):
        fake_library(tmp_path / version, "torch", version)
        found = environment.capture(sys.executable, PLAIN | {"PYTHONPATH": str(tmp_path / version)})
        assert found.packages["torch"] == version
        assert found.executor is not None
        classes.add(found.executor.class_)
    assert len(classes) == 2


def test_editable_distributions_are_named(tmp_path) -> None:
    fake_library(tmp_path, "My_Project", "1.0")
    about = {"url": "file:///x", "dir_info": {"editable": True}}
    (tmp_path / "My_Project-1.0.dist-info" / "direct_url.json").write_text(json.dumps(about), encoding="utf-8")
    found = environment.capture(sys.executable, PLAIN | {"PYTHONPATH": str(tmp_path)})
    assert "my-project" in found.editable
    assert found.packages["my-project"] == "1.0"


def test_only_variables_on_the_list_are_kept() -> None:
    given = {
        "OMP_NUM_THREADS": "2",
        "AWS_SECRET_ACCESS_KEY": "x",
        "TF_VAR_password": "x",
        "HOME": "/root",
        "LANG": "C",
        "TZ": "b\udcff",
    }
    assert variables.allowed(given) == {"LANG": "C", "OMP_NUM_THREADS": "2"}


def test_threads_follow_each_runtimes_own_rule() -> None:
    assert variables.threads({}, 8)["openblas"] == 8
    expected = {"cpus": 8, "openmp": 4, "openblas": 4, "mkl": 4, "numexpr": 4}
    assert variables.threads({"OMP_NUM_THREADS": "4,2"}, 8) == expected
    assert variables.threads({"OMP_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "1"}, 8)["openblas"] == 1
    assert variables.threads({"OMP_NUM_THREADS": "many"}, 8)["openmp"] == 8


def test_no_interpreter_at_all_is_said() -> None:
    with pytest.raises(UndecidableError, match="no python on PATH"):
        environment.capture(None, {"PATH": "/nonexistent"})


def test_a_python_that_is_none_is_said(tmp_path) -> None:
    fake = script(tmp_path / "python", "#!/bin/sh\nexit 3\n")
    with pytest.raises(UndecidableError, match="cannot be asked"):
        environment.capture(str(fake), PLAIN)


def test_a_machine_without_cpuinfo_is_still_described(monkeypatch) -> None:
    monkeypatch.setattr(hardware, "_cpuinfo", dict)
    found = hardware.describe.__wrapped__()
    assert found.isa == ()
    assert found.cpus >= 1
    assert found.model


@pytest.fixture
def bin_(tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python").symlink_to(sys.executable)
    return folder


@pytest.mark.parametrize(
    "words", [["python"], ["python", "-u", "t.py"], ["env", "A=1", "python"], ["/usr/bin/env", "-S", "python -u"]]
)
def test_interpreters_are_found_by_name(bin_, tmp_path, words) -> None:
    path = f"{bin_}:/usr/bin"
    assert interpreter.resolve(words, {"PATH": path}, tmp_path) == interpreter.Interpreter(path=str(bin_ / "python"))


def test_a_relative_path_is_taken_from_the_directory_and_keeps_its_link(bin_, tmp_path) -> None:
    assert interpreter.resolve(["bin/python"], {"PATH": ""}, tmp_path).path == str(bin_ / "python")


@pytest.mark.parametrize(
    "line", ["#!{bin}/python -E", "#!/usr/bin/env python", '#!/bin/sh\n\'\'\'exec\' "{bin}/python" "$0" "$@"']
)
def test_scripts_are_followed_to_their_interpreter(bin_, tmp_path, line) -> None:
    made = script(tmp_path / "train", line.format(bin=bin_) + "\nprint(1)\n")
    found = interpreter.resolve([str(made)], {"PATH": f"{bin_}:/usr/bin"}, tmp_path)
    assert found == interpreter.Interpreter(path=str(bin_ / "python"))


def test_a_shell_script_falls_back_on_the_path_and_says_so(bin_, tmp_path) -> None:
    made = script(tmp_path / "train.sh", "#!/bin/sh\npython t.py\n")
    found = interpreter.resolve([str(made)], {"PATH": f"{bin_}:/bin"}, tmp_path)
    assert found.path == str(bin_ / "python")
    assert found.assumed is not None
    assert "python on PATH" in found.assumed


def test_a_virtual_environment_is_described_by_its_own_packages(tmp_path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    found = environment.capture(str(tmp_path / "venv/bin/python"), PLAIN)
    assert "numpy" not in found.packages
