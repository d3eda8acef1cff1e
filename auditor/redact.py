"""Removes credentials from what is written down: known shapes of tokens, and values whose name says that they are secret.

Words of machine learning are full of the same syllables (``max_tokens``, ``eos_token``, ``tokenizer``); such values are
kept, because a configuration without them could not be run again.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import urlsplit, urlunsplit

from auditor.model.run import Json

REDACTED = "[redacted]"

_SHAPES = re.compile(
    r"""
      \b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{20,}            # GitHub
    | \bgithub_pat_[A-Za-z0-9_]{20,}
    | \bglpat-[A-Za-z0-9_-]{16,}                            # GitLab
    | \bhf_[A-Za-z0-9]{20,}                                 # Hugging Face
    | \bsk-(?:[a-z]+-)*[A-Za-z0-9_-]{20,}                   # OpenAI, Anthropic
    | \bxox[abposr]-[A-Za-z0-9-]{10,}                       # Slack
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b                         # AWS key ids
    | \bAIza[A-Za-z0-9_-]{35}                               # Google
    | \bpypi-[A-Za-z0-9_-]{32,}
    | \beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}                   # JSON Web Tokens
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
_USERINFO = re.compile(
    r"(?P<scheme>(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,30}://)(?P<user>[^\s/@:]{0,256})(?::(?P<password>[^\s/@]{0,1024}))?@",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(?P<kept>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{12,}", re.IGNORECASE)
_ASSIGNED = re.compile(
    r"""
    (?P<kept>
      # From the start of a word only, and bounded: a hostile text must not make this try every way to split it.
      (?P<name>(?<![A-Za-z0-9_.-])[A-Za-z0-9_.-]{0,64}?(?:token|secret|passw|passphrase|credential|key)[A-Za-z0-9_.-]{0,64})
      ["']?\s*[:=]\s*(?P<quote>["']?)
    )
    (?P<value>[^\s"',;&{}()\[\]]+)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SHORT = 80
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORDS = {"password", "passwd", "passphrase", "secret", "secrets", "credential", "credentials", "apikey"}
_SECRET_PAIRS = {
    ("api", "key"),
    ("access", "key"),
    ("private", "key"),
    ("secret", "key"),
    ("account", "key"),
    ("auth", "key"),
}
_TEXT_TOKENS = {"bos", "cls", "eos", "mask", "pad", "sep", "special", "start", "end", "stop", "unk", "next", "per"}


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a value called ``name`` (``db.password``, ``HF_TOKEN``, ``apiKey``) is a credential."""
    words = tuple(word.lower() for word in _WORD.findall(name))
    if _SECRET_WORDS.intersection(words) or _SECRET_PAIRS.intersection(itertools.pairwise(words)):
        return True
    return bool(words) and words[-1] == "token" and not _TEXT_TOKENS.intersection(words)


def text(words: str) -> str:
    """``words`` without credentials of a known shape, userinfo in URLs and assigned secrets (``token=x``)."""
    return _short(words) if len(words) <= _SHORT else _cleaned(words)


@lru_cache(maxsize=8192)
def _short(words: str) -> str:
    """Names and versions, of which all manifests of a project have the same."""
    return _cleaned(words)


def _cleaned(words: str) -> str:
    words = _USERINFO.sub(_without_userinfo, words)
    words = _SHAPES.sub(REDACTED, words)
    words = _BEARER.sub(rf"\g<kept>{REDACTED}", words)
    return _ASSIGNED.sub(_without_assigned, words)


def url(address: str) -> str:
    """A remote's address without its credentials. The bare user of ``ssh://git@host`` and ``git@host:path`` is none."""
    parts = urlsplit(address) if "://" in address else None
    if parts is not None and "@" in parts.netloc:
        user, _, host = parts.netloc.rpartition("@")
        kept = "git@" if parts.scheme.endswith("ssh") and user == "git" else ""
        address = urlunsplit(parts._replace(netloc=kept + host))
    return text(address) if "@" not in address else _SHAPES.sub(REDACTED, address)


def argv(arguments: Sequence[str]) -> list[str]:
    """A command line whose secret values, in one word (``--token=x``) or as the word after an option, are replaced."""
    shown = []
    secret_follows = False
    for argument in arguments:
        if secret_follows and not argument.startswith("-"):
            shown.append(REDACTED)
            secret_follows = False
            continue
        name, equals, value = argument.partition("=")
        if equals and is_secret_name(name.lstrip("-+")) and _can_be_secret(value):
            shown.append(f"{name}={REDACTED}")
        else:
            shown.append(text(argument))
        secret_follows = not equals and argument.startswith("-") and is_secret_name(argument.lstrip("-"))
    return shown


def value(tree: Json) -> tuple[Json, list[str]]:
    """A JSON value without its secrets, and the JSON Pointers of what was replaced."""
    replaced = dict(_secrets(tree))
    return _copy(tree, "", replaced), list(replaced)


def secrets(tree: Json) -> list[str]:
    """The JSON Pointers of what :func:`value` would replace."""
    return [pointer for pointer, _ in _secrets(tree)]


def _secrets(tree: Json) -> list[tuple[str, str]]:
    """Pointers and replacements, in the tree's order. Pointers are spelled for what is found, which is next to nothing."""
    found: list[tuple[list[object], str]] = []
    _search(tree, [], found, named=False)
    return [("".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps), s) for steps, s in found]


def _search(tree: Json, steps: list[object], found: list[tuple[list[object], str]], *, named: bool) -> None:
    if isinstance(tree, str):
        clean = REDACTED if named and _can_be_secret(tree) else text(tree)
        if clean != tree:
            found.append((list(steps), clean))
    elif isinstance(tree, dict):
        for key, child in tree.items():
            steps.append(key)
            _search(child, steps, found, named=is_secret_name(str(key)))
            steps.pop()
    elif isinstance(tree, list):
        for index, child in enumerate(tree):
            steps.append(index)
            _search(child, steps, found, named=named)
            steps.pop()


def _copy(tree: Json, pointer: str, clean: dict[str, str]) -> Json:
    if isinstance(tree, dict):
        steps = ((key, str(key).replace("~", "~0").replace("/", "~1")) for key in tree)
        return {key: _copy(tree[key], f"{pointer}/{step}", clean) for key, step in steps}
    if isinstance(tree, list):
        return [_copy(child, f"{pointer}/{index}", clean) for index, child in enumerate(tree)]
    return clean.get(pointer, tree)


def _can_be_secret(words: str) -> bool:
    """Not a reference (``${oc.env:TOKEN}``, ``$TOKEN``), a marker (``<eos>``, ``[MASK]``), a truth value or nothing."""
    return (
        bool(words) and not words.startswith(("$", "<", "[", "{")) and words.lower() not in {"none", "null", "true", "false"}
    )


def _without_userinfo(match: re.Match[str]) -> str:
    user, password = match["user"], match["password"]
    if password is None and (user == "git" or not user):
        return match[0]
    return f"{match['scheme']}{REDACTED}@"


def _without_assigned(match: re.Match[str]) -> str:
    words = match["value"]
    # Code such as `token = get_token` or `password=args.password` holds no secret: only literals do, or bare `NAME=value`.
    is_literal = bool(match["quote"]) or (len(words) >= 6 and re.search(r"[0-9]", words) is not None)
    if is_secret_name(match["name"]) and is_literal and _can_be_secret(words):
        return match["kept"] + REDACTED
    return match[0]
