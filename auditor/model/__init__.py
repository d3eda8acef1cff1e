"""Frozen, typed nouns without any I/O. Imports nothing else of this package."""
