"""Runs that MLflow tracked, as manifests: what it recorded is declared, what it did not record is said to be unavailable."""

from __future__ import annotations

import datetime as dt
import math
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

from auditor import redact
from auditor.errors import UndecidableError, UsageError

EXTRA = "pip install 'ml-run-auditor[mlflow]'"
_PAGE = 500
_STATUS = {"FINISHED": "succeeded", "FAILED": "failed", "KILLED": "interrupted"}
_COMMIT = re.compile(r"[0-9a-f]{40}")
_LONGEST_NAME = 255
_MOST_ARTIFACTS = 1000
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f]+")
_WEIGHTS = (".npz", ".npy", ".safetensors", ".pt", ".pth", ".onnx", ".h5", ".joblib", ".pkl", ".skops")
_ROLES = {"train": "train", "training": "train", "validation": "validation", "eval": "validation", "test": "test"}


class Tracking:
    """An MLflow tracking server, or a folder of its file store.

    Raises:
        UndecidableError: the client is not installed, or does not know the address.
    """

    def __init__(self, address: str) -> None:
        try:
            os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
            # The file store is out of favour with MLflow, but it is where old runs lie.
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
            os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
            from mlflow import MlflowClient  # noqa: PLC0415  (optional, and slow to import)
        except ImportError:
            raise UndecidableError("MLflow needs a library that is not installed", hint=EXTRA) from None
        self.address = address
        self._client = _asked(address, lambda: MlflowClient(tracking_uri=address))

    def experiments(self, named: Sequence[str]) -> list[tuple[str, str]]:
        """Id and name of the experiments that are named, or of all.

        Raises:
            UsageError: there is none of that name.
            UndecidableError: the server does not answer.
        """
        found = _asked(self.address, lambda: list(_paged(self._client.search_experiments)))
        known = {experiment.name: experiment.experiment_id for experiment in found}
        if missing := [name for name in named if name not in known]:
            raise UsageError(f"there is no experiment called {missing[0]!r}", hint=f"there are: {', '.join(sorted(known))}")
        return [(known[name], name) for name in (named or sorted(known))]

    def runs(self, experiment: str) -> Iterator[Any]:
        """The runs of an experiment that ended, streamed; they are MLflow's own nouns.

        Raises:
            UndecidableError: the server does not answer.
        """
        token = None
        while True:
            page = _asked(
                self.address,
                lambda token=token: self._client.search_runs([experiment], max_results=_PAGE, page_token=token),
            )
            yield from (run for run in page if run.info.status in _STATUS)
            token = page.token
            if not token:
                return

    def run(self, run_id: str) -> Any:
        """One run.

        Raises:
            UndecidableError: it cannot be had.
        """
        return _asked(self.address, lambda: self._client.get_run(run_id))

    def artifacts(self, run_id: str) -> list[Any]:
        """The files that the run logged, folders walked, bounded in number."""
        found: list[Any] = []
        waiting: list[str | None] = [None]
        while waiting and len(found) < _MOST_ARTIFACTS:
            folder = waiting.pop()
            for one in _asked(self.address, lambda folder=folder: self._client.list_artifacts(run_id, folder)):
                if one.is_dir:
                    waiting.append(one.path)
                else:
                    found.append(one)
        return found

    def manifest(self, run: Any, experiment: str) -> dict[str, Any]:
        """The manifest of a run: nothing in it is more than declared."""
        return manifest(run, experiment, self.artifacts(run.info.run_id))


def manifest(run: Any, experiment: str, artifacts: Sequence[Any] = ()) -> dict[str, Any]:
    """What MLflow says of ``run``, in the words of a manifest."""
    tags, params = dict(run.data.tags), {key: str(value) for key, value in run.data.params.items()}
    value: dict[str, Any] = {"schema": "auditor/run-manifest/v1", "run": _about(run, tags)}
    missing: dict[str, str] = {}
    value["code"] = _code(tags, missing)
    if not value["code"]:
        del value["code"]
    if params:
        value["configuration"] = {"effective": params}
        missing["/configuration/digest"] = "MLflow does not say which files its parameters came from"
    else:
        missing["/configuration"] = "MLflow recorded no parameters"
    seeds = [key for key in params if key in {"seed", "random_state"} or key.endswith("_seed")]
    if seeds:
        value["randomness"] = {"seeds": {key: {"value": params[key], "at": f"/{_escaped(key)}"} for key in seeds}}
    else:
        missing["/randomness"] = "MLflow recorded no seed"
    missing["/environment"] = "MLflow does not record the environment of a run, only that of a logged model"
    if data := [_dataset(one, number) for number, one in enumerate(_inputs(run))]:
        value["data"] = data
        missing |= {f"/data/{number}/digest": "MLflow's own digest is no content digest" for number in range(len(data))}
    else:
        missing["/data"] = "MLflow recorded no data set"
    if artifacts:
        value["artifacts"] = [_artifact(one, run.info.artifact_uri) for one in artifacts]
        numbers = range(len(artifacts))
        missing |= {f"/artifacts/{number}/digest": "MLflow records no digest of artifacts" for number in numbers}
    else:
        missing["/artifacts"] = "MLflow recorded no artifacts with the run"
    value["metrics"], unsaid = _metrics(run)
    missing |= unsaid
    if not value["metrics"]:
        del value["metrics"]
        missing["/metrics"] = "MLflow recorded no finite metrics"
    missing["/reproductions"] = "MLflow records no command that could be executed again"
    missing["/observed"] = "MLflow does not observe which files are read"
    value["unavailable"] = missing
    value["extensions"] = {"mlflow": {"run_id": run.info.run_id, "experiment": experiment, "status": run.info.status}}
    return value


def _about(run: Any, tags: dict[str, str]) -> dict[str, Any]:
    name = re.sub(r"[\x00-\x1f\x7f/]", "-", run.info.run_name or tags.get("mlflow.runName") or "run")
    about = {
        "id": f"{name[: _LONGEST_NAME - 33]}-{run.info.run_id}",
        "status": _STATUS[run.info.status],
        "started": _time(run.info.start_time),
        "finished": _time(run.info.end_time),
        "author": run.info.user_id or tags.get("mlflow.user") or None,
    }
    return {key: part for key, part in about.items() if part}


def _code(tags: dict[str, str], missing: dict[str, str]) -> dict[str, Any]:
    commit = tags.get("mlflow.source.git.commit", "")
    code: dict[str, Any] = {}
    if repository := tags.get("mlflow.source.git.repoURL"):
        code["repository"] = redact.url(repository)
    if _COMMIT.fullmatch(commit):
        code["commit"] = commit
        missing["/code/tree"] = "MLflow records the commit, not its tree"
    else:
        missing["/code"] = "MLflow recorded no commit"
        missing["/code/commit"] = missing["/code/tree"] = missing["/code"]
    if source := tags.get("mlflow.source.name"):
        code["entrypoint"] = [source]
    return code


def _inputs(run: Any) -> list[Any]:
    inputs = getattr(run, "inputs", None)
    return list(inputs.dataset_inputs) if inputs is not None else []


def _dataset(one: Any, number: int) -> dict[str, Any]:
    context = next((tag.value for tag in one.tags if tag.key == "mlflow.data.context"), "")
    return {
        "name": f"{one.dataset.name or 'data'}-{number}" if number else one.dataset.name or "data",
        "role": _ROLES.get(context, "other"),
        "version": str(one.dataset.digest),
        "source": redact.text(str(one.dataset.source))[:1000] or "unknown",
    }


def _artifact(one: Any, root: str) -> dict[str, Any]:
    role = "weights" if one.path.endswith(_WEIGHTS) else "other"
    address = f"{root.rstrip('/')}/{one.path}"
    found: dict[str, Any] = {"name": one.path, "role": role}
    if _URI.fullmatch(address):
        found["uri"] = address
    if one.file_size is not None:
        found["size"] = int(one.file_size)
    return found


def _metrics(run: Any) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The last value of each metric; one that is no number is named, with the reason, and left out."""
    found: list[dict[str, Any]] = []
    missing: dict[str, str] = {}
    for name, value in sorted(run.data.metrics.items()):
        entry: dict[str, Any] = {"name": name}
        if math.isfinite(value):
            entry["value"] = value
        else:
            missing[f"/metrics/{len(found)}/value"] = f"MLflow recorded {value}"
        missing[f"/metrics/{len(found)}/from"] = "MLflow does not say what a metric was computed from"
        found.append(entry)
    return found, missing


def _paged(search: Any) -> Iterator[Any]:
    token = None
    while True:
        page = search(page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _asked(address: str, question: Any) -> Any:
    try:
        return question()
    except Exception as error:  # noqa: BLE001  (MLflow and what is below it have errors of many kinds)
        said = redact.text(" ".join(str(error).split()))[:200]
        raise UndecidableError(
            f"MLflow at {redact.url(address)} cannot be asked: {said or type(error).__name__}", hint="check the address"
        ) from None


def _time(milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    return dt.datetime.fromtimestamp(milliseconds // 1000, tz=dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
