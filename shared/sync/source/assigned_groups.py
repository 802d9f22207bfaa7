"""Who is in scope, brought up to date from Microsoft Graph: assignments each time, members of groups by change."""

import hashlib
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from itertools import batched
from math import ceil

from shared.entra.assignments import Assignments, read_assignments
from shared.entra.errors import GraphImplausible
from shared.entra.groups import has_nobody
from shared.entra.members_delta import MOST_GROUPS, MembersPage, read_members
from shared.entra.plausible import ensure_plausible
from shared.rules.groups.group import DELETED
from shared.sync.source.groups import UNASSIGNED, Chunk, GroupReader, Reading, ScopeCheckpoint
from shared.tables.entra_scope import HIMSELF

SPARE_CHUNKS = 2
"""That a store may follow beyond what its groups need, each a call in every cycle, before they are put together."""


def read_assigned_groups(reading: Reading, enterprise_app: str, progress: ScopeCheckpoint) -> ScopeCheckpoint:
    """Bring a store's grants up to date; the progress to be kept when the cycle ends.

    Where nothing changed it costs a call of Graph's for 999 assignments and one for each chunk, and no round trip to
    the tables. One call at a time for a store.

    Raises as GraphClient does, GraphImplausible where nothing is assigned any more or a group that had members is
    listed with none and cannot be seen to have none, and TablesBusy. Whatever it raises, the scope is not up to date
    then: nothing may be concluded from who has no grant. It holds the ids of one chunk's members while it lists them.
    """
    following = _AssignedGroups(reading, progress)
    following.read_assigned(read_assignments(reading.graph, enterprise_app))
    for number in range(len(following.progress.chunks)):
        following.read_members(number)
    return following.progress


class _AssignedGroups(GroupReader):
    def read_assigned(self, assigned: Assignments) -> None:
        """Direct assignments, and which groups are followed."""
        if not assigned.users and not assigned.groups:
            ensure_plausible("users and groups assigned to the enterprise application", self._known_assignments(), 0)
        self.end()
        followed = {group for chunk in self.progress.chunks for group in chunk.groups}
        users, groups = self._understood(assigned, followed)
        kept = followed
        if not self.progress.direct or self.progress.follows_every_group:
            # What another scope has left behind must not grant anything.
            kept = followed | {group.id for group in self._with.groups.all(self._with.store)}
        self._read_direct(users)
        if followed != groups or kept != groups:
            chunks = _chunks(self.progress.chunks, groups)
            self.let_go(dict.fromkeys(kept - groups, UNASSIGNED), chunks)

    def _known_assignments(self) -> int:
        """What the tables hold: assignments by the last reading, else the accounts that the store manages."""
        groups = sum(group.gone is None for group in self._with.groups.all(self._with.store))
        return len(self.known(HIMSELF)) + groups or self._with.managed()

    def _understood(self, assigned: Assignments, followed: AbstractSet[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Users and groups that are assigned. What is not understood leaves things as they were, and is told."""
        if not assigned.unclear and not assigned.nameless:
            return assigned.users, assigned.groups
        users, groups = self.known(HIMSELF), followed
        if not assigned.nameless:  # else any of them may be the one without an id
            users, groups = users & assigned.unclear, groups & assigned.unclear
        told = [f"{each} is assigned, but not understood as a user or a group" for each in sorted(assigned.unclear)]
        told += [f"{assigned.nameless} assignments name nobody"] if assigned.nameless else []
        for sentence in told:
            self._with.tell(f"Microsoft Graph's assignments: {sentence}; what was known stays")
        return assigned.users | users, assigned.groups | groups

    def _read_direct(self, users: frozenset[str]) -> None:
        digest = hashlib.sha256(" ".join(sorted(users)).encode()).hexdigest()
        if digest == self.progress.direct:
            return
        known = self.known(HIMSELF)
        if known != users:
            # If it is cut short and they are assigned as before again, the old digest must not vouch for the rows.
            self.keep(direct="")
            self.change(HIMSELF, users - known, known - users, look=False)
        self.keep(direct=digest)

    def _read_changes(self, number: int, link: str) -> None:
        for page in read_members(self._with.graph, self.progress.chunks[number].groups, link):
            if page.gone:
                # A group may be back already: listed in full, it says so before anything is concluded.
                self.let_go(dict.fromkeys(page.gone, DELETED), self.with_link(number, None))
                return
            if self.names(page) or page.unclear:
                # Of a group that is new, or back, a page need not tell everything.
                self.keep(chunks=self.with_link(number, None))
                return
            for group in page.added.keys() | page.removed.keys():
                self.change(group, page.added.get(group, set()), page.removed.get(group, set()))
            self.moved(self.with_link(number, page.link, midway=not page.last))
            if page.added or page.removed or page.names or not page.last:
                self.keep()
            if not page.last:
                self._with.beat()

    def _read_in_full(self, number: int) -> None:
        groups = self.progress.chunks[number].groups
        if self._with.look:
            self.look_at(groups)
        known = {group: self.known(group) for group in groups}
        before = {group: len(users) for group, users in known.items()}
        listed: dict[str, set[str]] = {group: set() for group in groups}
        gone, unclear, named, nameless = set[str](), set[str](), set[str](), 0
        for page in read_members(self._with.graph, groups, None):
            self.names(page)
            for group, users in page.added.items():
                self.change(group, users - known[group], set(), look=False)
                known[group] |= users
            _note(page, listed, gone)
            named |= page.names.keys() | page.added.keys() | page.gone
            unclear |= page.unclear
            nameless += page.nameless
            if page.last:
                # An entry without an id may have been about any group that is not named.
                unclear |= known.keys() - named if nameless else set()
                gone -= {group for group, users in listed.items() if users} | unclear
                gone |= {group for group in unclear if not self.read_unclear(group)}
                for group in before.keys() - gone - unclear:
                    if before[group] and not listed[group] and not has_nobody(self._with.graph, group):
                        raise GraphImplausible(
                            f"Microsoft Graph lists the group {group} with nobody and with members. Nothing was changed"
                        )
                for group in before.keys() - gone - unclear:
                    self.change(group, set(), known[group] - listed[group], look=False)
                self.let_go(dict.fromkeys(gone, DELETED), self.with_link(number, page.link))
                self._with.beat()


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
