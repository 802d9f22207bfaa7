"""Custom fields: defined by path, type and label, then mapped, sent, compared, limited and removed like the others."""

from typing import Any

import pytest
from pydantic import ValidationError

from shared.app.container import Bridge
from shared.rules.mapping.mapping import DEFAULT_MAPPING, Mapping, ProfileField, Rule
from shared.rules.run import RunKind
from shared.rules.store import CustomField, Store, ValueType
from shared.rules.zoho_user import CUSTOM_FIELDS, ZohoField, is_same
from tests.conftest import Endpoint, ZohoOne
from tests.sync.reconciled import Reconciled

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
COST = CustomField(label="Cost centre")
USER: dict[str, Any] = {"userName": "ada@contoso.example", "active": True, "title": "47"}


def _define(bridge: Bridge, store_id: str, path: str, custom: CustomField) -> None:
    """A custom field that is filled with the job title."""
    bridge.stores.change(
        store_id, lambda store: store.model_copy(update={"zoho": store.zoho.with_custom_field(path, custom)})
    )
    rules = (*DEFAULT_MAPPING.rules, Rule(target=ZohoField.CUSTOM_1, source=ProfileField(field="jobTitle")))
    current = bridge.mappings.current(store_id)
    bridge.mappings.save(
        store_id, Mapping(rules=rules), based_on=current.number, by="test", at=bridge.outside.now(), why="test"
    )


def test_a_push_fills_it_in_its_extension(endpoint: Endpoint, bridge: Bridge, store_id: str, zoho_one: ZohoOne) -> None:
    _define(bridge, store_id, f"{ENTERPRISE}:costCenter", COST)
    user = endpoint.request("POST", "/Users", json=USER).json()
    assert zoho_one.users()[0][ENTERPRISE] == {"costCenter": "47"}
    change = {"op": "Replace", "path": "title", "value": "48"}
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [change]}
    assert endpoint.request("PATCH", f"/Users/{user['id']}", json=body).status_code == 200
    assert zoho_one.users()[0][ENTERPRISE] == {"costCenter": "48"}
    event = bridge.identities.history(store_id, user["id"])[0]
    assert ZohoField.CUSTOM_1 in {change.field for change in event.fields}


@pytest.mark.parametrize("verb", ["PATCH", "PUT"])
@pytest.mark.parametrize(
    ("kind", "given", "sent"),
    [(ValueType.NUMBER, "47.0", 47), (ValueType.YES_NO, "TRUE", True), (ValueType.TEXT, "047", "047")],
)
def test_a_typed_value_is_sent_as_its_type(
    endpoint: Endpoint, bridge: Bridge, store_id: str, zoho_one: ZohoOne, kind: str, given: str, sent: object, verb: str
) -> None:
    custom = CustomField.model_validate({"label": "Cost", "type": kind})
    _define(bridge, store_id, f"{ENTERPRISE}:division", custom)
    bridge.stores.change(store_id, lambda store: _with(store, update_verb=verb))
    user = endpoint.request("POST", "/Users", json=USER | {"title": given})
    assert user.status_code == 201, user.text
    assert zoho_one.users()[0][ENTERPRISE]["division"] == sent
    if kind == "text":
        return
    change = {"op": "Replace", "path": "title", "value": "neither"}
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [change]}
    answer = endpoint.request("PATCH", f"/Users/{user.json()['id']}", json=body)
    assert (answer.status_code, "Cost is" in answer.json()["detail"]) == (400, True)


def _with(store: Store, **changes: Any) -> Store:
    return Store.model_validate(store.model_dump() | {"zoho": store.zoho.model_dump() | changes})


def test_a_cycle_fills_it_finds_its_drift_and_leaves_it_when_it_is_removed(reconciled: Reconciled) -> None:
    reconciled.cycle()
    _define(reconciled.bridge, reconciled.store_id, f"{ENTERPRISE}:costCenter", COST)
    reconciled.cycle()
    titled = {user["userName"]: user["title"] for user in reconciled.zoho_one.users() if user.get("title")}
    assert _costs(reconciled) == titled
    name = next(iter(titled))
    reconciled.zoho_one.change(name, **{f"{ENTERPRISE}:costCenter": "by hand"})
    assert reconciled.cycle(RunKind.FULL_CYCLE).drifted == 1
    assert _costs(reconciled) == titled
    assert reconciled.cycle(RunKind.FULL_CYCLE).drifted == 0
    reconciled.save_mapping(DEFAULT_MAPPING)
    without = reconciled.store.zoho.without_extension(ZohoField.CUSTOM_1)
    reconciled.change(zoho=without)
    run = reconciled.cycle(RunKind.FULL_CYCLE)
    assert (run.errors, run.drifted, _costs(reconciled)) == ((), 0, titled)
    assert reconciled.cycle(RunKind.FULL_CYCLE).planned == {}


def _costs(reconciled: Reconciled) -> dict[str, str]:
    users = reconciled.zoho_one.users()
    return {user["userName"]: user[ENTERPRISE]["costCenter"] for user in users if ENTERPRISE in user}


@pytest.mark.parametrize("path", ["", "active", "password", "title", "members[", "groups", "meta.created", "TITLE"])
def test_a_path_that_is_another_field_s_or_none_is_refused(store: Store, path: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - with words of pydantic, or of the path
        store.zoho.with_custom_field(path, COST)


def test_there_are_as_many_as_entra_has(store: Store) -> None:
    zoho = store.zoho
    for number, _ in enumerate(CUSTOM_FIELDS):
        zoho = zoho.with_custom_field(f"field{number}", CustomField(label=f"Field {number}"))
    with pytest.raises(ValueError, match="15 custom fields"):
        zoho.with_custom_field("one", COST)
    with pytest.raises(ValidationError):
        CustomField(label=" ")


def test_a_number_is_the_same_however_it_is_written() -> None:
    assert is_same(ZohoField.CUSTOM_1, "47.0", "47")
    assert is_same(ZohoField.CUSTOM_1, "true", "True")
    assert not is_same(ZohoField.CUSTOM_1, "47", "48")
    assert not is_same(ZohoField.POSTAL_CODE, "047", "47")
