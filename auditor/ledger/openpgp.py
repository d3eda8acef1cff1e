"""OpenPGP signatures, made by ``gpg`` with its owner's keyring and verified by ``gpgv`` with one key alone.

A public key is written as ``openpgp`` and the base64 of ``gpg --export --export-options export-minimal``, so that whoever
verifies needs no keyring and no key server.
"""

from __future__ import annotations

import base64
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from auditor.errors import UsageError

WORD: Final = "openpgp"
"""The first word of a public key's text, and the scheme of its signatures."""

PREFIX: Final = "gpg:"
"""``gpg:FINGERPRINT`` names a key of the owner's keyring."""

_FINGERPRINT: Final = re.compile(r"[0-9A-F]{40}([0-9A-F]{24})?")
_LARGEST: Final = 64 << 10
_WEAK: Final = ("--weak-digest", "SHA1", "--weak-digest", "RIPEMD160", "--weak-digest", "MD5")


def fingerprint(named: str) -> str:
    """The fingerprint in ``gpg:FINGERPRINT``.

    Raises:
        UsageError: it is none; an address or a short id could be anybody's.
    """
    found = "".join(named.removeprefix(PREFIX).split()).upper()
    if not _FINGERPRINT.fullmatch(found):
        raise UsageError(f"{named[:60]!r} names no OpenPGP key", hint="gpg:FINGERPRINT, all 40 digits: gpg --list-keys")
    return found


def exported(key: str) -> str:
    """The text of the public key with the fingerprint ``key``, from its owner's keyring.

    Raises:
        UsageError: gpg is missing, or has no such key.
    """
    done = _run("gpg", "--batch", "--export", "--export-options", "export-minimal", "--", key)
    if done.returncode or not done.stdout or len(done.stdout) > _LARGEST:
        raise UsageError(f"gpg has no key {key}", hint="gpg --list-keys --with-fingerprint")
    return f"{WORD} {base64.b64encode(done.stdout).decode()}"


def sign(key: str, message: bytes) -> bytes:
    """The detached signature of ``message`` by the key with this fingerprint.

    Raises:
        UsageError: gpg is missing or cannot sign; its words.
    """
    given = ("--batch", "--no-armor", "--digest-algo", "SHA256", "--local-user", f"{key}!", "--detach-sign")
    done = _run("gpg", *given, stdin=message)
    if done.returncode or not done.stdout:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise UsageError(f"gpg cannot sign with {key}: {words[-1] if words else 'no reason given'}")
    return done.stdout


def verifies(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether ``signature`` is a detached one of ``message`` by the exported key ``key``, which is not expired or revoked.

    Raises:
        UsageError: gpgv is missing.
    """
    if max(len(key), len(signature)) > _LARGEST:
        return False
    with tempfile.TemporaryDirectory(prefix="auditor-gpg-") as folder:
        ring, signed = Path(folder, "key.gpg"), Path(folder, "signature")
        ring.write_bytes(key)
        signed.write_bytes(signature)
        given = ("--homedir", folder, "--keyring", str(ring), *_WEAK, "--status-fd", "1", "--", str(signed), "-")
        done = _run("gpgv", *given, stdin=message)
    said = {line.split(b" ")[1] for line in done.stdout.splitlines() if line.startswith(b"[GNUPG:] ")}
    return done.returncode == 0 and {b"GOODSIG", b"VALIDSIG"} <= said


def _run(program: str, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run([program, *arguments], input=stdin, capture_output=True, check=False)
    except FileNotFoundError:
        raise UsageError(f"{program} is not installed", hint="install GnuPG, or use an SSH or PEM key") from None
