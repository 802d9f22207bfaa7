"""Microsoft's clouds: the hosts of each, and the issuers of its tokens.

https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud, https://learn.microsoft.com/graph/deployments,
https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class CloudName(StrEnum):
    """The clouds, by the names that the Azure CLI and templates have; DoD is one of Azure's with a Graph of its own."""

    GLOBAL = "AzureCloud"
    US_GOVERNMENT = "AzureUSGovernment"
    US_DOD = "AzureUSGovernmentDoD"
    CHINA = "AzureChinaCloud"


class Cloud(NamedTuple):
    """What differs between them: hosts, and the audience of a managed identity's token for the app's own credential."""

    login: str
    """Where people and apps sign in, and where keys are published."""
    graph: str
    issuer: str
    """The host that tokens of version 2.0 name as their issuer."""
    issued_by: str
    """The host that tokens of version 1.0 name as their issuer."""
    exchange: str
    portal: str
    """The Entra admin center."""


CLOUDS: Mapping[CloudName, Cloud] = MappingProxyType(
    {
        CloudName.GLOBAL: Cloud(
            "login.microsoftonline.com",
            "graph.microsoft.com",
            "login.microsoftonline.com",
            "sts.windows.net",
            "api://AzureADTokenExchange",
            "entra.microsoft.com",
        ),
        CloudName.US_GOVERNMENT: Cloud(
            "login.microsoftonline.us",
            "graph.microsoft.us",
            "login.microsoftonline.us",
            "sts.windows.net",
            "api://AzureADTokenExchangeUSGov",
            "entra.microsoft.us",
        ),
        CloudName.US_DOD: Cloud(
            "login.microsoftonline.us",
            "dod-graph.microsoft.us",
            "login.microsoftonline.us",
            "sts.windows.net",
            "api://AzureADTokenExchangeUSGov",
            "entra.microsoft.us",
        ),
        CloudName.CHINA: Cloud(
            "login.chinacloudapi.cn",
            "microsoftgraph.chinacloudapi.cn",
            "login.partner.microsoftonline.cn",
            "sts.chinacloudapi.cn",
            "api://AzureADTokenExchangeChina",
            "entra.microsoftonline.cn",
        ),
    }
)

BY_LOGIN: Mapping[str, Cloud] = MappingProxyType({cloud.login: cloud for cloud in reversed(tuple(CLOUDS.values()))})
"""By the host where people sign in, which both clouds of the US Government share."""
