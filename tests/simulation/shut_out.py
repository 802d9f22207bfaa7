"""When Entra and the store's rules shut somebody out."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from tests.simulation.facts import Facts
from tests.simulation.observed import Group, Person, Settings
from tests.simulation.reference import ACCEPTED, Status, granted, leaving, status


class Span(NamedTuple):
    """A time in which Entra and the rules shut somebody out."""

    since: datetime
    until: datetime | None
    """None: still."""

    def holds(self, at: datetime) -> bool:
        """Whether the instant is in it."""
        return self.since <= at and (self.until is None or at < self.until)


@lru_cache(maxsize=1)  # several checkers ask for one history
def shut_out(facts: Facts) -> dict[str, list[Span]]:
    """When each object was shut out by the rules of then: by Entra's state, or where only pushes tell, by those."""
    spans: dict[str, list[Span]] = {}
    for at, object_id, is_out in [*_by_graph(facts), *_by_pushes(facts)]:
        mine = spans.setdefault(object_id, [])
        is_open = bool(mine) and mine[-1].until is None
        if is_out and not is_open:
            mine.append(Span(at, None))
        elif is_open and not is_out:
            mine[-1] = mine[-1]._replace(until=at)
    return spans


def _by_graph(facts: Facts) -> Iterator[tuple[datetime, str, bool]]:
    """What each moment says of those who changed in it, or of everybody where the rules or the assignments did."""
    people: Mapping[str, Person] = {}
    rules: tuple[Settings, frozenset[str]] | None = None
    for moment in facts.seen.moments:
        settings, inside = moment.settings, granted(moment)
        if "graph" not in settings.feeds:
            continue
        before, people = {} if rules != (settings, inside) else people, moment.people
        rules = settings, inside
        for object_id, person in people.items():
            if before.get(object_id) is not person:
                yield moment.at, object_id, _is_out(status(person, settings, inside), settings)


def _by_pushes(facts: Facts) -> Iterator[tuple[datetime, str, bool]]:
    for push in facts.seen.pushes:
        settings = facts.moment_at(push.at).settings
        if "graph" not in settings.feeds and push.status in ACCEPTED and not isinstance(push.said, Group):
            told: Status = "deleted" if push.said is None else "active" if push.said.enabled else "deactivated"
            yield push.at, push.object, _is_out(told, settings)


def _is_out(told: Status, settings: Settings) -> bool:
    return told != "active" and leaving(told, settings) != "nothing"
