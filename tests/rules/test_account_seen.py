"""Who did it: every case of the table in shared/rules/account_seen.py, for accounts, fields and earlier changes."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.rules.account_seen import changed_there, done_before, done_since, noted, was_wrongly_by_hand
from shared.rules.azure_user import AzureUser
from shared.rules.change import ChangeKind, plan_change
from shared.rules.history import Event, EventKind
from shared.rules.identity import Account, DoneBy, Identity, PendingChange, Sent, SourceState
from shared.rules.keys import Keys
from shared.rules.status import LEFT_ALONE, Status
from shared.rules.zoho_user import Desired, ZohoField, ZohoUser

NOW = datetime(2026, 11, 27, tzinfo=UTC)
ACTIVE, INACTIVE, DELETED = Sent.ACTIVE, Sent.INACTIVE, Sent.DELETED


def _user(active: bool = True, **fields: str) -> ZohoUser:
    given = {"userName": "ada@contoso.example"} | fields
    return ZohoUser(active=active, fields={ZohoField(name): value for name, value in given.items()})


def _account(active: bool = True, by: DoneBy | None = None, **fields: str) -> Account:
    return Account(id="1", holds=_user(active, **fields), deactivated_by=by)


BY_BRIDGE, BY_HAND = _account(False, "bridge"), _account(False, "hand")


@pytest.mark.parametrize(
    ("known", "sent", "left_by", "expected"),
    [
        (_account(), (), None, "hand"),
        (_account(), (ACTIVE,), None, "hand"),
        (_account(), (INACTIVE,), None, "bridge"),
        (_account(), (ACTIVE, INACTIVE), None, "bridge"),
        (_account(), (DELETED,), None, "hand"),
        (None, (), None, "hand"),
        (None, (ACTIVE,), None, "hand"),
        (None, (ACTIVE, INACTIVE), None, "bridge"),
        (None, (), "bridge", "bridge"),
        (None, (ACTIVE,), "hand", "hand"),
        (None, (ACTIVE, INACTIVE), "hand", "bridge"),
        (BY_BRIDGE, (), None, "bridge"),
        (BY_BRIDGE, (ACTIVE,), None, "bridge"),
        (BY_HAND, (), None, "hand"),
        (BY_HAND, (ACTIVE,), None, "hand"),
        (BY_HAND, (ACTIVE, INACTIVE), None, "bridge"),
        (_account(False), (), None, "bridge"),
    ],
)
def test_who_made_an_account_inactive(
    known: Account | None, sent: tuple[Sent, ...], left_by: DoneBy | None, expected: DoneBy
) -> None:
    assert noted(known, sent, _account(False), left_by).deactivated_by == expected
    assert noted(known, sent, _account(True), left_by).deactivated_by is None


def test_nothing_is_put_down_to_somebody_while_an_answer_is_open() -> None:
    known, seen = _account(title="Analyst", manager="7"), _account(False, title="Countess", manager="8", phone="1")
    assert set(changed_there(known, (), seen)) == {"title", "manager", "active"}
    assert changed_there(known, (ACTIVE,), seen) == ()


@pytest.mark.parametrize(
    ("known", "sent", "seen", "desired", "kind"),
    [
        (_account(), (INACTIVE,), BY_BRIDGE, _user(False), ChangeKind.DEACTIVATE),
        (_account(), (), BY_HAND, _user(False), ChangeKind.NOTHING),
        (_account(), (ACTIVE,), BY_HAND, _user(False), ChangeKind.NOTHING),
        (_account(), (ACTIVE,), _account(title="Countess"), _user(title="Countess"), ChangeKind.UPDATE),
        (_account(), (INACTIVE,), _account(title="Countess"), _user(title="Countess"), ChangeKind.NOTHING),
        (_account(), (DELETED,), None, "deleted", ChangeKind.DELETE),
        (_account(), (INACTIVE,), None, "deleted", ChangeKind.NOTHING),
        (_account(), (ACTIVE,), None, _user(), ChangeKind.NOTHING),
        (None, (ACTIVE,), _account(), _user(), ChangeKind.NOTHING),
    ],
)
def test_what_an_earlier_call_did(
    known: Account | None, sent: tuple[Sent, ...], seen: Account | None, desired: Desired, kind: ChangeKind
) -> None:
    assert done_before(known, sent, seen, desired).kind is kind


def _events(*told: tuple[EventKind, str]) -> list[Event]:
    """Oldest first, as a history has them newest first."""
    return [Event(at=NOW, kind=kind, reason=reason) for kind, reason in reversed(told)]


CREATED, RECORDED = (EventKind.CREATED, "The person is active in Entra."), (EventKind.RECORDED, LEFT_ALONE)
DRIFTED = (EventKind.DRIFTED, "The account in Zoho One was changed there: active.")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ((CREATED, RECORDED), True),
        ((CREATED, RECORDED, RECORDED), True),
        ((CREATED, (EventKind.UPDATED, ""), RECORDED, (EventKind.RECORDED, "He is disabled."), RECORDED), True),
        ((CREATED, DRIFTED, RECORDED), False),
        ((CREATED, RECORDED, DRIFTED), False),
        (((EventKind.ADOPTED, LEFT_ALONE),), False),
        (((EventKind.ADOPTED, LEFT_ALONE), RECORDED), False),
        (((EventKind.ADOPTED, "The person is active in Entra."), RECORDED), True),
        ((RECORDED,), False),  # the earlier history is no longer stored
        ((CREATED,), False),
        ((), False),
    ],
)
def test_whom_a_release_before_blamed_wrongly(told: tuple[tuple[EventKind, str], ...], expected: bool) -> None:
    account = _account(False, "hand", title="Analyst", phone="set by Zoho One")
    assert was_wrongly_by_hand(account, _user(title="Analyst"), _events(*told)) is expected
    assert not was_wrongly_by_hand(account, _user(title="Countess"), _events(*told)), "the call was about the title"
    assert not was_wrongly_by_hand(account, _user(False, title="Analyst"), _events(*told))


def _identity(desired: Desired, mark: dict[str, Any], before: Desired = None) -> Identity:
    source = AzureUser(user_principal_name="ada@contoso.example")
    said = SourceState(resource="{}", keys=Keys(user_name="ada"), source=source, desired=desired, modified=NOW)
    earlier = said.model_copy(update={"desired": before})
    pending = PendingChange.model_validate({"reason": "", "before": earlier, "lease_ends": NOW} | mark)
    return Identity(id="a" * 32, said=said, pending=pending, created=NOW)


@pytest.mark.parametrize(
    ("mark", "sent"),
    [
        ({"begun": False}, set()),
        ({"begun": False, "sent": (), "sending": INACTIVE}, set()),
        ({"sent": (), "sending": INACTIVE}, {INACTIVE}),
        ({"sent": (ACTIVE,), "sending": INACTIVE}, {ACTIVE, INACTIVE}),
        ({"sent": (ACTIVE,), "sending": None}, {ACTIVE}),
        ({}, {ACTIVE, INACTIVE}),  # from a release that stored only the current and the previous desired state
    ],
)
def test_what_was_sent_stays_with_the_mark(mark: dict[str, Any], sent: set[Sent]) -> None:
    identity = _identity(_user(True), mark, before=_user(False))
    assert set(identity.sent) == sent
    assert identity.pending is not None
    noting = identity.pending.noting_sent(identity.said)
    later = identity.model_copy(update={"said": identity.said.model_copy(update={"desired": None}), "pending": noting})
    assert set(later.sent) == sent, "whatever is said later"


@pytest.mark.parametrize(
    ("status", "enabled", "account", "shut_out"),
    [
        (None, True, BY_HAND, True),
        (Status.ACTIVATED, True, BY_BRIDGE, True),
        (None, False, BY_HAND, False),
        (Status.UNASSIGNED, True, BY_BRIDGE, False),
        (None, True, _account(), False),
        (None, True, None, False),
    ],
)
def test_nobody_with_an_inactive_account_is_shown_active(
    status: Status | None, enabled: bool, account: Account | None, shut_out: bool
) -> None:
    identity = _identity(None, {})
    source = identity.said.source.model_copy(update={"account_enabled": enabled})
    said = identity.said.model_copy(update={"status": status, "source": source})
    assert identity.model_copy(update={"said": said, "account": account}).is_kept_inactive is shut_out


@pytest.mark.parametrize(
    ("sent", "shown", "desired", "kind", "fields"),
    [
        ([], _account(title="a"), _account(False, title="a"), ChangeKind.DEACTIVATE, []),
        # An update whose answer was lost, and then a deactivation: one line tells of both.
        ([ACTIVE], _account(title="b"), _account(False, title="b"), ChangeKind.DEACTIVATE, [("a", "b")]),
        ([ACTIVE], _account(title="b"), _account(title="c"), ChangeKind.UPDATE, [("a", "c")]),
        # A deactivation whose answer was lost, and then another title.
        ([INACTIVE], _account(False, title="a"), _account(False, title="b"), ChangeKind.DEACTIVATE, [("a", "b")]),
        ([INACTIVE], _account(False, title="a"), _account(title="a"), ChangeKind.NOTHING, []),
        # What somebody in Zoho One changed, and the call of now brings back, is the bridge's doing.
        ([ACTIVE], _account(title="x"), _account(title="a"), ChangeKind.UPDATE, [("x", "a")]),
        ([ACTIVE], _account(False, title="a"), _account(title="a"), ChangeKind.REACTIVATE, []),
    ],
)
def test_what_was_done_since_the_last_answer(
    sent: list[Sent], shown: Account, desired: Account, kind: ChangeKind, fields: list[tuple[str, str]]
) -> None:
    after = desired.model_copy(update={"deactivated_by": None if desired.holds.active else "bridge"})
    change = plan_change(shown.holds, desired.holds)
    done = done_since(_account(title="a"), sent, change, after, desired.holds)
    assert (done.kind, [(each.before, each.after) for each in done.fields]) == (kind, fields)
