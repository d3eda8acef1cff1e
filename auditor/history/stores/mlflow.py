"""The runs of MLflow experiments, as the manifests that an import would write: ``mlflow+http://host:port/EXPERIMENT``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from urllib.parse import unquote, urlsplit

from auditor.errors import UndecidableError, UsageError
from auditor.history.found import Listing, ListingError, UnreadError, Version
from auditor.integrations.mlflow.runs import Tracking

_SCHEMES = ("mlflow+http", "mlflow+https")


class MlflowStore:
    """Every run of one experiment that ended, or of all experiments where the URL names none."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _SCHEMES or not parts.hostname:
            raise UsageError(f"{url} names no MLflow server", hint="write mlflow+http://host:port/EXPERIMENT")
        if parts.username is not None:
            raise UsageError("a store's URL holds credentials", hint="give them in the environment, as MLflow reads them")
        self._url = url.rstrip("/")
        self._address = f"{parts.scheme.removeprefix('mlflow+')}://{parts.netloc}"
        named = unquote(parts.path.strip("/"))
        self._named = (named,) if named else ()

    @property
    def name(self) -> str:
        """The URL."""
        return self._url

    def __getstate__(self) -> dict[str, object]:
        """Without the connection: each process has its own."""
        return {key: value for key, value in self.__dict__.items() if key != "_tracking"}

    def since(self, state: str | None) -> Listing:  # noqa: ARG002  (a run can be changed at any time)
        """Always all of it."""
        return Listing()

    def versions(self, state: str | None) -> Iterator[Version]:  # noqa: ARG002  (the same)
        """Every run that ended."""
        try:
            for number, experiment in self._tracking.experiments(self._named):
                for run in self._tracking.runs(number):
                    mark = f"{run.info.status}-{run.info.end_time}-{len(run.data.metrics)}-{len(run.data.params)}"
                    at = run.info.start_time
                    yield Version(
                        store=self.name,
                        path=f"{experiment}/{run.info.run_id}.run.json",
                        mark=mark,
                        at=at // 1000 if at is not None else None,
                    )
        except UndecidableError as error:
            raise ListingError(error.message, hint=error.hint) from None

    def read(self, version: Version) -> bytes:
        """The manifest that an import would write, as JSON."""
        experiment, _, name = version.path.rpartition("/")
        try:
            run = self._tracking.run(name.partition(".")[0])
            return json.dumps(self._tracking.manifest(run, experiment)).encode()
        except UndecidableError as error:
            raise UnreadError(error.message) from None

    def close(self) -> None:
        """Nothing is kept open."""

    @cached_property
    def _tracking(self) -> Tracking:
        return Tracking(self._address)
