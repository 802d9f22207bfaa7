"""How far a store follows Entra's groups, and what is kept of them: each step can be cut short and begun anew.

What was read is kept before the place to go on from moves: a kill, an error or a full table loses nobody's grant and
leaves none behind. Graph tells of a member who came and left since a link was given, whether or not that was seen, so
that a page may be stored twice.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from pydantic import ConfigDict, Field

from shared.entra.errors import DeltaExpired
from shared.entra.graph_client import GraphClient
from shared.entra.members_delta import MembersPage
from shared.model import Model
from shared.tables.entra_groups import EntraGroup, EntraGroups
from shared.tables.entra_scope import EntraScope

UNASSIGNED = "The group is not assigned to the enterprise application any more."


class Chunk(Model):
    """Groups that are followed by one delta query."""

    model_config = ConfigDict(frozen=True)

    groups: tuple[str, ...]
    """None where it follows every group of the tenant."""
    link: str | None = Field(default=None, repr=False)
    """Where to go on; None where a full round is due, or was cut short. It holds a token: keep it out of logs."""
    midway: bool = False
    """Whether the link leads to a further page of a round: it tells what changed until that round began, no more."""


class ScopeProgress(Model):
    """How far the reading came."""

    model_config = ConfigDict(frozen=True)

    chunks: tuple[Chunk, ...] = ()
    ending: tuple[tuple[str, str], ...] = ()
    """Groups whose grants are being taken away, each with the reason."""
    direct: str = ""
    """A digest of the users who are assigned themselves; empty where they are to be compared with what is stored."""
    assignments: int = 0
    """How many users and groups were assigned."""
    marked: bool = False
    """Whether there may be marks. Whoever has dealt with them all sets it to False."""

    @property
    def follows_every_group(self) -> bool:
        """Whether it was the whole tenant's groups that were followed last."""
        return any(not chunk.groups for chunk in self.chunks)


@dataclass(frozen=True)
class Reading:
    """What a store's reading of groups works on, and with."""

    graph: GraphClient
    scope: EntraScope
    groups: EntraGroups
    store: str
    mark: bool
    """Mark whose grants change."""
    look: bool
    """Mark which groups and memberships change, because Zoho One has them too."""
    keep: Callable[[ScopeProgress], None]
    """Stores the progress, so that a next reading, here or in another process, goes on from there."""
    hold: Callable[[], None] = lambda: None
    """Called between pages of what has to begin anew if it is cut short; it may only raise where all is lost."""


class Following(ABC):
    """One reading's progress, and its writes."""

    def __init__(self, reading: Reading, progress: ScopeProgress) -> None:
        self.progress = progress
        self._with = reading

    def read_members(self, number: int) -> None:
        """What changed in a chunk, or where that cannot be told, everything in it."""
        try:
            if self.progress.chunks[number].midway:
                self._read_round(number)
            self._read_round(number)
        except DeltaExpired:
            self.keep(chunks=self.with_link(number, None))
        if self.progress.chunks[number].link is None:
            self._read_in_full(number)

    def _read_round(self, number: int) -> None:
        """A round of what changed, unless a full one is due."""
        if (link := self.progress.chunks[number].link) is not None:
            self._read_changes(number, link)

    @abstractmethod
    def _read_changes(self, number: int, link: str) -> None:
        """Take in what changed since a link; where that does not tell everything, let a full round be due."""

    @abstractmethod
    def _read_in_full(self, number: int) -> None:
        """Take in everything of a chunk."""

    def names(self, page: MembersPage, known: Mapping[str, EntraGroup] | None = None) -> set[str]:
        """Keep what the groups of a page are called; those that were not there before, or are back.

        ``known``: all that are kept, where the caller has read them; else each is looked up.
        """
        reading, new, changed = self._with, set[str](), list[EntraGroup]()
        for group, name in page.names.items():
            before = known.get(group) if known is not None else reading.groups.shown(reading.store, group)
            if before is None or before.gone:
                new.add(group)
            if before != (shown := EntraGroup(group, name)):
                changed.append(shown)
        reading.groups.put(reading.store, changed, look=reading.look)
        return new

    def let_go(self, groups: Mapping[str, str], chunks: tuple[Chunk, ...]) -> None:
        """Follow these chunks, and take away whatever these groups grant, each for its reason.

        Cut short, that is done first next time.
        """
        self.keep(chunks=chunks, ending=tuple(sorted(groups.items())))
        self.end()

    def end(self) -> None:
        """Take away what groups grant that are not followed any more."""
        reading = self._with
        for group, why in self.progress.ending:
            known = reading.groups.shown(reading.store, group)
            if known is not None and reading.look:
                reading.groups.put(reading.store, [EntraGroup(group, known.name, why)], look=True)
            self.change(group, set(), self.known(group), look=False)
            if known is not None and not reading.look:
                reading.groups.forget(reading.store, group)
        if self.progress.ending:
            self.keep(ending=())

    def known(self, group: str) -> set[str]:
        """Whom a group brings in, as far as is kept."""
        return set(self._with.scope.of(self._with.store, group))

    def change(
        self, group: str, added: AbstractSet[str], removed: AbstractSet[str], *, look: bool | None = None
    ) -> None:
        """Let a group bring these in, and those no longer. ``look``: whether each membership is marked."""
        if not added and not removed:
            return
        reading = self._with
        if reading.mark and not self.progress.marked:
            self.keep(marked=True)
        marks = reading.look if look is None else look
        reading.scope.change(reading.store, group, added, removed, mark=reading.mark, look=marks)

    def with_link(self, number: int, link: str | None, *, midway: bool = False) -> tuple[Chunk, ...]:
        """The chunks, of which one goes on elsewhere."""
        chunks = self.progress.chunks
        chunk = Chunk(groups=chunks[number].groups, link=link, midway=midway)
        return (*chunks[:number], chunk, *chunks[number + 1 :])

    def moved(self, chunks: tuple[Chunk, ...]) -> None:
        """Go on elsewhere; that need not be kept at once, because nothing was written."""
        self.progress = self.progress.model_copy(update={"chunks": chunks})

    def keep(self, **changes: object) -> None:
        """Keep what changed of the progress."""
        self.progress = self.progress.model_copy(update=changes)
        self._with.keep(self.progress)
