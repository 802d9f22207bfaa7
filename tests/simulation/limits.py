"""Checker (c): never more deprovisioned without a decision than the limits; and a plan that is held, held with reason.

A departure counts when it began: when its first call was made, or when it took effect.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from tests.simulation.facts import Facts
from tests.simulation.observed import Account, Changed, Held, Limits, Planned, ZohoGroup
from tests.simulation.reference import is_same_person
from tests.simulation.shut_out import Span, shut_out

WINDOW = timedelta(minutes=40)
"""Departures count together for this long (docs/reconciler.md, "Who counts")."""
ALLOWED_FOR = timedelta(hours=24)
LEAVINGS = ("deactivate", "delete")


class Departure(NamedTuple):
    """An account that the bridge deactivated or deleted."""

    at: datetime
    """When it took effect."""
    counts: datetime
    """When it began."""
    account: str
    person: str | None
    object: str | None
    was_active: bool
    decided: bool
    """An administrator approved it."""


def passes(count: int, of: int, limits: Limits) -> bool:
    """Whether so many departures of so many people pass one of the three limits."""
    if count > limits.leavings_count and count * 100 > limits.leavings_percent * of:
        return True
    share = limits.share_percent
    if share is not None and of >= limits.share_of_at_least and count * 100 > share * of:
        return True
    return limits.leavings_most is not None and count > limits.leavings_most


def passes_groups(count: int, of: int, limits: Limits) -> bool:
    """The same of groups that are deleted."""
    if count > limits.groups_count and count * 100 > limits.groups_percent * of:
        return True
    return (of >= 3 and count * 100 > limits.groups_share * of) or count > limits.groups_most


def within_limits(facts: Facts) -> Iterator[str]:
    """Checker (c)."""
    ledger = Ledger(facts)
    yield from _people(facts, ledger)
    yield from _discarded(facts, ledger)
    yield from _groups(facts)
    yield from _members(facts, ledger)


class Ledger:
    """The departures of a history, and how many people were active when."""

    def __init__(self, facts: Facts) -> None:
        """Find them."""
        self.facts = facts
        self.spans = shut_out(facts)
        self.deprovisionings = sorted(map(self._departure, filter(is_departure, facts.seen.changes)), key=_begun)

    def span(self, object_id: str | None, at: datetime) -> Span | None:
        """The time of being shut out that an instant lies in, else the last that began before it."""
        spans = self.spans.get(object_id or "", [])
        place = bisect_right(spans, at, key=lambda span: span.since)
        return spans[place - 1] if place else None

    def active_at(self, at: datetime) -> int:
        """The accounts that the bridge manages and has not begun to shut out."""
        place = bisect_right(self._active, at, key=lambda each: each[0])
        return self._active[place - 1][1] if place else 0

    def recent(self, at: datetime) -> list[Departure]:
        """Departures without a decision that began within the window before an instant; of who came back, the last."""
        within = (each for each in self.deprovisionings if not each.decided and at - WINDOW < each.counts <= at)
        return list({(each.account, each.was_active): each for each in within}.values())

    @cached_property
    def _active(self) -> list[tuple[datetime, int]]:
        """How many are active from an instant on."""
        told: list[tuple[datetime, str, int, bool]] = []
        began = {(each.account, each.at): each.counts for each in self.deprovisionings}
        for change in self.facts.seen.changes:
            if change.by == "bridge":
                at = began.get((change.id, change.at), change.at)
                told.append((at, change.id, 1, change.after is not None and change.after.active))
            elif change.before is None:
                told.append((change.at, change.id, 1, change.after is not None and change.after.active))
        for account, owners in self.facts.owners.items():
            told += [(owner.at, account, 0, owner.person is not None) for owner in owners]
        state: dict[str, list[bool]] = {}
        found, count = list[tuple[datetime, int]](), 0
        for at, account, which, holds in sorted(told, key=lambda each: each[0]):
            both = state.setdefault(account, [False, False])
            before = all(both)
            both[which] = holds
            count += all(both) - before
            found.append((at, count))
        return found

    def _departure(self, change: Changed[Account]) -> Departure:
        facts, owner = self.facts, self.facts.owner_at(change.id, change.at)
        span = self.span(owner.object, change.at)
        assert change.before is not None  # it is a departure
        tried = [each.at for each in facts.failed.get(change.id, []) if each.at <= change.at]
        began = [at for at in tried if span is not None and at >= span.since]
        decided = any(_approves(held, owner.person, change.at, span) for held in facts.seen.held)
        counts = min([change.at, *began])
        return Departure(change.at, counts, change.id, owner.person, owner.object, change.before.active, decided)


def is_departure(change: Changed[Account]) -> bool:
    """Whether the bridge deactivated or deleted an account."""
    if change.by != "bridge" or change.before is None:
        return False
    return change.after is None or (change.before.active and not change.after.active)


def _begun(departure: Departure) -> datetime:
    return departure.counts


def _approves(held: Held, person: str | None, at: datetime, span: Span | None) -> bool:
    """Whether a plan was approved by which the person leaves, and is not overtaken at an instant."""
    if not any(change.person == person and change.kind in LEAVINGS for change in held.changes):
        return False
    approved = [move.at for move in held.moves if move.state == "approved" and move.at <= at]
    overtaken = [move.at for move in held.moves if move.state == "overtaken" and move.at < at]
    return bool(approved) and not overtaken and (span is None or span.since <= approved[-1])


def _people(facts: Facts, ledger: Ledger) -> Iterator[str]:
    for each in ledger.deprovisionings:
        if each.decided:
            continue
        recent = ledger.recent(each.counts)
        count, limits = len(recent), facts.moment_at(each.counts).settings.limits
        # They have left the active people by now, but for those who were not active.
        of = ledger.active_at(each.counts) + count
        if passes(count, of, limits):
            since = min(one.counts for one in recent)
            yield (
                f"{count} of {of} people were shut out without a decision from {since} to {each.counts}, the last with "
                f"account {each.account} at {each.at}: more than the limits allow"
            )


def _discarded(facts: Facts, ledger: Ledger) -> Iterator[str]:
    for each in ledger.deprovisionings:
        span = ledger.span(each.object, each.at)
        for held in facts.seen.held:
            at = next((move.at for move in held.moves if move.state == "discarded" and move.at < each.at), None)
            leaves = any(change.person == each.person and change.kind in LEAVINGS for change in held.changes)
            if at is None or not leaves or span is None or span.since > at or each.decided:
                continue
            yield (
                f"Account {each.account} was shut out at {each.at}, though the plan {held.id}, discarded at {at}, had "
                "just that departure, and Entra never took it back"
            )


def _groups(facts: Facts) -> Iterator[str]:
    deleted = list[datetime]()
    there = [(change.at, (change.before is None) - (change.after is None)) for change in facts.seen.group_changes]
    for change in facts.seen.group_changes:
        if change.by != "bridge" or change.after is not None or _is_allowed(facts, change):
            continue
        failed = [each.at for each in facts.failed.get(change.id, []) if each.at <= change.at]
        at = min([change.at, *failed])
        deleted.append(at)
        count = sum(at - WINDOW < each <= at for each in deleted)
        of = sum(step for when, step in there if when < change.at) + count - 1
        if passes_groups(count, of, facts.moment_at(at).settings.limits):
            yield f"{count} of {of} groups were deleted without a decision until {change.at}, the last {change.id}"


def _members(facts: Facts, ledger: Ledger) -> Iterator[str]:
    """Members who were removed from one group, but for those whose accounts went."""
    for account, changes in facts.group_changes.items():
        removed = list[datetime]()
        for change in changes:
            if change.by != "bridge" or change.before is None or change.after is None:
                continue
            gone = [
                one for one in change.before.members - change.after.members if not _left(facts, ledger, one, change.at)
            ]
            if not gone or _is_allowed(facts, change):
                continue
            removed += [change.at] * len(gone)
            count = sum(change.at - WINDOW < each <= change.at for each in removed)
            limits, of = facts.moment_at(change.at).settings.limits, len(change.after.members) + count
            if count > limits.members_count and count * 100 > limits.members_percent * of:
                yield f"{count} of {of} members were removed from group {account} without a decision until {change.at}"


def _left(facts: Facts, ledger: Ledger, account: str, at: datetime) -> bool:
    span = ledger.span(facts.last_owner(account), at)
    return span is not None and span.holds(at)


def _is_allowed(facts: Facts, change: Changed[ZohoGroup]) -> bool:
    groups = {link.group for link in facts.seen.group_links if link.account == change.id}
    allowed = (each for each in facts.seen.decisions if each.kind == "allowed" and each.about in groups)
    if any(each.at <= change.at < each.at + ALLOWED_FOR for each in allowed):
        return True
    plans = (held for held in facts.seen.held if any(each.person in groups for each in held.changes if each.group))
    return any(move.state == "approved" and move.at <= change.at for held in plans for move in held.moves)


def why_held(facts: Facts, held: Held) -> str | None:
    """Which limit a held plan passes by the settings of its instant, a sentence; None: none that can be seen."""
    ledger, at = Ledger(facts), held.moves[0].at
    settings = facts.moment_at(at).settings
    limits, people = settings.limits, [change for change in held.changes if not change.group]
    leaving = [change for change in people if change.kind in LEAVINGS]
    recent, active = len(ledger.recent(at)), ledger.active_at(at)
    if leaving and passes(len(leaving) + recent, max(active, len(leaving)) + recent, limits):
        return "Too many people leave."
    if leaving and (_is_shut(facts, at) or _were_discarded(facts, leaving, at)):
        return "People leave since a limit was passed, or whose departure was discarded."
    if settings.adoptions == "hold" and any(_is_of_another(facts, change, at) for change in people):
        return "Somebody gets another's account."
    if limits.creations is not None and sum(change.kind == "create" for change in people) > limits.creations:
        return "Too many people are created."
    there = [change for change in people if change.kind not in ("create", "adopt")]
    for field, count in Counter(part.field for change in there for part in change.fields).items():
        if count > limits.one_field_count and count * 100 > limits.one_field_percent * active:
            return f"The field {field} changes for too many people."
    groups = [change for change in held.changes if change.group]
    if any(change.kind == "delete" or change.leaving > limits.members_count for change in groups):
        return "Groups are deleted, or lose members."
    same = (one for one in facts.seen.held if one is not held and set(one.changes) == set(held.changes))
    return "It was discarded before." if any(one.moves[-1].state == "discarded" for one in same) else None


def _is_shut(facts: Facts, at: datetime) -> bool:
    """Whether a limit was passed before, and no cycle has gone through since."""
    shut = [push.at for push in facts.seen.pushes if push.status == 503 and push.at <= at]
    shut += [held.moves[0].at for held in facts.seen.held if held.moves[0].at < at]
    shut += [run.started for run in facts.seen.runs if run.kind == "on demand" and run.not_done and run.started <= at]
    return bool(shut) and not any(run.started > max(shut) for run in facts.cycles if run.ended and run.ended <= at)


def _were_discarded(facts: Facts, leaving: list[Planned], at: datetime) -> bool:
    ids = {change.person for change in leaving}
    plans = (held for held in facts.seen.held if any(m.state == "discarded" and m.at <= at for m in held.moves))
    return any(change.person in ids and change.kind in LEAVINGS for held in plans for change in held.changes)


def _is_of_another(facts: Facts, change: Planned, at: datetime) -> bool:
    if change.adopts is None:
        return False
    people, own = facts.moment_at(at).people, facts.object_of.get(change.person, "")
    was = people.get(facts.last_owner(change.adopts) or "")
    return was is None or own not in people or not is_same_person(was, people[own], only_pushed=False)
