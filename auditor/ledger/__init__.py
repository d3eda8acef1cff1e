"""The ledger: an append-only, hash-chained record of verdicts, approvals, waivers, attestations and revocations.

``entry`` says what an entry is, ``ledger`` keeps them in a database, ``chain`` verifies them, ``keys`` signs them.
"""
