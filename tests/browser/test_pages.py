"""Mapping with a preview and a conflict, a held plan, every page in light, dark and on a phone, who may not come in."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import requests

from local.entra.people import make_people
from local.parts import app_settings
from local.processes import Processes
from shared.rules.mapping.mapping import HardCodedValue, Mapping, Rule
from shared.rules.zoho_user import ZohoField
from shared.tables.mappings import Mappings
from shared.tables.service import connect
from tests.browser.conftest import Served, Watched, administrator
from tests.conftest import ZohoOne

STORE = "/console/stores/contoso"
PAGES = (
    *("/console/", "/console/stores/new", "/console/status", STORE),
    *(
        f"{STORE}/{page}"
        for page in (
            "people",
            "groups",
            "proposals",
            "unmanaged",
            "plan",
            "runs",
            "api-integration",
            "mapping",
            "settings",
        )
    ),
    *(
        f"{STORE}/{page}"
        for page in (
            "status-sync",
            "criteria",
            "matching",
            "guard",
            "schedule",
            "changes",
            "review",
            "delete",
            "errands",
        )
    ),
    *(
        f"{STORE}/{page}"
        for page in ("groups/settings", "mapping/fields/title", "mapping/versions", "settings/templates/user/en")
    ),
)


@pytest.mark.parametrize(
    "options",
    [
        {"color_scheme": "light"},
        {"color_scheme": "dark", "viewport": {"width": 390, "height": 800}},
    ],
    ids=["light", "dark-phone"],
)
def test_every_page_is_readable_for_everybody(
    options: dict[str, object], served: Served, open_page: Callable[..., Watched]
) -> None:
    watched = open_page(served.origin, **options)
    for path in PAGES:
        watched.go(path)
        watched.assert_accessible()
        too_wide = watched.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not too_wide, f"{path} scrolls sideways"


def test_a_mail_is_shown_as_text_and_as_html_while_it_is_typed(
    served: Served, open_page: Callable[..., Watched]
) -> None:
    watched = open_page(served.origin, color_scheme="dark")
    page = watched.page
    watched.go(f"{STORE}/settings/templates/user/en")
    page.get_by_text("HTML version, which most mail programs show").click()
    frame = page.frame_locator("iframe")
    code = frame.locator("code", has_text="Kp7#mXw4Te9%cRna")
    code.wait_for()
    assert code.evaluate("code => getComputedStyle(code).fontWeight") == "700", "its own styles count"
    body = page.get_by_label("Body")
    body.fill("Good day\n\n" + body.input_value())
    page.locator("#preview", has_text="Good day").wait_for()
    watched.press("Update")
    frame.get_by_text("Good day").wait_for()
    watched.heading("Email to users (en)")
    watched.assert_accessible()


def test_a_rule_is_tried_while_it_is_typed_and_a_conflict_is_shown(
    served: Served, open_page: Callable[..., Watched]
) -> None:
    watched = open_page(served.origin)
    page, mappings = watched.page, Mappings(connect(served.parts["azurite"]).get_table_client("mappings"))
    watched.go(f"{STORE}/mapping")
    page.get_by_role("link", name="Edit Full name").click()
    box = page.get_by_role("textbox", name="Expression")
    box.fill('Join(", ", [surname], [givenName])')
    page.locator("#trial-value", has_text="Abe, ").wait_for()
    box.fill('Join(", ", [surname]')
    page.locator("#trial .note.bad").wait_for()
    box.fill('Join(", ", [surname], [givenName])')
    page.locator("#trial-value", has_text="Abe, ").wait_for()
    watched.press("Ok")
    page.get_by_text("12 of 12 people would change.").wait_for()

    current = mappings.current("contoso")
    theirs = Rule(target=ZohoField.FAX, source=HardCodedValue(value="none"))
    rules = (*(rule for rule in current.mapping.rules if rule.target is not ZohoField.FAX), theirs)
    now = datetime.now(UTC)
    mappings.save("contoso", Mapping(rules=rules), based_on=current.number, by="Bob", at=now, why="No fax")
    watched.expected.add(409)
    watched.press(f"Save as version {current.number + 1}")
    page.get_by_text(f"Bob saved version {current.number + 1} meanwhile").wait_for()
    watched.assert_accessible()
    watched.press(f"Apply my changes to version {current.number + 1}")
    page.get_by_text("12 of 12 people would change.").wait_for()
    watched.press(f"Save as version {current.number + 2}")
    page.get_by_text(f"Version {current.number + 2}, saved by").wait_for()
    saved = {rule.target: str(rule) for rule in mappings.current("contoso").mapping.rules}
    assert saved[ZohoField.FAX] == '"none"', "his change"
    assert saved[ZohoField.FORMATTED_NAME] == 'Join(", ", [surname], [givenName])', "and ours"


def test_a_plan_is_made_while_the_page_is_reloaded_left_and_seen_by_another(
    served: Served, open_page: Callable[..., Watched]
) -> None:
    watched, another = open_page(served.origin), open_page(served.origin)
    _slow_graph(served, 0.5)
    watched.go(f"{STORE}/plan")
    watched.press("Preview changes")
    watched.heading("Preview of changes")
    address = watched.page.url.removeprefix(served.origin)
    watched.page.get_by_role("progressbar").wait_for()
    watched.assert_accessible()
    watched.page.reload()
    another.go(address)
    for each in (watched, another):
        each.page.get_by_text("Nothing was changed: this is what a cycle would have done").wait_for()
        each.page.get_by_role("link", name="CSV").wait_for()
    watched.assert_accessible()
    watched.go(f"{STORE}/plan")
    watched.press("The last preview")
    watched.heading("Preview of changes")
    assert watched.page.url.endswith(address)
    without = open_page(served.origin, java_script_enabled=False)
    without.go(f"{STORE}/plan")
    without.press("Preview changes")
    without.heading("Preview of changes")
    gives_up = time.monotonic() + 20
    while without.page.get_by_role("link", name="Reload").count():
        assert time.monotonic() < gives_up
        without.press("Reload")
    without.page.get_by_text("Nothing was changed: this is what a cycle would have done").wait_for()
    _slow_graph(served, 0)


def _slow_graph(served: Served, seconds: float) -> None:
    settings = f"{served.parts['graph'].removesuffix('/v1.0')}/_settings"
    requests.patch(settings, json={"latency": seconds}, timeout=20).raise_for_status()


def test_cycles_provisioning_on_demand_and_a_held_plan_that_is_approved(
    served: Served, open_page: Callable[..., Watched]
) -> None:
    watched, people = open_page(served.origin), [person.id for person in make_people(12)]
    page, browser = watched.page, administrator(watched, served)
    assert "done" in browser.cycle()
    watched.go(f"{STORE}/people")
    browser.in_entra("disable", people[:1])
    page.get_by_label("Object ids in Entra").fill(people[0])
    watched.press("Provision")
    page.get_by_text("The person was deactivated in Entra.").wait_for()
    steps = page.locator("#job li > .badge").all_inner_texts()
    assert steps == ["import", "scope", "match", "map", "action"]
    page.get_by_text("The run that records it").wait_for()
    watched.assert_accessible()

    browser.in_entra("unassign", people[1:])
    assert "held" in browser.cycle()
    watched.go("/console/")
    page.get_by_role("row", name="Contoso").get_by_text("held").first.wait_for()
    watched.go(f"{STORE}/plan")
    page.get_by_text("would be deactivated or deleted").first.wait_for()
    assert page.get_by_role("link", name="Chloé Abe").count() == 1
    watched.assert_accessible()
    before = len(requests.get(f"{served.origin}{STORE}/runs", timeout=20).text.split("<tr>"))
    watched.press("Approve exactly this plan")
    watched.heading("Plan")
    watched.go(f"{STORE}/runs?asked=cycle")
    browser.ended(before - 2)
    users = requests.get(f"{served.parts['zoho_one']}/_state", timeout=20).json()["users"]
    active = {user["userName"]: user["active"] for user in users}
    assert [active[person.user_principal_name] for person in make_people(12)] == [False] * 12, "all of it was done"
    watched.go(f"{STORE}/plan")
    page.get_by_text("applied").first.wait_for()


def test_without_a_role_every_page_is_a_403(
    processes: Processes, azurite: str, key: str, zoho_one: ZohoOne, open_page: Callable[..., Watched]
) -> None:
    environment = app_settings(azurite, key, zoho_one.parts) | {"BRIDGE_LOCAL_ADMIN": ""}
    process, ready = processes.start_module("local.host", "--port", "0", "--no-timers", environment=environment)
    watched = open_page(ready["url"])
    watched.expected.add(403)
    watched.go("/console/")
    watched.heading("You are not an admin of the bridge")
    watched.assert_accessible()
    process.stop()
