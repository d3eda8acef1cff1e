"""Floating-point formats that numpy lacks: how their stored bytes become float32 of the same value."""

from __future__ import annotations

import math
from functools import cache
from typing import Any, Final, Literal

import numpy as np

from auditor.compare.tensors.base import Array
from auditor.compare.tensors.extras import missing
from auditor.errors import UndecidableError

ML_DTYPES: Final = frozenset({"float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu", "float8_e4m3", "float8_e3m4"})
"""Eight-bit formats whose values come from the library ml_dtypes."""

STORED: Final = {"bfloat16": "u2", "float8_e4m3fn": "u1", "float8_e5m2": "u1"} | dict.fromkeys(sorted(ML_DTYPES), "u1")
"""The integers in which each of these formats is stored."""


def stored_dtype(name: str, order: Literal["<", ">"] = "<") -> np.dtype[Any]:
    """The dtype of stored elements for a dtype's name, in the byte order of the file.

    Raises:
        UndecidableError: the format needs ml_dtypes, which is not installed.
    """
    if name in ML_DTYPES:
        _table(name)
    return np.dtype(STORED.get(name, name)).newbyteorder(order)


def widen(block: Array, name: str) -> Array:
    """float32 of the same values where numpy has no such dtype; everything else as it is.

    bfloat16 is the upper half of a float32 and float8_e5m2 that of a float16; the other formats are looked up byte by byte.
    """
    match name:
        case "bfloat16":
            return (block.astype(np.uint32) << np.uint32(16)).view(np.float32)
        case "float8_e5m2":
            return (block.astype(np.uint16) << np.uint16(8)).view(np.float16).astype(np.float32)
        case "float8_e4m3fn":
            return _by_table(_e4m3fn(), block)
        case _ if name in ML_DTYPES:
            return _by_table(_table(name), block)
        case _:
            return block


def _by_table(values: Array, block: Array) -> Array:
    widened: Array = values[block]
    return widened


@cache
def _table(name: str) -> Array:
    """The value of each byte, by ml_dtypes."""
    try:
        import ml_dtypes  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise missing(f"its dtype {name}", "ml_dtypes", "dtypes") from error
    kind = getattr(ml_dtypes, name, None)
    if kind is None:
        raise UndecidableError(f"the installed ml_dtypes has no {name}", hint="pip install --upgrade ml_dtypes")
    values: Array = np.arange(256, dtype=np.uint8).view(kind).astype(np.float32)
    return values


@cache
def _e4m3fn() -> Array:
    """The value of each byte: sign, four exponent bits of bias 7, three of mantissa; no infinity, NaN is all ones.

    Micikevicius et al., FP8 formats for deep learning (arXiv 2209.05433), table 1.
    """
    values = np.empty(256, dtype=np.float32)
    for byte in range(256):
        exponent, mantissa = (byte >> 3) & 0xF, byte & 0x7
        size = math.ldexp(mantissa, -9) if exponent == 0 else math.ldexp(8 + mantissa, exponent - 10)
        values[byte] = math.nan if byte & 0x7F == 0x7F else math.copysign(size, -1 if byte & 0x80 else 1)
    return values
