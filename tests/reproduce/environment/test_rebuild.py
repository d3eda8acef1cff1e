from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from auditor.errors import UndecidableError
from auditor.model.words import Isolation
from auditor.reproduce.environment import installer
from auditor.reproduce.environment.installer import Installer, find_installer
from auditor.reproduce.environment.lock import read_pins
from auditor.reproduce.environment.rebuild import Recipe, rebuild
from auditor.reproduce.sandbox import Job, house, pick


def recipe(lock: str, index, base, **fields) -> Recipe:
    pins = read_pins(lock.encode(), "requirements", machine=base.machine)
    return Recipe(pins=pins, base=base, index=index.url, build=False, **{"installer": find_installer(), **fields})


def run(box, interpreter, room: Path, code: str):
    for name in ("work", "home", "scratch"):
        (room / name).mkdir(parents=True)
    job = Job(
        argv=(str(interpreter.path), "-c", code),
        interpreter=interpreter,
        base=room,
        work=room / "work",
        home=room / "home",
        scratch=room / "scratch",
        folders=interpreter.folders(room),
        variables=house.variables(interpreter, home=room / "home", scratch=room / "scratch"),
    )
    return box.run(job)


@pytest.fixture(params=["uv", "pip"])
def tool(request, monkeypatch):
    if request.param == "pip":
        monkeypatch.setattr(installer, "_uv", lambda: None)
    found = find_installer()
    assert found.name == request.param
    return found


def test_a_lock_becomes_an_environment_that_nobody_may_write(tool, index, base, box, tmp_path):
    lock = index.wheel("tiny", "1.0", {"tiny.py": "VALUE = 41\n"})
    wanted = recipe(lock, index, base, installer=tool)
    built = rebuild(wanted, tmp_path / "kept", box, timeout=120)
    code = (
        "import tiny, sys, pathlib\nprint(tiny.VALUE, sys.prefix)\n"
        "try: pathlib.Path(tiny.__file__).write_text('VALUE = 1')\nexcept OSError as e: print(type(e).__name__)\n"
        "try: import numpy\nexcept ModuleNotFoundError: print('nothing else')\n"
    )
    done = run(box, built, tmp_path / "room", code)
    place = tmp_path / "kept" / wanted.key / "env"
    assert done.stdout_tail.splitlines() == [f"41 {place}", "OSError", "nothing else"], done.stderr_tail
    assert {entry.stat().st_uid for entry in place.rglob("*") if not entry.is_symlink()} == {os.geteuid()}
    # Nothing of the building is left, and it is not built again.
    assert sorted(p.name for p in (tmp_path / "kept").iterdir()) == [wanted.key, f"{wanted.key}.lock"]
    shutil.rmtree(index.root)
    assert rebuild(wanted, tmp_path / "kept", box, timeout=120) == built


def test_an_environment_that_was_written_to_is_built_again(index, base, box, tmp_path):
    wanted = recipe(index.wheel("tiny", "1.0", {"tiny.py": "VALUE = 41\n"}), index, base)
    built = rebuild(wanted, tmp_path / "kept", box, timeout=120)
    module = built.search[0] / "tiny.py"
    for spoil in (lambda: module.write_text("VALUE = 666\n"), (built.search[0] / "sitecustomize.py").touch, module.unlink):
        spoil()
        rebuild(wanted, tmp_path / "kept", box, timeout=120)
        assert module.read_text() == "VALUE = 41\n"
        assert not (built.search[0] / "sitecustomize.py").exists()


def test_other_bytes_than_the_lock_pins_are_refused(tool, index, base, box, tmp_path):
    lock = index.wheel("tiny", "1.0", {"tiny.py": "VALUE = 41\n"})
    index.files.clear()
    index.wheel("tiny", "1.0", {"tiny.py": "VALUE = 666\n"})
    with pytest.raises(UndecidableError, match=tool.name):
        rebuild(recipe(lock, index, base, installer=tool), tmp_path / "kept", box, timeout=120)
    assert [p.name for p in (tmp_path / "kept").iterdir() if p.suffix != ".lock"] == []


BACKEND = """
import sys, zipfile
def build_wheel(folder, settings=None, metadata=None):
    print("THE BACKEND RAN", file=sys.stderr)
    name = "built-1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.writestr("built.py", "VALUE = 43")
        wheel.writestr("built-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: built\\nVersion: 1.0\\n")
        wheel.writestr("built-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("built-1.0.dist-info/RECORD", "")
    return name
"""


def source_only(index, folder) -> str:
    """A package that is published as its source, with a build script of its own; its pin."""
    source = folder / "built-1.0"
    source.mkdir()
    (source / "backend.py").write_text(BACKEND)
    (source / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: built\nVersion: 1.0\n")
    project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    (source / "pyproject.toml").write_text(project + '[project]\nname = "built"\nversion = "1.0"\n')
    subprocess.run(["tar", "czf", "built-1.0.tar.gz", "built-1.0"], cwd=folder, check=True)
    return index.publish("built", "1.0", "built-1.0.tar.gz", (folder / "built-1.0.tar.gz").read_bytes())


def test_a_package_that_has_to_be_built_runs_nothing(tool, index, base, box, tmp_path):
    wanted = recipe(source_only(index, tmp_path), index, base, installer=tool)
    with pytest.raises(UndecidableError) as refused:
        rebuild(wanted, tmp_path / "kept", box, timeout=120)
    assert "BACKEND RAN" not in refused.value.message


def test_a_policy_may_allow_building_in_the_sandbox(index, base, box, tmp_path):
    wanted = replace(recipe(source_only(index, tmp_path), index, base), build=True)
    built = rebuild(wanted, tmp_path / "kept", box, timeout=120)
    assert (built.search[0] / "built.py").read_text() == "VALUE = 43"


def test_start_up_files_of_packages_run_in_the_sandbox_alone(index, base, box, tmp_path):
    mark = tmp_path / "started"
    hook = f"import os\ntry: open({str(mark)!r}, 'w').write('x')\nexcept OSError: pass\n"
    lock = index.wheel("evil", "1.0", {"evil.pth": "import hook\n", "hook.py": hook, "sitecustomize.py": hook})
    built = rebuild(recipe(lock, index, base), tmp_path / "kept", box, timeout=120)
    assert run(box, built, tmp_path / "room", "import hook; print('ran')").stdout_tail == "ran\n"
    assert not mark.exists()


def test_building_needs_a_sandbox(index, base, tmp_path):
    none = pick([Isolation.NONE], allow_none=True).sandbox
    wanted = replace(recipe(index.wheel("tiny", "1.0", {"tiny.py": ""}), index, base), build=True)
    with pytest.raises(UndecidableError, match="sandbox only"):
        rebuild(wanted, tmp_path / "kept", none, timeout=120)


def test_the_installer_is_told_nothing_by_anybody(index, base, box, tmp_path, monkeypatch):
    """Settings of the person, of the machine and of the repository name an index where another tiny waits."""
    lock = index.wheel("tiny", "1.0", {"tiny.py": "VALUE = 41\n"})
    for name in ("UV_INDEX_URL", "UV_DEFAULT_INDEX", "PIP_INDEX_URL", "UV_FIND_LINKS"):
        monkeypatch.setenv(name, "https://127.0.0.1:1/simple")
    home = tmp_path / "home-of-a-person"
    (home / ".config" / "uv").mkdir(parents=True)
    (home / ".config" / "uv" / "uv.toml").write_text('index-url = "https://127.0.0.1:1/simple"\n')
    monkeypatch.setenv("HOME", str(home))
    built = rebuild(recipe(lock, index, base), tmp_path / "kept", box, timeout=120)
    assert (built.search[0] / "tiny.py").exists()


def test_the_time_limit_ends_an_installer_and_leaves_nothing(base, index, box, tmp_path):
    slow = Installer(name="slow", program=("/bin/sh", "-c", "sleep 303.25; true"), folders=())
    with pytest.raises(UndecidableError, match="not done after"):
        rebuild(
            recipe(index.wheel("tiny", "1.0", {"tiny.py": ""}), index, base, installer=slow),
            tmp_path / "kept",
            box,
            timeout=1,
        )
    assert [p.name for p in (tmp_path / "kept").iterdir() if p.suffix != ".lock"] == []
    assert sys.executable
