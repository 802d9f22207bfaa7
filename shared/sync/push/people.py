"""Push: what Entra's provisioning service writes, taken to Zoho One.

The order makes a killed process harmless: one transaction writes what Entra says and a pending row, then Zoho One is
called, then one transaction writes what it confirmed. What stays pending is finished by the same request, sent again,
or by the next cycle.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import JsonValue, TypeAdapter

from shared.model import HIDDEN
from shared.rules.change import ChangeKind, plan_change
from shared.rules.desired import status_of
from shared.rules.history import Event, EventKind
from shared.rules.identity import Identity, PendingChange, SourceState
from shared.rules.keys import keys_of
from shared.rules.recent_deprovisionings import Departures
from shared.rules.recycle_bin import under_own_name
from shared.rules.scim_path import Resource
from shared.rules.scim_user import new_active, pushed_onto
from shared.rules.status import Action, Status
from shared.rules.store import Store
from shared.sync.apply.settlement import Settlement
from shared.sync.desired.people import DesiredStates
from shared.sync.errors import BeingWritten, HeldBack, UserNameTaken
from shared.sync.guard.admission import Admission, with_count
from shared.tables.errors import Conflict
from shared.tables.identities import Identities
from shared.tables.identity_rows import Stored
from shared.tables.store_rows import Operation

_JSON = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue], config=HIDDEN)

TAKEN = "Another person of this directory store has this userName"


@dataclass(frozen=True)
class Push:
    """Takes one person's write to Zoho One.

    Its methods raise PushError, ZohoBusy and ZohoCredentials (the write is kept and stays pending), TablesBusy, and
    Stale where what was read has been written by another request since.
    """

    identities: Identities
    desired_states: DesiredStates
    settlement: Settlement
    admission: Admission
    lease: timedelta
    """How long one writer may take; longer than his calls to Zoho One and the tables together."""

    def now(self) -> datetime:
        """The time, by the clock that the leases are written by."""
        return self.settlement.now()

    def create(self, store: Store, resource: Resource) -> Identity:
        """A person whom Entra has not written before. The same request again joins one that is still pending."""
        said, reason = self._said(store, resource, None)
        identity = Identity(id=uuid.uuid4().hex, said=said, created=said.modified)
        try:
            if said.desired is None:
                return self._record(store, None, identity, reason)
            pending = self._pending(store, reason, None, said)
            stored = self.identities.write(store.id, None, identity.model_copy(update={"pending": pending}))
        except Conflict:
            return self.settlement.finish(store, self._joined(store, resource, said), certain=False)
        return self.settlement.finish(store, stored, certain=True)

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
            except Conflict:
                raise UserNameTaken(TAKEN) from None
        return self._submit(store, stored, after, self._pending(store, reason, before, said))

    def delete(self, store: Store, stored: Stored) -> None:
        """Entra deleted the person for good: the store's rules say what becomes of the account."""
        before = stored.identity
        self._ensure_free(before)
        desired_state = self.desired_states.of(store, before.said.source, Status.DELETED, before)
        holds, reason = before.account.holds if before.account else None, desired_state.decision.reason
        nothing_to_do = before.pending is None and plan_change(holds, desired_state.desired).kind is ChangeKind.NOTHING
        if nothing_to_do or desired_state.decision.action is Action.LET_GO:
            self.settlement.let_go(store, stored, reason)
            return
        said = before.said.model_copy(update={"desired": desired_state.desired, "status": Status.DELETED})
        after = before.model_copy(update={"said": said})
        self._submit(store, stored, after, self._pending(store, reason, before, said))

    def _said(self, store: Store, resource: Resource, before: Identity | None) -> tuple[SourceState, str]:
        known = before.said if before else None
        earlier = _JSON.validate_json(known.resource) if known else {}
        source = known.source if known else None
        person = under_own_name(pushed_onto(source, earlier, resource), source)
        status = _still_told(known, earlier, resource)
        desired_state = self.desired_states.of(store, person, status or status_of(person), before)
        said = SourceState(
            resource=_JSON.dump_json(resource).decode(),
            keys=keys_of(resource),
            source=person,
            desired=None,
            status=status,
            in_bin=known is not None and known.in_bin,
            modified=self.now(),
        )
        said = said.model_copy(update=desired_state.told)
        if before is not None and not before.said.rules and before.is_shut_out:
            said = said.model_copy(
                update={"rules": ""}
            )  # whether the hand was one is yet to be looked at: see SourceRecorder
        return said, desired_state.decision.reason

    def _pending(self, store: Store, reason: str, before: Identity | None, said: SourceState) -> PendingChange:
        """The mark of a write that is about to go to Zoho One, with this request as the holder of the lease."""
        earlier = before.pending if before else None
        mark = PendingChange(
            reason=reason,
            before=earlier.before if earlier else before.said if before else None,
            attempted=earlier.attempted if earlier else (),
            password_due=earlier is not None and earlier.password_due,
            counted=earlier is not None and earlier.counted,
            sent=before.sent if before else (),
            lease_ends=self.now(),
        )
        return self.settlement.leased(store, said, before.account if before else None, mark, self.lease)

    def _joined(self, store: Store, resource: Resource, said: SourceState) -> Stored:
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

    def _submit(self, store: Store, stored: Stored, after: Identity, pending: PendingChange) -> Identity:
        certain = stored.identity.pending is None or not stored.identity.pending.begun
        marked = after.model_copy(update={"pending": pending})
        try:
            if marked.departs:
                written = self._begin_departure(store, stored, marked)
            else:
                written = self.identities.write(store.id, stored, with_count(marked))
        except Conflict:
            raise UserNameTaken(TAKEN) from None
        return self.settlement.finish(store, written, certain=certain)

    def _begin_departure(self, store: Store, stored: Stored, marked: Identity) -> Stored:
        """Write a mark by which somebody leaves, with its count in the guard's ledger.

        Raises HeldBack: then the mark stays, for the plan that an administrator sees.
        """
        written: list[Stored] = []

        def transact(count: Operation) -> str:
            leaving, etag = self.identities.write_leaving(store.id, stored, with_count(marked), count)
            written.append(leaving)
            return etag

        reason = self.admission.admit(store, Departures.among([marked]), transact)
        if reason is None:
            return written[-1]
        assert marked.pending is not None  # the caller has just made it
        begun = stored.identity.pending is not None and stored.identity.pending.begun
        # Nothing is sent now: what earlier tries sent is all that is open.
        held = marked.pending.model_copy(update={"writer": None, "begun": begun, "sending": None})
        self.identities.write(store.id, stored, marked.model_copy(update={"pending": held}))
        raise HeldBack(reason)

    def _record(self, store: Store, stored: Stored | None, after: Identity, reason: str) -> Identity:
        """Keep what Entra says where Zoho One need not hear of it. Raises Conflict."""
        return self.identities.write(store.id, stored, after, self._event(EventKind.RECORDED, reason)).identity

    def _ensure_free(self, identity: Identity) -> None:
        if (until := identity.leased_until(self.now())) is not None:
            raise BeingWritten(until)

    def _event(self, kind: EventKind, reason: str) -> Event:
        return self.settlement.event(kind, reason)


def _still_told(known: SourceState | None, earlier: Resource, resource: Resource) -> Status | None:
    """What Graph tells of a person's status, unless this push says something new of ``active``; None: what it says.

    Who lies in the recycle bin or left the scope may be enabled: a push of his title does not bring him back. Who was
    deleted is there again when anything is pushed of him, and active only if that says so, or never said otherwise.
    """
    if known is not None and known.status is Status.DELETED:
        return Status.DEACTIVATED if resource.get("active") is False else None
    return known.status if known and new_active(earlier, resource) is None else None
