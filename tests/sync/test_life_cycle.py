"""The life cycle of a pending change, without tables and Zoho One: what is written after each answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar, cast

import pytest

from shared.rules.groups.group import Group, GroupPendingChange, GroupSourceState
from shared.rules.groups.refusal import GroupRefusal
from shared.rules.history import EventKind
from shared.rules.pending import PARKED_AFTER
from shared.rules.store import Store
from shared.sync.apply.settlement import Settlement
from shared.sync.errors import BeingWritten, GroupNameTaken, HeldBack, Refused
from shared.sync.patience import Patience, until_free
from shared.tables.errors import Conflict, Stale
from shared.zoho.errors import ZohoBusy, ZohoCredentials, ZohoRefused

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
STORE = cast("Store", object())


@dataclass(frozen=True, kw_only=True)
class Recorded(Settlement[str, str, str]):
    """Notes the steps; some of them raise."""

    OF_ANOTHER: ClassVar[str] = "It is another's"

    steps: list[str] = field(default_factory=list)
    call: Exception | None = None
    confirm: Exception | None = None

    def settle(self) -> str:
        """One change whose lease is ours."""
        return self._settle(STORE, "change")

    def _call(self, store: Store, this: str) -> str:
        self.steps.append("call")
        if self.call:
            raise self.call
        return "outcome"

    def _confirm(self, store: Store, this: str, outcome: str) -> str:
        self.steps.append("confirm")
        if self.confirm:
            raise self.confirm
        return "confirmed"

    def _revert(self, store: Store, this: str, refusal: ZohoRefused, *, came_through: bool) -> None:
        self.steps.append(f"revert, came through: {came_through}")

    def _give_back(self, store: Store, this: str, failure: str) -> None:
        self.steps.append("give back")

    def _after(self, store: Store, this: str, outcome: str, confirmed: str) -> None:
        self.steps.append("after")


def _settlement(call: Exception | None = None, confirm: Exception | None = None) -> Recorded:
    return Recorded(now=lambda: NOON, spread=lambda: 0.5, lease=timedelta(seconds=90), call=call, confirm=confirm)


def test_what_zoho_one_did_is_confirmed() -> None:
    settlement = _settlement()
    assert settlement.settle() == "confirmed"
    assert settlement.steps == ["call", "confirm", "after"]


def test_what_zoho_one_refused_is_reverted() -> None:
    settlement = _settlement(ZohoRefused("no licence"))
    with pytest.raises(Refused, match="Zoho One refused: no licence"):
        settlement.settle()
    assert settlement.steps == ["call", "revert, came through: False"]


@pytest.mark.parametrize("failure", [ZohoBusy("busy"), ZohoCredentials("no token"), HeldBack("the guard")])
def test_what_has_no_answer_stays_pending_without_a_lease(failure: Exception) -> None:
    settlement = _settlement(failure)
    with pytest.raises(type(failure)):
        settlement.settle()
    assert settlement.steps == ["call", "give back"]


def test_what_turns_out_to_be_anothers_is_reverted_after_the_call() -> None:
    settlement = _settlement(confirm=Conflict())
    with pytest.raises(Refused, match="It is another's"):
        settlement.settle()
    assert settlement.steps == ["call", "confirm", "revert, came through: True"]


def test_a_lease_that_was_lost_writes_nothing_more() -> None:
    settlement = _settlement(confirm=Stale())
    with pytest.raises(Stale):
        settlement.settle()
    assert settlement.steps == ["call", "confirm"]


def test_a_refusal_is_told_once_and_once_more_when_it_is_parked() -> None:
    """Whatever the reason says: one with a number in it would be another each time."""
    settlement, refusal, told = _settlement(), None, []
    for number in range(PARKED_AFTER + 2):
        reason = "no" if number < PARKED_AFTER - 2 else f"no ({number})"
        after = GroupRefusal.after(refusal, "change", reason, NOON, 0.5)
        event = settlement._refusal_event(refusal, refusal.told if refusal else None, after, reason)
        told.append(event.kind if event else None)
        refusal = after
    refused, parked = EventKind.REFUSED, EventKind.PARKED
    assert told == [refused, None, None, refused, parked, refused, refused]


def _group(**pending: object) -> Group:
    said = GroupSourceState(resource="{}", display_name="Sales", desired=None, modified=NOON)
    change = GroupPendingChange.model_validate({"reason": "test", "before": None, "lease_ends": NOON} | pending)
    return Group(id="a", said=said, created=NOON, pending=change)


def test_only_a_creation_that_nobody_writes_is_joined() -> None:
    settlement, taken = _settlement(), GroupNameTaken()
    settlement.ensure_joinable(_group(), taken)
    with pytest.raises(BeingWritten):
        settlement.ensure_joinable(None, taken)
    with pytest.raises(BeingWritten):
        settlement.ensure_joinable(_group(writer="another", lease_ends=NOON + timedelta(seconds=1)), taken)
    with pytest.raises(GroupNameTaken):
        settlement.ensure_joinable(_group(before=_group().said), taken)
    with pytest.raises(GroupNameTaken):
        settlement.ensure_joinable(_group().settled(None), taken)


def _lost(races: int, by: Callable[[], Exception]) -> Callable[[], int]:
    tries = []

    def write() -> int:
        tries.append("")
        if len(tries) <= races:
            raise by()
        return len(tries)

    return write


SHORT = Patience(seconds=0.2, first_pause=0.001, longest_pause=0.01)
READS = Patience(seconds=0.2, first_pause=0.001, longest_pause=0.01, waits_for_leases=False)


def test_a_write_is_tried_again_while_another_writer_is_there() -> None:
    assert until_free(_lost(3, Stale), SHORT) == 4
    assert until_free(_lost(3, lambda: BeingWritten(NOON)), SHORT) == 4
    with pytest.raises(Stale):
        until_free(_lost(10_000, Stale), SHORT)
    with pytest.raises(BeingWritten):
        until_free(_lost(1, lambda: BeingWritten(NOON)), READS)
