"""Bytes outside git: the stores that a policy names, read-only, asked by digest and never believed."""
