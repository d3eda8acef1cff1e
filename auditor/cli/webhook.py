"""``auditor webhook``: answer deployments that wait."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(
    "webhook",
    epilog="""\b
Example:
  AUDITOR_WEBHOOK_SECRET=... auditor webhook --repository octo/widget \\
      --clone widget.git --artifact out/model.npz --app 12345 --key app.pem""",
)
@click.option("--repository", required=True, metavar="OWNER/REPO", help="The one repository that is answered for.")
@click.option(
    "--clone", required=True, type=click.Path(path_type=Path), metavar="DIR", help="A clone of it, kept up to date."
)
@click.option(
    "--artifact", "artifacts", required=True, multiple=True, metavar="PATH", help="What ships, in the commit. Repeatable."
)
@click.option("--app", required=True, type=click.IntRange(min=1), help="The number of the GitHub App that owns the rule.")
@click.option("--key", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The App's private key, PEM.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Where to listen.")
def command(*, host: str, port: int, **given: object) -> None:
    """Answer GitHub's custom deployment protection rules with the deploy gate's verdict.

    Events are taken only when signed with AUDITOR_WEBHOOK_SECRET, and each only once. Only an open gate approves.
    """
    from auditor.cli.ending import say  # noqa: PLC0415  (loaded when called)
    from auditor.guard.server import Serving, serve, webhook  # noqa: PLC0415

    serve(webhook(Serving(**given), say=say), host, port, say=say)  # type: ignore[arg-type]
