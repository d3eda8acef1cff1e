"""Interprets the pickle of a PyTorch checkpoint without executing it: a small machine that only knows inert values.

The machine is modelled on the restricted unpickler that ``torch.load(weights_only=True)`` uses. It imports nothing, calls
nothing and makes nothing but the values below; whatever else a pickle asks for is refused by name.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterator
from typing import Any, Final

from auditor.compare.errors import Refused, pickled
from auditor.compare.tensors.inert import Global, build, is_key, known, stored

MAX_PICKLE: Final = 1 << 24
"""The largest pickle that is looked at, in bytes: some 100,000 tensors."""
_MAX_OPERATIONS: Final = 3_000_000


class _Mark:
    """The place on the stack that MARK left."""


_MARK: Final = _Mark()


def interpret(raw: bytes) -> Any:
    """What the pickle describes: dicts, lists, tuples, plain values, and classes of :mod:`auditor.compare.tensors.inert`.

    Containers may contain each other more than once, and in circles.

    Raises:
        Pickled: it asks for anything that a file of tensors does not need; the message names it.
        Refused: it is damaged.
    """
    machine = _Machine()
    for count, (code, argument) in enumerate(_operations(raw)):
        if count > _MAX_OPERATIONS:
            raise Refused(f"its pickle takes more than {_MAX_OPERATIONS} operations")
        if code == "STOP":
            return machine.pop()
        machine.step(code, argument)
    raise Refused("its pickle has no end")


def _operations(raw: bytes) -> Iterator[tuple[str, Any]]:
    operations = pickletools.genops(raw)
    while True:
        try:
            operation, argument, _ = next(operations)
        except StopIteration:
            return
        except (ValueError, OverflowError, IndexError) as error:
            raise Refused("its pickle is damaged") from error
        yield operation.name, argument


class _Machine:
    """The stack, the memo, and what each known operation does to them."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def step(self, code: str, argument: Any) -> None:
        if code in _IGNORED:
            return
        if code in _LITERALS:
            self._stack.append(argument)
        elif code in _CONSTANTS:
            self._stack.append(_CONSTANTS[code]())
        elif code in _ACTIONS:
            _ACTIONS[code](self, argument)
        else:
            raise pickled(f"its pickle holds the operation {code}, which no file of tensors needs")

    def pop(self) -> Any:
        value = self._pop()
        if value is _MARK:
            raise Refused("its pickle is damaged: it takes a mark for a value")
        return value

    def _pop(self) -> Any:
        if not self._stack:
            raise Refused("its pickle is damaged: it takes more from its stack than it put there")
        return self._stack.pop()

    def _top(self) -> Any:
        value = self.pop()
        self._stack.append(value)
        return value

    def _from_mark(self) -> list[Any]:
        values: list[Any] = []
        while (value := self._pop()) is not _MARK:
            values.append(value)
        return values[::-1]

    def mark(self, _: Any) -> None:
        self._stack.append(_MARK)

    def put(self, place: int) -> None:
        self._memo[place] = self._top()

    def memoize(self, _: Any) -> None:
        self._memo[len(self._memo)] = self._top()

    def get(self, place: int) -> None:
        if place not in self._memo:
            raise Refused("its pickle is damaged: it refers to what it never stored")
        self._stack.append(self._memo[place])

    def global_(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self._stack.append(known(module, name))

    def stack_global(self, _: Any) -> None:
        name, module = self.pop(), self.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise Refused("its pickle is damaged: it names something by what is no name")
        self._stack.append(known(module, name))

    def tuple_(self, _: Any) -> None:
        self._stack.append(tuple(self._from_mark()))

    def short_tuple(self, length: int) -> None:
        values = [self.pop() for _ in range(length)]
        self._stack.append(tuple(values[::-1]))

    def appends(self, values: list[Any]) -> None:
        target = self._top()
        if not isinstance(target, list):
            raise Refused("its pickle is damaged: it appends to what is no list")
        target.extend(values)

    def set_items(self, values: list[Any]) -> None:
        target = self._top()
        if not isinstance(target, dict) or len(values) % 2:
            raise Refused("its pickle is damaged: it sets items of what is no mapping")
        for key, value in zip(values[::2], values[1::2], strict=True):
            if not is_key(key):
                raise Refused("its pickle has a mapping with a key that is neither text nor a small number")
            target[key] = value

    def append(self, _: Any) -> None:
        self.appends([self.pop()])

    def appends_marked(self, _: Any) -> None:
        self.appends(self._from_mark())

    def set_item(self, _: Any) -> None:
        value, key = self.pop(), self.pop()
        self.set_items([key, value])

    def set_items_marked(self, _: Any) -> None:
        self.set_items(self._from_mark())

    def reduce(self, _: Any) -> None:
        arguments, function = self.pop(), self.pop()
        if not isinstance(function, Global) or not isinstance(arguments, tuple):
            raise pickled("its pickle calls what is no function of tensors")
        self._stack.append(build(function, arguments))

    def build(self, _: Any) -> None:
        """Attributes of a dictionary (``state_dict()._metadata``) describe it: they are dropped."""
        self.pop()
        if not isinstance(self._top(), dict):
            raise pickled("its pickle sets attributes of an object")

    def persistent(self, _: Any) -> None:
        self._stack.append(stored(self.pop()))


_IGNORED: Final = frozenset({"PROTO", "FRAME"})
_LITERALS: Final = frozenset(
    {"BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}
    | {"BINBYTES", "SHORT_BINBYTES", "BINBYTES8"}
)
_CONSTANTS: Final[dict[str, Callable[[], Any]]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_SET": list,  # never asked whether it holds something: an inert list serves
}
_ACTIONS: Final[dict[str, Callable[[_Machine, Any], None]]] = {
    "MARK": _Machine.mark,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "MEMOIZE": _Machine.memoize,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "GLOBAL": _Machine.global_,
    "STACK_GLOBAL": _Machine.stack_global,
    "TUPLE": _Machine.tuple_,
    "FROZENSET": _Machine.tuple_,
    "TUPLE1": lambda machine, _: machine.short_tuple(1),
    "TUPLE2": lambda machine, _: machine.short_tuple(2),
    "TUPLE3": lambda machine, _: machine.short_tuple(3),
    "APPEND": _Machine.append,
    "APPENDS": _Machine.appends_marked,
    "ADDITEMS": _Machine.appends_marked,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items_marked,
    "REDUCE": _Machine.reduce,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.persistent,
}
