"""A second implementation of ``schemas/reproduction.md``, written from that page with cryptography and json alone."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

HASHES = {"secp256r1": SHA256, "secp384r1": SHA384, "secp521r1": SHA512}
KNOWN = ("https://pypi.org/project/ml-run-auditor/reproduction/v1", "https://slsa.dev/verification_summary/v1")


class NotAcceptedError(Exception):
    pass


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise NotAcceptedError("duplicate key")
    return dict(pairs)


def demand(holds: object, words: str) -> None:
    if not holds:
        raise NotAcceptedError(words)


def unpacked(text: object) -> bytes:
    demand(isinstance(text, str), "no text")
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise NotAcceptedError("no base64") from None
    demand(base64.b64encode(raw).decode() == text, "base64 in another form")
    return raw


def accept(envelope: bytes, pem: bytes, files: list[Path]) -> dict[str, Any]:
    """The predicate, when the page's six steps all hold."""
    try:
        demand(len(envelope) <= 16 << 20, "too large")
        outer = json.loads(envelope, object_pairs_hook=once)
        demand(isinstance(outer, dict) and set(outer) == {"payload", "payloadType", "signatures"}, "no envelope")
        demand(outer["payloadType"] == "application/vnd.in-toto+json", "payload type")
        (signature,) = outer["signatures"]
        demand(isinstance(signature, dict) and set(signature) == {"keyid", "sig"}, "no signature")
        key = load_pem_public_key(pem)
        wire = base64.b64decode(key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1])
        demand(signature["keyid"] == f"sha256:{hashlib.sha256(wire).hexdigest()}", "another key")
        payload = unpacked(outer["payload"])
        kind = outer["payloadType"]
        signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(unpacked(signature["sig"]), signed)
        else:
            key.verify(unpacked(signature["sig"]), signed, ec.ECDSA(HASHES[key.curve.name]()))
        inner = json.loads(payload, object_pairs_hook=once)
    except (ValueError, TypeError, KeyError, InvalidSignature) as error:
        raise NotAcceptedError(repr(error)) from None
    demand(set(inner) == {"_type", "subject", "predicateType", "predicate"}, "no statement")
    demand(inner["_type"] == "https://in-toto.io/Statement/v1", "no statement v1")
    demand(inner["predicateType"] in KNOWN, "unknown predicate")
    predicate = inner["predicate"]
    if inner["predicateType"] == KNOWN[0]:
        demand(predicate["verdict"] == "open" and predicate["advisory"] is False, "not open")
        until = predicate["expiresOn"]
        demand(until is None or dt.datetime.fromisoformat(until) > dt.datetime.now(tz=dt.UTC), "expired")
    else:
        demand(predicate["verificationResult"] == "PASSED", "not passed")
    known = {subject["digest"]["sha256"] for subject in inner["subject"]}
    for file in files:
        demand(hashlib.sha256(file.read_bytes()).hexdigest() in known, "no subject")
    return predicate
