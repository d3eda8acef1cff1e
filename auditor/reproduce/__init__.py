"""Executes somebody else's recorded run again, in a closed world, and says what that shows.

The entry is :func:`auditor.reproduce.reproduce.reproduce`. This package imports nothing by itself: results are nouns that
other layers read without paying for sandboxes and numeric libraries.
"""
