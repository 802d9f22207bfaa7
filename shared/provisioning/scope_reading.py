"""Who is in scope, brought up to date from Microsoft Graph: assignments each time, members of groups by change.

What was read is kept before the place to go on from moves, and every step can be cut short and begun anew: a kill, an
error or a full table loses nobody's grant and leaves none behind. Graph tells of a member who came and left since a
link was given, whether or not that was seen, so that a page may be stored twice.
"""

import hashlib
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from itertools import batched
from math import ceil

from pydantic import BaseModel, ConfigDict, Field

from shared.entra.assignments import Assignments, read_assignments
from shared.entra.errors import DeltaExpired
from shared.entra.graph_client import GraphClient
from shared.entra.members_delta import MOST_GROUPS, MembersPage, read_members
from shared.entra.plausible import ensure_plausible
from shared.tables.entra_scope import HIMSELF, EntraScope

SPARE_CHUNKS = 2
"""That a store may follow beyond what its groups need, each a call in every cycle, before they are put together."""


class Chunk(BaseModel):
    """Groups that are followed by one delta query."""

    model_config = ConfigDict(frozen=True)

    groups: tuple[str, ...]
    link: str | None = Field(default=None, repr=False)
    """Where to go on; None where a full round is due, or was cut short. It holds a token: keep it out of logs."""
    midway: bool = False
    """Whether the link leads to a further page of a round: it tells what changed until that round began, no more."""


class ScopeProgress(BaseModel):
    """How far the reading came."""

    model_config = ConfigDict(frozen=True)

    chunks: tuple[Chunk, ...] = ()
    ending: tuple[str, ...] = ()
    """Groups whose grants are being taken away."""
    direct: str = ""
    """A digest of the users who are assigned themselves; empty where they are to be compared with what is stored."""
    assignments: int = 0
    """How many users and groups were assigned."""
    marked: bool = False
    """Whether there may be marks. Whoever has dealt with them all sets it to False."""


def refresh(
    graph: GraphClient,
    scope: EntraScope,
    store_id: str,
    enterprise_app: str,
    progress: ScopeProgress,
    *,
    mark: bool,
    keep: Callable[[ScopeProgress], None],
) -> ScopeProgress:
    """Bring a store's grants up to date; the progress to be kept when the cycle ends.

    Where nothing changed it costs a call of Graph's for 999 assignments and one for each chunk, and no round trip to
    the tables. ``mark``: mark whose grants change. ``keep``: stores the progress, so that a next call, here or in
    another process, goes on from there; called only where something is written. One call at a time for a store.

    Raises as GraphClient does, GraphImplausible where nothing is assigned any more or a group that had members is
    listed with none, and TablesBusy. Whatever it raises, the scope is not up to date then: nothing may be concluded
    from who has no grant. It holds the ids of one chunk's members while it lists them in full.
    """
    reading = _Reading(graph, scope, store_id, progress, mark, keep)
    reading.read_assigned(read_assignments(graph, enterprise_app))
    for number in range(len(reading.progress.chunks)):
        reading.read_members(number)
    return reading.progress


class _Reading:
    def __init__(
        self,
        graph: GraphClient,
        scope: EntraScope,
        store_id: str,
        progress: ScopeProgress,
        mark: bool,
        keep: Callable[[ScopeProgress], None],
    ) -> None:
        self.progress = progress
        self._graph = graph
        self._scope = scope
        self._store = store_id
        self._mark = mark
        self._keep_progress = keep

    def read_assigned(self, assigned: Assignments) -> None:
        """Direct assignments, and which groups are followed."""
        number = len(assigned.users) + len(assigned.groups)
        ensure_plausible("users and groups assigned to the enterprise application", self.progress.assignments, number)
        self.progress = self.progress.model_copy(update={"assignments": number})
        self._end()
        self._read_direct(assigned.users)
        followed = {group for chunk in self.progress.chunks for group in chunk.groups}
        if followed != assigned.groups:
            chunks = _chunks(self.progress.chunks, assigned.groups)
            self._let_go(followed - assigned.groups, chunks)

    def read_members(self, number: int) -> None:
        """What changed in a chunk, or where that cannot be told, everything in it."""
        chunk = self.progress.chunks[number]
        try:
            if chunk.midway:
                self._read_changes(number)
            self._read_changes(number)
        except DeltaExpired:
            self._keep(chunks=self._with_link(number, None))
        if self.progress.chunks[number].link is None:
            self._read_in_full(number, chunk.groups)

    def _read_direct(self, users: frozenset[str]) -> None:
        digest = hashlib.sha256(" ".join(sorted(users)).encode()).hexdigest()
        if digest == self.progress.direct:
            return
        known = self._known(HIMSELF)
        if known != users:
            # If it is cut short and they are assigned as before again, the old digest must not vouch for the rows.
            self._keep(direct="")
            self._change(HIMSELF, users - known, known - users)
        self._keep(direct=digest)

    def _read_changes(self, number: int) -> None:
        """A round of what changed, unless a full one is due."""
        chunk = self.progress.chunks[number]
        if chunk.link is None:
            return
        for page in read_members(self._graph, chunk.groups, chunk.link):
            if page.gone:
                # A group may be back already: listed in full, it says so before anything is concluded.
                self._let_go(page.gone, self._with_link(number, None))
                return
            for group in page.added.keys() | page.removed.keys():
                self._change(group, page.added.get(group, set()), page.removed.get(group, set()))
            chunks = self._with_link(number, page.link, midway=not page.last)
            self.progress = self.progress.model_copy(update={"chunks": chunks})
            if page.added or page.removed:
                self._keep()

    def _read_in_full(self, number: int, groups: tuple[str, ...]) -> None:
        known = {group: self._known(group) for group in groups}
        before = {group: len(users) for group, users in known.items()}
        listed: dict[str, set[str]] = {group: set() for group in groups}
        gone: set[str] = set()
        for page in read_members(self._graph, groups, None):
            for group, users in page.added.items():
                self._change(group, users - known[group], set())
                known[group] |= users
            _note(page, listed, gone)
            if page.last:
                gone -= {group for group, users in listed.items() if users}
                for group in before.keys() - gone:
                    what = f"members of the assigned group {group} (unassign it if it is meant to have none)"
                    ensure_plausible(what, before[group], len(listed[group]))
                if gone:
                    self._let_go(gone, self.progress.chunks)
                for group in before.keys() - gone:
                    self._change(group, set(), known[group] - listed[group])
                self._keep(chunks=self._with_link(number, page.link))

    def _let_go(self, groups: AbstractSet[str], chunks: tuple[Chunk, ...]) -> None:
        """Follow these chunks, and take away whatever these groups grant. Cut short, that is done first next time."""
        self._keep(chunks=chunks, ending=tuple(sorted(groups)))
        self._end()

    def _end(self) -> None:
        for group in self.progress.ending:
            self._change(group, set(), self._known(group))
        if self.progress.ending:
            self._keep(ending=())

    def _known(self, group: str) -> set[str]:
        return set(self._scope.of(self._store, group))

    def _change(self, group: str, added: AbstractSet[str], removed: AbstractSet[str]) -> None:
        if not added and not removed:
            return
        if self._mark and not self.progress.marked:
            self._keep(marked=True)
        self._scope.change(self._store, group, added, removed, mark=self._mark)

    def _with_link(self, number: int, link: str | None, *, midway: bool = False) -> tuple[Chunk, ...]:
        chunks = self.progress.chunks
        chunk = Chunk(groups=chunks[number].groups, link=link, midway=midway)
        return (*chunks[:number], chunk, *chunks[number + 1 :])

    def _keep(self, **changes: object) -> None:
        self.progress = self.progress.model_copy(update=changes)
        self._keep_progress(self.progress)


def _note(page: MembersPage, listed: dict[str, set[str]], gone: set[str]) -> None:
    """What a page of a full round says of who is a member by its end."""
    for group, users in page.added.items():
        listed[group] |= users
    for group, users in page.removed.items():
        listed[group] -= users
    gone |= page.gone


def _chunks(before: Iterable[Chunk], assigned: frozenset[str]) -> tuple[Chunk, ...]:
    """Chunks that follow these groups; those that become so many that calls are wasted are put together.

    A group that was not followed gets a chunk without a link, so that it is listed in full.
    """
    left = [
        chunk.model_copy(update={"groups": tuple(group for group in chunk.groups if group in assigned)})
        for chunk in before
    ]
    chunks = [chunk for chunk in left if chunk.groups]
    new = sorted(assigned - {group for chunk in chunks for group in chunk.groups})
    if len(chunks) + ceil(len(new) / MOST_GROUPS) > ceil(len(assigned) / MOST_GROUPS) + SPARE_CHUNKS:
        new += [group for chunk in chunks if len(chunk.groups) < MOST_GROUPS for group in chunk.groups]
        chunks = [chunk for chunk in chunks if len(chunk.groups) == MOST_GROUPS]
    return (*chunks, *(Chunk(groups=groups) for groups in batched(new, MOST_GROUPS, strict=False)))
