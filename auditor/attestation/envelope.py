"""The envelope around a statement (DSSE): made with one key, opened only with that key, and only in its one form.

Base64 and JSON allow many spellings of the same content. What is not in its one form is refused, so that whoever changes a
single character of the payload or the signature is found out, also where the change would mean nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path
from typing import Any, Final

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer import Key, Signature, Signer

from auditor.errors import RefusedError, UnreadableError
from auditor.manifest.limits import Limits
from auditor.manifest.reader import read, read_file

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
LIMITS: Final = Limits(size=16 << 20, depth=32, nodes=500_000)
_PARTS: Final = {"payload", "payloadType", "signatures"}


def sealed(payload: bytes, signer: Signer) -> bytes:
    """``payload`` in an envelope signed by ``signer``, as one line of JSON."""
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(signer)
    return json.dumps(envelope.to_dict(), separators=(",", ":"), sort_keys=True).encode() + b"\n"


def opened(path: Path, key: Key) -> dict[str, Any]:
    """The statement in the envelope at ``path``, which ``key`` has signed.

    Raises:
        RefusedError: it is no such envelope, is not signed by that key, or is not written in its one form.
    """
    # 1. One JSON object, without duplicate keys, bounded before it is parsed; exactly the parts that an envelope has.
    envelope = _object(path)
    if set(envelope) != _PARTS:
        raise RefusedError(f"{path} is no DSSE envelope: it has {', '.join(sorted(envelope)) or 'nothing'}")
    if envelope["payloadType"] != PAYLOAD_TYPE:
        raise RefusedError(f"the payload is {envelope['payloadType']!r}, where {PAYLOAD_TYPE} is expected")
    payload = _decoded(envelope["payload"], "payload")
    # 2. Every signature must be the given key's: what others added nobody has vouched for.
    signatures = envelope["signatures"]
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise RefusedError("an attestation carries exactly one signature", hint="split it: one envelope for each signer")
    _verify(signatures[0], payload, key)
    # 3. Only now is what was signed looked into.
    return _statement(payload)


def _verify(signature: object, payload: bytes, key: Key) -> None:
    if not isinstance(signature, dict) or set(signature) != {"keyid", "sig"}:
        raise RefusedError("a signature has keyid and sig, and nothing else")
    if signature["keyid"] != key.keyid:
        raise RefusedError(
            f"it is signed by the key {signature['keyid']!r}, the given one is {key.keyid}",
            hint="give the public key of the judge that signed, with --key",
        )
    raw = _decoded(signature["sig"], "signature")
    signed = Envelope(payload, PAYLOAD_TYPE, {}).pae()
    try:
        key.verify_signature(Signature(key.keyid, raw.hex()), signed)
    except (UnverifiedSignatureError, VerificationError):
        raise RefusedError("the signature is not of this payload by this key: one of the three was changed") from None


def _object(path: Path) -> dict[str, Any]:
    try:
        value = read_file(path, source=f"{path}.json", limits=LIMITS).value
    except UnreadableError as error:
        raise RefusedError(f"{path} cannot be read: {error.message}", hint=error.hint) from None
    if not isinstance(value, dict):
        raise RefusedError(f"{path} is no DSSE envelope: it is no JSON object")
    return value


def _statement(payload: bytes) -> dict[str, Any]:
    try:
        value = read(payload, source="statement.json", limits=LIMITS).value
    except UnreadableError as error:
        raise RefusedError(f"the signed statement cannot be read: {error.message}", hint=error.hint) from None
    if not isinstance(value, dict):
        raise RefusedError("the signed statement is no JSON object")
    return value


def _decoded(text: object, what: str) -> bytes:
    """The bytes behind ``text``, which must be the one base64 text that stands for them."""
    try:
        raw = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        raw = b""
    if not raw or base64.b64encode(raw).decode() != text:
        raise RefusedError(f"the {what} is not base64 in its one form")
    return raw
