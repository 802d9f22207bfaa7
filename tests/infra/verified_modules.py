"""What the Azure Verified Modules take and give, of what the template uses, at the versions that it pins.

Read from their pages, https://github.com/Azure/bicep-registry-modules/tree/main/avm/res: the registry is not asked.
"""

from dataclasses import dataclass

_ALL = frozenset({"name", "location", "tags", "enableTelemetry"})


@dataclass(frozen=True)
class Verified:
    """A module's parameters and outputs."""

    takes: frozenset[str]
    gives: frozenset[str]


def _verified(takes: str, gives: str) -> Verified:
    return Verified(_ALL | set(takes.split()), frozenset({"name", "resourceId", *gives.split()}))


VERIFIED_MODULES = {
    "insights/action-group:0.7.0": _verified("groupShortName emailReceivers", ""),
    "insights/component:0.6.0": _verified(
        "kind workspaceResourceId retentionInDays disableLocalAuth disableIpMasking roleAssignments", "connectionString"
    ),
    "managed-identity/user-assigned-identity:0.4.3": _verified("", "principalId clientId"),
    "network/network-security-group:0.5.2": _verified("securityRules", ""),
    "network/private-dns-zone:0.7.1": _verified("virtualNetworkLinks", ""),
    "network/private-endpoint:0.11.1": _verified(
        "subnetResourceId privateLinkServiceConnections privateDnsZoneGroup", ""
    ),
    "network/virtual-network:0.7.1": _verified("addressPrefixes subnets", "subnetResourceIds"),
    "operational-insights/workspace:0.12.0": _verified("dataRetention", ""),
}
