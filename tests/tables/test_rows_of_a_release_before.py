"""A release reads what the one before wrote: rows as b951b69 left them, and what they mean now."""

import json
from typing import Any

import pytest

from shared.rules.identity import Sent
from shared.rules.status import Status
from shared.tables.identity_rows import counts_as_active, managed_from, rows_of, stored_from

FIELDS = {"userName": "ada@contoso.example", "displayName": "Ada"}
SAID = {
    "resource": '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada@contoso.example"}',
    "keys": '{"user_name":"ada@contoso.example","external_id":null,"work_addresses":[]}',
    "source": '{"user_principal_name":"ada@contoso.example","display_name":"Ada"}',
}
IDENTITY = "a" * 32
MOMENT = "2026-11-20T08:00:00+00:00"


def _row(active: bool, status: str | None = None, **mark: Any) -> dict[str, str]:
    desired = json.dumps({"active": active, "fields": FIELDS})
    account = {"id": "1", "holds": {"active": True, "fields": FIELDS}, "deactivated_by": None}
    row = {"id": IDENTITY, "created": MOMENT, "modified": MOMENT, "desired": desired, "account": json.dumps(account)}
    if status is not None:
        row |= {"status": status, "objectId": "00000000-0000-4000-8000-000000000001"}
    if mark:
        before = SAID | {name: json.loads(SAID[name]) for name in ("keys", "source")}
        before |= {"desired": {"active": True, "fields": FIELDS}, "status": None, "awaits": None, "modified": MOMENT}
        pending = {
            "reason": "The person was deleted in Entra.",
            "before": before,
            "attempted": [],
            "password_due": False,
            "leaving": False,
            "begun": True,
            "failure": None,
            "refusals": 0,
            "next_try": None,
            "writer": None,
            "lease_ends": MOMENT,
        }
        row["pending"] = json.dumps(pending | mark)
    return row | SAID


@pytest.mark.parametrize("mark", [{}, {"leaving": False}, {"leaving": True}])
def test_an_account_is_read_alone_as_with_all_that_is_known_of_the_person(mark: dict[str, Any]) -> None:
    """The guard counts accounts, and groups look them up, from a part of the row."""
    row = _row(True, **mark)
    identity = stored_from(row, "").identity
    assert (managed_from(row).account, managed_from(row).pending) == (identity.account, identity.pending)
    assert counts_as_active(row) is identity.counts_as_active is True


def test_somebody_with_nothing_pending() -> None:
    identity = stored_from(_row(True, "activated"), "").identity
    assert (identity.said.status, identity.said.in_bin, identity.said.rules, identity.pending) == (
        Status.ACTIVATED,
        False,
        "",
        None,
    )
    again = rows_of(identity)[f"id:{IDENTITY}"]
    assert stored_from(again, "").identity == identity


@pytest.mark.parametrize(
    ("active", "status", "mark", "is_being_deleted", "sent"),
    [
        (False, None, {"leaving": True}, True, {Sent.INACTIVE, Sent.ACTIVE}),
        (False, "deleted", {"leaving": True, "begun": False}, True, set()),
        (True, "activated", {"leaving": True}, False, {Sent.ACTIVE}),
        (False, None, {"begun": True}, False, {Sent.INACTIVE, Sent.ACTIVE}),
        (True, None, {"begun": True}, False, {Sent.ACTIVE}),
    ],
)
def test_a_mark(
    active: bool, status: str | None, mark: dict[str, Any], is_being_deleted: bool, sent: set[Sent]
) -> None:
    identity = stored_from(_row(active, status, **mark), "").identity
    assert (identity.is_being_deleted, set(identity.sent)) == (is_being_deleted, sent)
