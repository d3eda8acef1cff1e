"""SSH signatures, made and verified by ``ssh-keygen`` itself: it knows agents, tokens and passphrases."""

from __future__ import annotations

import base64
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from auditor.errors import UsageError

NAMESPACE: Final = "auditor"
"""What an SSH signature is good for, so that one made for e-mail or git counts for nothing here."""

_PERSON: Final = "signer"
_BEGIN: Final = "-----BEGIN SSH SIGNATURE-----"
_END: Final = "-----END SSH SIGNATURE-----"


def sign(key: Path, message: bytes) -> bytes:
    """The SSH signature (the blob, not its armour) of ``message`` by the private key in, or behind, the file ``key``.

    Raises:
        UsageError: ssh-keygen is missing or cannot sign; its words.
    """
    done = _keygen("sign", "-n", NAMESPACE, "-f", str(key), stdin=message)
    armour = done.stdout.decode(errors="replace").strip()
    if done.returncode or not armour.startswith(_BEGIN):
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise UsageError(
            f"ssh-keygen cannot sign with {key}: {words[-1] if words else 'no reason given'}",
            hint="is the key in the agent? ssh-add -l",
        )
    return base64.b64decode("".join(armour.removeprefix(_BEGIN).removesuffix(_END).split()))


def verifies(key: str, message: bytes, signature: bytes) -> bool:
    """Whether ``signature`` is the SSH signature of ``message`` by the public key ``key``.

    Raises:
        UsageError: ssh-keygen is missing.
    """
    lines = base64.encodebytes(signature).decode()
    with tempfile.TemporaryDirectory(prefix="auditor-ssh-") as folder:
        signers, armour = Path(folder, "signers"), Path(folder, "signature")
        signers.write_text(f'{_PERSON} namespaces="{NAMESPACE}" {key}\n', encoding="utf-8")
        armour.write_text(f"{_BEGIN}\n{lines}{_END}\n", encoding="utf-8")
        given = ["-n", NAMESPACE, "-I", _PERSON, "-f", str(signers), "-s", str(armour)]
        return _keygen("verify", *given, stdin=message).returncode == 0


def _keygen(action: str, *arguments: str, stdin: bytes) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["ssh-keygen", "-Y", action, *arguments], input=stdin, capture_output=True, check=False)
    except FileNotFoundError:
        raise UsageError("ssh-keygen is not installed", hint="install OpenSSH 8.2 or newer, or use a PEM key") from None
