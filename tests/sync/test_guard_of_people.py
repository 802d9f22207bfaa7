"""The guard where a push, a cycle and an administrator meet: what is shown is what happens, nothing is forgotten."""

import json
from typing import Any

import pytest

from local.entra.people import PEOPLE
from shared.admin.person_actions import PersonActions
from shared.rules.change import ChangeKind
from shared.rules.guard import Rule
from shared.rules.guard_limits import GuardLimits, Share, Threshold
from shared.rules.run import Result, RunKind, RunState
from shared.rules.status import Deprovisioning, Reflection, StatusRules
from shared.sync.cycle import Done
from shared.sync.errors import HeldBack
from tests.sync.reconciled import Hears, Reconciled

ENABLED = [person.id for person in PEOPLE if person.account_enabled]
NAMES = {person.id: person.mapped_name for person in PEOPLE}
TWO = GuardLimits(leavings=Threshold(count=2, percent=1))


class Dies(BaseException):
    """A process."""


def push(reconciled: Reconciled, object_id: str, **values: Any) -> str:
    """What Entra pushes of a person; the answer in a word."""
    stored = reconciled.bridge.identities.read(reconciled.store_id, object_id.replace("-", ""))
    assert stored is not None
    resource = json.loads(stored.identity.said.resource) | values
    try:
        reconciled.bridge.push.replace(reconciled.store, stored, resource)
    except HeldBack:
        return "held"
    return "done"


def leave(reconciled: Reconciled, object_id: str) -> str:
    """Somebody is disabled in Entra, which pushes it."""
    reconciled.entra.act({"do": "disable", "id": object_id})
    return push(reconciled, object_id, active=False)


def delete(reconciled: Reconciled, object_id: str) -> str:
    """A push that deletes a person for good."""
    stored = reconciled.bridge.identities.read(reconciled.store_id, object_id.replace("-", ""))
    assert stored is not None
    try:
        reconciled.bridge.push.delete(reconciled.store, stored)
    except HeldBack:
        return "held"
    return "done"


def unassign(reconciled: Reconciled, *people: str) -> None:
    reconciled.entra.act(*({"do": "unassign", "id": each} for each in people))


def assign(reconciled: Reconciled, *people: str) -> None:
    reconciled.entra.act(*({"do": "assign", "id": each} for each in people))


def held(reconciled: Reconciled) -> Done:
    """A cycle whose plan is held."""
    done = reconciled.request()
    assert done.run.state is RunState.HELD, done.run
    assert done.verdict.plan is not None
    return done


def decide(reconciled: Reconciled, done: Done, word: str) -> None:
    assert done.verdict.plan is not None
    getattr(reconciled.bridge.decisions, word)(reconciled.store_id, done.verdict.plan.held.id, "ada")


def test_a_discarded_plan_is_held_again_alone_and_within_a_larger_one_until_entra_takes_it_back(
    reconciled: Reconciled,
) -> None:
    reconciled.cycle()
    before = reconciled.active()
    reconciled.change(guard=TWO)
    unassign(reconciled, *ENABLED[:3])
    decide(reconciled, held(reconciled), "discard")
    reconciled.change(guard=GuardLimits())  # now no limit is passed, whatever is counted
    again = held(reconciled)
    assert [breach.rule for breach in again.verdict.breaches] == [Rule.DISCARDED]
    assert "discarded 3 of these" in again.run.errors[0]
    assert push(reconciled, ENABLED[0], active=False) == "held", "the same departure by a push"
    _, (report,) = reconciled.bridge.on_demand.provision(reconciled.store, [ENABLED[1]], "ada")
    assert "An administrator discarded this departure" in report.steps[-1].told
    unassign(reconciled, ENABLED[4])
    assert held(reconciled).run.planned == {ChangeKind.DEACTIVATE: 4}
    assert reconciled.active() == before
    assign(reconciled, ENABLED[1], ENABLED[2])
    reconciled.cycle()
    unassign(reconciled, ENABLED[1])
    assign(reconciled, ENABLED[0])
    push(reconciled, ENABLED[0], active=True)
    assert reconciled.cycle().state is RunState.DONE, "who was taken back may leave like anybody else"
    assert before - reconciled.active() == {NAMES[ENABLED[1]], NAMES[ENABLED[4]]}
    assert not reconciled.bridge.deprovisionings.read(reconciled.store_id).recent.needs_attention


def test_departures_of_several_discarded_plans_go_once_a_plan_with_them_is_approved(reconciled: Reconciled) -> None:
    reconciled.cycle()
    before = reconciled.active()
    reconciled.change(guard=TWO)
    unassign(reconciled, *ENABLED[:3])
    decide(reconciled, held(reconciled), "discard")
    unassign(reconciled, *ENABLED[3:5])
    decide(reconciled, held(reconciled), "discard")
    third = held(reconciled)
    assert "discarded 5 of these" in " ".join(map(str, third.verdict.breaches))
    decide(reconciled, third, "approve")
    assert reconciled.cycle().results == {Result.DONE: 5}
    assert before - reconciled.active() == {NAMES[each] for each in ENABLED[:5]}
    ledger = reconciled.bridge.deprovisionings.read(reconciled.store_id).recent
    assert (ledger.within(reconciled.bridge.push.now()), ledger.active_users) == (0, len(reconciled.active()))
    assert [push(reconciled, each, active=False) for each in ENABLED[5:8]] == ["done", "done", "held"]


def test_an_approval_that_is_overtaken_forgives_nothing(reconciled: Reconciled) -> None:
    reconciled.cycle()
    reconciled.change(guard=TWO)
    assert [leave(reconciled, each) for each in ENABLED[:3]] == ["done", "done", "held"]
    decide(reconciled, held(reconciled), "approve")
    assert {leave(reconciled, each) for each in ENABLED[3:5]} == {"held"}
    assert held(reconciled).run.planned == {ChangeKind.DEACTIVATE: 3}


def test_the_turn_of_a_person_does_what_was_planned_or_nothing(reconciled: Reconciled) -> None:
    reconciled.cycle()
    reconciled.change(guard=TWO)
    reconciled.entra.act(*({"do": "change", "id": each, "values": {"jobTitle": "Count"}} for each in ENABLED[:5]))
    answers: list[str] = []

    def hook(step: str, done: int, of: int) -> None:
        if step == "applying" and not answers:
            answers.extend(leave(reconciled, each) for each in ENABLED[:4])

    before = reconciled.active()
    done = reconciled.cycles().run(reconciled.asked(), Hears(hook))
    assert answers == ["done", "done", "held", "held"]
    assert len(before - reconciled.active()) == 2
    assert done.run.results == {Result.NOT_TRIED: 4, Result.DONE: 1}
    told = {each.failure for each in reconciled.bridge.runs.changes(reconciled.store_id, done.run.id)}
    assert "Something else is to be done for this person since the plan was made; the next cycle plans it." in told
    assert held(reconciled).run.planned == {ChangeKind.DEACTIVATE: 2}


def test_managers_are_filled_in_and_nothing_else_is_done_in_passing(reconciled: Reconciled) -> None:
    reconciled.with_managers()
    by_id = {person.id: person for person in PEOPLE}
    report = next(p for p in PEOPLE if p.account_enabled and p.manager and by_id[p.manager].account_enabled)
    manager = report.manager or ""
    unassign(reconciled, manager)
    reconciled.cycle()
    reconciled.change(guard=TWO)
    assign(reconciled, manager)
    others = [each for each in ENABLED if each not in (manager, report.id)]
    answers: list[str] = []

    def hook(step: str, done: int, of: int) -> None:
        if step == "applying" and not answers:
            answers.extend(push(reconciled, each, active=False) for each in others[:4])

    before = reconciled.active()
    reconciled.cycles().run(reconciled.asked(), Hears(hook))
    assert answers == ["done", "done", "held", "held"]
    assert len(before - reconciled.active()) == 2
    known = reconciled.identity(report.id)
    assert known is not None
    assert known.account is not None
    assert known.account.holds.fields["manager"] == reconciled.accounts()[NAMES[manager]]["id"]  # type: ignore[index]


@pytest.mark.parametrize("dies_after_calls", [0, 3])
def test_a_killed_cycle_has_counted_whom_it_began_to_shut_out(
    reconciled: Reconciled, monkeypatch: pytest.MonkeyPatch, dies_after_calls: int
) -> None:
    reconciled.cycle()
    before = reconciled.active()
    reconciled.change(guard=GuardLimits(leavings=Threshold(count=3, percent=1)))
    settlement = reconciled.bridge.flow.settlement
    real, calls = settlement.accounts.apply, list[str]()

    def apply(*given: Any, **named: Any) -> Any:
        calls.append("")
        if len(calls) > dies_after_calls:
            raise Dies
        return real(*given, **named)

    unassign(reconciled, *ENABLED[:3])
    with monkeypatch.context() as patched:
        patched.setattr(settlement.accounts, "apply", apply)
        if dies_after_calls < 3:
            with pytest.raises(Dies):
                reconciled.cycle()
        else:
            reconciled.cycle()
    ledger = reconciled.bridge.deprovisionings.read(reconciled.store_id).recent
    assert (ledger.within(reconciled.bridge.push.now()), ledger.active_users) == (3, len(before) - 3)
    assert push(reconciled, ENABLED[5], active=False) == "held"


def test_what_is_deleted_counts_though_the_account_was_not_active(reconciled: Reconciled) -> None:
    reconciled.change(status_rules=StatusRules(on_deleted=Deprovisioning.DELETE))
    reconciled.cycle()
    reconciled.entra.act(*({"do": "disable", "id": each} for each in ENABLED[:4]))
    reconciled.cycle()
    reconciled.change(guard=GuardLimits(leavings=Threshold(count=6, percent=1)))
    there = len(reconciled.accounts())
    assert [delete(reconciled, each) for each in ENABLED[:4]] == ["done", "done", "held", "held"]
    assert there - len(reconciled.accounts()) == 2


def test_the_guard_opens_by_itself_once_entra_has_taken_everything_back(reconciled: Reconciled) -> None:
    reconciled.cycle()
    reconciled.change(guard=TWO)
    assert [push(reconciled, each, active=False) for each in ENABLED[:5]] == ["done"] * 2 + ["held"] * 3
    assert {push(reconciled, each, active=True) for each in ENABLED[:5]} == {"done"}
    quiet = reconciled.cycle()
    assert (quiet.state, quiet.planned) == (RunState.DONE, {})
    assert not reconciled.bridge.deprovisionings.read(reconciled.store_id).recent.needs_attention
    assert sum(reconciled.cycle().calls.values()) <= 10
    reconciled.change(guard=GuardLimits())
    assert push(reconciled, ENABLED[7], active=False) == "done"


def test_accounts_that_are_managed_no_longer_leave_the_number_of_active_people(reconciled: Reconciled) -> None:
    reconciled.change(status_rules=StatusRules(deleted=Reflection.NOTHING))
    reconciled.cycle()
    reconciled.cycle(RunKind.FULL_CYCLE)
    bridge, people = reconciled.bridge, len(reconciled.active())
    assert bridge.deprovisionings.read(reconciled.store_id).recent.active_users == people
    assert {delete(reconciled, each) for each in ENABLED[:4]} == {"done"}
    care = PersonActions(bridge.identities, bridge.deprovisionings, bridge.users, bridge.push.now)
    care.unmanage(reconciled.store, ENABLED[4].replace("-", ""), "ada")
    assert bridge.deprovisionings.read(reconciled.store_id).recent.active_users == people - 5
    reconciled.change(guard=GuardLimits(leavings_share=Share(percent=20, of_at_least=3)))
    may_go = (people - 5) // 5
    answers = [push(reconciled, each, active=False) for each in ENABLED[5 : 5 + may_go + 1]]
    assert answers == ["done"] * may_go + ["held"]
    assert bridge.identities.count_active(reconciled.store_id) == people - 5 - may_go


def test_most_of_a_small_team_are_held_by_the_limits_as_they_come(reconciled: Reconciled) -> None:
    unassign(reconciled, *(person.id for person in PEOPLE if person.id not in ENABLED[:4]))
    reconciled.cycle()
    unassign(reconciled, *ENABLED[:3])
    done = held(reconciled)
    assert done.run.errors[-1].endswith("the limit is 50 % of at least 3 people.")


def test_provisioning_on_demand_has_the_limits_of_a_push(reconciled: Reconciled) -> None:
    reconciled.cycle()
    reconciled.change(guard=TWO)
    reconciled.entra.act(*({"do": "disable", "id": each} for each in ENABLED[:4]))
    _, reports = reconciled.bridge.on_demand.provision(reconciled.store, ENABLED[:4], "ada")
    assert [report.result for report in reports] == [Result.DONE] * 2 + [Result.FAILED] * 2
    assert "the limit is 2 people and 1 %" in reports[2].steps[-1].told
    assert held(reconciled).run.planned == {ChangeKind.DEACTIVATE: 2}


def test_a_departure_that_zoho_one_does_not_answer_is_counted_once(reconciled: Reconciled) -> None:
    reconciled.cycle()
    reconciled.change(guard=TWO)
    unassign(reconciled, *ENABLED[:2])
    reconciled.zoho_one.fail(method="PATCH", path="/Users/{id}", status=503, times=50)
    reconciled.cycle()
    reconciled.zoho_one.forget_faults()
    run = reconciled.cycle()
    assert (run.state, run.results) == (RunState.DONE, {Result.DONE: 2}), "who was counted is not held by the count"
    ledger = reconciled.bridge.deprovisionings.read(reconciled.store_id).recent
    assert ledger.within(reconciled.bridge.push.now()) == 2


def test_a_plan_shuts_out_two_of_three_people_whom_pushes_created_only_with_a_decision(
    reconciled: Reconciled, host: str
) -> None:
    endpoint = reconciled.endpoint(host)
    unassign(reconciled, *ENABLED[3:])
    for each in ENABLED[:3]:
        body = {"userName": NAMES[each], "displayName": next(p.display_name for p in PEOPLE if p.id == each)}
        assert endpoint.request("POST", "/Users", json=body | {"externalId": each, "active": True}).ok
    reconciled.cycle()
    assert len(reconciled.active()) == 3
    unassign(reconciled, *ENABLED[1:3])
    assert held(reconciled).run.planned == {ChangeKind.DEACTIVATE: 2}
    assert len(reconciled.active()) == 3
