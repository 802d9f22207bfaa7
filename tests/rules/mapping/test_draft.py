"""A mapping that is being changed, also while somebody else saves another change."""

from shared.rules.mapping.draft import Draft, rebased, rule_for
from shared.rules.mapping.mapping import DEFAULT_MAPPING, HardCodedValue, Mapping, Rule
from shared.rules.zoho_user import ZohoField


def _rule(target: ZohoField, value: str) -> Rule:
    return Rule(target=target, source=HardCodedValue(value=value))


def _with(mapping: Mapping, *rules: Rule) -> Mapping:
    draft = Draft(based_on=0, mapping=mapping)
    for rule in rules:
        draft = draft.with_rule(rule)
    return draft.mapping


def test_a_rule_takes_the_place_of_the_one_there_was() -> None:
    draft = Draft(based_on=0, mapping=DEFAULT_MAPPING)
    changed = draft.with_rule(_rule(ZohoField.TITLE, "x"))
    assert [rule.target for rule in changed.mapping.rules] == [rule.target for rule in DEFAULT_MAPPING.rules]
    assert str(rule_for(changed.mapping, ZohoField.TITLE)) == '"x"'
    added = draft.with_rule(_rule(ZohoField.WORK_LOCATION, "Main Building"))
    assert added.mapping.rules[-1].target is ZohoField.WORK_LOCATION
    assert rule_for(draft.without(ZohoField.TITLE).mapping, ZohoField.TITLE) is None


def test_changes_of_two_are_both_kept_and_where_both_changed_it_is_said() -> None:
    mine = _with(DEFAULT_MAPPING, _rule(ZohoField.TITLE, "mine"), _rule(ZohoField.FAX, "mine"))
    mine = Draft(based_on=0, mapping=mine).without(ZohoField.MOBILE).mapping
    theirs = _with(DEFAULT_MAPPING, _rule(ZohoField.FAX, "theirs"), _rule(ZohoField.COUNTRY, "theirs"))
    merged, both = rebased(Draft(based_on=3, mapping=mine), DEFAULT_MAPPING, theirs, 4)
    assert merged.based_on == 4
    assert both == (ZohoField.FAX,)
    expected = {ZohoField.TITLE: '"mine"', ZohoField.FAX: '"mine"', ZohoField.COUNTRY: '"theirs"'}
    assert {field: str(rule_for(merged.mapping, field)) for field in expected} == expected
    assert rule_for(merged.mapping, ZohoField.MOBILE) is None


def test_the_same_change_twice_is_no_conflict() -> None:
    same = _with(DEFAULT_MAPPING, _rule(ZohoField.TITLE, "same"))
    merged, both = rebased(Draft(based_on=0, mapping=same), DEFAULT_MAPPING, same, 1)
    assert both == ()
    assert merged.mapping == same
