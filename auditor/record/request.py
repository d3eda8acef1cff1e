"""What a person asks the recorder for, parsed and checked before anything is started."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final, Literal, NotRequired, TypedDict, Unpack, get_args

from auditor.errors import UsageError
from auditor.model.run import Parent, Supersedes
from auditor.record.observe import Method

DataRole = Literal["train", "validation", "test", "labels", "parent-weights", "other"]
OutRole = Literal["weights", "checkpoint", "predictions", "labels", "metrics", "trace", "log", "plot", "other"]
Relation = Literal["initialised-from", "continued-from", "repeat-of", "distilled-from", "derived-from"]

_DATA_ROLES: Final[dict[str, DataRole]] = {word: word for word in get_args(DataRole)}
_OUT_ROLES: Final[dict[str, OutRole]] = {word: word for word in get_args(OutRole)}
_RELATIONS: Final[dict[str, Relation]] = {word: word for word in get_args(Relation)}
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}\Z")
_DIGEST_LENGTH: Final = len("sha256:") + 64


@dataclass(frozen=True, slots=True, kw_only=True)
class DataItem:
    """One ``--data NAME[:ROLE]=PATH``. ``path`` is as given: relative to the root, or absolute outside it.

    ``replaces`` is the snapshot before this one, and why there is a new one.
    """

    name: str
    role: DataRole
    path: str
    replaces: Supersedes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutItem:
    """One ``--out [ROLE:]PATH``. ``role`` is None where the file itself tells."""

    path: str
    role: OutRole | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Everything ``auditor record`` was asked for. ``smoke_limit`` is in seconds."""

    command: tuple[str, ...]
    name: str | None = None
    manifest: str | None = None
    configs: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()
    data: tuple[DataItem, ...] = ()
    outs: tuple[OutItem, ...] = ()
    metrics: str | None = None
    labels: str | None = None
    smoke: str | None = None
    evaluate: tuple[str, ...] | None = None
    smoke_limit: float = 120.0
    stage: str | None = None
    lock: str | None = None
    allow_dirty: bool = False
    observe: Method = "audit-hook"
    supersedes: Supersedes | None = None
    parents: tuple[Parent, ...] = ()
    checkpoints: str | None = None

    @property
    def outputs(self) -> tuple[str, ...]:
        """Paths that the command is to write, the metrics file and checkpoints included, each once."""
        further = [path for path in (self.metrics, self.checkpoints) if path]
        return tuple(dict.fromkeys([*(o.path for o in self.outs), *further]))


class Options(TypedDict):
    """The options of ``auditor record`` as the command line delivers them."""

    name: str | None
    manifest: str | None
    configs: tuple[str, ...]
    overrides: tuple[str, ...]
    seeds: tuple[str, ...]
    data: tuple[str, ...]
    outs: tuple[str, ...]
    metrics: str | None
    predictions: str | None
    trace: str | None
    labels: str | None
    smoke: str | None
    evaluate: str | None
    smoke_limit: float
    stage: str | None
    lock: str | None
    allow_dirty: bool
    observe: Method
    supersedes: str | None
    reason: str | None
    parents: tuple[str, ...]
    checkpoints: NotRequired[str | None]
    replaces: NotRequired[tuple[str, ...]]
    argv: tuple[str, ...]


def parse(**options: Unpack[Options]) -> Request:
    """The request that a command line means.

    Raises:
        UsageError: an option is not of its form, or stands without its companion.
    """
    supersedes, reason = options["supersedes"], options["reason"]
    if (supersedes is None) != (reason is None) or (reason is not None and not reason.strip()):
        raise UsageError("--supersedes and --reason belong together", hint="say which manifest is replaced, and why")
    _check_stage(options)
    outs = [out_item(text) for text in options["outs"]]
    if options["predictions"] is not None:
        outs.append(OutItem(path=_required(options["predictions"], "--predictions"), role="predictions"))
    if options["trace"] is not None:
        outs.append(OutItem(path=_required(options["trace"], "--trace"), role="trace"))
    return Request(
        command=options["argv"],
        name=options["name"],
        manifest=options["manifest"],
        configs=options["configs"],
        overrides=options["overrides"],
        seeds=options["seeds"],
        data=_with_predecessors([data_item(text) for text in options["data"]], options.get("replaces", ())),
        outs=tuple({item.path: item for item in outs}.values()),
        metrics=options["metrics"],
        labels=options["labels"],
        smoke=options["smoke"],
        evaluate=words_of(options["evaluate"]) if options["evaluate"] is not None else None,
        smoke_limit=options["smoke_limit"],
        stage=options["stage"],
        lock=options["lock"],
        allow_dirty=options["allow_dirty"],
        observe=options["observe"],
        supersedes=Supersedes(digest=checked_digest(supersedes, "--supersedes"), reason=reason)
        if supersedes is not None and reason is not None
        else None,
        parents=tuple(parent(text) for text in options["parents"]),
        checkpoints=options.get("checkpoints"),
    )


def _check_stage(options: Options) -> None:
    stage = options["stage"]
    if stage is None:
        return
    if not stage.strip() or not stage.isprintable() or "/" in stage:
        raise UsageError(f"--stage {stage!r} is no name", hint="write for example --stage preprocess")
    if options["manifest"] is None:
        raise UsageError(
            "--stage needs --manifest FILE", hint="the stages of one run share one manifest, for example runs/x.run.yaml"
        )
    if options.get("checkpoints") is not None:
        raise UsageError("--stage and --checkpoints exclude each other", hint="record the training by itself")
    if options["allow_dirty"]:
        raise UsageError("--stage and --allow-dirty exclude each other", hint="commit first: all stages share one commit")


def words_of(text: str) -> tuple[str, ...]:
    """The command of ``--evaluate 'COMMAND'``, its words as a shell would split them; nothing else of a shell is there.

    Raises:
        UsageError: it is empty, or its quotes do not match.
    """
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"--evaluate {text!r}: {error}") from error
    if not words:
        raise UsageError("--evaluate is empty", hint="write for example --evaluate 'python evaluate.py'")
    return words


def data_item(text: str) -> DataItem:
    """Parses ``NAME[:ROLE]=PATH``; the role is the name where that is a role word, else ``other``.

    Raises:
        UsageError: no name, no path, or no such role.
    """
    label, equals, path = text.partition("=")
    name, colon, role = label.partition(":")
    if not equals or not name or not path:
        raise UsageError(f"--data {text!r} is not NAME[:ROLE]=PATH", hint="write for example --data train=data/train.csv")
    if colon and role not in _DATA_ROLES:
        raise UsageError(f"--data {text!r}: no such role", hint=f"roles are {', '.join(_DATA_ROLES)}")
    return DataItem(name=name, role=_DATA_ROLES.get(role if colon else name, "other"), path=_clean(path))


def _with_predecessors(items: list[DataItem], replaced: tuple[str, ...]) -> tuple[DataItem, ...]:
    """Parses ``--replaces NAME=DIGEST:REASON`` for each snapshot that took the place of another one."""
    known = {item.name: item for item in items}
    for text in replaced:
        name, _, rest = text.partition("=")
        digest, reason = rest[:_DIGEST_LENGTH], rest[_DIGEST_LENGTH:]
        if name not in known:
            raise UsageError(f"--replaces {text!r}: there is no --data {name}", hint="write NAME=DIGEST:REASON")
        if not reason.startswith(":") or not reason[1:].strip():
            raise UsageError(f"--replaces {text!r} gives no reason", hint="write NAME=DIGEST:REASON")
        before = Supersedes(digest=checked_digest(digest, "--replaces"), reason=reason[1:].strip())
        known[name] = replace(known[name], replaces=before)
    return tuple(known[item.name] if known[item.name].path == item.path else item for item in items)


def out_item(text: str) -> OutItem:
    """Parses ``[ROLE:]PATH``. A prefix that is no role word belongs to the path.

    Raises:
        UsageError: there is no path.
    """
    role, colon, rest = text.partition(":")
    if colon and role in _OUT_ROLES:
        return OutItem(path=_required(rest, text), role=_OUT_ROLES[role])
    return OutItem(path=_required(text, text))


def parent(text: str) -> Parent:
    """Parses ``DIGEST:RELATION``.

    Raises:
        UsageError: no digest, or no such relation.
    """
    digest, _, relation = text.rpartition(":")
    if relation not in _RELATIONS:
        raise UsageError(f"--parent {text!r} is not DIGEST:RELATION", hint=f"relations are {', '.join(_RELATIONS)}")
    return Parent(digest=checked_digest(digest, "--parent"), relation=_RELATIONS[relation])


def checked_digest(text: str, option: str) -> str:
    """``text`` when it is a digest.

    Raises:
        UsageError: it is none.
    """
    if not _DIGEST.match(text):
        raise UsageError(f"{option}: {text!r} is no digest", hint="a digest is sha256: and 64 lower-case hex digits")
    return text


def inside(path: str, root: Path, option: str) -> str:
    """``path`` as a manifest writes it: POSIX, relative to ``root``, without ``..``.

    Raises:
        UsageError: it lies outside, or its name is not UTF-8.
    """
    given = PurePosixPath(path)
    if given.is_absolute():
        if not given.is_relative_to(root.as_posix()):
            raise UsageError(f"{option} {path}: lies outside the repository")
        given = given.relative_to(root.as_posix())
    if ".." in given.parts or not given.parts or given.parts[0] == ".git":
        raise UsageError(f"{option} {path}: not a path inside the repository")
    return checked_text(str(given), option)


def checked_text(text: str, option: str) -> str:
    """``text`` when a manifest can hold it.

    Raises:
        UsageError: it holds bytes that are not UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        shown = text.encode(errors="backslashreplace").decode()
        raise UsageError(f"{option} {shown}: not UTF-8, a manifest cannot hold it", hint="rename the file") from None
    return text


def _clean(path: str) -> str:
    return str(PurePosixPath(path))


def _required(path: str, text: str) -> str:
    if not path:
        raise UsageError(f"an output needs a path, {text!r} has none")
    return _clean(path)
