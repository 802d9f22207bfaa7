"""What a group's history says of a change that Zoho One confirmed."""

from collections.abc import Mapping
from datetime import datetime

from shared.rules.groups.group import Group
from shared.rules.groups.group_write import SLICE
from shared.rules.history import Event, EventKind
from shared.sync.apply.member_accounts import MemberAccount
from shared.sync.apply.settlement import EVENTS
from shared.sync.apply.zoho_groups import GroupOutcome


def confirmation(
    group: Group,
    outcome: GroupOutcome,
    people: Mapping[str, MemberAccount],
    remade: Mapping[str, str],
    now: datetime,
) -> Event:
    """The line for a change, as it was pending in ``group``.

    ``people``: the members that the change names. ``remade``: members by their accounts, of a group that was created
    again with all of them.
    """
    assert group.pending is not None  # what was confirmed was pending
    kind = EventKind.ADOPTED if outcome.adopted else EVENTS[outcome.kind]
    whose = dict(remade) if len(remade) <= SLICE else {}  # more do not fit into a row
    whose |= {known.account: person for person, known in people.items() if known.account}
    whose |= {account: person for person, account in group.pending.accounts.items()}
    refused = "".join(f" Zoho One refused a member: {reason}" for reason in sorted(set(outcome.refused.values())))
    return Event(
        at=now,
        kind=kind,
        reason=group.pending.reason + refused,
        fields=outcome.fields,
        joined=tuple(whose[one] for one in outcome.told.joining if one in whose),
        left=tuple(whose[one] for one in outcome.told.leaving if one in whose),
        waiting=tuple(one for one in group.pending.members.joining if one not in people or not people[one].joins),
    )
