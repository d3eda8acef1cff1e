"""How a command ends: with its exit code, and with words instead of a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import click

from auditor.errors import AuditorError
from auditor.model.words import Exit


def ended(command: Callable[[], object]) -> int:
    """The exit code of ``command``; what it raised is said on standard error."""
    try:
        answer = command()
    except click.exceptions.Exit as wanted:
        return wanted.exit_code
    except (KeyboardInterrupt, click.Abort):
        say("interrupted")
        return 130
    except BrokenPipeError:
        # The reader of our output went away; what it did not read was decided all the same.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  (kept open until the process ends)
        return 128 + 13
    except Exception as error:  # noqa: BLE001  (the last frontier: what is left is our fault, and said so)
        return _failed(error)
    return answer if isinstance(answer, int) else Exit.OPEN


def _failed(error: Exception) -> int:
    if isinstance(error, click.ClickException):
        error.show()
        return Exit.USAGE
    if isinstance(error, AuditorError):
        complain(error)
        return error.exit
    if os.environ.get("AUDITOR_DEBUG"):
        raise error
    say(f"internal error: {type(error).__name__}: {error}")
    say("this is a fault of the auditor, not of the run; set AUDITOR_DEBUG=1 to see where, and please report it")
    return Exit.INTERNAL


def complain(error: AuditorError) -> None:
    """Say what went wrong and, where there is one, the way out."""
    say(str(error))
    if error.hint:
        say(f"  {error.hint}")


def say(words: str) -> None:
    """One line for a person, on standard error, free of control characters."""
    from auditor.render.text import plain  # noqa: PLC0415  (only what fails needs it)

    click.echo("\n".join(f"auditor: {plain(line)}" for line in words.split("\n")), err=True)
