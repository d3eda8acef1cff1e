"""What each gate comes to when a step asks for it in one job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import UndecidableError, UsageError
from auditor.guard.inputs import Inputs
from auditor.model.report import Report

if TYPE_CHECKING:
    from auditor.guard.runner import Runner
    from auditor.integrations.github.hub import Hub

Say = Callable[[str], None]

MOST_ISSUES = 20
"""Issues that one audit opens or closes; more is one cause, and the report has them all."""


def merge(inputs: Inputs, workspace: Path, say: Say) -> Report:
    """What the merge gate says of the change that the event is about."""
    import msgspec  # noqa: PLC0415  (each gate loads what it needs)

    from auditor.gate.merge import Merge, gate_merge  # noqa: PLC0415

    request = Merge(root=workspace, head=inputs.head, base=inputs.base, manifests=inputs.manifests, warn=say, progress=say)
    report = gate_merge(request)
    note = "stops mistakes, not somebody with write access: the job that judges runs what it judges"
    return msgspec.structs.replace(report, notes=(*report.notes, note))


def deploy(inputs: Inputs, workspace: Path, say: Say) -> Report:
    """What the deploy gate says of the artifacts. A judge's key comes in ``AUDITOR_KEY``."""
    from auditor.gate.deploy import Deploy, gate_deploy  # noqa: PLC0415
    from auditor.ledger.keys import signing_key  # noqa: PLC0415

    if len(inputs.manifests) > 1:
        raise UsageError(
            "manifests: a deployment is of one run", hint="name one manifest, or none: it is found by the bytes"
        )
    request = Deploy(
        root=workspace,
        files=[(Path(path).name, workspace / path) for path in inputs.artifacts],
        manifest=inputs.manifests[0] if inputs.manifests else None,
        base=inputs.base,
        head=inputs.head,
        key=signing_key(None),
        progress=say,
    )
    return gate_deploy(request).report


def history(here: Runner, inputs: Inputs, workspace: Path, say: Say) -> tuple[Report, Callable[[Hub], None]]:
    """What an audit of the past found, and what keeps an issue for each run that was good and is not any more."""
    from auditor.guard import clone  # noqa: PLC0415  (each gate loads what it needs)
    from auditor.history.audit import Regression, asked, audit  # noqa: PLC0415
    from auditor.history.summary import report_of  # noqa: PLC0415

    try:
        clone.kept(here, workspace)
    except UndecidableError as error:
        say(f"commits kept of squashed changes were not fetched: {error.message}")
    done = audit(asked(workspace, (), budget=inputs.budget, progress=say))

    def keep(hub: Hub) -> None:
        from auditor.integrations.github import issues  # noqa: PLC0415  (only what posts loads that)

        for one in done.regressions[:MOST_ISSUES]:
            issues.keep(
                hub,
                key=f"history/{one.run.digest}",
                title=f"A run is {one.run.today}: {one.run.digest[:19]}",
                body=_told(one),
                lasts=not one.recovered,
            )

    def _told(one: Regression) -> str:
        from auditor.render.markdown import code  # noqa: PLC0415

        said = "This run was good and is not any more." if not one.recovered else "This run is good again."
        causes = "".join(f"<li>{code(cause)}</li>" for cause in one.causes) or "<li>no cause was found</li>"
        where = f"<p>{code(one.run.manifest)}, {code(one.run.id or 'no id')}, {code(one.run.digest)}</p>"
        return f"{said}\n\n{where}\n<ul>{causes}</ul>\n\nIt is closed by itself when the run is good again."

    return report_of(done, runs=True), keep
