"""Push: what Entra's provisioning service writes of a person, taken to Zoho One.

The order makes a killed process harmless: shared/sync/apply/settlement.py. What stays pending is finished by the same
request, sent again, or by the next cycle.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue, TypeAdapter

from shared.model import HIDDEN
from shared.rules.change import ChangeKind, plan_change
from shared.rules.desired import is_to_be_looked_at, needed, status_of
from shared.rules.former import Adoptions, Traits, is_another_who_comes, is_pushed_over
from shared.rules.history import EventKind
from shared.rules.identity import Identity, PendingChange, SourceState
from shared.rules.keys import keys_of
from shared.rules.recycle_bin import under_own_name
from shared.rules.scim_path import Resource
from shared.rules.scim_user import new_active, pushed_onto
from shared.rules.status import Action, Status
from shared.rules.store import Store
from shared.sync.apply.person_settlement import PersonSettlement
from shared.sync.desired.people import DesiredStates
from shared.sync.errors import Doubtful, HeldBack, UserNameTaken
from shared.sync.source.match import match_pushed
from shared.tables.errors import Conflict
from shared.tables.identities import Identities
from shared.tables.identity_rows import Stored

BY_GRAPH = "The next cycle reads in Microsoft Graph who has the name now, and this push passes after it if it is right."
BY_HAND = "Let go of that person in the console: the next push of this one makes a plan then, for you to approve."
_JSON = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue], config=HIDDEN)


@dataclass(frozen=True)
class Push:
    """Takes one person's write to Zoho One.

    Its methods raise PushError, ZohoBusy and ZohoCredentials (the write is kept and stays pending), TablesBusy, and
    Stale where what was read has been written by another request since.
    """

    identities: Identities
    desired_states: DesiredStates
    settlement: PersonSettlement

    def now(self) -> datetime:
        """The time, from the clock that dates the leases."""
        return self.settlement.now()

    def create(self, store: Store, resource: Resource) -> Identity:
        """Create a person. The same request, sent again, joins a creation that is still pending.

        Where Graph is read, it may have reported the person already, under the name that they had then.
        """
        said, reason = self._said(store, resource, None)
        if store.entra is not None and (known := self._reported(store, said)) is not None:
            return self.replace(store, known, resource)
        identity = Identity(id=uuid.uuid4().hex, said=said, created=said.modified)
        try:
            if said.desired is None:
                return self._record(store, None, identity, reason)
            marked = self.settlement.mark(store, None, self._pending(identity, None, reason))
        except Conflict:
            return self.settlement.settle(store, self._joined(store, resource, said), certain=False)
        return self.settlement.settle(store, marked, certain=True)

    def replace(self, store: Store, stored: Stored, resource: Resource) -> Identity:
        """Write a person's new state, as Entra sent it."""
        before = stored.identity
        self.settlement.ensure_free(before)
        said, reason = self._said(store, resource, before)
        _ensure_same_person(store, before, said)
        if said.resource == before.said.resource and before.pending is None:
            return before
        after, needs = (
            before.model_copy(update={"said": said}),
            needed(before.account, said.desired, store.status_rules),
        )
        looks = is_to_be_looked_at(before, said.desired)
        if before.pending is None and needs.kind is ChangeKind.NOTHING and not looks:
            try:
                return self._record(store, stored, after, reason)
            except Conflict:
                raise UserNameTaken from None
        return self._submit(store, stored, self._pending(after, before, reason), looks=looks)

    def delete(self, store: Store, stored: Stored) -> None:
        """Entra deleted the person for good: the store's rules say what becomes of the account."""
        before = stored.identity
        self.settlement.ensure_free(before)
        desired_state = self.desired_states.of(store, before.said.source, Status.DELETED, before)
        holds, reason = before.account.holds if before.account else None, desired_state.decision.reason
        looks = is_to_be_looked_at(before, desired_state.desired)
        nothing_to_do = before.pending is None and plan_change(holds, desired_state.desired).kind is ChangeKind.NOTHING
        if (nothing_to_do and not looks) or desired_state.decision.action is Action.UNMANAGE:
            self.settlement.unmanage(store, stored, reason, unverified=_is_reported(store, before))
            return
        told = {"desired": desired_state.desired, "status": Status.DELETED, "unverified": _is_reported(store, before)}
        after = before.model_copy(update={"said": before.said.model_copy(update=told)})
        self._submit(store, stored, self._pending(after, before, reason), looks=looks)

    def _reported(self, store: Store, said: SourceState) -> Stored | None:
        """The person, if Graph has reported them. Raises HeldBack where that cannot be told before the next cycle."""
        try:
            return match_pushed(self.identities, store.id, said.source, said.keys)
        except Doubtful as doubt:
            if said.desired is None:
                return None  # no account follows
            raise HeldBack(f"{doubt}. {BY_GRAPH}") from doubt

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
            unverified=_is_reported(store, before),
            modified=self.now(),
        )
        said = said.model_copy(update=desired_state.told)
        if before is not None and not before.said.rules and before.is_kept_inactive:
            said = said.model_copy(
                update={"rules": ""}
            )  # whether the hand was one is yet to be looked at: see SourceRecorder
        return said, desired_state.decision.reason

    def _pending(self, after: Identity, before: Identity | None, reason: str) -> Identity:
        """A person with a change that is about to go to Zoho One, on top of what may be under way."""
        earlier = before.pending if before else None
        change = PendingChange(
            reason=reason,
            before=earlier.before if earlier else before.said if before else None,
            attempted=earlier.attempted if earlier else (),
            password_due=earlier is not None and earlier.password_due,
            adopts=earlier.adopts if earlier is not None and earlier.begun else None,
            counted=earlier is not None and earlier.counted,
            sent=before.sent if before else (),
            lease_ends=self.now(),
        )
        return after.model_copy(update={"pending": change})

    def _joined(self, store: Store, resource: Resource, said: SourceState) -> Stored:
        """The pending creation that has this request's userName, gone on with. Raises UserNameTaken, BeingWritten."""
        holder = self.identities.holder_of(store.id, said.keys.user_name)
        self.settlement.ensure_joinable(holder.identity if holder else None, UserNameTaken())
        assert holder is not None  # or it cannot be joined
        if is_pushed_over(_traits(holder.identity.said), _traits(said), in_bin=False):
            raise UserNameTaken
        said, reason = self._said(store, resource, holder.identity)
        after = holder.identity.model_copy(update={"said": said})
        return self.settlement.mark(store, holder, self._pending(after, holder.identity, reason))

    def _submit(self, store: Store, stored: Stored, after: Identity, *, looks: bool = False) -> Identity:
        certain = not looks and (stored.identity.pending is None or not stored.identity.pending.begun)
        try:
            marked = self.settlement.mark(store, stored, after)
        except Conflict:
            raise UserNameTaken from None
        return self.settlement.settle(store, marked, certain=certain)

    def _record(self, store: Store, stored: Stored | None, after: Identity, reason: str) -> Identity:
        """Keep what Entra says where Zoho One need not hear of it. Raises Conflict."""
        event = self.settlement.event(EventKind.RECORDED, reason)
        return self.identities.write(store.id, stored, after, event).identity


def _is_reported(store: Store, before: Identity | None) -> bool:
    """Whether Graph is read and has reported the person, so that the next cycle reads what a push says of them."""
    return store.entra is not None and before is not None and before.object_id is not None


def _ensure_same_person(store: Store, before: Identity, said: SourceState) -> None:
    """Raise HeldBack where a push is about somebody else who has the person's name now: no account changes hands so.

    Entra's service finds the row by the userName, and writes the person who has that name now onto it. Where Graph is
    read, it tells who is who: the other person gets a row of their own by the next cycle, and a changed employee number
    passes when Graph has told it too.
    """
    in_bin, reads_graph = before.said.is_in_bin, _is_reported(store, before)
    known = Traits.of(before.object_id, before.said.source)
    comes_back = said.source.account_enabled and not before.said.source.account_enabled
    is_over = (in_bin or reads_graph) and is_pushed_over(known, _traits(said), in_bin=in_bin)
    if not is_over and not (comes_back and is_another_who_comes(_traits(before.said), _traits(said))):
        return
    name = known.display_name or before.said.source.user_principal_name
    if reads_graph:
        raise HeldBack(f"This seems to be another person than {name}, whose row it is. {BY_GRAPH}")
    if store.guard.adoptions is not Adoptions.ALWAYS:
        raise HeldBack(f"This seems to be another person than {name}, who has left. {BY_HAND}")


def _traits(said: SourceState) -> Traits:
    return Traits.pushed(said.keys.external_id, said.source)


def _still_told(known: SourceState | None, earlier: Resource, resource: Resource) -> Status | None:
    """What Graph tells of a person's status, unless this push says something new of ``active``; None: what it says.

    A person in the recycle bin, or out of scope, may be enabled: a push of their title does not bring them back. A
    person who was deleted is there again when anything is pushed of them, and active only if that says so, or if it
    never said otherwise.
    """
    if known is not None and known.status is Status.DELETED:
        return Status.DEACTIVATED if resource.get("active") is False else None
    return known.status if known and new_active(earlier, resource) is None else None
