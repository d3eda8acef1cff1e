from __future__ import annotations

import shutil
import sys

import msgspec
import pytest

from auditor import digest
from auditor.model.policy import Environments
from auditor.model.run import Container, Lock
from auditor.model.words import Agreement, Isolation
from auditor.reproduce import sandbox

replace = msgspec.structs.replace

PLAIN = """
import json, os
os.makedirs("out", exist_ok=True)
json.dump({"accuracy": json.load(open("conf.json"))["seed"] / 10}, open("out/metrics.json", "w"))
"""


def locked(project, run, text):
    project.write("requirements.txt", text)
    lock = Lock(path="requirements.txt", digest=digest.of_file(project.root / "requirements.txt")[0], kind="requirements")
    return replace(run, environment=replace(run.environment, lock=lock))


def test_without_a_lock_the_environment_that_is_here_is_used_and_said(project):
    (result,) = project.reproduce(project.record(PLAIN)).results
    assert (result.agreement, result.environment, result.note) == (Agreement.BITWISE, "current", None)


def test_a_lock_that_cannot_be_rebuilt_leaves_the_next_source_and_the_reason(project):
    run = locked(project, project.record(PLAIN), "numpy==1.0\n")
    (result,) = project.reproduce(run).results
    assert (result.agreement, result.environment) == (Agreement.BITWISE, "current")
    assert "not rebuilt from requirements.txt: the lock pins 'numpy' without a hash" in result.note


def test_a_policy_that_allows_locks_alone_leaves_it_undecided(project):
    for run in (project.record(PLAIN), locked(project, project.record(PLAIN), "numpy==1.0\n")):
        (result,) = project.reproduce(run, environment=Environments(sources=("lock",))).results
        assert (result.agreement, result.environment) == (Agreement.INCONCLUSIVE, "")
        assert "no environment that the policy allows" in result.note


def test_libraries_that_are_others_here_are_named(project):
    run = project.record(PLAIN)
    packages = {"numpy": "1.0", "absent": "2.0", "own": "3.0", "msgspec": run.environment.packages["msgspec"]}
    run = replace(
        run,
        environment=replace(run.environment, packages=packages, editable=("own",)),
        extensions={"auditor": {"packages": "imported"}},
    )
    (result,) = project.reproduce(run).results
    here = result.note.partition("numpy ")[2].partition(" ")[0]
    assert result.note == f"another environment than recorded: absent is not installed here; numpy {here} here, 1.0 recorded"


def test_an_interpreter_that_is_committed_is_not_started_outside(project):
    """The entry point names a program of the repository that is called python and would run as the auditor."""
    mark = project.root.parent / "started"
    project.write("tools/bin/python", f'#!/bin/sh\ntouch {mark}\nexec {sys.executable} "$@"\n')
    (project.root / "tools/bin/python").chmod(0o755)
    project.write("train.py", PLAIN)
    run = project.record()
    run = replace(run, code=replace(run.code, entrypoint=("tools/bin/python", "train.py")), reproductions=())
    run = replace(
        run, reproductions=(msgspec.convert({"name": "smoke", "timeout": 60.0}, type(project.record().reproductions[0])),)
    )
    done = project.reproduce(run)
    assert done.results[0].agreement is Agreement.BITWISE, done
    assert not mark.exists()


@pytest.mark.parametrize("where", ["bin/python", "lib/evil.pth"])
def test_so_is_one_whose_environment_is_partly_committed(project, where):
    shutil.copytree(sys.prefix, project.root / "venv", symlinks=True, ignore=lambda *_: ["lib", "share", "include"])
    project.write(f"venv/{where}" if where != "bin/python" else "venv/note", "import os\n")
    project.commit()
    found = sandbox.find(("venv/bin/python",), project.root)
    assert not found.path.is_relative_to(project.root)


def housed(project, image):
    project.write("train.sh", 'mkdir -p out\necho "{\\"accuracy\\": 0.$(cat conf.json | wc -c)}" > out/metrics.json\n')
    project.command = ("sh", "train.sh")
    run = project.record()
    return replace(run, environment=replace(run.environment, container=Container(image=image)))


def test_the_recorded_image_is_used_by_digest(project, image):
    run = housed(project, image)
    project.isolation = (Isolation.CONTAINER,)
    (result,) = project.reproduce(run).results
    assert (result.agreement, result.environment) == (Agreement.BITWISE, f"image {image}"), result


def test_an_image_that_is_not_here_or_not_pinned_is_named(project, image):
    run = housed(project, image[:-4] + "0000")
    project.isolation = (Isolation.CONTAINER,)
    (result,) = project.reproduce(run).results
    assert result.agreement is Agreement.INCONCLUSIVE
    assert "is not on this machine" in result.note
    run = housed(project, image.partition("@")[0] + ":1")
    (result,) = project.reproduce(run, environment=Environments(sources=("image",))).results
    assert "not named by digest" in result.note
    project.isolation = (Isolation.BWRAP,)
    (result,) = project.reproduce(housed(project, image), environment=Environments(sources=("image",))).results
    assert "needs isolation container" in result.note
