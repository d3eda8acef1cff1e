"""Keys that a service holds: AWS's key management, as moto answers for it on this machine."""

from __future__ import annotations

import base64
import hashlib

import boto3
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from securesystemslib.dsse import Envelope

from auditor.errors import UsageError
from auditor.ledger.keys import ServiceKey, signing_key


@pytest.fixture
def service(monkeypatch, tmp_path):
    """A key of the kind that can sign, and the file of its public half."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    client = boto3.client("kms")

    def make(spec):
        made = client.create_key(KeyUsage="SIGN_VERIFY", KeySpec=spec)["KeyMetadata"]["KeyId"]
        der = base64.encodebytes(client.get_public_key(KeyId=made)["PublicKey"]).decode()
        public = tmp_path / f"{spec}.pem"
        public.write_text(f"-----BEGIN PUBLIC KEY-----\n{der}-----END PUBLIC KEY-----\n", encoding="utf-8")
        return made, public

    yield make
    server.stop()


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "RSA_2048"])
def test_a_service_signs_what_its_public_key_verifies(service, spec):
    identity, public = service(spec)
    key = signing_key(f"awskms:{identity}#{public}")
    signature = key.sign(b"message")
    # moto takes the digest that it is given for a message, and hashes it once more; AWS does not
    assert key.public.verifies(hashlib.sha256(b"message").digest(), signature)
    assert not key.public.verifies(hashlib.sha256(b"massage").digest(), signature)


def test_a_key_by_its_address_signs_entries_and_attestations(tmp_path):
    """The address of a file is the one that can be held to the letter here."""
    private = ed25519.Ed25519PrivateKey.generate()
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "key").write_bytes(private.private_bytes(*form))
    (tmp_path / "key.pub").write_text(signing_key(str(tmp_path / "key")).public.text, encoding="utf-8")
    key = signing_key(f"file2:{tmp_path / 'key'}#{tmp_path / 'key.pub'}")
    assert isinstance(key, ServiceKey)
    signature = key.sign(b"message")
    assert key.public.verifies(b"message", signature)
    assert not key.public.verifies(b"massage", signature)
    envelope = Envelope(b"{}", "application/json", {})
    envelope.sign(key.signer())
    assert envelope.verify([key.public.sslib()], 1)


def test_a_service_that_does_not_sign_says_so(service):
    _, public = service("ECC_NIST_P256")
    with pytest.raises(UsageError, match="awskms:nobody does not sign"):
        signing_key(f"awskms:nobody#{public}").sign(b"message")


def test_an_address_that_nobody_knows_is_said(service):
    _, public = service("ECC_NIST_P256")
    with pytest.raises(UsageError, match="nonsense:x cannot be used"):
        signing_key(f"nonsense:x#{public}").sign(b"message")
