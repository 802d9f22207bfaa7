"""The console's Flask application, asked in this process."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.bridge import Bridge
from shared.console.context import EXTENSION
from shared.console.form_token import FIELD, form_token
from shared.console.parts import ConsoleParts
from shared.console.queued import Queued, collected
from shared.directory.store import Store
from shared.open_console import open_console
from shared.provisioning.readiness import Readiness
from shared.settings import Platform
from tests.conftest import Entra, ZohoOne
from tests.provisioning.reconciled import Reconciled


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

    def get(self, path: str, **headers: str) -> TestResponse:
        """Open a page of the console."""
        return self.client.get(f"/console{path}", headers=headers)

    def post(self, path: str, admin: str = "local", /, **form: object) -> TestResponse:
        """Send a form as one of our pages does."""
        token = form_token(self.parts.secret, admin, datetime.now(UTC))
        with collected() as messages:
            answer = self.client.post(f"/console{path}", data={FIELD: token} | form)
        self.asked.cycles.extend(messages.cycles)
        self.asked.errands.extend(messages.errands)
        return answer

    def carried_out(self, path: str, /, **form: object) -> str:
        """Send a form that sets off an errand, let a worker carry it out, and see its page."""
        sent = self.post(path, **form)
        assert sent.status_code == 303, sent.text
        self.bridge.run_errand(self.asked.errands.pop().encode())
        return self.client.get(sent.headers["Location"]).text

    def signed_in(self, roles: str) -> None:
        """Somebody else opens the pages from now on."""
        platform = Platform.model_validate({"BRIDGE_LOCAL_ADMIN": roles})
        self.app.extensions[EXTENSION] = replace(self.parts, platform=platform)


def pages_of(bridge: Bridge, readiness: Readiness | None = None) -> Pages:
    """The pages over a bridge, for an owner.

    ``readiness``: nobody is asked unless it is given, for the run's Azurite holds the stores of other tests, too, whose
    calls to Zoho One are counted.
    """
    app = open_console(bridge)
    pages = Pages(app, app.test_client(), bridge)
    pages.app.extensions[EXTENSION] = replace(pages.parts, readiness=readiness or Readiness({}, bridge.switch.now))
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
