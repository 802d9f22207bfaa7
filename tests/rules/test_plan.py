"""The plan of a cycle: who is in it, in which order, what is left out, and when it counts as another plan."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.change import ChangeKind
from shared.rules.former import Adoptions, Former, Traits
from shared.rules.identity import Account, Identity
from shared.rules.matching import Match
from shared.rules.plan import ORDER, Candidate, Plan, PlannedChange, make_plan, moved
from shared.rules.status import Action, Decision, Reflection, StatusRules
from shared.rules.zoho_user import Desired, ZohoUser
from tests.rules.plans import NOON, PLANS, changes, identity, user

ADA = user("ada")
LEFT = user("ada", active=False)
RULES = StatusRules()

# what he is, the decision                                 planned as            left out as
CASES: list[tuple[Identity, Decision | None, ChangeKind | None, ChangeKind | None]] = [
    (identity("ada", None, ADA, "p"), None, ChangeKind.CREATE, None),
    (identity("ada", ADA, user("ada", title="x"), "p"), None, ChangeKind.UPDATE, None),
    (identity("ada", ADA, LEFT, "p"), None, ChangeKind.DEACTIVATE, None),
    (identity("ada", LEFT, ADA, "p"), None, ChangeKind.REACTIVATE, None),
    (identity("ada", ADA, "deleted", "p"), None, ChangeKind.DELETE, None),
    (identity("ada", ADA, ADA, "p"), None, ChangeKind.NOTHING, None),  # an earlier write has to be confirmed
    (identity("ada", ADA, ADA), Decision(Action.PROVISION, "r"), None, None),
    (identity("ada", ADA, user("ada", title="x")), Decision(Action.PROVISION, "r"), ChangeKind.UPDATE, None),
    (identity("ada", ADA, ADA), Decision(Action.KEEP, "r"), None, ChangeKind.NOTHING),
    (identity("ada", ADA, user("ada", title="x")), Decision(Action.KEEP, "r"), None, ChangeKind.UPDATE),
    (identity("ada", ADA, None), Decision(Action.UNMANAGE, "r"), None, ChangeKind.NOTHING),
    # The pending change is older than the deactivation by hand: the account is left alone after all.
    (identity("ada", LEFT, ADA, "p", by="hand"), None, None, ChangeKind.REACTIVATE),
]


@pytest.mark.parametrize(("person", "decision", "planned", "left_out"), CASES)
def test_each_person_is_planned_or_left_out_with_a_reason(
    person: Identity, decision: Decision | None, planned: ChangeKind | None, left_out: ChangeKind | None
) -> None:
    candidate = Candidate(person, decision) if decision else Candidate.pending(person, NOON)
    plan = make_plan("contoso", [candidate], RULES)
    assert [change.kind for change in plan.changes] == ([planned] if planned else [])
    assert [change.kind for change in plan.suppressed] == ([left_out] if left_out else [])
    assert all(change.reason for change in (*plan.changes, *plan.suppressed))
    assert plan.visits == ((person.id,) if planned or person.pending else ()), "the pending are visited in any case"


def test_what_the_rules_leave_out_follows_the_rules() -> None:
    by_hand = Candidate.pending(identity("ada", LEFT, ADA, "p", by="hand"), NOON)
    by_bridge = Candidate.pending(identity("ada", LEFT, ADA, "p"), NOON)
    restoring, nothing = StatusRules(restore_by_hand=True), StatusRules(activated=Reflection.NOTHING)
    assert "by hand" in make_plan("contoso", [by_hand], RULES).suppressed[0].reason
    assert make_plan("contoso", [by_hand], restoring).counts == {ChangeKind.REACTIVATE: 1}
    assert make_plan("contoso", [by_bridge], RULES).counts == {ChangeKind.REACTIVATE: 1}
    assert "Do nothing" in make_plan("contoso", [by_bridge], nothing).suppressed[0].reason


def test_a_change_says_who_what_and_why() -> None:
    person = identity("ada", ADA, user("ada", title="Countess"), "The person is active in Entra.")
    (change,) = make_plan("contoso", [Candidate.pending(person, NOON)], RULES).changes
    assert (change.name, change.user_name, change.identity) == ("Ada", "ada", person.id)
    assert change.reason == "The person is active in Entra."
    assert [(part.field, part.before, part.after) for part in change.fields] == [("title", None, "Countess")]


def test_those_who_leave_come_first_and_deletions_last_whatever_order_people_come_in() -> None:
    changed = user("other", title="x")
    states: list[tuple[str, ZohoUser | None, Desired]] = [
        ("new", None, ADA),
        ("out", ADA, LEFT),
        ("gone", ADA, "deleted"),
        ("back", LEFT, ADA),
        ("same", ADA, changed),
    ]
    people = [
        Candidate.pending(identity(f"{name}{number}", holds, desired, "p"), NOON)
        for name, holds, desired in states
        for number in (2, 1)
    ]
    held = Account(id="1", holds=user("new3", title="x"))
    ada = Former(account="1", user_name="new3", person="a", traits=Traits(display_name="Ada"))
    match = Match(("1",), True, "It has the userName.", "userName")
    comes = Candidate.pending(identity("new3", None, ADA, "p"), NOON)
    people.append(comes.upon(match, [(held, ada)], Adoptions.HOLD, RULES))
    maybe = Match(("2",), False, "It has the address.", "email")
    asks = Candidate.pending(identity("new4", None, ADA, "p"), NOON)
    people.append(asks.upon(maybe, [(Account(id="2", holds=user("other4")), None)], Adoptions.HOLD, RULES))
    plan = make_plan("contoso", people, RULES)
    assert " ".join(change.user_name for change in plan.changes) == (
        "out1 out2 same1 same2 back1 back2 new3 new1 new2 new4 gone1 gone2"
    )
    assert list(plan.counts) == [kind for kind in ORDER if kind is not ChangeKind.NOTHING]
    random.Random(1).shuffle(people)
    again = make_plan("contoso", people, RULES)
    assert (again, again.digest) == (plan, plan.digest)


@given(plan=PLANS)
def test_a_plan_goes_through_json_unchanged(plan: Plan) -> None:
    again = Plan.model_validate_json(plan.model_dump_json())
    assert (again, again.digest) == (plan, plan.digest)


@given(plan=PLANS, data=st.data())
def test_the_digest_covers_what_is_done_and_to_which_person(plan: Plan, data: st.DataObject) -> None:
    order = data.draw(st.permutations(plan.changes))
    words = [change.model_copy(update={"name": "other", "reason": "other", "pending": True}) for change in order]
    same = Plan(store=plan.store, changes=tuple(words), suppressed=())
    assert same.digest == plan.digest
    assert moved(plan, same) is None
    doing = [change for change in plan.changes if change.kind is not ChangeKind.NOTHING]
    if doing:
        rest = Plan(store=plan.store, changes=tuple(doing[1:]))
        assert rest.digest != plan.digest
        assert "it was removed" in str(moved(plan, rest))
        assert moved(plan, rest, begun=True) is None, "a missing change has been done"


def test_why_a_plan_no_longer_holds() -> None:
    shown = Plan(store="contoso", changes=changes(ChangeKind.UPDATE, 3))
    other = tuple(change.model_copy(update={"kind": ChangeKind.DELETE}) for change in shown.changes[:1])
    now = Plan(store="contoso", changes=(*other, *shown.changes[1:2], *changes(ChangeKind.CREATE, 4)))
    text = "for {} people a change was added, for {} it was removed, for 1 it is different."
    assert str(moved(shown, now)).endswith(text.format(4, 1))
    assert str(moved(shown, now, begun=True)).endswith(text.format(4, 0))
    assert moved(shown, shown.model_copy(update={"store": "fabrikam"})) is not None


def test_no_copy_keeps_the_digest_of_another() -> None:
    plan = Plan(store="contoso", changes=changes(ChangeKind.UPDATE, 1))
    digest = plan.digest
    assert plan.model_copy(update={"changes": ()}).digest != digest


def test_only_fields_of_zoho_one_are_in_a_change() -> None:
    with pytest.raises(ValueError, match="field"):
        PlannedChange.model_validate(
            {
                "kind": "update",
                "identity": "1",
                "name": "n",
                "user_name": "n",
                "reason": "r",
                "fields": [{"field": "password", "before": None, "after": "x"}],
            }
        )
