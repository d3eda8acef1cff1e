"""Signed statements about exact bytes, which anybody can verify years later without this ledger and without a network."""
