"""``auditor record``: run a training command and write its manifest."""

from __future__ import annotations

from typing import Any

import click

_EPILOG = """\b
Examples:
  auditor record --config conf/base.yaml --data train=data/train.csv \\
      --out out/model.npz --metrics out/metrics.json -- python train.py
  auditor record --smoke 'epochs=1' --config conf.yaml -- python train.py {config}

  auditor record --stage clean --manifest runs/x.run.yaml --data raw=raw.csv \\
      --out clean.csv -- python clean.py

Exits with COMMAND's own status (128 + n for signal n), 2 when it was not started,
1 when --require refused it.
"""


@click.command(
    "record",
    epilog=_EPILOG,
    context_settings={"allow_interspersed_args": False},
    options_metavar="[OPTIONS] --",
)
@click.option("--name", metavar="N", help="Name of the run; default: the script's.")
@click.option("--manifest", metavar="FILE", help="Where to write; default: runs/<time>-<name>.run.yaml.")
@click.option("--config", "configs", multiple=True, metavar="FILE", help="Configuration, YAML or JSON; several are merged.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override one configuration value.")
@click.option("--seed", "seeds", multiple=True, metavar="NAME=VALUE", help="A seed that cannot be found by its name.")
@click.option("--data", multiple=True, metavar="NAME[:ROLE]=PATH", help="A file or folder that COMMAND reads.")
@click.option("--replaces", multiple=True, metavar="NAME=DIGEST:REASON", help="The snapshot before --data NAME, and why.")
@click.option("--out", "outs", multiple=True, metavar="[ROLE:]PATH", help="A file or folder that COMMAND writes.")
@click.option("--checkpoints", metavar="DIR", help="Folder of checkpoints that COMMAND writes (see auditor.steps).")
@click.option("--metrics", metavar="FILE", help="Figures that COMMAND writes: JSON, or a JSONL or CSV row per step.")
@click.option("--predictions", metavar="FILE", help="The same as --out predictions:FILE.")
@click.option("--trace", metavar="FILE", help="A line of JSON for each step that COMMAND takes: --out trace:FILE.")
@click.option("--labels", metavar="FILE", help="True labels of the predictions.")
@click.option("--smoke", metavar="'KEY=VALUE ...'", help="Overrides that shrink the run; it is executed so at once, too.")
@click.option("--evaluate", metavar="'COMMAND'", help="A command that turns the weights into predictions; tried at once.")
@click.option(
    "--smoke-limit",
    type=click.FloatRange(min=0),
    default=120.0,
    metavar="SECONDS",
    help="A run this short is its own smoke.",
)
@click.option("--stage", metavar="NAME", help="Record COMMAND as one stage of --manifest FILE, which stages share.")
@click.option("--lock", metavar="FILE", help="Lock file that the environment was made from.")
@click.option("--allow-dirty", is_flag=True, help="Record uncommitted changes as a patch.")
@click.option("--require", "checklist", metavar="CHECKLIST", help="Start COMMAND only if this finds nothing beforehand.")
@click.option(
    "--observe",
    type=click.Choice(["audit-hook", "strace", "none"]),
    default="audit-hook",
    help="How to see what COMMAND reads; strace sees native readers, too.  [default: audit-hook]",
)
@click.option("--supersedes", metavar="DIGEST", help="Digest of the manifest that this run replaces.")
@click.option("--reason", metavar="TEXT", help="Why it does.")
@click.option("--parent", "parents", multiple=True, metavar="DIGEST:RELATION", help="What this run was built from.")
@click.argument("argv", metavar="COMMAND...", nargs=-1, type=click.UNPROCESSED)
def command(checklist: str | None, **options: Any) -> int:
    """Run COMMAND and write down what went in and what came out.

    COMMAND runs here, in the root of the repository, with its own input and output; everything of ours goes to standard
    error, the path of the manifest last.
    """
    from auditor.record import parse, record  # noqa: PLC0415  (loaded when called)

    require = None
    if checklist is not None:
        from auditor.gate.beforehand import requirement  # noqa: PLC0415  (only when asked for)

        require = requirement(checklist)
    return record(parse(**options), say=_say, require=require)


def _say(line: str) -> None:
    click.echo(line, err=True)
