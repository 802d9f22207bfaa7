"""A person from Graph as a SCIM User, and what a push changes of them."""

from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from shared.rules.azure_user import EXTENSION_ATTRIBUTES, AzureUser, from_scim
from shared.rules.scim_path import ENTRA, USER
from shared.rules.scim_user import completed, new_active, onto_scim, pushed_onto

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
_MAYBE = st.none() | _TEXT
_LIST = st.lists(_TEXT, max_size=3).map(tuple)
_SEVERAL = st.lists(_TEXT, max_size=1).map(tuple)
_FIELDS: dict[str, st.SearchStrategy[object]] = {
    str(field.alias): _MAYBE
    for name, field in AzureUser.model_fields.items()
    if field.annotation == (str | None)
    and name not in ("manager", "original_user_principal_name")  # see test_guests.py
}
_FIELDS |= {"userPrincipalName": _TEXT, "businessPhones": _SEVERAL, "otherMails": _SEVERAL, "proxyAddresses": _LIST}
_FIELDS |= {"extensionAttributes": st.dictionaries(st.sampled_from(EXTENSION_ATTRIBUTES), _TEXT, max_size=2)}
PEOPLE = st.fixed_dictionaries(_FIELDS).map(AzureUser.model_validate)


@given(PEOPLE, PEOPLE)
def test_whatever_was_shown_before_a_person_is_read_back_unchanged(before: AzureUser, person: AzureUser) -> None:
    shown = onto_scim({}, before, active=True, manager="m", custom=())
    again = onto_scim(shown, person, active=True, manager=None, custom=())
    assert from_scim(again) == person
    assert again.keys() == onto_scim({}, person, active=True, manager=None, custom=()).keys()


@given(PEOPLE, PEOPLE)
def test_a_push_that_changes_everything_leaves_what_it_cannot_tell(before: AzureUser, person: AzureUser) -> None:
    known = before.model_copy(update={"custom": {"extension_badge": "7"}})
    earlier = onto_scim({}, known, active=True, manager=None, custom=())
    resource = onto_scim(earlier, person, active=True, manager=None, custom=())
    assert pushed_onto(known, earlier, resource) == person.model_copy(update={"custom": {"extension_badge": "7"}})


UNSAID = st.sampled_from([{}, {"active": None}, {"active": "False"}, {"active": 0}, {"active": []}])


@given(PEOPLE, st.booleans(), st.sampled_from([True, False, None]), UNSAID)
def test_silence_about_a_status_keeps_it(
    person: AzureUser, enabled: bool, shown: bool | None, said: dict[str, JsonValue]
) -> None:
    known = person.model_copy(update={"account_enabled": enabled})
    earlier: dict[str, JsonValue] = {"userName": "a"} | ({} if shown is None else {"active": shown})
    assert new_active(earlier, {"userName": "a"} | said) is None
    unsaid: dict[str, JsonValue] = {"userName": "b"} | {key: value for key, value in said.items() if value is None}
    assert pushed_onto(known, earlier, unsaid).account_enabled is enabled
    for told in (True, False):
        pushed = pushed_onto(known, earlier, {"userName": "b", "active": told})
        assert pushed.account_enabled is (enabled if shown is told else told)


OBJECT = "8f0a1b2c-3d4e-4f5a-8b9c-0d1e2f3a4b5c"


def test_an_external_id_that_is_the_object_id_stays() -> None:
    person = AzureUser(user_principal_name="ann@contoso.example", object_id=OBJECT, mail_nickname="ann")
    shown = onto_scim({"externalId": OBJECT.upper()}, person, active=True, manager=None, custom=())
    assert (shown["externalId"], shown[ENTRA]) == (OBJECT.upper(), {"mailNickname": "ann", "objectId": OBJECT})
    assert from_scim(shown) == person
    assert onto_scim({"externalId": "other"}, person, active=True, manager=None, custom=())["externalId"] == "ann"


def test_a_push_of_one_extension_leaves_the_others() -> None:
    known = AzureUser(user_principal_name="a", custom={"extension_a": "1", "extension_b": ("x", "y")})
    earlier = onto_scim({}, known, active=True, manager=None, custom=("extension_a",))
    changed = pushed_onto(known, earlier, earlier | {ENTRA: {"extension_a": "2"}})
    assert changed.custom == {"extension_a": "2", "extension_b": ("x", "y")}
    assert pushed_onto(known, earlier, earlier | {ENTRA: {}}).custom == {"extension_b": ("x", "y")}


def test_what_an_earlier_release_left_in_a_resource_is_found() -> None:
    person = AzureUser(user_principal_name="a", mail_nickname=OBJECT)
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    resource: dict[str, JsonValue] = {"userName": "b", "externalId": OBJECT, enterprise: {"costCenter": "4711"}}
    late = {"object_id": OBJECT, "employee_org_data_cost_center": "4711"}
    assert completed(person, resource) == person.model_copy(update=late)
    assert completed(completed(person, resource), resource) == completed(person, resource)


def test_what_is_shown() -> None:
    person = AzureUser(
        user_principal_name="ada@contoso.example",
        given_name="Ada",
        surname="King",
        department="Engines",
        custom={"extension_badge": "7", "extension_list": ("a", "b")},
    )
    pushed: dict[str, JsonValue] = {
        "nickName": "A.",
        "name": {"honorificPrefix": "Lady"},
        "emails": [{"type": "work", "value": "old"}],
    }
    custom = ("extension_badge", "extension_list[]")
    assert onto_scim(pushed, person, active=False, manager="m1", custom=custom) == {
        "userName": "ada@contoso.example",
        "active": False,
        "nickName": "A.",
        "name": {"honorificPrefix": "Lady", "givenName": "Ada", "familyName": "King", "formatted": "Ada King"},
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "department": "Engines",
            "manager": {"value": "m1"},
        },
        ENTRA: {"extension_badge": "7", "extension_list": ["a", "b"]},
        "schemas": [USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", ENTRA],
    }
