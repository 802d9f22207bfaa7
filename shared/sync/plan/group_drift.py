"""The drift of groups: each in Zoho One beside its confirmed state.

Groups that nobody manages are none of the bridge's: they are counted, and not even listed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import batched

from shared.rules.groups.conclusion import drift_of
from shared.rules.groups.group import GroupDrift
from shared.rules.store import Drift, Store
from shared.sync.plan.zoho_groups import ZohoGroupSearch
from shared.sync.progress import PAGE, Heartbeat
from shared.tables.entra_groups import EntraGroups
from shared.tables.group_rows import StoredGroup
from shared.tables.groups import Groups


@dataclass
class GroupDrifts:
    """What was found."""

    drifts: dict[str, GroupDrift] = field(default_factory=dict)
    """What is to be set back, by the id of the group."""
    drifted: int = 0
    findings: list[str] = field(default_factory=list)
    unmanaged: int = 0
    """Groups in Zoho One that nobody manages."""


@dataclass(frozen=True)
class GroupDriftSearch:
    """Compares. Raises ZohoBusy, ZohoCredentials, TablesBusy, and whatever the heartbeat raises."""

    groups: Groups
    entra: EntraGroups
    zoho: ZohoGroupSearch

    def search(self, store: Store, accounts: Mapping[str, str], heartbeat: Heartbeat) -> GroupDrifts:
        """Look at every group that is confirmed; and let everybody in those of Graph's be looked at.

        ``accounts``: of the people who are members in Zoho One of what they are members of in Entra. One call of Zoho
        One's for each group, and one to count all.
        """
        found, managed = GroupDrifts(), 0
        if not store.groups.are_synced:
            return found
        for some in batched(self.entra.all(store.id), PAGE, strict=False):
            self.entra.look_at(store.id, [group.id for group in some])
            heartbeat.beat()
        for stored in self.groups.everything(store.id):
            heartbeat.beat()
            managed += stored.group.account is not None
            if stored.group.account is None or stored.group.pending is not None:
                continue
            drift = self._drift(store, stored, accounts)
            if drift is not None:
                found.drifted += 1
                found.findings.append(f"the group {stored.group.said.display_name}: {drift.told}")
                if store.drift is Drift.REPAIR:
                    found.drifts[stored.group.id] = drift
        found.unmanaged = max(self.zoho.count(store) - managed, 0)
        return found

    def _drift(self, store: Store, stored: StoredGroup, accounts: Mapping[str, str]) -> GroupDrift | None:
        group = stored.group
        assert group.account is not None  # the caller has seen it
        members = list(self.groups.members(store.id, group.id))
        shown = self.zoho.look(store, group.account.id)  # with a client of its own: each has a time to end
        drift = drift_of(group, members, accounts, shown, exact=store.groups.exact_members)
        return replace(drift, seen=stored.etag) if drift else None
