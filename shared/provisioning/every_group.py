"""Every group of the tenant and its direct members, for a store that takes all users: followed by one delta query.

Nobody's scope hangs on what is read here, only which groups Zoho One has, and who is in them.
"""

import sys

from shared.directory.group import DELETED
from shared.entra.errors import GraphImplausible, GraphNotFound
from shared.entra.groups import has_nobody, read_direct_members
from shared.entra.members_delta import MembersPage, read_members
from shared.entra.plausible import ensure_plausible
from shared.provisioning.following import Chunk, Following, Reading, ScopeProgress


def follow_every_group(reading: Reading, progress: ScopeProgress) -> ScopeProgress:
    """Bring groups and memberships up to date; the progress to be kept when the cycle ends.

    Where nothing changed it costs one call of Graph's. One call at a time for a store. Raises as GraphClient does,
    GraphImplausible where the tenant that had groups has none, and TablesBusy; nothing may be planned then. It holds
    the ids of every membership while it lists them in full.
    """
    following = _Every(reading, progress)
    following.begin()
    following.read_members(0)
    return following.progress


class _Every(Following):
    def begin(self) -> None:
        """Follow every group, whatever was followed before: what is kept of those groups is the same."""
        self.end()
        if not self.progress.follows_every_group:
            self.keep(chunks=(Chunk(groups=()),), direct="")

    def _read_changes(self, number: int, link: str) -> None:
        for page in read_members(self._with.graph, (), link):
            new, gone = self.names(page), page.gone
            for group in new | (gone & page.names.keys()):
                # Of a group that is new, or back, a page need not tell everything.
                if self._read_alone(group):
                    gone = gone - {group}
            for group in (page.added.keys() | page.removed.keys()) - new - page.gone:
                self.change(group, page.added.get(group, set()), page.removed.get(group, set()))
            chunks = self.with_link(number, page.link, midway=not page.last)
            if gone:
                self.let_go(dict.fromkeys(gone, DELETED), chunks)
            self.moved(chunks)
            if page.added or page.removed or page.names:
                self.keep()

    def _read_alone(self, group: str) -> bool:
        """Everybody in a group; False where there is none."""
        listed = set[str]()
        try:
            for users in read_direct_members(self._with.graph, group):
                listed |= users
        except GraphNotFound:
            return False
        self._with.groups.look_at(self._with.store, [group])
        self._become(group, listed)
        return True

    def _has_nobody(self, group: str) -> bool:
        try:
            return has_nobody(self._with.graph, group)
        except GraphImplausible:
            return False

    def _become(self, group: str, listed: set[str]) -> None:
        known = self.known(group)
        self.change(group, listed - known, known - listed, look=False)

    def _read_in_full(self, number: int) -> None:
        there = {group.id: group for group in self._with.groups.all(self._with.store)}
        listed: dict[str, set[str]] = {}
        for page in read_members(self._with.graph, (), None):
            self._with.hold()
            self.names(page, there)
            _note(page, listed)
            if page.last:
                ensure_plausible("Graph's list of groups", len(there), len(listed))
                self._with.groups.look_at(self._with.store, sorted(listed))
                for group, users in listed.items():
                    self._with.hold()
                    # Who was a member stays one until it is certain that the group has nobody.
                    if users or not self.known(group) or self._has_nobody(group):
                        self._become(group, users)
                self.let_go(dict.fromkeys(there.keys() - listed.keys(), DELETED), self.with_link(number, page.link))


def _note(page: MembersPage, listed: dict[str, set[str]]) -> None:
    """What a page of a full round says of what there is by its end."""
    for group in page.names:
        listed.setdefault(group, set())
    for group, users in page.added.items():
        listed.setdefault(group, set()).update(map(sys.intern, users))
    for group, users in page.removed.items():
        listed.setdefault(group, set()).difference_update(users)
    for group in page.gone - page.names.keys():
        listed.pop(group, None)
