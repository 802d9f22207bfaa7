"""Checkers (d) and (e): whose accounts are, and that nobody else's are touched."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from tests.simulation.facts import Facts, folded
from tests.simulation.observed import Changed, PasswordMailed, Run, ZohoGroup
from tests.simulation.reference import is_same_person

WORKERS_REMEMBER = timedelta(seconds=61)
MAIL_IS_TRIED_FOR = timedelta(hours=8)
"""A mail that is due waits up to four hours for its next try, and somewhat longer where the server rests."""


def one_account_each(facts: Facts) -> Iterator[str]:
    """(d) Nobody has two accounts, two valid one-time passwords, or another's account."""
    yield from _two_accounts(facts)
    yield from _second_accounts(facts)
    yield from _rows_of_others(facts)
    yield from _accounts_of_others(facts)
    yield from _passwords(facts)


def _two_accounts(facts: Facts) -> Iterator[str]:
    for account, changes in facts.changes.items():
        made, now = changes[0], facts.seen.accounts.get(account)
        if made.by != "bridge":
            continue
        owner = next((each.object for each in facts.owners.get(account, []) if each.object), None)
        if account not in facts.owners:
            if now is not None and now.active and facts.seen.quiet_since is not None:
                yield f"Account {account} was made by the bridge at {made.at}, and is nobody's"
            continue
        for other in facts.owners:
            theirs = owner is not None and other != account and facts.owner_at(other, made.at).object == owner
            if theirs and _was_active(facts, other, made.at):
                yield f"{owner} got account {account} at {made.at}, and had {other}"


def _second_accounts(facts: Facts) -> Iterator[str]:
    """Accounts that the bridge made for people whose address an account had that was read, and that was nobody's.

    The worker of a push knows for a minute of no account that another has read.
    """
    for account, changes in facts.changes.items():
        made = changes[0]
        address = folded(made.after.fields.get("email", "")) if made.by == "bridge" and made.after else ""
        known = made.at if made.through in ("cycle", "on demand") else made.at - WORKERS_REMEMBER
        for other, before in facts.changes.items() if address else ():
            there = next((each for each in reversed(before) if each.at < made.at), None)
            if there is None or there.after is None or folded(there.after.fields.get("email", "")) != address:
                continue
            never_managed = all(owner.at > made.at for owner in facts.owners.get(other, []))
            if never_managed and there.by == "hand" and _was_read(facts, there.at, known):
                yield f"Account {account} was made at {made.at}, and {other} had its address since {there.at}"


def _was_read(facts: Facts, since: datetime, until: datetime) -> bool:
    """Whether a cycle has read all of Zoho One's accounts in a time: the first one, and each full one.

    One in which Zoho One did not answer a reading as it was meant counts as none.
    """
    read = [*facts.full_cycles, *facts.cycles[:1]]
    whole = (run for run in read if run.started > since and run.ended is not None and run.ended < until)
    return any(not _failed_to_read(facts, run) for run in whole)


def _failed_to_read(facts: Facts, run: Run) -> bool:
    lists = (each.at for each in facts.seen.failed if (each.what, each.account, each.name) == ("user", None, ""))
    return any(run.started <= at and (run.ended is None or at <= run.ended) for at in lists)


def _was_active(facts: Facts, account: str, at: datetime) -> bool:
    last = next((each for each in reversed(facts.changes.get(account, [])) if each.at < at), None)
    return last is not None and last.after is not None and last.after.active


def _rows_of_others(facts: Facts) -> Iterator[str]:
    """Rows that a push made of one person and the bridge takes for another's."""
    for link in facts.seen.links:
        truth = facts.object_of.get(link.person)
        if link.object and truth and link.account and not _same(facts, truth, link.object, link.at):
            yield f"{link.object} got the row of {truth}, with account {link.account}, at {link.at}"


def _accounts_of_others(facts: Facts) -> Iterator[str]:
    again = [each.at for each in facts.seen.decisions if each.kind in ("restored", "added again")]
    for account, owners in facts.owners.items():
        owned = [(owner.object, owner.at) for owner in owners if owner.object is not None]
        for (was, since), (now, at) in pairwise(owned):
            if was == now or any(since <= each <= at for each in again):
                continue
            if (why := _why_not_adopted(facts, account, was, now, at)) is not None:
                yield f"{now} got account {account} of {was} at {at}: {why}"


def _why_not_adopted(facts: Facts, account: str, was: str, now: str, at: datetime) -> str | None:
    policy = facts.moment_at(at).settings.adoptions
    if _same(facts, was, now, at) or policy == "always adopt":
        return None
    persons = facts.persons_of.get(now, set())
    plans = (held for held in facts.seen.held if any(c.adopts == account and c.person in persons for c in held.changes))
    approved = any(move.state == "approved" and move.at <= at for held in plans for move in held.moves)
    if policy == "hold" and approved:
        return None
    return "the store never lets it be adopted" if policy == "never" else "no administrator agreed to it"


def _same(facts: Facts, was: str, now: str, at: datetime) -> bool:
    people = facts.moment_at(at).people
    if was == now or was not in people or now not in people:
        return was == now
    only_pushed = not any(link.object == was for link in facts.seen.links if link.at <= at)
    return is_same_person(people[was], people[now], only_pushed=only_pushed)


def _passwords(facts: Facts) -> Iterator[str]:
    asked = any(each.kind == "password" for each in facts.seen.decisions)
    sets: dict[str, list[tuple[datetime, str]]] = {}
    for each in facts.seen.passwords:
        sets.setdefault(each.account, []).append((each.at, each.password))
        made = next(iter(facts.changes.get(each.account, [])), None)
        if made is not None and made.by == "hand" and not asked:
            yield f"Account {each.account}, made by hand at {made.at}, got a password at {each.at}"
    mailed: dict[str, list[PasswordMailed]] = {}
    whose = {text: account for account, of in sets.items() for _, text in of}
    for mail in facts.seen.mails:
        if (account := whose.get(mail.password)) is None:
            yield f"A mail to {', '.join(mail.to)} at {mail.at} has a password that no account ever had"
            continue
        mailed.setdefault(account, []).append(mail)
        yield from _addressed(facts, mail, account)
    for account, mails in mailed.items():
        yield from _valid(facts, account, mails, *sets[account][-1])


def _valid(facts: Facts, account: str, mails: list[PasswordMailed], at: datetime, valid: str) -> Iterator[str]:
    """Of the passwords mailed of one account one is valid, the last. ``at``, ``valid``: the password that it has."""
    texts = [mail.password for mail in mails]
    if len(set(texts)) < len(texts):
        yield f"One password of account {account} was mailed twice, the last time at {mails[-1].at}"
    there = facts.seen.accounts.get(account)
    if texts[-1] == valid or there is None or not there.active or facts.seen.now - at <= MAIL_IS_TRIED_FOR:
        return
    told = any(line.kind == "one-time password not mailed" and line.at >= at for line in facts.seen.lines)
    if not told:
        yield f"The last password mailed of account {account}, at {mails[-1].at}, is not the one set at {at}"


def _addressed(facts: Facts, mail: PasswordMailed, account: str) -> Iterator[str]:
    settings = facts.moment_at(mail.at).settings
    owner = next((each.object for each in facts.owners.get(account, []) if each.object), None)
    persons = (moment.people.get(owner or "") for moment in facts.seen.moments)
    own = {address for person in persons if person and (address := person.attributes.get("mail"))}
    if wrong := set(mail.to) - own - settings.admins:
        yield f"The password of account {account} of {owner} was mailed to {', '.join(sorted(wrong))} at {mail.at}"


def nobody_else_is_touched(facts: Facts) -> Iterator[str]:
    """(e) No account is touched that nobody manages: neither itself, nor as a member of a group."""
    for change in facts.seen.changes:
        if change.by != "bridge" or change.before is None or change.before == change.after:
            continue
        if not _is_managed(facts, change.id, change.at):
            yield f"Account {change.id} was changed by the bridge at {change.at}, and nobody managed it"
    owned = {link.account for link in facts.seen.group_links}
    for group in facts.seen.group_changes:
        if group.by != "bridge" or group.before == group.after:
            continue
        if group.id not in owned and group.before is not None:
            yield f"Group {group.id} was changed by the bridge at {group.at}, and nobody ever managed it"
        yield from _members(facts, group)


def _is_managed(facts: Facts, account: str, at: datetime) -> bool:
    """Whether it was somebody's then, or became somebody's by it: what is adopted is written down after the call."""
    if facts.owner_at(account, at).person is not None:
        return True
    follows = next((owner for owner in facts.owners.get(account, []) if owner.at >= at), None)
    if follows is not None and follows.person is not None:
        return True
    unanswered = (each.at for each in facts.failed.get(account, []) if each.status == 0 and each.at <= at)
    return any(facts.owner_at(account, each).person is not None for each in unanswered)


def _members(facts: Facts, group: Changed[ZohoGroup]) -> Iterator[str]:
    before, after = (there.members if there else frozenset[str]() for there in (group.before, group.after))
    for one in sorted(after - before):
        if not _is_managed(facts, one, group.at):
            yield f"Account {one}, which nobody managed, was put into group {group.id} at {group.at}"
    if group.after is None or facts.moment_at(group.at).settings.exact_members:
        return
    for one in sorted(before - after):
        if one not in facts.owners:
            yield f"Account {one}, which nobody ever managed, was taken out of group {group.id} at {group.at}"
