from __future__ import annotations

import ast
import inspect

from auditor import api


def test_every_name_is_where_the_table_says():
    block = next(node for node in ast.parse(inspect.getsource(api)).body if isinstance(node, ast.If))
    imported = {
        alias.asname or alias.name: f"{node.module.removeprefix('auditor.')}{f':{alias.name}' if alias.asname else ''}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == api._HOMES, "add what is imported for type checkers to _HOMES, too (module, or module:name)"
    assert sorted(api.__all__) == sorted({*imported, "EVIDENCE"})
    assert all(getattr(api, name) is not None for name in api.__all__)
