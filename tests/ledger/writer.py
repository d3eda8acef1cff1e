"""Appends to a ledger until it is killed, and says each entry on stdout once it was acknowledged."""

from __future__ import annotations

import sys
from pathlib import Path

from auditor.ledger.ledger import open_ledger

SUBJECT = "sha256:" + 64 * "a"


def write(address: str, writer: str) -> None:
    with open_ledger(address, Path("/")) as ledger:
        number = 0
        while True:
            entry = ledger.append("access", subject=SUBJECT, body={"writer": writer, "number": number})
            sys.stdout.write(f"{entry.sequence} {entry.digest}\n")
            sys.stdout.flush()
            number += 1


if __name__ == "__main__":
    write(sys.argv[1], sys.argv[2])
