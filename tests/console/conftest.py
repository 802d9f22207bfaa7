"""The console's Flask application, asked in this process."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.bridge import Bridge
from shared.console.context import EXTENSION
from shared.console.cycle_requests import collected
from shared.console.form_token import FIELD, form_token
from shared.console.parts import ConsoleParts
from shared.open_console import open_console
from shared.settings import Platform


@dataclass
class Pages:
    """A browser that fills in forms."""

    app: Flask
    client: FlaskClient
    asked: list[str] = field(default_factory=list)
    """Messages for the queue of cycles."""

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
        self.asked += messages
        return answer

    def signed_in(self, roles: str) -> None:
        """Somebody else opens the pages from now on."""
        platform = Platform.model_validate({"BRIDGE_LOCAL_ADMIN": roles})
        self.app.extensions[EXTENSION] = replace(self.parts, platform=platform)


def pages_of(bridge: Bridge) -> Pages:
    """The pages over a bridge, for an owner."""
    app = open_console(bridge)
    pages = Pages(app, app.test_client())
    pages.signed_in("Organization.Owner")
    return pages


@pytest.fixture
def pages(bridge: Bridge) -> Pages:
    """The pages over the run's Azurite."""
    return pages_of(bridge)
