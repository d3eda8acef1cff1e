"""Refusals of a schema in words: what is wrong, with the value; what was expected; what to do.

Imported only when something was refused, because ``jsonschema`` takes longer to import than most documents take to read.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from auditor import digest
from auditor.manifest.places import pointer_of
from auditor.manifest.shown import clean, shorten, shown
from auditor.manifest.validate import Violation

_MOST: Final = 50
_TYPES: Final = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}


def explain(value: object, schema: dict[str, Any]) -> list[Violation]:
    """Why ``schema`` refuses ``value``, at most fifty reasons and a last entry that says when there are more."""
    found: dict[tuple[str, str], Violation] = {}
    reasons = (v for error in Draft202012Validator(schema).iter_errors(value) for v in _violations(_specific(error)))
    for violation in islice(reasons, _MOST + 1):
        found.setdefault((violation.pointer, violation.message), violation)
    listed = list(found.values())
    if len(listed) <= _MOST:
        return listed
    more = Violation(pointer="", message=f"there are more than {_MOST} defects", fix="mend those above first")
    return [*listed[:_MOST], more]


def _specific(error: ValidationError) -> ValidationError:
    """Of several branches none of which fits, the reason of the one that fits best."""
    return (best_match(iter([error])) or error) if error.context else error


def _violations(error: ValidationError) -> Iterator[Violation]:
    pointer = pointer_of(error.absolute_path)
    if "propertyNames" in error.absolute_schema_path:
        pointer += pointer_of([str(error.instance)])
    match error.validator:
        case "required":
            yield from _missing(error, pointer)
        case "additionalProperties":
            yield from _unknown(error, pointer)
        case "enum" | "const" if "propertyNames" not in error.absolute_schema_path:
            yield _not_listed(error, pointer)
        case _:
            yield _misshapen(error, pointer)


def _missing(error: ValidationError, pointer: str) -> Iterator[Violation]:
    rule = _subschema(error)
    where = f" in {shorten(clean(pointer))}" if pointer else ""
    required: Any = error.validator_value
    instance: Any = error.instance
    for name in required:
        if name in instance:
            continue
        about = rule.get("properties", {}).get(name, {})
        message = rule.get("title", f"`{name}` is missing{where}")
        yield Violation(pointer=pointer, message=message, fix=f"add `{name}`{_meaning(about)}{_example(about)}")


def _unknown(error: ValidationError, pointer: str) -> Iterator[Violation]:
    known = list(_subschema(error).get("properties", {}))
    instance: Any = error.instance
    for name in instance:
        if name in known:
            continue
        near = difflib.get_close_matches(shorten(name), known, 1)
        away = "remove it, or move it below `extensions`" if "extensions" in known else "remove it"
        fix = f"did you mean `{near[0]}`?" if near else f"{away}; known here: {', '.join(known)}"
        yield Violation(
            pointer=pointer + pointer_of([name]), message=f"the key `{shorten(clean(name))}` is not known here", fix=fix
        )


def _not_listed(error: ValidationError, pointer: str) -> Violation:
    rule = _subschema(error)
    wanted: Any = error.validator_value
    allowed = wanted if error.validator == "enum" else [wanted]
    words = [shown(choice) if not isinstance(choice, str) else choice for choice in allowed]
    if "title" in rule:
        return Violation(pointer=pointer, message=f"{rule['title']}, this is {shown(error.instance)}", fix="correct either")
    near = difflib.get_close_matches(str(error.instance)[:100], words, 1)
    fix = f"did you mean `{near[0]}`?" if near else f"write {' or '.join(words[:3])}{' or …' if len(words) > 3 else ''}"
    return Violation(pointer=pointer, message=f"{shown(error.instance)} is none of {', '.join(words)}", fix=fix)


def _misshapen(error: ValidationError, pointer: str) -> Violation:
    """A value that is there, and is not what it should be."""
    rule = _subschema(error)
    given: Any = error.instance
    wanted: Any = error.validator_value
    where = "the key " if "propertyNames" in error.absolute_schema_path else ""
    fix = "correct it" + _example(rule)
    if isinstance(given, str) and error.validator in {"pattern", "maxLength"} and "title" in rule:
        message = f"{where}{shown(given)} is not {rule['title']}"
        if "sha256:" in rule["title"]:
            message += f": {_digest_defect(given)}"
            fix = "write the sha256 of the bytes; when it cannot be known, leave it out and say why under `unavailable`"
        return Violation(pointer=pointer, message=message, fix=fix)
    match error.validator:
        case "type":
            return _wrong_type(error, pointer)
        case "minLength":
            message = "the text is empty"
            fix = f"write what it should say{_example(rule)}, or leave the key out"
        case "minItems" | "minProperties":
            message = "there is no entry, and empty is not allowed here"
            fix = f"add one{_example(rule)}, or leave the key out for its default"
        case "uniqueItems":
            message = "an entry is given twice"
            fix = "keep one of the two"
        case "minimum":
            message = f"{shown(given)} is less than {wanted}"
        case "exclusiveMinimum":
            message = f"{shown(given)} is not greater than {wanted}"
        case "anyOf":
            titles = " or ".join(branch.get("title", "another form") for branch in wanted)
            message = f"{shown(given)} is neither {titles}".replace(" or ", " nor ")
        case _:
            message = f"{where}{shown(given)} is not {rule.get('title', 'what the schema asks for')}"
    return Violation(pointer=pointer, message=message, fix=fix)


def _wrong_type(error: ValidationError, pointer: str) -> Violation:
    rule = _subschema(error)
    names: Any = error.validator_value
    wanted = [names] if isinstance(names, str) else list(names)
    given = error.instance
    fix = "correct it" + _example(rule)
    if given is None:
        fix = f"write a value{_example(rule)}, or leave the key out"
    elif "string" in wanted and isinstance(given, (int, float)):
        fix = f'put it in quotes as it should read, for example "{shown(given)}"'
    elif wanted in (["number"], ["integer"]) and isinstance(given, str):
        fix = "write the number without quotes" if _is_number(given) else fix
    elif wanted == ["array"] and isinstance(given, str):
        fix = f"write it as a list, one entry for each part{_example(rule)}"
    expected = " or ".join(_TYPES[name] for name in wanted)
    what = {str: "the text ", bool: "", int: "the number ", float: "the number "}.get(type(given), "")
    return Violation(pointer=pointer, message=f"{what}{shown(given)} stands where {expected} is expected", fix=fix)


def _digest_defect(given: str) -> str:
    """What is wrong with something that should be a digest."""
    name, _, digits = given.partition(":")
    is_hex = not digits.lower().strip("0123456789abcdef")
    defects = (
        (given == digest.EMPTY, "it is the digest of no bytes at all"),
        ("//" in given, "it is an address, which can serve other bytes tomorrow"),
        (not digits, "the algorithm or the digits are missing"),
        (name != "sha256", "other algorithms may stand beside it, not instead of it"),
        (not is_hex, "it has signs that are no hex digits"),
        (digits != digits.lower(), "it has upper-case digits"),
        (len(digits) != 64, f"it has {len(digits)} digits"),
        (not digits.strip("0"), "it is made up: nothing has that digest"),
    )
    return next(defect for applies, defect in (*defects, (True, "it is misspelt")) if applies)


def _subschema(error: ValidationError) -> dict[str, Any]:
    return error.schema if isinstance(error.schema, dict) else {}


def _meaning(rule: dict[str, Any]) -> str:
    described = str(rule.get("description", "")).partition(".")[0]
    return f" ({described[0].lower()}{described[1:]})" if described else ""


def _example(rule: dict[str, Any]) -> str:
    examples = rule.get("examples") or ([rule["const"]] if "const" in rule else [])
    return f", for example {shorten(json.dumps(examples[0], ensure_ascii=False), 120)}" if examples else ""


def _is_number(given: str) -> bool:
    try:
        float(given)
    except ValueError:
        return False
    return True
