"""Reads the zip checkpoints of ``torch.save``: storages by their place in the file, the rest through an inert machine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, Literal

import numpy as np

from auditor.compare.errors import Refused, pickled
from auditor.compare.source import Source
from auditor.compare.tensors.archive import Archive, check_ratio
from auditor.compare.tensors.base import (
    BLOCK,
    Array,
    Raw,
    TensorFile,
    TensorInfo,
    flat_blocks,
    from_chunks,
    sequential,
    stored_plainly,
)
from auditor.compare.tensors.checkpoint import MAX_PICKLE, interpret
from auditor.compare.tensors.dtypes import stored_dtype, widen
from auditor.compare.tensors.inert import Global, Opaque, Storage, View
from auditor.compare.tensors.strided import contiguous_order, spans, strided_chunks

_MAX_LEAVES: Final = 1_000_000
_MAX_DEPTH: Final = 32
_MAX_NAME: Final = 2_000
_MAX_TIED: Final = 1_000
_ORDERS: Final[dict[bytes, Literal["<", ">"]]] = {b"little": "<", b"big": ">"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a tensor's storage begins in the file, in which dtype it is stored, and how it is laid out in there."""

    begin: int
    stored: np.dtype[Any]
    view: View


def pickle_member(archive: Archive) -> str | None:
    """The name of the checkpoint's pickle in its one folder; None if this is no checkpoint."""
    return next((name for name in archive.members if name.count("/") == 1 and name.endswith("/data.pkl")), None)


class TorchFile(TensorFile):
    """Every tensor of a checkpoint. Nested dictionaries and lists become dotted names; a lone tensor is named ``""``.

    Other leaves (epoch, learning rate) are ``listed``; names of the same view of one storage are ``tied``.

    Raises:
        Pickled: the pickle asks for anything but tensors and plain values.
        Refused: the archive, or what the pickle says about it, lies.
    """

    def __init__(self, source: Source, archive: Archive) -> None:
        super().__init__(source)
        self._archive = archive
        member = pickle_member(archive)
        if member is None:
            raise Refused("it is an archive without the data.pkl of a checkpoint")
        self._folder = member.removesuffix("data.pkl")
        self._check_members()
        self._order = self._byte_order()
        leaves = _flatten(interpret(archive.read(member, MAX_PICKLE)))
        views = {name: leaf for name, leaf in leaves.items() if isinstance(leaf, View)}
        self._begins: dict[str, tuple[int, int]] = {}
        self._places = {name: self._place(name, view) for name, view in views.items()}
        # Before anything else about them: a view can repeat one element without end.
        check_ratio(sum(math.prod(p.view.shape) * p.stored.itemsize for p in self._places.values()), source.size)
        self.tensors = {name: self._info(name) for name in views}
        self.listed = {name: _kind(leaf) for name, leaf in leaves.items() if not isinstance(leaf, View)}
        self.tied = _tied(views)
        self._check_all_used()

    def blocks(self, name: str, elements: int = BLOCK) -> Iterator[Array]:
        """See :meth:`TensorFile.blocks`. Views that are in no order are read span by span."""
        info, place = self.tensors[name], self._places[name]
        view, size = place.view, place.stored.itemsize
        if contiguous_order(view.shape, view.strides) is None:
            begin = place.begin + view.offset * size
            fill = from_chunks(strided_chunks(self._source, begin, place.stored, (view.shape, view.strides)))
        else:
            fill = sequential(self._source, place.begin + view.offset * size)
        for block in flat_blocks(fill, place.stored, info.elements, elements):
            yield widen(block, info.dtype)

    def raw(self, name: str) -> Raw | None:
        """See :meth:`TensorFile.raw`."""
        place = self._places[name]
        if contiguous_order(place.view.shape, place.view.strides) is None:
            return None
        offset = place.begin + place.view.offset * place.stored.itemsize
        return stored_plainly(self._source, offset, place.stored, self.tensors[name])

    def _check_members(self) -> None:
        for name in self._archive.members:
            if not name.startswith(self._folder):
                raise Refused(f"its member {name[:200]} lies outside {self._folder}")
            inside = name.removeprefix(self._folder)
            if inside.startswith("code/") or inside == "constants.pkl":
                raise pickled("it is a TorchScript archive, which holds code beside its tensors")

    def _byte_order(self) -> Literal["<", ">"]:
        name = f"{self._folder}byteorder"
        if name not in self._archive.members:
            return "<"  # written before torch 2.1, which said so only where it was little
        order = _ORDERS.get(self._archive.read(name, 64))
        if order is None:
            raise Refused("its byteorder is neither little nor big")
        return order

    def _place(self, name: str, view: View) -> _Place:
        storage = view.storage
        stored = stored_dtype(view.dtype, self._order)
        items = storage.items * (1 if storage.dtype is None else stored_dtype(storage.dtype).itemsize)
        begin, length = self._storage(storage)
        if length != items:
            raise Refused(f"its storage {storage.key[:200]} takes {length} bytes where {items} are declared")
        if 0 not in view.shape:
            last = view.offset + sum((n - 1) * stride for n, stride in zip(view.shape, view.strides, strict=True))
            if (last + 1) * stored.itemsize > length:
                raise Refused(f"its tensor {name!r} reaches beyond its storage")
        return _Place(begin=begin, stored=stored, view=view)

    def _storage(self, storage: Storage) -> tuple[int, int]:
        """Where the storage begins in the file, and how many bytes it has."""
        if storage.key not in self._begins:
            member = f"{self._folder}data/{storage.key}"
            if member not in self._archive.members:
                raise Refused(f"its storage {storage.key[:200]} is missing")
            self._begins[storage.key] = self._archive.offset(member), self._archive.members[member].file_size
        return self._begins[storage.key]

    def _info(self, name: str) -> TensorInfo:
        place = self._places[name]
        view = place.view
        order = contiguous_order(view.shape, view.strides)
        if order is None:
            spans(name, (view.shape, view.strides), place.stored.itemsize)  # refuses what cannot be read in bounds
        nbytes = math.prod(view.shape) * place.stored.itemsize
        return TensorInfo(name=name, dtype=view.dtype, shape=view.shape, nbytes=nbytes, fortran=order == "F")

    def _check_all_used(self) -> None:
        """``torch.save`` writes only storages of something: no byte may escape comparison."""
        for name in self._archive.members:
            key = name.removeprefix(f"{self._folder}data/")
            if key != name and key not in self._begins:
                raise Refused(f"its storage {key[:200]} belongs to no tensor")


def _flatten(root: Any) -> dict[str, Any]:
    """Leaves by dotted name; a container that holds itself, or blows up when it is spelled out, is refused."""
    leaves: dict[str, Any] = {}
    plain: dict[int, bool] = {}
    visited = 0
    pending: list[tuple[str, Any, int]] = [("", root, 0)]
    while pending:
        name, value, depth = pending.pop()
        visited += 1
        if visited > _MAX_LEAVES or depth > _MAX_DEPTH or len(name) > _MAX_NAME:
            raise Refused("its pickle nests too deeply, or holds too many or too long names")
        items = _items(value, plain)
        if items is None:
            if name in leaves:
                raise Refused(f"it has two entries called {name!r}")
            leaves[name] = value
            continue
        if visited + len(pending) + len(items) > _MAX_LEAVES:
            raise Refused(f"its pickle spells out more than {_MAX_LEAVES} entries")
        prefix = f"{name}." if depth else ""
        pending.extend((f"{prefix}{key}", inner, depth + 1) for key, inner in reversed(items))
    return leaves


def _items(value: Any, plain: dict[int, bool]) -> list[tuple[Any, Any]] | None:
    """What a container holds; None for a leaf. A list without tensors and containers is a leaf, however long it is.

    ``plain`` remembers, by identity, the lists that were looked through: a pickle can hold one of them a million times.
    """
    if isinstance(value, dict):
        return list(value.items())
    if not isinstance(value, (list, tuple)):
        return None
    if id(value) not in plain:
        plain[id(value)] = not any(isinstance(inner, (View, Storage, dict, list, tuple)) for inner in value)
    return None if plain[id(value)] else list(enumerate(value))


def _kind(leaf: Any) -> str:
    match leaf:
        case Opaque():
            return leaf.kind
        case None:
            return "None"
        case Global():
            return str(leaf)
        case _:
            return type(leaf).__name__


def _tied(views: dict[str, View]) -> tuple[tuple[str, ...], ...]:
    """Names of equal views; empty tensors share nothing."""

    def identity(name: str) -> tuple[str, str, int, tuple[int, ...], tuple[int, ...]]:
        view = views[name]
        return view.storage.key, view.dtype, view.offset, view.shape, view.strides

    places = {name: at for at, name in enumerate(views)}
    ordered = sorted((name for name, view in views.items() if 0 not in view.shape), key=identity)
    groups = (tuple(sorted(group, key=places.__getitem__)) for _, group in groupby(ordered, key=identity))
    found = tuple(group for group in groups if len(group) > 1)
    if any(len(group) > _MAX_TIED for group in found):
        raise Refused(f"more than {_MAX_TIED} of its names stand for one tensor")
    return found
