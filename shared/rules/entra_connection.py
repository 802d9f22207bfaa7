"""Where and how a store reads Microsoft Graph."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, HttpUrl, StringConstraints, model_validator

from shared.model import Model

type ObjectId = Annotated[
    str,
    StringConstraints(pattern=r"(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", strip_whitespace=True, to_lower=True),
]
"""A GUID, as Entra shows it."""

CLOUDS = {
    "graph.microsoft.com": "login.microsoftonline.com",
    "graph.microsoft.us": "login.microsoftonline.us",
    "dod-graph.microsoft.us": "login.microsoftonline.us",
    "microsoftgraph.chinacloudapi.cn": "login.chinacloudapi.cn",
}
"""The hosts of Graph, each with the host where its tokens come from.

https://learn.microsoft.com/graph/deployments
"""
LOOPBACK = "127.0.0.1"
HTTPS = 443


class Credential(StrEnum):
    """How the app proves to Entra who it is."""

    CLIENT_SECRET = "client secret"  # noqa: S105 - the name of a kind
    CERTIFICATE = "certificate"
    MANAGED_IDENTITY = "managed identity"


class Scope(StrEnum):
    """Whom a store provisions, in the words of Entra's provisioning page."""

    ALL_USERS = "all users"
    ASSIGNED = "assigned users and groups"


class EntraConnection(Model):
    """A store's connection to Microsoft Graph. The secret or the certificate stands apart, encrypted.

    The two URLs name a cloud of Microsoft's, or the local machine: no setting can send a secret anywhere else.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant_id: ObjectId = Field(description="Directory (tenant) ID of the app registration")
    credential: Credential
    client_id: ObjectId | None = Field(
        default=None,
        description="Application (client) ID; of a managed identity only where it is a user-assigned one",
    )
    scope: Scope = Scope.ASSIGNED
    enterprise_app: ObjectId | None = Field(
        default=None, description="Object ID of the enterprise application that users and groups are assigned to"
    )
    graph: HttpUrl = HttpUrl("https://graph.microsoft.com")
    login: HttpUrl = HttpUrl("https://login.microsoftonline.com")

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.credential is not Credential.MANAGED_IDENTITY and self.client_id is None:
            raise ValueError(f"a {self.credential} needs the Application (client) ID")
        if self.scope is Scope.ASSIGNED and self.enterprise_app is None:
            raise ValueError("the scope 'assigned users and groups' needs the enterprise application's Object ID")
        return self

    @model_validator(mode="after")
    def _is_microsoft(self) -> Self:
        local = self.graph.host == self.login.host == LOOPBACK
        cloud = CLOUDS.get(self.graph.host or "") == self.login.host and self.graph.port == self.login.port == HTTPS
        if not local and not (cloud and self.graph.scheme == "https"):
            raise ValueError("graph and login are not the two hosts of one of Microsoft's clouds")
        if self.login.scheme != "https":
            raise ValueError("login is not https")
        for url in (self.graph, self.login):
            if url.username or url.password or url.query or url.path not in (None, "/"):
                raise ValueError("graph and login are a scheme, a host and a port")
        return self

    @property
    def graph_origin(self) -> str:
        """Graph's scheme, host and port: what every link of Graph's begins with, and what tokens are asked for."""
        return str(self.graph).rstrip("/")

    @property
    def authority(self) -> str:
        """Where the tenant's tokens come from."""
        return f"{str(self.login).rstrip('/')}/{self.tenant_id}"
