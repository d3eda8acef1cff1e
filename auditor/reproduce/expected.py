"""What the record says a reproduction must produce."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from auditor.model.run import Artifact, Metric, Reproduction, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What to compare, and what is known of what the command writes.

    Attributes:
        metrics: figures by name.
        contradicted: what an unscaled reproduction recorded for a figure, where the run itself claims another.
        artifacts: files to compare, by the path at which the command writes them.
        known: all files that the command writes, compared or not, by path.
        claims: the run's own claims, by the metric's name: where a figure comes from.
    """

    metrics: Mapping[str, float | None]
    contradicted: Mapping[str, float]
    artifacts: Mapping[str, Artifact]
    known: Mapping[str, Artifact]
    claims: Mapping[str, Metric]

    @property
    def metrics_files(self) -> tuple[str, ...]:
        """The paths of the files that the command writes its figures to."""
        return tuple(path for path, artifact in self.known.items() if artifact.role == "metrics")


def expected_of(run: Run, reproduction: Reproduction) -> Expected:
    """What ``reproduction`` must come out as: the run itself where it is not scaled down, else what it recorded."""
    metrics: dict[str, float | None] = {}
    artifacts: dict[str, Artifact] = {}
    roles = {place: artifact for artifact in run.artifacts if (place := place_of(artifact))}
    if reproduction.expect is not None:
        metrics |= {metric.name: metric.value for metric in reproduction.expect.metrics}
        for output in reproduction.expect.artifacts:
            own = roles.get(output.path)
            role = own.role if own else output.role
            artifacts[output.path] = Artifact(
                name=output.path,
                role=role if role in _ROLES else "other",  # type: ignore[arg-type]  # the line's own condition
                path=output.path,
                digest=output.digest,
                format=own.format if own else None,
            )
    contradicted: dict[str, float] = {}
    if not reproduction.scale:
        recorded = metrics
        metrics = recorded | {metric.name: metric.value for metric in run.metrics}
        contradicted = {name: value for name, value in recorded.items() if value is not None and value != metrics[name]}
        artifacts |= roles
    known = roles | artifacts
    claims = {metric.name: metric for metric in run.metrics}
    return Expected(metrics=metrics, contradicted=contradicted, artifacts=artifacts, known=known, claims=claims)


def outputs_of(run: Run, reproduction: Reproduction) -> frozenset[str]:
    """Every path that the command is declared to write, relative to its folder."""
    named = {artifact.name: place for artifact in run.artifacts if (place := place_of(artifact))}
    declared = [*named.values(), *expected_of(run, reproduction).artifacts]
    declared += [named.get(output, output) for output in reproduction.outputs]
    inputs = {source.mount or source.path for source in run.data}
    return frozenset(path for path in declared if path not in inputs)


def place_of(artifact: Artifact) -> str | None:
    """Where the command writes ``artifact``, None where the record does not say."""
    place = artifact.mount or artifact.path
    return place if place and not place.startswith("/") else None


_ROLES = frozenset({"weights", "checkpoint", "predictions", "labels", "metrics", "trace", "log", "plot", "other"})
