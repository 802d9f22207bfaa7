"""A person from Graph as a SCIM User, and what a push changes of him."""

from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue
from pydantic.alias_generators import to_camel

from shared.rules.azure_user import EXTENSION_ATTRIBUTES, AzureUser, from_scim
from shared.rules.scim_path import ENTRA, USER
from shared.rules.scim_user import new_active, onto_scim, pushed_onto

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
_MAYBE = st.none() | _TEXT
_SEVERAL = st.lists(_TEXT, max_size=1).map(tuple)
_FIELDS: dict[str, st.SearchStrategy[object]] = {
    to_camel(name): _MAYBE
    for name, field in AzureUser.model_fields.items()
    if field.annotation == (str | None) and name != "manager"
}
_FIELDS |= {"userPrincipalName": _TEXT, "businessPhones": _SEVERAL, "otherMails": _SEVERAL}
_FIELDS |= {"extensionAttributes": st.dictionaries(st.sampled_from(EXTENSION_ATTRIBUTES), _TEXT, max_size=2)}
PEOPLE = st.fixed_dictionaries(_FIELDS).map(AzureUser.model_validate)


@given(PEOPLE, PEOPLE)
def test_whatever_was_shown_before_a_person_is_read_back_as_he_is(before: AzureUser, person: AzureUser) -> None:
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
    assert onto_scim(pushed, person, active=False, manager="m1", custom=("extension_badge",)) == {
        "userName": "ada@contoso.example",
        "active": False,
        "nickName": "A.",
        "name": {"honorificPrefix": "Lady", "givenName": "Ada", "familyName": "King", "formatted": "Ada King"},
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "department": "Engines",
            "manager": {"value": "m1"},
        },
        ENTRA: {"extension_badge": "7"},
        "schemas": [USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", ENTRA],
    }
