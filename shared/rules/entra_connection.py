"""Where and how a store reads Microsoft Graph."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, HttpUrl, StringConstraints, model_validator

from shared.model import Model
from shared.rules.clouds import CLOUDS

type ObjectId = Annotated[
    str,
    StringConstraints(pattern=r"(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", strip_whitespace=True, to_lower=True),
]
"""A GUID, as Entra shows it."""

HOSTS = {cloud.graph: cloud.login for cloud in CLOUDS.values()}
"""Graph's hosts, each with the host that issues its tokens."""
LOOPBACK = "127.0.0.1"
HTTPS = 443


class Credential(StrEnum):
    """How the app authenticates to Entra."""

    CLIENT_SECRET = "client secret"  # noqa: S105 - the name of a kind
    CERTIFICATE = "certificate"
    MANAGED_IDENTITY = "managed identity"


class Scope(StrEnum):
    """The scope of provisioning, in the words of Entra's provisioning page."""

    ALL_USERS = "all users"
    ASSIGNED = "assigned users and groups"


class EntraConnection(Model):
    """A store's connection to Microsoft Graph. The secret or certificate is stored separately, encrypted.

    The two URLs name one of Microsoft's clouds or the local machine: no setting can send a secret anywhere else.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant_id: ObjectId = Field(description="Directory (tenant) ID of the app registration")
    credential: Credential
    client_id: ObjectId | None = Field(
        default=None,
        description="Application (client) ID; for a managed identity only if it is user-assigned",
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
        cloud = HOSTS.get(self.graph.host or "") == self.login.host and self.graph.port == self.login.port == HTTPS
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
        """Graph's scheme, host and port: the start of every link from Graph, and the audience of its tokens."""
        return str(self.graph).rstrip("/")

    @property
    def authority(self) -> str:
        """The URL that issues the tenant's tokens."""
        return f"{str(self.login).rstrip('/')}/{self.tenant_id}"
