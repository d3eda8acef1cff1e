"""Public keys as files hold them, and the name by which a key is known."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
    load_ssh_public_key,
)
from securesystemslib.signer import SSlibKey

from auditor.errors import UsageError

_LIMIT = 64 << 10


def public_key(path: Path) -> SSlibKey:
    """The public key in ``path``: PEM, or one line of OpenSSH.

    Raises:
        UsageError: there is none.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(_LIMIT)
        loaded = load_ssh_public_key(raw) if raw.startswith((b"ssh-", b"ecdsa-")) else load_pem_public_key(raw)
        wire = base64.b64decode(loaded.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1])
        return SSlibKey.from_crypto(loaded, keyid=f"sha256:{hashlib.sha256(wire).hexdigest()}")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(
            f"{path} holds no public key", hint="give an ed25519 or ECDSA public key as PEM or in OpenSSH's form"
        ) from None
