"""What the commands that deploy share: options turned into a question to the gate, and its answer into files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from auditor.cli.judging import progress
from auditor.gate.attest import attest, signer_of
from auditor.gate.deploy import Deploy, gate_deploy
from auditor.integrations.registry import Registry
from auditor.ledger.keys import signing_key
from auditor.model.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of ``gate deploy``, as given; other commands have some of them."""

    manifest: str | None = None
    artifacts: tuple[Path, ...] = ()
    model: str | None = None
    to: Path | None = None
    image: str | None = None
    key: str | None = None
    attestation_out: Path | None = None
    summary_out: Path | None = None
    base: str | None = None
    head: str | None = None
    policy_ref: str | None = None

    def request(self) -> Deploy:
        """The question to the gate."""
        return Deploy(
            root=Path.cwd(),
            files=[(path.name, path) for path in self.artifacts],
            manifest=self.manifest,
            to=self.to,
            image=self.image,
            base=self.base,
            head=self.head,
            policy_ref=self.policy_ref,
            key=signing_key(self.key),
            progress=progress,
        )


def deployed(options: Options) -> Report:
    """The report of the deploy gate; once it is open, attestations are written, too."""
    request = options.request()
    wanted = options.attestation_out is not None or options.summary_out is not None
    signer = signer_of(request.key) if wanted else None
    if options.model is not None:
        from auditor.gate.registry import deploy_version  # noqa: PLC0415  (only a registry's version needs it)

        decided = deploy_version(request, options.model, registry())
    else:
        decided = gate_deploy(request)
    if signer is not None and decided.is_open:
        attest(decided, signer, attestation=options.attestation_out, brief=options.summary_out)
    return decided.report


def registry() -> Registry:
    """The model registry that the environment names."""
    from auditor.integrations.mlflow.registry import MlflowRegistry  # noqa: PLC0415  (optional)

    return MlflowRegistry()
