"""Where the nodes of a document stand, and how JSON Pointers (RFC 6901) name them."""

from __future__ import annotations

from collections.abc import Iterable

Place = tuple[int, int]
"""Line and column, both from 1."""


class Spot:
    """The place of one node, and the spots of its children by key, or by index in decimal digits.

    A tree rather than a table of pointers: under long keys such a table would outgrow the document a thousandfold.
    """

    __slots__ = ("children", "place")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.children: dict[str, Spot] = {}

    def find(self, pointer: str) -> Place:
        """Place of the node at ``pointer``, else of its nearest ancestor that exists."""
        spot = self
        for part in pointer.split("/")[1:]:
            child = spot.children.get(part.replace("~1", "/").replace("~0", "~"))
            if child is None:
                break
            spot = child
        return spot.place


def pointer_of(path: Iterable[str | int]) -> str:
    """The JSON Pointer of a path of keys and indices."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
