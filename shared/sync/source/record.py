"""The source state of a person, written together with the desired state that follows from it.

Zoho One is not called here. What has to change there is marked as pending, for the plan of this cycle.

An answer of Graph's is as old as the question. A push, another cycle or provisioning on demand may have written newer
source state before the answer is written; a delta query does not tell again what it told. So a source state that was
written after Graph was asked stays, and Graph is asked again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue, TypeAdapter

from shared.model import HIDDEN
from shared.rules.account_seen import was_wrongly_by_hand
from shared.rules.azure_user import AzureUser
from shared.rules.change import ChangeKind, plan_change
from shared.rules.desired import is_to_be_looked_at, needed, status_of
from shared.rules.history import Event, EventKind
from shared.rules.identity import Identity, PendingChange, SourceState, id_of_object
from shared.rules.keys import keys_of
from shared.rules.recycle_bin import under_own_name
from shared.rules.scim_user import onto_scim
from shared.rules.status import Action, Standing, Status
from shared.rules.store import Store
from shared.sync.desired.people import DesiredState, DesiredStates
from shared.sync.errors import BeingWritten, Overtaken, Refused, UserNameTaken
from shared.sync.patience import FOR_A_READING, until_free
from shared.sync.source.match import match
from shared.tables.claims import Lookup
from shared.tables.errors import Conflict, Stale
from shared.tables.identities import Identities
from shared.tables.identity_rows import Stored, is_id

PUT_RIGHT = (
    "The person is active in Entra. The account was put down as deactivated by hand after a call of the bridge that "
    "Zoho One had not answered: it is taken for the bridge's own doing."
)
_JSON = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue], config=HIDDEN)


@dataclass(frozen=True)
class Seen:
    """A person as Graph shows them now."""

    object_id: str
    person: AzureUser
    status: Status
    why: str = ""
    """What the store's rules found, beyond the status; a sentence."""
    in_bin: bool = False
    """Whether the person is not there: in the recycle bin of Entra, or gone."""
    is_heard: bool = True
    """Whether anything of Graph's answer was understood; else the status is the one known before."""


type See = Callable[[Stored | None], Seen]
"""How Graph shows a person, given what is known of them: it says less than everything."""


type Unmanage = Callable[[Store, Stored, str], None]
"""Stops managing a person whose account stays as it is, for a reason; PersonSettlement does."""


@dataclass(frozen=True)
class SourceRecorder:
    """Writes source states, and with each the desired state that follows from it.

    Its methods raise TablesBusy, MappingUnusable, BeingWritten where a push writes the same person all the time,
    UserNameTaken, and ZohoBusy and ZohoCredentials where a mapping asks Zoho One for a free name.
    """

    identities: Identities
    desired_states: DesiredStates
    unmanage: Unmanage
    now: Callable[[], datetime]

    def take(self, store: Store, stored: Stored | None, see: See, asked: datetime) -> str | None:
        """Keep what Graph says of a person; the sentence that tells why it could not be mapped, or None.

        ``asked``: when Graph was asked. Raises Overtaken where another writer wrote or removed the person since.
        A person who need not have an account and never had one is not kept.
        """
        was_there = stored is not None

        def look() -> Stored | None:
            seen = see(None)
            return match(self.identities, store.id, seen.object_id, lambda: seen.person)

        def write(found: Stored | None) -> str | None:
            if found.identity.said.modified > asked if found is not None else was_there:
                raise Overtaken
            return self._take(store, found, see(found))

        return self._again(stored, look, write)

    def recompute(
        self, store: Store, stored: Stored, only_rules: Callable[[Stored, Identity], None] | None = None
    ) -> str | None:
        """Compute the desired state of a person again, after a rule or the manager's account has changed. As ``take``.

        ``only_rules``: takes a person where nothing changes but the rules it was computed by, to be written later.
        """
        person = stored.identity.id
        return self._again(
            stored,
            lambda: self.identities.read(store.id, person),
            lambda found: self._recompute(store, found, only_rules),
        )

    def _again(
        self,
        stored: Stored | None,
        look: Callable[[], Stored | None],
        write: Callable[[Stored | None], str | None],
    ) -> str | None:
        """Write from what was read, and from what is there now where a push wrote it in between."""
        known = [stored]

        def attempt() -> str | None:
            found = known.pop() if known else look()
            if found is not None and (until := found.identity.leased_until(self.now())) is not None:
                raise BeingWritten(until)
            try:
                return write(found)
            except Conflict:
                # Of two who create the same person one finds them; of two persons one has the name.
                if found is not None or (another := look()) is None:
                    raise UserNameTaken from None
                known.append(another)
                raise Stale from None

        try:
            return until_free(attempt, FOR_A_READING)
        except Stale:
            raise BeingWritten(self.now()) from None

    def _take(self, store: Store, stored: Stored | None, seen: Seen) -> str | None:
        before = stored.identity if stored else None
        if before is None and seen.status is not Status.ACTIVATED:
            return None
        if stored is not None and seen.status is Status.DELETED:
            self._delete(store, stored, seen.object_id)
            return None
        failure: str | None = None
        person = under_own_name(seen.person, before.said.source if before else None)
        try:
            before = self._put_right(store, before, person) if before else None
            desired_state = self.desired_states.of(store, person, seen.status, before)
        except Refused as refusal:
            # The source state is kept; the desired state waits for a mapping that works.
            failure, desired_state = str(refusal), None
        resource = onto_scim(
            _JSON.validate_json(before.said.resource) if before else {},
            person,
            active=seen.status is Status.ACTIVATED,
            manager=self._manager(store, person.manager),
            custom=store.custom_attributes,
        )
        so_far = before.said if before else None
        said = SourceState(
            resource=_JSON.dump_json(resource).decode(),
            keys=keys_of(resource),
            source=person,
            desired=so_far.desired if so_far else None,
            status=seen.status,
            in_bin=seen.in_bin,
            unverified=so_far is not None and so_far.unverified and not seen.is_heard,
            modified=self.now(),
        )
        said = said.model_copy(update=desired_state.told) if desired_state else said
        if before is None:
            after = Identity(
                id=id_of_object(seen.object_id), object_id=seen.object_id, said=said, created=said.modified
            )
        else:
            after = before.model_copy(update={"said": said, "object_id": seen.object_id})
        self._write(store, stored, after, _reason(desired_state, failure, seen.why), failed=failure is not None)
        return failure

    def _recompute(
        self, store: Store, stored: Stored | None, only_rules: Callable[[Stored, Identity], None] | None
    ) -> str | None:
        if stored is None:
            return None
        identity = stored.identity
        said = identity.said
        if identity.is_being_deleted:
            self._delete(store, stored, identity.object_id)
            return None
        try:
            corrected = self._put_right(store, identity, said.source)
            desired_state = self.desired_states.of(store, said.source, said.status or status_of(said.source), corrected)
        except Refused as refusal:
            return str(refusal)
        after = corrected.model_copy(update={"said": said.model_copy(update=desired_state.told)})
        same = after.model_copy(update={"said": after.said.model_copy(update={"rules": said.rules})}) == identity
        if same and only_rules is not None:
            only_rules(stored, after)
        elif after != identity:
            reason = desired_state.decision.reason if corrected is identity else PUT_RIGHT
            self._write(store, stored, after, reason, failed=False)
        return None

    def _put_right(self, store: Store, identity: Identity, person: AzureUser) -> Identity:
        """A person recorded as deactivated by hand by an earlier release, where the bridge had done it itself."""
        account = identity.account
        if account is None or identity.said.rules or identity.pending is not None or not identity.is_kept_inactive:
            return identity
        if account.standing is not Standing.DEACTIVATED_BY_HAND:
            return identity
        by_bridge = identity.model_copy(update={"account": account.model_copy(update={"deactivated_by": "bridge"})})
        desired = self.desired_states.of(store, person, Status.ACTIVATED, by_bridge).desired
        history = self.identities.history(store.id, identity.id)
        return by_bridge if was_wrongly_by_hand(account, desired, history) else identity

    def _write(self, store: Store, stored: Stored | None, after: Identity, reason: str, *, failed: bool) -> None:
        """Write a person with or without a pending mark; nothing where nothing is new. Raises Stale and Conflict."""
        before = stored.identity if stored else None
        kind = EventKind.REFUSED if failed else EventKind.RECORDED
        if before is not None and _same(before, after) and not (before.pending and before.pending.begun is False):
            return
        mark = before.pending if before else None
        looks = is_to_be_looked_at(before, after.said.desired)
        nothing_to_do = needed(after.account, after.said.desired, store.status_rules).kind is ChangeKind.NOTHING
        if nothing_to_do and not looks and (mark is None or not mark.begun):
            settled = after.model_copy(update={"pending": None})
            if before is None or not _same(before, settled) or before.pending is not None:
                is_news = before is None or before.pending or not _same(before, settled, but=("modified", *_COMPUTED))
                event = Event(at=self.now(), kind=kind, reason=reason) if is_news else None
                self.identities.write(store.id, stored, settled, event)
            return
        if mark is None or before is None:
            mark = self._new_mark(reason, before.said if before else None, looks=looks)
        elif not _same(before, after):
            mark = mark.noting_sent(before.said)
        if before is not None and before.pending is not None and before.said.desired != after.said.desired:
            mark = mark.model_copy(update={"reason": reason, "refusals": 0, "next_try": None})
        marked = after.model_copy(update={"pending": mark})
        if before != marked:
            self.identities.write(store.id, stored, marked)

    def _new_mark(self, reason: str, before: SourceState | None, *, looks: bool) -> PendingChange:
        """A change of which Zoho One has heard nothing. ``looks``: it is asked all the same what it holds."""
        sent = () if looks else None
        return PendingChange(reason=reason, before=before, begun=looks, sent=sent, lease_ends=self.now())

    def _delete(self, store: Store, stored: Stored, object_id: str | None) -> None:
        """Entra deleted the person for good: the store's rules say what becomes of the account."""
        before = stored.identity
        desired_state = self.desired_states.of(store, before.said.source, Status.DELETED, before)
        holds, reason = before.account.holds if before.account else None, desired_state.decision.reason
        resource = _JSON.validate_json(before.said.resource) | {"active": False}
        looks = is_to_be_looked_at(before, desired_state.desired)
        begun = looks or (before.pending is not None and before.pending.begun)
        if desired_state.decision.action is Action.UNMANAGE or (
            not begun and plan_change(holds, desired_state.desired).kind is ChangeKind.NOTHING
        ):
            self.unmanage(store, stored, reason)
            return
        told = {
            "desired": desired_state.desired,
            "status": Status.DELETED,
            "unverified": False,
            "resource": _JSON.dump_json(resource).decode(),
        }
        said = before.said.model_copy(update=told)
        mark = before.pending or self._new_mark(reason, before.said, looks=looks)
        mark = mark.noting_sent(before.said).model_copy(update={"reason": reason, "refusals": 0, "next_try": None})
        after = before.model_copy(update={"said": said, "pending": mark, "object_id": object_id})
        if after != before:
            self.identities.write(store.id, stored, after)

    def _manager(self, store: Store, manager: str | None) -> str | None:
        """The bridge's id of a manager, if they are known."""
        if manager is None or is_id(manager):
            return manager
        if self.identities.find(store.id, Lookup.ID, id_of_object(manager)):
            return id_of_object(manager)
        found = self.identities.find_object(store.id, manager)
        return found.identity.id if found else None


def _reason(desired_state: DesiredState | None, failure: str | None, why: str) -> str:
    told = desired_state.decision.reason if desired_state else failure or ""
    return f"{told} {why}".rstrip()


_COMPUTED = ("rules", "reports_to", "unverified")
"""What says where a state comes from, and is no news for a history."""


def _same(before: Identity, after: Identity, but: tuple[str, ...] = ("modified",)) -> bool:
    """Whether a write would tell nothing new, ``but`` for these."""
    kept = {name: getattr(before.said, name) for name in but}
    return before.object_id == after.object_id and before.said == after.said.model_copy(update=kept)
