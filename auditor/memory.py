"""What was worked out once and is likely to be asked for again, up to a weight: the least recently asked for goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Memory(Generic[Key, Value]):
    """A memory for values that weigh ``limit`` together, in whatever unit; what takes more than a quarter is not kept."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._weight = 0
        self._known: OrderedDict[Key, tuple[Value, int]] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """What is kept under ``key``."""
        found = self._known.get(key)
        if found is None:
            return None
        self._known.move_to_end(key)
        return found[0]

    def put(self, key: Key, value: Value, weight: int) -> Value:
        """Keep ``value``, and give it back."""
        if weight * 4 <= self._limit and key not in self._known:
            self._known[key] = value, weight
            self._weight += weight
            while self._weight > self._limit:
                self._weight -= self._known.popitem(last=False)[1][1]
        return value
