"""The pins that the action installs are those of the dependencies that pyproject.toml names now."""

from __future__ import annotations

import re

from packaging.utils import canonicalize_name
from pins import FILE, header, wanted

LOCK = FILE.read_text(encoding="utf-8")
PIN = re.compile(
    r"^(?P<name>[a-z0-9-]+)==(?P<version>[^ ;\\]+)(?: ; [^\\]+)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+$", re.MULTILINE
)


def pins():
    found: dict[str, set[str]] = {}
    for match in PIN.finditer(LOCK):
        found.setdefault(match["name"], set()).add(match["version"])
    return found


def test_every_line_is_a_pin_with_its_hashes():
    left = PIN.sub("", LOCK)
    assert [line for line in left.splitlines() if line.strip() and not line.startswith("#")] == []
    assert len(pins()) > 20


def test_every_dependency_is_pinned_to_a_version_that_it_allows():
    pinned = pins()
    stale = [
        str(requirement)
        for requirement in wanted()
        if not any(requirement.specifier.contains(v) for v in pinned.get(canonicalize_name(requirement.name), ()))
    ]
    assert stale == [], "run `make lock`"


def test_the_pins_were_made_of_the_dependencies_of_today():
    assert LOCK.startswith(header()), "run `make lock`"
