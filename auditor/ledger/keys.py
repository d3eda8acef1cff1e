"""Keys that sign: ed25519, ECDSA and RSA from PEM or OpenSSH files, what ``ssh-keygen`` reaches (agents, tokens), and gpg's.

A public key is written as OpenSSH writes it (``ssh-ed25519 AAAA...``, no comment), whatever file it came from. Its *keyid*
is the SHA-256 of the key's wire form in hexadecimal: the digest that ``ssh-keygen -l`` shows in base64.

A signature is ``<scheme>:<base64>``. The schemes are those of securesystemslib, so that its signers and verifiers (DSSE)
work with the same keys; ``sshsig`` is an SSH signature (OpenSSH's PROTOCOL.sshsig), ``openpgp`` one of gpg
(:mod:`auditor.ledger.openpgp`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from auditor.errors import UsageError
from auditor.ledger import openpgp, ssh

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
    from securesystemslib.signer import Signer
    from securesystemslib.signer._crypto_signer import CryptoSigner
    from securesystemslib.signer._key import SSlibKey

VARIABLE: Final = "AUDITOR_KEY"
"""Names the signing key where no option does: a file, or the private key's text itself (a secret of a CI)."""

_SERVICE: Final = re.compile(r"[a-z][a-z0-9]+:")
_LARGEST_FILE: Final = 64 << 10
_SSHSIG: Final = "sshsig"
_CURVES: Final = {"secp256r1": "SHA256", "secp384r1": "SHA384", "secp521r1": "SHA512"}
_LEAST_RSA_BITS: Final = 2048


class PublicKey:
    """A key that verifies, by its OpenSSH text; what stands behind the second word is a comment and dropped."""

    def __init__(self, text: str) -> None:
        words = text.split()
        self.text = " ".join(words[:2])
        try:
            self._wire = base64.b64decode(words[1], validate=True)
        except (IndexError, binascii.Error):
            raise UsageError(
                f"{text[:40]!r} is no OpenSSH public key", hint="write it as in a .pub file: ssh-ed25519 AAAA..."
            ) from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"PublicKey({self.text!r})"

    @property
    def keyid(self) -> str:
        """``sha256:`` and the digest of the key's wire form."""
        return f"sha256:{hashlib.sha256(self._wire).hexdigest()}"

    @property
    def fingerprint(self) -> str:
        """The same as OpenSSH shows it."""
        return f"SHA256:{base64.b64encode(hashlib.sha256(self._wire).digest()).decode().rstrip('=')}"

    @cached_property
    def _crypto(self) -> PublicKeyTypes | None:
        """The key for direct use; None for the kinds that only ssh-keygen knows."""
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  (40 ms that only signatures need)
        from cryptography.hazmat.primitives.serialization import load_ssh_public_key  # noqa: PLC0415

        try:
            return load_ssh_public_key(self.text.encode())
        except (ValueError, UnsupportedAlgorithm):
            return None

    def verifies(self, message: bytes, signature: str) -> bool:
        """Whether ``signature`` was made for ``message`` by the owner of this key."""
        scheme, _, encoded = signature.partition(":")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            return False
        if scheme == _SSHSIG:
            return ssh.verifies(self.text, message, raw)
        if scheme == openpgp.WORD:
            return self.text.startswith(f"{openpgp.WORD} ") and openpgp.verifies(self._wire, message, raw)
        return self._crypto is not None and scheme == scheme_of(self._crypto) and _verifies(self._crypto, message, raw)

    def sslib(self) -> SSlibKey:
        """The key for securesystemslib, under the same keyid.

        Raises:
            UsageError: securesystemslib knows no such kind of key.
        """
        from securesystemslib.signer._key import SSlibKey  # noqa: PLC0415  (200 ms that only attestations need)

        if self._crypto is None:
            raise UsageError(f"{self.text.split()[0]} keys sign ledger entries only", hint="use an ed25519 or ECDSA key")
        return SSlibKey.from_crypto(self._crypto, keyid=self.keyid, scheme=scheme_of(self._crypto))


key_of = lru_cache(maxsize=256)(PublicKey)
"""The public key with this text, made once."""


class SigningKey(Protocol):
    """Whatever can sign."""

    @property
    def public(self) -> PublicKey:
        """The key that verifies what this one signs."""

    def sign(self, message: bytes) -> str:
        """The signature of ``message``.

        Raises:
            UsageError: it cannot be made (no agent, wrong passphrase).
        """


class FileKey:
    """A private key in this process' memory."""

    def __init__(self, private: PrivateKeyTypes) -> None:
        self._private = private
        self.public = _public(private)

    def sign(self, message: bytes) -> str:
        """The signature of ``message``."""
        public = self._private.public_key()
        return f"{scheme_of(public)}:{base64.b64encode(_sign(self._private, message)).decode()}"

    def signer(self) -> CryptoSigner:
        """The key for securesystemslib, under the same keyid."""
        from securesystemslib.signer._crypto_signer import CryptoSigner  # noqa: PLC0415  (the same)

        return CryptoSigner(self._private, self.public.sslib())


class SshKey:
    """A key that only ``ssh-keygen`` can use: in an agent, on a token, or behind a passphrase."""

    def __init__(self, path: Path, public: PublicKey) -> None:
        self._path = path
        self.public = public

    def sign(self, message: bytes) -> str:
        """The SSH signature of ``message``.

        Raises:
            UsageError: ssh-keygen cannot make it.
        """
        return f"{_SSHSIG}:{base64.b64encode(ssh.sign(self._path, message)).decode()}"


class ServiceKey:
    """A key that never leaves a service: a cloud's key management, a vault, a hardware module.

    ``address`` is what securesystemslib calls it (``awskms:alias/judge``, ``gcpkms:projects/...``, ``azurekms://...``,
    ``hv:judge``, ``hsm:2?label=...``); ``public`` its public key, which is kept here, so that a service cannot change it.
    """

    def __init__(self, address: str, public: PublicKey) -> None:
        self._address = address
        self.public = public

    def sign(self, message: bytes) -> str:
        """The signature of ``message``.

        Raises:
            UsageError: the service does not make it.
        """
        signer = self.signer()
        try:
            made = bytes.fromhex(signer.sign(message).signature)
        except Exception as error:  # noqa: BLE001  (every service's library has errors of its own)
            raise UsageError(
                f"{self._address} does not sign: {error}", hint="are its credentials in the environment?"
            ) from None
        return f"{signer.public_key.scheme}:{base64.b64encode(made).decode()}"

    def signer(self) -> Signer:
        """The key for securesystemslib, under the same keyid.

        Raises:
            UsageError: it knows no such service, or its library is not installed.
        """
        from securesystemslib.exceptions import UnsupportedLibraryError  # noqa: PLC0415  (the same)
        from securesystemslib.signer import Signer  # noqa: PLC0415

        service = self._address.partition(":")[0]
        try:
            return Signer.from_priv_key_uri(self._address, self.public.sslib())
        except UnsupportedLibraryError as error:
            raise UsageError(str(error), hint=f"pip install 'securesystemslib[{service}]'") from None
        except Exception as error:  # noqa: BLE001  (the same)
            raise UsageError(
                f"{self._address} cannot be used: {error}", hint="see securesystemslib's list of signers"
            ) from None


class GpgKey:
    """A key in its owner's OpenPGP keyring, by its fingerprint."""

    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        self.public = PublicKey(openpgp.exported(fingerprint))

    def sign(self, message: bytes) -> str:
        """The OpenPGP signature of ``message``.

        Raises:
            UsageError: gpg cannot make it.
        """
        return f"{openpgp.WORD}:{base64.b64encode(openpgp.sign(self._fingerprint, message)).decode()}"


def signing_key(given: str | None) -> SigningKey | None:
    """The key in the file ``given``, else the one that ``AUDITOR_KEY`` names or holds, else None.

    A public key (``.pub``) stands for the private one in an agent, ``gpg:FINGERPRINT`` for one in gpg's keyring, and
    ``awskms:KEY#PUBLIC.pem`` (or another of securesystemslib's addresses) for one in a service.

    Raises:
        UsageError: what is named is no key, or not one that this machine can use.
    """
    named = given or os.environ.get(VARIABLE)
    if not named:
        return None
    if "PRIVATE KEY-----" in named:
        return _loaded(named.encode(), None)
    if named.startswith(openpgp.PREFIX):
        return GpgKey(openpgp.fingerprint(named))
    if _SERVICE.match(named) and "#" in named:
        address, _, public = named.rpartition("#")
        return ServiceKey(address, public_key(public))
    path = Path(named).expanduser()
    return _loaded(_content(path), path)


def required_key(given: str | None) -> SigningKey:
    """The same, where there has to be one.

    Raises:
        UsageError: there is none.
    """
    key = signing_key(given)
    if key is None:
        raise UsageError("this has to be signed", hint=f"name your key: --key FILE, or {VARIABLE}")
    return key


def public_key(given: str) -> PublicKey:
    """The public key in the file ``given``, or written out in it; of a private key, its public half; or ``gpg:FINGERPRINT``.

    Raises:
        UsageError: it is neither.
    """
    if given.startswith(openpgp.PREFIX):
        return PublicKey(openpgp.exported(openpgp.fingerprint(given)))
    if given.split()[1:] and not given.startswith("-----"):
        return PublicKey(given)
    raw = given.encode() if given.startswith("-----") else _content(Path(given).expanduser())
    if b"PRIVATE KEY-----" in raw:
        return _loaded(raw, None).public
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415  (the same)

    if not raw.startswith(b"-----"):
        return PublicKey(raw.decode(errors="replace"))
    try:
        return _written(load_pem_public_key(raw))
    except ValueError as error:
        raise UsageError(f"{given[:60]} holds no public key: {error}", hint="PEM or OpenSSH") from None


def scheme_of(key: PublicKeyTypes) -> str:
    """The scheme that ``key`` is used with.

    Raises:
        UsageError: none: a kind or size of key that nothing should be signed with.
    """
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: PLC0415  (the same)

    if isinstance(key, ed25519.Ed25519PublicKey):
        return "ed25519"
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return f"ecdsa-sha2-nistp{key.curve.key_size}"
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS:
        return "rsassa-pss-sha256"
    raise UsageError(
        f"a key of the kind {type(key).__name__.removesuffix('PublicKey')} cannot sign here",
        hint="make one: ssh-keygen -t ed25519 -f auditor-key",
    )


def _content(path: Path) -> bytes:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_FILE:
            raise UsageError(f"{path} is no key file", hint="make one: ssh-keygen -t ed25519 -f auditor-key")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"the key {path} cannot be read: {error.strerror}") from None


def _loaded(raw: bytes, path: Path | None) -> SigningKey:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  (the same)
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key  # noqa: PLC0415

    where = str(path or VARIABLE)
    if b"PRIVATE KEY-----" not in raw:
        if path is None or raw.startswith(b"-----"):
            raise UsageError(f"{where} holds no private key", hint="give the private key, or the .pub of one in an agent")
        return SshKey(path, PublicKey(raw.decode(errors="replace")))
    openssh = b"BEGIN OPENSSH" in raw
    try:
        return FileKey((load_ssh_private_key if openssh else load_pem_private_key)(raw, password=None))
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        # Behind a passphrase, or of a kind that lives on a token: what ssh-keygen can use, it is asked to.
        beside = None if path is None else path.with_name(f"{path.name}.pub")
        if openssh and path is not None and beside is not None and beside.is_file():
            return SshKey(path, PublicKey(_content(beside).decode(errors="replace")))
        raise UsageError(
            f"{where} cannot be used: {error}", hint="for a key behind a passphrase, keep its .pub beside it"
        ) from None


def _public(private: PrivateKeyTypes) -> PublicKey:
    public = private.public_key()
    scheme_of(public)
    return _written(public)


def _written(key: PublicKeyTypes) -> PublicKey:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415  (the same)

    scheme_of(key)
    return PublicKey(key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())


def _sign(key: PrivateKeyTypes, message: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  (the same)
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa  # noqa: PLC0415

    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(getattr(hashes, _CURVES[key.curve.name])()))
    assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101  (scheme_of refused every other kind)
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=hashes.SHA256.digest_size)
    return key.sign(message, pss, hashes.SHA256())


def _verifies(key: PublicKeyTypes, message: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  (the same)
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa  # noqa: PLC0415

    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(getattr(hashes, _CURVES[key.curve.name])()))
        else:
            assert isinstance(key, rsa.RSAPublicKey)  # noqa: S101  (the same)
            pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.AUTO)
            key.verify(signature, message, pss, hashes.SHA256())
    except InvalidSignature:
        return False
    return True
