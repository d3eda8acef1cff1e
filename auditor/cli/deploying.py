"""What the commands that deploy share: options turned into a question to the gate, and its answer into files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from auditor.cli.judging import progress
from auditor.gate.attest import attest, signer_of
from auditor.gate.deploy import Deploy, gate_deploy
from auditor.ledger.keys import signing_key
from auditor.model.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of ``gate deploy``, as given."""

    manifest: str | None
    artifacts: tuple[Path, ...]
    to: Path | None
    image: str | None
    key: str | None
    attestation_out: Path | None
    summary_out: Path | None
    base: str | None
    head: str | None
    policy_ref: str | None


def deployed(options: Options) -> Report:
    """The report of the deploy gate; once it is open, attestations are written, too."""
    key = signing_key(options.key)
    wanted = options.attestation_out is not None or options.summary_out is not None
    signer = signer_of(key) if wanted else None
    decided = gate_deploy(
        Deploy(
            root=Path.cwd(),
            files=[(path.name, path) for path in options.artifacts],
            manifest=options.manifest,
            to=options.to,
            image=options.image,
            base=options.base,
            head=options.head,
            policy_ref=options.policy_ref,
            key=key,
            progress=progress,
        )
    )
    if signer is not None and decided.is_open:
        attest(decided, signer, attestation=options.attestation_out, brief=options.summary_out)
    return decided.report
