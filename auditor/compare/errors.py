"""Why something could not be compared. Reasons name no path: whoever reports them knows which file was meant."""

from __future__ import annotations

from auditor.errors import AuditorError, UndecidableError
from auditor.model.words import Exit

PICKLE_ADVICE = "store weights as safetensors, npz or ONNX, a scikit-learn model with skops, or record its predictions"


class Refused(AuditorError):  # noqa: N818 - the vocabulary's word for "unsafe to read"
    """A file whose bytes are not what its format allows, or that would cost more than its size to read."""

    exit = Exit.BLOCKED


class Pickled(Refused):
    """A file that only a pickle machine could read: loading it would run whatever its author put in."""


class Unrecomputable(UndecidableError):  # noqa: N818 - reads as the reason it carries
    """A metric that cannot be computed from the files that were given."""


def pickled(what: str) -> Pickled:
    """The refusal of a pickle, with the way out."""
    return Pickled(f"{what}, and unpickling runs code; it is never loaded", hint=PICKLE_ADVICE)
