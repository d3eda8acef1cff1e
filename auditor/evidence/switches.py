"""Switches of numeric libraries that let results differ from run to run, as recorded and as executed code sets them."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from auditor.evidence.sources import SourceFile, Spotted
from auditor.model.run import Json

_LOOSE_WHEN_ON = ("cudnn.benchmark", "allow_tf32", "nvidia_tf32_override", "allow_fp16_reduced_precision_reduction")
_LOOSE_WHEN_OFF = ("use_deterministic_algorithms", "cudnn.deterministic", "tf_deterministic_ops", "tf_cudnn_deterministic")
_ON, _OFF = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})
_WORKSPACES = frozenset({":4096:8", ":16:8"})


def loose(name: str, value: Json) -> str | None:
    """Why a switch of that name and value allows different results, None when it does not, or is not known."""
    key, text = name.lower(), str(value).strip().lower()
    if key.endswith(_LOOSE_WHEN_ON) and text in _ON:
        return f"{name} is on: kernels or precision are chosen anew on each machine"
    if key.endswith(_LOOSE_WHEN_OFF) and text in _OFF:
        return f"{name} is off: nondeterministic kernels are allowed"
    if key == "cublas_workspace_config" and text not in _WORKSPACES:
        return f"{name} is {value!r}: cuBLAS is deterministic only with {' or '.join(sorted(_WORKSPACES))}"
    if key == "pythonhashseed" and text == "random":
        return "PYTHONHASHSEED is random: sets and hash() differ from process to process"
    if key.endswith("float32_matmul_precision") and text in {"high", "medium"}:
        return f"{name} is {value!r}: products are rounded as the hardware likes"
    return None


def loosened_in_code(files: Iterable[SourceFile]) -> list[Spotted]:
    """Where executed code turns such a switch, in the order of path and line."""
    found = (
        Spotted(path=file.path, line=node.lineno, message=message)
        for file in files
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Assign | ast.Call) and (message := _turned(file, node)) is not None
    )
    return sorted(set(found), key=lambda spot: (spot.path, spot.line, spot.message))


def _turned(file: SourceFile, node: ast.Assign | ast.Call) -> str | None:
    if isinstance(node, ast.Call):
        name = file.dotted(node.func)
        first = node.args[0] if node.args else None
        known = name.endswith((*_LOOSE_WHEN_OFF, "float32_matmul_precision"))
        return loose(name, first.value) if known and isinstance(first, ast.Constant) else None
    if not isinstance(node.value, ast.Constant):
        return None
    said = (loose(_target(file, target), node.value.value) for target in node.targets)
    return next((message for message in said if message is not None), None)


def _target(file: SourceFile, target: ast.expr) -> str:
    """What is assigned to: an attribute in full, or the variable of ``os.environ[...]``."""
    if isinstance(target, ast.Subscript) and file.dotted(target.value) == "os.environ":
        return str(target.slice.value) if isinstance(target.slice, ast.Constant) else ""
    return file.dotted(target) if isinstance(target, ast.Attribute) else ""
