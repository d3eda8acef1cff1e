"""MLflow as a model registry."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.integrations.mlflow.client import answering, client
from auditor.integrations.registry import Name, RegistryError, Shown, Version

if TYPE_CHECKING:
    from mlflow import MlflowClient

_FOLDER = "model"
_BATCH = 100
_LONGEST_PARAMETER = 6000
_MOST_FILES = 10_000


class MlflowRegistry:
    """The registry of one MLflow server."""

    @cached_property
    def _client(self) -> MlflowClient:
        return client()

    def version(self, name: Name) -> Version:
        """The version called ``name``."""
        with answering():
            if name.alias is not None:
                found = self._client.get_model_version_by_alias(name.model, name.alias)
            else:
                found = self._client.get_model_version(name.model, str(name.number))
            run = self._client.get_run(found.run_id) if found.run_id else None
        return Version(
            model=found.name,
            number=str(found.version),
            source=found.source or "",
            tags=dict(found.tags),
            run=_shown(run) if run is not None else None,
        )

    def aliases(self, model: str) -> Mapping[str, str]:
        """The number of the version that each alias of a model leads to."""
        with answering():
            return {alias: str(number) for alias, number in self._client.get_registered_model(model).aliases.items()}

    def download(self, version: Version, to: Path) -> Mapping[str, Path]:
        """Every file of a version, put into the directory ``to``, which has room for what the registry says they hold."""
        with answering():
            import mlflow.artifacts  # noqa: PLC0415  (optional)

            uri = self._client.get_model_version_download_uri(version.model, version.number)
            to.mkdir(parents=True, exist_ok=True)
            self._check_room(version, uri, shutil.disk_usage(to).free)
            folder = mlflow.artifacts.download_artifacts(
                artifact_uri=uri, dst_path=str(to), tracking_uri=self._client.tracking_uri
            )
        root = to.resolve()
        found: dict[str, Path] = {}
        for path in sorted(Path(folder).resolve().rglob("*")):
            if path.is_symlink() or not path.resolve().is_relative_to(root):
                raise RegistryError(f"{version.uri} has a link among its files, {path.name}")
            if path.is_file():
                found[path.relative_to(Path(folder).resolve()).as_posix()] = path
            if len(found) > _MOST_FILES:
                raise RegistryError(f"{version.uri} has more than {_MOST_FILES} files")
        if not found:
            raise RegistryError(f"{version.uri} has no files")
        return found

    def _check_room(self, version: Version, uri: str, free: int) -> None:
        """Look at what is to be downloaded before it is: how many files, and how many bytes."""
        import mlflow.artifacts  # noqa: PLC0415  (optional)

        waiting, files, size = [uri], 0, 0
        while waiting:
            at = waiting.pop()
            for one in mlflow.artifacts.list_artifacts(artifact_uri=at, tracking_uri=self._client.tracking_uri):
                files, size = files + 1, size + (one.file_size or 0)
                if one.is_dir:
                    waiting.append(f"{at.rstrip('/')}/{one.path.rpartition('/')[2]}")
                if files > _MOST_FILES:
                    raise RegistryError(f"{version.uri} has more than {_MOST_FILES} files")
                if size > free:
                    raise RegistryError(f"{version.uri} has more than the {free} bytes that are free here")

    def register(self, model: str, files: Mapping[str, Path], shown: Shown, tags: Mapping[str, str]) -> Version:
        """A new version with these files, and a run that shows what is to be shown."""
        with answering():
            from mlflow.entities import Metric, Param  # noqa: PLC0415  (optional)
            from mlflow.exceptions import MlflowException  # noqa: PLC0415

            experiment = self._client.get_experiment_by_name(model)
            place = experiment.experiment_id if experiment is not None else self._client.create_experiment(model)
            run = self._client.create_run(place, tags=dict(tags))
            parameters = [Param(key, value[:_LONGEST_PARAMETER]) for key, value in shown.parameters.items()]
            metrics = [Metric(key, value, 0, 0) for key, value in shown.metrics.items() if math.isfinite(value)]
            for start in range(0, max(len(parameters), 1), _BATCH):
                self._client.log_batch(run.info.run_id, params=parameters[start : start + _BATCH])
            self._client.log_batch(run.info.run_id, metrics=metrics)
            for name, path in files.items():
                parent = str(Path(_FOLDER, name).parent)
                self._client.log_artifact(run.info.run_id, str(path), parent)
            self._client.set_terminated(run.info.run_id)
            try:
                self._client.create_registered_model(model)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            source = f"{run.info.artifact_uri}/{_FOLDER}"
            made = self._client.create_model_version(model, source, run.info.run_id, tags=dict(tags))
        return self.version(Name(model=model, number=str(made.version)))

    def tag(self, version: Version, tags: Mapping[str, str]) -> None:
        """Write tags beside a version."""
        with answering():
            for key, value in tags.items():
                self._client.set_model_version_tag(version.model, version.number, key, value)

    def alias(self, version: Version, alias: str) -> None:
        """Let an alias lead to a version."""
        with answering():
            self._client.set_registered_model_alias(version.model, alias, version.number)


def _shown(run: Any) -> Shown:
    inputs = getattr(run, "inputs", None)
    names = tuple(one.dataset.name for one in inputs.dataset_inputs) if inputs is not None else ()
    return Shown(
        id=run.info.run_id,
        place=run.info.artifact_uri,
        parameters=dict(run.data.params),
        metrics=dict(run.data.metrics),
        inputs=names,
    )
