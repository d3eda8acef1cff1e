from __future__ import annotations

import pytest

from auditor.ledger import entry as form
from auditor.ledger.entry import GENESIS, Kind, draft
from auditor.ledger.keys import FileKey

SUBJECT = "sha256:" + 64 * "a"


@pytest.fixture
def filled(ledger, key):
    """Ten entries: unsigned ones, signed ones (every third), and a checkpoint at the end."""
    ledger.extend([
        draft(Kind.VERDICT, subjects=(SUBJECT,), body={"number": n}, key=None if n % 3 else key) for n in range(1, 10)
    ])  # fmt: skip
    ledger.checkpoint(key)
    assert ledger.verify().broken is None
    return ledger


def broken(ledger, **options):
    found = ledger.verify(**options).broken
    assert found is not None
    return found


def rehash(raw, start):
    """Repair every digest from ``start`` on, as somebody would who has no key."""
    rows = raw("SELECT sequence, digest, signature, statement FROM entries ORDER BY sequence")
    previous = GENESIS
    for sequence, digest, signature, statement in rows:
        if sequence >= start:
            digest = form.link_digest(previous, sequence, signature, bytes(statement))  # noqa: PLW2901
            raw("UPDATE entries SET digest = :a WHERE sequence = :b", digest, sequence)
        previous = digest


def test_an_untouched_ledger_verifies(filled, key):
    verified = filled.verify()
    assert (verified.entries, verified.signed, verified.unsigned) == (10, 4, 6)
    assert verified.keys == {key.public.keyid: 4}
    assert (verified.entries, verified.head) == filled.head
    assert verified.checkpoint.sequence == 10
    assert verified.checkpoint.body == {"sequence": 9}


def test_an_unsigned_ledger_verifies_and_is_called_unsigned(ledger):
    ledger.append("verdict", subject=SUBJECT, body={})
    verified = ledger.verify()
    assert verified.broken is None
    assert (verified.signed, verified.unsigned, verified.checkpoint) == (0, 1, None)


def test_an_edited_entry_is_named(filled, raw):
    ((statement,),) = raw("SELECT statement FROM entries WHERE sequence = 4")
    raw("UPDATE entries SET statement = :a WHERE sequence = 4", bytes(statement).replace(b'"number":4', b'"number":5'))
    assert broken(filled).sequence == 4


def test_an_edited_entry_with_its_digest_repaired_breaks_the_next(filled, raw):
    ((statement,),) = raw("SELECT statement FROM entries WHERE sequence = 4")
    edited = bytes(statement).replace(b'"number":4', b'"number":5')
    ((previous,),) = raw("SELECT digest FROM entries WHERE sequence = 3")
    raw(
        "UPDATE entries SET statement = :a, digest = :b WHERE sequence = 4",
        edited,
        form.link_digest(previous, 4, None, edited),
    )
    assert broken(filled).sequence == 5


def test_an_unsigned_entry_edited_and_the_chain_rehashed_is_seen_by_the_checkpoint(filled, raw):
    ((statement,),) = raw("SELECT statement FROM entries WHERE sequence = 4")
    raw("UPDATE entries SET statement = :a WHERE sequence = 4", bytes(statement).replace(b'"number":4', b'"number":5'))
    rehash(raw, 4)
    found = broken(filled)
    assert found.sequence == 9
    assert "was replaced" in found.why


def test_a_signed_entry_edited_and_the_chain_rehashed_is_named(filled, raw):
    ((statement,),) = raw("SELECT statement FROM entries WHERE sequence = 3")
    raw("UPDATE entries SET statement = :a WHERE sequence = 3", bytes(statement).replace(b'"number":3', b'"number":5'))
    rehash(raw, 3)
    found = broken(filled)
    assert found.sequence == 3
    assert "not signed by the key" in found.why


def test_a_signature_taken_away_and_the_chain_rehashed_is_named(filled, raw):
    raw("UPDATE entries SET signature = NULL WHERE sequence = 3")
    rehash(raw, 3)
    assert broken(filled).sequence == 3


def test_a_signature_by_another_key_is_named(filled, raw):
    ((statement,),) = raw("SELECT statement FROM entries WHERE sequence = 3")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    forged = FileKey(Ed25519PrivateKey.generate()).sign(form.envelope(bytes(statement)))
    raw("UPDATE entries SET signature = :a WHERE sequence = 3", forged)
    rehash(raw, 3)
    assert broken(filled).sequence == 3


def test_entries_that_changed_places_are_named(filled, raw):
    raw("UPDATE entries SET sequence = 99 WHERE sequence = 4")
    raw("UPDATE entries SET sequence = 4 WHERE sequence = 5")
    raw("UPDATE entries SET sequence = 5 WHERE sequence = 99")
    assert broken(filled).sequence == 4


def test_a_removed_entry_is_named(filled, raw):
    raw("DELETE FROM entries WHERE sequence = 6")
    found = broken(filled)
    assert found.sequence == 6
    assert "missing" in found.why


@pytest.mark.parametrize(
    ("statement", "sequence"),
    [
        ("UPDATE entries SET kind = 'access' WHERE sequence = 2", 2),
        ("DELETE FROM subjects WHERE sequence = 7", 7),
        ("UPDATE subjects SET subject = 'sha256:' WHERE sequence = 5", 5),
        ("UPDATE subjects SET kind = 'access' WHERE sequence = 8", 8),
        ("INSERT INTO subjects VALUES ('sha256:0', 'verdict', 3)", 3),
    ],
)
def test_an_edited_index_is_named(filled, raw, statement, sequence):
    """Whoever hides a revocation from the index hides it from every question."""
    raw(statement)
    assert broken(filled).sequence == sequence


def test_a_tail_cut_off_behind_the_checkpoint_is_seen_by_one_kept_elsewhere(filled, raw, key):
    witness = filled.checkpoint(key)
    raw("DELETE FROM entries WHERE sequence > 6")
    raw("DELETE FROM subjects WHERE sequence > 6")
    assert filled.verify().broken is None
    found = broken(filled, witness=witness)
    assert found.sequence == 7
    assert "counts 10, there are 6" in found.why


def test_an_older_checkpoint_is_valid_but_says_how_old_it_is(filled, raw, key):
    """An end cut off up to an older checkpoint leaves a valid chain: what betrays it is the checkpoint's age."""
    first = filled.verify().checkpoint
    filled.append("revocation", subject=SUBJECT, body={"reason": "leak"})
    second = filled.checkpoint(key)
    raw("DELETE FROM entries WHERE sequence > 10")
    raw("DELETE FROM subjects WHERE sequence > 10")
    verified = filled.verify()
    assert verified.broken is None
    assert verified.checkpoint == first
    assert verified.checkpoint.when < second.when


def test_only_checkpoints_by_trusted_keys_count(filled, key):
    assert filled.verify(trusted={key.public.keyid}).checkpoint is not None
    assert filled.verify(trusted=set()).checkpoint is None


def test_a_checkpoint_of_a_chain_that_never_was_breaks_it(ledger, key):
    ledger.append("verdict", subject=SUBJECT, body={})
    ledger.append("checkpoint", subject=SUBJECT, body={"sequence": 1}, key=key)
    assert broken(ledger).sequence == 1
    ledger.append("checkpoint", subject=SUBJECT, body={"sequence": True}, key=key)
    assert ledger.verify().broken is not None


def test_a_signature_cannot_be_moved_into_the_statement(filled, raw):
    """The link is one line of text: what belongs to which column must not be open to choice."""
    ((signature, statement),) = raw("SELECT signature, statement FROM entries WHERE sequence = 3")
    glued = f'{signature}","statement":{bytes(statement).decode()[:-1]}'
    raw("UPDATE entries SET signature = :a, statement = :b WHERE sequence = 3", glued, b"}")
    assert broken(filled).sequence == 3
