"""Runs of a real MLflow server and of a file store become manifests in which nothing is more than declared."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from auditor.history.audit import Asked, audit


@pytest.fixture(scope="module")
def experiment(mlflow_server):
    import mlflow  # noqa: PLC0415  (seconds that other tests need not spend)

    client = mlflow.MlflowClient(mlflow_server)
    number = client.create_experiment("history of irises")
    for run_number, status in enumerate(("FINISHED", "FAILED", "KILLED")):
        run = client.create_run(number, tags={"mlflow.source.git.commit": "a" * 40, "mlflow.source.name": "train.py"})
        client.log_param(run.info.run_id, "seed", run_number)
        client.log_param(run.info.run_id, "lr", "1e-3")
        client.log_metric(run.info.run_id, "accuracy", 0.97, step=1)
        client.log_metric(run.info.run_id, "loss", float("nan"))
        client.log_text(run.info.run_id, "bytes", "model/weights.npz")
        client.set_terminated(run.info.run_id, status)
    client.create_run(number)  # still running: not imported
    return mlflow_server


def outcomes(report, *wanted):
    return {(r["check"], r["severity"]) for run in report["runs"] for r in run["results"] if r["outcome"] in wanted}


def test_runs_of_a_server_are_imported_once_and_nothing_fails_for_being_old(experiment, repository):
    repository.write("train.py", "pass\n")
    repository.commit()
    done = repository.auditor("import", "mlflow", experiment, "--experiment", "history of irises").expect(0)
    assert done.stdout.startswith("3 runs imported into runs/imported, 0 were there already")
    again = repository.auditor("import", "mlflow", experiment, "--experiment", "history of irises").expect(0)
    assert again.stdout.startswith("0 runs imported into runs/imported, 3 were there already")
    report = repository.auditor("check", "--format", "json").json()
    assert len(report["runs"]) == 3
    assert [(check, severity) for check, severity in outcomes(report, "failed") if check != "code/unreachable-commit"] == []
    claims = [repository.claims(path) for path in repository.manifests()]
    assert {claim["run"]["status"] for claim in claims} == {"succeeded", "failed", "interrupted"}
    one = claims[0]
    assert one["code"]["commit"] == "a" * 40
    assert one["configuration"]["effective"]["lr"] == "1e-3"
    assert one["metrics"][0]["value"] == 0.97
    assert "value" not in one["metrics"][1]
    assert one["unavailable"]["/metrics/1/value"] == "MLflow recorded nan"
    assert one["artifacts"][0]["role"] == "weights"
    assert one["unavailable"]["/environment"]


def test_an_experiment_is_a_store_of_runs(experiment, repository):
    repository.write("train.py", "pass\n")
    repository.commit()
    url = f"mlflow+{experiment}/history%20of%20irises"
    look = Asked(start=repository.root, named=(url,), processes=1)
    assert audit(look).graded == 3
    assert audit(look).graded == 0
    repository.auditor("import", "mlflow", experiment, "--experiment", "history of irises").expect(0)
    done = audit(Asked(start=repository.root, named=(".", url), processes=1))
    assert done.found == 3, "what was imported is the same run"


def test_a_folder_of_the_file_store(repository, tmp_path):
    repository.write("train.py", "pass\n")
    repository.commit()
    script = (
        "import mlflow\nmlflow.set_experiment('old')\nwith mlflow.start_run():\n    mlflow.log_metric('accuracy', 0.5)\n"
    )
    env = os.environ | {"MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_TRACKING_URI": (tmp_path / "mlruns").as_uri()}
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], env=env, check=True, cwd=tmp_path)
    done = repository.auditor("import", "mlflow", str(tmp_path / "mlruns"), "--output", "runs/old").expect(0)
    assert done.stdout.startswith("1 runs imported into runs/old")
    assert json.dumps(repository.claims()["metrics"][0]["value"]) == "0.5"


def test_wrong_addresses_are_said_in_words(experiment, repository):
    repository.auditor("import", "mlflow", experiment, "--experiment", "none such").expect(2)
    repository.auditor("import", "mlflow", "http://127.0.0.1:9").expect(4)
    repository.auditor("history", "audit", "mlflow+http://").expect(2)
