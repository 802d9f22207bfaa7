"""The sign-in in a real browser: the whole way, roles looked at within the hour, out in every process, a form kept."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from local.entra.people import PEOPLE
from local.parts import app_settings
from local.processes import Processes
from local.walkthrough.sign_in import ROLES, register, sign_in_settings
from shared.app.container import Bridge
from shared.rules.store import Store
from tests.browser.conftest import Watched
from tests.conftest import Entra, ZohoOne

OWNER = PEOPLE[0]


@dataclass
class Deployment:
    """Two processes of one app, as the platform has them."""

    origins: list[str]
    entra: Entra
    bridge: Bridge

    def age(self, **span: float) -> None:
        """Let time go by for every session: what Entra said last was said so much earlier."""
        sessions = self.bridge.sign_in.sessions
        for found in sessions.all():
            confirmed = datetime.now(UTC) - timedelta(**span)
            sessions.renew(found, found.session.model_copy(update={"confirmed": confirmed}))

    def end_sessions(self) -> None:
        """As time does, or an owner."""
        for found in self.bridge.sign_in.sessions.all():
            self.bridge.sign_in.sessions.end(found.key)


@pytest.fixture
def deployment(
    processes: Processes, azurite: str, key: str, zoho_one: ZohoOne, entra: Entra, bridge: Bridge
) -> Iterator[Deployment]:
    """Nobody is signed in."""
    settings = app_settings(azurite, key, zoho_one.parts) | sign_in_settings(entra.ready)
    del settings["BRIDGE_LOCAL_ADMIN"]
    started = [
        processes.start_module("local.host", "--port", "0", "--no-timers", environment=settings) for _ in range(2)
    ]
    origins = [ready["url"] for _, ready in started]
    register(entra.ready, PEOPLE, *origins)
    deployment = Deployment(origins, entra, bridge)
    yield deployment
    deployment.end_sessions()
    for process, _ in started:
        process.stop()


def _at_entra(watched: Watched) -> None:
    watched.page.get_by_role("heading", name="Who signs in?").wait_for()


def _choose(watched: Watched, name: str = OWNER.display_name) -> None:
    _at_entra(watched)
    watched.page.get_by_role("button", name=name).click()


def test_the_whole_way_in_and_out(deployment: Deployment, open_page: Callable[..., Watched], store: Store) -> None:
    first, second = deployment.origins
    watched = open_page(first)
    watched.elsewhere |= {deployment.entra.ready["url"], second}
    watched.expected |= {401, 403}
    page = watched.page

    watched.go(f"/console/stores/{store.id}/guard")
    _choose(watched)
    watched.heading("Guard")
    page.get_by_text("Katya Lindqvist, Owner").wait_for()
    watched.assert_accessible()
    cookies = {str(cookie.get("name")): cookie for cookie in page.context.cookies(first)}
    session = cookies["bridge-session"]
    assert (session.get("httpOnly"), session.get("sameSite"), session.get("expires")) == (True, "Lax", -1)
    assert page.evaluate("document.cookie") == ""

    page.goto(f"{second}/console/signed-in")
    watched.heading("Signed in")
    page.get_by_text("this session").wait_for()
    watched.assert_accessible()

    asked = deployment.entra.sign_ins()
    deployment.age(minutes=55)
    watched.go("/console/stores/new")
    watched.heading("Add Directory")
    assert deployment.entra.sign_ins() == asked + 2, "the identity's token, and the roles: nothing is seen"

    deployment.entra.set(app_roles={OWNER.id: []})
    deployment.age(minutes=60)
    page.reload()
    watched.heading("You are not an admin of the bridge")
    watched.assert_accessible()
    watched.go("/console/status")
    _choose(watched)
    watched.heading("You are not an admin of the bridge")
    assert page.get_by_role("link", name="Users and groups in Entra").get_attribute("href")

    deployment.entra.set(app_roles={OWNER.id: ROLES[0]})
    watched.press("Sign in")
    _choose(watched)
    watched.heading("Directory stores")
    page.goto(f"{second}/console/stores/new")
    watched.press("Sign out")
    watched.heading("You are signed out")
    watched.assert_accessible()
    watched.go("/console/")
    _at_entra(watched)
    page.go_back()
    page.reload()
    watched.heading("You are signed out")


def test_a_form_that_came_too_late_is_sent_when_it_is_told_to(
    deployment: Deployment, open_page: Callable[..., Watched], store: Store
) -> None:
    watched = open_page(deployment.origins[0])
    watched.elsewhere.add(deployment.entra.ready["url"])
    watched.expected |= {401, 409}
    page = watched.page
    watched.go(f"/console/stores/{store.id}/name")
    _choose(watched)
    watched.heading("Name and data center")
    page.get_by_label("Name").fill('Contoso & "Söhne"')
    deployment.end_sessions()
    watched.press("Save")
    watched.heading("Your session has ended")
    watched.assert_accessible()
    watched.press("Sign in")
    _choose(watched)
    watched.heading("Send this again?")
    page.get_by_text('Contoso & "Söhne"').wait_for()
    watched.assert_accessible()
    watched.press("Send")
    watched.heading('Contoso & "Söhne"')

    watched.go(f"/console/stores/{store.id}/mapping/fields/title")
    page.get_by_role("radio", name="Expression").check()
    page.get_by_role("textbox", name="Expression").fill('"typed for long"')
    page.locator("#trial-value, #trial .note").first.wait_for()
    deployment.end_sessions()
    page.get_by_role("textbox", name="Expression").press_sequentially(" ")
    page.get_by_text("Nothing typed on this page is lost").wait_for()
    assert "typed for long" in page.get_by_role("textbox", name="Expression").input_value()
    # Leaving the field asks once more: the answer must not take the link's place while it is clicked.
    page.get_by_role("textbox", name="Expression").blur()
    page.wait_for_timeout(1000)
    with page.context.expect_page() as opened:
        page.locator("#trial").get_by_role("link", name="Sign in").click()
    opened.value.get_by_role("button", name=OWNER.display_name).click()
    opened.value.get_by_role("heading", level=1, name="Designation").wait_for()
    watched.press("Ok")
    watched.heading("Send this again?")
    watched.press("Send")
    page.get_by_text("typed for long").first.wait_for()
