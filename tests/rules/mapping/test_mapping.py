"""Mappings: their result for a person, and what is refused."""

import json
import random
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.azure_user import AZURE_FIELDS, AzureUser, FieldType
from shared.rules.expressions import EvaluationContext
from shared.rules.mapping.check import DEFAULT_OF_BEFORE, InvalidMapping, check_mapping, read_mapping
from shared.rules.mapping.compiled import CompiledMapping, MappingFailed
from shared.rules.mapping.mapping import DEFAULT_MAPPING, Mapping, RuleChange, difference
from shared.rules.mapping.names import CustomNames
from shared.rules.mapping.preview import preview_change, preview_person
from shared.rules.zoho_user import ZOHO_FIELDS, ZohoField, ZohoUser

CONTEXT = EvaluationContext(datetime(2026, 1, 2, tzinfo=UTC), random.Random(1), lambda name: name == "taken")
ALL = frozenset(ZohoField)
EXTENSIONS = frozenset(field for field, facts in ZOHO_FIELDS.items() if facts.extension)
ADA = AzureUser(
    user_principal_name="ada@contoso.example",
    given_name="Ada",
    surname="Lovelace",
    job_title="Analyst",
    other_mails=("a@home.example", "b@home.example"),
    custom={"Badge": "7", "Teams": ("x", "y")},
)
USER_NAME = {"target": "userName", "source": {"kind": "profile field", "field": "userPrincipalName"}}


def _mapping(*rules: dict[str, Any]) -> Mapping:
    return Mapping.model_validate({"rules": [USER_NAME, *rules]})


def _expression(target: str, text: str, **rest: str) -> dict[str, Any]:
    return {"target": target, "source": {"kind": "expression", "expression": text}} | rest


VALUES: list[tuple[dict[str, Any], str | None]] = [
    ({"source": {"kind": "profile field", "field": "jobTitle"}}, "Analyst"),
    ({"source": {"kind": "profile field", "field": "department"}}, None),
    ({"source": {"kind": "profile field", "field": "department"}, "default": "None yet"}, "None yet"),
    ({"source": {"kind": "profile field", "field": "otherMails"}}, "a@home.example"),
    ({"source": {"kind": "profile field", "field": "extensionAttribute3"}}, None),
    ({"source": {"kind": "hard-coded value", "value": "Main Building"}}, "Main Building"),
    ({"source": {"kind": "custom attribute", "name": "Badge"}}, "7"),
    ({"source": {"kind": "custom attribute", "name": "badge"}}, None),
    ({"source": {"kind": "custom attribute", "name": "Teams"}}, "x"),
    ({"source": {"kind": "expression", "expression": 'Join("-", [surname], [Badge])'}}, "Lovelace-7"),
    ({"source": {"kind": "expression", "expression": "[department]"}, "default": "d"}, "d"),
    ({"source": {"kind": "expression", "expression": "IgnoreFlowIfNullOrEmpty([department])"}, "default": "d"}, None),
    ({"source": {"kind": "expression", "expression": 'SelectUniqueValue("taken", "free")'}}, "free"),
]


@pytest.mark.parametrize(("rule", "value"), VALUES)
def test_a_rule_gives_a_value(rule: dict[str, Any], value: str | None) -> None:
    fields = CompiledMapping(_mapping({"target": "title"} | rule)).fields_for(ADA, None, CONTEXT, ALL)
    assert fields == {ZohoField.USER_NAME: "ada@contoso.example"} | ({ZohoField.TITLE: value} if value else {})


def test_only_during_object_creation_holds_afterwards() -> None:
    rule = {"target": "title", "source": {"kind": "profile field", "field": "jobTitle"}}
    compiled = CompiledMapping(_mapping(rule | {"apply": "only during object creation"}))
    assert compiled.fields_for(ADA, None, CONTEXT, ALL)[ZohoField.TITLE] == "Analyst"
    before = ZohoUser(active=True, fields={ZohoField.USER_NAME: "ada", ZohoField.TITLE: "First"})
    assert compiled.fields_for(ADA, before, CONTEXT, ALL)[ZohoField.TITLE] == "First"


def test_an_ignored_flow_leaves_what_is_there() -> None:
    compiled = CompiledMapping(_mapping(_expression("title", "IgnoreFlowIfNullOrEmpty([department])")))
    before = ZohoUser(active=True, fields={ZohoField.USER_NAME: "ada", ZohoField.TITLE: "Kept"})
    assert compiled.fields_for(ADA, before, CONTEXT, ALL)[ZohoField.TITLE] == "Kept"


def test_fields_that_the_store_does_not_use_are_left_out() -> None:
    compiled = CompiledMapping(
        _mapping({"target": "workLocation", "source": {"kind": "hard-coded value", "value": "x"}})
    )
    assert set(compiled.fields_for(ADA, None, CONTEXT, ALL - EXTENSIONS)) == {ZohoField.USER_NAME}


@pytest.mark.parametrize("text", ["[department]", '""', "Trim([jobTitle])"])
def test_without_a_user_name_there_is_no_account(text: str) -> None:
    rules = [_expression("userName", text)] if "Trim" not in text else [_expression("userName", '"  "')]
    with pytest.raises(MappingFailed, match="userName"):
        CompiledMapping(Mapping.model_validate({"rules": rules})).fields_for(ADA, None, CONTEXT, ALL)


def test_a_failing_rule_names_the_field_and_no_value() -> None:
    compiled = CompiledMapping(_mapping(_expression("title", "Item([otherMails], 5)"), _expression("phone", '"1"')))
    with pytest.raises(MappingFailed, match=r"title .*Item") as failure:
        compiled.fields_for(ADA, None, CONTEXT, ALL)
    assert "home.example" not in str(failure.value)
    lines = {line.field: line for line in preview_person(compiled, ADA, None, CONTEXT)}
    assert lines[ZohoField.TITLE].error
    assert lines[ZohoField.PHONE].value == "1"


# faults: the rules after userName's -> rule number, target, position, words of the reason
FAULTS: list[tuple[list[dict[str, Any]], int | None, str | None, int | None, str]] = [
    (
        [{"target": "title", "source": {"kind": "profile field", "field": "jobtitle"}}],
        1,
        "title",
        None,
        "mean jobTitle",
    ),
    (
        [{"target": "title", "source": {"kind": "profile field", "field": "jobTitel"}}],
        1,
        "title",
        None,
        "mean jobTitle",
    ),
    ([{"target": "phone", "source": {"kind": "profile field", "field": "mobile"}}], 1, "phone", None, "mobilePhone"),
    (
        [{"target": "title", "source": {"kind": "profile field", "field": "xyzzy"}}],
        1,
        "title",
        None,
        "no profile field",
    ),
    ([{"target": "title", "source": {"kind": "profile field", "field": "accountEnabled"}}], 1, "title", None, "yes/no"),
    ([{"target": "title", "source": {"kind": "profile field", "field": "manager"}}], 1, "title", None, "person"),
    ([{"target": "manager", "source": {"kind": "profile field", "field": "mail"}}], 1, "manager", None, "not take"),
    (
        [{"target": "manager", "source": {"kind": "hard-coded value", "value": "x"}}],
        1,
        "manager",
        None,
        "profile field",
    ),
    ([_expression("manager", "[manager]")], 1, "manager", None, "nothing computed"),
    ([_expression("title", "Jion([surname])")], 1, "title", 0, "mean Join"),
    ([_expression("title", 'Join(" ", [surname]')], 1, "title", 19, ""),
    ([_expression("title", "ToUpper([surnam])")], 1, "title", 8, "mean surname"),
    ([_expression("title", 'SelectUniqueValue("a", "b")')], 1, "title", 0, "object creation"),
    ([USER_NAME], None, "userName", None, "2 rules"),
]


@pytest.mark.parametrize(("rules", "number", "target", "position", "words"), FAULTS)
def test_a_fault_is_named_with_its_place(
    rules: list[dict[str, Any]], number: int | None, target: str | None, position: int | None, words: str
) -> None:
    with pytest.raises(InvalidMapping) as refused:
        check_mapping(_mapping(*rules), EXTENSIONS)
    (fault,) = refused.value.faults
    assert (fault.rule, fault.target, fault.position) == (number, target, position), fault
    assert words in fault.reason


def test_extensions_have_to_be_switched_on() -> None:
    rule = {"target": "workLocation", "source": {"kind": "hard-coded value", "value": "Main Building"}}
    with pytest.raises(
        InvalidMapping, match="workLocation: an extension of Zoho One's fields, which this store has not switched on"
    ):
        check_mapping(_mapping(rule), [])
    assert check_mapping(_mapping(rule), [ZohoField.WORK_LOCATION]) == ()


def test_an_invalid_mapping_is_refused_whole_with_every_fault() -> None:
    rules = [
        _expression("title", "Jion(1)"),
        {"target": "phone", "source": {"kind": "profile field", "field": "mobile"}},
    ]
    with pytest.raises(InvalidMapping) as refused:
        check_mapping(Mapping.model_validate({"rules": rules}), [])
    assert {(fault.rule, fault.target) for fault in refused.value.faults} == {
        (None, "userName"),
        (0, "title"),
        (1, "phone"),
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"rules": [{"target": "titel", "source": {"kind": "hard-coded value", "value": "x"}}]}', "mean title"),
        ('{"rules": [{"target": "title", "source": {"kind": "python", "code": "x"}}]}', "rule 1"),
        ('{"rules": [{"target": "title"}]}', "source"),
        ('{"rules": 7}', "rules"),
        ("[", "JSON"),
    ],
)
def test_a_file_of_another_form_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidMapping, match=words):
        read_mapping(text)


def test_a_mapping_that_would_not_fit_where_it_is_kept_is_refused() -> None:
    long = [_expression(target, "x" * 10_000) for target in list(ZohoField)[:6]]
    with pytest.raises(InvalidMapping, match=r"^the mapping is too long: .* 50,000 at the most$"):
        read_mapping(json.dumps({"rules": long}))
    read_mapping(json.dumps({"rules": long[:4]}))


def test_warnings_do_not_refuse() -> None:
    warnings = check_mapping(_mapping(_expression("title", 'IIF([city]="x", "a", "b")')), [])
    assert [(warning.rule, warning.position) for warning in warnings] == [(1, 0)]
    (case,) = check_mapping(
        _mapping({"target": "title", "source": {"kind": "custom attribute", "name": "JOBTITLE"}}),
        [],
        CustomNames(frozenset({"JOBTITLE"})),
    )
    assert "jobTitle" in case.reason


def test_the_default_mapping_is_valid() -> None:
    assert check_mapping(DEFAULT_MAPPING, []) == ()


def test_the_difference_of_two_mappings() -> None:
    title = {"target": "title", "source": {"kind": "profile field", "field": "jobTitle"}}
    new = {"target": "title", "source": {"kind": "hard-coded value", "value": "x"}, "default": "y"}
    fax = {"target": "fax", "source": {"kind": "profile field", "field": "faxNumber"}}
    assert difference(_mapping(title), _mapping(new, fax)) == (
        RuleChange(target=ZohoField.TITLE, before="[jobTitle]", after='"x", or "y"'),
        RuleChange(target=ZohoField.FAX, before=None, after="[faxNumber]"),
    )
    assert difference(_mapping(title), _mapping(title)) == ()


NO_GRAPH = CustomNames(frozenset({"extension_x", "badge"}), reads_graph=False)


@pytest.mark.parametrize(
    ("name", "names", "reason"),
    [
        ("jobtitle", CustomNames(), "there is no attribute jobtitle; did you mean jobTitle?"),
        ("jobTitel", CustomNames(), "there is no attribute jobTitel; did you mean jobTitle?"),
        ("objectID", CustomNames(), "there is no attribute objectID; did you mean objectId?"),
        ("bagde", NO_GRAPH, "there is no attribute bagde; did you mean badge?"),
        ("extension_X", NO_GRAPH, "there is no attribute extension_X; did you mean extension_x?"),
        ("extension_0f_other", NO_GRAPH, "there is no attribute extension_0f_other; if your tenant has it, add it"),
        ("shoeSize", CustomNames(), "there is no attribute shoeSize; if your tenant has it, add it"),
        ("appRoleAssignments", CustomNames(), "neither Microsoft Graph's users nor a push have appRoleAssignments"),
        ("badge", NO_GRAPH, None),
        ("extension_x", NO_GRAPH, None),
        ("extension_0f_other", CustomNames(), None),
        ("telephoneNumber", CustomNames(), None),
        ("immutableId", CustomNames(), None),
        ("IsSoftDeleted", CustomNames(), None),
        *((name, NO_GRAPH, None) for name in AZURE_FIELDS),
    ],
)
def test_a_name_that_nothing_brings_is_refused(name: str, names: CustomNames, reason: str | None) -> None:
    mapping = _mapping(_expression("title", f'Join("", [surname], [{name}])'))
    if reason is None:
        assert check_mapping(mapping, EXTENSIONS, names) == ()
        return
    with pytest.raises(InvalidMapping) as refused:
        check_mapping(mapping, EXTENSIONS, names)
    (fault,) = refused.value.faults
    assert fault.reason.startswith(reason)
    assert fault.position == len('Join("", [surname], ')


def test_the_default_domain_must_be_known() -> None:
    mapping = _mapping(_expression("email", 'Join("@", [mailNickname], DefaultDomain())'))
    assert check_mapping(mapping, EXTENSIONS) == ()
    with pytest.raises(InvalidMapping, match="does not know the tenant's default domain"):
        check_mapping(mapping, EXTENSIONS, CustomNames(knows_default_domain=False))


@pytest.mark.parametrize(
    ("name", "names", "reason"),
    [
        ("JOBTITLE", CustomNames(), "there is no custom attribute JOBTITLE; did you mean jobTitle?"),
        ("Badge", NO_GRAPH, "there is no custom attribute Badge; did you mean badge?"),
        ("shoeSize", CustomNames(), "shoeSize is not one of the store's custom attributes, so it would be empty"),
        ("extension_0f_other", NO_GRAPH, "extension_0f_other is not one of the store's custom attributes"),
        ("extension_0f_other", CustomNames(), None),
        ("badge", NO_GRAPH, None),
    ],
)
def test_a_custom_attribute_that_nothing_brings_is_refused(name: str, names: CustomNames, reason: str | None) -> None:
    rule = {"target": "title", "source": {"kind": "custom attribute", "name": name}}
    if reason is None:
        check_mapping(_mapping(rule), EXTENSIONS, names)
        return
    with pytest.raises(InvalidMapping, match=f"rule 2, title: {re.escape(reason)}"):
        check_mapping(_mapping(rule), EXTENSIONS, names)


ALWAYS, CREATION = "always", "only during object creation"


@pytest.mark.parametrize(
    ("default_at", "has", "source", "expected"),
    [
        (None, None, None, "d"),
        (None, "x", None, "d"),
        (None, "x", "new", "new"),
        (ALWAYS, None, None, "d"),
        (ALWAYS, "x", None, "d"),
        (ALWAYS, "", None, "d"),
        (CREATION, None, None, "d"),
        (CREATION, None, "new", "new"),
        (CREATION, "d", None, "d"),
        (CREATION, "d", "new", "new"),
        (CREATION, "x", None, None),
        (CREATION, "", None, None),
        (CREATION, "x", "new", "new"),
    ],
)
def test_when_a_default_is_given(
    default_at: str | None, has: str | None, source: str | None, expected: str | None
) -> None:
    """``has``: what the account was to hold before; None: there was none, "": it was to hold nothing there."""
    rule = {"target": "title", "source": {"kind": "profile field", "field": "jobTitle"}, "default": "d"}
    mapping = CompiledMapping(_mapping(rule | {"default_at": default_at}))
    person = AzureUser(user_principal_name="a", job_title=source)
    fields = {ZohoField.USER_NAME: "a"} | ({ZohoField.TITLE: has} if has else {})
    before = None if has is None else ZohoUser(active=True, fields=fields)
    assert mapping.fields_for(person, before, CONTEXT, ALL).get(ZohoField.TITLE) == expected


def test_a_default_from_before_is_as_it_was_and_told() -> None:
    title = {"target": "title", "source": {"kind": "profile field", "field": "jobTitle"}, "default": "d"}
    before = _mapping(title)
    assert "default_at" not in before.model_dump_json(), "stored as by the release before"
    (warning,) = check_mapping(before, [])
    assert (warning.rule, warning.reason) == (1, DEFAULT_OF_BEFORE)
    for chosen in (ALWAYS, CREATION):
        after = _mapping(title | {"default_at": chosen})
        assert check_mapping(after, []) == ()
        assert read_mapping(after.model_dump_json()) == after
    assert str(after.rules[-1]) == '[jobTitle], or "d" in a new account'


def test_a_preview_counts_the_people_that_a_change_affects() -> None:
    title = {"target": "title", "source": {"kind": "profile field", "field": "jobTitle"}}
    before, after = (
        _mapping(title),
        _mapping(title | {"default": "Colleague"}, _expression("phone", "Item([otherMails], 5)")),
    )
    people = [(ADA, None), (AzureUser(user_principal_name="b"), None), (AzureUser(user_principal_name="c"), None)]
    preview = preview_change(CompiledMapping(before), CompiledMapping(after), people, CONTEXT, ALL)
    assert (preview.people, preview.changed) == (3, 2)
    assert preview.by_field == {ZohoField.TITLE: 2}
    assert preview.failures == {ZohoField.PHONE: 1}


TEXT_FIELDS = [name for name, field in AZURE_FIELDS.items() if field.type not in (FieldType.YES_NO, FieldType.PERSON)]
SOURCES = (
    st.builds(lambda name: {"kind": "profile field", "field": name}, st.sampled_from(TEXT_FIELDS))
    | st.builds(lambda value: {"kind": "hard-coded value", "value": value}, st.text(min_size=1, max_size=50))
    | st.builds(lambda name: {"kind": "custom attribute", "name": name}, st.sampled_from(["extension_x", "badge"]))
    | st.builds(
        lambda name, text: {"kind": "expression", "expression": f"Join({json.dumps(text)}, [{name}], [surname])"},
        st.sampled_from(TEXT_FIELDS),
        st.text("abc .-", max_size=5),
    )
)
MAPPINGS = st.lists(st.sampled_from(list(ZohoField)), unique=True, max_size=12).flatmap(
    lambda targets: st.tuples(
        *(
            st.builds(
                lambda target, source, default, apply: {
                    "target": target,
                    "source": source,
                    "default": default,
                    "apply": apply,
                },
                st.just(target),
                SOURCES,
                st.none() | st.text(max_size=10),
                st.sampled_from(["always", "only during object creation"]),
            )
            for target in targets
            if target not in (ZohoField.USER_NAME, ZohoField.MANAGER)
        )
    )
)


@given(rules=MAPPINGS)
def test_every_valid_mapping_round_trips_through_json(rules: tuple[dict[str, Any], ...]) -> None:
    mapping = _mapping(*rules)
    check_mapping(mapping, EXTENSIONS, CustomNames(frozenset({"badge"})))
    assert read_mapping(mapping.model_dump_json()) == mapping
    fields = CompiledMapping(mapping).fields_for(ADA, None, CONTEXT, ALL)
    assert all(isinstance(value, str) and value for value in fields.values())
