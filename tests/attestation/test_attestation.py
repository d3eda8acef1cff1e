from __future__ import annotations

import base64
import copy
import datetime as dt
import hashlib
import json
import sys
from pathlib import Path

import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.protobuf.json_format import ParseDict
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage
from securesystemslib.signer import CryptoSigner, SSlibKey

sys.path.append(str(Path(__file__).resolve().parent))

from other import NotAcceptedError, accept

from auditor.attestation.envelope import sealed
from auditor.attestation.predicate import Approval, Judged, Vouching, found, reproduction, summary
from auditor.attestation.statement import CANONICAL, REPRODUCTION, SUMMARY, Subject, finite, payload
from auditor.attestation.verify import verify
from auditor.digest import of_bytes
from auditor.errors import RefusedError
from auditor.ledger.keys import public_key
from auditor.manifest.reader import read
from auditor.model.comparison import Comparison, ReproductionResult, Tolerance
from auditor.model.policy import Gates
from auditor.model.report import Established, PolicyUsed, RunReport
from auditor.model.words import Agreement, EvidenceLevel, Tier, Verdict
from auditor.resources import folder

SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
MODEL = b"weights\n"
MANIFEST = b"schema: auditor/run-manifest/v1\nrun: {id: case, status: succeeded}\n"
NOW = dt.datetime.now(tz=dt.UTC)


def signer(private):
    wire = base64.b64decode(private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1])
    named = f"sha256:{hashlib.sha256(wire).hexdigest()}"
    return CryptoSigner(private, SSlibKey.from_crypto(private.public_key(), keyid=named))


def pem(private):
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


VOUCHING = ("expires", "approvals")


def reproduction_of(**changes):
    """A predicate with everything in it."""
    return reproduction(facts(**changes), vouching(**changes), required=1)


def vouching(**changes) -> Vouching:
    given = {"expires": NOW + dt.timedelta(days=30), "approvals": (Approval(by="approver", entry=of_bytes(b"entry")),)}
    return Vouching(version="0.1.0", decided=NOW, **given | {k: v for k, v in changes.items() if k in VOUCHING})


def facts(**changes):
    compared = Comparison(
        of="metric:accuracy",
        agreement=Agreement.WITHIN_TOLERANCE,
        expected=0.97,
        actual=float("nan"),
        tolerance=Tolerance(absolute=1e-9, relative=1e-6),
        excess=0.5,
        detectable=1e-3,
    )
    shown = ReproductionResult(
        name="smoke", tier=Tier.SMOKE, agreement=Agreement.BITWISE, isolation="bwrap", comparisons=(compared,)
    )
    given = {
        "gate": "deploy",
        "verdict": Verdict.OPEN,
        "advisory": False,
        "head": "ab" * 20,
        "policy": PolicyUsed(role="base", digest=of_bytes(b"policy"), ref="cd" * 20, verdict=Verdict.OPEN),
        "rules": Gates().deploy,
        "run": RunReport(
            manifest="runs/a.run.yaml",
            digest=of_bytes(b"run"),
            identity="canonical",
            id="a",
            reproductions=(shown,),
            claims=(Established(claim="metric:accuracy", level=EvidenceLevel.RECOMPUTED),),
        ),
    }
    return found(Judged(**given | {k: v for k, v in changes.items() if k not in VOUCHING}))


def subjects():
    meaning = read(MANIFEST, source="a.run.yaml").digest
    return [Subject(name="out/model.npz", digest=of_bytes(MODEL)), Subject(name="a", digest=meaning, form=CANONICAL)]


@pytest.fixture(params=["ed25519", "p256"])
def private(request):
    return ed25519.Ed25519PrivateKey.generate() if request.param == "ed25519" else ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def room(tmp_path, private):
    """An attestation, the artifact and the public key, as files."""
    (tmp_path / "model.npz").write_bytes(MODEL)
    (tmp_path / "key.pub").write_bytes(pem(private))
    (tmp_path / "attestation.json").write_bytes(
        sealed(payload(subjects(), REPRODUCTION, reproduction_of()), signer(private))
    )
    return tmp_path


def ours(room):
    return verify(room / "attestation.json", [room / "model.npz"], public_key(str(room / "key.pub")).sslib())


def theirs(room):
    return accept((room / "attestation.json").read_bytes(), (room / "key.pub").read_bytes(), [room / "model.npz"])


def refused_by_both(room, words="."):
    with pytest.raises(RefusedError, match=words):
        ours(room)
    with pytest.raises(NotAcceptedError):
        theirs(room)


def attest(room, private, kind=REPRODUCTION, *, predicate=None, raw=None):
    made = raw or payload(subjects(), kind, predicate or reproduction_of())
    (room / "attestation.json").write_bytes(sealed(made, signer(private)))


def test_both_implementations_accept_it_and_read_the_same(room):
    assert ours(room).predicate == theirs(room)
    assert ours(room).predicate["approvals"]["count"] == 1
    assert ours(room).predicate["smallestDetectableDrift"] == {"metric:accuracy": 1e-3}


def test_the_reference_implementation_reads_the_statement(room):
    envelope = json.loads((room / "attestation.json").read_bytes())
    message = ParseDict(json.loads(base64.b64decode(envelope["payload"])), StatementMessage())
    statement = Statement.copy_from_pb(message)
    statement.validate()
    assert [subject.name for subject in statement.pb.subject] == ["out/model.npz", "a"]
    assert statement.pb.predicate_type == REPRODUCTION


def test_a_manifest_in_another_layout_is_the_same_subject(room):
    (room / "other.run.yaml").write_bytes(
        b"# moved\nrun:\n  status: succeeded\n  id: case\nschema: auditor/run-manifest/v1\n"
    )
    verify(room / "attestation.json", [room / "other.run.yaml"], public_key(str(room / "key.pub")).sslib())
    (room / "changed.run.yaml").write_bytes(MANIFEST.replace(b"case", b"else"))
    with pytest.raises(RefusedError, match="no subject"):
        verify(room / "attestation.json", [room / "changed.run.yaml"], public_key(str(room / "key.pub")).sslib())


def test_slsa_summary_is_understood(room, private):
    attest(room, private, SUMMARY, predicate=summary(facts(), vouching(), of_bytes(MODEL)))
    assert ours(room).predicate == theirs(room)
    attest(room, private, SUMMARY, predicate=summary(facts(verdict=Verdict.BLOCKED), vouching(), of_bytes(MODEL)))
    refused_by_both(room, "FAILED")


def test_no_approval_is_written_as_zero(room, private):
    attest(room, private, predicate=reproduction_of(approvals=()))
    assert ours(room).predicate["approvals"] == {"required": 1, "count": 0, "given": []}


def test_other_bytes_are_refused(room):
    (room / "model.npz").write_bytes(b"other\n")
    refused_by_both(room, "no subject of this attestation")


def test_another_key_is_refused(room):
    (room / "key.pub").write_bytes(pem(ed25519.Ed25519PrivateKey.generate()))
    refused_by_both(room, "signed by the key")


def test_signature_of_another_key_under_the_right_name_is_refused(room, private):
    envelope = json.loads((room / "attestation.json").read_bytes())
    forged = json.loads(sealed(base64.b64decode(envelope["payload"]), signer(ed25519.Ed25519PrivateKey.generate())))
    envelope["signatures"][0]["sig"] = forged["signatures"][0]["sig"]
    (room / "attestation.json").write_text(json.dumps(envelope))
    refused_by_both(room, "signature is not of this payload")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"verdict": Verdict.BLOCKED}, "said blocked"),
        ({"verdict": Verdict.UNDECIDED}, "said undecided"),
        ({"advisory": True}, "advisory"),
        ({"expires": NOW - dt.timedelta(seconds=5)}, "expired"),
    ],
)
def test_what_does_not_say_yes_now_is_refused(room, private, changes, words):
    attest(room, private, predicate=reproduction_of(**changes))
    refused_by_both(room, words)


@pytest.mark.parametrize("kind", [REPRODUCTION.replace("v1", "v2"), SUMMARY.replace("v1", "v0.2"), "https://example.org/x"])
def test_unknown_predicate_version_is_refused(room, private, kind):
    attest(room, private, kind)
    refused_by_both(room, "not known to this version")


def test_predicate_of_another_shape_is_refused(room, private):
    attest(room, private, predicate=reproduction_of() | {"more": 1})
    with pytest.raises(RefusedError, match="not what its version says"):
        ours(room)


def test_duplicate_keys_are_refused_inside_and_outside(room, private):
    made = payload(subjects(), REPRODUCTION, reproduction_of())
    attest(room, private, raw=made.replace(b'"verdict":"open"', b'"verdict":"blocked","verdict":"open"'))
    refused_by_both(room, "twice|duplicate")
    attest(room, private)
    text = (room / "attestation.json").read_text()
    (room / "attestation.json").write_text(text.replace("{", '{"payloadType":"x",', 1))
    refused_by_both(room, "twice|duplicate")


def test_second_signature_is_refused(room):
    envelope = json.loads((room / "attestation.json").read_bytes())
    envelope["signatures"] *= 2
    (room / "attestation.json").write_text(json.dumps(envelope))
    refused_by_both(room, "exactly one signature")


def test_every_change_of_the_envelope_is_refused(room):
    """Each byte of the envelope's values changed in turn: nothing of it can be touched without being found out."""
    envelope = json.loads((room / "attestation.json").read_bytes())
    spots = [(envelope, "payload", 97), (envelope, "payloadType", 1), (envelope["signatures"][0], "sig", 1)]
    for holder, name, step in [*spots, (envelope["signatures"][0], "keyid", 1)]:
        before = holder[name]
        for place in [*range(0, len(before), step), len(before) - 1, len(before) - 3]:
            other = "A" if before[place] != "A" else "B"
            holder[name] = before[:place] + other + before[place + 1 :]
            (room / "attestation.json").write_text(json.dumps(envelope))
            refused_by_both(room)
        holder[name] = before
    (room / "attestation.json").write_text(json.dumps(envelope))
    ours(room)


@pytest.mark.parametrize("private", ["ed25519"], indirect=True)
def test_base64_that_means_the_same_in_another_way_is_refused(room):
    """The last sign of padded base64 has bits that stand for nothing: whoever flips them has changed the envelope."""
    envelope = json.loads((room / "attestation.json").read_bytes())
    before = envelope["signatures"][0]["sig"]
    assert before.endswith("==")
    other = before[:-3] + SIGNS[SIGNS.index(before[-3]) ^ 1] + "=="
    assert base64.b64decode(other) == base64.b64decode(before)
    envelope["signatures"][0]["sig"] = other
    (room / "attestation.json").write_text(json.dumps(envelope))
    refused_by_both(room, "base64 in its one form")


def test_every_missing_or_extra_part_is_refused(room):
    envelope = json.loads((room / "attestation.json").read_bytes())
    for change in (
        lambda e: e.pop("payload"),
        lambda e: e.pop("payloadType"),
        lambda e: e.pop("signatures"),
        lambda e: e.update(more=1),
        lambda e: e.update(signatures=[]),
        lambda e: e["signatures"][0].pop("keyid"),
        lambda e: e["signatures"][0].update(cert="x"),
        lambda e: e.update(payload=7),
        lambda e: e.update(payload=e["payload"] + "\n"),
    ):
        other = copy.deepcopy(envelope)
        change(other)
        (room / "attestation.json").write_text(json.dumps(other))
        refused_by_both(room)


def test_command_line_tells_what_holds(room, auditor):
    arguments = ("verify", "attestation.json", "--artifact", "model.npz", "--key", "key.pub")
    answer = auditor(*arguments, cwd=room).expect(0)
    assert f"verified  model.npz  {of_bytes(MODEL)}" in answer.stdout
    assert "approvals 1 of 1 required: approver" in answer.stdout
    (room / "model.npz").write_bytes(b"swapped\n")
    assert "no subject" in auditor(*arguments, cwd=room).expect(1).stderr
    auditor(*arguments[:2], "--key", "key.pub", cwd=room).expect(3)
    auditor("verify", "gone.json", *arguments[2:], cwd=room).expect(1, 3)


def test_schema_is_one_and_accepts_what_is_written():
    rules = json.loads((folder("schemas") / "reproduction.v1.schema.json").read_bytes())
    jsonschema.Draft202012Validator.check_schema(rules)
    validator = jsonschema.Draft202012Validator(rules)
    assert not list(validator.iter_errors(rules["examples"][0]))
    assert not list(validator.iter_errors(finite(reproduction_of(expires=None))))
    page = (folder("schemas") / "reproduction.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in rules["properties"])
