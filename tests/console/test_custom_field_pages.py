"""A custom field on the pages: defined, refused, mapped, named by its label, and removed."""

from shared.admin.store_settings import Section, fingerprint
from tests.console.conftest import Pages

PATH = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter"


def test_a_custom_field_is_defined_mapped_and_removed(pages: Pages, store_id: str, new_store_token: str) -> None:
    assert new_store_token
    path = f"/stores/{store_id}/mapping"

    def seen() -> str:
        store = pages.bridge.stores.read(store_id)
        assert store is not None
        return fingerprint(store, Section.ZOHO)

    shown = pages.get(path).text
    assert ("Add custom field" in shown, "Custom field 1" in shown) == (True, False)
    field = {"label": "Cost centre", "path": PATH, "type": "text"}
    for wrong in (field | {"label": ""}, field | {"path": "active"}, field | {"path": "a b"}, field | {"type": "date"}):
        answer = pages.post(f"{path}/custom-field", seen=seen(), **wrong)
        assert (answer.status_code, "Not saved" in answer.text) == (422, True), wrong
    assert pages.post(f"{path}/custom-field", seen="older", **field).status_code == 409
    assert pages.post(f"{path}/custom-field", seen=seen(), **field).status_code == 303
    assert "Cost centre" in pages.get(path).text
    edit = pages.get(f"{path}/fields/custom1").text
    assert ("Cost centre" in edit, PATH in edit) == (True, True)
    rule = {"kind": "profile field", "field": "jobTitle", "do": "keep", "default": "", "apply": "always"}
    assert pages.post(f"{path}/fields/custom1", **rule).status_code == 303
    draft = pages.get(path).text
    assert "Unsaved changes (1)" in draft
    assert draft.count("Cost centre") > 1
    assert pages.post(f"{path}/fields/custom1/extension", seen=seen(), do="off").status_code == 200
    store = pages.bridge.stores.read(store_id)
    assert store is not None
    assert (store.zoho.custom_fields, store.zoho.extensions) == ({}, {})
