from __future__ import annotations

import sys
from pathlib import Path

import pytest

from auditor import environment
from auditor.environment import container, distributions_of

DIGEST = "sha256:" + "a" * 64


def installed(folder: Path, name: str, files: list[str] | None = None, top: str | None = None) -> None:
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    if files is not None:
        (info / "RECORD").write_text("".join(f"{file},sha256=x,1\n" for file in files), encoding="utf-8")
    if top is not None:
        (info / "top_level.txt").write_text(top, encoding="utf-8")


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    installed(tmp_path, "numpy", ["numpy/__init__.py"])
    installed(tmp_path, "PyYAML", ["../../bin/x", "_yaml/__init__.py", "yaml/__init__.py"])
    installed(tmp_path, "six_lib", ["six.py"])
    installed(tmp_path, "cffi_lib", ["_backend.cpython-311-x86_64-linux-gnu.so"])
    installed(tmp_path, "google_one", ["google/one/a.py"])
    installed(tmp_path, "google_two", ["google/two.py"])
    installed(tmp_path, "old_style", None, "first\nsecond\n")
    installed(tmp_path, "bare_name")
    return [str(tmp_path), str(tmp_path / "missing")]


@pytest.mark.parametrize(
    ("modules", "expected"),
    [
        ({"numpy", "numpy.linalg"}, {"numpy"}),
        ({"yaml"}, {"pyyaml"}),
        ({"six"}, {"six-lib"}),
        ({"_backend"}, {"cffi-lib"}),
        ({"google", "google.two"}, {"google-two"}),
        ({"google", "google.one", "google.two"}, {"google-one", "google-two"}),
        ({"second"}, {"old-style"}),
        ({"bare_name"}, {"bare-name"}),
        ({"sys", "json", "my_project", "__main__", ""}, set()),
        (set(), set()),
    ],
)
def test_modules_and_their_distributions(folders, modules, expected) -> None:
    assert distributions_of(modules, folders) == expected


def test_of_this_interpreter() -> None:
    folders = environment.examine(sys.executable, {"PATH": "/usr/bin"}).folders
    assert distributions_of({"sklearn", "sklearn.tree", "yaml", "os"}, folders) == {"scikit-learn", "pyyaml"}


def test_linear_algebra_that_came_along_is_part_of_the_class() -> None:
    found = environment.capture(sys.executable, {"PATH": "/usr/bin"}).executor
    assert found is not None
    assert any("blas" in name for name in found.features["blas"])


@pytest.mark.parametrize(
    ("files", "variables", "expected"),
    [
        ({}, {}, None),
        ({".dockerenv": ""}, {}, ("docker", None, False)),
        ({".dockerenv": ""}, {"AUDITOR_IMAGE": f"python@{DIGEST}"}, ("docker", f"python@{DIGEST}", True)),
        ({".dockerenv": ""}, {"AUDITOR_IMAGE": "python:3.11"}, ("docker", "python:3.11", False)),
        ({".dockerenv": ""}, {"AUDITOR_IMAGE": "a\x1b[2J"}, ("docker", None, False)),
        ({"run/.containerenv": ""}, {}, ("podman", None, False)),
        (
            {"run/.containerenv": f'engine="podman-4"\nimage="x/python:3"\nimageid="{"a" * 64}"\n'},
            {},
            ("podman", f"x/python:3@{DIGEST}", True),
        ),
        ({"proc/1/cgroup": "0::/kubepods/besteffort/x\n"}, {}, ("kubepods", None, False)),
        ({"proc/1/cgroup": "0::/init.scope\n"}, {}, None),
        ({}, {"container": "lxc"}, ("lxc", None, False)),
        ({}, {"APPTAINER_CONTAINER": "/images/a.sif"}, ("apptainer", "/images/a.sif", False)),
        ({}, {"AUDITOR_IMAGE": DIGEST}, ("unknown", DIGEST, True)),
    ],
)
def test_containers(tmp_path, files, variables, expected) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = container.find(variables, tmp_path)
    assert (None if found is None else (found.kind, found.image, found.is_pinned)) == expected


def test_the_image_that_somebody_named_is_recorded() -> None:
    found = environment.capture(sys.executable, {"PATH": "/usr/bin", "AUDITOR_IMAGE": f"python@{DIGEST}"})
    assert found.container is not None
    assert found.container.image == f"python@{DIGEST}"
    assert "container" in found.hardware
