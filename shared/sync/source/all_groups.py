"""Every group of the tenant and its direct members, for a store that takes all users: followed by one delta query.

Nobody's scope hangs on what is read here, only which groups Zoho One has, and who is in them.
"""

import sys

from shared.entra.errors import GraphImplausible
from shared.entra.groups import has_nobody
from shared.entra.members_delta import MembersPage, read_members
from shared.entra.plausible import ensure_plausible
from shared.rules.groups.group import DELETED
from shared.sync.source.groups import Chunk, GroupReader, Reading, ScopeCheckpoint


def read_all_groups(reading: Reading, progress: ScopeCheckpoint) -> ScopeCheckpoint:
    """Bring groups and memberships up to date; the progress to be kept when the cycle ends.

    Where nothing changed it costs one call of Graph's. One call at a time for a store. Raises as GraphClient does,
    GraphImplausible where the tenant that had groups has none, and TablesBusy; nothing may be planned then. It holds
    the ids of every membership while it lists them in full.
    """
    following = _AllGroups(reading, progress)
    following.begin()
    following.read_members(0)
    return following.progress


class _AllGroups(GroupReader):
    def begin(self) -> None:
        """Follow every group, whatever was followed before: what is kept of those groups is the same."""
        self.end()
        if not self.progress.follows_every_group:
            self.keep(chunks=(Chunk(groups=()),), direct="")

    def _read_changes(self, number: int, link: str) -> None:
        for page in read_members(self._with.graph, (), link):
            new, gone = self.names(page), page.gone
            for group in (new | (gone & page.names.keys())) - page.unclear:
                # Of a group that is new, or back, a page need not tell everything.
                if self.read_alone(group):
                    gone = gone - {group}
            gone = (gone - page.unclear) | {group for group in page.unclear if not self.read_unclear(group)}
            for group in (page.added.keys() | page.removed.keys()) - new - page.unclear - page.gone:
                self.change(group, page.added.get(group, set()), page.removed.get(group, set()))
            chunks = self.with_link(number, page.link, midway=not page.last)
            if gone:
                self.let_go(dict.fromkeys(gone, DELETED), chunks)
            self.moved(chunks)
            if page.added or page.removed or page.names or not page.last:
                self.keep()
            if not page.last:
                self._with.beat()

    def _has_nobody(self, group: str) -> bool:
        try:
            return has_nobody(self._with.graph, group)
        except GraphImplausible:
            return False

    def _read_in_full(self, number: int) -> None:
        there = {group.id: group for group in self._with.groups.all(self._with.store)}
        listed: dict[str, set[str]] = {}
        unclear, nameless = set[str](), 0
        for page in read_members(self._with.graph, (), None):
            self.names(page, there)
            _note(page, listed)
            unclear |= page.unclear
            nameless += page.nameless
            if page.last:
                ensure_plausible("Graph's list of groups", len(there), len(listed))
                if nameless:
                    # An entry without an id may have been about any group that is not listed.
                    self._with.tell(f"Microsoft Graph lists {nameless} groups without an id; what was known stays")
                    unclear |= there.keys() - listed.keys()
                self.look_at(sorted(listed))
                gone = (there.keys() - listed.keys() - unclear) | {
                    each for each in unclear if not self.read_unclear(each)
                }
                for group, users in listed.items():
                    self._with.hold()
                    # Who was a member stays one until it is certain that the group has nobody.
                    if group not in unclear and (users or not self.known(group) or self._has_nobody(group)):
                        self.become(group, users)
                self.let_go(dict.fromkeys(gone, DELETED), self.with_link(number, page.link))
                self._with.beat()


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
