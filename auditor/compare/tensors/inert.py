"""What a PyTorch checkpoint's pickle may mention, and the inert values that it describes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from auditor.compare.errors import Refused, pickled
from auditor.compare.tensors.base import MAX_DIMENSIONS

# No honest size reaches it, and hashes of integers below it are the integers themselves: no keys can be chosen to collide.
_MAX_SIZE: Final = (1 << 61) - 1

STORAGES: Final = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
}
DTYPES: Final = frozenset(
    {*STORAGES.values(), "uint16", "uint32", "uint64"}
    | {"float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"}
)


@dataclass(frozen=True, slots=True)
class Global:
    """A name that the pickle mentioned, with nothing behind it."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"[:200]


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """What a checkpoint says about a storage: its member's key, the dtype (None: bytes), how many items it has."""

    key: str
    dtype: str | None
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A tensor: ``shape`` items of a storage, from item ``offset`` on, ``strides`` items apart. Nothing is checked yet."""

    storage: Storage
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value whose kind is all that anybody needs to know."""

    kind: str


def known(module: str, name: str) -> Global:
    """The name, if it belongs to files of tensors.

    Raises:
        Pickled: otherwise.
    """
    found = Global(module, name)
    is_storage = module == "torch" and name in STORAGES
    if str(found) in _FUNCTIONS or str(found) in _UNTYPED or is_storage or (module == "torch" and name in DTYPES):
        return found
    raise pickled(f"its pickle asks for {found}, which no file of tensors needs")


def build(function: Global, arguments: tuple[Any, ...]) -> Any:
    """What calling ``function`` would have described.

    Raises:
        Pickled: it is no function.
        Refused: arguments that it does not take.
    """
    maker = _FUNCTIONS.get(str(function))
    if maker is None:
        raise pickled(f"its pickle calls {function}")
    try:
        return maker(*arguments)
    except (TypeError, ValueError, KeyError) as error:
        raise Refused(f"its pickle gives {function} arguments that it does not take") from error


def stored(described: Any) -> Storage:
    """``("storage", class, key, location, items)``, as ``torch.save`` describes it."""
    match described:
        case ("storage", Global(module, name), str(key), str(), int(items)) if items >= 0 and type(items) is int:
            if f"{module}.{name}" in _UNTYPED:
                return Storage(key=key, dtype=None, items=items)
            if module == "torch" and name in STORAGES:
                return Storage(key=key, dtype=STORAGES[name], items=items)
    raise Refused("its pickle refers to a storage in an unknown way")


def _view(
    storage: Any, offset: Any, shape: Any, strides: Any, _requires_grad: Any, _hooks: Any, metadata: Any = None
) -> View:
    if not isinstance(storage, Storage) or storage.dtype is None:
        raise TypeError("a tensor without a typed storage")
    return _checked_view(storage, storage.dtype, (offset, shape, strides), metadata)


def _view_of_bytes(  # noqa: PLR0913, PLR0917 - the arguments of torch._utils._rebuild_tensor_v3, by position
    storage: Any, offset: Any, shape: Any, strides: Any, _grad: Any, _hooks: Any, dtype: Any, metadata: Any = None
) -> View:
    if not isinstance(storage, Storage) or not isinstance(dtype, Global) or dtype.name not in DTYPES:
        raise TypeError("a tensor without a storage or dtype")
    return _checked_view(storage, dtype.name, (offset, shape, strides), metadata)


def _checked_view(storage: Storage, dtype: str, place: tuple[Any, Any, Any], metadata: Any) -> View:
    offset, shape, strides = place
    for sizes in ((offset,), shape, strides):
        if not isinstance(sizes, tuple) or not all(type(n) is int and 0 <= n < _MAX_SIZE for n in sizes):
            raise TypeError("sizes that are no numbers")
    if len(shape) != len(strides) or len(shape) > MAX_DIMENSIONS:
        raise ValueError("sizes that do not fit each other")
    if metadata:  # a conjugated or negated view: its values are not those in the storage
        raise ValueError("a lazily conjugated or negated tensor")
    return View(storage=storage, dtype=dtype, offset=offset, shape=shape, strides=strides)


def _parameter(data: Any, _requires_grad: Any, _hooks: Any, _state: Any = None) -> View:
    if not isinstance(data, View):
        raise TypeError("a parameter without a tensor")
    return data


def _mapping(items: Any = None) -> dict[Any, Any]:
    """A dictionary, empty or the one that was just made: copying could be asked for without end."""
    if items is None:
        return {}
    if not isinstance(items, dict):
        raise TypeError("a mapping made of what is none")
    return items


def is_key(key: Any) -> bool:
    """Whether a value may be the key of a dictionary: text or a number whose hash nobody can choose."""
    return key is None or type(key) in {str, bool, float, bytes} or (type(key) is int and abs(key) < _MAX_SIZE)


def _text_as_bytes(text: Any, encoding: Any) -> Opaque:
    if not isinstance(text, str) or encoding not in {"latin1", "latin-1"}:
        raise TypeError("bytes that are no text")
    return Opaque("bytes")


def _opaque(kind: str) -> Callable[..., Opaque]:
    return lambda *_: Opaque(kind)


_UNTYPED: Final = frozenset({"torch.storage.UntypedStorage", "torch.UntypedStorage"})
_INERT: Final = ("set", "frozenset", "complex")
_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    f"{module}.{kind}": _opaque(kind) for module in ("builtins", "__builtin__") for kind in _INERT
} | {
    "torch._utils._rebuild_tensor_v2": _view,
    "torch._utils._rebuild_tensor_v3": _view_of_bytes,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "collections.OrderedDict": _mapping,
    "collections.Counter": _mapping,
    "torch.Size": _opaque("torch.Size"),
    "torch.device": _opaque("torch.device"),
    "_codecs.encode": _text_as_bytes,
}
