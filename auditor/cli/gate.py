"""``auditor gate``: the decision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from auditor.cli.ending import say
from auditor.cli.judging import Printing, deliver, judging, progress


@click.group("gate")
def command() -> None:
    """Decide: open, blocked or undecided."""


@command.command(
    "merge",
    epilog="""\b
Examples:
  auditor gate merge --base main
  auditor gate merge --base main --format json --output json:report.json
  auditor gate merge 'runs/2026*.run.yaml' --base origin/main

Exit codes: 0 open, 1 blocked, 2 wrong usage or invalid policy at the base,
3 a pattern matched nothing, 4 undecided.""",
)
@click.argument("manifests", nargs=-1, metavar="[MANIFEST]...")
@click.option(
    "--base", metavar="REF", help="What the change is to be merged into.  [default: the event's base, origin/HEAD, main]"
)
@click.option("--head", metavar="REF", help="The change.  [default: the event's head, HEAD]")
@click.option("--policy-ref", metavar="REF", help="Where the policy is read.  [default: the tip of --base]")
@click.option(
    "--evidence",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Execute nothing: compare what `reproduce --evidence-out DIR` left.",
)
@click.option("--challenge-token", metavar="TEXT", help="With --evidence: the text that it must be bound to.")
@judging
def merge(  # noqa: PLR0913  (one parameter for each option)
    *,
    manifests: tuple[str, ...],
    base: str | None,
    head: str | None,
    policy_ref: str | None,
    evidence: Path | None,
    challenge_token: str | None,
    **report: Any,
) -> int:
    """Judge what a change brings, by the base's policy.

    Committed content is judged: manifests that the change adds, edits or deletes, reference runs whose files it touches,
    and the policy itself. MANIFESTs, or patterns, judge those instead.
    """
    from auditor.gate.carried import Carried  # noqa: PLC0415  (loaded when called)
    from auditor.gate.merge import Merge, gate_merge  # noqa: PLC0415

    request = Merge(
        root=Path.cwd(),
        head=head,
        base=base,
        policy_ref=policy_ref,
        manifests=manifests,
        carried=Carried(into=evidence, challenge=challenge_token),
        progress=progress,
        warn=say,
    )
    return deliver(lambda: gate_merge(request), Printing(**report), gate="merge")


@command.command(
    "deploy",
    epilog="""\b
Examples:
  auditor gate deploy runs/20260301-120000-digits.run.yaml --artifact model.safetensors
  auditor gate deploy --artifact model.safetensors --to release/ --attestation-out attestation.json
  auditor gate deploy --model models:/digits/7

Exit codes: 0 open, 1 blocked, 2 wrong usage or invalid policy,
3 no such file or run, 4 undecided.""",
)
@click.argument("manifest", required=False)
@click.option(
    "--artifact",
    "artifacts",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="What ships, a file or folder. Repeatable.",
)
@click.option("--model", metavar="models:/NAME/V", help="A version in MLflow (MLFLOW_TRACKING_URI) instead of files.")
@click.option("--to", type=click.Path(path_type=Path), metavar="DIR", help="Hand the hashed bytes on into DIR.")
@click.option("--image", metavar="NAME@DIGEST", help="The container that will run it.")
@click.option("--key", metavar="FILE", help="Signs the verdict and the attestation.  [default: AUDITOR_KEY]")
@click.option("--attestation-out", type=click.Path(path_type=Path), metavar="FILE", help="Write a signed attestation.")
@click.option("--summary-out", type=click.Path(path_type=Path), metavar="FILE", help="Write SLSA's verification summary.")
@click.option("--base", metavar="REF", help="The default branch.  [default: origin/HEAD, main, master]")
@click.option("--head", metavar="REF", help="The commit that holds the manifest.  [default: HEAD]")
@click.option("--policy-ref", metavar="REF", help="Where the policy is read.  [default: the tip of --base]")
@judging
def deploy(**options: Any) -> int:
    """Judge exact bytes at the moment at which they ship, by the default branch's policy.

    The files are hashed now, whatever was said of them before. The run that wrote them needs a fresh verdict, the evidence
    and the approvals that the policy asks for, and no revoked ancestor. Without MANIFEST it is found by the files' digests.
    """
    from auditor.cli.deploying import Options, deployed  # noqa: PLC0415  (loaded when called)

    names = ("form", "outputs", "quiet", "no_color")
    printing = Printing(**{name: options.pop(name) for name in names})
    return deliver(lambda: deployed(Options(**options)), printing, gate="deploy")


@command.command(
    "history",
    epilog="""\b
Examples:
  auditor gate history --since 90d
  auditor gate history --format json --output html:history.html

Exit codes: 0 open, 1 blocked, 2 wrong usage or invalid policy, 3 no manifest
anywhere, 4 undecided.""",
)
@click.argument("manifests", nargs=-1, metavar="[MANIFEST]...")
@click.option("--since", metavar="DURATION", help="Only runs merged or started since then: 90d.  [default: all]")
@click.option("--no-sample", is_flag=True, help="Execute none of them again, whatever the policy says.")
@judging
def history(manifests: tuple[str, ...], since: str | None, *, no_sample: bool, **report: Any) -> int:
    """Judge the runs of the past, by the default branch's policy: whether they still hold.

    Every run of the repository's history is audited, and a sample of them executed again within the policy's budget.
    """
    from auditor.history.audit import asked  # noqa: PLC0415  (loaded when called)
    from auditor.history.gate import Gating, gate_history  # noqa: PLC0415
    from auditor.ledger.keys import signing_key  # noqa: PLC0415

    def gating() -> Gating:
        about = asked(Path.cwd(), (), progress=progress)
        return Gating(asked=about, manifests=manifests, since=since, key=signing_key(None), sampled=not no_sample)

    return deliver(lambda: gate_history(gating()), Printing(**report), gate="history")
