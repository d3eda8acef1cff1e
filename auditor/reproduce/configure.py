"""Changes configuration values and seeds where the record says they stand."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from auditor.errors import UndecidableError
from auditor.model.run import Json, Run, Seed
from auditor.reproduce import config_text

_LARGEST = 2**32 - 1  # numpy's legacy generators take no more
_STEP = 1013


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a re-execution changes of the recorded run.

    Attributes:
        values: dotted key or JSON Pointer into the effective configuration, to value.
        arguments: index into the command, to seed value.
        variables: environment variables.
    """

    values: Mapping[str, Json] = field(default_factory=dict)
    arguments: Mapping[int, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.values or self.arguments or self.variables)

    def __or__(self, other: Changes) -> Changes:
        return Changes(
            values={**self.values, **other.values},
            arguments={**self.arguments, **other.arguments},
            variables={**self.variables, **other.variables},
        )


def other_seeds(run: Run, *, number: int = 1) -> Changes:
    """All seeds that can be injected, each with another value; ``PYTHONHASHSEED`` is none: it seeds no model.

    ``number`` tells several sets of other seeds apart.
    """
    values: dict[str, Json] = {}
    arguments: dict[int, str] = {}
    variables: dict[str, str] = {}
    for seed in (run.randomness.seeds if run.randomness else {}).values():
        other = _other(seed, number * _STEP)
        if other is None or seed.at == "PYTHONHASHSEED":
            continue
        match _place(seed):
            case int(index):
                arguments[index] = str(other)
            case pointer if pointer.startswith("/"):
                values[pointer] = str(other) if isinstance(seed.value, str) else other
            case name:
                variables[name] = str(other)
    return Changes(values=values, arguments=arguments, variables=variables)


def words(changes: Changes, command: tuple[str, ...]) -> tuple[str, ...]:
    """``command`` with the seeds that stand in it changed, otherwise as recorded.

    Raises:
        UndecidableError: the record does not say where to make a change.
    """
    argv = list(command)
    for index, text in changes.arguments.items():
        if not 0 <= index < len(argv):
            raise UndecidableError(f"a seed is recorded at argument {index}, but the command has {len(argv)} words")
        option, equals, _ = argv[index].partition("=")
        argv[index] = f"{option}={text}" if equals and option.startswith("-") else text
    return tuple(argv)


def apply(run: Run, changes: Changes, command: tuple[str, ...], *, work: Path, folder: Path) -> tuple[tuple[str, ...], Path]:
    """The command to start and the file with its effective configuration, which is written into ``folder``.

    A run with exactly one configuration file and nothing set beside it reads that file: then it is rewritten in ``work``
    in its own format, and only when a value changes.

    Raises:
        UndecidableError: the record does not say where to make a change.
    """
    recorded = run.configuration.effective if run.configuration else {}
    effective = copy.deepcopy(dict(recorded))
    for key, value in changes.values.items():
        config_text.put(effective, key, value)
    place = folder / "config.json"
    place.write_text(json.dumps(effective, indent=1), encoding="utf-8")
    if effective != recorded:
        _rewrite(run, work, changes.values)
    return tuple(word.replace("{config}", str(place)) for word in words(changes, command)), place


def _rewrite(run: Run, work: Path, values: Mapping[str, Json]) -> None:
    configuration = run.configuration
    files = configuration.files if configuration else ()
    if configuration is None or len(files) != 1 or any(o.source != "file" for o in configuration.origins.values()):
        return  # layers, or values set beside the file: the program reads the effective configuration instead
    place = work / files[0].path
    # This process may be more powerful than the command: it never follows the command's links.
    if place.is_symlink() or not place.is_file() or not place.resolve().is_relative_to(work.resolve()):
        return
    text = config_text.changed(place.read_bytes(), values, is_json=place.suffix == ".json")
    place.unlink()
    place.write_text(text, encoding="utf-8")


def _place(seed: Seed) -> int | str:
    return int(seed.at) if isinstance(seed.at, int) or seed.at.isdecimal() else seed.at


def _other(seed: Seed, step: int) -> int | None:
    """Another value of the same kind; None for text that is no number."""
    if isinstance(seed.value, str) and not re.fullmatch(r"-?[0-9]{1,18}", seed.value):
        return None
    value = int(seed.value)
    return value + step if value + step <= _LARGEST else value - step
