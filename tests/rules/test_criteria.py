"""Criteria: whom a store takes, what keeps a person out, and what is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.rules.azure_user import AZURE_FIELDS, AzureUser, FieldType
from shared.rules.criteria import MAX_DEPTH, Condition, Group, Operator, matches, why_not

ADA = AzureUser(
    user_principal_name="Ada@contoso.example",
    department="Research & Development",
    job_title="Éclair Analyst",
    account_enabled=False,
    other_mails=("a@home.example", "b@work.example"),
    extension_attributes={"extensionAttribute1": "7"},
    custom={"Badge": "B-7", "Teams": ("x", "Straße")},
)


def _group(match: str, *of: dict[str, Any]) -> Group:
    return Group.model_validate({"match": match, "of": of})


def _condition(attribute: str, operator: str, *values: str, kind: str = "profile field") -> dict[str, Any]:
    return {"kind": kind, "attribute": attribute, "operator": operator, "values": values}


# attribute | operator | values | Ada matches
PROFILE = """
  department          | equals         | research & development | yes
  department          | equals         | research               | no
  department          | not equals     | Sales                  | yes
  department          | not equals     | RESEARCH & DEVELOPMENT | no
  department          | contains       | & dev                  | yes
  department          | contains       | x                      | no
  department          | starts with    | RESEARCH               | yes
  department          | starts with    | Development            | no
  department          | ends with      | development            | yes
  department          | ends with      | Research               | no
  department          | is present     |                        | yes
  department          | is absent      |                        | no
  department          | matches one of | Sales; research & development | yes
  department          | matches one of | Sales; Finance         | no
  city                | equals         | Oslo                   | no
  city                | not equals     | Oslo                   | yes
  city                | contains       | o                      | no
  city                | is present     |                        | no
  city                | is absent      |                        | yes
  city                | matches one of | Oslo                   | no
  jobTitle            | starts with    | e\u0301clair           | yes
  accountEnabled      | equals         | False                  | yes
  accountEnabled      | equals         | true                   | no
  accountEnabled      | is present     |                        | yes
  otherMails          | ends with      | @work.example          | yes
  otherMails          | equals         | a@home.example         | yes
  otherMails          | not equals     | a@home.example         | no
  otherMails          | not equals     | c@home.example         | yes
  businessPhones      | is absent      |                        | yes
  extensionAttribute1 | equals         | 7                      | yes
  extensionAttribute2 | is absent      |                        | yes
"""
CUSTOM = """
  Badge | equals     | b-7     | yes
  badge | equals     | b-7     | no
  badge | is absent  |         | yes
  Teams | equals     | STRASSE | yes
  Teams | not equals | x       | no
"""
ROWS = [
    (kind, *(cell.strip() for cell in line.split("|")))
    for kind, table in (("profile field", PROFILE), ("custom attribute", CUSTOM))
    for line in table.strip().splitlines()
]


@pytest.mark.parametrize(("kind", "attribute", "operator", "values", "expected"), ROWS)
def test_each_operator(kind: str, attribute: str, operator: str, values: str, expected: str) -> None:
    given_values = [value.strip() for value in values.split(";") if value.strip()]
    criteria = _group("all", _condition(attribute, operator, *given_values, kind=kind))
    assert matches(criteria, ADA) == (expected == "yes")


def test_the_table_has_every_operator() -> None:
    assert {row[2] for row in ROWS} == set(Operator)


YES, NO = _condition("department", "is present"), _condition("city", "is present")
GROUPS = [
    ("all", [YES, YES], True),
    ("all", [YES, NO], False),
    ("any", [NO, YES], True),
    ("any", [NO, NO], False),
    ("all", [YES, {"match": "any", "of": [NO, YES]}], True),
    ("any", [NO, {"match": "all", "of": [NO, YES]}], False),
]


@pytest.mark.parametrize(("match", "of", "expected"), GROUPS)
def test_groups(match: str, of: list[dict[str, Any]], expected: bool) -> None:
    assert matches(_group(match, *of), ADA) is expected


def test_what_keeps_a_person_out_is_said() -> None:
    sales, oslo = _condition("department", "matches one of", "Sales", "Law"), _condition("city", "equals", "Oslo")
    assert why_not(_group("all", YES, sales, oslo), ADA) == (
        'department matches one of "Sales", "Law": it is "Research & Development"',
        'city equals "Oslo": it is absent',
    )
    assert why_not(_group("any", sales, {"match": "all", "of": [oslo, NO]}), ADA) == (
        (
            'none of these holds: department matches one of "Sales", "Law": it is "Research & Development"; '
            'city equals "Oslo": it is absent and city is present: it is absent'
        ),
    )
    assert why_not(_group("any", sales, YES), ADA) == ()


def test_criteria_read_as_a_sentence() -> None:
    criteria = _group("all", _condition("city", "equals", "Oslo"), {"match": "any", "of": [YES, NO]})
    assert str(criteria) == 'city equals "Oslo" and (department is present or city is present)'


REFUSED: list[tuple[dict[str, Any], str]] = [
    (_condition("departmint", "is present"), "did you mean department?"),
    (_condition("telephoneNumber", "is present"), "Microsoft Graph calls it businessPhones"),
    (_condition("city", "starts", "x"), 'did you mean "starts with"?'),
    (_condition("city", "Equals", "x"), 'did you mean "equals"?'),
    (_condition("city", "equals"), '"equals" takes one value, not 0'),
    (_condition("city", "equals", "a", "b"), '"equals" takes one value, not 2'),
    (_condition("city", "matches one of"), "takes at least one value"),
    (_condition("city", "is present", "a"), '"is present" takes no value'),
    (_condition("city", "equals", ""), "at least 1 character"),
    (_condition("accountEnabled", "equals", "yes"), "accountEnabled is true or false"),
    ({"match": "all", "of": []}, "at least 1 item"),
    ({"match": "both", "of": [YES]}, "'all' or 'any'"),
    ({"match": "all", "of": [YES] * 201}, "at most 200 items"),
    ({"match": "all", "of": [{"match": "any", "of": [YES] * 101}] * 2}, "more than 200 conditions"),
]


@pytest.mark.parametrize(("part", "reason"), REFUSED)
def test_what_makes_no_sense_is_refused_with_a_hint(part: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError) as refused:
        _group("all", part)
    assert reason in str(refused.value)


def _nested(depth: int) -> dict[str, Any]:
    part = YES
    for _ in range(depth):
        part = {"match": "all", "of": [part]}
    return part


def test_nesting_is_bounded() -> None:
    assert matches(Group.model_validate(_nested(MAX_DEPTH)), ADA)
    for depth in (MAX_DEPTH + 1, 200):
        with pytest.raises(ValidationError, match="nested more than 5 deep"):
            Group.model_validate(_nested(depth))
    text = '{"match":"all","of":[' * 5000 + "1" + "]}" * 5000
    with pytest.raises(ValidationError):
        Group.model_validate_json(text)


@st.composite
def _conditions(draw: st.DrawFn) -> dict[str, Any]:
    custom = draw(st.booleans())
    names = [name for name, field in AZURE_FIELDS.items() if field.type is not FieldType.YES_NO]
    attribute = draw(st.sampled_from(["Badge", "Teams", "none"] if custom else names))
    operator = draw(st.sampled_from(Operator))
    least, most = {Operator.PRESENT: (0, 0), Operator.ABSENT: (0, 0), Operator.ONE_OF: (1, 4)}.get(operator, (1, 1))
    text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
    values = draw(st.lists(text, min_size=least, max_size=most))
    return _condition(attribute, operator, *values, kind="custom attribute" if custom else "profile field")


_GROUPS = st.recursive(
    st.builds(
        lambda match, of: {"match": match, "of": of},
        st.sampled_from(["all", "any"]),
        st.lists(_conditions(), min_size=1, max_size=3),
    ),
    lambda inner: st.builds(
        lambda match, of: {"match": match, "of": of},
        st.sampled_from(["all", "any"]),
        st.lists(_conditions() | inner, min_size=1, max_size=3),
    ),
    max_leaves=4,
).filter(lambda group: _depth(group) <= MAX_DEPTH)


def _depth(part: dict[str, Any]) -> int:
    return 1 + max(map(_depth, part["of"])) if "of" in part else 0


_VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_PEOPLE = st.fixed_dictionaries(
    {
        "userPrincipalName": _VALUES.filter(bool),
        "department": st.none() | _VALUES,
        "city": st.none() | _VALUES,
        "otherMails": st.lists(_VALUES, max_size=3).map(tuple),
        "custom": st.dictionaries(st.sampled_from(["Badge", "Teams"]), _VALUES | st.lists(_VALUES).map(tuple)),
    }
).map(AzureUser.model_validate)


@given(group=_GROUPS, person=_PEOPLE)
def test_free_criteria_have_an_answer_an_explanation_and_a_json_form(group: dict[str, Any], person: AzureUser) -> None:
    criteria = Group.model_validate(group)
    assert Group.model_validate_json(criteria.model_dump_json()) == criteria
    assert matches(criteria, person) is (why_not(criteria, person) == ())
    assert matches(criteria, person) is _by_definition(criteria, person)


def _by_definition(part: Group | Condition, person: AzureUser) -> bool:
    if isinstance(part, Condition):
        return not why_not(part, person)
    return (all if part.match == "all" else any)(_by_definition(one, person) for one in part.of)


@given(person=_PEOPLE, value=_VALUES.filter(bool))
def test_opposites_and_letter_case(person: AzureUser, value: str) -> None:
    def holds(operator: Operator, text: str = value) -> bool:
        return matches(_group("all", _condition("otherMails", operator, text)), person)

    assert holds(Operator.EQUALS) is not holds(Operator.NOT_EQUALS)
    present, absent = (_condition("otherMails", operator) for operator in (Operator.PRESENT, Operator.ABSENT))
    assert matches(_group("any", present, absent), person)
    assert not matches(_group("all", present, absent), person)
    if value.isascii():
        for operator in (Operator.EQUALS, Operator.CONTAINS, Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.ONE_OF):
            assert holds(operator) is holds(operator, value.swapcase())
