"""How far a store follows Entra's groups, and what is kept of them: each step can be cut short and begun again.

What was read is kept before the place to go on from moves: a kill, an error or a full table loses nobody's grant and
leaves none behind. Graph tells of a member who came and left since a link was given, whether or not that was seen, so
that a page may be stored twice.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import batched

from pydantic import ConfigDict, Field

from shared.entra.errors import GraphNotFound, GraphUnclear, LinkExpired
from shared.entra.graph_client import GraphClient
from shared.entra.groups import has_nobody, read_direct_members
from shared.entra.members_delta import MembersPage
from shared.model import Model
from shared.sync.progress import Checkpoint
from shared.tables.entra_groups import EntraGroup, EntraGroups
from shared.tables.entra_scope import EntraScope
from shared.tables.identities import Identities

PORTION = 500
"""Groups marked between two heartbeats: a second or two."""
GRANTS = 100
"""Grants written between two: a process that slept learns that its lease is lost before it writes what is older."""
ENDED_AT_ONCE = 20
"""Groups that are ended between two checkpoints, each of which may have a hundred thousand members."""
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


class ScopeCheckpoint(Model):
    """How far the reading came."""

    model_config = ConfigDict(frozen=True)

    chunks: tuple[Chunk, ...] = ()
    ending: tuple[tuple[str, str], ...] = ()
    """What ``ending_list`` was before it had rows of its own: groups, each with the reason. Nobody writes it now."""
    ending_list: str = ""
    """The name of the list of groups whose grants are being taken away (EntraGroups.ending); empty where none are."""
    direct: str = ""
    """A digest of the users who are assigned themselves; empty where they are to be compared with what is stored."""
    marked: bool = False
    """Whether there may be marks. Who has dealt with them all sets it to False."""

    @property
    def follows_every_group(self) -> bool:
        """Whether it was the whole tenant's groups that were followed last."""
        return any(not chunk.groups for chunk in self.chunks)


@dataclass(frozen=True)
class GroupReading:
    """What one reading of a store's groups works on."""

    graph: GraphClient
    scope: EntraScope
    groups: EntraGroups
    identities: Identities
    store: str
    mark: bool
    """Whether users whose grants change are marked."""
    look: bool
    """Whether groups and memberships that change are marked, because Zoho One has them too."""
    troubles: list[str]
    """A sentence for each group that could not be read; what was known of it stays."""


class GroupReader(ABC):
    """The steps and the writes of one reading."""

    def __init__(self, reading: GroupReading, checkpoint: Checkpoint[ScopeCheckpoint]) -> None:
        self._with = reading
        self._checkpoint = checkpoint

    @property
    def progress(self) -> ScopeCheckpoint:
        """How far it came."""
        return self._checkpoint.reached

    def read_members(self, number: int) -> None:
        """What changed in a chunk, or where that cannot be told, everything in it.

        A link that has expired, the stored one or one that was given a page ago, costs one reading in full.
        """
        try:
            if self.progress.chunks[number].midway:
                self._read_round(number)
            self._read_round(number)
            if self.progress.chunks[number].link is None:
                self._read_in_full(number)
        except LinkExpired:
            self.keep(chunks=self.with_link(number, None))
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

    def unfollow(self, groups: Mapping[str, str], chunks: tuple[Chunk, ...]) -> None:
        """Follow these chunks, and take away whatever these groups grant, each for its reason.

        Cut short, that is done first next time. It may end at a checkpoint, so that nothing may be left to do after it.
        """
        name = self._with.groups.write_ending(self._with.store, groups, self._checkpoint.beat) if groups else ""
        self.keep(chunks=chunks, ending_list=name)
        self.end()

    def end(self) -> None:
        """Take away what groups grant that are not followed any more."""
        reading = self._with
        if self.progress.ending:
            name = reading.groups.write_ending(reading.store, dict(self.progress.ending), self._checkpoint.beat)
            self.keep(ending=(), ending_list=name)
        if not (name := self.progress.ending_list):
            return
        for some in batched(reading.groups.ending(reading.store, name), ENDED_AT_ONCE, strict=False):
            for group, why in some:
                self._end_one(group, why)
            reading.groups.ended(reading.store, name, [group for group, _ in some])
            self._checkpoint.may_end()
        reading.groups.drop_endings(reading.store)
        self.keep(ending_list="")

    def _end_one(self, group: str, why: str) -> None:
        reading = self._with
        self._checkpoint.beat()
        known = reading.groups.shown(reading.store, group)
        if known is not None and reading.look:
            reading.groups.put(reading.store, [EntraGroup(group, known.name, why)], look=True)
        self.change(group, set(), self.known(group), look=False)
        if known is not None and not reading.look:
            reading.groups.forget(reading.store, group)

    def look_at(self, groups: Iterable[str]) -> None:
        """Mark groups, everybody in them included."""
        for some in batched(groups, PORTION, strict=False):
            self._with.groups.look_at(self._with.store, some)
            self._checkpoint.beat()

    def read_alone(self, group: str) -> bool:
        """Take in everybody in a group, asked for by itself; False where there is no such group.

        Where that is not understood either, what was known of it stays, and is told.
        """
        listed = set[str]()
        try:
            for users in read_direct_members(self._with.graph, group):
                listed |= users
            is_sure = bool(listed) or not self.known(group) or has_nobody(self._with.graph, group)
        except GraphNotFound:
            return False
        except GraphUnclear as unclear:
            self._with.troubles.append(f"The group {group} stays as it was: {unclear}")
            return True
        if not is_sure:
            self._with.troubles.append(
                f"The group {group} stays as it was: Microsoft Graph lists it with nobody and with members"
            )
            return True
        self.look_at([group])
        self.become(group, listed)
        return True

    def read_unclear(self, group: str) -> bool:
        """The same for a group of which a page says something that is not understood, which is told."""
        self._with.troubles.append(
            f"The group {group}: something that Microsoft Graph says of it is not understood; it is read by itself"
        )
        return self.read_alone(group)

    def become(self, group: str, listed: AbstractSet[str]) -> None:
        """Let a group bring in these and nobody else."""
        known = self.known(group)
        self.change(group, listed - known, known - listed, look=False)

    def known(self, group: str) -> set[str]:
        """Stored member ids of a group."""
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
        pending_changes, nobody = reading.look if look is None else look, frozenset[str]()
        changes: list[tuple[Collection[str], Collection[str]]] = []
        changes += [(some, nobody) for some in batched(sorted(added), GRANTS, strict=False)]
        changes += [(nobody, some) for some in batched(sorted(removed), GRANTS, strict=False)]
        for more, less in changes:
            self._checkpoint.beat()
            reading.scope.change(reading.store, group, more, less, mark=reading.mark, look=pending_changes)

    def with_link(self, number: int, link: str | None, *, midway: bool = False) -> tuple[Chunk, ...]:
        """The chunks, of which one goes on elsewhere."""
        chunks = self.progress.chunks
        chunk = Chunk(groups=chunks[number].groups, link=link, midway=midway)
        return (*chunks[:number], chunk, *chunks[number + 1 :])

    def moved(self, chunks: tuple[Chunk, ...]) -> None:
        """Go on elsewhere; that need not be kept at once, because nothing was written."""
        self._checkpoint.move(self.progress.model_copy(update={"chunks": chunks}))

    def keep(self, **changes: object) -> None:
        """Keep what changed of the progress."""
        self._checkpoint.keep(self.progress.model_copy(update=changes))
