"""What Entra says of a person, kept together with what Zoho One should therefore hold: the writer on the pull side.

Nobody is called here. What has to change in Zoho One is marked as pending, for the plan of this cycle.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue, TypeAdapter

from shared.directory.azure_user import AzureUser
from shared.directory.desired import status_of
from shared.directory.history import EventKind
from shared.directory.identity import Identity, Pending, Said, id_of_object
from shared.directory.keys import keys_of
from shared.directory.plan import ChangeKind, plan_change
from shared.directory.scim_user import onto_scim
from shared.directory.status import Action, Status
from shared.directory.store import Store
from shared.model import HIDDEN
from shared.provisioning.desires import Desire, Desires
from shared.provisioning.errors import BeingWritten, Refused, UserNameTaken
from shared.provisioning.push import TAKEN
from shared.provisioning.settle import Settle
from shared.tables.errors import Changed, Taken
from shared.tables.identities import Identities
from shared.tables.identity_rows import Lookup, Stored, is_id

TRIES = 3
"""While a push writes the same person."""

_JSON = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue], config=HIDDEN)


@dataclass(frozen=True)
class Seen:
    """A person as Graph shows him now."""

    object_id: str
    person: AzureUser
    status: Status
    why: str = ""
    """What the store's rules found, beyond his status; a sentence."""


type See = Callable[[Stored | None], Seen]
"""How Graph shows a person, given what is known of him: it says less than everything."""


@dataclass(frozen=True)
class Source:
    """Keeps what Entra says.

    Its methods raise TablesBusy, MappingUnusable, BeingWritten where a push writes the same person all the time,
    UserNameTaken, and ZohoBusy and ZohoCredentials where a mapping asks Zoho One for a free name.
    """

    identities: Identities
    desires: Desires
    settle: Settle
    now: Callable[[], datetime]

    def find(self, store: Store, object_id: str, user_name: str | None = None) -> Stored | None:
        """Whom the store has for a person in Entra: by his object id, else whom a push made under his name."""
        stored = self.identities.read(store.id, id_of_object(object_id)) or self.identities.find_object(
            store.id, object_id
        )
        if stored is not None or user_name is None:
            return stored
        holder = self.identities.holder_of(store.id, user_name)
        return holder if holder is not None and holder.identity.object_id is None else None

    def take(self, store: Store, stored: Stored | None, see: See) -> str | None:
        """Keep what Graph says of a person; the sentence that tells why it could not be mapped, or None.

        Nobody is kept who need not have an account and never had one.
        """

        def look() -> Stored | None:
            seen = see(None)
            return self.find(store, seen.object_id, seen.person.user_principal_name)

        return self._again(stored, look, lambda found: self._take(store, found, see(found)))

    def renew(self, store: Store, stored: Stored) -> str | None:
        """Work out anew what is desired of a person, after a rule or his manager's account has changed. As ``take``."""
        person = stored.identity.id
        return self._again(
            stored, lambda: self.identities.read(store.id, person), lambda found: self._renew(store, found)
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
            except Changed:
                stored = look()
            except Taken:
                # Of two who create the same person one finds him; of two persons one name is one's.
                if stored is not None or (stored := look()) is None:
                    raise UserNameTaken(TAKEN) from None
        raise BeingWritten(self.now())

    def _take(self, store: Store, stored: Stored | None, seen: Seen) -> str | None:
        before = stored.identity if stored else None
        if before is None and seen.status is not Status.ACTIVATED:
            return None
        if stored is not None and seen.status is Status.DELETED:
            self._delete(store, stored, seen)
            return None
        failure: str | None = None
        try:
            desire = self.desires.of(store, seen.person, seen.status, before)
        except Refused as refusal:
            # What he is called in Entra is kept; what he should be called in Zoho One waits for a mapping that works.
            failure, desire = str(refusal), None
        resource = onto_scim(
            _JSON.validate_json(before.said.resource) if before else {},
            seen.person,
            active=seen.status is Status.ACTIVATED,
            manager=self._manager(store, seen.person.manager),
            custom=store.custom_attributes,
        )
        so_far = before.said if before else None
        said = Said(
            resource=_JSON.dump_json(resource).decode(),
            keys=keys_of(resource),
            source=seen.person,
            desired=desire.desired if desire else so_far.desired if so_far else None,
            status=seen.status,
            awaits=desire.awaits if desire else None,
            modified=self.now(),
        )
        if before is None:
            after = Identity(
                id=id_of_object(seen.object_id), object_id=seen.object_id, said=said, created=said.modified
            )
        else:
            after = before.model_copy(update={"said": said, "object_id": seen.object_id})
        self._write(store, stored, after, _reason(desire, failure, seen.why), failed=failure is not None)
        return failure

    def _renew(self, store: Store, stored: Stored | None) -> str | None:
        if stored is None:
            return None
        identity = stored.identity
        said = identity.said
        try:
            desire = self.desires.of(store, said.source, said.status or status_of(said.source), identity)
        except Refused as refusal:
            return str(refusal)
        renewed = said.model_copy(update={"desired": desire.desired, "awaits": desire.awaits})
        self._write(store, stored, identity.model_copy(update={"said": renewed}), desire.decision.reason, failed=False)
        return None

    def _write(self, store: Store, stored: Stored | None, after: Identity, reason: str, *, failed: bool) -> None:
        """Write a person with or without a pending mark; nothing where nothing is new. Raises Changed and Taken."""
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
                self.identities.write(store.id, stored, settled, self.settle.event(kind, reason))
            return
        if mark is None:
            said_before = before.said if before else None
            mark = Pending(reason=reason, before=said_before, begun=False, lease_ends=self.now())
        elif before is not None and before.said.desired != after.said.desired:
            mark = mark.model_copy(update={"reason": reason, "refusals": 0, "next_try": None})
        marked = after.model_copy(update={"pending": mark})
        if before != marked:
            self.identities.write(store.id, stored, marked)

    def _delete(self, store: Store, stored: Stored, seen: Seen) -> None:
        """Entra deleted the person for good: the store's rules say what becomes of the account."""
        before = stored.identity
        desire = self.desires.of(store, before.said.source, Status.DELETED, before)
        holds, reason = before.account.holds if before.account else None, desire.decision.reason
        begun = before.pending is not None and before.pending.begun
        if desire.decision.action is Action.LET_GO or (
            not begun and plan_change(holds, desire.desired).kind is ChangeKind.NOTHING
        ):
            self.settle.let_go(store, stored, reason)
            return
        said = before.said.model_copy(update={"desired": desire.desired, "status": Status.DELETED})
        mark = before.pending or Pending(reason=reason, before=before.said, begun=False, lease_ends=self.now())
        leaving = mark.model_copy(update={"reason": reason, "leaving": True, "refusals": 0, "next_try": None})
        after = before.model_copy(update={"said": said, "pending": leaving, "object_id": seen.object_id})
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


def _reason(desire: Desire | None, failure: str | None, why: str) -> str:
    told = desire.decision.reason if desire else failure or ""
    return f"{told} {why}".rstrip()


def _same(before: Identity, after: Identity) -> bool:
    """Whether a write would tell nothing new."""
    return before.object_id == after.object_id and before.said == after.said.model_copy(
        update={"modified": before.said.modified}
    )
