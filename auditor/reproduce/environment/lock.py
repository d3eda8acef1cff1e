"""Reads a lock file into pins that an installer can be given: name, version, marker, hashes, and nothing else.

A lock is text of the run. No line of it reaches an installer as it stands: options, indexes, addresses and paths in it are
left out, said, or refused. What is installed is what its hashes say, from the index that the policy names.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from auditor.errors import UndecidableError

_LIMIT = 32 << 20
_MOST = 5000
_CONTINUED = re.compile(r"\\\r?\n")
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_PINNED = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[A-Za-z0-9._, -]*\])?\s*==\s*(?P<version>[A-Za-z0-9][A-Za-z0-9.!+_-]*)"
    r"\s*(?:;(?P<marker>.*?))?(?P<hashes>(?:\s+--hash=[a-z0-9]+:[0-9a-fA-F]+)*)\s*"
)
_MARKER = re.compile(r"[A-Za-z0-9_.'\"<>=!~()\s,|+-]*")
_HASH = re.compile(r"(sha256:[0-9a-fA-F]{64}|sha384:[0-9a-fA-F]{96}|sha512:[0-9a-fA-F]{128})")
_HARMLESS = ("--require-hashes", "--only-binary", "--prefer-binary", "--pre")
_FOREIGN = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--trusted-host", "--no-binary", "--no-index")
_OWN = re.compile(r"(?:-e\s+|--editable[ =]\s*)?(?:file:)?\.(?:/[A-Za-z0-9._/-]*)?\s*(?:;.*)?")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Pin:
    """One distribution in one version. ``marker`` says on which machines it is wanted, "" for all; ``hashes`` are sorted."""

    name: str
    version: str
    marker: str = ""
    hashes: tuple[str, ...] = ()

    def line(self) -> str:
        """The pin as an installer reads it."""
        marker = f" ; {self.marker}" if self.marker else ""
        return " ".join([f"{self.name}=={self.version}{marker}", *(f"--hash={value}" for value in self.hashes)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """All pins of a lock, sorted. ``ignored`` names what else it says that is not followed, in words."""

    pins: tuple[Pin, ...]
    ignored: tuple[str, ...] = ()

    def text(self) -> str:
        """The requirements file that is handed to an installer."""
        return "".join(f"{pin.line()}\n" for pin in self.pins)


def read_pins(content: bytes, kind: str, *, machine: Mapping[str, str]) -> Pins:
    """The pins in ``content``; ``kind`` is one of requirements, uv, pylock, poetry, or the file's name.

    ``machine`` holds the variables of dependency markers (PEP 508) for the interpreter that it is installed for.

    Raises:
        UndecidableError: it is of a kind that is not rebuilt, pins without hashes, or names code that is in no index.
    """
    if len(content) > _LIMIT:
        raise UndecidableError(f"the lock has {len(content)} bytes, more than a lock needs")
    try:
        found = _read(content.decode(), kind, machine)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UndecidableError(f"the lock cannot be read: {error}") from None
    if not found.pins:
        raise UndecidableError("the lock pins nothing for this machine")
    if len(found.pins) > _MOST:
        raise UndecidableError(f"the lock pins {len(found.pins)} distributions, more than {_MOST}")
    return Pins(pins=tuple(sorted(set(found.pins))), ignored=tuple(dict.fromkeys(found.ignored)))


def _read(text: str, kind: str, machine: Mapping[str, str]) -> Pins:
    if kind == "requirements" or kind.endswith((".txt", ".in")):
        return _requirements(text)
    if "conda" in kind:
        raise UndecidableError(
            "conda environments are not rebuilt", hint="record in a container, and name its image by digest"
        )
    document = tomllib.loads(text)
    if isinstance(document.get("packages"), list):
        return _pylock(document)
    packages = [package for package in document.get("package", []) if isinstance(package, dict)]
    if any("files" in package for package in packages):
        return _poetry(packages)
    if packages:
        from auditor.reproduce.environment.graph import needed  # noqa: PLC0415  (only these locks are graphs)

        wanted = needed(packages, machine)
        return _uv([package for package in packages if _is_needed(package, wanted)])
    return Pins(pins=())


def _requirements(text: str) -> Pins:
    pins, ignored = [], []
    for line in _CONTINUED.sub(" ", text).splitlines():
        words = _COMMENT.sub("", line).strip()
        if not words or words.startswith(_HARMLESS) or _OWN.fullmatch(words):
            continue  # the project's own distribution comes from the workspace
        option = re.split(r"[\s=]", words, maxsplit=1)[0]
        if option in _FOREIGN:
            ignored.append(f"{option} of the lock is not followed")
            continue
        found = _PINNED.fullmatch(words)
        if found is None:
            raise UndecidableError(f"the lock has a line that pins nothing: {_shown(words)}")
        hashes = re.findall(r"--hash=(\S+)", found["hashes"])
        pins.append(_pin(found["name"], found["version"], found["marker"] or "", hashes))
    return Pins(pins=tuple(pins), ignored=tuple(ignored))


def _pylock(document: Mapping[str, object]) -> Pins:
    pins, ignored = [], []
    for package in _tables(document.get("packages")):
        name = str(package.get("name"))
        if "directory" in package:
            continue
        if "vcs" in package or "archive" in package:
            raise UndecidableError(f"the lock takes {_shown(name)} from an address instead of an index")
        if "index" in package:
            ignored.append("the indexes that the lock names are not followed")
        files = [*_tables(package.get("wheels")), *_tables([package.get("sdist")])]
        hashes = [f"{a}:{v}" for file in files if isinstance(h := file.get("hashes"), dict) for a, v in h.items()]
        pins.append(_pin(name, str(package.get("version")), str(package.get("marker", "")), hashes))
    return Pins(pins=tuple(pins), ignored=tuple(ignored))


def _poetry(packages: list[dict[str, object]]) -> Pins:
    pins, ignored = [], []
    for package in packages:
        name, source = str(package.get("name")), package.get("source")
        if isinstance(source, dict):
            if source.get("type") != "legacy":
                raise UndecidableError(f"the lock takes {_shown(name)} from an address instead of an index")
            ignored.append("the indexes that the lock names are not followed")
        markers = package.get("markers", "")
        if isinstance(markers, dict):
            markers = " or ".join(f"({marker})" for marker in markers.values())
        hashes = [str(file.get("hash")) for file in _tables(package.get("files"))]
        pins.append(_pin(name, str(package.get("version")), str(markers), hashes))
    return Pins(pins=tuple(pins), ignored=tuple(ignored))


def _uv(packages: list[dict[str, object]]) -> Pins:
    pins, indexes = [], set()
    for package in packages:
        source = package.get("source")
        origin = source if isinstance(source, dict) else {}
        if {"virtual", "editable"} & origin.keys():
            continue
        if "registry" not in origin:
            raise UndecidableError(f"the lock takes {_shown(str(package.get('name')))} from an address instead of an index")
        indexes.add(str(origin["registry"]).rstrip("/"))
        files = [*_tables(package.get("wheels")), *_tables([package.get("sdist")])]
        hashes = [str(file.get("hash")) for file in files]
        pins.append(_pin(str(package.get("name")), str(package.get("version")), "", hashes))
    foreign = indexes - {"https://pypi.org/simple"}
    return Pins(pins=tuple(pins), ignored=("the indexes that the lock names are not followed",) if foreign else ())


def _is_needed(package: Mapping[str, object], needed: frozenset[tuple[str, str]]) -> bool:
    return (str(package.get("name")), str(package.get("version", ""))) in needed


def _pin(name: str, version: str, marker: str, hashes: list[str]) -> Pin:
    known = sorted({value.lower() for value in hashes if _HASH.fullmatch(value)})
    if not known:
        raise UndecidableError(
            f"the lock pins {_shown(name)} without a hash", hint="uv pip compile --generate-hashes, or uv lock"
        )
    marker = " ".join(marker.split())
    pin = Pin(name=name.lower(), version=version, marker=marker, hashes=tuple(known))
    # What goes to the installer is one requirement, whatever a lock may have put into a name.
    if _PINNED.fullmatch(f"{name}=={version}") is None or _MARKER.fullmatch(marker) is None or "--" in marker:
        raise UndecidableError(f"the lock has a pin that cannot be read: {_shown(name)}")
    return pin


def _tables(value: object) -> Iterator[dict[str, object]]:
    yield from (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def _shown(words: str) -> str:
    return repr(words if len(words) <= 80 else f"{words[:79]}…")
