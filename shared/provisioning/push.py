"""Push: what Entra's provisioning service writes, taken to Zoho One.

The order makes a killed process harmless: one transaction writes what Entra says and a pending row, then Zoho One is
called, then one transaction writes what it confirmed. What stays pending is finished by the same request, sent again.
"""

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

from pydantic import JsonValue, TypeAdapter

from shared.directory.azure_user import AzureUser, from_scim
from shared.directory.compiled_mapping import CompiledMapping, MappingFailed
from shared.directory.desired import Policy, desired_account, status_of
from shared.directory.expressions import EvaluationContext
from shared.directory.history import Event, EventKind
from shared.directory.identity import Account, Identity, Pending, Said
from shared.directory.keys import keys_of
from shared.directory.mail_due import MailDue
from shared.directory.password import NoNotice, Notice, PasswordNotice, new_password, notice_for
from shared.directory.plan import ChangeKind, plan_change
from shared.directory.scim_path import Resource
from shared.directory.status import Action, Decision, Status
from shared.directory.store import Store
from shared.directory.zoho_user import Desired, ZohoField, ZohoUser
from shared.provisioning.apply import Apply, Found, Outcome
from shared.provisioning.errors import BeingWritten, Refused, UserNameTaken
from shared.provisioning.memberships import Memberships
from shared.provisioning.password_mail import PasswordMails
from shared.tables.errors import Taken
from shared.tables.identities import Identities
from shared.tables.identity_rows import Stored
from shared.zoho.errors import ZohoBusy, ZohoCredentials, ZohoError, ZohoRefused

_RANDOM = secrets.SystemRandom()
_JSON = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue])

TAKEN = "Another person of this directory store has this userName"

EVENTS = {
    ChangeKind.NOTHING: EventKind.RECORDED,
    ChangeKind.CREATE: EventKind.CREATED,
    ChangeKind.UPDATE: EventKind.UPDATED,
    ChangeKind.DEACTIVATE: EventKind.DEACTIVATED,
    ChangeKind.REACTIVATE: EventKind.REACTIVATED,
    ChangeKind.DELETE: EventKind.DELETED,
}


@dataclass(frozen=True)
class Push:
    """Takes one person's write to Zoho One.

    Its methods raise PushError, ZohoBusy and ZohoCredentials (the write is kept and stays pending), TablesBusy, and
    Changed where what was read has been written by another request since.
    """

    identities: Identities
    apply: Apply
    mapping: Callable[[str], CompiledMapping]
    """A store's current mapping, by the store's id."""
    now: Callable[[], datetime]
    passwords: PasswordMails
    memberships: Memberships
    lease: timedelta
    """How long one writer may take; longer than his calls to Zoho One and the tables together."""

    def create(self, store: Store, resource: Resource) -> Identity:
        """A person whom Entra has not written before. The same request again joins one that is still pending."""
        said, reason = self._said(store, resource, None)
        identity = Identity(id=uuid.uuid4().hex, said=said, created=said.modified)
        try:
            if said.desired is None:
                return self._record(store, None, identity, reason)
            pending = self._pending(store, reason, None, said)
            stored = self.identities.write(store.id, None, identity.model_copy(update={"pending": pending}))
        except Taken:
            return self._finish(store, self._joined(store, resource, said), certain=False)
        return self._finish(store, stored, certain=True)

    def replace(self, store: Store, stored: Stored, resource: Resource) -> Identity:
        """A person's new state, as Entra wrote it."""
        before = stored.identity
        self._ensure_free(before)
        said, reason = self._said(store, resource, before)
        if said.resource == before.said.resource and before.pending is None:
            return before
        holds = before.account.holds if before.account else None
        after = before.model_copy(update={"said": said})
        if before.pending is None and plan_change(holds, said.desired).kind is ChangeKind.NOTHING:
            try:
                return self._record(store, stored, after, reason)
            except Taken:
                raise UserNameTaken(TAKEN) from None
        return self._submit(store, stored, after, self._pending(store, reason, before, said))

    def delete(self, store: Store, stored: Stored) -> None:
        """Entra deleted the person for good: the store's rules say what becomes of the account."""
        before = stored.identity
        self._ensure_free(before)
        desired, decision = self._desired(store, before.said.source, Status.DELETED, before)
        holds, reason = before.account.holds if before.account else None, decision.reason
        nothing_to_do = before.pending is None and plan_change(holds, desired).kind is ChangeKind.NOTHING
        if nothing_to_do or decision.action is Action.LET_GO:
            found = Found(before.account, None) if before.account else None
            if before.pending is not None:
                found = self.apply.look(store, before)  # an earlier try may have made an account
            self._remove(store, stored, found, self._event(EventKind.LET_GO, reason))
            return
        after = before.model_copy(update={"said": before.said.model_copy(update={"desired": desired})})
        pending = self._pending(store, reason, before, after.said)
        self._submit(store, stored, after, pending.model_copy(update={"leaving": True}))

    def _said(self, store: Store, resource: Resource, before: Identity | None) -> tuple[Said, str]:
        person = from_scim(resource)
        desired, decision = self._desired(store, person, status_of(person), before)
        text = _JSON.dump_json(resource).decode()
        return Said(
            resource=text, keys=keys_of(resource), source=person, desired=desired, modified=self.now()
        ), decision.reason

    def _desired(
        self, store: Store, person: AzureUser, status: Status, before: Identity | None
    ) -> tuple[Desired, Decision]:
        """What Zoho One should hold, and why. Raises Refused where the mapping has no answer for this person."""
        context = EvaluationContext(self.now(), _RANDOM, lambda name: self.apply.is_taken(store, name))
        try:
            desired, decision = desired_account(person, status, Policy(self.mapping(store.id), context, store), before)
        except MappingFailed as failure:
            raise Refused(f"{failure}. Look at the store's attribute mapping.") from failure
        return self._with_manager(store, desired), decision

    def _with_manager(self, store: Store, desired: Desired) -> Desired:
        """The manager, whom Entra knows by the bridge's id, as Zoho One knows him; absent while he has no account."""
        if not isinstance(desired, ZohoUser) or (manager := desired.fields.get(ZohoField.MANAGER)) is None:
            return desired
        found = self.identities.read(store.id, manager)
        account = found.identity.account.id if found and found.identity.account else None
        others = {field: value for field, value in desired.fields.items() if field is not ZohoField.MANAGER}
        return ZohoUser(active=desired.active, fields=others | ({ZohoField.MANAGER: account} if account else {}))

    def _pending(self, store: Store, reason: str, before: Identity | None, said: Said) -> Pending:
        """The mark of a write that is about to go to Zoho One, with this request as the holder of the lease."""
        earlier = before.pending if before else None
        attempted = earlier.attempted if earlier else ()
        password_due = earlier is not None and earlier.password_due
        if before is None or before.account is None:
            names = (said.desired.user_name,) if isinstance(said.desired, ZohoUser) else ()
            attempted = tuple(dict.fromkeys((*attempted, *names)))
            password_due = password_due or self._brings_password(store, said, attempted)
        return Pending(
            reason=reason,
            before=earlier.before if earlier else before.said if before else None,
            attempted=attempted,
            password_due=password_due,
            writer=secrets.token_hex(8),
            lease_ends=self.now() + self.lease,
        )

    def _brings_password(self, store: Store, said: Said, attempted: tuple[str, ...]) -> bool:
        """Whether a one-time password comes with a creation that is about to begin.

        Then Zoho One is asked whether it has the account already: one that is found after a crash, when it had none
        before, is the bridge's own, and only such a one may be given a password.
        """
        if not isinstance(said.desired, ZohoUser) or not said.desired.active:
            return False
        if isinstance(notice_for(store.password_notification, said.desired, said.source), NoNotice):
            return False
        return not any(self.apply.is_taken(store, name) for name in attempted)

    def _joined(self, store: Store, resource: Resource, said: Said) -> Stored:
        """The pending creation that has this request's userName, taken over. Raises UserNameTaken, BeingWritten."""
        holder = self.identities.holder_of(store.id, said.keys.user_name)
        if holder is None:
            raise BeingWritten(self.now())  # given up between the write and the read
        pending = holder.identity.pending
        if pending is None or pending.before is not None or holder.identity.account is not None:
            raise UserNameTaken(TAKEN)
        self._ensure_free(holder.identity)
        said, reason = self._said(store, resource, holder.identity)
        after = holder.identity.model_copy(
            update={"said": said, "pending": self._pending(store, reason, holder.identity, said)}
        )
        return self.identities.write(store.id, holder, after)

    def _submit(self, store: Store, stored: Stored, after: Identity, pending: Pending) -> Identity:
        certain = stored.identity.pending is None
        try:
            marked = self.identities.write(store.id, stored, after.model_copy(update={"pending": pending}))
        except Taken:
            raise UserNameTaken(TAKEN) from None
        return self._finish(store, marked, certain=certain)

    def _finish(self, store: Store, stored: Stored, *, certain: bool) -> Identity:
        """Call Zoho One for a pending identity whose lease is ours, and write what came of it."""
        identity = stored.identity
        assert identity.pending is not None  # every caller has just written it
        found = Found(identity.account, None) if identity.account else None
        password = new_password(store.password_notification, secrets.choice) if identity.pending.password_due else None
        try:
            found = found if certain else self.apply.look(store, identity)
            outcome = self.apply.apply(store, identity, found, password)
        except ZohoRefused as refusal:
            self._go_back(store, stored, found, refusal)
        except (ZohoBusy, ZohoCredentials) as failure:
            self._let_go(store, stored, failure)
            raise
        event = self._event_of(store, identity, outcome)
        settled = identity.settled(outcome.account)
        if outcome.instead and outcome.account:
            # What it holds is what it should hold, or each write would try again.
            said = identity.said.model_copy(update={"desired": outcome.account.holds})
            settled = settled.model_copy(update={"said": said})
        if identity.pending.leaving:
            left = Found(outcome.account, outcome.record) if outcome.account else None
            self._remove(store, stored, left, event, outcome.account)
            return settled
        try:
            mail = self._mail_due(store, identity, outcome)
            regroup = self.memberships.due(store, identity, outcome.account, event.reason, sure=certain)
            written = self.identities.write(store.id, stored, settled, event, outcome.record, mail, regroup)
        except Taken:
            linked = Found(identity.account, None) if identity.account else None
            self._go_back(store, stored, linked, ZohoRefused("The Zoho One account belongs to another person"))
        if mail is not None:
            was_set = outcome.change.kind is ChangeKind.CREATE
            self.passwords.after_creation(store, written, password if was_set else None)
        self.memberships.follow(store, written.regroup)
        return written.identity

    def _mail_due(self, store: Store, identity: Identity, outcome: Outcome) -> MailDue | None:
        """What the person is due from the moment on in which his account is known to be there."""
        if outcome.account is None:
            return None
        notice = notice_for(store.password_notification, outcome.account.holds, identity.said.source)
        made = outcome.change.kind is ChangeKind.CREATE and isinstance(notice, Notice)
        due = made or (identity.pending is not None and identity.pending.password_due)
        return self.passwords.begun(notice.reason) if due else None

    def _go_back(self, store: Store, stored: Stored, found: Found | None, refusal: ZohoRefused) -> NoReturn:
        """Undo the write that Zoho One refused: a creation leaves nothing behind, an update what was there before.

        An account that an earlier try made is not deleted; it is noted as left behind, for the next creation to take.
        """
        identity = stored.identity
        before = identity.pending.before if identity.pending else None
        event = self._event(EventKind.REFUSED, str(refusal))
        if before is None:
            self._remove(store, stored, found, event)
        else:
            account = found.account if found else None
            back = identity.model_copy(update={"said": before, "account": account, "pending": None})
            self.identities.write(store.id, stored, back, event)
        raise Refused(f"Zoho One refused: {refusal}") from refusal

    def _remove(
        self, store: Store, stored: Stored, left: Found | None, event: Event, out_of_groups: Account | None = None
    ) -> None:
        """Take the identity away, with a note of the account that it leaves behind, and let the groups follow.

        ``out_of_groups``: the account that has to leave the groups in Zoho One; one that is let go stays in them.
        """
        account, record = (left.account, left.record) if left else (None, None)
        regroup = self.memberships.due_for_gone(store, stored.identity, out_of_groups, event.reason)
        self.memberships.follow(store, self.identities.remove(store.id, stored, account, event, record, regroup))

    def _let_go(self, store: Store, stored: Stored, failure: ZohoError) -> None:
        """Give the lease back, so that the same request sent again need not wait for its end."""
        identity = stored.identity
        assert identity.pending is not None
        pending = identity.pending.model_copy(update={"writer": None, "failure": str(failure)})
        self.identities.write(store.id, stored, identity.model_copy(update={"pending": pending}))

    def _record(self, store: Store, stored: Stored | None, after: Identity, reason: str) -> Identity:
        """Keep what Entra says where Zoho One need not hear of it. Raises Taken."""
        return self.identities.write(store.id, stored, after, self._event(EventKind.RECORDED, reason)).identity

    def _ensure_free(self, identity: Identity) -> None:
        if (until := identity.leased_until(self.now())) is not None:
            raise BeingWritten(until)

    def _event_of(self, store: Store, identity: Identity, outcome: Outcome) -> Event:
        assert identity.pending is not None  # what was confirmed was pending
        kind, reason = EVENTS[outcome.change.kind], identity.pending.reason
        if outcome.record or (outcome.adopted and not identity.pending.password_due):
            kind = EventKind.ADOPTED
        elif identity.account is None and outcome.account is not None:
            kind = EventKind.CREATED  # perhaps by an earlier try whose answer was lost
            if store.password_notification.password_notification is not PasswordNotice.NOBODY:
                notice = notice_for(store.password_notification, outcome.account.holds, identity.said.source)
                reason = f"{reason} {notice.reason}"
        return Event(at=self.now(), kind=kind, reason=_reason(outcome, reason), fields=outcome.change.fields)

    def _event(self, kind: EventKind, reason: str) -> Event:
        return Event(at=self.now(), kind=kind, reason=reason)


def _reason(outcome: Outcome, reason: str) -> str:
    """Why the change was made, or why another was, or none."""
    if outcome.instead is None:
        return reason
    return outcome.instead if outcome.change.kind is ChangeKind.NOTHING else f"{reason} {outcome.instead}"
