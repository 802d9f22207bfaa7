"""One person, as Microsoft Graph shows them, taken into what the bridge knows of them."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from shared.entra.answers import Removal
from shared.entra.errors import GraphUnclear
from shared.entra.user_properties import UserProperties
from shared.rules.azure_user import ENTRA_NAMES, AzureUser
from shared.rules.criteria import conditions, why_not
from shared.rules.desired import status_of
from shared.rules.entra_connection import Scope
from shared.rules.status import Status
from shared.rules.store import Store
from shared.sync.errors import Doubtful, Overtaken, PushError
from shared.sync.source.match import match
from shared.sync.source.record import See, Seen, SourceRecorder
from shared.tables.entra_groups import EntraGroups
from shared.tables.entra_scope import HIMSELF, EntraScope
from shared.tables.errors import TooLarge
from shared.tables.identities import Identities
from shared.tables.identity_rows import Stored, is_id


@dataclass
class PersonReader:
    """Takes people of one store in, one at a time. Threads may share it."""

    store: Store
    identities: Identities
    recorder: SourceRecorder
    scope: EntraScope
    groups: EntraGroups
    select: tuple[str, ...]
    """The properties of users that are asked for."""
    troubles: list[str]
    """A sentence for each person who could not be taken in, or not wholly."""
    granted: Container[str] | None = None
    """Everybody in scope, while a full round is under way; else each is looked up."""
    all_listed: bool = False
    """Whether Graph has told of everybody by now."""

    def __post_init__(self) -> None:
        criteria = self.store.criteria
        named = {condition.attribute for condition in conditions(criteria)} if criteria else set[str]()
        self._judged_by = {ENTRA_NAMES.get(name, name) for name in named}
        """The properties that the criteria look at."""

    @property
    def is_assigned_only(self) -> bool:
        """Whether the store takes only users who are assigned."""
        return self.store.entra is not None and self.store.entra.scope is Scope.ASSIGNED

    def seen(self, properties: UserProperties, stored: Stored | None) -> Seen:
        """A person's status by the store's rules."""
        known = stored.identity.said.source if stored else None
        if known is not None and known.manager is not None and is_id(known.manager):
            changed = properties.managers or properties.former_managers
            known = known.model_copy(update={"manager": None}) if changed else known
        person = properties.onto(known)
        if not self._in_scope(properties.id):
            return Seen(properties.id, person, Status.UNASSIGNED)
        if stored is not None and not properties.is_heard:
            said = stored.identity.said
            return Seen(properties.id, person, said.status or status_of(person), in_bin=said.in_bin, is_heard=False)
        if self.store.criteria is not None and (failed := why_not(self.store.criteria, person)):
            why = f"The user does not meet the store's criteria: {'; '.join(failed)}."
            return Seen(properties.id, person, Status.UNASSIGNED, why)
        return Seen(properties.id, person, Status.ACTIVATED if person.account_enabled else Status.DEACTIVATED)

    def take_asked(self, object_id: str, properties: UserProperties | None, asked: datetime) -> bool:
        """Keep one person who was asked for by their id; False where they have to be read again."""
        if properties is None:
            return self.take(object_id, None, Removal.CHANGED, asked)
        is_kept = self.take(object_id, properties, None, asked)
        if not is_kept and not properties.complete:
            self._tell_unreadable(object_id, properties.unreadable or ("accountEnabled",), "waits until it is")
        # An answer in which nothing was readable is asked for once more in the next cycle.
        return is_kept and (properties.complete or not properties.misread)

    def take(
        self,
        object_id: str,
        properties: UserProperties | None,
        removal: Removal | None,
        asked: datetime,
        *,
        first: bool = False,
        complete: bool = True,
        listed: bool = False,
    ) -> bool:
        """Keep one person; False where they have to be read again: then only the answer about them alone is complete.

        ``asked``: when Graph was asked. ``first``: nobody is known yet, so nobody is looked up. ``complete``: the
        properties are all there are, so that somebody unknown can be made of them. ``listed``: they come from a list of
        everybody, which leaves out what has no value.
        """
        try:
            stored = self._match(object_id, properties) if not first or self._has_left(properties) else None
        except (Doubtful, GraphUnclear) as trouble:
            return self._wait(object_id, trouble)
        if properties is None:
            if stored is None:
                return True
            see: See = partial(gone, stored, object_id, removal)
        elif stored is None and not (complete and properties.complete):
            return not self._in_scope(object_id)
        else:
            see = partial(self.seen, properties)
        if properties is not None and self._must_stay_out(properties, stored):
            return True
        self._look_at_memberships(object_id, stored)
        try:
            failure = self.recorder.take(self.store, stored, see, asked)
        except Overtaken:
            return False
        except (PushError, GraphUnclear, TooLarge) as trouble:  # a push is writing, or another person has the userName
            self.troubles.append(f"{object_id}: {str(trouble) or 'what Entra says is too much to be kept'}")
            return False
        if failure is not None:
            self.troubles.append(f"{object_id}: {failure}")
        return not (listed and self._leaves_out(properties, stored))

    def _has_left(self, properties: UserProperties | None) -> bool:
        """Whether somebody whom a push may have made while everybody is listed for the first time has left since."""
        if properties is None or not properties.complete:
            return False
        return self.seen(properties, None).status is not Status.ACTIVATED

    def _leaves_out(self, properties: UserProperties | None, stored: Stored | None) -> bool:
        """Whether a list does not mention a value that is known."""
        if properties is None or stored is None:
            return False
        return properties.leaves_out(stored.identity.said.source, self.select)

    def _wait(self, object_id: str, trouble: Doubtful | GraphUnclear) -> bool:
        """Tell why it cannot be said who somebody is, unless that is known once all are listed, or nothing follows."""
        if isinstance(trouble, GraphUnclear) or (self.all_listed and self._in_scope(object_id)):
            self.troubles.append(f"{object_id}: {trouble}")
            return False
        return self.all_listed

    def _match(self, object_id: str, properties: UserProperties | None) -> Stored | None:
        person = partial(self._person, properties) if properties is not None and properties.complete else None
        return match(self.identities, self.store.id, object_id, person, all_listed=self.all_listed)

    def _look_at_memberships(self, object_id: str, stored: Stored | None) -> None:
        """Mark the memberships of a person that a push made: the store was told of them under another id."""
        if stored is None or stored.identity.object_id is not None or not self.store.groups.are_synced:
            return
        mine = [group for group in self.scope.by_what(self.store.id, object_id) if group != HIMSELF]
        self.groups.look_at_memberships(self.store.id, object_id, mine)

    def _must_stay_out(self, properties: UserProperties, stored: Stored | None) -> bool:
        """Whether it cannot be told if somebody new meets the criteria. Tells of whatever is not understood."""
        if not (unreadable := properties.unreadable) or (stored is None and not self._in_scope(properties.id)):
            return False
        stays_out = stored is None and not self._judged_by.isdisjoint(unreadable)
        told = "is not provisioned, because the criteria look at it" if stays_out else "keeps what was known of it"
        self._tell_unreadable(properties.id, unreadable, told)
        return stays_out

    def _tell_unreadable(self, object_id: str, names: Sequence[str], what: str) -> None:
        """``what`` becomes of the person, a part of a sentence."""
        said = ", ".join(names)
        self.troubles.append(f"{object_id}: what Microsoft Graph says of {said} is not understood; the person {what}")

    def _person(self, properties: UserProperties) -> AzureUser:
        return self.seen(properties, None).person

    def _in_scope(self, object_id: str) -> bool:
        if not self.is_assigned_only:
            return True
        if self.granted is not None:
            return object_id in self.granted
        return self.scope.has(self.store.id, object_id)


def gone(known: Stored, object_id: str, removal: Removal | None, now: Stored | None) -> Seen:
    """A person that Graph no longer shows."""
    said = (now or known).identity.said
    person = said.source
    if removal is Removal.DELETED or said.status is Status.DELETED:
        # Asked for by id, Graph says of deleted users what it says of those in the recycle bin.
        return Seen(object_id, person, Status.DELETED)
    return Seen(object_id, person, Status.DEACTIVATED, "The user is in the recycle bin of Entra, or gone.", in_bin=True)
