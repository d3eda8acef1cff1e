"""The auditor as a step of GitHub Actions: reads what the runner gives it, gates, and posts what came of it.

The guard of a repository is three jobs on machines of their own. *plan* finds the pull request and draws a challenge,
*execute* runs the change's code inside the sandbox and leaves evidence, *judge* decides by that evidence and never checks
the change out. Everything that a person could have written is read here as input: events, branch names, evidence.
"""
