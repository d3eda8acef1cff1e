"""Runs a training command and writes down what went in and what came out.

``auditor.record`` is this package and, called, the Python interface (:class:`auditor.record.session.Recording`): a package
and a function of one name, because importing any part of the package would otherwise take the function away.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from auditor.record.session import Recording

if TYPE_CHECKING:
    from auditor.record.request import DataItem, OutItem, Request, parse
    from auditor.record.run import record

__all__ = ["DataItem", "OutItem", "Recording", "Request", "parse", "record"]

_HOMES = {"DataItem": "request", "OutItem": "request", "Request": "request", "parse": "request", "record": "run"}


class _Callable(ModuleType):
    """A module that records when it is called. What it holds is loaded when first asked for: a script pays for no more."""

    def __call__(self, **options: Any) -> Recording:
        return Recording(**options)

    def __getattr__(self, name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415  (only when something is asked for)

        return getattr(import_module(f"{self.__name__}.{_HOMES[name]}"), name)


sys.modules[__name__].__class__ = _Callable
