"""Writes ``schemas/README.md``: every field of every schema, with what it means and an example.

``python -m auditor.manifest.document`` writes it; with ``--check`` it exits 1 when the file is not what it would write.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any, Final

from auditor.manifest.shown import shorten
from auditor.manifest.validate import SCHEMAS, schema
from auditor.manifest.write import dump, write
from auditor.resources import folder

_HEAD: Final = """\
# Schemas

Written by `python -m auditor.manifest.document`; change the schemas, not this page. The version is part of a schema's
name, and a released schema is never edited: a change of meaning gets a new version, and the old one stays readable.

What must be refused is refused by `pattern`, never by `format`, about which validators disagree. Unknown keys are an error
except below `extensions`. A value that cannot be known is left out, and named under `unavailable` with the reason.
"""


def page() -> str:
    """The text of ``schemas/README.md``."""
    return "\n".join([_HEAD, *(line for versions in SCHEMAS.values() for name in versions.values() for line in _part(name))])


def main(arguments: list[str]) -> int:
    """Writes the page, or with ``--check`` compares it; the exit status."""
    path = folder("schemas") / "README.md"
    text = page()
    if arguments == ["--check"]:
        fresh = path.is_file() and path.read_text(encoding="utf-8") == text
        if not fresh:
            sys.stderr.write(f"{path} is stale: run python -m auditor.manifest.document\n")
        return 0 if fresh else 1
    if arguments:
        sys.stderr.write("usage: python -m auditor.manifest.document [--check]\n")
        return 2
    write(path, text)
    return 0


def _part(name: str) -> Iterator[str]:
    """The chapter of one schema."""
    root = schema(name)
    yield f"## {root['title']}\n"
    yield f"[`{name}`]({name}). {root['description']}\n"
    yield "| field | form | meaning | example |"
    yield "|---|---|---|---|"
    yield from _rows(root, "", root)
    yield "\nFor example:\n"
    yield f"```yaml\n{dump(root['examples'][0])}```\n"
    yield "Forms:\n"
    for form, rule in root["$defs"].items():
        if "pattern" in rule:
            yield f"- `{form}`: {rule['title']}; `{rule['pattern']}`"
    yield ""


def _rows(rule: dict[str, Any], prefix: str, root: dict[str, Any]) -> Iterator[str]:
    """One row for each field below ``rule``, fields of fields below their parent."""
    required = rule.get("required", [])
    for name, given in rule.get("properties", {}).items():
        field, form = _resolve(given, root)
        path = f"{prefix}{name}"
        must = ", required" if name in required else ""
        meaning = field.get("description") or field.get("title", "")
        yield f"| `{path}` | {_cell(form)}{must} | {_cell(meaning)} | {_example(field)} |"
        yield from _below(field, path, root)


def _below(field: dict[str, Any], path: str, root: dict[str, Any]) -> Iterator[str]:
    if "properties" in field:
        yield from _rows(field, f"{path}.", root)
    for key, suffix in (("items", "[]."), ("additionalProperties", ".*.")):
        if isinstance(field.get(key), dict):
            yield from _rows(_resolve(field[key], root)[0], f"{path}{suffix}", root)


def _resolve(rule: dict[str, Any], root: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """``rule`` with what it refers to, and its form in a word or two."""
    reference = rule.get("$ref")
    if reference is not None:
        name = reference.rpartition("/")[2]
        target = root["$defs"][name]
        return {**target, **rule}, f"`{name}`" if "pattern" in target else _form(target, root)
    return rule, _form(rule, root)


def _form(rule: dict[str, Any], root: dict[str, Any]) -> str:
    if "const" in rule:
        return f"`{json.dumps(rule['const'])}`"
    if "enum" in rule:
        return " or ".join(f"`{'null' if choice is None else choice}`" for choice in rule["enum"])
    if "anyOf" in rule:
        return " or ".join(_resolve(branch, root)[1] for branch in rule["anyOf"])
    kinds = rule.get("type", "any")
    if kinds == "array":
        return f"list of {_resolve(rule['items'], root)[1]}"
    if kinds == "object" and isinstance(rule.get("additionalProperties"), dict):
        return f"name to {_resolve(rule['additionalProperties'], root)[1]}"
    return kinds if isinstance(kinds, str) else " or ".join(kinds)


def _example(field: dict[str, Any]) -> str:
    examples = field.get("examples", [])
    return f"`{_cell(shorten(json.dumps(examples[0], ensure_ascii=False)))}`" if examples else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
