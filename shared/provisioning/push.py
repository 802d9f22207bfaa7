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

from shared.directory.azure_user import from_scim
from shared.directory.desired import desired_account, status_of
from shared.directory.history import Event, EventKind
from shared.directory.identity import Account, Identity, Pending, Said
from shared.directory.plan import ChangeKind, plan_change
from shared.directory.scim_path import Resource
from shared.directory.status import Status
from shared.directory.store import Store
from shared.provisioning.apply import Apply, Outcome
from shared.provisioning.errors import BeingWritten, Refused, UserNameTaken
from shared.tables.errors import Taken
from shared.tables.identities import Identities, Stored
from shared.zoho.errors import ZohoBusy, ZohoCredentials, ZohoError, ZohoRefused

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
    now: Callable[[], datetime]
    lease: timedelta
    """How long one writer may take; longer than his calls to Zoho One and the tables together."""

    def create(self, store: Store, resource: Resource) -> Identity:
        """A person whom Entra has not written before. The same request again joins one that is still pending."""
        said, reason = self._said(store, resource, None)
        identity = Identity(id=uuid.uuid4().hex, said=said, created=said.modified)
        try:
            if said.desired is None:
                return self._record(store, None, identity, reason)
            pending = self._pending(reason, None, said)
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
        return self._submit(store, stored, after, self._pending(reason, before, said))

    def delete(self, store: Store, stored: Stored) -> None:
        """Entra deleted the person for good: the store's rules say what becomes of the account."""
        before = stored.identity
        self._ensure_free(before)
        rules, person = store.status_rules, before.said.source
        desired, decision = desired_account(person, Status.DELETED, store.mapping, rules, before)
        holds = before.account.holds if before.account else None
        if before.pending is None and plan_change(holds, desired).kind is ChangeKind.NOTHING:
            self.identities.remove(store.id, stored, self._event(EventKind.LET_GO, decision.reason))
            return
        after = before.model_copy(update={"said": before.said.model_copy(update={"desired": desired})})
        pending = self._pending(decision.reason, before, before.said)
        self._submit(store, stored, after, pending.model_copy(update={"leaving": True}))

    def _said(self, store: Store, resource: Resource, before: Identity | None) -> tuple[Said, str]:
        person, rules = from_scim(resource), store.status_rules
        desired, decision = desired_account(person, status_of(person), store.mapping, rules, before)
        text = _JSON.dump_json(resource).decode()
        return Said(resource=text, source=person, desired=desired, modified=self.now()), decision.reason

    def _pending(self, reason: str, before: Identity | None, said: Said) -> Pending:
        """The mark of a write that is about to go to Zoho One, with this request as the holder of the lease."""
        earlier = before.pending if before else None
        attempted = earlier.attempted if earlier else ()
        if before is None or before.account is None:
            attempted = tuple(dict.fromkeys((*attempted, said.source.user_principal_name)))
        return Pending(
            reason=reason,
            before=earlier.before if earlier else before.said if before else None,
            attempted=attempted,
            writer=secrets.token_hex(8),
            lease_ends=self.now() + self.lease,
        )

    def _joined(self, store: Store, resource: Resource, said: Said) -> Stored:
        """The pending creation that has this request's userName, taken over. Raises UserNameTaken, BeingWritten."""
        holder = self.identities.holder_of(store.id, said.source.user_principal_name)
        if holder is None:
            raise BeingWritten(self.now())  # given up between the write and the read
        pending = holder.identity.pending
        if pending is None or pending.before is not None or holder.identity.account is not None:
            raise UserNameTaken(TAKEN)
        self._ensure_free(holder.identity)
        said, reason = self._said(store, resource, holder.identity)
        after = holder.identity.model_copy(
            update={"said": said, "pending": self._pending(reason, holder.identity, said)}
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
        holds = identity.account
        try:
            holds = identity.account if certain else self.apply.look(store, identity)
            outcome = self.apply.apply(store, identity, holds)
        except ZohoRefused as refusal:
            self._go_back(store, stored, holds, refusal)
        except (ZohoBusy, ZohoCredentials) as failure:
            self._let_go(store, stored, failure)
            raise
        event = self._event_of(outcome, identity.pending.reason)
        settled = identity.settled(outcome.account)
        if identity.pending.leaving:
            self.identities.remove(store.id, stored, event)
            return settled
        try:
            return self.identities.write(store.id, stored, settled, event).identity
        except Taken:
            self._go_back(store, stored, None, ZohoRefused("The Zoho One account belongs to another person"))

    def _go_back(self, store: Store, stored: Stored, holds: Account | None, refusal: ZohoRefused) -> NoReturn:
        """Undo the write that Zoho One refused: a creation leaves nothing behind, an update what was there before."""
        identity = stored.identity
        before = identity.pending.before if identity.pending else None
        event = self._event(EventKind.REFUSED, str(refusal))
        if before is None:
            self.identities.remove(store.id, stored, event)
        else:
            back = identity.model_copy(update={"said": before, "account": holds, "pending": None})
            self.identities.write(store.id, stored, back, event)
        raise Refused(f"Zoho One refused: {refusal}") from refusal

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

    def _event_of(self, outcome: Outcome, reason: str) -> Event:
        kind = EventKind.ADOPTED if outcome.adopted else EVENTS[outcome.change.kind]
        return Event(at=self.now(), kind=kind, reason=reason, fields=outcome.change.fields)

    def _event(self, kind: EventKind, reason: str) -> Event:
        return Event(at=self.now(), kind=kind, reason=reason)
