"""Reads executed code for calls that run whatever a file, or a hub, brings along; and for variables that it looks up."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from auditor.evidence.sources import SourceFile, Spotted

_PICKLES = frozenset(
    f"{module}.{function}" for module in ("pickle", "cPickle", "cloudpickle", "dill") for function in ("load", "loads")
) | {"joblib.load", "pickle.Unpickler", "pandas.read_pickle", "shelve.open", "marshal.loads"}
_SAFE_YAML = frozenset({"SafeLoader", "CSafeLoader", "BaseLoader", "CBaseLoader"})
_UNSAFE_YAML = frozenset({"yaml.unsafe_load", "yaml.full_load", "yaml.unsafe_load_all"})
_GETTERS = frozenset({"os.getenv", "os.environ.get", "os.environ.pop", "os.environ.setdefault"})


def unsafe_calls(files: Iterable[SourceFile]) -> list[Spotted]:
    """Every call that unpickles, or loads code with data, in the order of path and line."""
    found = (
        Spotted(path=file.path, line=call.lineno, message=message)
        for file in files
        for call, name in file.calls()
        if (message := _unsafe(file, call, name)) is not None
    )
    return sorted(set(found), key=lambda spot: (spot.path, spot.line, spot.message))


def _unsafe(file: SourceFile, call: ast.Call, name: str) -> str | None:
    given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg is not None}
    loader = given.get("Loader") or (call.args[1] if len(call.args) > 1 else None)
    message = None
    if name in _PICKLES:
        message = f"{name} runs the code that the file holds"
    elif name == "torch.load" and not _is_true(given.get("weights_only")):
        message = "torch.load runs the code that the file holds unless weights_only=True"
    elif name == "numpy.load" and _is_true(given.get("allow_pickle")):
        message = "numpy.load with allow_pickle=True runs the code that the file holds"
    elif _is_true(given.get("trust_remote_code")):
        message = f"{name or 'a call'} with trust_remote_code=True runs code that the hub delivers"
    elif name in _UNSAFE_YAML or (name == "yaml.load" and not _is_safe_loader(file, loader)):
        message = f"{name} without a safe loader builds objects that the file names"
    return message


def _is_true(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _is_safe_loader(file: SourceFile, node: ast.AST | None) -> bool:
    return node is not None and file.dotted(node).rpartition(".")[2] in _SAFE_YAML


def looked_up(files: Iterable[SourceFile]) -> list[tuple[Spotted, str]]:
    """The environment variables that ``files`` look up under a constant name, each place once."""
    found = {
        (Spotted(path=file.path, line=line, message=f"{name} is looked up"), name)
        for file in files
        for line, name in _variables(file)
    }
    return sorted(found, key=lambda one: (one[0].path, one[0].line, one[1]))


def _variables(file: SourceFile) -> Iterator[tuple[int, str]]:
    for node in ast.walk(file.tree):
        key: ast.AST | None = None
        if isinstance(node, ast.Call) and file.dotted(node.func) in _GETTERS and node.args:
            key = node.args[0]
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and file.dotted(node.value) == "os.environ":
            key = node.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.lineno, key.value
