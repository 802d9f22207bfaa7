"""The console's Flask application, asked in this process."""

from dataclasses import dataclass, field, replace

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.admin.readiness import Readiness
from shared.app.console import open_console
from shared.app.container import Bridge, entra_sign_in
from shared.console.context import EXTENSION
from shared.console.form_token import FIELD, form_token
from shared.console.parts import ConsoleParts
from shared.console.queued import Queued, collected
from shared.console.sign_in import LOCAL, SignIn
from shared.rules.store import Store
from shared.settings import Platform
from shared.tables.stores import Stores
from tests.conftest import Entra, ZohoOne
from tests.console.signing_in import CALLBACK, ROLES, Clock, Visitor, app_of, sign_in_settings
from tests.in_memory import *  # noqa: F403 - fixtures
from tests.sync.reconciled import Reconciled

AZURE = {
    "WEBSITE_SITE_NAME": "bridge",
    "BRIDGE_SIGN_IN_TENANT_ID": "11111111-1111-4111-8111-111111111111",
    "BRIDGE_SIGN_IN_CLIENT_ID": "22222222-2222-4222-8222-222222222222",
    "BRIDGE_SIGN_IN_IDENTITY_CLIENT_ID": "33333333-3333-4333-8333-333333333333",
}
"""As the template sets them."""


@dataclass
class Pages:
    """A browser that fills in forms."""

    app: Flask
    client: FlaskClient
    bridge: Bridge
    asked: Queued = field(default_factory=Queued)
    """Messages for the queues."""

    @property
    def parts(self) -> ConsoleParts:
        """What the pages call."""
        found: ConsoleParts = self.app.extensions[EXTENSION]
        return found

    def with_stores(self, stores: Stores) -> None:
        """Let the pages read other stores."""
        parts = self.parts
        self.app.extensions[EXTENSION] = replace(parts, stores=replace(parts.stores, table=stores))

    def get(self, path: str, **headers: str) -> TestResponse:
        """Open a page of the console."""
        return self.client.get(f"/console{path}", headers=headers)

    def post(self, path: str, admin: str = "local", /, **form: object) -> TestResponse:
        """Send a form as one of our pages does."""
        token = form_token(self.parts.site.secret, LOCAL, admin)
        with collected() as messages:
            answer = self.client.post(f"/console{path}", data={FIELD: token} | form)
        self.asked.cycles.extend(messages.cycles)
        self.asked.jobs.extend(messages.jobs)
        return answer

    def carried_out(self, path: str, /, **form: object) -> str:
        """Send a form that sets off an errand, let a worker carry it out, and see its page."""
        sent = self.post(path, **form)
        assert sent.status_code == 303, sent.text
        self.bridge.run_job(self.asked.jobs.pop().encode())
        return self.client.get(sent.headers["Location"]).text

    def signed_in(self, roles: str) -> None:
        """Somebody else opens the pages from now on."""
        self.served_by(BRIDGE_LOCAL_ADMIN=roles)

    def served_by(self, **settings: str) -> None:
        """The platform has these settings from now on."""
        self.app.extensions[EXTENSION] = replace(self.parts, sign_in=served_by(self.bridge.sign_in, **settings))


def served_by(sign_in: SignIn, **settings: str) -> SignIn:
    """The same sign-in on a platform with these settings; Entra is not reached by it."""
    platform = Platform.model_validate(settings)
    return replace(sign_in, platform=platform, entra=entra_sign_in(platform, requests.Session()))


def pages_of(bridge: Bridge, readiness: Readiness | None = None) -> Pages:
    """The pages over a bridge, for an owner.

    ``readiness``: nobody is asked unless it is given, for the run's Azurite holds the stores of other tests, too, whose
    calls to Zoho One are counted.
    """
    app = open_console(bridge)
    pages = Pages(app, app.test_client(), bridge)
    health = replace(pages.parts.health, readiness=readiness or Readiness({}, bridge.switch.now))
    pages.app.extensions[EXTENSION] = replace(pages.parts, health=health)
    pages.signed_in("Organization.Owner")
    return pages


@pytest.fixture
def pages(bridge: Bridge) -> Pages:
    """The pages over the run's Azurite."""
    return pages_of(bridge)


@pytest.fixture
def reconciled(reading_bridge: Bridge, store: Store, entra: Entra, zoho_one: ZohoOne) -> Reconciled:
    """A store whose people come from Graph."""
    return Reconciled.start(reading_bridge, store, entra, zoho_one)


@dataclass
class SignIns:
    """A console that people sign in to at the simulated Entra."""

    bridge: Bridge
    entra: Entra
    clock: Clock
    settings: dict[str, str]

    def visitor(self, **settings: str) -> Visitor:
        """A browser that nobody signed in with, at a process of its own; ``settings`` beside the usual ones."""
        return Visitor(app_of(self.bridge, self.entra, self.clock, self.settings | settings), self.entra)

    def elsewhere(self, visitor: Visitor) -> Visitor:
        """The same browser at another process."""
        other = self.visitor()
        other.session_cookie = visitor.session_cookie
        return other


@pytest.fixture
def sign_ins(bridge: Bridge, entra: Entra) -> SignIns:
    """Four people: an owner, an admin, somebody without a role, somebody who is not assigned."""
    entra.set(redirect_uris=[CALLBACK], app_roles=ROLES)
    return SignIns(bridge, entra, Clock(), sign_in_settings(entra))
