"""What Graph says of a person joins what was known of him."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.entra.errors import GraphUnclear
from shared.entra.user_properties import UserProperties, select_of
from shared.rules.azure_user import AzureUser

ANNA = AzureUser(
    user_principal_name="anna@contoso.example",
    object_id="id",
    account_enabled=False,
    department="Sales",
    business_phones=("1",),
    manager="m1",
    extension_attributes={"extensionAttribute1": "a", "extensionAttribute2": "b"},
    custom={"extension_x": "x", "extension_y": "y"},
)


def said(managers: tuple[str, ...] = (), former: tuple[str, ...] = (), **values: Any) -> UserProperties:
    return UserProperties("id", values, managers, former)


def test_selects_what_the_mapping_needs_and_what_is_always_needed() -> None:
    fields = [
        "mobile",
        "objectId",
        "employeeOrgData.costCenter",
        "extensionAttribute3",
        "extension_x",
        "manager",
        "IsSoftDeleted",
    ]
    assert select_of(fields) == (
        "accountEnabled",
        "employeeOrgData",
        "extension_x",
        "id",
        "manager",
        "mobilePhone",
        "onPremisesExtensionAttributes",
        "userPrincipalName",
    )
    with pytest.raises(ValueError, match="no property shoeSize"):
        select_of(["shoeSize"])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (said(), {}),
        (said(department="Legal"), {"department": "Legal"}),
        (said(department=None), {"department": None}),
        (said(businessPhones=[]), {"business_phones": ()}),
        (said(accountEnabled=True), {"account_enabled": True}),
        (said(accountEnabled=None), {}),
        (said(managers=("m2",), former=("m1",)), {"manager": "m2"}),
        (said(former=("m1",)), {"manager": None}),
        (said(former=("m0",)), {}),
        (said(manager=None), {"manager": None}),
        (said(manager="m3"), {"manager": "m3"}),
        (
            said(onPremisesExtensionAttributes={"extensionAttribute1": None, "extensionAttribute3": "c"}),
            {"extension_attributes": {"extensionAttribute2": "b", "extensionAttribute3": "c"}},
        ),
        (said(onPremisesExtensionAttributes=None), {}),
        (said(employeeOrgData={"division": "D"}), {"employee_org_data_division": "D"}),
        (said(employeeOrgData=None), {}),
        (said(proxyAddresses=["SMTP:a", "smtp:b"]), {"proxy_addresses": ("SMTP:a", "smtp:b")}),
        (said(extension_x=None), {"custom": {"extension_y": "y"}}),
        (said(extension_x="z"), {"custom": {"extension_x": "z", "extension_y": "y"}}),
    ],
)
def test_changes_what_was_said_and_nothing_else(change: UserProperties, expected: dict[str, Any]) -> None:
    now = change.onto(ANNA)
    assert now == ANNA.model_copy(update=expected)
    assert change.onto(now) == now


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"department": 5}, ("department",)),
        ({"department": ["Legal"]}, ("department",)),
        ({"userPrincipalName": None}, ("userPrincipalName",)),
        ({"userPrincipalName": ""}, ("userPrincipalName",)),
        ({"accountEnabled": "false"}, ("accountEnabled",)),
        ({"accountEnabled": 1}, ("accountEnabled",)),
        ({"businessPhones": "1"}, ("businessPhones",)),
        ({"businessPhones": [1]}, ("businessPhones",)),
        ({"manager": {"id": "m2"}}, ("manager",)),
        ({"onPremisesExtensionAttributes": "a"}, ("onPremisesExtensionAttributes",)),
        ({"onPremisesExtensionAttributes": {"extensionAttribute1": ["z"]}}, ("extensionAttribute1",)),
        ({"employeeOrgData": "Sales"}, ("employeeOrgData",)),
        ({"employeeOrgData": {"division": 5}}, ("employeeOrgData",)),
        ({"proxyAddresses": "SMTP:a"}, ("proxyAddresses",)),
        ({"extension_x": {"a": 1}}, ("extension_x",)),
        ({"extension_x": [["a"]]}, ("extension_x",)),
    ],
)
def test_what_is_not_understood_is_named_and_changes_nothing_of_what_was_known(
    values: dict[str, Any], names: tuple[str, ...]
) -> None:
    change = said(jobTitle="Clerk", **values)
    assert change.unreadable == names
    if values.keys() != {"manager"}:
        assert change.onto(ANNA) == ANNA.model_copy(update={"job_title": "Clerk"})


@pytest.mark.parametrize(
    ("listed", "missed"),
    [
        (said(), True),
        (said(department="Sales"), False),
        (said(department=None), False),
        (UserProperties("id", {}, misread=("department",)), False),
    ],
)
def test_a_value_that_a_list_does_not_mention_is_missed(listed: UserProperties, missed: bool) -> None:
    assert listed.leaves_out(ANNA, ("id", "accountEnabled", "userPrincipalName", "department", "city")) is missed


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("manager", said(managers=("m2",))),
        ("businessPhones", said(businessPhones=[])),
        ("extension_x", said(extension_x="z")),
        (
            "onPremisesExtensionAttributes",
            said(onPremisesExtensionAttributes={"extensionAttribute1": None, "extensionAttribute2": "b"}),
        ),
    ],
)
def test_each_kind_of_value_may_be_missed(name: str, listed: UserProperties) -> None:
    assert said().leaves_out(ANNA, (name,))
    assert not listed.leaves_out(ANNA, (name,))
    assert not said().leaves_out(AzureUser(user_principal_name="bert@contoso.example"), (name,))


def test_an_earlier_word_that_was_understood_stays_where_the_later_one_is_not() -> None:
    together = said(department="Legal").then(said(department=5))
    assert (together.unreadable, together.onto(ANNA).department) == (("department",), "Legal")


@pytest.mark.parametrize(
    "change",
    [
        said(),
        said(userPrincipalName="anna@contoso.example"),
        said(userPrincipalName="anna@contoso.example", accountEnabled=None),
        said(userPrincipalName="", accountEnabled=True),
        said(userPrincipalName="anna@contoso.example", accountEnabled="perhaps"),
    ],
)
def test_nobody_is_made_of_too_little(change: UserProperties) -> None:
    with pytest.raises(GraphUnclear) as raised:
        change.onto(None)
    assert "anna" not in str(raised.value)


def test_somebody_new() -> None:
    person = said(userPrincipalName="a@b.example", accountEnabled=True, managers=("m1",), former=("m0",)).onto(None)
    assert person == AzureUser(user_principal_name="a@b.example", object_id="id", manager="m1")


MANAGERS = st.lists(st.sampled_from(["m1", "m2", "m3"]), max_size=2, unique=True).map(tuple)
SAID = st.builds(
    UserProperties,
    st.just("id"),
    st.dictionaries(st.sampled_from(["department", "city", "jobTitle"]), st.sampled_from([None, "a", "b", 5])),
    MANAGERS,
    MANAGERS,
).filter(lambda each: not set(each.managers) & set(each.former_managers))


@given(SAID, SAID)
def test_two_mentions_say_the_same_together_as_one_after_the_other(
    first: UserProperties, second: UserProperties
) -> None:
    assert first.then(second).onto(ANNA) == second.onto(first.onto(ANNA))
