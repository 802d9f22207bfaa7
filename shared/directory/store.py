"""A directory store: one connection from one Entra app to one Zoho One organisation."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, StringConstraints

from shared.directory.mapping import DEFAULT_MAPPING, Mapping
from shared.directory.status import StatusRules

STORE_ID = r"[a-z0-9][a-z0-9-]{0,62}"
"""A part of the sync endpoint's URL, and the partition of the store's rows."""

type StoreId = Annotated[str, StringConstraints(pattern=f"^{STORE_ID}$")]


class UpdateVerb(StrEnum):
    """How Zoho One is told of a change. Which verbs it takes is not documented, so a store may choose."""

    PATCH = "PATCH"
    PUT = "PUT"


class ZohoConnection(BaseModel):
    """Where and how a store reaches Zoho One's SCIM API.

    Zoho One's wire contract is not documented beyond plain SCIM 2.0, so what could differ is a setting here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sync_endpoint: HttpUrl = Field(description="The Sync endpoint copied from Zoho One, with or without /scim")
    scim_path: str = Field(default="/scim", description="What follows the sync endpoint before /Users")
    accounts_server: HttpUrl = Field(description="Zoho's accounts server in the organisation's data centre")
    client_id: str = Field(description="Of the client that the organisation registered in Zoho's API console")
    update_verb: UpdateVerb = UpdateVerb.PATCH

    @property
    def scim_base(self) -> str:
        """The URL that ``/Users`` is appended to, whether or not the admin left ``/scim`` at the end."""
        return str(self.sync_endpoint).rstrip("/").removesuffix("/scim") + self.scim_path


class Store(BaseModel):
    """A directory store and its settings. Secrets stand apart, encrypted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: StoreId
    name: str
    zoho: ZohoConnection
    token_hashes: tuple[str, ...] = Field(
        default=(), max_length=2, description="SHA-256 of the live secret tokens: two, so that one can be rotated"
    )
    mapping: Mapping = DEFAULT_MAPPING
    status_rules: StatusRules = StatusRules()
