"""What Entra says of a person, kept together with what Zoho One should therefore hold: the writer on the pull side.

Nobody is called here. What has to change in Zoho One is marked as pending, for the plan of this cycle.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue, TypeAdapter

from shared.model import HIDDEN
from shared.rules.account_seen import was_wrongly_by_hand
from shared.rules.azure_user import AzureUser
from shared.rules.change import ChangeKind, plan_change
from shared.rules.desired import status_of
from shared.rules.former import is_alike, is_pushed_of
from shared.rules.history import EventKind
from shared.rules.identity import Identity, PendingChange, SourceState, id_of_object
from shared.rules.keys import keys_of
from shared.rules.recycle_bin import under_own_name
from shared.rules.scim_user import onto_scim
from shared.rules.status import Action, Standing, Status
from shared.rules.store import Store
from shared.rules.user_name import folded
from shared.sync.apply.settlement import Settlement
from shared.sync.desired.people import DesiredState, DesiredStates
from shared.sync.errors import BeingWritten, Doubtful, Refused, UserNameTaken
from shared.sync.push.people import TAKEN
from shared.tables.errors import Conflict, Stale
from shared.tables.identities import Identities
from shared.tables.identity_rows import Lookup, Stored, is_id

PUT_RIGHT = (
    "The person is active in Entra. The account was put down as deactivated by hand after a call of the bridge that "
    "Zoho One had not answered: it is taken for the bridge's own doing."
)
TRIES = 3
"""While a push writes the same person."""

NAMESAKES = 20
"""People looked at who are called as somebody whom a push made."""

_JSON = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue], config=HIDDEN)


@dataclass(frozen=True)
class Seen:
    """A person as Graph shows him now."""

    object_id: str
    person: AzureUser
    status: Status
    why: str = ""
    """What the store's rules found, beyond his status; a sentence."""
    in_bin: bool = False
    """Whether the person is not there: in the recycle bin of Entra, or gone."""


type See = Callable[[Stored | None], Seen]
"""How Graph shows a person, given what is known of him: it says less than everything."""


@dataclass(frozen=True)
class SourceRecorder:
    """Keeps what Entra says.

    Its methods raise TablesBusy, MappingUnusable, BeingWritten where a push writes the same person all the time,
    UserNameTaken, and ZohoBusy and ZohoCredentials where a mapping asks Zoho One for a free name.
    """

    identities: Identities
    desired_states: DesiredStates
    settlement: Settlement
    now: Callable[[], datetime]

    def find(
        self, store: Store, object_id: str, see: Callable[[], AzureUser] | None = None, *, all_listed: bool = True
    ) -> Stored | None:
        """Whom the store has for a person in Entra: by the object id, else whom a push made of the same person.

        ``see``: the person, asked for only where nobody has the object id. A userName alone says little: it may have
        been given to somebody else since it was pushed. So it counts only where Graph has nobody else for whom a push
        made, which is known once it has listed everybody (``all_listed``); before that Doubtful is raised.
        Two round trips for whom Graph has named, up to eight else.
        """
        stored = self.identities.read(store.id, id_of_object(object_id)) or self.identities.find_object(
            store.id, object_id
        )
        if stored is not None or see is None:
            return stored
        person = see()
        holder = self.identities.holder_of(store.id, person.user_principal_name)
        if holder is not None and _is_pushed_of(holder, object_id, person) is not False:
            return holder
        external_ids = filter(None, (object_id, person.mail_nickname))
        found = [each for text in external_ids for each in self.identities.find(store.id, Lookup.EXTERNAL_ID, text)]
        alike = [
            pushed
            for pushed in (self.identities.read(store.id, each.id) for each in found)
            if pushed is not None
            and _is_pushed_of(pushed, object_id, person)
            and (is_alike(pushed.identity.said.source, person) or pushed.identity.said.keys.external_id == object_id)
        ]
        if len(alike) == 1:
            return alike[0]
        if holder is None or holder.identity.object_id is not None or _are_told_apart(holder, person):
            return None
        if not all_listed:
            raise Doubtful("Somebody of this name was pushed; who it is will be known when all are listed")
        return None if self._is_another(store, holder) else holder

    def _is_another(self, store: Store, pushed: Stored) -> bool:
        """Whether Graph has named somebody who is called as the one whom a push made. One round trip, or two."""
        known, name = pushed.identity, pushed.identity.said.source.display_name
        if not name:
            return False
        namesakes = (each for each in self.identities.search(store.id, name, NAMESAKES) if each.id != known.id)
        return any(folded(each.name) == folded(name) for each in namesakes)

    def take(self, store: Store, stored: Stored | None, see: See) -> str | None:
        """Keep what Graph says of a person; the sentence that tells why it could not be mapped, or None.

        Nobody is kept who need not have an account and never had one.
        """

        def look() -> Stored | None:
            seen = see(None)
            return self.find(store, seen.object_id, lambda: seen.person)

        return self._again(stored, look, lambda found: self._take(store, found, see(found)))

    def renew(
        self, store: Store, stored: Stored, only_rules: Callable[[Stored, Identity], None] | None = None
    ) -> str | None:
        """Compute again what is desired of a person, after a rule or the manager's account has changed. As ``take``.

        ``only_rules``: takes somebody of whom nothing changes but by which rules it was computed, to be written later.
        """
        person = stored.identity.id
        return self._again(
            stored, lambda: self.identities.read(store.id, person), lambda found: self._renew(store, found, only_rules)
        )

    def _again(
        self,
        stored: Stored | None,
        look: Callable[[], Stored | None],
        write: Callable[[Stored | None], str | None],
    ) -> str | None:
        """Write from what was read, and from what is there now where a push wrote it in between."""
        for _ in range(TRIES):
            if stored is not None and (until := stored.identity.leased_until(self.now())) is not None:
                raise BeingWritten(until)
            try:
                return write(stored)
            except Stale:
                stored = look()
            except Conflict:
                # Of two who create the same person one finds him; of two persons one name is one's.
                if stored is not None or (stored := look()) is None:
                    raise UserNameTaken(TAKEN) from None
        raise BeingWritten(self.now())

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
            # What he is called in Entra is kept; what he should be called in Zoho One waits for a mapping that works.
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

    def _renew(
        self, store: Store, stored: Stored | None, only_rules: Callable[[Stored, Identity], None] | None
    ) -> str | None:
        if stored is None:
            return None
        identity = stored.identity
        said = identity.said
        if identity.is_going:
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
        """Somebody whom a release before this put down as deactivated by hand, where the bridge had done it itself."""
        account = identity.account
        if account is None or identity.said.rules or identity.pending is not None or not identity.is_shut_out:
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
        holds = after.account.holds if after.account else None
        nothing_to_do = plan_change(holds, after.said.desired).kind is ChangeKind.NOTHING
        if nothing_to_do and (mark is None or not mark.begun):
            settled = after.model_copy(update={"pending": None})
            if before is None or not _same(before, settled) or before.pending is not None:
                is_news = before is None or before.pending or not _same(before, settled, but=("modified", *_COMPUTED))
                event = self.settlement.event(kind, reason) if is_news else None
                self.identities.write(store.id, stored, settled, event)
            return
        if mark is None or before is None:
            said_before = before.said if before else None
            mark = PendingChange(reason=reason, before=said_before, begun=False, lease_ends=self.now())
        elif not _same(before, after):
            mark = mark.noting_sent(before.said)
        if before is not None and before.pending is not None and before.said.desired != after.said.desired:
            mark = mark.model_copy(update={"reason": reason, "refusals": 0, "next_try": None})
        marked = after.model_copy(update={"pending": mark})
        if before != marked:
            self.identities.write(store.id, stored, marked)

    def _delete(self, store: Store, stored: Stored, object_id: str | None) -> None:
        """Entra deleted the person for good: the store's rules say what becomes of the account."""
        before = stored.identity
        desired_state = self.desired_states.of(store, before.said.source, Status.DELETED, before)
        holds, reason = before.account.holds if before.account else None, desired_state.decision.reason
        resource = _JSON.validate_json(before.said.resource) | {"active": False}
        begun = before.pending is not None and before.pending.begun
        if desired_state.decision.action is Action.LET_GO or (
            not begun and plan_change(holds, desired_state.desired).kind is ChangeKind.NOTHING
        ):
            self.settlement.let_go(store, stored, reason)
            return
        told = {
            "desired": desired_state.desired,
            "status": Status.DELETED,
            "resource": _JSON.dump_json(resource).decode(),
        }
        said = before.said.model_copy(update=told)
        mark = before.pending or PendingChange(reason=reason, before=before.said, begun=False, lease_ends=self.now())
        mark = mark.noting_sent(before.said).model_copy(update={"reason": reason, "refusals": 0, "next_try": None})
        after = before.model_copy(update={"said": said, "pending": mark, "object_id": object_id})
        if after != before:
            self.identities.write(store.id, stored, after)

    def _manager(self, store: Store, manager: str | None) -> str | None:
        """The bridge's id of a manager, if he is known."""
        if manager is None or is_id(manager):
            return manager
        if self.identities.find(store.id, Lookup.ID, id_of_object(manager)):
            return id_of_object(manager)
        found = self.identities.find_object(store.id, manager)
        return found.identity.id if found else None


def _is_pushed_of(stored: Stored, object_id: str, person: AzureUser) -> bool | None:
    """Whether this is the person, as far as a push told; False for one whom Graph has named already."""
    identity = stored.identity
    if identity.object_id is not None:
        return False
    return is_pushed_of(identity.said.keys.external_id, identity.said.source, object_id, person)


def _are_told_apart(stored: Stored, person: AzureUser) -> bool:
    """Whether both have employee numbers, which differ."""
    known = stored.identity.said.source.employee_id
    return bool(known and person.employee_id and known != person.employee_id)


def _reason(desired_state: DesiredState | None, failure: str | None, why: str) -> str:
    told = desired_state.decision.reason if desired_state else failure or ""
    return f"{told} {why}".rstrip()


_COMPUTED = ("rules", "reports_to")
"""What says how a desired state was computed, and is no news for a history."""


def _same(before: Identity, after: Identity, but: tuple[str, ...] = ("modified",)) -> bool:
    """Whether a write would tell nothing new, ``but`` for these."""
    kept = {name: getattr(before.said, name) for name in but}
    return before.object_id == after.object_id and before.said == after.said.model_copy(update=kept)
