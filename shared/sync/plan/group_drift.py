"""The full cycle's comparison of groups: each in Zoho One beside what the bridge was last confirmed it holds.

Groups that nobody manages are none of the bridge's, and are not even listed: Zoho One has many of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import batched

from shared.rules.groups.conclusion import InZohoOne, drift_of
from shared.rules.groups.group import GroupDrift
from shared.rules.store import Drift, Store
from shared.sync.push.groups import GroupPush
from shared.tables.entra_groups import EntraGroups
from shared.tables.group_rows import StoredGroup
from shared.zoho.group_client import ZohoGroups

PAGE = 1000
"""Groups marked between two heartbeats."""


@dataclass
class GroupComparison:
    """What was found."""

    drifts: dict[str, GroupDrift] = field(default_factory=dict)
    """What is to be set back, by the id of the group."""
    drifted: int = 0
    findings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class GroupDriftSearch:
    """Compares. Raises ZohoBusy, ZohoCredentials, TablesBusy, and whatever ``beat`` raises."""

    push: GroupPush
    entra: EntraGroups
    groups: Callable[[Store], ZohoGroups]

    def compare(self, store: Store, accounts: Mapping[str, str], beat: Callable[[], None]) -> GroupComparison:
        """Look at every group that is confirmed; and let everybody in those of Graph's be looked at.

        ``accounts``: of the people who are members in Zoho One of what they are members of in Entra. One call of Zoho
        One's for each group.
        """
        found = GroupComparison()
        if not store.groups.are_synced:
            return found
        for some in batched(self.entra.all(store.id), PAGE, strict=False):
            self.entra.look_at(store.id, [group.id for group in some])
            beat()
        for stored in self.push.groups.everything(store.id):
            beat()
            if stored.group.account is None or stored.group.pending is not None:
                continue
            drift = self._drift(store, stored, accounts)
            if drift is not None:
                found.drifted += 1
                found.findings.append(f"the group {stored.group.said.display_name}: {drift.told}")
                if store.drift is Drift.REPAIR:
                    found.drifts[stored.group.id] = drift
        return found

    def _drift(self, store: Store, stored: StoredGroup, accounts: Mapping[str, str]) -> GroupDrift | None:
        group = stored.group
        assert group.account is not None  # the caller has seen it
        members = list(self.push.groups.members(store.id, group.id))
        there = self.groups(store).look(group.account.id)  # a client of its own: each has a time to end
        shown = InZohoOne(*there) if there else None
        drift = drift_of(group, members, accounts, shown, exact=store.groups.exact_members)
        return replace(drift, seen=stored.etag) if drift else None
