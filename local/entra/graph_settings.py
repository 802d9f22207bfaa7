"""How the simulated Graph behaves, as `/_settings` shows and changes it."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

PERMISSIONS = frozenset(
    {"User.Read.All", "GroupMember.Read.All", "Application.Read.All", "Domain.Read.All", "Mail.Send"}
)
FEDERATED_SUBJECT = "1d6b2a40-93c5-4e0f-8d17-7fa24c35e9b8"
"""The object id of the managed identity that stands for the app."""

type ExpiredPage = Literal["Directory_ExpiredPageToken", "UnknownError", "BadRequest", "resyncRequired"]
"""The code of an answer to a page link that is too old: graph_links.py says with which status each comes."""


class GraphSettings(BaseModel):
    """All of it may be changed while it runs."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    latency: float = Field(default=0, ge=0, description="Seconds that every call takes, beside those under /_")
    page_size: int = Field(default=200, ge=1, description="People in a page of a delta query")
    replays: int = Field(default=0, ge=0, description="People that a page of a delta query repeats")
    split_managers: bool = Field(default=False, description="Whether users/delta gives managers in items of their own")
    split_members: bool = Field(default=False, description="Whether groups/delta gives each member in an item alone")
    collection_page: int = Field(default=999, ge=1, description="Most entries in a page of any other collection")
    page_seconds: float | None = Field(
        default=None, gt=0, description="How long the link to a further page is good for; for ever where not given"
    )
    page_calls: int | None = Field(
        default=None, ge=1, description="Pages that are given out until the link to a further page is worth nothing"
    )
    expired_page: ExpiredPage = Field(
        default="Directory_ExpiredPageToken", description="What a link to a further page that expired is answered with"
    )
    expired_status: int = Field(default=410, description="What an expired link is answered with: 410, or 400 or 404")
    permissions: frozenset[str] = Field(default=PERMISSIONS, description="Which the app has")
    tenant: str | None = Field(default=None, description="The only tenant there is; any is there where it is not given")
    client_secret: str | None = Field(default=None, description="The app's; any will do where it is not given")
    redirect_uris: frozenset[str] = Field(default=frozenset(), description="Of the app that people sign in to")
    app_roles: dict[str, frozenset[str]] = Field(default={}, description="Who is assigned to it, and with which roles")
    federated_subject: str = Field(default=FEDERATED_SUBJECT, description="The identity that it trusts in its place")
    offline_access: bool = Field(default=True, description="Whether it is given refresh tokens")
    sign_in_error: str | None = Field(default=None, description="What everybody's sign-in is refused with: AADSTS…")
    id_token: dict[str, Any] = Field(default={}, description="Claims that ID tokens have instead; without one: null")
    id_token_algorithm: Literal["RS256", "HS256", "none"] = Field(default="RS256", description="They are signed with")
    certificate: str | None = Field(default=None, description="The app's, as PEM")
