"""Judges figures that vary from run to run: one module per test, each citing where its formula comes from.

The words are exact. A prediction interval says ``consistent``, only two one-sided tests say ``equivalent``, and a test
that could not have seen a difference of interest says ``inconclusive``. The distributions are scipy's (extra
``statistics``), imported when the first of them is needed.
"""
