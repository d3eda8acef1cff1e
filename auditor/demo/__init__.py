"""A short story, played with real parts: a run recorded and let through, then six ways to cheat and what catches each."""
