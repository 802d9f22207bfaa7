"""Add Directory from the first step to people who are provisioned, as an administrator goes through it."""

from collections.abc import Callable
from urllib.parse import urlsplit

from local.entra.directory import EntraDirectory
from local.entra.people import make_people
from local.entra.provisioning_service import ProvisioningService
from tests.browser.conftest import Served, Watched


def test_the_whole_set_up_until_people_are_provisioned(served: Served, open_page: Callable[..., Watched]) -> None:
    parts, watched = served.parts, open_page(served.origin)
    page = watched.page
    zoho_one = urlsplit(parts["zoho_one"])
    watched.elsewhere.add(f"{zoho_one.scheme}://{zoho_one.netloc}")

    watched.go("/console/")
    watched.heading("Directory stores")
    watched.press("Add Directory")
    page.get_by_label("Name").fill("Fabrikam")
    page.get_by_label("Data center of Zoho One").select_option("us")
    watched.assert_accessible()
    watched.press("Next")

    watched.heading("API Integration")
    page.get_by_label("Sync endpoint of Zoho One").fill(parts["zoho_sync_endpoint"])
    page.get_by_label("Client ID").fill(parts["zoho_client_id"])
    page.get_by_label("Client secret").fill(parts["zoho_client_secret"])
    watched.assert_accessible()
    watched.press("Add the directory store")

    page.wait_for_url("**/stores/fabrikam/api-integration?setup=1")
    tenant_url = page.locator("#tenant-url").inner_text()
    assert tenant_url == f"{served.origin}/scim/fabrikam?aadOptscim062020"
    watched.press("Create a secret token")
    token = page.locator("#new-token").inner_text()
    assert len(token) > 40
    watched.assert_accessible()
    page.reload()
    assert token not in page.content(), "shown once"
    page.get_by_text("1 active token.").wait_for()
    watched.press("Connect Zoho One")
    page.get_by_role("button", name="Accept").click()
    watched.heading("Fabrikam is connected to Zoho One")
    watched.assert_accessible()
    watched.press("Back to API Integration")
    watched.press("Test Connection")
    page.get_by_text("The connection works.").wait_for()
    watched.press("Next: Attribute Mapping")

    watched.heading("Attribute Mapping")
    page.get_by_role("link", name="Edit Designation").click()
    page.get_by_role("radio", name="Hard-coded value").check()
    page.get_by_role("textbox", name="Hard-coded value").fill("Colleague")
    watched.assert_accessible()
    watched.press("Ok")
    page.get_by_label("Comment (optional)").fill("Everybody is a colleague")
    watched.assert_accessible()
    watched.press("Save as version 1")

    watched.heading("Settings")
    watched.assert_accessible()
    watched.press("Save and next")
    watched.heading("Status Sync")
    watched.assert_accessible()
    watched.press("Save and next")
    watched.heading("Review and start")
    watched.assert_accessible()
    watched.press("Start provisioning")
    watched.heading("Fabrikam started")

    directory = EntraDirectory(make_people(15)[12:])  # Zoho One has the accounts of those before
    report = ProvisioningService(directory, tenant_url, token).cycle()
    assert not report.errors
    page.get_by_role("link", name="People and groups").click()
    page.get_by_label("Search people").press_sequentially("chlo")
    page.get_by_text("Results for “chlo”").wait_for()  # the list is replaced with each letter
    page.get_by_role("link", name="Chloé Brown").click()
    watched.heading("Chloé Brown")
    assert page.get_by_role("row", name="Designation").get_by_text("Colleague").count() >= 1
    page.get_by_role("cell", name="created").wait_for()
    watched.press("Compare with Zoho One")
    page.get_by_text("Current state: active.").wait_for()
    watched.assert_accessible()
