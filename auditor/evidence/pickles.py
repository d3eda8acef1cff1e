"""Reads what a pickle would import, opcode by opcode. Nothing is ever unpickled.

A pickle is a program for a stack machine whose only way out is to import something by name and call it. The names are
strings in the stream; those that start programs, open connections or evaluate text have no business in a model.
"""

from __future__ import annotations

import bz2
import lzma
import mmap
import pickletools
import re
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from auditor.evidence.unanswered import NotApplicable

_LIMIT = 256 << 20
_MEMBERS = 10_000

_MODULES = frozenset(
    {
        "asyncio",
        "bdb",
        "cProfile",
        "code",
        "codeop",
        "commands",
        "ctypes",
        "http",
        "importlib",
        "multiprocessing",
        "nt",
        "os",
        "pdb",
        "pip",
        "platform",
        "posix",
        "profile",
        "pty",
        "requests",
        "runpy",
        "shutil",
        "signal",
        "socket",
        "subprocess",
        "sys",
        "timeit",
        "urllib",
        "webbrowser",
    }
)
_BUILTINS = frozenset({"eval", "exec", "compile", "open", "__import__", "execfile", "input", "breakpoint"})
_NAMES = re.compile(
    rb"c(?P<module>[a-zA-Z_][\w.]{0,60})\n(?P<name>[a-zA-Z_][\w.]{0,60})\n"
    rb"|\x8c.(?P<long>[a-zA-Z_][\w.]{0,60}?)(?:\x94|q.)?\x8c.(?P<short>[a-zA-Z_][\w.]{0,60}?)(?:\x94|q.)?\x93",
    re.DOTALL,
)


def dangerous_imports(path: Path) -> list[str]:
    """The ``module.name`` that a pickle, or an archive around pickles, would import and that no model needs, sorted.

    Raises:
        NotApplicable: it is packed in a way, or to a size, that is not looked into.
    """
    if path.stat().st_size > _LIMIT:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as view:
            names = set(_in_a_row(view, 0))
    else:
        names = {name for pickled in _pickles(path.read_bytes()) for name in _imports(pickled)}
    return sorted(f"{module}.{name}" for module, name in names if _dangerous(module, name))


def _pickles(content: bytes) -> Iterator[bytes]:
    try:
        if content.startswith(b"PK\x03\x04"):
            yield from _members(content)
        elif content.startswith(b"\x04\x22\x4d\x18"):
            raise NotApplicable("it is compressed with LZ4, and not looked into")
        else:
            yield _unpacked(content)
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        NotImplementedError,
        RuntimeError,
        OSError,
        EOFError,
        ValueError,
    ):
        raise NotApplicable("it is an archive that cannot be read") from None


def _unpacked(content: bytes) -> bytes:
    """The bytes that joblib's own compressors wrapped."""
    if content.startswith(b"\x1f\x8b"):
        return zlib.decompressobj(wbits=31).decompress(content, _LIMIT)
    if content[:1] == b"\x78":
        return zlib.decompressobj().decompress(content, _LIMIT)
    if content.startswith(b"BZh"):
        return bz2.BZ2Decompressor().decompress(content, _LIMIT)
    if content.startswith((b"\xfd7zXZ", b"\x5d\x00")):
        return lzma.LZMADecompressor().decompress(content, _LIMIT)
    return content


def _members(content: bytes) -> Iterator[bytes]:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        names = [info for info in archive.infolist() if info.filename.endswith((".pkl", ".pickle"))]
        if len(names) > _MEMBERS or sum(info.file_size for info in names) > _LIMIT:
            raise NotApplicable("its pickles are larger than is looked into")
        for info in names:
            with archive.open(info) as stream:
                yield stream.read(_LIMIT)


def _imports(stream: bytes) -> Iterator[tuple[str, str]]:
    """The names that a pickle imports, by following its strings, and how its memo keeps them."""
    strings: list[str] = []
    memo: dict[int, str | None] = {}
    last: str | None = None
    end = 0
    try:
        for opcode, argument, position in pickletools.genops(stream):
            end = position or end
            if opcode.name in {"GLOBAL", "INST"}:
                module, _, name = str(argument).partition(" ")
                yield module, name
            elif opcode.name == "STACK_GLOBAL" and len(strings) > 1:
                yield strings[-2], strings[-1]
            if opcode.name == "MEMOIZE":
                memo[len(memo)] = last
            elif opcode.name in {"PUT", "BINPUT", "LONG_BINPUT"}:
                memo[int(str(argument))] = last
            else:
                last = _string(opcode.name, argument, memo)
                strings += [] if last is None else [last]
    except (ValueError, IndexError, OverflowError, UnicodeError, AssertionError):
        # joblib writes arrays between the opcodes: from there on only names in a row are looked for.
        yield from _in_a_row(stream, end)


def _string(opcode: str, argument: object, memo: dict[int, str | None]) -> str | None:
    """The text that an opcode pushes, None for any other."""
    if "UNICODE" in opcode or opcode in {"STRING", "BINSTRING", "SHORT_BINSTRING"}:
        return str(argument)
    return memo.get(int(str(argument))) if opcode in {"GET", "BINGET", "LONG_BINGET"} else None


def _in_a_row(content: bytes | mmap.mmap, start: int) -> Iterator[tuple[str, str]]:
    for match in _NAMES.finditer(content, start):
        module, name = (match["module"], match["name"]) if match["module"] else (match["long"], match["short"])
        yield module.decode(), name.decode()


def _dangerous(module: str, name: str) -> bool:
    top = module.partition(".")[0]
    return top in _MODULES or (top in {"builtins", "__builtin__"} and name.partition(".")[0] in _BUILTINS)
