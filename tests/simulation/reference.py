"""What Zoho One must hold after quiet cycles, from what Entra, the mapping and the rules say.

A model of its own, by docs/status-sync.md, mapping.md, reconciler.md and groups.md; it shares no code with the bridge.
``differences`` compares it with Zoho One. Which of them are legitimate openness.py says, from what was observed alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Literal, NamedTuple

from tests.simulation.facts import Facts, folded
from tests.simulation.observed import (
    Account,
    Coalesce,
    Condition,
    Constant,
    Direct,
    Group,
    Join,
    Leaving,
    Moment,
    Person,
    Push,
    Rule,
    Settings,
    Upper,
)

ACCEPTED, REFUSED, NOT_FOUND = range(200, 300), range(300, 500), 404
"""Statuses of a push: it counts; it does not, and left nothing behind. After any other it may count, or not."""

type Status = Literal["active", "deactivated", "unassigned", "deleted"]


class Difference(NamedTuple):
    """Where Zoho One is not what it must be."""

    about: str
    """The object id of the person or group."""
    account: str | None
    """Of the account or group that differs; None: there is none."""
    what: str
    """ "account" (missing), "active", "deletion" (it should be gone), a field; of a group "member <account>" too."""
    wanted: str | None
    found: str | None

    def __str__(self) -> str:
        where = f"account or group {self.account}" if self.account else "no account or group"
        return f"{self.about}, {where}: {self.what} must be {self.wanted!r}, and is {self.found!r}"


# --- What Entra says -------------------------------------------------------------------------------------------------


def granted(moment: Moment) -> frozenset[str]:
    """The object ids of everybody who is assigned, or directly in an assigned group."""
    direct = {object_id for object_id, person in moment.people.items() if person.assigned}
    groups = (group.members for group in moment.groups.values() if group.assigned and not group.gone)
    return frozenset(direct.union(*groups))


def status(person: Person, settings: Settings, inside: frozenset[str]) -> Status:
    """A person's status by the store's rules. ``inside``: everybody whom assignments grant."""
    if person.gone:
        return "deleted" if person.gone == "purged" else "deactivated"
    if "graph" in settings.feeds:
        if settings.scope == "assigned" and person.id not in inside:
            return "unassigned"
        if not _meets(person, settings):
            return "unassigned"
    return "active" if person.enabled else "deactivated"


def leaving(told: Status, settings: Settings) -> Leaving:
    """What the store does about somebody of this status who is not active."""
    if told == "deleted":
        return settings.on_deleted
    return settings.on_deactivated if told == "deactivated" else settings.on_unassigned


def fields(person: Person, settings: Settings, manager: str | None) -> dict[str, str] | None:
    """The mapped fields; None where the mapping gives no userName. ``manager``: the manager's account."""
    found = {rule.target: value for rule in settings.rules if (value := _mapped(rule, person, manager))}
    return found if found.get("userName", "").strip() else None


def _mapped(rule: Rule, person: Person, manager: str | None) -> str | None:
    match rule.source:
        case Constant(value):
            return value
        case Direct("manager"):
            return manager
        case Direct(name):
            found = _value(person, name)
        case Upper(name):
            found = _value(person, name).upper()
        case Join(separator, names):
            found = separator.join(text for name in names if (text := _value(person, name)))
        case Coalesce(names):
            found = next((text for name in names if (text := _value(person, name))), "")
    return found or rule.default


def _value(person: Person, name: str) -> str:
    if name == "userPrincipalName":
        return person.upn
    return str(person.enabled) if name == "accountEnabled" else person.attributes.get(name, "")


def _meets(person: Person, settings: Settings) -> bool:
    if not settings.criteria:
        return True
    held = [_holds(condition, _value(person, condition.attribute).casefold()) for condition in settings.criteria]
    return all(held) if settings.match == "all" else any(held)


def _holds(condition: Condition, found: str) -> bool:
    wanted = condition.value.casefold()
    match condition.operator:
        case "equals":
            return found == wanted
        case "not equals":
            return found != wanted
        case "contains":
            return bool(found) and wanted in found
        case "starts with":
            return found.startswith(wanted)
        case "ends with":
            return found.endswith(wanted)
        case "is present":
            return bool(found)
        case "is absent":
            return not found


def views[T: Person | Group](facts: Facts, there: Mapping[str, T]) -> Iterator[list[T]]:
    """What the bridge may take each object for: as it is in Entra, or as pushes told it.

    Graph's word is Entra's state, unless a push that was answered after Entra's last change says otherwise (it came
    late). Where only pushes tell, the last accepted one counts, or one after it that was answered 5xx or not at all.
    """
    by_graph, pushes = "graph" in facts.last.settings.feeds, facts.pushes
    for object_id, now in there.items():
        told = pushes.get(object_id, [])
        accepted = [place for place, push in enumerate(told) if _is_accepted(push)]
        since_then = told[accepted[-1] if accepted else 0 :]
        heard = [push for push in since_then if _is_accepted(push) or push.status not in REFUSED]
        if by_graph:
            since = facts.entra_changed(object_id)
            yield [now, *(_as_told(push, now) for push in heard if push.at > since)]
        elif heard:
            unheard = [] if accepted else [_unheard(now)]
            yield [*unheard, *(_as_told(push, now) for push in heard)]


def _is_accepted(push: Push) -> bool:
    """Whether a push counts; also a DELETE of what is not known any more, as of somebody who was unmanaged."""
    return push.status in ACCEPTED or (push.method == "DELETE" and push.status == NOT_FOUND)


def _as_told[T: Person | Group](push: Push, now: T) -> T:
    """The object as a push told it; a DELETE leaves nothing of it."""
    return push.said if isinstance(push.said, type(now)) else _unheard(now)


def _unheard[T: Person | Group](now: T) -> T:
    """The object as one that is gone, or was never told."""
    if isinstance(now, Person):
        return replace(now, enabled=False, gone="purged")
    return replace(now, gone=True)


def is_same_person(one: Person, other: Person, *, only_pushed: bool) -> bool:
    """Whether two objects are the same person (docs/status-sync.md). ``only_pushed``: Graph never named the first."""
    mine, theirs = one.attributes, other.attributes
    if one.id == other.id:
        return True
    if "employeeId" in mine and "employeeId" in theirs:
        return mine["employeeId"].casefold() == theirs["employeeId"].casefold()
    both = [(mine.get(name), theirs.get(name)) for name in ("displayName", *_NAMED)]
    if any(here and there and here.casefold() != there.casefold() for here, there in both):
        return False
    return only_pushed or all(both[0])


_NAMED = ("givenName", "surname", "mail", "mailNickname", "onPremisesSamAccountName")

# --- What Zoho One must hold -----------------------------------------------------------------------------------------


def differences(facts: Facts) -> Iterator[list[list[Difference]]]:
    """Of each person and group what differs, by each of its views."""
    inside = granted(facts.last)
    for people in views(facts, facts.last.people):
        yield [list(_of_person(facts, person, inside)) for person in people]
    if facts.last.settings.groups_synced:
        for groups in views(facts, facts.last.groups):
            yield [list(_of_group(facts, group)) for group in groups]


def _of_person(facts: Facts, person: Person, inside: frozenset[str]) -> Iterator[Difference]:
    settings, accounts, own = facts.last.settings, facts.seen.accounts, facts.account_of.get(person.id)
    manager = facts.account_of.get(person.manager or "")
    mapped, told = fields(person, settings, manager), status(person, settings, inside)
    if told == "active":
        if mapped is None:
            return  # nobody is provisioned without a userName
        named = facts.by_name.get(folded(mapped["userName"]))
        account = accounts.get(own or "") or (named if named and _is_free(facts, named, person) else None)
        if account is None:
            yield from _missing(facts, person, mapped)
            return
        if not account.active:
            yield Difference(person.id, account.id, "active", "true", "false")
        yield from _of_fields(person, account, settings, mapped)
        return
    what = leaving(told, settings)
    if what == "nothing":
        return
    theirs = [accounts[known] for known in facts.owners if known in accounts and facts.last_owner(known) == person.id]
    for account in theirs:
        if what == "delete" and account.id == own:
            yield Difference(person.id, account.id, "deletion", "gone", "there")
        elif account.active:
            yield Difference(person.id, account.id, "active", "false", "true")
        elif account.id == own and mapped is not None and not person.gone:
            yield from _of_fields(person, account, settings, mapped)


def _missing(facts: Facts, person: Person, mapped: Mapping[str, str]) -> Iterator[Difference]:
    """The account of somebody who has none; nothing while an administrator has to say whose another one is.

    That is one which nobody manages, with the person's work address.
    """
    address = folded(mapped.get("email", ""))
    there = (
        each for each in facts.seen.accounts.values() if address and folded(each.fields.get("email", "")) == address
    )
    if not any(facts.owner_at(each.id, facts.seen.now).person is None for each in there):
        yield Difference(person.id, None, "account", mapped["userName"], None)


def _is_free(facts: Facts, account: Account, person: Person) -> bool:
    """Whether an account of the person's userName is nobody else's, so that it is adopted."""
    return facts.last_owner(account.id) in (None, person.id)


def _of_fields(person: Person, account: Account, settings: Settings, mapped: Mapping[str, str]) -> Iterator[Difference]:
    for rule in settings.rules:
        wanted, found = mapped.get(rule.target), account.fields.get(rule.target)
        if wanted != found:
            yield Difference(person.id, account.id, rule.target, wanted, found)


def is_wanted(group: Group, settings: Settings) -> bool:
    """Whether Zoho One should have a group."""
    scoped = group.assigned or settings.scope == "all" or "graph" not in settings.feeds
    return scoped and not group.gone


def _of_group(facts: Facts, group: Group) -> Iterator[Difference]:
    settings, groups, own = facts.last.settings, facts.seen.zoho_groups, facts.group_of.get(group.id)
    if not is_wanted(group, settings):
        made = own is not None and own in groups and facts.group_changes[own][0].by == "bridge"
        if made and settings.group_deleted == "delete":
            yield Difference(group.id, own, "deletion", "gone", "there")
        return
    name = f"{settings.group_prefix}{group.name}".strip()
    named = (each for each in groups.values() if folded(each.name) == folded(name) and each.id not in facts.group_owner)
    there = groups.get(own or "") or next(named, None)
    if there is None:
        yield Difference(group.id, None, "account", name, None)
        return
    if there.name != name:
        yield Difference(group.id, there.id, "name", name, there.name)
    # In the recycle bin a user is a member of nothing; Entra pushes nothing of it.
    binned = {one for one in group.members if (person := facts.last.people.get(one)) and person.gone}
    wanted = _accounts(facts, group.members - binned)
    for account in sorted(wanted - there.members):
        yield Difference(group.id, there.id, f"member {account}", "in", "out")
    may_stay = set[str]() if "graph" in settings.feeds else _accounts(facts, binned)
    for account in sorted(there.members - wanted - may_stay):
        yield Difference(group.id, there.id, f"member {account}", "out", "in")


def _accounts(facts: Facts, people: Iterable[str]) -> set[str]:
    """The active accounts of these people."""
    known = {account for one in people if (account := facts.account_of.get(one))}
    return {account for account in known if account in facts.seen.accounts and facts.seen.accounts[account].active}
