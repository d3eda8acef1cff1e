"""Against a real MLflow server. One story in the order in which it happens, for a version costs seconds."""

from __future__ import annotations

import itertools
import os
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from workbench import Answer, checks, result

from auditor.cli import root
from auditor.cli.ending import ended
from auditor.digest import of_file
from auditor.integrations.mlflow import registry
from auditor.integrations.mlflow.client import client
from auditor.integrations.mlflow.registry import MlflowRegistry
from auditor.integrations.registry import Name, RegistryError

MODEL = "out/model.npz"
_number = itertools.count(1)

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def shop(team, mlflow_server, monkeypatch, capsys):
    """The team, with a registry and a judge. Commands run in this process: importing MLflow for each would take minutes."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server)
    team.trust()

    def auditor(*arguments: str) -> Answer:
        monkeypatch.chdir(team.repo.root)
        capsys.readouterr()
        code = ended(lambda: root(list(arguments), standalone_mode=False))
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Answer(arguments, code, said.out, said.err)

    monkeypatch.setattr(team.repo, "auditor", auditor)
    team.model = f"digits{os.getpid()}x{next(_number)}"
    return team


def register(shop):
    said = shop.repo.auditor("register", shop.repo.manifest, "--model", shop.model, "--key", shop.key("judge")).expect(0)
    return said.stdout.splitlines()[0]


def promote(shop, uri, code=0, alias="champion"):
    arguments = ("promote", uri, "--alias", alias, "--key", shop.key("judge"), "--format", "json")
    return shop.repo.auditor(*arguments).expect(code)


def stored(shop, uri, mlflow_artifacts):
    """Where the server keeps the file of a version."""
    version = MlflowRegistry().version(Name.parse(uri))
    (found,) = mlflow_artifacts.rglob(f"{urlsplit(version.source).path.strip('/').split('/')[-3]}/artifacts/model/model.npz")
    return found


@pytest.fixture
def mlflow_artifacts(tmp_path_factory, mlflow_server):
    return next(path / "artifacts" for path in tmp_path_factory.getbasetemp().glob("mlflow*") if (path / "ml.db").exists())


def test_story_of_a_version(shop, mlflow_artifacts, tmp_path):
    uri = register(shop)
    # Registering puts on record what was put there, and shows the rest for people.
    (entry,) = shop.entries("registration")
    assert entry.body["files"] == {"model.npz": of_file(shop.repo.root / MODEL)[0]}
    version = MlflowRegistry().version(Name.parse(uri))
    assert version.tags["auditor.manifest"] == shop.digest()
    assert version.tags["auditor.commit"] == shop.repo.claims()["code"]["commit"]
    assert version.run.parameters["seed"] == str(shop.repo.claims()["configuration"]["effective"]["seed"])
    assert version.run.metrics["accuracy"] == shop.repo.claims()["metrics"][0]["value"]

    # The gate hashes what the registry holds now, and writes its verdict beside it.
    report = shop.deploy("--model", uri, artifact=None).expect(0).json()
    assert {"artifacts/foreign-artifact", "registry/altered-version"} <= checks(report, "passed")
    assert MlflowRegistry().version(Name.parse(uri)).tags["auditor.verdict"] == "open"

    # An alias moves through the gate only, and whoever moves it otherwise is found out.
    promote(shop, uri)
    assert MlflowRegistry().aliases(shop.model) == {"champion": "1"}
    second = register(shop)
    client().set_registered_model_alias(shop.model, "champion", "2")
    report = shop.deploy("--model", uri, artifact=None).expect(1).json()
    assert (
        "leads to version 2; the last promotion on record is of 1"
        in result(report, "registry/moved-alias")["findings"][0]["message"]
    )
    promote(shop, second)
    shop.deploy("--model", f"models:/{shop.model}@champion", artifact=None).expect(0)

    # Going back names the version before, as long as its verdict is valid.
    written = len(shop.entries("promotion"))
    said = shop.repo.auditor("rollback", shop.model, "--alias", "champion").expect(0).stdout
    assert said.splitlines()[0] == uri
    assert len(shop.entries("promotion")) == written

    # Fetching brings everything the version was made from, and it runs.
    to = tmp_path / "fetched"
    said = shop.repo.auditor("fetch", uri, "--to", str(to)).expect(0).stdout
    assert (to / "weights/model.npz").read_bytes() == (shop.repo.root / MODEL).read_bytes()
    assert (to / "run/data/train.csv").read_bytes() == (shop.repo.root / "data/train.csv").read_bytes()
    assert "numpy==" in (to / "environment.txt").read_text()
    assert said.splitlines()[-1] == f"cd {to / 'run'} && python train.py"
    assert shop.entries("access")[-1].body["version"] == uri
    assert "there already" in shop.repo.auditor("fetch", uri, "--to", str(to)).expect(2).stderr

    # An artifact overwritten after approval is found out, by every command.
    stored(shop, uri, mlflow_artifacts).write_bytes(b"other weights\n")
    report = shop.deploy("--model", uri, artifact=None).expect(1).json()
    assert {"artifacts/foreign-artifact", "registry/altered-version"} <= checks(report, "failed")
    promote(shop, uri, 1, alias="other")
    assert "other" not in MlflowRegistry().aliases(shop.model)
    assert "did not write" in shop.repo.auditor("fetch", uri, "--to", str(tmp_path / "again")).expect(1).stderr
    assert "has a valid verdict" in shop.repo.auditor("rollback", shop.model, "--alias", "champion").expect(1).stderr


def test_what_the_registry_shows_is_held_against_the_manifest(shop):
    uri = register(shop)
    server, version = client(), MlflowRegistry().version(Name.parse(uri))
    server.log_metric(version.run.id, "accuracy", 0.999)
    report = shop.deploy("--model", uri, artifact=None).expect(1).json()
    assert "accuracy is 0.999 in the registry" in result(report, "registry/contradicting-version")["findings"][0]["message"]


def test_version_that_nobody_registered_through_the_auditor(shop, tmp_path):
    server = client()
    run = server.create_run(server.create_experiment(shop.model))
    server.log_artifact(run.info.run_id, str(shop.repo.root / MODEL), "model")
    server.create_registered_model(shop.model)
    server.create_model_version(shop.model, f"{run.info.artifact_uri}/model", run.info.run_id)
    uri = f"models:/{shop.model}/1"
    assert "no registration" in shop.deploy("--model", uri, artifact=None).expect(4).stderr
    report = shop.deploy(shop.repo.manifest, "--model", uri, artifact=None).expect(4).json()
    assert "no registration" in result(report, "registry/altered-version")["reason"]
    shop.repo.auditor("fetch", uri, "--to", str(tmp_path / "x")).expect(4)


def test_version_that_does_not_fit_here_is_not_downloaded(shop, monkeypatch, tmp_path):
    uri = register(shop)
    version = MlflowRegistry().version(Name.parse(uri))
    monkeypatch.setattr(registry.shutil, "disk_usage", lambda _: SimpleNamespace(free=100))
    with pytest.raises(RegistryError, match="more than the 100 bytes that are free"):
        MlflowRegistry().download(version, tmp_path / "version")
    assert list((tmp_path / "version").iterdir()) == []
    monkeypatch.setattr(registry, "_MOST_FILES", 0)
    with pytest.raises(RegistryError, match="more than 0 files"):
        MlflowRegistry().download(version, tmp_path / "version")


def test_registry_that_cannot_be_asked_is_undecided(shop, monkeypatch):
    with pytest.raises(RegistryError, match="MLflow"):
        MlflowRegistry().version(Name.parse("models:/nobody/1"))
    shop.deploy("--model", "models:/nobody/1", artifact=None).expect(4)
    shop.deploy("--model", "runs:/x", artifact=None).expect(2)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    shop.deploy("--model", "models:/nobody/1", artifact=None).expect(4)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert "MLFLOW_TRACKING_URI" in shop.deploy("--model", "models:/nobody/1", artifact=None).expect(2).stderr
