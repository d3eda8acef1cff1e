"""Opens models of decision trees as tensors."""

from __future__ import annotations

import json
from typing import Any, Final

from auditor.compare.errors import Refused
from auditor.compare.source import Source
from auditor.compare.tensors.held import HeldFile
from auditor.compare.trees import lightgbm, ubjson, xgboost
from auditor.errors import UndecidableError

UBJSON: Final = b"{L\0\0\0\0\0\0\0\x07learner"
"""How an XGBoost model in UBJSON begins."""

MAX_MODEL: Final = 1 << 26
"""The largest model that is read, in bytes; parsed, it takes some ten times as much."""


def lightgbm_text(source: Source) -> HeldFile:
    """A LightGBM model in text."""
    return HeldFile(source, lightgbm.from_text(_content(source)))


def xgboost_binary(source: Source) -> HeldFile:
    """An XGBoost model in UBJSON."""
    model = ubjson.decode(_content(source))
    if not isinstance(model, dict):
        raise Refused("it is no XGBoost model")
    return HeldFile(source, xgboost.arrays(model))


def model_in_json(source: Source) -> HeldFile:
    """A model in JSON, of XGBoost or LightGBM.

    Raises:
        UndecidableError: other JSON.
    """
    try:
        model = json.loads(_content(source).decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise Refused("it is no JSON") from error
    match model:
        case {"learner": dict()}:
            return HeldFile(source, xgboost.arrays(model))
        case {"tree_info": list(), "name": "tree"}:
            return HeldFile(source, lightgbm.from_json(model))
    raise UndecidableError("it is JSON, but no model whose numbers can be read", hint="XGBoost and LightGBM models can")


def _content(source: Source) -> bytes:
    if source.size > MAX_MODEL:
        raise UndecidableError(f"its {source.size} bytes are more than the {MAX_MODEL} that are read of a model of trees")
    return source.read(0, source.size)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise Refused("it names something twice")
    return entries
