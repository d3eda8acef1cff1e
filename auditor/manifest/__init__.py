"""Manifests, policies and reports as documents: read, validate, write. Nothing here trusts what it reads."""
