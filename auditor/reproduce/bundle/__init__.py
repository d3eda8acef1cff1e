"""Evidence bundles: what executions left, carried from the machine that ran untrusted code to one that judges.

:mod:`.recording` writes one, :mod:`.opened` reads one as the hostile input that it is, :mod:`.replay` lets the judge look at
it as if the executions had been made here. A bundle holds outputs, never results: everything is compared again.
"""
