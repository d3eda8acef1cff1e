"""Who somebody is: keys and addresses mapped to people by ``trust.identities``, and what each person may do."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import parseaddr
from functools import cached_property

from auditor.errors import UsageError
from auditor.ledger.entry import Entry
from auditor.ledger.keys import PublicKey
from auditor.model.policy import Trust

_KEY = re.compile(r"((ssh-|ecdsa-|sk-)[a-z0-9@.-]+|openpgp) [A-Za-z0-9+/=]+( .*)?")


@dataclass(frozen=True)
class People:
    """The people that a policy knows, by their keys and addresses."""

    trust: Trust

    @cached_property
    def _people(self) -> dict[str, str]:
        return {name(known): person for known, person in self.trust.identities.items()}

    def behind_key(self, key: str | PublicKey) -> str | None:
        """The person to whom a public key (OpenSSH's text) belongs; None for one that ``trust.identities`` lacks."""
        return self._people.get(key.keyid if isinstance(key, PublicKey) else name(key))

    def behind_address(self, address: str) -> str:
        """The person behind an address, ``Name <address>`` or a login; one that is not mapped stands for itself."""
        plain = name(address)
        return self._people.get(plain, plain)

    def knows(self, address: str) -> bool:
        """Whether ``trust.identities`` has this address, so that another one of the same person would be recognised."""
        return name(address) in self._people

    def are_same(self, one: str, other: str) -> bool:
        """Whether two labels mean one person: people may be called by an address."""
        return one == other or self.behind_address(one) == self.behind_address(other)

    def may(self, role: str, key: str | PublicKey) -> bool:
        """Whether the owner of ``key`` is one of the policy's ``owners``, ``approvers`` or ``judges``.

        A role may name people, or keys themselves. Where no approvers are named, everybody may approve whom
        ``trust.identities`` knows: who approves is not the author, and that is what the number of approvals is for.
        """
        listed: tuple[str, ...] = getattr(self.trust, role)
        if role == "approvers" and not listed:
            return self.behind_key(key) is not None
        keyid = key.keyid if isinstance(key, PublicKey) else name(key)
        person = self.behind_key(key)
        return any(name(one) == keyid or (person is not None and self.are_same(one, person)) for one in listed)

    def keyids(self, roles: Iterable[str]) -> frozenset[str]:
        """The ids of all keys whose owners have one of these roles."""
        keys = {known for known in self._people if known.startswith("sha256:")}
        listed = {name(one) for role in roles for one in getattr(self.trust, role)}
        return frozenset(
            {one for one in listed if one.startswith("sha256:")}
            | {key for key in keys if self._people[key] in listed or name(self._people[key]) in listed}
        )

    def signer(self, entry: Entry) -> str | None:
        """The person who signed ``entry``: proved by the signature, never by what the entry calls its actor."""
        if entry.key is None or not entry.is_signed():
            return None
        return self.behind_key(entry.key)


def name(written: str) -> str:
    """The one form of what may be written in several: a key's id, or an address in lower case.

    Keys may be written as OpenSSH writes them, as its fingerprint (``SHA256:...``), or by their id.
    """
    text = written.strip()
    if _KEY.fullmatch(text):
        try:
            return PublicKey(text).keyid
        except UsageError:
            return text
    if text.startswith("SHA256:"):
        try:
            return f"sha256:{base64.b64decode(text[7:] + '=', validate=True).hex()}"
        except binascii.Error:
            return text
    if text.startswith("sha256:"):
        return text
    address = parseaddr(text)[1] if "<" in text else text
    return (address or text).casefold()
