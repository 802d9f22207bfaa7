"""A plan as an administrator reads it."""

import json

from hypothesis import given

from shared.rules.change import ChangeKind
from shared.rules.former import Adoptions
from shared.rules.guard import check
from shared.rules.guard_limits import GuardLimits
from shared.rules.identity import Account
from shared.rules.matching import Match
from shared.rules.plan import Candidate, Plan, make_plan
from shared.rules.plan_report import MOST_OF_A_KIND, as_json, as_markdown, as_text
from shared.rules.status import Action, Decision, StatusRules
from shared.rules.zoho_user import ZohoUser
from tests.rules.plans import NOON, PLANS, changes, identity, user


def _pending(name: str, holds: ZohoUser | None, desired: ZohoUser, reason: str) -> Candidate:
    return Candidate.pending(identity(name, holds, desired, reason), NOON)


PLAN = make_plan(
    "contoso",
    [
        _pending("ada", user("ada", title="a"), user("ada", title="b", fax="1"), "She is there."),
        _pending("bob", user("bob"), user("bob", active=False), "He was deactivated in Entra."),
        *(
            Candidate(identity(f"left{n}", user(f"left{n}"), user(f"left{n}")), Decision(Action.KEEP, "Do nothing."))
            for n in range(7)
        ),
    ],
    StatusRules(),
)
TEXT = """\
Plan for contoso: 2 changes
  deactivate       1
  update           1

deactivate (1)
  Bob (bob): He was deactivated in Entra.

update (1)
  Ada (ada): She is there.
      title: "a" → "b"
      fax: – → "1"

left alone (7)
  Do nothing. Left0, Left1, Left2, Left3, Left4 and 2 more
"""
MARKDOWN = """\
# Plan for contoso: 2 changes

- deactivate: 1
- update: 1

## deactivate (1)

- **Bob** (bob): He was deactivated in Entra.

## update (1)

- **Ada** (ada): She is there.
  - title: "a" → "b"
  - fax: – → "1"

## left alone (7)

- Do nothing. Left0, Left1, Left2, Left3, Left4 and 2 more
"""


def test_the_three_forms() -> None:
    assert as_text(PLAN) == TEXT
    assert as_markdown(PLAN) == MARKDOWN
    found = json.loads(as_json(PLAN))
    assert found["counts"] == {"deactivate": 1, "update": 1}
    assert (found["digest"], found["held"], found["breaches"]) == (PLAN.digest, False, [])
    assert [change["user_name"] for change in found["changes"]] == ["bob", "ada"]
    assert found["changes"][1]["fields"][0] == {"field": "title", "before": "a", "after": "b"}
    assert len(found["suppressed"]) == 7


def test_an_empty_plan_is_one_line() -> None:
    assert as_text(Plan(store="contoso")) == "Plan for contoso: 0 changes\n"


def test_why_it_is_held_stands_before_the_changes() -> None:
    plan = Plan(store="contoso", changes=changes(ChangeKind.DELETE, 50))
    breaches = check(plan, 100, GuardLimits())
    for report in (as_text(plan, breaches), as_markdown(plan, breaches)):
        assert report.index("50 of 100 active people") < report.index("delete (50)")
    found = json.loads(as_json(plan, breaches))
    assert found["held"] is True
    assert found["breaches"][0]["sentence"] == str(breaches[0])


def test_a_long_plan_is_cut_kind_by_kind_but_not_for_scripts() -> None:
    plan = Plan(store="contoso", changes=(*changes(ChangeKind.UPDATE, 1000), *changes(ChangeKind.DELETE, 2)))
    for report in (as_text(plan), as_markdown(plan)):
        assert f"… and {1000 - MOST_OF_A_KIND} more" in report
        assert "delete (2)" in report
        assert len(report.splitlines()) < 60
    assert len(json.loads(as_json(plan))["changes"]) == 1002


def test_names_and_values_are_shown_as_they_are_not_as_they_want() -> None:
    evil = "\x1b[2J\u202e\n**x** <b> | [l](u)"
    plan = make_plan("contoso", [_pending("eve", None, user("eve", title=evil), "p")], StatusRules())
    text, markdown = as_text(plan), as_markdown(plan)
    assert (text.count("\n"), markdown.count("\n")) == (7, 9), "no value breaks a line"
    for report in (text, markdown):
        assert not {"\x1b", "\u202e"} & set(report)
    assert r"\u001b[2J\u202e\u000a**x** <b>" in text
    assert r"\*\*x\*\* \<b\> \| \[l\](u)" in markdown
    long = make_plan("s", [_pending("eve", None, user("eve", title="x" * 500), "p")], StatusRules())
    assert "x" * 79 + "…" in as_text(long)


@given(plan=PLANS)
def test_every_plan_can_be_shown(plan: Plan) -> None:
    assert as_text(plan)
    assert as_markdown(plan)
    assert json.loads(as_json(plan))["digest"] == plan.digest


def test_nothing_but_zoho_ones_fields_is_shown() -> None:
    for report in (as_text(PLAN), as_markdown(PLAN), as_json(PLAN)):
        assert "do not tell" not in report, "the resource as Entra wrote it"


def test_a_proposal_shows_each_account_and_is_no_change() -> None:
    found = [(Account(id=str(number), holds=user(f"old{number}", title="x")), None) for number in (1, 2)]
    asks = _pending("ada", None, user("ada", title="a"), "She is there.")
    several = asks.upon(Match(("1", "2"), False, "Two have it.", "email"), found, Adoptions.HOLD, StatusRules())
    assert as_text(make_plan("contoso", [several], StatusRules())) == (
        "Plan for contoso: 0 changes\n"
        "  propose          1\n"
        "\n"
        "propose: an administrator decides (1)\n"
        "  Ada (ada): She is there. Two have it.\n"
        "    old1 (1)?\n"
        '      userName: "old1" → "ada"\n'
        '      title: "x" → "a"\n'
        "    old2 (2)?\n"
        '      userName: "old2" → "ada"\n'
        '      title: "x" → "a"\n'
    )
    one = asks.upon(Match(("1",), False, "It has it.", "email"), found[:1], Adoptions.HOLD, StatusRules())
    assert as_text(make_plan("contoso", [one], StatusRules())).endswith(
        '  Ada (ada): She is there. It has it.\n      userName: "old1" → "ada"\n      title: "x" → "a"\n'
    )


def test_an_adoption_says_what_becomes_of_an_account_that_is_not_active() -> None:
    off = Account(id="1", holds=user("ada", active=False, title="x"), deactivated_by="hand")
    asks = _pending("ada", None, user("ada", title="a"), "She is there.")
    match = Match(("1",), True, "It has her name.", "userName")
    (stays,) = make_plan("c", [asks.upon(match, [(off, None)], Adoptions.HOLD, StatusRules())], StatusRules()).changes
    assert (stays.kind, stays.fields) == (ChangeKind.ADOPT, ())
    assert stays.reason.startswith("She is there. It has her name. It stays deactivated: Somebody deactivated")
    rules = StatusRules(restore_by_hand=True)
    (comes,) = make_plan("c", [asks.upon(match, [(off, None)], Adoptions.HOLD, rules)], rules).changes
    assert comes.reason == "She is there. It has her name. It is activated again."
    assert [part.field for part in comes.fields] == ["title"]
