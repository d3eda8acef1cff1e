"""The root of a Merkle tree, as RFC 6962 (section 2.1) defines it: leaves and nodes are hashed apart from each other."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

_LEAF, _NODE = b"\x00", b"\x01"


def root(leaves: Sequence[bytes]) -> str:
    """The root over ``leaves`` in their order, as a digest. It changes with every leaf, with their number and their order.

    Raises:
        ValueError: there are no leaves; a root over nothing commits to nothing.
    """
    if not leaves:
        raise ValueError("a Merkle tree needs a leaf")
    level = [hashlib.sha256(_LEAF + leaf).digest() for leaf in leaves]
    # A node that is left over at the end of a level moves up unchanged: the same tree as RFC 6962's recursive split.
    while len(level) > 1:
        paired = [hashlib.sha256(_NODE + one + other).digest() for one, other in zip(level[::2], level[1::2], strict=False)]
        level = paired + level[len(paired) * 2 :]
    return f"sha256:{level[0].hex()}"
