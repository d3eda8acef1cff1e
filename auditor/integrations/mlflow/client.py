"""Opens MLflow's own client, quietly, and turns what it raises into words."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING

from auditor import redact
from auditor.errors import UsageError
from auditor.integrations.registry import RegistryError

if TYPE_CHECKING:
    from mlflow import MlflowClient

ADDRESS = "MLFLOW_TRACKING_URI"
_LONGEST = 300
_QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}


def address() -> str:
    """The server's address, from the environment, as MLflow's own tools read it.

    Raises:
        UsageError: none is given.
    """
    found = os.environ.get(ADDRESS)
    if not found:
        raise UsageError(f"{ADDRESS} does not say where MLflow is", hint=f"export {ADDRESS}=https://mlflow.example.org")
    return found


def client(where: str | None = None) -> MlflowClient:
    """A client of the server at ``where``, or at the address in the environment.

    Raises:
        UsageError: MLflow is not installed, or no address is given.
    """
    for name, value in {**_QUIET, **_PATIENCE}.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow import MlflowClient  # noqa: PLC0415  (optional, and a second to import)
    except ImportError:
        raise UsageError("MLflow's client is not installed", hint="pip install 'ml-run-auditor[mlflow]'") from None
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    chosen = where or address()
    with answering():
        return MlflowClient(chosen, os.environ.get("MLFLOW_REGISTRY_URI") or chosen)


@contextmanager
def answering() -> Iterator[None]:
    """Turn whatever MLflow and the network raise into a :class:`RegistryError`; standard output stays the report's."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except (RegistryError, UsageError):
        raise
    except Exception as error:  # noqa: BLE001  (requests, urllib3, MLflow and its stores have errors of their own)
        words = redact.text(" ".join(str(error).split()))[:_LONGEST]
        raise RegistryError(f"MLflow: {words or type(error).__name__}", hint=f"is {ADDRESS} right?") from None
