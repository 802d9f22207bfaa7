"""One AzureUser, from SCIM or from Graph."""

import pytest
from pydantic import JsonValue, ValidationError

from shared.rules.azure_user import (
    AZURE_FIELDS,
    EXTENDED_SOURCES,
    EXTENSION_ATTRIBUTES,
    SCIM_SOURCES,
    AzureUser,
    FieldType,
    from_graph,
    from_scim,
    value_of,
)
from shared.rules.scim_path import ENTRA, Resource

ISSUE = """
givenName, surname, displayName, userPrincipalName, mail, mailNickname, jobTitle, department, companyName, employeeId,
employeeType, employeeHireDate, officeLocation, streetAddress, city, state, postalCode, country, usageLocation,
preferredLanguage, mobilePhone, businessPhones, faxNumber, otherMails, manager, accountEnabled,
onPremisesSamAccountName, originalUserPrincipalName, userType, objectId, proxyAddresses, createdDateTime,
employeeLeaveDateTime, employeeOrgData.division, employeeOrgData.costCenter, onPremisesSecurityIdentifier,
onPremisesImmutableId, onPremisesDistinguishedName, onPremisesDomainName, onPremisesUserPrincipalName
"""
"""The fields the catalogue must have, besides extensionAttribute1 to 15."""


def test_the_catalogue_is_complete() -> None:
    assert set(AZURE_FIELDS) == {*ISSUE.replace(",", " ").split(), *EXTENSION_ATTRIBUTES}
    assert {name for name, field in AZURE_FIELDS.items() if field.required} == {"userPrincipalName"}
    assert {name for name, field in AZURE_FIELDS.items() if field.multi_valued} == {
        "businessPhones",
        "otherMails",
        "proxyAddresses",
    }
    assert AZURE_FIELDS["manager"].type is FieldType.PERSON
    assert AZURE_FIELDS["employeeHireDate"].type is FieldType.DATE
    assert all(field.description for field in AZURE_FIELDS.values())


def test_every_field_has_a_place_in_a_push() -> None:
    assert set(SCIM_SOURCES) | set(EXTENDED_SOURCES) == set(AZURE_FIELDS)


def _sample(name: str) -> JsonValue:
    match AZURE_FIELDS[name].type:
        case FieldType.YES_NO:
            return False
        case FieldType.TEXTS:
            return [f"{name} 1"]
        case _:
            return f"a {name}"


def test_scim_and_graph_give_the_same_person() -> None:
    resource: Resource = {}
    for name in AZURE_FIELDS:
        value = _sample(name)
        path = EXTENDED_SOURCES.get(name) or SCIM_SOURCES[name]
        sample = value[0] if isinstance(value, list) and path.type is not None else value
        assert isinstance(sample, str | bool | list)
        path.put(resource, sample)
    graph = {name: _sample(name) for name in AZURE_FIELDS if "." not in name}
    graph["employeeOrgData"] = {part: _sample(f"employeeOrgData.{part}") for part in ("division", "costCenter")}
    assert from_scim(resource) == from_graph(graph)
    person = from_graph(graph)
    for name in AZURE_FIELDS:
        value = _sample(name)
        assert value_of(name)(person) == (tuple(value) if isinstance(value, list) else value), name


@pytest.mark.parametrize(
    ("external_id", "object_id"),
    [
        ("8F0A1B2C-3D4E-4F5A-8B9C-0D1E2F3A4B5C", "8f0a1b2c-3d4e-4f5a-8b9c-0d1e2f3a4b5c"),
        ("ann", None),
        ("8f0a1b2c3d4e4f5a8b9c0d1e2f3a4b5c", None),
    ],
)
def test_an_external_id_may_be_the_object_id(external_id: str, object_id: str | None) -> None:
    person = from_scim({"userName": "a", "externalId": external_id})
    assert (value_of("objectId")(person), person.mail_nickname) == (object_id, external_id)
    told = from_scim({"userName": "a", "externalId": external_id, ENTRA: {"objectId": "told"}})
    assert value_of("objectId")(told) == "told"


def test_empty_values_are_absent() -> None:
    assert from_scim({"userName": "a", "title": "", "emails": []}) == AzureUser(user_principal_name="a")


def test_custom_attributes_keep_their_case() -> None:
    extension: JsonValue = {"extension_X": "1", "extension_x": "2", "companyName": "C"}
    person = from_scim({"userName": "a", ENTRA: extension})
    assert (person.custom, person.company_name) == ({"extension_X": "1", "extension_x": "2"}, "C")
    assert from_graph({"userPrincipalName": "a", "extension_X": "1"}).custom == {"extension_X": "1"}


def test_entras_names_are_known() -> None:
    person = from_graph(
        {"userPrincipalName": "a", "businessPhones": ["1"], "mobilePhone": "2", "accountEnabled": False}
    )
    assert value_of("telephoneNumber")(person) == ("1",)
    assert value_of("mobile")(person) == "2"
    assert value_of("IsSoftDeleted")(person) == "True"


def test_graphs_manager_may_be_expanded() -> None:
    assert from_graph({"userPrincipalName": "a", "manager": {"id": "m"}}).manager == "m"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "True"),
        (False, "False"),
        (0, "0"),
        (-5, "-5"),
        (9_007_199_254_740_993, "9007199254740993"),
        (1.5, "1.5"),
        ("2024-02-29T08:30:00Z", "2024-02-29T08:30:00Z"),
        ("AP9rZXk=", "AP9rZXk="),
        (["a", "", None, "b"], ("a", "b")),
        ([1, True], ("1", "True")),
        ([], None),
        ("", None),
        (None, None),
    ],
)
def test_a_directory_extension_of_any_data_type_is_text(value: JsonValue, text: str | tuple[str, ...] | None) -> None:
    assert from_graph({"userPrincipalName": "a", "extension_X": value}).custom == (
        {"extension_X": text} if text else {}
    )


@pytest.mark.parametrize("value", [{"a": 1}, [["a"]], [{"a": 1}]])
def test_a_directory_extension_of_no_data_type_is_refused(value: JsonValue) -> None:
    with pytest.raises(ValidationError):
        from_graph({"userPrincipalName": "a", "extension_X": value})


def test_exchanges_custom_attributes_are_text_too() -> None:
    user: Resource = {"userPrincipalName": "a", "onPremisesExtensionAttributes": {"extensionAttribute1": 5}}
    assert from_graph(user).extension_attributes == {"extensionAttribute1": "5"}
