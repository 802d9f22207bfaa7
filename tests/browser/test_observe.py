"""A started store observes for a while, and goes on with exactly the plan that was shown."""

from collections.abc import Callable

import requests

from tests.browser.conftest import Served, Watched

STORE = "/console/stores/contoso"


def test_a_store_observes_and_is_started_with_the_plan_on_the_page(
    served: Served, open_page: Callable[..., Watched]
) -> None:
    entra = served.parts["graph"].removesuffix("/v1.0")
    person = requests.get(f"{entra}/_state", timeout=10).json()["users"][3]
    watched = open_page(served.origin, color_scheme="dark", viewport={"width": 390, "height": 800})
    page = watched.page
    watched.go(STORE)
    watched.press("Observe only")
    page.get_by_text("This directory store only observes").wait_for()
    change = {"do": "change", "id": person["id"], "values": {"jobTitle": "Observed"}}
    assert requests.post(f"{entra}/_people", json=[change], timeout=10).status_code == 204
    watched.press("Run a cycle now")
    page.locator("#runs").get_by_text("observed").first.wait_for()
    for path in (STORE, f"{STORE}/review", f"{STORE}/runs"):
        watched.go(path)
        watched.assert_accessible()
    page.locator("#runs th a").first.click()
    page.get_by_text("would have been done").first.wait_for()
    watched.assert_accessible()
    watched.go(STORE)
    watched.press("See what would be done")
    watched.heading("Plan")
    assert page.get_by_text("Observed", exact=True).count() > 0
    watched.assert_accessible()
    watched.press("Start with exactly this plan")
    page.get_by_role("button", name="Observe only").wait_for()
    watched.press("Run a cycle now")
    page.locator("#runs tr").nth(1).get_by_text("done", exact=True).wait_for()
