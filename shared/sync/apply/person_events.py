"""What a person's history says of a change that Zoho One confirmed."""

from datetime import datetime

from shared.rules.account_seen import done_since
from shared.rules.change import Change, ChangeKind, plan_change
from shared.rules.former import Adoption
from shared.rules.history import Event, EventKind
from shared.rules.identity import Identity
from shared.rules.mail.password import PasswordNotice, notice_for
from shared.rules.matching import BEGUN
from shared.rules.store import Store
from shared.sync.apply.accounts import Outcome, adoption_by
from shared.sync.apply.settlement import EVENTS


def confirmation(
    store: Store, identity: Identity, outcome: Outcome, now: datetime, planned: Adoption | None = None
) -> Event:
    """The line for a change, as it was pending in ``identity``. ``planned``: the account that a plan let it adopt."""
    assert identity.pending is not None  # what was confirmed was pending
    change, reason = _confirmed(identity, outcome), identity.pending.reason
    kind = EVENTS[change.kind]
    # In the place of one that is gone: what an earlier try made, whose answer was lost, holds what it should.
    made = outcome.adopted and identity.account is not None and outcome.change.kind is ChangeKind.NOTHING
    made = made and bool(identity.pending.sent)
    if (
        outcome.record
        or _was_there(identity, outcome, planned)
        or (outcome.adopted and not identity.pending.password_due and not made)
    ):
        kind = EventKind.ADOPTED
        if (adoption := planned or adoption_by(identity, outcome.record)) is not None:
            reason = f"{reason} {adoption.reason}"
    elif outcome.account is not None and (identity.account is None or identity.account.id != outcome.account.id):
        # Perhaps by an earlier try whose answer was lost: whatever it holds came with the bridge. Or the account was
        # deleted in Zoho One while a change was pending, and this is another one.
        kind, change = EventKind.CREATED, plan_change(None, outcome.account.holds)
        if identity.account is None and store.password_notification.password_notification is not PasswordNotice.NOBODY:
            notice = notice_for(store.password_notification, outcome.account.holds, identity.said.source)
            reason = f"{reason} {notice.reason}"
    return Event(at=now, kind=kind, reason=_reason(outcome, reason), fields=change.fields)


def _was_there(identity: Identity, outcome: Outcome, planned: Adoption | None) -> bool:
    """Whether a plan let the account be adopted, and no earlier try can have made it."""
    mark = identity.pending
    if mark is None or identity.account is not None or outcome.account is None or mark.adopts != outcome.account.id:
        return False
    return planned is None or not mark.sent or planned.rule == BEGUN


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
