"""Checker (g): an approved plan was applied as shown, or not at all, for each person and group."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from tests.simulation.facts import Facts
from tests.simulation.observed import Account, Changed, Held, Planned, ZohoGroup
from tests.simulation.openness import is_refusal

JUST_BEFORE = timedelta(minutes=2)
"""One person's change takes less, with all its calls."""
ELSEWHERE: frozenset[str] = frozenset({"push", "on demand"})
"""What changes accounts beside a cycle. A cycle's own threads may not say whose they are."""


def as_shown(facts: Facts) -> Iterator[str]:
    """Checker (g).

    Looked at is what cycles changed from the instant at which the plan was begun until it was applied, overtaken, or
    the history's end. Beside what was shown only the manager may be filled in, who was new in the same plan.
    """
    for held in facts.seen.held:
        begun = next((move.at for move in held.moves if move.state == "applying"), None)
        if begun is None:
            continue
        ends = (move.at for move in held.moves if move.state in ("applied", "overtaken") and move.at >= begun)
        end = next(ends, facts.seen.now)
        approved = next((move.at for move in held.moves if move.state == "approved"), None)
        if approved is None or approved > begun:
            yield f"The plan {held.id} was begun at {begun}, and nobody had approved it"
        yield from _people(facts, held, begun, end)
        yield from _groups(facts, held, begun, end)


def _people(facts: Facts, held: Held, begun: datetime, end: datetime) -> Iterator[str]:
    shown = {change.person: change for change in held.changes if not change.group}
    done: dict[str, list[Changed[Account]]] = {}
    for change in facts.seen.changes:
        if change.by == "bridge" and change.through not in ELSEWHERE and begun <= change.at <= end:
            done.setdefault(change.id, []).append(change)
    for account, changes in done.items():
        if _in_two_turns(facts, held, shown, account, changes):
            continue
        person = _person(facts, held, account, changes[0].at)
        where = f"The plan {held.id}, approved, and begun at {begun}: account {account} of {person}"
        if (planned := shown.get(person or "")) is None:
            if not _only_manager(facts, changes[0].before, changes[-1].after):
                yield f"{where} was changed at {changes[0].at}, and the plan did not show it"
        elif why := _unlike(facts, planned, account, changes):
            yield f"{where} was changed until {changes[-1].at} otherwise than shown: {why}"


def _person(facts: Facts, held: Held, account: str, at: datetime) -> str | None:
    """Whose account it was, or became by what was done."""
    adopts = (change.person for change in held.changes if change.adopts == account)
    later = (owner.person for owner in facts.owners.get(account, []) if owner.person and owner.at >= at)
    return next(adopts, None) or facts.owner_at(account, at).person or next(later, None)


def _in_two_turns(
    facts: Facts, held: Held, shown: Mapping[str, Planned], account: str, changes: list[Changed[Account]]
) -> bool:
    """Whether an account was first changed as shown of its person, and then adopted as shown, or not at all."""
    owner = shown.get(facts.owner_at(account, changes[0].at).person or "")
    adopts = next((change for change in held.changes if change.adopts == account), None)
    if owner is None or adopts is None or owner == adopts:
        return False
    parts = ((changes[:place], changes[place:]) for place in range(1, len(changes) + 1))
    return any(
        _unlike(facts, owner, account, first) is None and (not then or _unlike(facts, adopts, account, then) is None)
        for first, then in parts
    )


def _unlike(facts: Facts, planned: Planned, account: str, changes: list[Changed[Account]]) -> str | None:
    before, after = changes[0].before, changes[-1].after
    made = _kind(before, after, adopts=planned.kind == "adopt")
    if made == "nothing" or (made == "update" and _only_manager(facts, before, after)):
        return None
    if planned.adopts is not None and planned.adopts != account:
        return f"it adopts {planned.adopts}"
    if planned.kind == "create" and before is not None:
        return "it shows a creation, and the account was there: an adoption is called one"
    if made != planned.kind:
        return f"“{planned.kind}” was shown, and it was “{made}”"
    if after is None:
        return None
    wanted = {part.field: part.after for part in planned.fields}
    was = before.fields if before else {}
    became = {name: after.fields.get(name) for name in was.keys() | after.fields.keys()}
    wrong = {name for name, value in became.items() if was.get(name) != value and wanted.get(name, _absent) != value}
    undone = {name for name, value in wanted.items() if became.get(name) != value}
    if wrong - _managers(facts):
        return f"{', '.join(sorted(wrong))} became something that was not shown"
    if planned.kind == "adopt" or (planned.kind == "deactivate" and _refused(facts, changes[-1])):
        return None
    return f"{', '.join(sorted(undone))} did not become what was shown" if undone else None


def _refused(facts: Facts, change: Changed[Account]) -> bool:
    """Whether Zoho One refused something of the same account just before: then it is deactivated, and that is all."""
    failed = facts.failed.get(change.id, [])
    return any(is_refusal(each.status) and change.at - JUST_BEFORE <= each.at <= change.at for each in failed)


_absent = object()


def _kind(before: Account | None, after: Account | None, *, adopts: bool) -> str:
    if after is None:
        return "delete" if before else "nothing"
    if adopts:
        return "adopt"
    if before is None:
        return "create"
    if before.active != after.active:
        return "reactivate" if after.active else "deactivate"
    return "update" if before.fields != after.fields else "nothing"


def _managers(facts: Facts) -> set[str]:
    """Fields that hold a manager's account."""
    return {rule.target for rule in facts.last.settings.rules if getattr(rule.source, "attribute", "") == "manager"}


def _only_manager(facts: Facts, before: Account | None, after: Account | None) -> bool:
    if before is None or after is None or before.active != after.active:
        return False
    names = before.fields.keys() | after.fields.keys()
    return {name for name in names if before.fields.get(name) != after.fields.get(name)} <= _managers(facts)


def _groups(facts: Facts, held: Held, begun: datetime, end: datetime) -> Iterator[str]:
    shown = {change.person: change for change in held.changes if change.group}
    ids = {link.account: link.group for link in facts.seen.group_links if link.account}
    for account, changes in facts.group_changes.items():
        done = [each for each in changes if each.by == "bridge" and each.through == "cycle" and begun <= each.at <= end]
        if not done:
            continue
        planned, last = shown.get(ids.get(account, "")), done[-1].after
        joined, left = _moved(facts, held, done)
        where = f"The plan {held.id}, approved, and begun at {begun}: group {account}"
        if last is None and (planned is None or planned.kind != "delete"):
            yield f"{where} was deleted at {done[-1].at}, and the plan did not show it"
        elif planned is None and joined | left:
            yield f"{where}: {len(joined | left)} members came or went until {done[-1].at}, which was not shown"
        elif planned is not None and last and (len(joined) > planned.joining or len(left) > planned.leaving):
            told = f"{len(joined)} joined and {len(left)} left until {done[-1].at}"
            yield f"{where}: {told}; shown were {planned.joining} and {planned.leaving}"


def _moved(facts: Facts, held: Held, changes: list[Changed[ZohoGroup]]) -> tuple[set[str], set[str]]:
    """The members who came and went by themselves: those whose accounts the plan changes follow their accounts."""
    follow = {change.person for change in held.changes if not change.group}
    joined, left = set[str](), set[str]()
    for change in changes:
        before, after = (there.members if there else frozenset() for there in (change.before, change.after))
        joined |= {one for one in after - before if _person(facts, held, one, change.at) not in follow}
        left |= {one for one in before - after if _person(facts, held, one, change.at) not in follow}
    return joined - left, left - joined
