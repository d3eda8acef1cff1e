"""Evidence: what can be found out about a run, gathered lazily, once, and shared by all checks."""
