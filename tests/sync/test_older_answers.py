"""An answer of Graph's that is older than what was written since: it is not written, and Graph is asked again."""

from collections.abc import Callable
from typing import Any

import pytest

from local.entra.people import PEOPLE
from shared.rules.run import Result
from shared.sync.on_demand.groups import _OneGroup
from shared.sync.source.people import PeopleReader, _PeopleReading
from shared.sync.source.person import PersonReader
from tests.sync.reconciled import Reconciled
from tests.sync.test_group_cycle import DISABLED, IDS, STAFF, act, named, put

ANNA = PEOPLE[0]
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def _then(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, happens: Callable[[], object]) -> None:
    """Let something happen once, right after Graph has answered."""
    original = getattr(owner, name)

    def answered(*args: Any, **named: Any) -> Any:
        answer = original(*args, **named)
        answer = list(answer) if name == "read_people" else answer
        monkeypatch.setattr(owner, name, original)
        happens()
        return answer

    monkeypatch.setattr(owner, name, answered)


def _before(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, happens: Callable[[], object]) -> None:
    """Let something happen once, before the first answer of a reading is written."""
    original = getattr(owner, name)

    def taken(*args: Any) -> Any:
        monkeypatch.setattr(owner, name, original)
        happens()
        return original(*args)

    monkeypatch.setattr(owner, name, taken)


def _provision(reconciled: Reconciled, person: str) -> Any:
    _, (report,) = reconciled.bridge.on_demand.provision(reconciled.store, [person], "admin")
    return report


def test_a_leaver_whom_a_cycle_shut_out_while_they_were_provisioned_stays_out(
    reconciled: Reconciled, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconciled.cycle()

    def leaves() -> None:
        reconciled.entra.act({"do": "disable", "id": ANNA.id})
        reconciled.cycle()

    _then(monkeypatch, PeopleReader, "read_people", leaves)
    report = _provision(reconciled, ANNA.id)
    assert report.result is Result.DONE
    assert ANNA.user_principal_name not in reconciled.active()
    assert reconciled.cycle().planned == {}
    assert ANNA.user_principal_name not in reconciled.active()


def test_somebody_new_who_left_while_they_were_provisioned_gets_no_account(
    reconciled: Reconciled, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconciled.cycle()
    before = set(reconciled.accounts())
    reconciled.entra.act({"do": "enable", "id": DISABLED})

    def leaves() -> None:
        reconciled.entra.act({"do": "disable", "id": DISABLED})
        reconciled.cycle()  # which hears of somebody whom the store does not know

    _then(monkeypatch, PeopleReader, "read_people", leaves)
    _provision(reconciled, DISABLED)
    assert set(reconciled.accounts()) == before
    reconciled.cycle()
    assert set(reconciled.accounts()) == before


@pytest.mark.parametrize(("owner", "answer"), [(_PeopleReading, "_take_page"), (PersonReader, "take_asked")])
def test_a_push_that_came_while_a_cycle_read_is_not_undone(
    owner: type, answer: str, reconciled: Reconciled, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = reconciled.endpoint(host)
    reconciled.cycle()
    reconciled.entra.act({"do": "change", "id": ANNA.id, "values": {"jobTitle": "Countess"}})
    if answer == "take_asked":  # who is assigned again is read by the id
        reconciled.entra.act({"do": "unassign", "id": ANNA.id})
        reconciled.cycle()
        reconciled.entra.act({"do": "assign", "id": ANNA.id})
    identity = reconciled.identity(ANNA.id)
    assert identity is not None

    def pushed() -> None:
        reconciled.entra.act({"do": "disable", "id": ANNA.id})
        body = {"schemas": [PATCH], "Operations": [{"op": "Replace", "path": "active", "value": "False"}]}
        assert endpoint.request("PATCH", f"/Users/{identity.id}", json=body).ok

    _before(monkeypatch, owner, answer, pushed)
    reconciled.cycle()
    kinds = [event.kind for event in reconciled.bridge.identities.history(reconciled.store_id, identity.id)]
    assert ANNA.user_principal_name not in reconciled.active()
    assert "reactivated" not in kinds
    reconciled.cycle()
    assert ANNA.user_principal_name not in reconciled.active()


def test_a_member_whom_a_cycle_took_out_while_the_group_was_provisioned_is_out_by_the_next_cycle(
    reconciled: Reconciled, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(reconciled, STAFF, "Staff", *IDS[:2])
    reconciled.cycle()

    def leaves() -> None:
        act(reconciled, "remove member", STAFF, IDS[0])
        reconciled.cycle()
        assert reconciled.groups() == {"Staff": named(IDS[1])}

    _then(monkeypatch, _OneGroup, "_read", leaves)
    reconciled.bridge.group_on_demand.provision(reconciled.store, STAFF, IDS[:1], "admin")
    reconciled.cycle()
    assert reconciled.groups() == {"Staff": named(IDS[1])}
