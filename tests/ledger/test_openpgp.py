"""Keys of a real GnuPG keyring sign, and gpgv verifies with the exported key alone."""

from __future__ import annotations

import base64
import shutil
import subprocess

import pytest

from auditor.errors import UsageError
from auditor.ledger import openpgp
from auditor.ledger.keys import PublicKey, public_key, signing_key

OWNER = "Reviewer <reviewer@example.org>"


def gpg(*arguments, **options):
    done = subprocess.run(["gpg", "--batch", "--quiet", *arguments], capture_output=True, text=True, check=True, **options)
    return done.stdout


def made(owner=OWNER, expires="never"):
    gpg("--passphrase", "", "--quick-generate-key", owner, "ed25519", "sign", expires)
    lines = gpg("--list-keys", "--with-colons", owner).splitlines()
    return next(line.split(":")[9] for line in lines if line.startswith("fpr:"))


@pytest.fixture
def keyring(tmp_path_factory, monkeypatch):
    """An empty keyring; its agent's socket has to have a short path."""
    home = tmp_path_factory.mktemp("g")
    home.chmod(0o700)
    ender = shutil.which("gpgconf")
    assert ender is not None
    monkeypatch.setenv("GNUPGHOME", str(home))
    monkeypatch.delenv("AUDITOR_KEY", raising=False)
    yield home
    subprocess.run([ender, "--kill", "gpg-agent"], check=False)
    shutil.rmtree(home, ignore_errors=True)


def test_it_signs_and_needs_no_keyring_to_be_verified(keyring, monkeypatch):
    key = signing_key(f"gpg:{made()}")
    signature = key.sign(b"message")
    assert signature.startswith("openpgp:")
    monkeypatch.setenv("GNUPGHOME", str(keyring / "nowhere"))
    public = PublicKey(key.public.text)
    assert public.verifies(b"message", signature)
    assert not public.verifies(b"massage", signature)
    assert not public.verifies(b"message", "openpgp:AAAA")
    assert not public.verifies(b"message", f"openpgp:{base64.b64encode(bytes(1 << 17)).decode()}")
    assert not public.verifies(b"message", signature.replace("openpgp", "sshsig"))


def test_somebody_elses_signature_counts_for_nothing(keyring):
    one, other = (signing_key(f"gpg:{made(f'{name} <{name}@example.org>')}") for name in ("one", "other"))
    assert one.public != other.public
    assert one.public.keyid != other.public.keyid
    assert not one.public.verifies(b"message", other.sign(b"message"))


def test_a_weak_digest_is_no_signature(keyring):
    fingerprint = made()
    done = subprocess.run(
        ["gpg", "--batch", "--no-armor", "--digest-algo", "SHA1", "--local-user", fingerprint, "--detach-sign"],
        input=b"message", capture_output=True, check=True,
    )  # fmt: skip
    signature = f"openpgp:{base64.b64encode(done.stdout).decode()}"
    assert not public_key(f"gpg:{fingerprint}").verifies(b"message", signature)


def test_a_revoked_key_verifies_nothing(keyring):
    fingerprint = made()
    key = signing_key(f"gpg:{fingerprint}")
    signature = key.sign(b"message")
    certificate = (keyring / "openpgp-revocs.d" / f"{fingerprint}.rev").read_text().replace(":-----BEGIN", "-----BEGIN")
    gpg("--import", input=certificate)
    assert key.public.verifies(b"message", signature), "the key as it was when the policy named it"
    assert not public_key(f"gpg:{fingerprint}").verifies(b"message", signature)


@pytest.mark.parametrize("named", ["gpg:", "gpg:reviewer@example.org", "gpg:DEADBEEF", f"gpg:--output={'A' * 40}"])
def test_a_key_is_named_by_all_of_its_fingerprint(keyring, named):
    with pytest.raises(UsageError, match="names no OpenPGP key"):
        signing_key(named)


def test_a_key_that_is_not_there_says_so(keyring):
    with pytest.raises(UsageError, match="gpg has no key"):
        signing_key(f"gpg:{'A' * 40}")


def test_without_gnupg_it_is_said(keyring, monkeypatch):
    monkeypatch.setenv("PATH", str(keyring))
    with pytest.raises(UsageError, match="gpg is not installed"):
        openpgp.exported("A" * 40)


def test_an_approval_is_signed_with_it(keyring, team):
    fingerprint = made()
    text = public_key(f"gpg:{fingerprint}").text
    team.trust(approvals=1)
    team.rule(lambda policy: policy["trust"]["identities"].update({text: "approver@example.org"}))
    team.judge()
    team.deploy().expect(1)
    said = ("approve", team.repo.manifest, "--gate", "deploy", "--reason", "looked at it", "--key", f"gpg:{fingerprint}")
    team.repo.env["GNUPGHOME"] = str(keyring)
    assert "approver@example.org" in team.repo.auditor(*said).expect(0).stdout
    del team.repo.env["GNUPGHOME"]
    team.deploy().expect(0)
    team.repo.auditor("ledger", "verify").expect(0)
