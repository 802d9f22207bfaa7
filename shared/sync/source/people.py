"""What Microsoft Graph says of a store's people and groups, taken into what the bridge knows of them.

A page's people are kept before the place to go on from moves, so that a process that is killed reads a page again and
loses nobody. Whatever goes wrong ends the reading, and with it the cycle, before anything is planned: an error never
means that people are gone.
"""

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import batched

from shared.calls import in_parallel
from shared.entra.answers import Removal
from shared.entra.errors import GraphUnclear, LinkExpired
from shared.entra.graph_client import BATCH, GraphClient
from shared.entra.plausible import ensure_plausible
from shared.entra.user_properties import UserProperties, select_of
from shared.entra.users import read_users
from shared.entra.users_delta import UsersPage, read_changes
from shared.rules.azure_user import ENTRA_NAMES, AzureUser
from shared.rules.criteria import conditions, why_not
from shared.rules.entra_connection import Scope
from shared.rules.mapping.fields_read import fields_read
from shared.rules.status import Status
from shared.rules.store import Store
from shared.sync.errors import Doubtful, PushError
from shared.sync.source.all_groups import read_all_groups
from shared.sync.source.assigned_groups import read_assigned_groups
from shared.sync.source.groups import Reading
from shared.sync.source.reading_progress import ReadingCheckpoint, asked_for, group_rules_of
from shared.sync.source.record import See, Seen, SourceRecorder
from shared.tables.entra_groups import EntraGroups
from shared.tables.entra_scope import HIMSELF, EntraScope
from shared.tables.errors import TooLarge
from shared.tables.identities import Identities
from shared.tables.identity_rows import Stored, is_id
from shared.tables.mappings import Mappings
from shared.tables.seen_pages import SeenPages

PORTION = 2 * BATCH
"""People who are read by their ids between two checkpoints."""
PAGE = 1000
"""People between two heartbeats where nobody is written one by one."""
THREADS = 8
"""That keep people at the same time: more would only wait for each other in one Python process."""


@dataclass(frozen=True)
class PeopleReader:
    """Reads Graph. Its methods raise GraphError, TablesBusy, MappingUnusable, ZohoBusy and ZohoCredentials."""

    identities: Identities
    mappings: Mappings
    source: SourceRecorder
    scope: EntraScope
    groups: EntraGroups
    seen: SeenPages
    heard: Callable[[int], None] = lambda _: None
    """Hears how many people each page of a reading had."""

    def read(
        self,
        store: Store,
        graph: GraphClient,
        progress: ReadingCheckpoint,
        keep: Callable[[ReadingCheckpoint], None],
        beat: Callable[[], None],
        hold: Callable[[], None],
        troubles: list[str] | None = None,
    ) -> tuple[ReadingCheckpoint, list[str]]:
        """Take in what has changed: the progress to be kept at the end, and a sentence for each who could not be.

        ``troubles``: a list to which the sentences go as they are found, for a caller who wants them however it ends.

        ``keep``: stores the progress, which is the place from where another process goes on. Where nothing has changed
        it is not called, and nothing is written. ``beat`` is the heartbeat at checkpoints: after each page and portion
        of people; it may raise to end it there, to be gone on with from what was kept. ``hold`` is the heartbeat in
        between, and may only raise where the lease is lost.
        """
        if progress.about != asked_for(store):
            self.seen.forget(store.id)
            progress = progress.anew(asked_for(store))
        found = troubles if troubles is not None else []
        reading = _Reading(self, store, graph.beating(hold), progress, keep, beat, hold, found)
        reading.read_groups()
        reading.read_users()
        reading.read_again()
        return reading.progress, reading.troubles

    def read_people(
        self, store: Store, graph: GraphClient, object_ids: Iterable[str]
    ) -> Iterable[tuple[str, See | None]]:
        """These people as they are in Entra just now; None for one who is not there."""
        reading = _Reading(self, store, graph, ReadingCheckpoint(), lambda _: None, lambda: None, lambda: None)
        for object_id, properties in read_users(graph, object_ids, reading.select):
            yield object_id, partial(reading.seen, properties) if properties else None


@dataclass
class _Reading:
    """One reading."""

    people_reader: PeopleReader
    store: Store
    graph: GraphClient
    progress: ReadingCheckpoint
    keep: Callable[[ReadingCheckpoint], None]
    beat: Callable[[], None]
    hold: Callable[[], None]
    troubles: list[str] = field(default_factory=list)
    granted: Container[str] | None = None
    """Everybody in scope, while a full round is under way; else each is looked up."""

    all_listed: bool = False
    """Whether Graph has told of everybody by now."""
    empty: bool | None = None
    """Whether nobody was known when the reading began; None: not looked at yet."""

    def __post_init__(self) -> None:
        mapping, criteria = self.people_reader.mappings.compiled(self.store.id).mapping, self.store.criteria
        self.select = select_of(fields_read(mapping, criteria, self.store.custom_attributes))
        named = {condition.attribute for condition in conditions(criteria)} if criteria else set[str]()
        self.judged_by = {ENTRA_NAMES.get(name, name) for name in named}
        """The properties that the criteria look at."""

    def read_groups(self) -> None:
        """Who is assigned, and the groups. Before anybody is listed for the first time nobody needs a mark."""
        connection = self.store.entra
        assert connection is not None  # or there is no graph
        if not self.store.groups.are_synced and connection.scope is Scope.ALL_USERS:
            return
        reading = Reading(
            graph=self.graph,
            scope=self.people_reader.scope,
            groups=self.people_reader.groups,
            store=self.store.id,
            mark=connection.scope is Scope.ASSIGNED and self.progress.position is not None,
            look=self.store.groups.are_synced,
            keep=lambda kept: self._keep(scope=kept),
            hold=self.hold,
            beat=self.beat,
            tell=self.troubles.append,
            managed=lambda: self.people_reader.identities.count_active(self.store.id),
        )
        if connection.scope is Scope.ALL_USERS:
            scope = read_all_groups(reading, self.progress.scope)
        else:
            assert connection.enterprise_app is not None  # the connection's model sees to that
            scope = read_assigned_groups(reading, connection.enterprise_app, self.progress.scope)
        self.progress = self.progress.model_copy(update={"scope": scope})
        self._look_after_rules()

    def _look_after_rules(self) -> None:
        """Every group, if what the store does with groups has changed."""
        rules = group_rules_of(self.store)
        if self.progress.group_rules != rules and self.store.groups.are_synced:
            for some in batched(self.people_reader.groups.all(self.store.id), PAGE, strict=False):
                self.people_reader.groups.look_at(self.store.id, [group.id for group in some])
                self.hold()
            self._keep(group_rules=rules)

    def read_users(self) -> None:
        """What the delta query tells, from where the last reading ended or from the beginning.

        A link that has expired, the stored one or one that was given a page ago, costs one reading of everybody.
        """
        try:
            self._read_round()
        except LinkExpired:
            self._begin_anew()
            self._read_round()

    def read_again(self) -> None:
        """Those whose assignment changed, who could not be kept when they were listed, or who were not listed.

        Each portion's marks go before the next portion is read: cut short, it goes on with those that are left.
        """
        if not (self.progress.scope.marked or self.progress.again):
            return
        ids = list(self.people_reader.scope.marked(self.store.id))
        self.granted, self.all_listed, later = None, True, False
        for portion in batched(read_users(self.graph, ids, self.select), PORTION, strict=False):
            kept = in_parallel(lambda each: self._take_again(*each), portion, THREADS)
            done = [object_id for (object_id, _), is_kept in zip(portion, kept, strict=True) if is_kept]
            self.people_reader.scope.unmark(self.store.id, done)
            later = later or len(done) < len(portion)
            self.beat()
        unmarked = self.progress.scope.model_copy(update={"marked": False})
        self.progress = self.progress.model_copy(update={"scope": unmarked, "again": later})

    def _take_again(self, object_id: str, properties: UserProperties | None) -> bool:
        """Keep one person who was asked for by their id."""
        if properties is None:
            return self._take(object_id, None, Removal.CHANGED)
        is_kept = self._take(object_id, properties, None)
        if not is_kept and not properties.complete:
            self._tell_unreadable(object_id, properties.unreadable or ("accountEnabled",), "waits until it is")
        # An answer in which nothing was readable is asked for once more in the next cycle.
        return is_kept and (properties.complete or not properties.misread)

    def seen(self, properties: UserProperties, stored: Stored | None) -> Seen:
        """A person's status by the store's rules."""
        known = stored.identity.said.source if stored else None
        if known is not None and known.manager is not None and is_id(known.manager):
            changed = properties.managers or properties.former_managers
            known = known.model_copy(update={"manager": None}) if changed else known
        person = properties.onto(known)
        if not self._in_scope(properties.id):
            return Seen(properties.id, person, Status.UNASSIGNED)
        if self.store.criteria is not None and (failed := why_not(self.store.criteria, person)):
            why = f"He does not meet the store's criteria: {'; '.join(failed)}."
            return Seen(properties.id, person, Status.UNASSIGNED, why)
        return Seen(properties.id, person, Status.ACTIVATED if person.account_enabled else Status.DEACTIVATED)

    def _read_round(self) -> None:
        position, everybody = self.progress.position, set[str]()
        if position is not None and position.full:
            everybody = set(self.people_reader.seen.everybody(self.store.id))
        for page in read_changes(self.graph, position, self.select):
            listed = [*(each.id for each in page.changes), *page.unclear]
            self._take_page(page)
            if page.nameless:
                self.troubles.append(
                    f"Microsoft Graph lists {page.nameless} people without an id; they stay as they were"
                )
            if not page.full:
                self._advance(page, changed=bool(page.changes or page.removals or page.unclear))
                continue
            everybody |= set(listed)
            self.people_reader.seen.put(self.store.id, self.progress.pages, listed)
            if page.last:
                self._end_full_round(everybody)
            self._advance(page, changed=True)

    def _take_page(self, page: UsersPage) -> None:
        """Keep a page's people. Whoever cannot be kept now is marked, to be read by his id at the end."""
        if page.full and self.granted is None and self._is_assigned_only():
            self.granted = self.people_reader.scope.everyone(self.store.id, self.hold)
        first = page.full and not self.progress.people and self._nobody_is_known()
        changes: list[tuple[str, UserProperties | None, Removal | None]] = []
        changes += [(each.id, each, None) for each in page.changes]
        changes += [(object_id, None, removal) for object_id, removal in page.removals]
        kept = list[bool]()
        for some in batched(changes, PORTION, strict=False):
            kept += in_parallel(lambda change: self._take(*change, first=first, complete=page.full), some, THREADS)
            self.hold()
        later = [change[0] for change, done in zip(changes, kept, strict=True) if not done]
        self._mark([*later, *page.unclear])
        self.people_reader.heard(len(changes))

    def _take(
        self,
        object_id: str,
        properties: UserProperties | None,
        removal: Removal | None,
        *,
        first: bool = False,
        complete: bool = True,
    ) -> bool:
        """Keep one person; False where he has to be read again. ``first``: nobody is known yet, so nobody is looked up.

        ``complete``: the properties are all there are, so that somebody unknown can be made of them.
        """
        source, store = self.people_reader.source, self.store
        person = partial(self._person, properties) if properties is not None and properties.complete else None
        try:
            stored = None if first else source.find(store, object_id, person, all_listed=self.all_listed)
        except (Doubtful, GraphUnclear) as trouble:
            self.troubles += [] if isinstance(trouble, Doubtful) else [f"{object_id}: {trouble}"]
            return False
        if properties is None:
            if stored is None:
                return True
            see: See = partial(_gone, stored, object_id, removal)
        elif stored is None and not (complete and properties.complete):
            return not self._in_scope(object_id)
        else:
            see = partial(self.seen, properties)
            if first and see(None).status is not Status.ACTIVATED:
                stored = source.find(store, object_id, person)  # a push may have made him, and he has left since
        if properties is not None and self._must_stay_out(properties, stored):
            return True
        if stored is not None and stored.identity.object_id is None and store.groups.are_synced:
            # A push made him. What the store was told of his memberships names him by another id.
            mine = [group for group in self.people_reader.scope.by_what(store.id, object_id) if group != HIMSELF]
            self.people_reader.groups.look_at_memberships(store.id, object_id, mine)
        try:
            failure = source.take(store, stored, see)
        except (PushError, GraphUnclear, TooLarge) as trouble:  # a push is writing, or another person has the userName
            self.troubles.append(f"{object_id}: {str(trouble) or 'what Entra says is too much to be kept'}")
            return False
        if failure is not None:
            self.troubles.append(f"{object_id}: {failure}")
        return True

    def _must_stay_out(self, properties: UserProperties, stored: Stored | None) -> bool:
        """Whether it cannot be told if somebody new meets the criteria. Tells of whatever is not understood."""
        if not (unreadable := properties.unreadable) or (stored is None and not self._in_scope(properties.id)):
            return False
        stays_out = stored is None and not self.judged_by.isdisjoint(unreadable)
        told = "is not provisioned, because the criteria look at it" if stays_out else "keeps what was known of it"
        self._tell_unreadable(properties.id, unreadable, told)
        return stays_out

    def _person(self, properties: UserProperties) -> AzureUser:
        return self.seen(properties, None).person

    def _nobody_is_known(self) -> bool:
        """Whether the store had nobody when its first reading began, so that nobody needs to be looked up."""
        if self.empty is None:
            self.empty = next(iter(self.people_reader.identities.scan(self.store.id)), None) is None
        return self.empty

    def _end_full_round(self, everybody: set[str]) -> None:
        """Who is known and was not listed may be in the recycle bin, or gone for good: they are read by their ids."""
        object_ids = self.people_reader.identities.object_ids(self.store.id)
        for some in batched(object_ids, PAGE, strict=False):
            if not everybody:
                known = len(some) + sum(1 for _ in object_ids)
                ensure_plausible("Graph's list of users", known, 0)
            self._mark([each for each in some if each not in everybody])
            self.hold()
        self.progress = self.progress.model_copy(update={"people": len(everybody), "pages": 0})
        self.granted = None

    def _tell_unreadable(self, object_id: str, names: Sequence[str], what: str) -> None:
        """``what`` becomes of the person, a part of a sentence."""
        said = ", ".join(names)
        self.troubles.append(f"{object_id}: what Microsoft Graph says of {said} is not understood; the person {what}")

    def _begin_anew(self) -> None:
        self.people_reader.seen.forget(self.store.id)
        self._keep(position=None, pages=0)

    def _advance(self, page: UsersPage, *, changed: bool) -> None:
        """Go on behind a page. Between rounds in which nothing changed that need not be kept at once."""
        pages = 0 if page.last or not page.full else self.progress.pages + 1
        moved = self.progress.model_copy(update={"position": page.position, "pages": pages})
        self.progress = moved
        if changed or not page.last:
            self.keep(moved)
        if page.full and page.last:
            self.people_reader.seen.forget(self.store.id)
        if not page.last:
            self.beat()

    def _mark(self, object_ids: Sequence[str]) -> None:
        """Let these be read by their ids."""
        if not object_ids:
            return
        if not self.progress.again:
            self._keep(again=True)
        self.people_reader.scope.mark(self.store.id, object_ids)

    def _keep(self, **changes: object) -> None:
        self.progress = self.progress.model_copy(update=changes)
        self.keep(self.progress)

    def _in_scope(self, object_id: str) -> bool:
        if not self._is_assigned_only():
            return True
        if self.granted is not None:
            return object_id in self.granted
        return self.people_reader.scope.has(self.store.id, object_id)

    def _is_assigned_only(self) -> bool:
        return self.store.entra is not None and self.store.entra.scope is Scope.ASSIGNED


def _gone(known: Stored, object_id: str, removal: Removal | None, now: Stored | None) -> Seen:
    """Somebody whom Graph no longer shows."""
    said = (now or known).identity.said
    person = said.source
    if removal is Removal.DELETED or said.status is Status.DELETED:
        # Asked for by his id, Graph says of the deleted what it says of those in the recycle bin.
        return Seen(object_id, person, Status.DELETED)
    return Seen(object_id, person, Status.DEACTIVATED, "He is in the recycle bin of Entra, or gone.", in_bin=True)
