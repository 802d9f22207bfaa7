"""The two ways in to Zoho One, on the pages: chosen when a store is added, tested, changed, and replaced."""

import base64
import html
import re

from shared.console.form_token import FIELD, form_token
from shared.console.sign_in import LOCAL
from shared.rules.store import WayIn
from tests.conftest import ZohoOne
from tests.console.conftest import Pages


def _form(page: str, action: str) -> dict[str, str]:
    """What the form of this address holds, as a browser would send it."""
    (form,) = (part for part in re.findall(r"<form.*?</form>", page, re.DOTALL) if f'action="{action}' in part)
    fields = dict(re.findall(r'<input[^>]* name="(\w+)" type="\w+" value="([^"]*)"', form))
    fields |= dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    for name, options in re.findall(r'<select[^>]* name="(\w+)".*?>(.*?)</select>', form, re.DOTALL):
        fields[name] = re.findall(r'value="([^"]*)" selected', options)[0]
    fields |= dict(re.findall(r'type="(?:radio|checkbox)"[^>]* name="(\w+)" value="([^"]*)" checked', form))
    return {name: html.unescape(value) for name, value in fields.items() if name != "form_token"}


def _live(pages: Pages, path: str) -> str:
    """The piece of a page that htmx asks for."""
    form = {FIELD: form_token(pages.parts.site.secret, LOCAL, "local")}
    return pages.client.post(f"/console{path}", data=form, headers={"HX-Request": "true"}).text


def test_a_store_is_added_by_scim_token_and_changed_for_consent_and_back(
    pages: Pages, store_id: str, zoho_one: ZohoOne
) -> None:
    new = {
        "name": "New store",
        "id": store_id,
        "data_center": "us",
        "way_in": WayIn.TOKEN,
        "sync_endpoint": zoho_one.parts.sync_endpoint,
    }
    for wrong in (new, new | {"scim_token": "two words"}, new | {"way_in": "consent", "client_id": "1000.A"}):
        assert pages.post("/stores/new/api-integration", **wrong).status_code == 422
    assert pages.post("/stores/new/api-integration", **new, scim_token=zoho_one.parts.scim_token).status_code == 303
    path = f"/stores/{store_id}/api-integration"
    shown = pages.get(path).text
    assert "Connected by a SCIM token" in shown
    assert f"/oauth/start?store={store_id}" not in shown
    assert zoho_one.parts.scim_token not in shown
    assert "The connection works." in pages.post(f"{path}/test").text

    form = _form(shown, f"/console{path}/zoho-one")
    assert pages.post(f"{path}/zoho-one", **(form | {"way_in": WayIn.CONSENT})).status_code == 422, "no client id"
    answer = pages.post(f"{path}/zoho-one", **(form | {"way_in": WayIn.CONSENT, "client_id": "1000.A"}))
    assert answer.status_code == 303
    shown = pages.get(path).text
    assert f"/oauth/start?store={store_id}" in shown
    assert "Connected by a SCIM token" in shown, "until somebody consents"

    form = _form(shown, f"/console{path}/zoho-one") | {"way_in": WayIn.TOKEN, "scim_token": "another"}
    assert pages.post(f"{path}/zoho-one", **form).status_code == 303
    assert "The connection works." in pages.post(f"{path}/test").text, "the token before it still serves"
    history = pages.get(f"/stores/{store_id}/changes").text
    assert "SCIM token of Zoho One replaced" in history
    assert "another" not in history
    pages.bridge.table("stores").delete_entity("store", store_id)


def test_the_settings_of_a_dialect_are_saved(pages: Pages, store_id: str, new_store_token: str) -> None:
    assert new_store_token
    path = f"/stores/{store_id}/api-integration"
    form = _form(pages.get(path).text, f"/console{path}/zoho-one")
    given = {
        "group_update_verb": "PUT",
        "filters": "users only",
        "first_index": "0",
        "active_as_text": "yes",
        "left_out": "fax, preferredLanguage",
        "members_shown": "100",
    }
    assert pages.post(f"{path}/zoho-one", **(form | {"left_out": "userName"})).status_code == 422
    assert pages.post(f"{path}/zoho-one", **(form | given)).status_code == 303
    assert _form(pages.get(path).text, f"/console{path}/zoho-one").items() >= given.items()


def test_a_test_shows_what_zoho_one_does_and_saves_what_is_proposed(
    pages: Pages, store_id: str, new_store_token: str, zoho_one: ZohoOne
) -> None:
    assert new_store_token
    path = f"/stores/{store_id}/api-integration"
    zoho_one.add(*({"userName": f"p{n}@contoso.example", "active": True} for n in range(3)))
    assert "settings go with it" in pages.post(f"{path}/test").text
    piece = _live(pages, f"{path}/test")
    assert ("The connection works." in piece, "Try with this account" in piece, "<html" in piece) == (True, True, False)
    zoho_one.speak(filters="none", patch=False, base="")
    shown = pages.post(f"{path}/test").text
    assert "Searches for</dt><dd>none" in shown
    assert "Method for updates" not in shown
    (file,) = re.findall(r'href="data:application/json;base64,([^"]+)"', shown)
    assert "contoso" not in base64.b64decode(file).decode()
    assert pages.post(f"{path}/try", address="p1@contoso.example").status_code == 422
    assert len(zoho_one.users()) == 3
    shown = pages.post(f"{path}/try", address="Bridge-Test@contoso.example").text
    assert "Method for updates</dt><dd>PUT" in shown
    assert len(zoho_one.users()) == 3
    form = _form(shown, f"/console{path}/proposed")
    wrong = form | {"proposed": '{"update_verb": "POST"}'}
    assert pages.post(f"{path}/proposed", **wrong).status_code == 422
    assert pages.post(f"{path}/proposed", **(form | {"seen": "older"})).status_code == 409
    assert pages.post(f"{path}/proposed", **form).status_code == 303
    assert "settings go with it" in pages.post(f"{path}/test").text
    history = pages.get(f"/stores/{store_id}/changes").text
    assert "Bridge-Test@contoso.example" in history
    assert "update_verb" in history
