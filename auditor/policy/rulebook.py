"""The rules that are in force, gathered for people: the policy, where it was read, and what is waived until when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from auditor.model.policy import Policy, Waiver

_REVIEWED: Final = 365
"""Days after which a policy that nobody touched is looked at again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """What is in force on the day ``today``. ``ref`` None is the built-in policy; ``changed`` is when it was last edited."""

    policy: Policy
    digest: str
    ref: str | None
    changed: dt.date | None
    waivers: tuple[Waiver, ...]
    today: dt.date

    @property
    def in_force(self) -> tuple[Waiver, ...]:
        """The waivers whose day has not passed, the next to end first."""
        return tuple(sorted((one for one in self.waivers if one.until >= self.today.isoformat()), key=lambda one: one.until))

    @property
    def review(self) -> tuple[dt.date, str]:
        """When the rules have to be looked at next, and why then."""
        if self.in_force:
            first = self.in_force[0]
            return dt.date.fromisoformat(first.until), f"the waiver of {first.check} for {first.run} ends"
        since = self.changed or self.today
        return since + dt.timedelta(days=_REVIEWED), "a year after the policy was last changed"
