"""What a group's history says of a change that Zoho One confirmed."""

from collections.abc import Mapping
from datetime import datetime

from shared.rules.change import ChangeKind
from shared.rules.groups.group import Group
from shared.rules.history import Event, EventKind
from shared.sync.apply.member_accounts import MemberAccount
from shared.sync.apply.settlement import EVENTS
from shared.sync.apply.zoho_groups import GroupOutcome

MOST_TOLD = 2000
"""Members that one line names: a row of Table Storage takes 1 MiB, and a group created again may have 50,000."""


def confirmation(
    group: Group,
    outcome: GroupOutcome,
    people: Mapping[str, MemberAccount],
    others: Mapping[str, str],
    now: datetime,
) -> Event | None:
    """The line for a change, as it was pending in ``group``; None: neither Entra nor Zoho One has anything new.

    ``people``: the members who joined, or whose account came or went. ``others``: all members of a group that is new
    in Zoho One, by their accounts.
    """
    assert group.pending is not None  # what was confirmed was pending
    is_news = bool(group.pending.members) or group.pending.before != group.said
    if outcome.kind is ChangeKind.NOTHING and not outcome.refused and not is_news:
        return None
    kind = EventKind.ADOPTED if outcome.adopted else EVENTS[outcome.kind]
    whose = dict(others) | {known.account: person for person, known in people.items() if known.account}
    whose |= {account: person for person, account in group.pending.accounts.items()}
    refused = "".join(f" Zoho One refused a member: {reason}" for reason in sorted(set(outcome.refused.values())))
    joined = tuple(whose[one] for one in outcome.told.joining if one in whose)
    all_told = f" {len(joined)} members joined; the line names the first." if len(joined) > MOST_TOLD else ""
    return Event(
        at=now,
        kind=kind,
        reason=group.pending.reason + refused + all_told,
        fields=outcome.fields,
        joined=joined[:MOST_TOLD],
        left=tuple(whose[one] for one in outcome.told.leaving if one in whose),
        waiting=tuple(one for one in group.pending.members.joining if one not in people or not people[one].joins),
    )
