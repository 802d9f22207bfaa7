"""Whatever a PATCH says: it is done, or refused, and nobody is let in or shut out by what cannot be read."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scim2_models import Meta, SCIMException
from scim2_server.conditions import Conditions

from shared.rules.scim_path import ENTERPRISE, ENTRA, USER
from shared.scim.handler import SyncService
from shared.scim.provider import sync_endpoint_provider
from shared.scim.published import NO_NAME, attribute_name, unknown_of

SERVICE = SyncService(sync_endpoint_provider(("extension_0f6e_desk",)), secret=b"x" * 32)
KIND = next(kind for kind in SERVICE.provider.resource_types if kind.name == "User")
ADA: dict[str, Any] = {
    "schemas": [USER, ENTERPRISE],
    "userName": "ada@contoso.example",
    "active": True,
    "title": "Analyst",
    "name": {"givenName": "Ada", "familyName": "Lovelace"},
    "emails": [{"type": "work", "value": "ada@contoso.example"}, {"type": "other", "value": "ada@home.example"}],
    "roles": [{"value": "Admin"}],
    ENTERPRISE: {"department": "Analysis", "employeeNumber": "1", "manager": {"value": "m1"}},
}


def patched(*operations: object) -> tuple[dict[str, Any], list[str]]:
    """Ada after a PATCH, and what of it was ignored. Raises SCIMException."""
    headers = "application/scim+json"
    with SERVICE.provider:
        current = SERVICE.read_creation(KIND, json.dumps(ADA).encode(), headers)
        current.id, current.meta = "1", Meta(resource_type="User")
        body = SERVICE.shapes.standard_body(json.dumps({"Operations": operations}).encode())
        patch = SERVICE.read_patch(KIND, body, headers)
        ignored = SERVICE.published.unknown_in(patch, SERVICE.get_model(KIND))
        SERVICE.apply_patch(current, patch, Conditions())
        shown: dict[str, Any] = current.model_dump()
    return {key: value for key, value in shown.items() if key not in ("id", "meta", "schemas")}, ignored


def in_any_case(text: str) -> st.SearchStrategy[str]:
    """A path in any letter case; what a filter quotes stays."""
    head, bracket, rest = text.partition("[")
    return st.sampled_from([head, head.upper(), head.lower(), head.title()]).map(lambda name: f"{name}{bracket}{rest}")


# each path, where it leads, and what is there before
SINGLE: dict[str, tuple[str, ...]] = {
    "title": ("title",),
    f"{USER}:title": ("title",),
    f"{USER}.title": ("title",),
    "nickName": ("nickName",),
    "name.givenName": ("name", "givenName"),
    f"{USER}:name.middleName": ("name", "middleName"),
    'name[familyName eq "Lovelace"].givenName': ("name", "givenName"),
    f"{ENTERPRISE}:department": (ENTERPRISE, "department"),
    f"{ENTERPRISE}.employeeNumber": (ENTERPRISE, "employeeNumber"),
    f"{ENTERPRISE}:costCenter": (ENTERPRISE, "costCenter"),
    f"{ENTRA}:extension_0f6e_desk": (ENTRA, "extension_0f6e_desk"),
    f"{ENTRA}.officeLocation": (),
    "manager": (ENTERPRISE, "manager", "value"),
    "manager.value": (ENTERPRISE, "manager", "value"),
    'manager[value eq "m1"]': (ENTERPRISE, "manager", "value"),
    f'{ENTERPRISE}:manager[value eq "m1"].value': (ENTERPRISE, "manager", "value"),
}
OLD_VALUES = st.none() | st.just("") | st.text(max_size=5) | st.just({"value": "x"}) | st.just([{"value": "x"}])


def at(resource: dict[str, Any], keys: tuple[str, ...]) -> Any:
    place: Any = resource
    for key in keys:
        place = place.get(key) if isinstance(place, dict) else None
    return place


@given(
    st.sampled_from([path for path, keys in SINGLE.items() if keys]).flatmap(
        lambda path: st.tuples(st.just(SINGLE[path]), in_any_case(path))
    ),
    st.sampled_from(["Add", "replace", "Remove", "REMOVE"]),
    OLD_VALUES,
    st.booleans(),
)
def test_a_path_into_a_schema_is_done(path: tuple[tuple[str, ...], str], verb: str, old: object, keyed: bool) -> None:
    """In any spelling and letter case; a Remove whatever value it carries. With a leaver's word in the same PATCH."""
    keys, text = path
    leaves = {"op": "Replace", "path": "active", "value": "False"}
    if verb.lower() == "remove":
        shown, ignored = patched({"op": verb, "path": text, "value": old}, leaves)
        assert at(shown, keys) is None
    else:
        change = {"op": verb, "value": {text: "new"}} if keyed else {"op": verb, "path": text, "value": "new"}
        shown, ignored = patched(change, leaves)
        assert at(shown, keys) == "new"
    assert (shown["active"], ignored) == (False, [])


NOWHERE = [
    f"{USER}:shoeSize",
    f"{USER}.shoeSize",
    f"{ENTERPRISE}:shoeSize",
    f"{ENTERPRISE.upper()}.shoeSize",
    f"{ENTRA}:extension_unlisted",
    "name.shoeSize",
    "title.value",
    'title[value eq "Analyst"]',
    "active[value eq true]",
    'emails[type eq "work"].vlaue',
    f'{USER}:emails[type eq "work"].vlaue',
    f"{ENTERPRISE}:manager.shoeSize",
]


@pytest.mark.parametrize("path", NOWHERE)
@pytest.mark.parametrize("verb", ["add", "replace", "remove"])
def test_a_path_into_a_schema_that_leads_nowhere_is_refused(path: str, verb: str) -> None:
    with pytest.raises(SCIMException) as refused:
        patched({"op": verb, "path": path, "value": "x"})
    assert (refused.value.status, refused.value.scim_type) == (400, "invalidPath")


@pytest.mark.parametrize("path", [path for path in NOWHERE if "value eq" not in path])
def test_so_is_a_key_that_is_such_a_path(path: str) -> None:
    with pytest.raises(SCIMException) as refused:
        patched({"op": "replace", "value": {"title": "Countess", path: "x"}})
    assert (refused.value.status, refused.value.scim_type) == (400, "invalidPath")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("shoeSize", "shoeSize"),
        ("urn:contoso:2.0:User:shoeSize", "urn:contoso:2.0:User:shoeSize"),
        ('shoes[owner eq "ada@contoso.example"].size', "shoes.size"),
        ("department", "department"),
    ],
)
def test_an_attribute_of_no_schema_is_ignored_and_told_by_its_name(path: str, name: str) -> None:
    shown, ignored = patched(
        {"op": "replace", "path": path, "value": "x"}, {"op": "add", "path": "title", "value": "C"}
    )
    assert (shown["title"], ignored) == ("C", [name])
    assert patched({"op": "replace", "value": {path: "x"}})[1] == [name]


def test_what_a_new_person_brings_and_no_schema_has_is_told_at_any_depth() -> None:
    known: dict[str, Any] = {"emails": [{"value": "a@contoso.example", "shoe": 1}], "name": {"shoe": 2}}
    unknown: dict[str, Any] = {
        "shoe": 3,
        "urn:contoso:2.0:User": {"shoe": 4},
        ENTERPRISE: {"shoe": 5, "department": "A"},
    }
    with SERVICE.provider:
        body = json.dumps({"userName": "ada@contoso.example", **known, **unknown}).encode()
        resource = SERVICE.read_creation(KIND, body, "application/scim+json")
    told = {"emails.shoe", "name.shoe", "shoe", "urn:contoso:2.0:User", f"{ENTERPRISE}:shoe"}
    assert set(unknown_of(resource)) == told


@pytest.mark.parametrize("name", ["ada@contoso.example", "Ada Lovelace", "x" * 500, "", "[", "a b", "1a"])
def test_what_may_be_somebodys_data_is_no_name(name: str) -> None:
    assert attribute_name(name) == NO_NAME


@pytest.mark.parametrize(
    ("operation", "left"),
    [
        ({"path": "emails", "value": [{"type": "work", "value": "ada@contoso.example"}]}, ["other"]),
        ({"path": "emails", "value": {"type": "work"}}, ["other"]),
        ({"path": "emails", "value": "ada@contoso.example"}, ["other"]),
        ({"path": f"{USER}:emails.value", "value": "ada@home.example"}, ["work"]),
        ({"path": "EMAILS", "value": '[{"value": "ada@home.example", "primary": null}]'}, ["work"]),
        ({"path": "emails", "value": []}, ["work", "other"]),
        ({"path": "emails", "value": [{"value": "nobody@home.example"}]}, ["work", "other"]),
        ({"path": "emails", "value": None}, []),
        ({"path": "emails", "value": ""}, []),
        ({"path": "emails"}, []),
        ({"path": 'emails[type eq "work"]', "value": [{"value": "ada@home.example"}]}, ["other"]),
    ],
)
def test_a_removal_with_a_value_from_several(operation: dict[str, Any], left: list[str]) -> None:
    shown, _ = patched({"op": "Remove", **operation})
    assert [entry["type"] for entry in shown.get("emails", [])] == left


def test_a_manager_who_has_changed_since_is_not_removed() -> None:
    new = {"op": "Replace", "path": f"{ENTERPRISE}:manager", "value": "m2"}
    shown, _ = patched(new, {"op": "Remove", "path": 'manager[value eq "m1"]'})
    assert shown[ENTERPRISE]["manager"] == {"value": "m2"}
    with pytest.raises(SCIMException) as refused:
        patched({"op": "Replace", "path": 'manager[value eq "m9"].value', "value": "m2"})
    assert refused.value.scim_type == "noTarget"


ADMIN = json.dumps({"id": "06b0", "value": "Admin", "displayName": "Boss"})
OTHER = json.dumps({"id": "06b1", "value": 'Ot"her'})


@pytest.mark.parametrize("verb", ["Add", "Replace"])
def test_roles_that_are_json_in_a_string_are_roles(verb: str) -> None:
    for value in ([{"value": ADMIN}, {"value": OTHER}], json.dumps([{"value": ADMIN}, {"value": OTHER}])):
        shown, _ = patched({"op": verb, "path": "roles", "value": value})
        assert sorted(role["value"] for role in shown["roles"]) == ["Admin", 'Ot"her']
        shown, _ = patched({"op": verb, "value": {"ROLES": value}})
        assert sorted(role["value"] for role in shown["roles"]) == ["Admin", 'Ot"her']
    assert "roles" not in patched({"op": "Remove", "path": "roles", "value": [{"value": ADMIN}]})[0]


READABLE = {True: True, False: False, "True": True, "false": False, " FALSE ": False}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["on", "yes", "1", "", "t", "x"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["value", "active"]), inner, max_size=2)
    ),
    max_leaves=4,
)
TO_ACTIVE = st.sampled_from(["active", "ACTIVE", f"{USER}:active", f"{USER.lower()}.Active", "active.value", USER, ""])
KEYS = st.sampled_from([("op", "path", "value"), ("Op", "Path", "Value"), ("OP", "PATH", "VALUE")])


@given(TO_ACTIVE, st.sampled_from(["add", "Replace", "remove"]), VALUES | st.sampled_from(list(READABLE)), KEYS)
def test_only_a_readable_boolean_changes_whether_somebody_may_sign_in(
    path: str, verb: str, value: object, keys: tuple[str, str, str]
) -> None:
    op, path_key, value_key = keys
    forms: list[dict[str, Any]] = [
        {op: verb, path_key: path, value_key: value},
        {op: verb, value_key: {path: value}},
        {op: verb, value_key: {USER: {path: value}}},
        {op: verb, path_key: USER, value_key: {path: value}},
    ]
    for form in forms:
        try:
            shown, _ = patched(copy.deepcopy(form))
        except SCIMException as refused:
            assert refused.status == 400  # noqa: PT017 - whether it is refused depends on the form
            continue
        if shown.get("active") is not True and "active" in shown:
            assert "false" in json.dumps(form).lower(), form
