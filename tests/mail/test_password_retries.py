"""A one-time password when the mail server, Zoho One or the app's settings fail."""

import logging
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage

import pytest

from shared.app.outgoing_mail import NO_WAY
from shared.mail.password_mail import NoPostbox, Postbox
from shared.mail.rested import Rested
from shared.rules.history import EventKind
from shared.rules.mail.due import LONGEST_PAUSE
from shared.rules.store import Store, UpdateVerb
from shared.sync.apply.accounts import AccountWriter
from tests.conftest import ZohoOne
from tests.mail.office import ADA, EMAILS, Office, assert_ends_well


@pytest.mark.parametrize("verb", UpdateVerb)
def test_a_mail_server_that_is_down_delays_the_mail_and_nothing_else(
    office: Office, zoho_one: ZohoOne, verb: UpdateVerb
) -> None:
    zoho = office.store.zoho.model_copy(update={"update_verb": verb})
    office.change(office.store.model_copy(update={"zoho": zoho}))
    office.server.to_mail = "451 Try again later"
    user_id = office.create()
    (due,) = office.waiting()
    assert (due.tries, due.sending, due.failure) == (
        1,
        False,
        "The mail server does not accept the mail now: 451, to DATA",
    )
    office.server.to_mail = "250 OK"
    office.later(timedelta(minutes=1))
    assert office.received() == [], "not before the pause is over"
    office.later()
    assert_ends_well(office, zoho_one, user_id)
    assert zoho_one.users()[0]["displayName"] == "Ada Lovelace"


def test_the_pauses_grow(office: Office) -> None:
    office.server.to_sender = "530 Sign in first"
    office.create()
    pauses = []
    for _ in range(9):
        (due,) = office.waiting()
        pauses.append(round((due.next_try - office.clock()).total_seconds() / 60))
        assert isinstance(office.bridge.password_mails.postbox, Postbox)
        office.bridge.password_mails.postbox.transport.wake()
        office.later(due.next_try - office.clock() + timedelta(seconds=1))
    longest = round(LONGEST_PAUSE.total_seconds() / 60)
    assert pauses == [2, 4, 8, 16, 32, 64, 128, longest, longest]


def test_a_refused_recipient_is_reported_and_not_tried_again(office: Office) -> None:
    office.server.refused[ADA] = "550 No such mailbox"
    user_id = office.create()
    kind, reason = office.entra.history(user_id)[-1]
    assert kind is EventKind.PASSWORD_NOT_MAILED
    assert "550 No such mailbox" in reason
    assert "send a new one-time password" in reason
    assert office.waiting() == []


@pytest.mark.parametrize(
    "refusal", [{"to_mail": "554 5.2.252 SendAsDenied"}, {"to_sender": "550 5.7.60 No permission to send as"}]
)
def test_a_refused_sender_keeps_each_mail_waiting_until_it_is_put_right(
    office: Office, zoho_one: ZohoOne, refusal: dict[str, str]
) -> None:
    for name, reply in refusal.items():
        setattr(office.server, name, reply)
    user_id = office.create()
    (due,) = office.waiting()
    assert due.failure is not None
    assert "refuses mail from this sender" in due.failure
    assert EventKind.PASSWORD_NOT_MAILED not in office.kinds(user_id)
    office.server.to_mail = office.server.to_sender = "250 OK"
    office.later()
    assert_ends_well(office, zoho_one, user_id)


def test_who_has_left_before_the_mail_could_go_is_reported(office: Office) -> None:
    office.server.to_mail = "451 Try again later"
    user_id = office.create()
    office.server.to_mail = "250 OK"
    office.entra.patch(user_id, active="False")
    office.later()
    assert office.received() == []
    assert office.entra.history(user_id)[-1] == (
        EventKind.PASSWORD_NOT_MAILED,
        "No one-time password: the account in Zoho One is not active.",
    )


def test_who_was_deleted_before_the_mail_could_go_is_reported(office: Office) -> None:
    office.server.to_mail = "451 Try again later"
    user_id = office.create()
    assert office.entra.send("DELETE", f"/Users/{user_id}")[0] == 204
    office.later()
    assert office.kinds(user_id)[-1] is EventKind.PASSWORD_NOT_MAILED
    assert office.waiting() == []


def test_a_creation_with_a_lost_answer_ends_with_one_valid_password(office: Office, zoho_one: ZohoOne) -> None:
    zoho_one.fail(method="POST", path="/Users", drop="after")
    body = {"userName": ADA, "active": True, **EMAILS}
    assert office.entra.send("POST", "/Users", body)[0] == 503
    assert office.received() == []
    status, person = office.entra.send("POST", "/Users", body)
    assert status == 201
    assert_ends_well(office, zoho_one, person["id"])


def test_an_account_that_appears_during_the_creation_is_the_bridges_own(office: Office, zoho_one: ZohoOne) -> None:
    """As after a 500 for a creation that was carried out nevertheless, and was repeated at once."""
    zoho_one.add({"userName": ADA, "password": "lost-with-the-answer", "active": True})

    class Before(AccountWriter):
        def is_taken(self, store: Store, user_name: str) -> bool:
            return False

    standing = office.bridge.push
    matches = office.bridge.flow.settlement.accounts.matches
    before = Before(office.bridge.users, office.bridge.identities.record_of, matches)
    push = replace(standing, settlement=replace(standing.settlement, accounts=before))
    identity = push.create(office.store, {"userName": ADA, "active": True, **EMAILS})
    assert_ends_well(office, zoho_one, identity.id)
    assert not zoho_one.signs_in(ADA, "lost-with-the-answer")


def test_a_creation_that_zoho_one_refused_leaves_nothing_due(office: Office, zoho_one: ZohoOne) -> None:
    zoho_one.fail(method="POST", path="/Users", status=400, body={"detail": "The allowed license limit of '5' users"})
    status, answer = office.entra.send("POST", "/Users", {"userName": ADA, "active": True, **EMAILS})
    assert (status, "license limit" in answer["detail"]) == (400, True)
    assert (office.received(), office.waiting()) == ([], [])


def test_zoho_one_being_busy_or_refusing_a_new_password(office: Office, zoho_one: ZohoOne) -> None:
    office.server.to_mail = "451 Try again later"
    user_id = office.create()
    zoho_one.fail(method="PATCH", status=429, headers={"Retry-After": "7200"})
    office.later()
    (due,) = office.waiting()
    assert due.failure is not None
    assert "429" in due.failure
    assert due.next_try - office.clock() > timedelta(minutes=119), "as long as Zoho One asked for"
    zoho_one.fail(method="PATCH", status=400, body={"detail": "password: not supported"})
    office.later()
    assert office.entra.history(user_id)[-1] == (
        EventKind.PASSWORD_NOT_MAILED,
        "Zoho One refused a new one-time password: password: not supported",
    )


class Broken:
    """A transport with a bug."""

    def send(self, message: EmailMessage) -> None:
        raise RuntimeError(message.as_string())


@pytest.mark.parametrize("transport", [Broken(), None])
def test_entra_hears_nothing_of_a_way_of_mailing_that_does_not_work(
    office: Office, transport: Broken | None, caplog: pytest.LogCaptureFixture
) -> None:
    postbox = office.bridge.password_mails.postbox
    assert isinstance(postbox, Postbox)
    broken = replace(postbox, transport=Rested(transport, office.clock)) if transport else NoPostbox(NO_WAY)
    standing, mails = office.bridge.push, replace(office.mails, postbox=broken)
    push = replace(standing, settlement=replace(standing.settlement, passwords=mails))
    with caplog.at_level(logging.DEBUG):
        push.create(office.store, {"userName": ADA, "active": True, **EMAILS})
    (due,) = office.waiting()
    assert due.failure == ("The mail could not be sent (RuntimeError)" if transport else NO_WAY)
    assert "one-time password:" not in caplog.text
    mails.work_through([office.store])
    assert office.waiting()[0].tries == 1


def test_a_server_that_keeps_failing_is_left_alone_for_a_minute(office: Office) -> None:
    office.server.to_sender = "421 Closing"
    for number in range(5):
        office.create(name=f"ada{number}@contoso.example")
    failures = [due.failure or "" for due in office.waiting()]
    assert sum("421" in failure for failure in failures) == 3
    assert sum("left alone for a minute" in failure for failure in failures) == 2
    office.mails.work_through([office.store])
    assert [due.tries for due in office.waiting()] == [1] * 5
