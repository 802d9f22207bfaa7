"""What follows from a history without any rule of the bridge's: who had which account when, and who did what."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import NamedTuple

from tests.simulation.observed import (
    Account,
    Changed,
    Failed,
    Held,
    Link,
    Moment,
    Observed,
    Person,
    Push,
    Run,
    ZohoGroup,
)


class Owner(NamedTuple):
    """Whose an account was from an instant on."""

    at: datetime
    person: str | None
    """The bridge's id; None: nobody's that the bridge manages."""
    object: str | None
    """The object id in Entra, where anything tells it."""


NOBODY = Owner(datetime.min.replace(tzinfo=UTC), None, None)


class Facts:
    """A history, indexed once."""

    def __init__(self, observed: Observed) -> None:
        """Index it."""
        self.seen = observed
        self.last = observed.moments[-1]
        self.object_of = self._objects()
        """Object ids by the bridge's ids of people: by the first push that made the row, else by the links."""
        self.owners, self.account_of = self._owners()
        """Owners of each account in order; and the account that each object has now."""
        self.persons_of: Mapping[str, set[str]] = _reversed(self.object_of)
        """The bridge's ids of each object."""
        self.changes = _by_id(observed.changes)
        self.group_changes = _by_id(observed.group_changes)
        self.cycles = [run for run in observed.runs if run.kind != "on demand" and run.state == "done" and run.ended]
        self.failed: Mapping[str, list[Failed]] = _failed(observed)
        """By account, and by folded name."""

    def is_told_of(self, person: str | None) -> bool:
        """Whether cycles can know what became of a person: Graph has named them, or pushes are all there is.

        Who is put into the recycle bin before Graph first lists everybody is never named; Entra's next push says it.
        """
        feeds = self.last.settings.feeds
        return feeds != {"push", "graph"} or person in self._named

    @cached_property
    def _named(self) -> frozenset[str]:
        return frozenset(link.person for link in self.seen.links if link.object)

    @cached_property
    def full_cycles(self) -> list[Run]:
        """Those that were done."""
        return [run for run in self.cycles if run.kind == "full cycle"]

    def moment_at(self, at: datetime) -> Moment:
        """The world at an instant; before the first moment, the first."""
        moments = self.seen.moments
        return moments[max(0, bisect_right(moments, at, key=lambda moment: moment.at) - 1)]

    def owner_at(self, account: str, at: datetime) -> Owner:
        """Whose an account was at an instant."""
        owners = self.owners.get(account, [])
        place = bisect_right(owners, at, key=lambda owner: owner.at)
        return owners[place - 1] if place else NOBODY

    def last_owner(self, account: str) -> str | None:
        """The object whose account it was last, also if it is not managed any more."""
        return next((owner.object for owner in reversed(self.owners.get(account, [])) if owner.person), None)

    @cached_property
    def group_of(self) -> dict[str, str]:
        """Zoho One's group of each group object now."""
        now: dict[str, str | None] = {}
        for link in self.seen.group_links:
            now[link.object or link.group] = link.account
        return {known: account for known, account in now.items() if account}

    @cached_property
    def group_owner(self) -> dict[str, str]:
        """The object of each group in Zoho One that is managed now."""
        return {account: known for known, account in self.group_of.items()}

    @cached_property
    def group_since(self) -> dict[str, datetime]:
        """When the bridge began to manage each group in Zoho One that it manages now."""
        since: dict[str, datetime] = {}
        had: dict[str, str | None] = {}
        for link in self.seen.group_links:
            if link.account and had.get(link.group) != link.account:
                since[link.account] = link.at
            had[link.group] = link.account
        return since

    @cached_property
    def bridge_group_of(self) -> dict[str, str]:
        """The bridge's id of each group object."""
        return {link.object: link.group for link in self.seen.group_links if link.object}

    @cached_property
    def by_name(self) -> dict[str, Account]:
        """Zoho One's accounts of now by folded userName."""
        return {folded(account.fields.get("userName", "")): account for account in self.seen.accounts.values()}

    @cached_property
    def held_now(self) -> Held | None:
        """The plan that waits for a decision, if one does."""
        newest = max(self.seen.held, key=lambda held: held.moves[0].at, default=None)
        return newest if newest and newest.moves[-1].state == "held" else None

    def entra_changed(self, object_id: str) -> datetime:
        """When Entra's object last changed, a group's members included."""
        return self._entra_changes.get(object_id, self.seen.moments[0].at)

    @cached_property
    def pushes(self) -> dict[str, list[Push]]:
        """By the object that they are about."""
        found: dict[str, list[Push]] = defaultdict(list)
        for push in self.seen.pushes:
            found[push.object].append(push)
        return found

    @cached_property
    def _entra_changes(self) -> dict[str, datetime]:
        found: dict[str, datetime] = {}
        before: Moment | None = None
        for moment in self.seen.moments:
            found |= dict.fromkeys(_changed(before.people if before else {}, moment.people), moment.at)
            found |= dict.fromkeys(_changed(before.groups if before else {}, moment.groups), moment.at)
            before = moment
        return found

    def _objects(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for push in self.seen.pushes:
            if push.method == "POST" and push.person and push.status in range(200, 300):
                found.setdefault(push.person, push.object)
        for link in self.seen.links:
            if link.object:
                found.setdefault(link.person, link.object)
        for push in self.seen.pushes:
            if push.person and push.status in range(200, 300):
                found.setdefault(push.person, push.object)
        for person, object_id in self.seen.found.items():
            found.setdefault(person, object_id)
        for object_id in self.last.people:
            found.setdefault(object_id.replace("-", ""), object_id)
        return found

    def _owners(self) -> tuple[dict[str, list[Owner]], dict[str, str]]:
        """By the links; and where Graph never named a row, by pushes of somebody who is active, who has it then."""
        owners: dict[str, list[Owner]] = defaultdict(list)
        has: dict[str, Link] = {}
        told = dict(self.object_of)
        events: list[Link | Push] = [*self.seen.links, *filter(_takes, self.seen.pushes)]
        for each in sorted(events, key=lambda event: event.at):
            if isinstance(each, Push):
                link = has.get(each.person or "")
                if link is None or link.object is not None or each.object == told.get(link.person):
                    continue
                told[link.person] = each.object
                if link.account and owners[link.account][-1].person == link.person:
                    owners[link.account].append(Owner(each.at, link.person, each.object))
                continue
            before = has.get(each.person)
            gone = before.account if before and before.account != each.account else None
            if gone and owners[gone][-1].person == each.person:  # else it is another's by now
                owners[gone].append(Owner(each.at, None, None))
            if each.account and (before is None or (before.account, before.object) != (each.account, each.object)):
                owners[each.account].append(Owner(each.at, each.person, each.object or told.get(each.person)))
            has[each.person] = each
        now = {
            link.object or told.get(link.person, link.person): link.account
            for link in has.values()
            if link.account and owners[link.account][-1].person == link.person
        }
        return owners, now


def _takes(push: Push) -> bool:
    """Whether Entra's service wrote somebody who is active onto a row, whosever it was."""
    accepted = push.status in range(200, 300) and push.person is not None
    return accepted and isinstance(push.said, Person) and push.said.enabled


def folded(name: str) -> str:
    """A name as Zoho One compares it."""
    return name.casefold()


def _reversed(objects: Mapping[str, str]) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for person, object_id in objects.items():
        found[object_id].add(person)
    return found


def _changed(before: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    return (
        []
        if before is now
        else [one for one, each in now.items() if (was := before.get(one)) is not each and was != each]
    )


def _by_id[T: (Account, ZohoGroup)](changes: tuple[Changed[T], ...]) -> dict[str, list[Changed[T]]]:
    found: dict[str, list[Changed[T]]] = defaultdict(list)
    for change in changes:
        found[change.id].append(change)
    return found


def _failed(observed: Observed) -> Mapping[str, list[Failed]]:
    found: dict[str, list[Failed]] = defaultdict(list)
    for failed in observed.failed:
        for key in {failed.account, folded(failed.name)} - {None, ""}:
            found[str(key)].append(failed)
    return found
