"""People who sign in to the console in this process, at the simulated Entra."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from local.entra.people import PEOPLE
from shared.app.console import open_console
from shared.app.container import Bridge
from shared.console.context import EXTENSION
from shared.console.form_token import FIELD
from shared.console.parts import ConsoleParts
from shared.console.sign_in import SignIn
from shared.entra.sign_in import EntraSignIn
from shared.settings import Platform
from shared.tables.sessions import Sessions
from tests.conftest import Entra

ORIGIN = "https://bridge.example"
CALLBACK = f"{ORIGIN}/console/sign-in/callback"
OWNER, ADMIN, WITHOUT_ROLE, UNASSIGNED = (person.id for person in PEOPLE[:4])
ROLES = {OWNER: ["Organization.Owner"], ADMIN: ["Organization.Admin"], WITHOUT_ROLE: []}


@dataclass
class Clock:
    """The console's clock."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def forward(self, **span: float) -> None:
        """Let time go by."""
        self.ahead += timedelta(**span)


def sign_in_settings(entra: Entra, **settings: str) -> dict[str, str]:
    """App settings with which people sign in at the simulated Entra."""
    return {
        "BRIDGE_SIGN_IN_TENANT_ID": entra.ready["tenant_id"],
        "BRIDGE_SIGN_IN_CLIENT_ID": entra.ready["sign_in_client_id"],
        "BRIDGE_SIGN_IN_CLIENT_SECRET": entra.ready["client_secret"],
        "BRIDGE_SIGN_IN_AUTHORITY": entra.ready["login"],
        "WEBSITE_SITE_NAME": "bridge",
    } | settings


def sign_in_of(bridge: Bridge, entra: Entra, clock: Clock, settings: Mapping[str, str]) -> SignIn:
    """Sign-in as a process of the deployment has it: another one has the same tables, keys and settings."""
    own = bridge.sign_in
    platform = Platform.model_validate(settings)
    sessions = Sessions(bridge.table("sessions"), bridge.secrets, own.sessions._secret, clock)
    return replace(
        own,
        platform=platform,
        sessions=sessions,
        entra=EntraSignIn(platform.sign_in_app, entra.session),
        now=clock,
    )


def app_of(bridge: Bridge, entra: Entra, clock: Clock, settings: Mapping[str, str]) -> Flask:
    """The console of a process."""
    app = open_console(bridge)
    parts: ConsoleParts = app.extensions[EXTENSION]
    sign_in = sign_in_of(bridge, entra, clock, settings)
    app.extensions[EXTENSION] = replace(parts, sign_in=sign_in, site=replace(parts.site, now=clock))
    return app


@dataclass
class Visitor:
    """A browser; with the app of another process and the same cookies, the same browser there."""

    app: Flask
    entra: Entra
    client: FlaskClient = field(init=False)
    web: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    def get(self, address: str, **headers: str) -> TestResponse:
        """Open a page; redirects are not followed."""
        return self.client.get(address, base_url=ORIGIN, headers=headers)

    def post(self, address: str, form: Mapping[str, Any] | None = None, **headers: str) -> TestResponse:
        """Send a form as it is."""
        return self.client.post(address, base_url=ORIGIN, data=form, headers=headers)

    def asked(self, to: str = "/console/") -> str:
        """Open a page and be led to Entra; the address there."""
        led = self.get(to)
        assert led.status_code == 302, led.text
        return self.begun(led.headers["Location"])

    def begun(self, way: str) -> str:
        """Begin a sign-in; the address at Entra."""
        begun = self.get(way)
        assert begun.status_code == 302, begun.text
        return begun.headers["Location"]

    def chosen(self, at_entra: str, person: str | None = OWNER) -> str:
        """Sign in as somebody at Entra; the address, path and query, that it leads back to."""
        answer = self.web.post(at_entra, data={"person": person or ""}, allow_redirects=False, timeout=10)
        assert answer.status_code == 302, answer.text
        assert answer.headers["Location"].startswith(f"{CALLBACK}?")
        return answer.headers["Location"].removeprefix(ORIGIN)

    def sign_in(self, person: str = OWNER, to: str = "/console/stores/new") -> TestResponse:
        """The whole way, to the answer to Entra's redirect back."""
        return self.get(self.chosen(self.begun(f"/console/sign-in?to={to}"), person))

    @property
    def session_cookie(self) -> str:
        """What the browser has."""
        cookie = self.client.get_cookie("__Host-bridge-session", domain="bridge.example")
        return cookie.value if cookie else ""

    @session_cookie.setter
    def session_cookie(self, value: str) -> None:
        self.client.set_cookie("__Host-bridge-session", value, domain="bridge.example", secure=True)

    def token(self, address: str = "/console/stores/new") -> str:
        """The form token of a page."""
        return form_token_of(self.get(address))


def form_token_of(page: TestResponse) -> str:
    """The form token of a page."""
    found = re.search(r'name="form_token" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def with_token(token: str, **fields: Any) -> dict[str, Any]:
    """A form with a token."""
    return {FIELD: token, **fields}


def query_of(address: str) -> dict[str, str]:
    """The query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
