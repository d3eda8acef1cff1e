"""Narrows the installed distributions down to those that the run imported."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from auditor.environment import distributions_of
from auditor.model.run import Environment
from auditor.record.observe import Seen
from auditor.record.prepare import Prepared

_OWN: Final = "ml-run-auditor"


def of_run(prepared: Prepared, seen: Seen) -> tuple[Environment | None, Literal["imported", "installed"] | None]:
    """The environment with the packages that matter to the run, and which they are.

    The distributions that it imported, without those installed from a working tree (the code describes them) and without
    the auditor; everything that is installed where imports were not observed.
    """
    environment = prepared.environment
    if environment is None:
        return None, None
    if seen.imports is None:
        return environment, "installed"
    local = {path.partition("/")[0].removesuffix(".py") for path in seen.reads if path.endswith(".py")}
    modules = {name for name in seen.imports if name.partition(".")[0] not in local}
    used = distributions_of(modules, prepared.folders) - {*environment.editable, _OWN}
    packages = {name: version for name, version in environment.packages.items() if name in used}
    return msgspec.structs.replace(environment, packages=packages), "imported"
