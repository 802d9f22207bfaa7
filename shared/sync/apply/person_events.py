"""What a person's history says of a change that Zoho One confirmed."""

from datetime import datetime

from shared.rules.account_seen import done_since
from shared.rules.change import Change, ChangeKind, plan_change
from shared.rules.history import Event, EventKind
from shared.rules.identity import Identity
from shared.rules.mail.password import PasswordNotice, notice_for
from shared.rules.store import Store
from shared.sync.apply.accounts import Outcome, adoption_by
from shared.sync.apply.settlement import EVENTS


def confirmation(store: Store, identity: Identity, outcome: Outcome, now: datetime) -> Event:
    """The line for a change, as it was pending in ``identity``."""
    assert identity.pending is not None  # what was confirmed was pending
    change, reason = _confirmed(identity, outcome), identity.pending.reason
    kind = EVENTS[change.kind]
    # In the place of one that is gone: what an earlier try made, whose answer was lost, holds what it should.
    made = outcome.adopted and identity.account is not None and outcome.change.kind is ChangeKind.NOTHING
    made = made and bool(identity.pending.sent)
    if outcome.record or (outcome.adopted and not identity.pending.password_due and not made):
        kind = EventKind.ADOPTED
        if (adoption := adoption_by(identity, outcome.record)) is not None:
            reason = f"{reason} {adoption.reason}"
    elif outcome.account is not None and (identity.account is None or identity.account.id != outcome.account.id):
        # Perhaps by an earlier try whose answer was lost: whatever it holds came with the bridge.
        kind, change = EventKind.CREATED, plan_change(None, outcome.account.holds)
        if store.password_notification.password_notification is not PasswordNotice.NOBODY:
            notice = notice_for(store.password_notification, outcome.account.holds, identity.said.source)
            reason = f"{reason} {notice.reason}"
    return Event(at=now, kind=kind, reason=_reason(outcome, reason), fields=change.fields)


def _confirmed(identity: Identity, outcome: Outcome) -> Change:
    """What Zoho One has done since it last confirmed anything: now, or at an earlier call whose answer was lost."""
    if identity.pending is None or (outcome.instead and outcome.change.kind is ChangeKind.NOTHING):
        return outcome.change
    sent = identity.pending.sent or ()
    return done_since(identity.account, sent, outcome.change, outcome.account, identity.said.desired)


def _reason(outcome: Outcome, reason: str) -> str:
    """Why the change was made, or why another was, or none."""
    if outcome.instead is None:
        return reason
    return outcome.instead if outcome.change.kind is ChangeKind.NOTHING else f"{reason} {outcome.instead}"
