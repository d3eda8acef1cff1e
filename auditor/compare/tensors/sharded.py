"""Reads models in shards: an index of JSON whose ``weight_map`` says which file beside it holds which tensor."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from auditor.compare.errors import Refused
from auditor.compare.source import Source
from auditor.compare.tensors.base import BLOCK, Array, Raw, TensorFile, TensorInfo
from auditor.errors import AuditorError, EmptySelectionError, UndecidableError

INDEX_SUFFIX: Final = ".index.json"

_MAX_INDEX: Final = 1 << 26
_MAX_SHARDS: Final = 2_000
_NAME: Final = re.compile(r"[^/\\\0]{1,255}")


class ShardedFile(TensorFile):
    """The tensors of all shards, in the order of the index, which has to name exactly those that are there.

    A shard is a file in the index's folder (a symbolic link is followed, as the cache of Hugging Face needs it).

    Raises:
        Refused: no index, a shard outside or missing, names that the index and the shards do not agree on.
    """

    def __init__(self, source: Source, folder: Path, open_shard: Callable[[Path], TensorFile]) -> None:
        super().__init__(source)
        places = _weight_map(source)
        shards = list(dict.fromkeys(places.values()))
        if len(shards) > _MAX_SHARDS:
            raise Refused(f"its index names {len(shards)} shards; {_MAX_SHARDS} are the most that are read")
        with ExitStack() as stack:
            opened = {name: stack.enter_context(_opened(name, folder, open_shard)) for name in shards}
            self._shards = {name: opened[shard] for name, shard in places.items()}
            _check_names(places, opened)
            self.tensors = {name: self._shards[name].tensors[name] for name in places}
            self.tied = tuple(group for shard in opened.values() for group in shard.tied)
            self.listed = {f"{name}: {key}": kind for name, shard in opened.items() for key, kind in shard.listed.items()}
            self._opened = tuple(opened.values())
            stack.pop_all()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        with ExitStack() as stack:
            for shard in self._opened:
                stack.callback(shard.__exit__, kind, error, trace)
            stack.callback(super().__exit__, kind, error, trace)

    def blocks(self, name: str, elements: int = BLOCK) -> Iterator[Array]:
        """See :meth:`TensorFile.blocks`."""
        return self._shards[name].blocks(name, elements)

    def raw(self, name: str) -> Raw | None:
        """See :meth:`TensorFile.raw`."""
        return self._shards[name].raw(name)


def index_in(folder: Path) -> Path:
    """The one index in a folder; that of safetensors, where a folder holds one in another format, too.

    Raises:
        Refused: there is none, or more than one.
    """
    found = sorted(path for path in folder.iterdir() if path.name.endswith(INDEX_SUFFIX))
    found = [path for path in found if path.name.endswith(f".safetensors{INDEX_SUFFIX}")] or found
    if not found:
        raise Refused(f"it is a directory, not a regular file, and holds no index of shards (*{INDEX_SUFFIX})")
    if len(found) > 1:
        raise Refused(f"it is a directory with {len(found)} indexes of shards; name the one that is meant")
    return found[0]


def _weight_map(source: Source) -> dict[str, str]:
    if source.size > _MAX_INDEX:
        raise Refused(f"its index of {source.size} bytes is larger than {_MAX_INDEX}")
    try:
        index = json.loads(source.read(0, source.size).decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise Refused("it is no JSON") from error
    places = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(places, dict) or not places:
        raise Refused("it is no index of shards: it has no weight_map")
    for shard in places.values():
        if not isinstance(shard, str) or not _NAME.fullmatch(shard) or shard in {".", ".."}:
            raise Refused(f"its index names a shard {str(shard)[:200]!r}, which is no file in its folder")
    return places


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise Refused("its index names something twice")
    return entries


def _opened(name: str, folder: Path, open_shard: Callable[[Path], TensorFile]) -> TensorFile:
    try:
        return open_shard(folder / name)
    except EmptySelectionError as error:
        raise Refused(f"its shard {name!r} is missing") from error
    except (Refused, UndecidableError) as error:
        raise _within(name, error) from error


def _within(name: str, error: AuditorError) -> AuditorError:
    return type(error)(f"its shard {name!r}: {error.message}", hint=error.hint)


def _check_names(places: dict[str, str], opened: dict[str, TensorFile]) -> None:
    for name, shard in places.items():
        if name not in opened[shard].tensors:
            raise Refused(f"its shard {shard!r} does not hold {name!r}, which the index puts there")
    for shard, file in opened.items():
        stray: TensorInfo | None = next((info for name, info in file.tensors.items() if places.get(name) != shard), None)
        if stray is not None:
            raise Refused(f"its shard {shard!r} holds {stray.name!r}, which the index does not put there")
