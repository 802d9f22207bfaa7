"""Held plans on Azurite: kept whole, decided once, overtaken by the next."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from azure.data.tables import TableClient, TableServiceClient

from shared.rules.change import ChangeKind
from shared.rules.guard import GuardLimits, check
from shared.rules.held_plan import CannotBecome, HeldState, Move
from shared.rules.plan import Plan
from shared.rules.zoho_user import ZohoField
from shared.tables.errors import Stale
from shared.tables.held_plans import HeldPlans, StoredPlan
from shared.tables.plan_parts import PlanLost
from tests.rules.plans import changes

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def table(azurite: str) -> Iterator[TableClient]:
    with TableServiceClient.from_connection_string(azurite) as service:
        yield service.create_table_if_not_exists("heldplans")


@pytest.fixture
def plans(table: TableClient) -> HeldPlans:
    return HeldPlans(table)


def _plan(store: str, deletions: int) -> Plan:
    return Plan(store=store, changes=changes(ChangeKind.DELETE, deletions), suppressed=changes(ChangeKind.NOTHING, 2))


def _hold(plans: HeldPlans, plan: Plan, at: datetime = NOON) -> StoredPlan:
    return plans.hold(plan, check(plan, 20, GuardLimits()), 20, "schedule", at)


def _move(state: HeldState, by: str = "ada") -> Move:
    return Move(state=state, by=by, at=NOON, why="Looked at it.")


def test_a_plan_of_ten_thousand_changes_is_kept_whole(plans: HeldPlans, table: TableClient, store_id: str) -> None:
    fields = list(ZohoField)[:15]
    plan = Plan(
        store=store_id, changes=changes(ChangeKind.CREATE, 10_000, *fields), suppressed=_plan("s", 0).suppressed
    )
    stored = _hold(plans, plan)
    assert plans.plan(stored.held) == plan
    assert stored.held.counts == {ChangeKind.CREATE: 10_000}
    rows = table.query_entities("PartitionKey eq @store", parameters={"store": store_id}, select=["RowKey"])
    assert sum(1 for _ in rows) < 100


def test_it_says_why_it_is_held_and_who_decided(plans: HeldPlans, store_id: str) -> None:
    stored = _hold(plans, _plan(store_id, 11))
    assert stored.held.moves[0].why.startswith("11 of 20 active people (55.0 %)")
    plans.move(stored, _move(HeldState.APPROVED))
    newest = plans.newest(store_id)
    assert newest is not None
    assert newest.held.state is HeldState.APPROVED
    assert [(move.state, move.by) for move in newest.held.moves] == [("held", "schedule"), ("approved", "ada")]
    assert newest.held.breaches == stored.held.breaches


def test_the_same_plan_waits_once_and_another_overtakes_it(plans: HeldPlans, store_id: str) -> None:
    first = _hold(plans, _plan(store_id, 11))
    assert _hold(plans, _plan(store_id, 11), NOON + MINUTE).held == first.held
    second = _hold(plans, _plan(store_id, 12), NOON + 2 * MINUTE)
    assert [(plan.held.id, plan.held.state) for plan in plans.all(store_id)] == [
        (second.held.id, "held"),
        (first.held.id, "overtaken"),
    ]
    assert plans.plan(first.held) == _plan(store_id, 11), "and can still be looked at"
    plans.move(second, _move(HeldState.DISCARDED))
    third = _hold(plans, _plan(store_id, 12), NOON + 3 * MINUTE)
    assert third.held.id != second.held.id, "what was discarded is held again if it comes again"


def test_one_of_two_who_decide_at_once_is_told(plans: HeldPlans, store_id: str) -> None:
    stored = _hold(plans, _plan(store_id, 11))

    def decide(by: str) -> bool:
        try:
            plans.move(stored, _move(HeldState.APPROVED if by < "c" else HeldState.DISCARDED, by))
        except Stale:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        outcomes = dict(zip("abcd", pool.map(decide, "abcd"), strict=True))
    (winner,) = (by for by, won in outcomes.items() if won)
    newest = plans.newest(store_id)
    assert newest is not None
    assert newest.held.moves[-1].by == winner


def test_holding_another_while_an_administrator_decides_is_told(
    plans: HeldPlans, table: TableClient, store_id: str
) -> None:
    stored = _hold(plans, _plan(store_id, 11))

    class Late(HeldPlans):
        """In the moment between reading and writing, an administrator is faster."""

        def newest(self, store: str) -> StoredPlan | None:
            found = super().newest(store)
            plans.move(stored, _move(HeldState.APPROVED))
            return found

    with pytest.raises(Stale):
        _hold(Late(table), _plan(store_id, 12))
    assert [plan.held.state for plan in plans.all(store_id)] == ["approved"]


def test_a_decision_whose_answer_was_lost_is_recognised(
    plans: HeldPlans, table: TableClient, store_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = _hold(plans, _plan(store_id, 11))
    submit = table.submit_transaction

    def twice(operations: object) -> object:
        submit(operations)  # type: ignore[arg-type]  # passed through
        return submit(operations)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(table, "submit_transaction", twice)
    approved = plans.move(stored, _move(HeldState.APPROVED))
    monkeypatch.undo()
    plans.move(approved, _move(HeldState.APPLYING))


def test_what_cannot_become_is_refused_and_nothing_is_written(plans: HeldPlans, store_id: str) -> None:
    stored = plans.move(_hold(plans, _plan(store_id, 11)), _move(HeldState.DISCARDED))
    with pytest.raises(CannotBecome, match="discarded by ada at 2026-03-02 12:00 and cannot become approved"):
        plans.move(stored, _move(HeldState.APPROVED))
    assert plans.newest(store_id) == stored


def test_old_plans_are_forgotten_but_never_the_newest(plans: HeldPlans, table: TableClient, store_id: str) -> None:
    assert plans.drop_before(store_id, NOON) == 0
    for number, minutes in ((11, 0), (12, 1), (13, 2)):
        _hold(plans, _plan(store_id, number), NOON + minutes * MINUTE)
    cutoff = NOON + timedelta(days=90)
    assert plans.drop_before(store_id, cutoff, most=3) == 3
    assert plans.drop_before(store_id, cutoff) == 3
    (newest,) = plans.all(store_id)
    assert plans.plan(newest.held) == _plan(store_id, 13)
    for row in list(
        table.query_entities("PartitionKey eq @store and RowKey lt 'plan:'", parameters={"store": store_id})
    ):
        table.delete_entity(row)
    with pytest.raises(PlanLost):
        plans.plan(newest.held)
