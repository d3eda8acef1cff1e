"""Finds the tensors in an ONNX model's graph; field numbers are those of onnx/onnx.proto."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from auditor.compare.errors import Refused
from auditor.compare.tensors.protobuf import Field, Walker

_MAX_DEPTH: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Where a TensorProto lies; ``own_name`` is None for initializers, which carry their names themselves."""

    start: int
    length: int
    prefix: str
    own_name: str | None = None


def messages(walker: Walker, size: int) -> Iterator[Message]:
    """Every tensor of a model of ``size`` bytes, those of functions, training graphs and subgraphs included.

    Raises:
        Refused: it is no model, or nests too deeply.
    """
    found = False
    for field in walker.fields(0, size):
        match field.number:
            case 7:
                found = True
                yield from _graph(walker, field, "", 0)
            case 20:
                for part in walker.fields(field.start, field.length):
                    if part.number in {1, 2}:
                        yield from _graph(walker, part, f"training/{part.number}/", 0)
            case 25:
                yield from _function(walker, field)
    if not found:
        raise Refused("it is no ONNX model: it has no graph")


def _graph(walker: Walker, graph: Field, prefix: str, depth: int) -> Iterator[Message]:
    if depth > _MAX_DEPTH:
        raise Refused("its graphs nest too deeply")
    for field in walker.fields(graph.start, graph.length):
        match field.number:
            case 1:
                yield from _node(walker, field, prefix, depth)
            case 5:
                yield Message(start=field.start, length=field.length, prefix=prefix)
            case 15:
                yield from _sparse(walker, field, prefix, None)


def _function(walker: Walker, function: Field) -> Iterator[Message]:
    fields = [field for field in walker.fields(function.start, function.length) if field.number in {1, 7}]
    name = next((walker.text(field) for field in fields if field.number == 1), "")
    for field in fields:
        if field.number == 7:
            yield from _node(walker, field, f"{name}/", 0)


def _node(walker: Walker, node: Field, prefix: str, depth: int) -> Iterator[Message]:
    called, attributes = "", []
    for field in walker.fields(node.start, node.length):
        if field.number == 2 and not called:
            called = walker.text(field)
        elif field.number == 5:
            attributes.append(field)
    for attribute in attributes:
        yield from _attribute(walker, attribute, f"{prefix}{called}/", depth)


def _attribute(walker: Walker, attribute: Field, prefix: str, depth: int) -> Iterator[Message]:
    name, values = "", []
    for field in walker.fields(attribute.start, attribute.length):
        if field.number == 1:
            name = walker.text(field)
        elif field.number in {5, 6, 10, 11, 22, 23}:
            values.append(field)
    counts: dict[int, int] = {}
    for field in values:
        place = counts[field.number] = counts.get(field.number, -1) + 1
        own = f"{name}/{place}" if field.number in {10, 11, 23} else name
        match field.number:
            case 5 | 10:
                yield Message(start=field.start, length=field.length, prefix=prefix, own_name=own)
            case 6 | 11:
                yield from _graph(walker, field, f"{prefix}{own}/", depth + 1)
            case _:
                yield from _sparse(walker, field, prefix, own)


def _sparse(walker: Walker, sparse: Field, prefix: str, own: str | None) -> Iterator[Message]:
    """A sparse tensor is its values and where they belong; an initializer's name is that of its values."""
    for field in walker.fields(sparse.start, sparse.length):
        if field.number == 1:
            yield Message(start=field.start, length=field.length, prefix=prefix, own_name=own)
        elif field.number == 2:
            place = f"{own}/indices" if own is not None else _indices(walker, sparse)
            yield Message(start=field.start, length=field.length, prefix=prefix, own_name=place)


def _indices(walker: Walker, sparse: Field) -> str:
    for field in walker.fields(sparse.start, sparse.length):
        if field.number == 1:
            names = (walker.text(part) for part in walker.fields(field.start, field.length) if part.number == 8)
            return f"{next(names, '')}/indices"
    return "/indices"
