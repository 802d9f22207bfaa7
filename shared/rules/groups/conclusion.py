"""What the bridge may conclude from a group as Zoho One shows it: the one place that draws such conclusions.

An answer may have been lost, and a refusal may follow a call that succeeded. So each conclusion is drawn from three
sources at once: the group's row, the calls without a known answer (stored in the pending change), and what Zoho One
shows. The cases are a table in tests/rules/groups/test_conclusion.py.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime

from shared.rules.groups.group import Group, GroupDrift, GroupPendingChange, ZohoGroupRecord
from shared.rules.groups.group_write import GroupWrite
from shared.rules.groups.member_change import MemberChange

BROUGHT_BACK = "Zoho One refused a change that may have taken effect in part; the group is reverted."


@dataclass(frozen=True)
class GroupAccountChange:
    """The accounts to add to a group in Zoho One and to remove from it."""

    joining: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.joining) + len(self.leaving)


NOBODY = GroupAccountChange()


@dataclass(frozen=True)
class InZohoOne:
    """A group as Zoho One shows it."""

    record: ZohoGroupRecord
    members: frozenset[str] = frozenset()
    is_whole: bool = True
    """Whether these are all its members; otherwise nothing follows for one who is not shown."""


@dataclass(frozen=True)
class Conclusion:
    """What is known of the group in Zoho One, and the membership changes that remain to be sent."""

    account: ZohoGroupRecord | None
    """None: there is no such group, so one is created."""
    to_send: GroupAccountChange = field(default_factory=GroupAccountChange)
    before: GroupAccountChange = field(default_factory=GroupAccountChange)
    """What an earlier try sent to Zoho One, whose answer was lost."""


def conclude(
    group: Group,
    shown: InZohoOne | None,
    sent: GroupAccountChange,
    everybody: Iterable[str] = (),
    changing: GroupAccountChange = NOBODY,
) -> Conclusion:
    """Return what is true in Zoho One, and what remains to be sent.

    ``sent``: the changes wanted now, together with everything sent without a known answer. ``everybody``: the accounts
    of all members, for a group that is new to the bridge. Somebody who should be a member is never removed, whatever
    ``sent`` says; and of the members in Zoho One only those named in ``sent`` are removed. ``changing``: those of
    ``sent`` that Zoho One's last confirmation showed otherwise.
    """
    if shown is None:
        return Conclusion(None, GroupAccountChange(tuple(dict.fromkeys((*everybody, *sent.joining)))))
    account, is_known = link(group, shown.record), group.account is not None and group.account.id == shown.record.id
    wanted = sent.joining if is_known else tuple(dict.fromkeys((*everybody, *sent.joining)))
    joining = tuple(one for one in wanted if one not in shown.members)
    gone = dict.fromkeys(one for one in sent.leaving if one not in wanted)
    leaving = tuple(one for one in gone if one in shown.members or not shown.is_whole)
    is_made = not is_known and not account.adopted
    joined = wanted if is_made else changing.joining
    left = [one for one in changing.leaving if one not in shown.members and one not in wanted]
    left = left if is_known and shown.is_whole else []
    before = GroupAccountChange(tuple(one for one in joined if one in shown.members), tuple(left))
    return Conclusion(account, GroupAccountChange(joining, leaving), before)


def link(group: Group, shown: ZohoGroupRecord) -> ZohoGroupRecord:
    """Return the group in Zoho One as this group's own, with whether the bridge created it or adopted it.

    The id identifies it if known; its name may be the one that the bridge was renaming it to. The name decides only for
    a group seen for the first time: the bridge created it if Zoho One had no group of that name when the bridge first
    asked for one.
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
    """Return the combined change of a write and an earlier, unconfirmed change, relative to the confirmed state.

    Also returned are the members to send to Zoho One again, and the rows to correct. ``confirmed``: the people named
    in either who were members when Zoho One last confirmed.
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
    """Return the pending change that remains after Zoho One refused one and the rows were reverted; None: nothing.

    A refusal says that the refused call did nothing. It says nothing about an earlier, unanswered attempt, nor about
    the preceding calls of the same change: their effects are looked up and reverted. ``sent``: the number of members
    that the change contained. ``certain``: no earlier attempt is unanswered.
    """
    pending = group.pending
    assert pending is not None  # a refused change is pending
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
    """Return what somebody changed in Zoho One; None: nothing, or unknown while an answer is missing.

    ``members``: what Entra says, by the bridge's ids. ``accounts``: the accounts of the people who are members both in
    Zoho One and in Entra. ``exact``: foreign members count as drift.
    """
    if group.account is None or group.pending is not None:
        return None
    if shown is None:
        return GroupDrift(None, told="deleted there")
    wanted = {accounts[one]: one for one in members if one in accounts}
    unseen = sorted(person for account, person in wanted.items() if account not in shown.members)
    missing = tuple(unseen) if shown.is_whole else ()
    foreign = tuple(sorted(shown.members - wanted.keys())) if exact else ()
    changed = [str(change.field) for change in group.account.holds.changes_from(shown.record.holds)]
    changed += [f"{len(missing)} members removed"] if missing else []
    changed += [f"{len(foreign)} members added"] if foreign else []
    if not changed:
        return None
    actual = group.account.model_copy(update={"holds": shown.record.holds})
    return GroupDrift(actual, missing, foreign, f"changed there: {', '.join(changed)}")
