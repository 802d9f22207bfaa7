"""The bodies the simulated Entra sends, in both dialects, against those Microsoft publishes."""

from typing import Any

import pytest

from local.entra.mapping import MANAGER, mapped_values
from local.entra.person import Person, id_of
from local.entra.requests import (
    CORE,
    PATCH_OP,
    Change,
    Dialect,
    ManagerForm,
    create_body,
    group_body,
    manager_body,
    members_body,
    rename_body,
    update_body,
)
from local.zoho_one.scim_path import ENTERPRISE, ScimPath

NAME = "anna.schmidt@contoso.example"
ANNA = Person(
    id=id_of(NAME),
    user_principal_name=NAME,
    display_name="Anna Schmidt",
    mail_nickname="anna.schmidt",
    mail=NAME,
    given_name="Anna",
    surname="Schmidt",
    department="Finance",
    office_location="Haus B",
    city="München",
    business_phones=("+49 89 5550 0018", "+49 89 5550 0019"),
    mobile_phone="+49 170 5550018",
)
PROFILE = {
    "userName": NAME,
    "displayName": "Anna Schmidt",
    "externalId": "anna.schmidt",
    "name": {"givenName": "Anna", "familyName": "Schmidt", "formatted": "Anna Schmidt"},
    "emails": [{"type": "work", "value": NAME, "primary": True}],
    "addresses": [{"type": "work", "formatted": "Haus B", "locality": "München"}],
    "phoneNumbers": [
        {"type": "work", "value": "+49 89 5550 0018"},
        {"type": "mobile", "value": "+49 170 5550018"},
    ],
    ENTERPRISE: {"department": "Finance"},
    "meta": {"resourceType": "User"},
    "roles": [],
}


def test_create_with_flag() -> None:
    body = create_body(mapped_values(ANNA), Dialect.WITH_FLAG)
    assert body == PROFILE | {"schemas": [CORE, ENTERPRISE], "active": True}


def test_create_without_flag_has_texts_nulls_and_an_unnamed_extension() -> None:
    body = create_body(mapped_values(ANNA), Dialect.WITHOUT_FLAG)
    assert body == PROFILE | {"schemas": [CORE], "active": "True", "title": None, "preferredLanguage": None}


CHANGES = [
    Change("active", "False", "True"),
    Change('emails[type eq "work"].value', "new@contoso.example", "old@contoso.example"),
    Change("name.givenName", "Ann", "Anna"),
    Change("title", "Controllerin", None),
    Change(f"{ENTERPRISE}:employeeNumber", "E2", "E1"),
]


def test_update_without_flag_has_one_operation_a_path_and_booleans_as_text() -> None:
    assert update_body(CHANGES, Dialect.WITHOUT_FLAG) == {
        "schemas": [PATCH_OP],
        "Operations": [
            {"op": "Replace", "path": "active", "value": "False"},
            {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "new@contoso.example"},
            {"op": "Replace", "path": "name.givenName", "value": "Ann"},
            {"op": "Add", "path": "title", "value": "Controllerin"},
            {"op": "Replace", "path": f"{ENTERPRISE}:employeeNumber", "value": "E2"},
        ],
    }


def test_update_with_flag_gathers_what_has_no_filter() -> None:
    assert update_body(CHANGES, Dialect.WITH_FLAG) == {
        "schemas": [PATCH_OP],
        "Operations": [
            {"op": "replace", "path": 'emails[type eq "work"].value', "value": "new@contoso.example"},
            {"op": "add", "path": "title", "value": "Controllerin"},
            {
                "op": "replace",
                "value": {"active": False, "name.givenName": "Ann", f"{ENTERPRISE}:employeeNumber": "E2"},
            },
        ],
    }


def test_disable_with_flag_names_its_path() -> None:
    body = update_body(CHANGES[:1], Dialect.WITH_FLAG)
    assert body["Operations"] == [{"op": "replace", "path": "active", "value": False}]


@pytest.mark.parametrize(
    ("form", "manager_id", "operation"),
    [
        (ManagerForm.ARRAY, "m", {"op": "Add", "path": "manager", "value": [{"$ref": "../Users/m", "value": "m"}]}),
        (ManagerForm.OBJECT, "m", {"op": "Add", "path": MANAGER, "value": {"value": "m"}}),
        (ManagerForm.BARE, "m", {"op": "Add", "path": MANAGER, "value": "m"}),
        (ManagerForm.ARRAY, None, {"op": "Remove", "path": "manager"}),
        (ManagerForm.OBJECT, None, {"op": "Replace", "path": MANAGER, "value": {"value": ""}}),
        (ManagerForm.BARE, None, {"op": "Replace", "path": MANAGER, "value": ""}),
    ],
)
def test_manager(form: ManagerForm, manager_id: str | None, operation: dict[str, Any]) -> None:
    assert manager_body(manager_id, form, Dialect.WITHOUT_FLAG)["Operations"] == [operation]
    with_flag = manager_body(manager_id, form, Dialect.WITH_FLAG)["Operations"]
    assert with_flag == [operation | {"op": operation["op"].lower()}]


@pytest.mark.parametrize(
    ("adds", "dialect", "operations"),
    [
        (True, Dialect.WITHOUT_FLAG, [{"op": "Add", "path": "members", "value": [{"$ref": None, "value": "m"}]}]),
        (True, Dialect.WITH_FLAG, [{"op": "add", "path": "members", "value": [{"$ref": None, "value": "m"}]}]),
        (False, Dialect.WITHOUT_FLAG, [{"op": "Remove", "path": "members", "value": [{"value": "m"}]}]),
        (False, Dialect.WITH_FLAG, [{"op": "remove", "path": 'members[value eq "m"]'}]),
    ],
)
def test_members(adds: bool, dialect: Dialect, operations: list[dict[str, Any]]) -> None:
    assert members_body(["m"], dialect, adds=adds)["Operations"] == operations


def test_a_group_is_made_without_members_and_renamed_by_one_operation() -> None:
    body = group_body("Sales", "object id")
    assert (body["displayName"], body["externalId"], "members" in body) == ("Sales", "object id", False)
    assert rename_body("Board", Dialect.WITHOUT_FLAG)["Operations"] == [
        {"op": "Replace", "path": "displayName", "value": "Board"}
    ]


def test_whoever_left_is_mapped_to_inactive() -> None:
    assert mapped_values(ANNA)["active"] == "True"
    assert mapped_values(ANNA.model_copy(update={"account_enabled": False}))["active"] == "False"


def test_empty_values_are_not_mapped() -> None:
    nameless = ANNA.model_copy(update={"given_name": None, "surname": "", "department": None})
    assert not {"name.givenName", "name.familyName", "name.formatted", f"{ENTERPRISE}:department"} & set(
        mapped_values(nameless)
    )


def test_a_path_reads_what_it_wrote() -> None:
    user: dict[str, Any] = {}
    for text in ("title", "name.givenName", 'emails[type eq "work"].value', f"{ENTERPRISE}:department"):
        path = ScimPath.parse(text)
        assert path.read(user) is None
        path.write(user, text)
        assert path.read(user) == text


def test_a_path_that_no_mapping_has_is_refused() -> None:
    with pytest.raises(ValueError, match="is not a SCIM path"):
        ScimPath.parse('emails[primary eq true and type eq "work"]')
