"""The life cycle of a person's pending change: what differs from settlement.py beside it, where its steps are."""

import secrets
from dataclasses import dataclass, replace
from typing import ClassVar

from pydantic import SecretStr

from shared.logging import logged_with
from shared.mail.password_mail import PasswordMails
from shared.rules.change import ChangeKind
from shared.rules.former import Adoption, Adoptions, why_not_adopted
from shared.rules.history import Event, EventKind
from shared.rules.identity import Account, Identity, Sent
from shared.rules.mail.due import MailDue
from shared.rules.mail.password import NoNotice, Notice, new_password, notice_for
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoField, ZohoUser
from shared.sync.apply.accounts import UNPLANNED, AccountGone, AccountWriter, Found, Outcome, ensure_planned, waits
from shared.sync.apply.memberships import Memberships
from shared.sync.apply.person_events import confirmation
from shared.sync.apply.settlement import Settlement
from shared.sync.errors import BeingWritten, HeldBack
from shared.sync.guard.admission import Admission
from shared.tables.identities import Identities
from shared.tables.identity_rows import Stored, StoredMembershipUpdate
from shared.tables.recent_deprovisionings import DeprovisioningCounts
from shared.tables.record_table import Operation
from shared.zoho.errors import ZohoRefused

ACTIVE_AGAIN = "Somebody activated the account in Zoho One; the next cycle deactivates it, if the guard lets it."
NOT_AS_PLANNED = "The account in Zoho One is not as it was when the plan was made; the next plan shows what it is now."
UNDONE = "The decision that the account is this person's was undone; the next plan shows what becomes of them."


@dataclass(frozen=True)
class Planned:
    """What a plan said of a person; a push has no plan."""

    adopts: Adoption | None
    """The account that a creation comes upon, as it was when the plan was made."""

    def why_not(self, identity: Identity, found: Found | None, policy: Adoptions) -> str | None:
        """Why what was found is not what was planned of somebody without an account, a sentence, or None."""
        if identity.account is not None:
            return None
        if self.adopts is not None:
            if found is None and (why := why_not_adopted(self.adopts, policy, None)) is not None:
                return why
            is_it = found is not None and found.account.id == self.adopts.account
            is_same = is_it and self.adopts.holds in (None, found.account.holds if found else None)
            return None if is_same else NOT_AS_PLANNED
        own = found is None or found.account.holds == identity.said.desired
        return None if own or (identity.pending is not None and identity.pending.password_due) else UNPLANNED


@dataclass
class PersonTry:
    """One try at a person's pending change, whose lease the caller holds."""

    stored: Stored
    certain: bool
    """Zoho One cannot have heard of this change before."""
    planned: Planned | None = None
    """What may be done, where there is a plan."""
    password: SecretStr | None = None
    """The one-time password of a creation."""
    found: Found | None = None
    """What Zoho One was found to hold."""
    drifted: Account | None = None
    """The account that was found active, where nobody has judged its deactivation."""
    heard: bool = False
    """Zoho One may have heard of the change in this try."""
    gone: bool = False
    """Zoho One was found not to have the account any more."""


@dataclass(frozen=True, kw_only=True)
class PersonSettlement(Settlement[PersonTry, Outcome, Stored]):
    """Settles people's changes: marks and leases them, calls Zoho One, and writes what came of it."""

    OF_ANOTHER: ClassVar[str] = "The Zoho One account belongs to another person"

    identities: Identities
    accounts: AccountWriter
    admission: Admission
    passwords: PasswordMails
    memberships: Memberships
    deprovisionings: DeprovisioningCounts

    def leased(self, store: Store, identity: Identity) -> Identity:
        """A person with a lease in their pending change, for a writer who is about to call Zoho One; not yet written.

        The change notes what is about to be sent, beside what earlier tries sent. A one-time password comes with a
        creation that is due one; then Zoho One is asked whether it has the account already: one that is found after a
        crash, when it had none before, is the bridge's own, and only such an account may be given a password. Raises
        ZohoBusy and ZohoCredentials.
        """
        said, change = identity.said, identity.pending
        assert change is not None  # every caller has one
        attempted, password_due = change.attempted, change.password_due
        if identity.account is None:
            names = (said.desired.user_name,) if isinstance(said.desired, ZohoUser) else ()
            attempted = tuple(dict.fromkeys((*attempted, *names)))
            password_due = password_due or self._brings_password(store, identity, attempted)
        sent = {"sent": change.sent_before(said), "sending": Sent.of(said.desired), "begun": True}
        due = {"attempted": attempted, "password_due": password_due}
        return identity.model_copy(update={"pending": self._leased(change).model_copy(update=sent | due)})

    def mark(self, store: Store, stored: Stored | None, after: Identity) -> Stored:
        """Write a person with a pending change and its lease, for a push. Raises Stale, Conflict and HeldBack."""
        return self.admission.write(store, stored, self.leased(store, after))

    def settle(self, store: Store, stored: Stored, *, certain: bool, planned: Planned | None = None) -> Identity:
        """Take a change, whose lease the caller holds, to Zoho One. ``certain``, ``planned``: as of PersonTry.

        Raises HeldBack where Zoho One has an account that the plan did not say, or not like this: the next plan does.
        """
        identity = stored.identity
        assert identity.pending is not None  # every caller has just written it
        password = new_password(store.password_notification, secrets.choice) if identity.pending.password_due else None
        found = Found(identity.account, None) if identity.account else None
        return self._settle(store, PersonTry(stored, certain, planned, password, found)).identity

    def settle_pending(self, store: Store, stored: Stored, planned: Planned) -> Identity:
        """Lease and settle what is pending of one person, now. Raises BeingWritten and HeldBack."""
        assert stored.identity.pending is not None  # the caller has seen it
        self.ensure_free(stored.identity)
        leased = self.leased(store, stored.identity)
        if planned.adopts is not None and not planned.adopts.another:
            leased = leased.adopting(planned.adopts.account)
        began = self.admission.begin(store, [(stored, leased)])
        if not began.leased:
            raise HeldBack(began.held) if began.held else BeingWritten(self.now())
        certain = not stored.identity.pending.begun and planned.adopts is None
        return self.settle(store, began.leased[0], certain=certain, planned=planned)

    def give_back(self, store: Store, stored: Stored, failure: str) -> None:
        """Give a lease back that was taken for nothing: Zoho One has not heard of the change in this try."""
        self._give_back(store, PersonTry(stored, certain=False), failure)

    def unmanage(self, store: Store, stored: Stored, reason: str, *, unverified: bool = False) -> None:
        """Stop managing a person; the account stays as it is. Raises ZohoBusy and ZohoCredentials.

        ``unverified``: a push says so of somebody whom Graph has reported, who is to be read again.
        """
        identity = stored.identity
        found = Found(identity.account, None) if identity.account else None
        if identity.pending is not None and identity.pending.begun:
            found = self.accounts.look(store, identity, identity.sent)  # an earlier try may have made an account
        self._remove(store, stored, found, self.event(EventKind.UNMANAGED, reason), unverified=unverified)

    def _call(self, store: Store, this: PersonTry) -> Outcome:
        identity = this.stored.identity
        with logged_with(person=identity.id):
            if not this.certain:
                this.found = self.accounts.look(
                    store, identity, identity.pending.sent or () if identity.pending else ()
                )
            try:
                self._ensure_may_go_on(store, this)
                this.drifted = self._unjudged(this)
                if this.drifted is not None:
                    raise HeldBack(ACTIVE_AGAIN)
                this.heard = True
                return self.accounts.apply(store, identity, this.found, this.password, unplanned=this.planned is None)
            except AccountGone:
                this.gone = True
                raise

    def _ensure_may_go_on(self, store: Store, this: PersonTry) -> None:
        """Raise HeldBack where what was found is not what was planned, or where a push has to wait for a plan."""
        identity, planned, found = this.stored.identity, this.planned, this.found
        if planned is None:
            if (why := self.accounts.why_waits(store, identity, found)) is not None:
                raise waits(identity, why)
            return
        ensure_planned(identity, found.account if found else None)
        adopts = planned.adopts
        if adopts and adopts.agreed and not self.accounts.matches.stands(store, identity.id, adopts.account):
            raise HeldBack(UNDONE)
        if (why := planned.why_not(identity, found, store.guard.adoptions)) is not None:
            raise HeldBack(why)

    def _unjudged(self, this: PersonTry) -> Account | None:
        """The account that was found, if it would be deprovisioned now, which the guard was not asked for."""
        identity, found = this.stored.identity, this.found.account if this.found else None
        if identity.account is None or found is None or (identity.pending is not None and identity.pending.counted):
            return None
        seen = identity.model_copy(update={"account": found.holding_only(identity.account)})
        return seen.account if seen.is_deprovisioning else None

    def _confirm(self, store: Store, this: PersonTry, outcome: Outcome) -> Stored:
        stored, identity = this.stored, this.stored.identity
        event = confirmation(store, identity, outcome, self.now(), this.planned.adopts if this.planned else None)
        settled = identity.settled(outcome.account)
        if outcome.instead and outcome.account and outcome.change.kind is ChangeKind.DEACTIVATE:
            # Zoho One refused the rest: what it holds is what it should hold, or each write would try again.
            said = identity.said.model_copy(update={"desired": outcome.account.holds})
            settled = settled.model_copy(update={"said": said})
        if identity.is_being_deleted:
            left = Found(outcome.account, outcome.record) if outcome.account else None
            self._remove(store, stored, left, event, outcome.account)
            return replace(stored, identity=settled)
        return self.identities.write(
            store.id,
            stored,
            settled,
            event,
            outcome.record,
            self._mail_due(store, identity, outcome),
            arrived=_may_be_awaited(store, identity, outcome),
            membership_update=self.memberships.due(store, identity, outcome.account, event.reason, sure=this.certain),
        )

    def _after(self, store: Store, this: PersonTry, outcome: Outcome, confirmed: Stored) -> None:
        if this.stored.identity.is_being_deleted:
            return
        if confirmed.mail is not None:
            was_set = outcome.change.kind is ChangeKind.CREATE
            self.passwords.after_creation(store, confirmed, this.password if was_set else None)
        self.memberships.update(store, confirmed.membership_update)
        if outcome.account is not None and this.stored.identity.account is None and (this.found or outcome.adopted):
            self.accounts.matches.adopted(store, confirmed.identity.id, outcome.account.id)

    def _revert(self, store: Store, this: PersonTry, refusal: ZohoRefused, *, came_through: bool) -> None:
        """Undo the push that Zoho One refused: a creation leaves nothing, an update what was there before.

        An account that an earlier try made is not deleted; it is noted as left behind, for the next creation to adopt.
        People reported by Graph stay pending: Graph does not report them again.
        """
        stored, identity = this.stored, this.stored.identity
        assert identity.pending is not None  # it is what was refused
        if identity.object_id is not None:
            after = identity.pending.refused(str(refusal), self.now(), self.spread())
            told = self._refusal_event(identity.pending, identity.pending.failure, after, str(refusal))
            self.identities.write(store.id, stored, identity.model_copy(update={"pending": after}), told)
            return
        found, event = this.found, self.event(EventKind.REFUSED, str(refusal))
        if came_through:
            found = Found(identity.account, None) if identity.account else None
        if identity.pending.before is None:
            self._remove(store, stored, found, event)
            return
        account, record = (found.account, found.record) if found else (None, None)
        back = identity.model_copy(update={"said": identity.pending.before, "account": account, "pending": None})
        due = self.memberships.due(store, identity, account, event.reason, sure=False)
        written = self.identities.write(store.id, stored, back, event, record, membership_update=due)
        self.memberships.update(store, written.membership_update)

    def _give_back(self, store: Store, this: PersonTry, failure: str) -> None:
        pending = this.stored.identity.pending
        assert pending is not None  # it holds the lease
        if not this.heard:
            adopts = pending.adopts if pending.sent else None  # no try has begun to adopt it
            pending = pending.model_copy(update={"sending": None, "adopts": adopts})
        after = this.stored.identity.model_copy(update={"pending": pending.given_back(failure)})
        if this.gone:
            self._note_gone(store, this.stored, after.model_copy(update={"account": None}))
            return
        event = None
        if this.drifted is not None:
            after = after.model_copy(update={"account": this.drifted})
            event = self.event(EventKind.DRIFTED, "The account in Zoho One was changed there: active.")
        self.identities.write(store.id, this.stored, after, event)

    def _note_gone(self, store: Store, stored: Stored, without: Identity) -> None:
        """Write a person whose account somebody deleted in Zoho One; the guard counts it as active no more."""
        event = self.event(EventKind.DRIFTED, "The account in Zoho One was deleted there.")

        def transact(count: Operation | None) -> str:
            if count is None:
                return self.identities.write(store.id, stored, without, event).etag
            return self.identities.write_leaving(store.id, stored, without, count, event)[1]

        self.deprovisionings.unmanage(store.id, stored.identity, transact)

    def _remove(
        self,
        store: Store,
        stored: Stored,
        left: Found | None,
        event: Event,
        out_of_groups: Account | None = None,
        *,
        unverified: bool = False,
    ) -> None:
        """Take the identity away, with a note of the account that it leaves behind, and update the groups.

        ``out_of_groups``: the account that has to leave the groups in Zoho One; one that is unmanaged stays in them.
        """
        account, record = (left.account, left.record) if left else (None, None)
        membership_update = self.memberships.due_for_gone(store, stored.identity, out_of_groups, event.reason)
        notes: list[StoredMembershipUpdate | None] = []

        def transact(count: Operation | None) -> str:
            note, etag = self.identities.remove(
                store.id, stored, account, event, record, membership_update, count, unverified=unverified
            )
            notes.append(note)
            return etag

        self.deprovisionings.unmanage(store.id, stored.identity, transact)
        self.memberships.update(store, notes[-1])

    def _brings_password(self, store: Store, identity: Identity, attempted: tuple[str, ...]) -> bool:
        said = identity.said
        if not isinstance(said.desired, ZohoUser) or not said.desired.active:
            return False
        if isinstance(notice_for(store.password_notification, said.desired, said.source), NoNotice):
            return False
        return not any(self.accounts.is_taken(store, name) for name in attempted)

    def _mail_due(self, store: Store, identity: Identity, outcome: Outcome) -> MailDue | None:
        """The mail that the person is due from the moment on in which their account is known to be there."""
        if outcome.account is None:
            return None
        notice = notice_for(store.password_notification, outcome.account.holds, identity.said.source)
        made = outcome.change.kind is ChangeKind.CREATE and isinstance(notice, Notice)
        due = made or (identity.pending is not None and identity.pending.password_due)
        return self.passwords.begun(notice.reason) if due else None


def _may_be_awaited(store: Store, identity: Identity, outcome: Outcome) -> bool:
    """Whether this account is new, so that the people who have this manager have to be computed again."""
    before = identity.account.id if identity.account else None
    new = outcome.account is not None and outcome.account.id != before
    return new and ZohoField.MANAGER in store.zoho.paths
