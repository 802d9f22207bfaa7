"""An answer that is empty is judged by what the tables hold, whatever became of what readings remember."""

from collections.abc import Callable
from typing import Any

import pytest

from local.entra.people import PEOPLE
from shared.rules.criteria import Condition, Operator
from shared.rules.criteria import Group as Criteria
from shared.rules.entra_connection import Scope
from shared.rules.groups.settings import GroupSettings
from shared.rules.guard import GuardLimits, Threshold
from shared.rules.run import RunState
from shared.tables.partitions import Partitions
from tests.sync.reconciled import Reconciled

ENABLED = [person.id for person in PEOPLE if person.account_enabled]
FEW = ENABLED[:8]
STAFF = "00000000-0000-0000-0000-00000000000a"
ASSIGNED_TO = "/v1.0/servicePrincipals/{id}/appRoleAssignedTo"
USERS, GROUPS = "/v1.0/users/delta", "/v1.0/groups/delta"
ANOTHER_APP = "5f2c1a7e-0d43-4c58-9b1e-000000000000"


@pytest.fixture
def reconciled(reconciled: Reconciled) -> Reconciled:
    """A store with eight people: too few for the guard's default limits."""
    reconciled.impatient()
    everybody = (person.id for person in PEOPLE)
    reconciled.entra.act(*({"do": "unassign", "id": each} for each in everybody if each not in FEW))
    assert reconciled.cycle().state is RunState.DONE
    assert len(reconciled.active()) == len(FEW)
    return reconciled


def criteria_changed(reconciled: Reconciled) -> None:
    everybody = Condition(attribute="userPrincipalName", operator=Operator.PRESENT)
    reconciled.change(criteria=Criteria(match="all", of=(everybody,)))


def app_changed(reconciled: Reconciled) -> None:
    reconciled.change(entra=reconciled.entra.connection(scope=Scope.ASSIGNED, enterprise_app=ANOTHER_APP))


def note_unreadable(reconciled: Reconciled) -> None:
    table = reconciled.bridge.table("leases")
    row = table.get_entity("lease", f"cycle:{reconciled.store_id}")
    row["note"] = reconciled.bridge.secrets.sealed("{}")[:-20] + "AAAAAAAAAAAAAAAAAAA="
    table.update_entity(row)


def note_lost(reconciled: Reconciled) -> None:
    reconciled.bridge.table("leases").delete_entity("lease", f"cycle:{reconciled.store_id}")


def restored(reconciled: Reconciled) -> None:
    """As after a backup was put back: neither the note nor what was read of Entra is there."""
    note_lost(reconciled)
    Partitions([reconciled.bridge.table("entra")]).drop_some(reconciled.store_id)


def nothing_changed(_: Reconciled) -> None:
    pass


CHANGES = [nothing_changed, criteria_changed, app_changed, note_unreadable, note_lost, restored]


@pytest.mark.parametrize("change", CHANGES)
def test_nobody_assigned_is_told_and_shuts_nobody_out(
    reconciled: Reconciled, change: Callable[[Reconciled], None]
) -> None:
    change(reconciled)
    before = reconciled.active()
    reconciled.entra.fail(ASSIGNED_TO, status=200, body='{"value": []}')
    run = reconciled.cycle()
    assert (run.state, run.planned, reconciled.active()) == (RunState.FAILED, {}, before)
    assert "where there were 8 before" in run.errors[0]


def test_from_all_users_to_an_app_without_assignments(reconciled: Reconciled) -> None:
    reconciled.change(entra=reconciled.entra.connection(scope=Scope.ALL_USERS))
    reconciled.cycle()
    before = reconciled.active()
    reconciled.entra.act(*({"do": "unassign", "id": each} for each in FEW))
    reconciled.change(entra=reconciled.entra.connection(scope=Scope.ASSIGNED))
    run = reconciled.cycle()
    assert (run.state, run.planned, reconciled.active()) == (RunState.FAILED, {}, before)
    assert "nobody, where there were" in run.errors[0]


@pytest.mark.parametrize("change", [nothing_changed, note_lost, restored])
def test_a_list_without_a_user_or_a_group_shuts_nobody_out(
    reconciled: Reconciled, change: Callable[[Reconciled], None]
) -> None:
    reconciled.entra.act({"do": "put group", "id": STAFF, "members": FEW})
    reconciled.change(entra=reconciled.entra.connection(scope=Scope.ALL_USERS), groups=GroupSettings())
    reconciled.cycle()
    before = reconciled.active()
    for path in (USERS, GROUPS):
        change(reconciled)
        reconciled.entra.forget("links")
        empty: dict[str, Any] = {
            "value": [],
            "@odata.deltaLink": f"{reconciled.entra.ready['url']}{path}?$deltatoken=x",
        }
        if change is nothing_changed:
            reconciled.entra.fail(path, status=410)
        reconciled.entra.fail(path, status=200, body=empty)
        run = reconciled.cycle()
        assert reconciled.active() == before
        if path == USERS or change is not restored:  # of a restored store's groups nothing is known that could end
            assert (run.state, run.planned) == (RunState.FAILED, {})
            assert "nobody, where there were" in run.errors[0]


def test_few_who_are_left_are_believed_within_the_limits_of_the_guard(reconciled: Reconciled) -> None:
    reconciled.change(guard=GuardLimits(leavings_share=None, leavings=Threshold(count=100, percent=100)))
    reconciled.entra.act(*({"do": "unassign", "id": each} for each in FEW[1:]))
    assert reconciled.cycle().state is RunState.DONE
    assert len(reconciled.active()) == 1


def test_who_is_missing_in_a_full_listing_is_asked_for_by_id(
    reconciled: Reconciled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether they are there or not: three of them are, one is not."""
    reconciled.entra.forget("links")
    reconciled.entra.act({"do": "soft-delete", "id": FEW[3]})
    state = reconciled.in_entra()
    rows = [
        {name: user[name] for name in ("id", "userPrincipalName", "displayName", "accountEnabled")} for user in state
    ]
    link = f"{reconciled.entra.ready['url']}{USERS}?$deltatoken=x"
    listed = {"value": [row for row in rows if row["id"] not in FEW[:4]], "@odata.deltaLink": link}
    reconciled.entra.fail(USERS, status=410)
    reconciled.entra.fail(USERS, status=200, body=listed)
    run = reconciled.cycle()
    assert (run.state, run.errors) == (RunState.DONE, ())
    reconciled.assert_as_in_entra()
    assert len(reconciled.active()) == len(FEW) - 1
