"""When Entra and the store's rules shut somebody out."""

from datetime import datetime
from typing import NamedTuple

from tests.simulation.facts import Facts
from tests.simulation.observed import Group, Settings
from tests.simulation.reference import ACCEPTED, Status, granted, leaving, status


class Span(NamedTuple):
    """A time in which Entra and the rules shut somebody out."""

    since: datetime
    until: datetime | None
    """None: still."""

    def holds(self, at: datetime) -> bool:
        """Whether the instant is in it."""
        return self.since <= at and (self.until is None or at < self.until)


def shut_out(facts: Facts) -> dict[str, list[Span]]:
    """When each object was shut out by the rules of then: by Entra's state, or where only pushes tell, by those."""
    told: list[tuple[datetime, str, bool]] = []
    for moment in facts.seen.moments:
        if "graph" in moment.settings.feeds:
            inside = granted(moment)
            for object_id, person in moment.people.items():
                told.append((moment.at, object_id, _is_out(status(person, moment.settings, inside), moment.settings)))
    for push in facts.seen.pushes:
        settings = facts.moment_at(push.at).settings
        if "graph" not in settings.feeds and push.status in ACCEPTED and not isinstance(push.said, Group):
            state: Status = "deleted" if push.said is None else "active" if push.said.enabled else "deactivated"
            told.append((push.at, push.object, _is_out(state, settings)))
    spans: dict[str, list[Span]] = {}
    for at, object_id, is_out in told:
        mine = spans.setdefault(object_id, [])
        is_open = bool(mine) and mine[-1].until is None
        if is_out and not is_open:
            mine.append(Span(at, None))
        elif is_open and not is_out:
            mine[-1] = mine[-1]._replace(until=at)
    return spans


def _is_out(told: Status, settings: Settings) -> bool:
    return told != "active" and leaving(told, settings) != "nothing"
