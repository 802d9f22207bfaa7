"""A process is killed once Zoho One has carried out a call, and Entra says something else before anybody looks."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from local.entra.people import PEOPLE
from shared.rules.guard_limits import GuardLimits, Threshold
from shared.rules.history import EventKind
from shared.rules.identity import Identity
from shared.rules.zoho_user import ZohoUser
from shared.sync.errors import HeldBack
from shared.tables.claims import Lookup
from shared.tables.identity_rows import Stored, stored_from
from shared.zoho.errors import ZohoBusy
from shared.zoho.scim_client import ZohoUsers
from tests.conftest import held
from tests.sync.reconciled import Reconciled

ANNA = next(person for person in PEOPLE if person.account_enabled)
NAME = ANNA.user_principal_name


class Killed(BaseException):
    """SIGKILL, as far as the tables and Zoho One can tell."""


@pytest.fixture
def killed_after_an_update(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Kills whoever changes an account, once Zoho One has done it; called, it stops that."""
    update = ZohoUsers.update

    def last(self: ZohoUsers, *args: Any) -> Any:
        update(self, *args)
        raise Killed

    monkeypatch.setattr(ZohoUsers, "update", last)
    return lambda: monkeypatch.setattr(ZohoUsers, "update", update)


def _stored(reconciled: Reconciled) -> Stored:
    stored = reconciled.bridge.identities.find_object(reconciled.store_id, ANNA.id)
    assert stored is not None
    return stored


def _push(reconciled: Reconciled, **values: Any) -> Identity:
    """What Entra pushes, by a worker whose lease is over when it is."""
    stored = _stored(reconciled)
    push = reconciled.bridge.push
    push = replace(push, settlement=replace(push.settlement, lease=timedelta()))
    return push.replace(reconciled.store, stored, json.loads(stored.identity.said.resource) | values)


def _shown_active(reconciled: Reconciled) -> bool:
    """What a sync endpoint answers."""
    (person,) = reconciled.bridge.identities.find(reconciled.store_id, Lookup.USER_NAME, NAME)
    return bool(json.loads(person.resource)["active"]) and not person.is_kept_inactive


@pytest.mark.parametrize("words", [[True], [True, False, True], ["Countess", True]])
def test_a_push_that_was_killed_blames_nobody(
    reconciled: Reconciled, killed_after_an_update: Callable[[], None], words: list[Any]
) -> None:
    reconciled.cycle()
    with pytest.raises(Killed):
        _push(reconciled, active=False)
    assert reconciled.accounts()[NAME]["active"] is False
    for word in words[:-1]:
        with pytest.raises(Killed):
            _push(reconciled, **({"title": word} if isinstance(word, str) else {"active": word}))
    killed_after_an_update()
    assert not _push(reconciled, active=True).is_kept_inactive
    assert reconciled.accounts()[NAME]["active"] is True
    assert _shown_active(reconciled)


def test_a_creation_that_was_killed_tells_all_that_the_account_holds(
    reconciled: Reconciled, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = ZohoUsers.create

    def last(self: ZohoUsers, user: ZohoUser, *args: Any) -> Any:
        create(self, user, *args)
        if user.user_name == NAME:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(ZohoUsers, "create", last)
        with pytest.raises(Killed):
            reconciled.cycle()
    _end_leases(reconciled)
    reconciled.cycle()
    (created,) = reconciled.bridge.identities.history(reconciled.store_id, _stored(reconciled).identity.id)
    assert created.kind is EventKind.CREATED
    assert {each.field: each.after for each in created.fields} == held(reconciled.accounts()[NAME]).fields


@pytest.mark.parametrize("told_by", ["cycle", "on demand", "push"])
def test_a_cycle_that_was_killed_blames_nobody(
    reconciled: Reconciled, killed_after_an_update: Callable[[], None], told_by: str
) -> None:
    reconciled.cycle()
    reconciled.entra.act({"do": "disable", "id": ANNA.id})
    with pytest.raises(Killed):
        reconciled.cycle()
    assert reconciled.accounts()[NAME]["active"] is False
    killed_after_an_update()
    _end_leases(reconciled)
    reconciled.entra.act({"do": "enable", "id": ANNA.id})
    if told_by == "push":
        _push(reconciled, active=True)
    elif told_by == "on demand":
        reconciled.bridge.on_demand.provision(reconciled.store, [ANNA.id], "test")
    else:
        reconciled.cycle()
    assert reconciled.accounts()[NAME]["active"] is True
    reconciled.assert_as_in_entra()


def test_one_line_tells_what_was_done_before_the_answer_was_lost_and_after(
    reconciled: Reconciled, killed_after_an_update: Callable[[], None]
) -> None:
    reconciled.cycle()
    with pytest.raises(Killed):
        _push(reconciled, title="Countess")
    killed_after_an_update()
    identity = _push(reconciled, active=False)
    last = reconciled.bridge.identities.history(reconciled.store_id, identity.id)[0]
    told = [(each.field, each.after) for each in last.fields]
    assert (last.kind, told) == (EventKind.DEACTIVATED, [("title", "Countess")])


def test_an_account_that_somebody_deleted_before_the_next_try_is_created_and_the_line_says_so(
    reconciled: Reconciled, killed_after_an_update: Callable[[], None]
) -> None:
    reconciled.cycle()
    before = reconciled.accounts()[NAME]["id"]
    with pytest.raises(Killed):
        _push(reconciled, title="Countess")
    killed_after_an_update()
    reconciled.bridge.users(reconciled.store).delete(before)
    identity = _push(reconciled, title="Duchess")
    created = reconciled.bridge.identities.history(reconciled.store_id, identity.id)[0]
    assert created.kind is EventKind.CREATED
    assert {each.field: each.after for each in created.fields} == held(reconciled.accounts()[NAME]).fields
    assert reconciled.accounts()[NAME]["id"] != before


def _end_leases(reconciled: Reconciled) -> None:
    """Let time pass: whoever died has no lease any more."""
    table = reconciled.bridge.table("leases")
    row = table.get_entity("lease", f"cycle:{reconciled.store_id}")
    stored = _stored(reconciled)
    assert stored.identity.pending is not None
    mark = stored.identity.pending.model_copy(update={"lease_ends": stored.identity.created})
    reconciled.bridge.identities.write(
        reconciled.store_id, stored, stored.identity.model_copy(update={"pending": mark})
    )
    table.update_entity(dict(row) | {"ends": stored.identity.created.isoformat()})


def test_whom_somebody_in_zoho_one_shut_out_meanwhile_stays_out_and_is_not_shown_active(
    reconciled: Reconciled,
) -> None:
    reconciled.cycle()
    reconciled.zoho_one.fail(method="PATCH", path="/Users/{id}", status=503, times=20)
    with pytest.raises(ZohoBusy):
        _push(reconciled, title="Countess")
    reconciled.zoho_one.forget_faults()
    reconciled.zoho_one.change(NAME, active=False)
    assert _push(reconciled, title="Duchess").is_kept_inactive
    assert not _shown_active(reconciled)
    assert _push(reconciled, active=True).is_kept_inactive
    assert reconciled.accounts()[NAME]["active"] is False


def test_a_leaving_that_the_guard_held_back_was_not_sent(reconciled: Reconciled) -> None:
    reconciled.cycle()
    reconciled.change(guard=GuardLimits(leavings=Threshold(count=0, percent=1)))
    with pytest.raises(HeldBack):
        _push(reconciled, active=False)
    reconciled.zoho_one.change(NAME, active=False)
    assert _stored(reconciled).identity.sent == ()


def test_a_deletion_that_was_not_carried_out_is_over_once_entra_says_that_the_person_is_there(
    reconciled: Reconciled,
) -> None:
    """By a push and by Graph, whether the guard held the deletion back or Zoho One was away."""
    reconciled.cycle()
    for number, back in enumerate(("push", "graph")):
        reconciled.zoho_one.fail(method="PATCH", path="/Users/{id}", status=503, times=20)
        with pytest.raises(ZohoBusy):
            reconciled.bridge.push.delete(reconciled.store, _stored(reconciled))
        reconciled.zoho_one.forget_faults()
        assert _stored(reconciled).identity.is_being_deleted
        if back == "push":
            _push(reconciled, title=f"Back {number}")
        else:
            reconciled.entra.act({"do": "change", "id": ANNA.id, "values": {"jobTitle": f"Back {number}"}})
            reconciled.cycle()
        identity = _stored(reconciled).identity
        assert (identity.is_being_deleted, identity.pending) == (False, None)
        account = reconciled.accounts()[NAME]
        assert (account["active"], account["title"]) == (True, f"Back {number}")
    reconciled.entra.act({"do": "disable", "id": ANNA.id})
    reconciled.cycle()
    assert reconciled.accounts()[NAME]["active"] is False, "and whoever leaves later is shut out"


def test_a_mark_of_a_release_before_means_what_it_meant(reconciled: Reconciled) -> None:
    """It noted in the mark that the person is to go, even after Entra had said that they are active."""
    reconciled.cycle()
    identities, store = reconciled.bridge.identities, reconciled.store_id
    reconciled.zoho_one.fail(method="PATCH", path="/Users/{id}", status=503, times=20)
    with pytest.raises(ZohoBusy):
        reconciled.bridge.push.delete(reconciled.store, _stored(reconciled))
    row = dict(identities._table.get_entity(store, f"id:{_stored(reconciled).identity.id}"))
    mark = json.loads(row["pending"])
    row["pending"] = json.dumps({name: value for name, value in mark.items() if name not in ("sent", "sending")})
    row["pending"] = json.dumps(json.loads(row["pending"]) | {"leaving": True})
    row.pop("status")
    assert stored_from(row, "").identity.is_being_deleted
    row["desired"] = row["desired"].replace('"active":false', '"active":true')
    assert not stored_from(row, "").identity.is_being_deleted, "what was said last is that the person is active"
    history = identities.history(store, _stored(reconciled).identity.id)
    assert EventKind.DELETED not in {event.kind for event in history}
