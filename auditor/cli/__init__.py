"""The command line: one file per command, loaded only when it is called. No logic lives here."""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Sequence

import click

from auditor import __version__

_COMMANDS = {
    "demo": "Watch a real run be recorded, let through, then sabotaged and blocked.",
    "init": "Write a commented policy, auditor.yaml.",
    "record": "Run a training command and write its manifest.",
    "check": "Check manifests and the bytes they claim; executes nothing.",
    "reproduce": "Execute a recorded run again and compare.",
    "calibrate": "Learn how much a run varies, and what drift that leaves visible.",
    "chaos": "Find out what accidental surroundings a run depends on.",
    "compare": "Compare weights, metrics, predictions, or two manifests.",
    "gate": "Decide: open, blocked or undecided.",
    "register": "Put a run's weights into a model registry.",
    "promote": "Let an alias lead to a model version, through the gate.",
    "rollback": "Name the last version whose verdict is still valid.",
    "fetch": "Fetch all that a model version was made from, verified.",
    "lineage": "Show what a digest was made from, and made into.",
    "store": "Keep bytes outside git, under their digests.",
    "verify": "Verify an attestation against files, without ledger or network.",
    "import": "Write manifests of runs that something else recorded.",
    "history": "Audit years of runs, and show how they decay.",
    "github": "Be a step of GitHub Actions.",
    "webhook": "Answer deployments that wait on GitHub.",
    "approve": "Approve a run, or a looser policy, under your own name.",
    "waive": "Let a run pass although a check failed, until a day.",
    "attest": "Answer under your own name what no check can tell.",
    "revoke": "Take back trust in a data set, a run, a model or a key.",
    "ledger": "Read, verify and move the record of verdicts and approvals.",
    "policy": "Say in prose what the policy asks for.",
    "checks": "List the catalogue of checks.",
    "explain": "Show the manual page of a check.",
}
"""Every command and its line in ``--help``, in the order in which a new user meets them."""


_MODULES = {"import": "importing"}
"""Where a command lives whose name can be no module's."""


class _Lazy(click.Group):
    """A group whose commands are imported only when one of them is called, so that ``--version`` is instant."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command = importlib.import_module(f"auditor.cli.{_MODULES.get(name, name)}").command
        assert isinstance(command, click.Command)  # noqa: S101  (every module in this folder keeps to it)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog="Exit codes: 0 open, 1 blocked, 2 wrong usage or invalid policy, 3 nothing selected, 4 undecided, 70 our fault.",
)
@click.version_option(__version__, prog_name="auditor", message="%(prog)s %(version)s")
def root() -> None:
    """Decide, on evidence, whether a machine-learning run can be trusted."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code. Nobody ever sees a traceback unless AUDITOR_DEBUG is set."""
    from auditor.cli.ending import ended  # noqa: PLC0415  (only what fails needs it)

    # A cancelled job is sent SIGTERM: as an exception it lets every temporary folder and sandbox be cleaned up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(ended(lambda: root(list(arguments) if arguments is not None else None, standalone_mode=False)))
