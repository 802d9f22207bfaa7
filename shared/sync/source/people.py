"""What Microsoft Graph says of a store's people and groups, taken into what the bridge knows of them.

A page's people are kept before the place to go on from moves, so that a process that is killed reads a page again and
loses nobody. Whatever goes wrong ends the reading, and with it the cycle, before anything is planned: an error never
means that people are gone.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import batched

from shared.entra.answers import Removal
from shared.entra.errors import LinkExpired
from shared.entra.graph_client import BATCH, GraphClient
from shared.entra.plausible import ensure_plausible
from shared.entra.user_properties import UserProperties, select_of
from shared.entra.users import read_users
from shared.entra.users_delta import UsersPage, read_changes
from shared.rules.entra_connection import Scope
from shared.rules.mapping.fields_read import fields_read
from shared.rules.store import Store
from shared.sync.progress import PAGE, SILENT, Checkpoint, Heartbeat, Progress
from shared.sync.source.groups import GroupReading
from shared.sync.source.person import PersonReader
from shared.sync.source.reading_checkpoint import ReadingCheckpoint, asked_for
from shared.sync.source.record import See, SourceRecorder
from shared.sync.source.scope import needs_groups, read_scope
from shared.tables.entra_groups import EntraGroups
from shared.tables.entra_scope import EntraScope
from shared.tables.identities import Identities
from shared.tables.mappings import Mappings
from shared.tables.seen_pages import SeenPages
from shared.threads import in_parallel

READING = "reading Entra"
PORTION = 2 * BATCH
"""People who are read by their ids between two checkpoints."""
THREADS = 8
"""That keep people at the same time: more would only wait for each other in one Python process."""


@dataclass(frozen=True)
class PeopleReader:
    """Reads Graph. Its methods raise GraphError, TablesBusy, MappingUnusable, ZohoBusy and ZohoCredentials."""

    identities: Identities
    mappings: Mappings
    recorder: SourceRecorder
    scope: EntraScope
    groups: EntraGroups
    seen: SeenPages
    now: Callable[[], datetime]

    def read(
        self,
        store: Store,
        graph: GraphClient,
        checkpoint: Checkpoint[ReadingCheckpoint],
        troubles: list[str],
        progress: Progress = SILENT,
    ) -> None:
        """Take in what has changed since the checkpoint. The place reached is to be kept at the cycle's end.

        ``troubles`` gets a sentence for each person who could not be taken in, as it is found. Where nothing has
        changed nothing is written, the checkpoint included. The reading may be ended after each page and portion of
        people, to be gone on with from what was kept.
        """
        if checkpoint.reached.about != asked_for(store):
            self.seen.forget(store.id)
            checkpoint.move(checkpoint.reached.about_another(asked_for(store)))
        graph = graph.beating(checkpoint.beat)
        reading = _PeopleReading(self, store, graph, checkpoint, self._one_by_one(store, troubles), progress)
        progress.tell(READING)
        if needs_groups(store):
            read_scope(store, self._of_groups(store, graph, checkpoint.reached, troubles), checkpoint)
        reading.read_users()
        reading.read_again()

    def read_people(
        self, store: Store, graph: GraphClient, object_ids: Iterable[str]
    ) -> Iterable[tuple[str, See | None]]:
        """These people as they are in Entra now; None for one who is not there. Twenty take a call."""
        person = self._one_by_one(store, [])
        for object_id, properties in read_users(graph, object_ids, person.select):
            yield object_id, partial(person.seen, properties) if properties else None

    def verify(
        self, store: Store, graph: GraphClient, object_ids: Sequence[str], heartbeat: Heartbeat, troubles: list[str]
    ) -> list[str]:
        """Read people again whom a push wrote since Graph reported them; return the ids of those who could be kept.

        Cut short, it goes on with those who are left. Twenty take a call. ``troubles``: as of ``read``.
        """
        person, kept = self._one_by_one(store, troubles), list[str]()
        graph = graph.beating(heartbeat.beat)
        for portion in batched(object_ids, PORTION, strict=False):
            kept += self.take_asked(person, graph, portion)
            heartbeat.beat()
        return kept

    def take_asked(self, person: PersonReader, graph: GraphClient, object_ids: Sequence[str]) -> list[str]:
        """Ask for these people by their ids, and keep them; return the ids of those who could be kept."""
        asked = self.now()

        def take(read: tuple[str, UserProperties | None]) -> bool:
            return person.take_asked(*read, asked)

        kept = in_parallel(take, list(read_users(graph, object_ids, person.select)), THREADS)
        return [object_id for object_id, is_kept in zip(object_ids, kept, strict=True) if is_kept]

    def properties(self, store: Store) -> tuple[str, ...]:
        """The properties of users that the store's mapping and criteria read."""
        mapping = self.mappings.compiled(store.id).mapping
        matched = [rule.expression for rule in store.matching.rules if rule.expression]
        return select_of(fields_read(mapping, store.criteria, store.custom_names.listed, matched))

    def _one_by_one(self, store: Store, troubles: list[str]) -> PersonReader:
        select = self.properties(store)
        return PersonReader(store, self.identities, self.recorder, self.scope, self.groups, select, troubles)

    def _of_groups(
        self, store: Store, graph: GraphClient, reached: ReadingCheckpoint, troubles: list[str]
    ) -> GroupReading:
        """The reading of groups. Before anybody is listed for the first time nobody needs a mark."""
        assert store.entra is not None  # or there is no graph
        return GroupReading(
            graph=graph,
            scope=self.scope,
            groups=self.groups,
            identities=self.identities,
            store=store.id,
            mark=store.entra.scope is Scope.ASSIGNED and reached.position is not None,
            look=store.groups.are_synced,
            troubles=troubles,
        )


@dataclass
class _PeopleReading:
    """One reading of users: rounds of the delta query, then those who are to be read by their ids."""

    parts: PeopleReader
    store: Store
    graph: GraphClient
    checkpoint: Checkpoint[ReadingCheckpoint]
    person: PersonReader
    progress: Progress
    read: int = 0
    """Number of people that the pages named so far."""
    empty: bool | None = None
    """Whether nobody was known when the reading began; None: not looked at yet."""

    @property
    def reached(self) -> ReadingCheckpoint:
        """How far it came."""
        return self.checkpoint.reached

    def read_users(self) -> None:
        """What the delta query tells, from where the last reading ended or from the beginning.

        A link that has expired, the stored one or one that was given a page ago, costs one reading of everybody.
        """
        try:
            self._read_round()
        except LinkExpired:
            self.parts.seen.forget(self.store.id)
            self._keep(position=None, pages=0)
            self._read_round()

    def read_again(self) -> None:
        """Those whose assignment changed, who could not be kept when they were listed, or who were not listed.

        Each portion's marks go before the next portion is read: cut short, it goes on with those that are left.
        """
        if not (self.reached.scope.marked or self.reached.again):
            return
        ids = list(self.parts.scope.marked(self.store.id))
        self.person.granted, self.person.all_listed, later = None, True, False
        for portion in batched(ids, PORTION, strict=False):
            done = self.parts.take_asked(self.person, self.graph, portion)
            self.parts.scope.unmark(self.store.id, done)
            later = later or len(done) < len(portion)
            self.checkpoint.may_end()
        unmarked = self.reached.scope.model_copy(update={"marked": False})
        self.checkpoint.move(self.reached.model_copy(update={"scope": unmarked, "again": later}))

    def _read_round(self) -> None:
        position, everybody = self.reached.position, set[str]()
        if position is not None and position.full:
            everybody = set(self.parts.seen.everybody(self.store.id))
        for asked, page in _with_times(read_changes(self.graph, position, self.person.select), self.parts.now):
            listed = [*(each.id for each in page.changes), *page.unclear]
            self._take_page(page, asked)
            if page.nameless:
                self.person.troubles.append(
                    f"Microsoft Graph lists {page.nameless} people without an id; they stay as they were"
                )
            if not page.full:
                self._advance(page, changed=bool(page.changes or page.removals or page.unclear))
                continue
            everybody |= set(listed)
            self.parts.seen.put(self.store.id, self.reached.pages, listed)
            if page.last:
                self._end_full_round(everybody)
            self._advance(page, changed=True, people=len(everybody) if page.last else None)

    def _take_page(self, page: UsersPage, asked: datetime) -> None:
        """Keep a page's people. Those who cannot be kept now are marked, to be read by their ids at the end.

        ``asked``: when Graph was asked for the page.
        """
        if page.full and self.person.granted is None and self.person.is_assigned_only:
            self.person.granted = self.parts.scope.everyone(self.store.id, self.checkpoint.beat)
        first = page.full and not self.reached.people and self._nobody_is_known()
        changes: list[tuple[str, UserProperties | None, Removal | None]] = []
        changes += [(each.id, each, None) for each in page.changes]
        changes += [(object_id, None, removal) for object_id, removal in page.removals]
        kept = list[bool]()
        take = partial(self.person.take, first=first, complete=page.full, listed=page.full)
        for some in batched(changes, PORTION, strict=False):
            kept += in_parallel(lambda change: take(*change, asked), some, THREADS)
            self.checkpoint.beat()
        later = [change[0] for change, done in zip(changes, kept, strict=True) if not done]
        self._mark([*later, *page.unclear])
        self.read += len(changes)
        self.progress.tell(READING, self.read)

    def _nobody_is_known(self) -> bool:
        """Whether the store had nobody when its first reading began, so that nobody needs to be looked up."""
        if self.empty is None:
            self.empty = next(iter(self.parts.identities.scan(self.store.id)), None) is None
        return self.empty

    def _end_full_round(self, everybody: set[str]) -> None:
        """Mark people who were not listed: in the recycle bin, or gone for good. They are read by their ids."""
        object_ids = self.parts.identities.object_ids(self.store.id)
        for some in batched(object_ids, PAGE, strict=False):
            if not everybody:
                known = len(some) + sum(1 for _ in object_ids)
                ensure_plausible("Graph's list of users", known, 0)
            self._mark([each for each in some if each not in everybody])
            self.checkpoint.beat()
        self.person.granted = None

    def _advance(self, page: UsersPage, *, changed: bool, people: int | None = None) -> None:
        """Go on after a page. Between rounds in which nothing changed that need not be kept at once.

        ``people``: the number that a full round listed, at its end.
        """
        pages = 0 if page.last or not page.full else self.reached.pages + 1
        moved = self.reached.model_copy(update={"position": page.position, "pages": pages})
        if people is not None:
            moved = moved.model_copy(update={"people": people})
        if changed or not page.last:
            self.checkpoint.keep(moved)
        else:
            self.checkpoint.move(moved)
        if page.full and page.last:
            self.parts.seen.forget(self.store.id)
        if not page.last:
            self.checkpoint.may_end()

    def _mark(self, object_ids: Sequence[str]) -> None:
        """Let these be read by their ids."""
        if not object_ids:
            return
        if not self.reached.again:
            self._keep(again=True)
        self.parts.scope.mark(self.store.id, object_ids)

    def _keep(self, **changes: object) -> None:
        self.checkpoint.keep(self.reached.model_copy(update=changes))


def _with_times(pages: Iterator[UsersPage], now: Callable[[], datetime]) -> Iterator[tuple[datetime, UsersPage]]:
    """Pages, each with the time at which Graph was asked for it: when the one before was dealt with."""
    asked = now()
    for page in pages:
        yield asked, page
        asked = now()
