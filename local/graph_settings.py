"""How the simulated Graph behaves, as `/_settings` shows and changes it."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

PERMISSIONS = frozenset(
    {"User.Read.All", "GroupMember.Read.All", "Application.Read.All", "Domain.Read.All", "Mail.Send"}
)
FEDERATED_SUBJECT = "1d6b2a40-93c5-4e0f-8d17-7fa24c35e9b8"
"""The object id of the managed identity that stands for the app."""


class GraphSettings(BaseModel):
    """All of it may be changed while it runs."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    latency: float = Field(default=0, ge=0, description="Seconds that every call takes, beside those under /_")
    page_size: int = Field(default=200, ge=1, description="People in a page of a delta query")
    replays: int = Field(default=0, ge=0, description="People that a page of a delta query repeats")
    split_managers: bool = Field(default=False, description="Whether users/delta gives managers in items of their own")
    split_members: bool = Field(default=False, description="Whether groups/delta gives each member in an item alone")
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
