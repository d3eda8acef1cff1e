"""The policy: loaded from a trusted commit, compared with the one it replaces, and applied to results."""
