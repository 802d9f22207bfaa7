"""From a pending mark to what Zoho One confirmed: the one way for push and cycle alike.

Whoever comes here holds the lease in the mark. Zoho One is called; then one transaction writes what it confirmed, with
the history, and takes the mark away.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.logging import logged_with
from shared.mail.password_mail import PasswordMails
from shared.rules.account_seen import done_before
from shared.rules.change import Change, ChangeKind, plan_change
from shared.rules.history import Event, EventKind
from shared.rules.identity import Account, Identity, PendingChange, Sent, SourceState
from shared.rules.mail.due import MailDue
from shared.rules.mail.password import NoNotice, Notice, PasswordNotice, new_password, notice_for
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoField, ZohoUser
from shared.sync.apply.accounts import AccountWriter, Found, Outcome, adoption_by
from shared.sync.apply.memberships import Memberships
from shared.sync.errors import HeldBack, Refused
from shared.tables.errors import Conflict
from shared.tables.identities import Identities
from shared.tables.identity_rows import Stored, StoredMembershipUpdate
from shared.tables.recent_deprovisionings import DeprovisioningCounts
from shared.tables.store_rows import Operation
from shared.zoho.errors import ZohoBusy, ZohoCredentials, ZohoRefused

EVENTS = {
    ChangeKind.NOTHING: EventKind.RECORDED,
    ChangeKind.CREATE: EventKind.CREATED,
    ChangeKind.UPDATE: EventKind.UPDATED,
    ChangeKind.DEACTIVATE: EventKind.DEACTIVATED,
    ChangeKind.REACTIVATE: EventKind.REACTIVATED,
    ChangeKind.DELETE: EventKind.DELETED,
}


@dataclass(frozen=True)
class Settlement:
    """Finishes what is pending. Raises TablesBusy, and Stale where the lease ended and somebody else wrote."""

    identities: Identities
    apply: AccountWriter
    now: Callable[[], datetime]
    passwords: PasswordMails
    memberships: Memberships
    spread: Callable[[], float]
    """A number from 0 to 1, by chance."""
    leavings: DeprovisioningCounts

    def leased(
        self, store: Store, said: SourceState, account: Account | None, mark: PendingChange, lasts: timedelta
    ) -> PendingChange:
        """The mark with a lease on it, for a writer who is about to call Zoho One, and with what is about to be sent.

        ``mark``: of the try before, with what that one sent.
        A one-time password comes with a creation that is due one; then Zoho One is asked whether it has the account
        already: one that is found after a crash, when it had none before, is the bridge's own, and only such a one may
        be given a password. Raises ZohoBusy and ZohoCredentials.
        """
        attempted, password_due = mark.attempted, mark.password_due
        if account is None:
            names = (said.desired.user_name,) if isinstance(said.desired, ZohoUser) else ()
            attempted = tuple(dict.fromkeys((*attempted, *names)))
            password_due = password_due or self._brings_password(store, said, attempted)
        lease = {"writer": secrets.token_hex(8), "lease_ends": self.now() + lasts, "begun": True}
        went_out = {"sent": mark.sent_before(said), "sending": Sent.of(said.desired)}
        return mark.model_copy(update=lease | went_out | {"attempted": attempted, "password_due": password_due})

    def finish(self, store: Store, stored: Stored, *, certain: bool) -> Identity:
        """Call Zoho One for a pending identity whose lease is ours, and write what came of it.

        ``certain``: Zoho One cannot have heard of this change before. Raises Refused, and ZohoBusy, ZohoCredentials and
        HeldBack, after which it stays pending and the lease is given back.
        """
        identity = stored.identity
        assert identity.pending is not None  # every caller has just written it
        found, heard = Found(identity.account, None) if identity.account else None, False
        password = new_password(store.password_notification, secrets.choice) if identity.pending.password_due else None
        try:
            with logged_with(person=identity.id):
                found = found if certain else self.apply.look(store, identity, identity.pending.sent or ())
                heard = True
                outcome = self.apply.apply(store, identity, found, password)
        except ZohoRefused as refusal:
            self._go_back(store, stored, found, refusal)
            raise Refused(f"Zoho One refused: {refusal}") from refusal
        except (ZohoBusy, ZohoCredentials, HeldBack) as failure:
            self.give_back(store, stored, str(failure), heard=heard)
            raise
        event = self._event_of(store, identity, outcome)
        settled = identity.settled(outcome.account)
        if outcome.instead and outcome.account:
            # What it holds is what it should hold, or each write would try again.
            said = identity.said.model_copy(update={"desired": outcome.account.holds})
            settled = settled.model_copy(update={"said": said})
        if identity.is_going:
            left = Found(outcome.account, outcome.record) if outcome.account else None
            self.remove(store, stored, left, event, outcome.account)
            return settled
        mail = self._mail_due(store, identity, outcome)
        arrived = _may_be_awaited(store, identity, outcome)
        membership_update = self.memberships.due(store, identity, outcome.account, event.reason, sure=certain)
        try:
            written = self.identities.write(
                store.id,
                stored,
                settled,
                event,
                outcome.record,
                mail,
                arrived=arrived,
                membership_update=membership_update,
            )
        except Conflict:
            another = ZohoRefused("The Zoho One account belongs to another person")
            self._go_back(store, stored, Found(identity.account, None) if identity.account else None, another)
            raise Refused(f"Zoho One refused: {another}") from another
        if mail is not None:
            was_set = outcome.change.kind is ChangeKind.CREATE
            self.passwords.after_creation(store, written, password if was_set else None)
        if outcome.record is not None and outcome.record.holder is not None:
            self.memberships.accounts.learned(store.id, outcome.record.holder.identity.id, None)
        self.memberships.follow(store, written.membership_update)
        return written.identity

    def give_back(self, store: Store, stored: Stored, failure: str, *, heard: bool = True) -> None:
        """Give the lease back, so that the next try need not wait for its end.

        ``heard``: whether Zoho One may have heard of the change in this try.
        """
        pending = stored.identity.pending
        assert pending is not None  # it holds the lease
        if not heard:
            pending = pending.model_copy(update={"sending": None})
        self.identities.write(store.id, stored, stored.identity.model_copy(update={"pending": pending.busy(failure)}))

    def let_go(self, store: Store, stored: Stored, reason: str) -> None:
        """Forget a person whose account stays as it is. Raises ZohoBusy and ZohoCredentials."""
        identity = stored.identity
        found = Found(identity.account, None) if identity.account else None
        if identity.pending is not None and identity.pending.begun:
            found = self.apply.look(store, identity, identity.sent)  # an earlier try may have made an account
        self.remove(store, stored, found, self.event(EventKind.LET_GO, reason))

    def remove(
        self, store: Store, stored: Stored, left: Found | None, event: Event, out_of_groups: Account | None = None
    ) -> None:
        """Take the identity away, with a note of the account that it leaves behind, and let the groups follow.

        ``out_of_groups``: the account that has to leave the groups in Zoho One; one that is let go stays in them.
        """
        account, record = (left.account, left.record) if left else (None, None)
        membership_update = self.memberships.due_for_gone(store, stored.identity, out_of_groups, event.reason)
        notes: list[StoredMembershipUpdate | None] = []

        def transact(count: Operation | None) -> str:
            note, etag = self.identities.remove(store.id, stored, account, event, record, membership_update, count)
            notes.append(note)
            return etag

        self.leavings.unmanage(store.id, stored.identity, transact)
        self.memberships.follow(store, notes[-1])

    def event(self, kind: EventKind, reason: str) -> Event:
        """A line of the history, as of now."""
        return Event(at=self.now(), kind=kind, reason=reason)

    def _brings_password(self, store: Store, said: SourceState, attempted: tuple[str, ...]) -> bool:
        if not isinstance(said.desired, ZohoUser) or not said.desired.active:
            return False
        if isinstance(notice_for(store.password_notification, said.desired, said.source), NoNotice):
            return False
        return not any(self.apply.is_taken(store, name) for name in attempted)

    def _mail_due(self, store: Store, identity: Identity, outcome: Outcome) -> MailDue | None:
        """What the person is due from the moment on in which his account is known to be there."""
        if outcome.account is None:
            return None
        notice = notice_for(store.password_notification, outcome.account.holds, identity.said.source)
        made = outcome.change.kind is ChangeKind.CREATE and isinstance(notice, Notice)
        due = made or (identity.pending is not None and identity.pending.password_due)
        return self.passwords.begun(notice.reason) if due else None

    def _go_back(self, store: Store, stored: Stored, found: Found | None, refusal: ZohoRefused) -> None:
        """Undo the push that Zoho One refused: a creation leaves nothing behind, an update what was there before.

        An account that an earlier try made is not deleted; it is noted as left behind, for the next creation to take.
        Whom Graph has named is not forgotten, since Graph does not name him again: he stays pending.
        """
        identity = stored.identity
        assert identity.pending is not None  # see finish
        if identity.object_id is not None:
            self._keep(store, stored, str(refusal))
            return
        before, event = identity.pending.before, self.event(EventKind.REFUSED, str(refusal))
        if before is None:
            self.remove(store, stored, found, event)
        else:
            account = found.account if found else None
            record = found.record if found else None
            back = identity.model_copy(update={"said": before, "account": account, "pending": None})
            self.identities.write(store.id, stored, back, event, record)

    def _keep(self, store: Store, stored: Stored, refusal: str) -> None:
        """Try again later what was refused; the history tells it once, and once more when he is parked."""
        pending = stored.identity.pending
        assert pending is not None  # see finish
        after, event = pending.refused(refusal, self.now(), self.spread()), None
        if after.is_parked and not pending.is_parked:
            event = self.event(EventKind.PARKED, f"Refused {after.refusals} times, now tried once a day: {refusal}")
        elif refusal != pending.failure:
            event = self.event(EventKind.REFUSED, refusal)
        self.identities.write(store.id, stored, stored.identity.model_copy(update={"pending": after}), event)

    def _event_of(self, store: Store, identity: Identity, outcome: Outcome) -> Event:
        assert identity.pending is not None  # what was confirmed was pending
        change, reason = _confirmed(identity, outcome), identity.pending.reason
        kind = EVENTS[change.kind]
        if outcome.record or (outcome.adopted and not identity.pending.password_due):
            kind = EventKind.ADOPTED
            if (adoption := adoption_by(identity, outcome.record)) is not None:
                reason = f"{reason} {adoption.reason}"
        elif identity.account is None and outcome.account is not None:
            # Perhaps by an earlier try whose answer was lost: whatever it holds came with the bridge.
            kind, change = EventKind.CREATED, plan_change(None, outcome.account.holds)
            if store.password_notification.password_notification is not PasswordNotice.NOBODY:
                notice = notice_for(store.password_notification, outcome.account.holds, identity.said.source)
                reason = f"{reason} {notice.reason}"
        return Event(at=self.now(), kind=kind, reason=_reason(outcome, reason), fields=change.fields)


def _confirmed(identity: Identity, outcome: Outcome) -> Change:
    """What Zoho One has done since it last confirmed anything: now, or at an earlier call whose answer was lost."""
    if outcome.change.kind is not ChangeKind.NOTHING or outcome.instead or identity.pending is None:
        return outcome.change
    return done_before(identity.account, identity.pending.sent or (), outcome.account, identity.said.desired)


def _may_be_awaited(store: Store, identity: Identity, outcome: Outcome) -> bool:
    """Whether this account is new, so that whoever has this manager has to hear of it."""
    before = identity.account.id if identity.account else None
    new = outcome.account is not None and outcome.account.id != before
    return new and ZohoField.MANAGER in store.zoho.paths


def _reason(outcome: Outcome, reason: str) -> str:
    """Why the change was made, or why another was, or none."""
    if outcome.instead is None:
        return reason
    return outcome.instead if outcome.change.kind is ChangeKind.NOTHING else f"{reason} {outcome.instead}"
