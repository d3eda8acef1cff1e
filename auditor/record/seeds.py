"""Finds the seeds of a run, and for each the place where a verifier can put another one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from auditor.errors import UsageError
from auditor.model.run import Json, Seed
from auditor.record.configuration import has, lookup
from auditor.record.lenient import escape

_NAME = re.compile(r"(?:.*_)?(?:seed|random_state)\Z")
_FLAGS = (
    "CUBLAS_WORKSPACE_CONFIG",
    "NVIDIA_TF32_OVERRIDE",
    "TF_DETERMINISTIC_OPS",
    "TF_CUDNN_DETERMINISTIC",
    "XLA_FLAGS",
    "PYTHONHASHSEED",
)


def find(
    configuration: dict[str, Json], argv: Sequence[str], variables: Mapping[str, str], named: Sequence[str]
) -> dict[str, Seed]:
    """Every seed of the run by name.

    Found by themselves: leaves of the configuration named ``seed``, ``random_state`` or ``*_seed`` that hold a number or
    text (the name is their dotted key), and ``PYTHONHASHSEED``. ``named`` are ``NAME=VALUE`` pairs, looked for in the
    configuration, in ``argv`` and among ``variables``.

    Raises:
        UsageError: a named seed stands nowhere, or at more than one place by its value alone.
    """
    found = {name: Seed(value=value, at=at) for name, value, at in _in_configuration(configuration, "", "")}
    hash_seed = variables.get("PYTHONHASHSEED", "")
    if hash_seed.isascii() and hash_seed.isdigit():
        found["PYTHONHASHSEED"] = Seed(value=int(hash_seed), at="PYTHONHASHSEED")
    for pair in named:
        name, seed = _locate(pair, configuration, argv, variables)
        found[name] = seed
    return found


def flags(variables: Mapping[str, str]) -> dict[str, Json]:
    """The determinism switches that were set for the command."""
    return {name: variables[name] for name in _FLAGS if name in variables}


def _in_configuration(value: Json, pointer: str, dotted: str) -> Iterator[tuple[str, int | str, str]]:
    if isinstance(value, dict):
        for key, child in value.items():
            place, name = f"{pointer}/{escape(key)}", f"{dotted}.{key}" if dotted else key
            if _NAME.match(key.lower()) and isinstance(child, int | str) and not isinstance(child, bool):
                yield name, child, place
            else:
                yield from _in_configuration(child, place, name)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _in_configuration(child, f"{pointer}/{index}", f"{dotted}.{index}")


def _locate(
    pair: str, configuration: dict[str, Json], argv: Sequence[str], variables: Mapping[str, str]
) -> tuple[str, Seed]:
    name, equals, text = pair.partition("=")
    if not equals or not name or not text:
        raise UsageError(f"--seed {pair!r} is not NAME=VALUE", hint="write for example --seed seed=7")
    value: int | str = int(text) if re.fullmatch(r"-?[0-9]{1,15}", text) else text
    # 1. Where a word of the command says so by name.  2. Where the configuration does.  3. A variable.
    # 4. A bare word of the command with just this value, such as `train.py 7`.
    at = _named_argument(argv, name, text)
    if at is None and has(configuration, name) and str(lookup(configuration, name)) == text:
        at = "".join(f"/{escape(part)}" for part in name.split("."))
    if at is None and variables.get(name) == text:
        at = name
    if at is None:
        bare = [index for index, word in enumerate(argv) if word == text and index > 0]
        at = bare[0] if len(bare) == 1 else None
    if at is None:
        raise UsageError(
            f"--seed {pair}: the command has no such seed: not in its arguments, its configuration or its environment",
            hint=f"hand it over as --{name} {text}, as {name}: {text} in a --config file, or as the variable {name}={text}",
        )
    return name, Seed(value=value, at=at)


def _named_argument(argv: Sequence[str], name: str, text: str) -> int | str | None:
    """Index of the word that holds the value: ``--seed=7`` and ``seed=7`` themselves, or the word behind ``--seed``."""
    for index, word in enumerate(argv):
        option, equals, value = word.partition("=")
        if option.lstrip("-+").replace("-", "_") != name.replace("-", "_"):
            continue
        if equals and value == text:
            return index
        if not equals and option.startswith("-") and index + 1 < len(argv) and argv[index + 1] == text:
            return index + 1
    return None
