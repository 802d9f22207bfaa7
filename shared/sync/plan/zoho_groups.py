"""Finds a store's groups in Zoho One; nothing is changed there.

Planning asks whose members an adoption takes out, and applying asks before it makes a group or tries again.
"""

from collections.abc import Callable
from dataclasses import dataclass

from shared.rules.groups.conclusion import InZohoOne, link
from shared.rules.groups.group import Group, ZohoGroupRecord
from shared.rules.store import Store
from shared.sync.errors import Refused
from shared.zoho.errors import ZohoBusy, ZohoRefused
from shared.zoho.group_client import ZohoGroups


@dataclass(frozen=True)
class ZohoGroupSearch:
    """Finds groups. Its methods raise ZohoBusy and ZohoCredentials."""

    groups: Callable[[Store], ZohoGroups]
    owner_of: Callable[[str, str], str | None]
    """Which of a store's groups a group in Zoho One belongs to."""

    def unlinked(self, store: Store, group: Group) -> ZohoGroupRecord | None:
        """What Zoho One has of a group that the bridge has no link to. Raises Refused where it is another's.

        ``adopted`` of what is found says whether the bridge made it; no answer has confirmed it yet.
        """
        if group.account is not None:
            return None
        try:
            found = self.search(store, self.groups(store), group, members=False)
        except ZohoRefused as refusal:
            raise Refused(f"Zoho One refused: {refusal}") from refusal
        return link(group, found.record) if found else None

    def members_to_adopt(self, store: Store, group: Group) -> frozenset[str] | None:
        """The members of the group in Zoho One that this one adopts; None where the bridge makes or made it.

        Two calls. Raises Refused where the group in Zoho One is another's.
        """
        found = self.unlinked(store, group)
        shown = self.look(store, found.id) if found is not None and found.adopted else None
        return shown.members if shown else None

    def count(self, store: Store) -> int:
        """How many groups Zoho One has. One call."""
        return self.groups(store).count()

    def look(self, store: Store, group_id: str) -> InZohoOne | None:
        """A group with its members, by its id in Zoho One; None: it is not there. One call."""
        return self.groups(store).look(group_id)

    def search(self, store: Store, groups: ZohoGroups, group: Group, *, members: bool = True) -> InZohoOne | None:
        """A group that may be this one's: by the id that an earlier try saw, else by the names that were sent.

        ``groups``: the client of the caller, which has a time to end.

        The names that the bridge may have made a group of come first: such a group is its own, whatever else has the
        name that this one should have. Raises ZohoRefused where all that have the name are another's.
        """
        pending, desired, owners = group.pending, group.said.desired, set[str]()
        if desired is None:
            return None
        if pending is not None and pending.found is not None and (known := groups.look(pending.found.id)) is not None:
            return known
        names = (*(pending.attempted if pending else ()), *([desired.display_name] if desired != "deleted" else []))
        for name in dict.fromkeys(names):
            for found in groups.find(name):
                owner = self.owner_of(store.id, found.id)
                if owner in (None, group.id):
                    return _there(groups, found.id) if members else InZohoOne(found)
                owners.add(str(owner))
        if owners:
            raise ZohoRefused(f"The group with this name belongs to another group (SCIM id {min(owners)})")
        return None


def _there(groups: ZohoGroups, group_id: str) -> InZohoOne:
    """A group that Zoho One has just answered a search with. Raises ZohoBusy where it is not there."""
    if (shown := groups.look(group_id)) is None:
        raise ZohoBusy("Zoho One's answers contradict each other: it finds a group, and says that it is not there")
    return shown
