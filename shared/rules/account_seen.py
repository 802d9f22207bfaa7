"""Conclusions about who did what, drawn from an account as Zoho One shows it: the one place that draws them.

Each is drawn from the row, from the calls without an answer, and from what Zoho One shows now. While a call of the
bridge is unanswered, its possible effect is never attributed to somebody else.

=====================  ==========================  ==================  ======================================
the row says           sent and unanswered         Zoho One shows      conclusion
=====================  ==========================  ==================  ======================================
anything               anything                    active              nobody deactivated it
active, or no account  inactive                    inactive            the bridge deactivated it
active                 not inactive                inactive            somebody in Zoho One deactivated it
no account             not inactive                inactive, of a      same as when that person was deleted
                                                   deleted person
no account             not inactive                inactive            somebody in Zoho One deactivated it
inactive by bridge     anything                    inactive            the bridge deactivated it
inactive by hand       not inactive                inactive            somebody in Zoho One deactivated it
inactive by hand       inactive                    inactive            the bridge did, after restoring it
anything               anything at all             other values        none: the values may be the bridge's
an account             nothing                     other values        somebody in Zoho One changed it
an account             the desired state           the desired state   an earlier call of the bridge did it
an account             other state, or nothing     the desired state   it was so before
an account             something                   other values        after the next call: all that differs from the
                                                                       row is the bridge's, one change in all
an account             anything                    no account          somebody deleted it; the next one is created
=====================  ==========================  ==================  ======================================
"""

from collections.abc import Collection, Sequence

from shared.rules.change import NO_CHANGE, Change, ChangeKind, plan_change
from shared.rules.history import Event, EventKind
from shared.rules.identity import Account, DoneBy, Sent
from shared.rules.status import LEFT_ALONE
from shared.rules.zoho_user import Desired, ZohoUser, is_same


def noted(known: Account | None, sent: Collection[Sent], seen: Account, left_by: DoneBy | None = None) -> Account:
    """Return the account with a note of who deactivated it, if it is inactive.

    ``left_by``: who deactivated it, if it stayed inactive when its person was deleted.
    """
    return seen.model_copy(update={"deactivated_by": _deactivated_by(known, sent, seen, left_by)})


def changed_there(known: Account, sent: Collection[Sent], seen: Account) -> tuple[str, ...]:
    """Return what somebody changed in Zoho One: fields, and ``active``.

    Values that the bridge never set, such as Zoho One's defaults, are not counted; nor is the letter case of a name or
    an address, which is Zoho One's own.
    """
    if sent:
        return ()
    shown = seen.holds.fields
    fields = tuple(str(each) for each, value in known.holds.fields.items() if not is_same(each, value, shown.get(each)))
    return (*fields, "active") if known.holds.active != seen.holds.active else fields


def done_before(known: Account | None, sent: Collection[Sent], seen: Account | None, desired: Desired) -> Change:
    """Return what an earlier call of the bridge did, if Zoho One already shows the desired state."""
    there = seen is not None or desired == "deleted"
    if known is None or not there or Sent.of(desired) not in sent:
        return NO_CHANGE
    if isinstance(desired, ZohoUser) and seen is not None and seen.holds.active != desired.active:
        return NO_CHANGE
    return plan_change(known.holds, desired)


def done_since(
    known: Account | None, sent: Collection[Sent], change: Change, after: Account | None, desired: Desired
) -> Change:
    """Return what the bridge has done since Zoho One last confirmed anything: this call, after calls without an answer.

    ``change``: this call, whose ``before`` is what Zoho One showed. ``after``: the account after it.
    """
    if known is not None and after is not None and known.id != after.id:
        return change  # that one is gone
    if change.kind is ChangeKind.NOTHING:
        return done_before(known, sent, after, desired)
    by_hand = after is not None and after.deactivated_by == "hand"
    if known is None or not sent or after is None or by_hand:
        return change
    whole = plan_change(known.holds, after.holds)
    told = {each.field for each in whole.fields}
    others = tuple(each for each in change.fields if each.field not in told)
    undone = {ChangeKind.REACTIVATE: Sent.INACTIVE, ChangeKind.DEACTIVATE: Sent.ACTIVE}.get(change.kind)
    kind: ChangeKind = whole.kind
    if known.holds.active == after.holds.active and undone is not None and undone not in sent:
        kind = change.kind  # it undoes what somebody in Zoho One did, not what the bridge did itself
    elif kind is ChangeKind.NOTHING and others:
        kind = ChangeKind.UPDATE
    return Change(kind, (*whole.fields, *others))


def was_wrongly_by_hand(account: Account, desired: Desired, history: Sequence[Event]) -> bool:
    """Return whether an earlier release took an interrupted call of the bridge for a change by hand.

    That release did not store what it had sent. What can still be seen: nobody was seen to deactivate the account,
    neither at its adoption nor in a drift search, but only when the bridge looked after a call without an answer; and
    that call was about nothing else, since all other values are as desired. Two things stay unknown: whether a change
    by hand preceded a call that took effect unanswered, and everything once the history is dropped. ``history``: newest
    first.
    """
    if not isinstance(desired, ZohoUser) or not desired.active:
        return False
    if any(account.holds.fields.get(field) != value for field, value in desired.fields.items()):
        return False
    found = False
    for event in history:
        left_alone = LEFT_ALONE in event.reason
        if event.kind is EventKind.DRIFTED and "active" in event.reason:
            return False
        if event.kind in _CONFIRMED:
            return found and not left_alone
        found = found or (left_alone and event.kind is EventKind.RECORDED)
    return False


_CONFIRMED = frozenset({EventKind.CREATED, EventKind.UPDATED, EventKind.REACTIVATED, EventKind.ADOPTED})
"""After these events the account was known to be active, unless it was left alone."""


def _deactivated_by(
    known: Account | None, sent: Collection[Sent], seen: Account, left_by: DoneBy | None
) -> DoneBy | None:
    if seen.holds.active:
        return None
    if Sent.INACTIVE in sent:
        return "bridge"
    if known is not None and not known.holds.active:
        return known.deactivated_by or "bridge"
    return left_by or "hand"
