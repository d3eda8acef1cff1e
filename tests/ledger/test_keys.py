from __future__ import annotations

import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError

from auditor.errors import UsageError
from auditor.ledger import keys
from auditor.ledger.keys import PublicKey, public_key, signing_key

MAKERS = {
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ecdsa-p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ecdsa-p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
}


@pytest.fixture(scope="session", params=MAKERS)
def private(request):
    return MAKERS[request.param]()


def pem(private, form=serialization.PrivateFormat.PKCS8):
    return private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


@pytest.mark.parametrize("form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.OpenSSH])
def test_every_kind_of_file_signs_and_is_the_same_key(private, form, tmp_path):
    file = tmp_path / "key"
    file.write_bytes(pem(private, form))
    key = signing_key(str(file))
    signature = key.sign(b"message")
    assert key.public.verifies(b"message", signature)
    assert not key.public.verifies(b"massage", signature)
    assert not key.public.verifies(b"message", signature.replace(":", ":AAAA", 1))
    assert not key.public.verifies(b"message", "nonsense")
    assert not key.public.verifies(b"message", "sshsig:AAAA")
    spki = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "public.pem").write_bytes(spki)
    (tmp_path / "public.pub").write_text(f"{key.public.text} a comment\n", encoding="utf-8")
    for given in (tmp_path / "public.pem", tmp_path / "public.pub", file, f"{key.public.text} comment", spki.decode()):
        assert public_key(str(given)) == key.public


def test_the_keyid_is_the_digest_that_ssh_keygen_shows(tmp_path):
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True)
    key = signing_key(str(file))
    shown = subprocess.run(["ssh-keygen", "-l", "-f", file], check=True, capture_output=True, text=True).stdout.split()[1]
    assert key.public.fingerprint == shown
    assert key.public.keyid.startswith("sha256:")


def test_the_same_keys_sign_attestations_under_the_same_keyid(private, tmp_path):
    file = tmp_path / "key"
    file.write_bytes(pem(private))
    key = signing_key(str(file))
    envelope = Envelope(b"{}", "application/vnd.in-toto+json", {})
    envelope.sign(key.signer())
    assert set(envelope.verify([key.public.sslib()], 1)) == {key.public.keyid}
    envelope.payload = b"[]"
    with pytest.raises(VerificationError):
        envelope.verify([key.public.sslib()], 1)


def test_the_variable_names_a_file_or_holds_the_key(tmp_path, monkeypatch):
    private = MAKERS["ed25519"]()
    file = tmp_path / "key"
    file.write_bytes(pem(private))
    assert signing_key(None) is None
    monkeypatch.setenv(keys.VARIABLE, str(file))
    named = signing_key(None)
    monkeypatch.setenv(keys.VARIABLE, pem(private).decode())
    assert signing_key(None).public == named.public


@pytest.fixture
def agent(tmp_path, monkeypatch):
    """An agent that holds a key whose private file is gone; the path of the public one."""
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True)
    socket = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        while subprocess.run(["ssh-add", "-l"], capture_output=True, check=False).returncode == 2:  # it does not answer yet
            assert process.poll() is None
        subprocess.run(["ssh-add", "-q", file], check=True)
        file.unlink()
        yield file.with_suffix(".pub")
    finally:
        process.terminate()
        process.wait()


def test_a_key_in_an_agent_signs(agent):
    key = signing_key(str(agent))
    signature = key.sign(b"message")
    assert signature.startswith("sshsig:")
    assert key.public.verifies(b"message", signature)
    assert not key.public.verifies(b"massage", signature)
    other = PublicKey(public_key(str(agent)).text[:-6] + "AAAAAA")
    assert not other.verifies(b"message", signature)


def test_an_agent_without_the_key_says_so(agent):
    subprocess.run(["ssh-add", "-q", "-D"], check=True)
    with pytest.raises(UsageError, match="ssh-keygen cannot sign"):
        signing_key(str(agent)).sign(b"message")


def test_an_ssh_signature_for_another_purpose_counts_for_nothing(tmp_path):
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True)
    done = subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-n", "git", "-f", file], input=b"message", capture_output=True, check=True
    )
    blob = "".join(done.stdout.decode().split("-----")[2].split())
    assert not public_key(str(file)).verifies(b"message", f"sshsig:{blob}")


def test_a_passphrase_is_left_to_ssh_keygen(tmp_path, monkeypatch):
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-f", file], check=True)
    helper = tmp_path / "askpass"
    helper.write_text("#!/bin/sh\necho a passphrase\n", encoding="utf-8")
    helper.chmod(0o755)
    monkeypatch.setenv("SSH_ASKPASS", str(helper))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    key = signing_key(str(file))
    assert key.public.verifies(b"message", key.sign(b"message"))


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", b"a b c"]
)
def test_what_is_no_key_is_said(content, tmp_path):
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(UsageError):
        signing_key(str(file)).sign(b"message")


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(UsageError, match="no key file"):
        signing_key(str(tmp_path / "nothing"))


SHORT = 1024


@pytest.mark.parametrize("make", [lambda: dsa.generate_private_key(2048), lambda: rsa.generate_private_key(65537, SHORT)])
def test_weak_kinds_of_keys_are_refused(make, tmp_path):
    file = tmp_path / "key"
    file.write_bytes(pem(make()))
    with pytest.raises(UsageError, match="cannot sign here"):
        signing_key(str(file))
