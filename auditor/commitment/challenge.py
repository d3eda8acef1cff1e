"""Which segments of a run are replayed: drawn after the run has committed itself, by a key that only the verifier has.

The mathematics is that of sampling without replacement. N segments of which m are fabricated, K challenged: all are missed
with probability C(N-m, K) / C(N, K) (hypergeometric). After K clean segments at most a share f = 1 - (1-p)^(1/K) of them is
fabricated, with confidence p.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

CONFIDENCE: Final = 0.95
"""The confidence at which a bound on the fabricated share is stated."""

_RANGE: Final = 1 << 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """What the seed of a challenge depends on: the Merkle root, what was run, and the rules it is judged by, as digests."""

    root: str
    run: str
    policy: str


def seed(key: bytes, commitment: Commitment) -> bytes:
    """HMAC-SHA256 under the verifier's key.

    The same commitment always gives the same challenge, so that asking again re-rolls nothing; without the key nobody can
    predict it, or search for a commitment that is spared.
    """
    words = f"{commitment.root}\n{commitment.run}\n{commitment.policy}"
    return hmac.digest(key, words.encode(), "sha256")


def draw(secret: bytes, count: int, wanted: int) -> tuple[int, ...]:
    """``wanted`` different numbers below ``count``, in the order drawn; all of them where fewer exist.

    Numbers are expanded by HMAC. One that would favour small remainders is rejected, and so is one that was drawn before.
    """
    found: dict[int, None] = {}
    fair = _RANGE - _RANGE % max(count, 1)
    for number in _numbers(secret):
        if len(found) >= min(wanted, count):
            break
        if number < fair:
            found.setdefault(number % count)
    return tuple(found)


def _numbers(secret: bytes) -> Iterator[int]:
    counter = 0
    while True:
        yield int.from_bytes(hmac.digest(secret, counter.to_bytes(8, "big"), hashlib.sha256)[:8], "big")
        counter += 1


def detection(count: int, fabricated: int, challenged: int, *, power: float = 1.0) -> float:
    """The probability that at least one fabricated segment is challenged and seen.

    ``power`` is the probability of seeing a fabricated segment that was challenged. Exact: the number of fabricated ones
    among the challenged is hypergeometric.
    """
    challenged = min(challenged, count)
    missed = 0.0
    whole = math.comb(count, challenged)
    for hit in range(min(fabricated, challenged) + 1):
        if challenged - hit <= count - fabricated:
            ways = math.comb(fabricated, hit) * math.comb(count - fabricated, challenged - hit)
            missed += ways / whole * (1 - power) ** hit
    return 1 - missed


def needed(share: float, *, confidence: float = CONFIDENCE) -> int:
    """How many segments to challenge so that a fabricated ``share`` of them is met with this confidence."""
    return math.ceil(math.log(1 - confidence) / math.log(1 - share))


def bound(clean: int, *, confidence: float = CONFIDENCE) -> float:
    """The upper bound on the fabricated share after ``clean`` challenged segments of which none was bad; 1 after none."""
    return 1.0 if clean < 1 else 1 - (1 - confidence) ** (1 / clean)


def attempts(share: float, challenged: int) -> float:
    """How many commitments a forger has to try on average until a challenge spares a fabricated ``share``.

    That is what a challenge without a secret key costs a forger; with one, each try is a commitment that is counted.
    """
    return 1 / (1 - share) ** challenged
