"""Checker (f): what the bridge changed in Zoho One stands in the history once, with its reason, and nothing else does.

A call whose answer was lost is recorded by who looked after it, so a line may cover several changes of one account,
from the line before up to its own instant: it then says what all of them made together.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from tests.simulation.facts import Facts
from tests.simulation.observed import Account, Changed, Line, ZohoGroup

DOES = frozenset({"created", "adopted", "updated", "deactivated", "reactivated", "deleted"})
"""Kinds of lines that say that Zoho One was changed; "adopted" may say that nothing had to be."""
GROUP_FIELDS = ("displayName", "externalId")
type Net = dict[str, tuple[object, object]]
"""What changed, before and after: fields, ``there``, ``active``, and of groups ``member <account>``."""


class Known(NamedTuple):
    """When the bridge could be wrong about what an account held before."""

    hands: Sequence[tuple[datetime, frozenset[str]]]
    """Changes by others, each with what it changed."""
    restored: Sequence[datetime]


def accounted(facts: Facts) -> Iterator[str]:
    """Checker (f)."""
    lines: dict[tuple[bool, str], list[Line]] = {}
    for line in facts.seen.lines:
        if not line.reason.strip():
            yield f"The line “{line.kind}” of {line.person} at {line.at} has no reason"
        if line.account is not None and line.kind in DOES:
            lines.setdefault((line.group, line.account), []).append(line)
        elif line.account is None and line.kind in DOES - {"adopted"}:
            yield f"The line “{line.kind}” of {line.person} at {line.at} is about no account"
    restored = [each.at for each in facts.seen.decisions if each.kind in ("restored", "added again")]
    for account in facts.changes.keys() | {account for group, account in lines if not group}:
        changes = [(each, _of_account(each.before, each.after)) for each in facts.changes.get(account, [])]
        yield from _one(account, changes, lines.get((False, account), []), restored)
    for account in facts.group_changes.keys() | {account for group, account in lines if group}:
        groups = [(each, _of_group(each.before, each.after)) for each in facts.group_changes.get(account, [])]
        yield from _one(account, groups, lines.get((True, account), []), restored)


def _one[T: (Account, ZohoGroup)](
    account: str, changes: Iterable[tuple[Changed[T], Net]], lines: Iterable[Line], restored: Sequence[datetime]
) -> Iterator[str]:
    """One account's or group's changes and lines."""
    open_: list[tuple[datetime, Net]] = []
    hands: list[tuple[datetime, frozenset[str]]] = []
    for change, net in changes:
        if net and change.by == "bridge":
            open_.append((change.at, net))
        elif net:
            hands.append((change.at, frozenset(net)))
    since: datetime | None = None
    for line in sorted(lines, key=lambda each: each.at):
        covered = [net for at, net in open_ if at <= line.at]
        open_ = [(at, net) for at, net in open_ if at > line.at]
        doubtful = {what for at, whats in hands if at <= line.at and (since is None or at > since) for what in whats}
        stale = any(at <= line.at and (since is None or at > since) for at in restored)
        made, said = _together(covered), _said(line)
        if not stale:
            yield from _compared(account, line, made, said, doubtful)
        since = line.at
    for at, net in open_:
        yield f"The bridge changed {account} at {at} ({_shown(net)}), and no line of history says so"


def _compared(account: str, line: Line, made: Net, said: Net, doubtful: set[str]) -> Iterator[str]:
    where = f"the line “{line.kind}” of {line.person} at {line.at} about {account}"
    for what in sorted(made.keys() - said.keys()):
        yield f"{where} says nothing of {what}, which changed: {_shown({what: made[what]})}"
    for what in sorted(said.keys() - made.keys() - doubtful):
        yield f"{where} says {_shown({what: said[what]})}, and nothing of the kind was changed"
    for what in sorted(said.keys() & made.keys()):
        (before, after), (was, became) = said[what], made[what]
        if after != became or (before != was and what not in doubtful):
            yield f"{where} says {_shown({what: said[what]})}, and it was {_shown({what: made[what]})}"


def _together(nets: Iterable[Net]) -> Net:
    made: Net = {}
    for net in nets:
        for what, (before, after) in net.items():
            made[what] = made[what][0] if what in made else before, after
    return {what: both for what, both in made.items() if both[0] != both[1]}


def _said(line: Line) -> Net:
    """What a line says that changed. Of an adoption it says nothing of ``active``: what was found may be so or not."""
    said: Net = {part.field: (part.before, part.after) for part in line.fields}
    said |= {f"member {one}": (False, True) for one in line.joined}
    said |= {f"member {one}": (True, False) for one in line.left}
    match line.kind:
        case "created":
            said |= {"there": (False, True)}
        case "deleted":
            said = {"there": (True, False)}
        case "deactivated":
            said |= {"active": (True, False)}
        case "reactivated":
            said |= {"active": (False, True)}
    return said


def _of_account(before: Account | None, after: Account | None) -> Net:
    if before is None or after is None:
        there = (before is not None, after is not None)
        return {"there": there} | (_fields({}, after.fields) if after else {})
    active: Net = {"active": (before.active, after.active)} if before.active != after.active else {}
    return active | _fields(before.fields, after.fields)


def _of_group(before: ZohoGroup | None, after: ZohoGroup | None) -> Net:
    if after is None:
        return {"there": (before is not None, False)}
    net: Net = {} if before else {"there": (False, True)}
    was = {"displayName": before.name, "externalId": before.external_id} if before else {}
    net |= _fields(was, {"displayName": after.name, "externalId": after.external_id})
    members = before.members if before else frozenset()
    net |= {f"member {one}": (False, True) for one in after.members - members}
    return net | {f"member {one}": (True, False) for one in members - after.members}


def _fields(before: Mapping[str, str | None], after: Mapping[str, str | None]) -> Net:
    names = before.keys() | after.keys()
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def _shown(net: Net) -> str:
    return ", ".join(f"{what}: {before!r} → {after!r}" for what, (before, after) in sorted(net.items()))
