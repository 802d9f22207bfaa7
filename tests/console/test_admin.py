"""Who may open the pages: whoever the platform says, and where it says nothing, nobody."""

import base64
import dataclasses
import json

import pytest

from shared.bridge import Bridge
from shared.console.admin import Admin, NotAnAdmin, NotSignedIn, PagesClosed, signed_in_admin
from shared.console.page import PageRequest
from shared.directory.store import Store
from shared.settings import Platform

OID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
ROLE = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
AZURE = {"WEBSITE_AUTH_ENABLED": "True", "WEBSITE_SITE_NAME": "bridge", "WEBSITE_INSTANCE_ID": "1"}


def _platform(**settings: str) -> Platform:
    return Platform.model_validate(settings)


def signed_in(*roles: str, role_typ: str = "roles", auth_typ: str = "aad", oid: str | None = "ada") -> dict[str, str]:
    """As the platform sets them."""
    claims = [{"typ": role_typ, "val": role} for role in roles] + [{"typ": "name", "val": "Ada"}]
    claims += [{"typ": OID, "val": oid}] if oid else []
    principal = {"auth_typ": auth_typ, "name_typ": "name", "role_typ": role_typ, "claims": claims}
    return {"x-ms-client-principal": base64.b64encode(json.dumps(principal).encode()).decode()}


@pytest.mark.parametrize("role", ["Organization.Owner", "Organization.Admin"])
@pytest.mark.parametrize("role_typ", ["roles", ROLE])
def test_either_role_will_do(role: str, role_typ: str) -> None:
    assert signed_in_admin(_platform(**AZURE), signed_in("x", role, role_typ=role_typ)) == Admin(
        "ada", "Ada", is_owner=role == "Organization.Owner"
    )


@pytest.mark.parametrize("roles", [(), ("organization.owner",), ("Organization.Reader", "Global Administrator")])
def test_another_role_will_not(roles: tuple[str, ...]) -> None:
    with pytest.raises(NotAnAdmin):
        signed_in_admin(_platform(**AZURE), signed_in(*roles))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ms-client-principal": ""},
        {"x-ms-client-principal": "%%%"},
        {"x-ms-client-principal": base64.b64encode(b"{}").decode()},
        {"x-ms-client-principal-name": "ada", "x-ms-client-principal-id": "ada"},
        signed_in("Organization.Owner", auth_typ="google"),
        signed_in("Organization.Owner", oid=None),
    ],
)
def test_nobody_is_signed_in(headers: dict[str, str]) -> None:
    with pytest.raises(NotSignedIn):
        signed_in_admin(_platform(**AZURE), headers)


@pytest.mark.parametrize(
    "platform",
    [
        {},
        {"WEBSITE_AUTH_ENABLED": "False"},
        {"WEBSITE_AUTH_ENABLED": "1"},
        {**AZURE, "WEBSITE_AUTH_ENABLED": ""},
        {**AZURE, "BRIDGE_LOCAL_ADMIN": "Organization.Owner"},
        {"WEBSITE_SITE_NAME": "bridge", "BRIDGE_LOCAL_ADMIN": "Organization.Owner"},
        {"WEBSITE_INSTANCE_ID": "1", "BRIDGE_LOCAL_ADMIN": "Organization.Owner"},
    ],
)
def test_headers_are_believed_only_where_the_platform_sets_them(platform: dict[str, str]) -> None:
    with pytest.raises(PagesClosed):
        signed_in_admin(_platform(**platform), signed_in("Organization.Owner"))


def test_the_local_admin_has_the_roles_he_is_given() -> None:
    assert signed_in_admin(_platform(BRIDGE_LOCAL_ADMIN="x, Organization.Admin"), {}) == Admin("local")
    for roles in ("", "x"):
        with pytest.raises(NotAnAdmin):
            signed_in_admin(_platform(BRIDGE_LOCAL_ADMIN=roles), signed_in("Organization.Owner"))


@pytest.mark.parametrize(
    ("platform", "headers", "status", "words"),
    [
        ({}, signed_in("Organization.Owner"), 503, "App Service Authentication is off"),
        (AZURE, {}, 401, "Sign in first"),
        (AZURE, signed_in(), 403, "not an admin"),
        ({"BRIDGE_LOCAL_ADMIN": ""}, {}, 403, "not an admin"),
        (AZURE, signed_in("Organization.Admin"), 302, ""),
    ],
)
def test_the_pages_say_so(
    platform: dict[str, str], headers: dict[str, str], status: int, words: str, bridge: Bridge, store: Store
) -> None:
    pages = dataclasses.replace(bridge.consent_pages, platform=_platform(**platform))
    request = PageRequest("https://bridge.example/oauth/start", {"store": store.id}, headers)
    page = pages.start(request)
    assert page.status == status
    assert words in page.html
    if status == 302:
        assert page.headers["Set-Cookie"].endswith("; HttpOnly; SameSite=Lax; Secure")
        assert "redirect_uri=https%3A%2F%2Fbridge.example%2Foauth%2Fcallback" in page.headers["Location"]
    else:
        assert pages.callback(request).status == status


def test_another_admin_cannot_answer(bridge: Bridge, store: Store) -> None:
    pages = dataclasses.replace(bridge.consent_pages, platform=_platform(**AZURE))
    url = "https://bridge.example/oauth/callback"
    asked = pages.start(PageRequest(url, {"store": store.id}, signed_in("Organization.Admin", oid="ada")))
    state = asked.headers["Location"].rpartition("state=")[2]
    cookie = asked.headers["Set-Cookie"].partition(";")[0]
    bob = signed_in("Organization.Admin", oid="bob") | {"cookie": cookie}
    page = pages.callback(PageRequest(url, {"state": state, "code": "c"}, bob))
    assert page.status == 403
    assert "another browser or another admin" in page.html
