"""Status sync, every combination, written out so that it can be checked against the admin guide."""

import itertools

import pytest

from shared.rules.status import (
    Action,
    Deprovisioning,
    NotConfirmed,
    Reflection,
    Standing,
    Status,
    StatusRules,
    decide,
    ensure_confirmed,
)

# In Entra     | activated is set to | by hand too | no account | active    | by bridge | by hand
ACTIVATED = """
  activated    | Change in Zoho One  | no          | provision  | provision | provision | keep
  activated    | Change in Zoho One  | yes         | provision  | provision | provision | provision
  activated    | Do nothing          | no          | provision  | provision | keep      | keep
  activated    | Do nothing          | yes         | provision  | provision | keep      | keep
"""

# In Entra     | is set to           | on leaving  | no account | active     | by bridge  | by hand
LEFT = """
  deactivated  | Change in Zoho One  | Deactivate  | keep       | deactivate | deactivate | keep
  deactivated  | Change in Zoho One  | Delete      | keep       | delete     | delete     | delete
  deactivated  | Do nothing          | Deactivate  | keep       | keep       | keep       | keep
  deactivated  | Do nothing          | Delete      | keep       | keep       | keep       | keep
  deleted      | Change in Zoho One  | Deactivate  | keep       | deactivate | deactivate | keep
  deleted      | Change in Zoho One  | Delete      | keep       | delete     | delete     | delete
  deleted      | Do nothing          | Deactivate  | keep       | let go     | let go     | let go
  deleted      | Do nothing          | Delete      | keep       | let go     | let go     | let go
  unassigned   | Change in Zoho One  | Deactivate  | keep       | deactivate | deactivate | keep
  unassigned   | Change in Zoho One  | Delete      | keep       | delete     | delete     | delete
  unassigned   | Do nothing          | Deactivate  | keep       | keep       | keep       | keep
  unassigned   | Do nothing          | Delete      | keep       | keep       | keep       | keep
"""
STANDINGS = (Standing.NONE, Standing.ACTIVE, Standing.DEACTIVATED_BY_BRIDGE, Standing.DEACTIVATED_BY_HAND)


def _rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]


@pytest.mark.parametrize("row", _rows(ACTIVATED))
@pytest.mark.parametrize("column", range(4))
def test_who_is_active(row: list[str], column: int) -> None:
    rules = StatusRules(activated=Reflection(row[1]), restore_by_hand=row[2] == "yes")
    assert decide(Status(row[0]), STANDINGS[column], rules).action == Action(row[3 + column])


@pytest.mark.parametrize("row", _rows(LEFT))
@pytest.mark.parametrize("column", range(4))
@pytest.mark.parametrize("restore_by_hand", [True, False])
def test_who_left(row: list[str], column: int, restore_by_hand: bool) -> None:
    status = Status(row[0])
    rules = StatusRules.model_validate({row[0]: row[1], f"on_{row[0]}": row[2], "restore_by_hand": restore_by_hand})
    assert decide(status, STANDINGS[column], rules).action == Action(row[3 + column])


def test_the_tables_are_complete() -> None:
    assert {tuple(row[:3]) for row in _rows(LEFT)} == set(
        itertools.product(("deactivated", "deleted", "unassigned"), Reflection, Deprovisioning)
    )
    assert {tuple(row[:3]) for row in _rows(ACTIVATED)} == set(
        itertools.product(("activated",), Reflection, ("yes", "no"))
    )


def test_the_defaults_never_delete() -> None:
    for status, standing in itertools.product(Status, Standing):
        assert decide(status, standing, StatusRules()).action is not Action.DELETE
    assert StatusRules().deleting == set()


def test_every_decision_has_a_sentence() -> None:
    choices = itertools.product(Reflection, Deprovisioning, Status, Standing, (True, False))
    for reflection, leaving, status, standing, by_hand in choices:
        rules = StatusRules(
            activated=reflection,
            deactivated=reflection,
            deleted=reflection,
            unassigned=reflection,
            on_deactivated=leaving,
            on_deleted=leaving,
            on_unassigned=leaving,
            restore_by_hand=by_hand,
        )
        assert decide(status, standing, rules).reason.endswith(".")


def test_deletion_has_to_be_confirmed_with_the_stores_name() -> None:
    careful, deleting = StatusRules(), StatusRules(on_deleted=Deprovisioning.DELETE)
    with pytest.raises(NotConfirmed, match=r"deleted .*'Contoso'"):
        ensure_confirmed(careful, deleting, "Contoso", "contoso")
    ensure_confirmed(careful, deleting, "Contoso", "Contoso")
    ensure_confirmed(deleting, deleting, "Contoso", "")  # nothing new
    ensure_confirmed(deleting, careful, "Contoso", "")
    with pytest.raises(NotConfirmed):
        ensure_confirmed(
            deleting, StatusRules(on_deleted=Deprovisioning.DELETE, on_unassigned=Deprovisioning.DELETE), "C", ""
        )
    unused = StatusRules(deleted=Reflection.NOTHING, on_deleted=Deprovisioning.DELETE)
    ensure_confirmed(careful, unused, "Contoso", "")  # "Do nothing" deletes nobody
