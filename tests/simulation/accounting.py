"""Checker (f): what the bridge changed in Zoho One stands in the history once, with its reason, and nothing else does.

A call whose answer was lost is recorded by who looked after it, so a line may cover several changes of one account,
from the line before up to its own instant: it then says what all of them made together.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tests.simulation.facts import Facts
from tests.simulation.observed import Account, Changed, Line, ZohoGroup

DOES = frozenset({"created", "adopted", "updated", "deactivated", "reactivated", "deleted"})
"""Kinds of lines that say that Zoho One was changed; "adopted" may say that nothing had to be."""
GROUP_FIELDS = ("displayName", "externalId")
type Net = dict[str, tuple[object, object]]
"""What changed, before and after: fields, ``there``, ``active``, and of groups ``member <account>``."""


@dataclass
class Doubt:
    """What the bridge could be wrong about: what others changed, or all of it after a restored backup, until a line."""

    of: set[str] = field(default_factory=set)
    of_all: bool = False
    told: set[str] = field(default_factory=set)
    """What lines have said since all was in doubt."""

    def __contains__(self, what: str) -> bool:
        return what in self.of or (self.of_all and what not in self.told)

    def end(self, said: Iterable[str]) -> None:
        """A line says it: from now on the bridge knows."""
        self.of -= set(said)
        self.told |= set(said)


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
    linked = {link.account for link in facts.seen.links} | {link.account for link in facts.seen.group_links}
    restored = [each.at for each in facts.seen.decisions if each.kind in ("restored", "added again")]
    for account in facts.changes.keys() | {account for group, account in lines if not group}:
        if account not in linked and _was_never_seen(facts.changes.get(account, [])):
            continue
        changes = [(each, _of_account(each.before, each.after)) for each in facts.changes.get(account, [])]
        yield from _one(account, changes, lines.get((False, account), []), restored)
    for account in facts.group_changes.keys() | {account for group, account in lines if group}:
        if account not in linked and _was_never_seen(facts.group_changes.get(account, [])):
            continue
        groups = [(each, _of_group(each.before, each.after)) for each in facts.group_changes.get(account, [])]
        yield from _one(account, groups, lines.get((True, account), []), restored)


def _was_never_seen[T: (Account, ZohoGroup)](changes: Sequence[Changed[T]]) -> bool:
    """Whether a hand deleted what the bridge had made before the bridge learned of it, of which nobody can tell it."""
    return len(changes) > 1 and changes[0].by == "bridge" and changes[-1].by == "hand" and changes[-1].after is None


def _one[T: (Account, ZohoGroup)](
    account: str, changes: Iterable[tuple[Changed[T], Net]], lines: Iterable[Line], restored: Sequence[datetime]
) -> Iterator[str]:
    """One account's or group's changes and lines."""
    open_: list[tuple[datetime, Net]] = []
    others: list[tuple[datetime, Net | None]] = [(at, None) for at in restored]
    for change, net in changes:
        if net:
            (open_ if change.by == "bridge" else others).append((change.at, net))
    doubt, members = Doubt(), dict[str, object]()
    others.sort(key=lambda each: each[0])
    for line in sorted(lines, key=lambda each: each.at):
        covered = [net for at, net in open_ if at <= line.at]
        open_ = open_[len(covered) :]
        while others and others[0][0] <= line.at:
            _, changed = others.pop(0)
            if changed is None:
                doubt.of_all, doubt.told = True, set()
            else:
                doubt.of |= changed.keys()
                members |= {what: after for what, (_, after) in changed.items()}
        for net in covered:
            members |= {what: after for what, (_, after) in net.items()}
        said = _not_restated(_said(line), _together(covered, line.kind), members)
        yield from _compared(account, line, _together(covered, line.kind), said, doubt)
        doubt.end(said)
    for at, net in open_:
        yield f"The bridge changed {account} at {at} ({_shown(net)}), and no line of history says so"


def _compared(account: str, line: Line, made: Net, said: Net, doubt: Doubt) -> Iterator[str]:
    """What a line says beside what was changed: one sentence for each way in which it is wrong."""
    where = f"the line “{line.kind}” of {line.person} at {line.at} about {account}"
    silent = {what: made[what] for what in made.keys() - said.keys()}
    if silent:
        yield f"{where} says nothing of what changed: {_shown(silent)}"
    void = {what: said[what] for what in said.keys() - made.keys() if what not in doubt}
    if void:
        yield f"{where} says {_shown(void)}, and nothing of the kind was changed"
    for what in sorted(said.keys() & made.keys()):
        (before, after), (was, became) = said[what], made[what]
        if after != became or (before != was and what not in doubt):
            yield f"{where} says {_shown({what: said[what]})}, and it was {_shown({what: made[what]})}"


def _not_restated(said: Net, made: Net, members: Mapping[str, object]) -> Net:
    """Without members of whom a line says what was so already.

    The bridge does not read a group of 50,000 before it changes one member: it tells Zoho One again of somebody whose
    account came or went, and the line says whom it told. What the line says has to be true all the same.
    """
    known = {what for what in said if what.startswith("member ") and what not in made}
    return {what: both for what, both in said.items() if what not in known or members.get(what, False) != both[1]}


def _together(nets: Sequence[Net], kind: str) -> Net:
    """What changes made one after the other, as far as a line of this kind has to tell it."""
    made: Net = {}
    for net in nets:
        for what, (before, after) in net.items():
            made[what] = made[what][0] if what in made else before, after
    if nets and nets[-1].get("there", (None, True))[1] is False:
        made = {"there": made["there"]}
    if kind in ("created", "adopted"):
        made.pop("active", None)  # what it says is that the account is this person's from now on
    if kind == "created":  # of what a hand did before the bridge saw what it had made, nobody can tell
        made = {what: (None if isinstance(before, str) else before, after) for what, (before, after) in made.items()}
    return {what: both for what, both in made.items() if both[0] != both[1]}


def _said(line: Line) -> Net:
    """What a line says that changed."""
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
