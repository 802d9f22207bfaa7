"""What the bridge may conclude from what Zoho One shows of a group: the one place that draws such conclusions.

An answer may have been lost, and a refusal may follow a call that came through. So each conclusion is drawn from three
things at once: the group's row, what was sent and has no known answer (it stays in the mark), and what Zoho One shows.
The cases are a table in tests/rules/groups/test_conclusion.py.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime

from shared.rules.groups.group import Group, GroupDrift, GroupPendingChange, ZohoGroupRecord
from shared.rules.groups.group_write import GroupWrite
from shared.rules.groups.member_change import MemberChange

BROUGHT_BACK = "Zoho One refused a change that may have come through in part; the group is brought back."


@dataclass(frozen=True)
class Told:
    """The accounts that Zoho One is told to take into a group and to take out of it."""

    joining: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.joining) + len(self.leaving)


NOBODY = Told()


@dataclass(frozen=True)
class InZohoOne:
    """A group as Zoho One shows it."""

    record: ZohoGroupRecord
    members: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Conclusion:
    """What is known of Zoho One's group, and what of its members is left to tell."""

    account: ZohoGroupRecord | None
    """None: there is none, so that one is made."""
    told: Told = field(default_factory=Told)
    before: Told = field(default_factory=Told)
    """What an earlier try has told Zoho One, whose answer was lost."""


def conclude(
    group: Group, shown: InZohoOne | None, told: Told, everybody: Iterable[str] = (), changing: Told = NOBODY
) -> Conclusion:
    """What is so in Zoho One, and what is not yet.

    ``told``: what is asked for now, with all that was sent and has no known answer. ``everybody``: the accounts of all
    members, for a group that is new to the bridge. A person who should be a member never leaves, whatever named them;
    and of the members that Zoho One shows, only those named in ``told`` leave. ``changing``: those of ``told`` for whom
    it was otherwise when Zoho One confirmed last.
    """
    if shown is None:
        return Conclusion(None, Told(tuple(dict.fromkeys((*everybody, *told.joining)))))
    account, is_known = link(group, shown.record), group.account is not None and group.account.id == shown.record.id
    wanted = told.joining if is_known else tuple(dict.fromkeys((*everybody, *told.joining)))
    outside = shown.members.difference(wanted)
    joining = tuple(one for one in wanted if one not in shown.members)
    leaving = tuple(one for one in dict.fromkeys(told.leaving) if one in outside)
    is_made = not is_known and not account.adopted
    joined = wanted if is_made else changing.joining
    left = [one for one in changing.leaving if one not in shown.members and one not in wanted] if is_known else []
    before = Told(tuple(one for one in joined if one in shown.members), tuple(left))
    return Conclusion(account, Told(joining, leaving), before)


def link(group: Group, shown: ZohoGroupRecord) -> ZohoGroupRecord:
    """A group in Zoho One as this group's own: whether the bridge made it, or it was there before.

    Which one it is, its id says where that is known; what it is called may be what the bridge was just renaming it to.
    The name decides only for a group that is seen for the first time: it is the bridge's where Zoho One had none of
    that name when the bridge first asked for one to be made.
    """
    pending = group.pending
    known = [record for record in (group.account, pending.found if pending else None) if record is not None]
    for record in known:
        if record.id == shown.id:
            return shown.model_copy(update={"adopted": record.adopted})
    made = pending is not None and shown.holds.display_name in pending.attempted
    return shown.model_copy(update={"adopted": not made})


def on_top(
    earlier: GroupPendingChange, write: GroupWrite, confirmed: Set[str]
) -> tuple[MemberChange, MemberChange, MemberChange]:
    """A write on top of a change that may have come through or not: what both make of what was confirmed last.

    With it, the members that Zoho One has to be told of again, and the rows to put right. ``confirmed``: of the people
    who are named, the members when Zoho One confirmed last.
    """
    named = MemberChange().then(earlier.members.joining, earlier.members.leaving)
    both = named.then(write.change.joining, write.change.leaving)
    exact = both.among(confirmed)
    told = earlier.again.then(write.again.joining, write.again.leaving).then(both.joining, both.leaving)
    settled, joining = set(exact.everybody), set(told.joining)
    rest = [one for one in told.everybody if one not in settled]
    left_over = MemberChange(
        joining=tuple(one for one in rest if one in joining),
        leaving=tuple(one for one in rest if one not in joining),
    )
    return exact, left_over, both


def after_refusal(group: Group, sent: int, now: datetime, *, certain: bool) -> GroupPendingChange | None:
    """What stays to be told after Zoho One refused a change, and the rows were put back; None: nothing.

    A refusal says that the call it answers did nothing. It says nothing of an earlier try without an answer, nor of
    those calls of the same change that came before it: what they did is looked for, and taken back.

    ``sent``: how many members the change named. ``certain``: no earlier try was open.
    """
    pending = group.pending
    assert pending is not None  # it was refused
    if group.account is None or (certain and sent <= 1):
        return None
    back = pending.again.then(pending.members.leaving, pending.members.joining)
    return GroupPendingChange(
        reason=BROUGHT_BACK,
        before=pending.before,
        again=back,
        accounts=pending.accounts,
        attempted=pending.attempted,
        found=pending.found,
        lease_ends=now,
    )


def drift_of(
    group: Group, members: Iterable[str], accounts: Mapping[str, str], shown: InZohoOne | None, *, exact: bool
) -> GroupDrift | None:
    """What somebody changed in Zoho One; None: nothing, or it cannot be told while an answer is open.

    ``members``: what Entra says, by the bridge's ids. ``accounts``: the people who are members in Zoho One of what they
    are members of in Entra, each with their account. ``exact``: foreign members count.
    """
    if group.account is None or group.pending is not None:
        return None
    if shown is None:
        return GroupDrift(None, told="deleted there")
    wanted = {accounts[one]: one for one in members if one in accounts}
    missing = tuple(sorted(person for account, person in wanted.items() if account not in shown.members))
    foreign = tuple(sorted(shown.members - wanted.keys())) if exact else ()
    told = [str(change.field) for change in group.account.holds.changes_from(shown.record.holds)]
    told += [f"{len(missing)} members taken out"] if missing else []
    told += [f"{len(foreign)} members put in"] if foreign else []
    if not told:
        return None
    actual = group.account.model_copy(update={"holds": shown.record.holds})
    return GroupDrift(actual, missing, foreign, f"changed there: {', '.join(told)}")
