"""Drift: what somebody changed in Zoho One, found by a full cycle, of people and of groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.rules.groups.group import GroupDrift
from shared.rules.store import Store
from shared.sync.plan.group_drift import GroupDriftSearch
from shared.sync.plan.people_drift import PeopleDriftSearch
from shared.sync.progress import SILENT, Heartbeat, Progress

COMPARING = "comparing everybody in Zoho One"


@dataclass(frozen=True)
class DriftReport:
    """What was found."""

    drifted: int
    """Number of accounts and groups that no longer hold what they were confirmed to hold."""
    unmanaged: int
    """Number of accounts in Zoho One that nobody manages."""
    unmanaged_active: int
    """Number of active accounts among these."""
    accounts: int
    """Number of accounts in Zoho One in all."""
    unmanaged_groups: int
    """Number of groups in Zoho One that nobody manages; 0 where groups are not synced."""
    active: int
    """Number of active accounts that the bridge manages."""
    findings: Sequence[str]
    groups: Mapping[str, GroupDrift]
    """What is to be set back, by the id of the group. People who are to be set back are pending."""


@dataclass(frozen=True)
class DriftSearch:
    """Compares. Raises ZohoBusy, ZohoCredentials, TablesBusy, and whatever the heartbeat raises."""

    people: PeopleDriftSearch
    groups: GroupDriftSearch

    def search(self, store: Store, heartbeat: Heartbeat, progress: Progress = SILENT) -> DriftReport:
        """A page of accounts takes a call of Zoho One's, and so does each group."""
        progress.tell(COMPARING)
        people = self.people.search(store, heartbeat)
        groups = self.groups.search(store, people.joins, heartbeat)
        findings = groups.findings + people.findings
        return DriftReport(
            drifted=people.drifted + groups.drifted,
            unmanaged=people.unmanaged,
            unmanaged_active=people.unmanaged_active,
            accounts=people.accounts,
            unmanaged_groups=groups.unmanaged,
            active=people.active,
            findings=findings,
            groups=groups.drifts,
        )
