"""Says whether two things are the same: metrics, weights, predictions, files, manifests.

Each module compares one kind and returns :class:`auditor.model.comparison.Comparison`; nothing in here executes what it
reads, and nothing that is read decides how much memory it takes.
"""
