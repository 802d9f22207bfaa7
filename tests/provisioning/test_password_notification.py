"""Password notification in the flow: who gets a one-time password, and what becomes of it when something fails."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from local.parts import app_settings
from shared.bridge import Bridge
from shared.directory.history import Event, EventKind
from shared.directory.mail_due import LONGEST_PAUSE, MailDue
from shared.directory.password import PasswordNotice
from shared.directory.status import Leaving, StatusRules
from shared.directory.store import Store, UpdateVerb
from shared.notify.rested import Rested
from shared.provisioning.apply import Apply
from shared.provisioning.password_mail import CannotSend, PasswordMails
from shared.settings import Settings
from tests.conftest import ZohoOne
from tests.notify.mailing import SENDER, mail_settings, notifying, raw_tables, received
from tests.notify.smtp_server import MailServer, new_certificate, serving
from tests.provisioning.test_status_sync import Entra

ADA = "ada@contoso.example"
EMAILS: dict[str, Any] = {"emails": [{"type": "work", "value": ADA}], "displayName": "Ada Lovelace"}
DAY = timedelta(days=1)


class Clock:
    """The time, which a test may put forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Office:
    """A store that sends one-time passwords, the mail server, and the clock of the retries."""

    def __init__(self, bridge: Bridge, store: Store, server: MailServer) -> None:
        self.bridge, self.server, self.clock = bridge, server, Clock()
        self.entra = Entra(bridge, store)
        self.change(notifying(store))

    def change(self, store: Store) -> None:
        """Other settings for the store."""
        self.entra.store = store
        self.entra.set(store.status_rules)

    @property
    def store(self) -> Store:
        """As it is now."""
        return self.entra.store

    @property
    def mails(self) -> PasswordMails:
        """With the clock of the test."""
        return replace(self.bridge.password_mails, now=self.clock)

    def create(self, **values: Any) -> str:
        """A new person."""
        return self.entra.create(**{"name": ADA, **EMAILS, **values})

    def later(self, ahead: timedelta = DAY) -> None:
        """The timer, some time later."""
        self.clock.ahead += ahead
        self.mails.work_through([self.store])

    def waiting(self) -> list[MailDue]:
        """What has not gone yet."""
        return [held.mail for held in self.bridge.mails.waiting(self.store.id)]

    def received(self) -> list[tuple[str, str]]:
        """To whom each mail went, and the password in it."""
        return received(self.server.taken)

    def kinds(self, user_id: str) -> list[EventKind]:
        """What happened to a person, oldest first."""
        return [kind for kind, _ in self.entra.history(user_id)]


@pytest.fixture(scope="session")
def mail_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    """A mail server of this worker's own."""
    with serving(MailServer(), new_certificate(tmp_path_factory.mktemp("smtp")), starttls=False) as server:
        yield server


@pytest.fixture(scope="session")
def mailing_bridge(mail_server: MailServer, azurite: str, key: str, zoho_one_process: ZohoOne) -> Bridge:
    """The app's parts in this process, with a mail server."""
    parts = app_settings(azurite, key, zoho_one_process.parts) | mail_settings(mail_server.port)
    return Bridge(Settings.model_validate(parts))


@pytest.fixture
def office(mailing_bridge: Bridge, store: Store, mail_server: MailServer) -> Office:
    mail_server.taken.clear()
    mail_server.refused.clear()
    mail_server.to_mail = mail_server.to_sender = "250 OK"
    postbox = mailing_bridge.password_mails.postbox
    assert postbox is not None
    postbox.transport.wake()
    return Office(mailing_bridge, store, mail_server)


def _ends_well(office: Office, zoho_one: ZohoOne, user_id: str, to: str = ADA) -> None:
    """One account, one mail, its password is valid, and nothing waits."""
    assert [user["userName"] for user in zoho_one.users()] == [ADA]
    ((recipient, password),) = office.received()
    assert recipient == to
    assert zoho_one.signs_in(ADA, password)
    assert office.waiting() == []
    assert office.kinds(user_id)[-2:] == [EventKind.CREATED, EventKind.PASSWORD_MAILED]


def test_a_new_person_of_a_verified_domain_is_mailed_his_password(office: Office, zoho_one: ZohoOne) -> None:
    user_id = office.create()
    _ends_well(office, zoho_one, user_id)
    assert zoho_one.calls() == {"GET /Users": 1, "POST /Users": 1}
    assert [reason for _, reason in office.entra.history(user_id)] == [
        f"The person is active in Entra. A one-time password goes to the user: {ADA}.",
        f"The one-time password was mailed to {ADA}.",
    ]


def test_the_administrators_are_mailed_where_the_store_says_so(office: Office, zoho_one: ZohoOne) -> None:
    office.change(notifying(office.store, PasswordNotice.ADMIN))
    _ends_well(office, zoho_one, office.create(), to="admin@contoso.example")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"emails": [{"type": "work", "value": "ada@fabrikam.example"}]}, "the domain of ada@fabrikam.example is not"),
        ({"name": "ada_gmail.example#EXT#@contoso.onmicrosoft.example", "emails": []}, "is not a verified one"),
        ({"emails": []}, "Entra has no value for the person's mail"),
    ],
)
def test_everybody_else_gets_no_password_and_history_says_why(
    office: Office, zoho_one: ZohoOne, values: dict[str, Any], reason: str
) -> None:
    user_id = office.create(**values)
    assert (office.received(), zoho_one.with_password(), office.waiting()) == ([], [], [])
    ((kind, said),) = office.entra.history(user_id)
    assert kind is EventKind.CREATED
    assert reason in said
    assert zoho_one.calls() == {"POST /Users": 1}, "no call more than without password notification"


def test_an_adopted_account_keeps_its_password(office: Office, zoho_one: ZohoOne) -> None:
    zoho_one.add({"userName": ADA, "password": "chosen-by-ada", "active": True})
    assert office.kinds(office.create()) == [EventKind.ADOPTED]
    assert zoho_one.signs_in(ADA, "chosen-by-ada")
    assert (office.received(), office.waiting()) == ([], [])


def test_who_is_disabled_gets_one_when_he_is_created(office: Office, zoho_one: ZohoOne) -> None:
    user_id = office.create(active=False)
    assert office.received() == []
    assert office.entra.patch(user_id, active="True") == 200
    _ends_well(office, zoho_one, user_id)


def test_an_account_that_is_made_anew_gets_a_new_one(office: Office, zoho_one: ZohoOne) -> None:
    office.change(office.store.model_copy(update={"status_rules": StatusRules(on_deactivated=Leaving.DELETE)}))
    user_id = office.create()
    office.entra.patch(user_id, active="False")
    office.entra.patch(user_id, active="True")
    first, second = (password for _, password in office.received())
    assert (zoho_one.signs_in(ADA, first), zoho_one.signs_in(ADA, second)) == (False, True)


def test_an_account_that_zoho_one_lost_gets_a_new_one(office: Office, zoho_one: ZohoOne) -> None:
    user_id = office.create()
    zoho_one.reset()
    assert office.entra.patch(user_id, title="Countess") == 200
    assert zoho_one.signs_in(ADA, office.received()[-1][1])
    assert office.waiting() == []


@pytest.mark.parametrize("verb", UpdateVerb)
def test_a_mail_server_that_is_down_delays_the_mail_and_nothing_else(
    office: Office, zoho_one: ZohoOne, verb: UpdateVerb
) -> None:
    zoho = office.store.zoho.model_copy(update={"update_verb": verb})
    office.change(office.store.model_copy(update={"zoho": zoho}))
    office.server.to_mail = "451 Try again later"
    user_id = office.create()
    (due,) = office.waiting()
    assert (due.tries, due.sending, due.failure) == (1, False, "The mail server answered 451 to the mail")
    office.server.to_mail = "250 OK"
    office.later(timedelta(minutes=1))
    assert office.received() == [], "not before the pause is over"
    office.later()
    _ends_well(office, zoho_one, user_id)
    assert zoho_one.users()[0]["displayName"] == "Ada Lovelace"


def test_the_pauses_grow(office: Office) -> None:
    office.server.to_sender = "530 Sign in first"
    office.create()
    pauses = []
    for _ in range(9):
        (due,) = office.waiting()
        pauses.append(round((due.next_try - office.clock()).total_seconds() / 60))
        assert office.bridge.password_mails.postbox is not None
        office.bridge.password_mails.postbox.transport.wake()
        office.later(due.next_try - office.clock() + timedelta(seconds=1))
    longest = round(LONGEST_PAUSE.total_seconds() / 60)
    assert pauses == [3, 6, 12, 24, 48, 96, 192, longest, longest]


def test_a_refused_recipient_is_reported_and_not_tried_again(office: Office) -> None:
    office.server.refused[ADA] = "550 No such mailbox"
    user_id = office.create()
    kind, reason = office.entra.history(user_id)[-1]
    assert kind is EventKind.PASSWORD_NOT_MAILED
    assert "550 No such mailbox" in reason
    assert "send a new one-time password" in reason
    assert office.waiting() == []


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


def test_a_creation_whose_answer_was_lost_ends_with_one_valid_password(office: Office, zoho_one: ZohoOne) -> None:
    zoho_one.fail(method="POST", path="/Users", drop="after")
    body = {"userName": ADA, "active": True, **EMAILS}
    assert office.entra.send("POST", "/Users", body)[0] == 503
    assert office.received() == []
    status, person = office.entra.send("POST", "/Users", body)
    assert status == 201
    _ends_well(office, zoho_one, person["id"])


def test_an_account_that_appears_during_the_creation_is_the_bridges_own(office: Office, zoho_one: ZohoOne) -> None:
    """As after an answer of 500 to a creation that was carried out all the same, and was repeated at once."""
    zoho_one.add({"userName": ADA, "password": "lost-with-the-answer", "active": True})

    class Before(Apply):
        def is_taken(self, store: Store, user_name: str) -> bool:
            return False

    push = replace(office.bridge.push, apply=Before(office.bridge.users, office.bridge.identities.record_of))
    identity = push.create(office.store, {"userName": ADA, "active": True, **EMAILS})
    _ends_well(office, zoho_one, identity.id)
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
        "Zoho One did not take a new one-time password: password: not supported",
    )


class Broken:
    """A transport with a mistake in it."""

    def send(self, message: EmailMessage) -> None:
        raise RuntimeError(message.as_string())


@pytest.mark.parametrize("transport", [Broken(), None])
def test_entra_hears_nothing_of_a_way_of_mailing_that_does_not_work(
    office: Office, transport: Broken | None, caplog: pytest.LogCaptureFixture
) -> None:
    postbox = office.bridge.password_mails.postbox
    assert postbox is not None
    broken = replace(postbox, transport=Rested(transport, office.clock)) if transport else None
    push = replace(office.bridge.push, passwords=replace(office.mails, postbox=broken))
    with caplog.at_level(logging.DEBUG):
        push.create(office.store, {"userName": ADA, "active": True, **EMAILS})
    (due,) = office.waiting()
    assert due.failure == (
        "The mail could not be sent (RuntimeError)"
        if transport
        else "The app has no way of sending mail: set BRIDGE_MAIL"
    )
    assert "one-time password:" not in caplog.text
    push.passwords.work_through([office.store])
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


def test_an_administrator_sends_a_new_one(office: Office, zoho_one: ZohoOne) -> None:
    zoho_one.add({"userName": ADA, "password": "forgotten-by-ada", "active": True})
    user_id = office.create()
    event = office.mails.send_new_password(office.store, user_id, "owner@contoso.example")
    assert isinstance(event, Event)
    assert event.reason == f"The one-time password was mailed to {ADA}. owner@contoso.example asked for it."
    ((_, password),) = office.received()
    assert (zoho_one.signs_in(ADA, password), zoho_one.signs_in(ADA, "forgotten-by-ada")) == (True, False)
    office.server.to_mail = "451 Try again later"
    assert isinstance(office.mails.send_new_password(office.store, user_id, "owner@contoso.example"), MailDue)
    assert isinstance(office.mails.send_new_password(office.store, user_id, "owner@contoso.example"), MailDue)
    assert len(office.waiting()) == 1


def test_an_administrator_is_told_why_none_can_be_sent(office: Office) -> None:
    foreign = office.create(name="bob@fabrikam.example", emails=[])
    with pytest.raises(CannotSend, match=r"fabrikam\.example is not a verified one"):
        office.mails.send_new_password(office.store, foreign, "owner@contoso.example")
    with pytest.raises(CannotSend, match="no account"):
        office.mails.send_new_password(office.store, "0" * 32, "owner@contoso.example")
    user_id = office.create()
    office.bridge.mails.create(office.store.id, user_id, office.mails.begun("because"))
    with pytest.raises(CannotSend, match="just now"):
        office.mails.send_new_password(office.store, user_id, "owner@contoso.example")


def test_a_put_that_may_have_undone_a_change_is_repeated_on_top_of_it(office: Office, zoho_one: ZohoOne) -> None:
    zoho = office.store.zoho.model_copy(update={"update_verb": UpdateVerb.PUT})
    office.change(office.store.model_copy(update={"zoho": zoho}))
    user_id = office.create()
    mails, users = office.mails, office.bridge.users(office.store)

    class Interrupted:
        def set_password(self, *arguments: Any) -> None:
            assert office.entra.patch(user_id, title="Countess") == 200
            users.set_password(*arguments)

    interrupted = replace(mails, users=lambda _: Interrupted())  # type: ignore[arg-type, return-value]  # one method of it
    due = interrupted.send_new_password(office.store, user_id, "owner@contoso.example")
    assert isinstance(due, MailDue)
    assert due.failure == "Another change of the account was under way"
    office.later()
    assert zoho_one.users()[0]["title"] == "Countess"
    assert zoho_one.signs_in(ADA, office.received()[-1][1])


def test_a_store_must_say_that_its_zoho_one_takes_passwords(store: Store) -> None:
    zoho = store.zoho.model_copy(update={"sends_passwords": False})
    with pytest.raises(ValidationError, match="does not document that it takes them"):
        Store.model_validate(notifying(store).model_dump() | {"zoho": zoho.model_dump()})


def test_no_password_is_kept_logged_or_answered(
    office: Office, zoho_one: ZohoOne, azurite: str, caplog: pytest.LogCaptureFixture
) -> None:
    shown: list[str] = []
    with caplog.at_level(logging.DEBUG, logger="bridge"):
        for number, reply in enumerate(("250 OK", "451 Later", "550 Never")):
            office.server.to_mail = reply
            name = f"ada{number}@contoso.example"
            emails = [{"type": "work", "value": name}]
            shown.append(str(office.entra.send("POST", "/Users", {"userName": name, "active": True, "emails": emails})))
        office.server.to_mail = "250 OK"
        office.later()
    passwords = [password for _, password in office.received()]
    assert len(passwords) == 2
    shown += [raw_tables(azurite, office.store.id), caplog.text, str(zoho_one._state())]
    assert office.store.id in shown[-3]
    for password in passwords:
        assert not [text for text in shown if password in text]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"BRIDGE_MAIL": "smtp"}, "BRIDGE_SMTP_HOST"),
        ({"BRIDGE_MAIL": "ses"}, "BRIDGE_SES_REGION"),
        ({"BRIDGE_MAIL": "graph"}, "BRIDGE_MAIL_TENANT_ID"),
        ({"BRIDGE_MAIL": "folder"}, "BRIDGE_MAIL_FOLDER"),
        ({"BRIDGE_MAIL": "folder", "BRIDGE_MAIL_FOLDER": "/tmp/x"}, None),
        ({"BRIDGE_MAIL": "ses", "BRIDGE_SES_REGION": "eu-central-1"}, None),
        ({"BRIDGE_MAIL": "graph", "BRIDGE_MAIL_TENANT_ID": f"{0:08}-0000-0000-0000-{0:012}"}, None),
        ({}, None),
    ],
)
def test_the_app_settings_say_what_they_lack(settings: dict[str, str], message: str | None) -> None:
    needed = {"AzureWebJobsStorage": "x", "BRIDGE_ENCRYPTION_KEYS": "x", "BRIDGE_MAIL_FROM": SENDER}
    read = Settings.model_validate(needed | settings)
    if message is None:
        assert (read.mail_way(in_azure=False) is None) == (settings == {})
    else:
        with pytest.raises(ValueError, match=message):
            read.mail_way(in_azure=False)


def test_a_folder_is_no_way_of_mailing_in_azure(tmp_path: Path) -> None:
    settings = {"BRIDGE_MAIL": "folder", "BRIDGE_MAIL_FOLDER": str(tmp_path), "BRIDGE_MAIL_FROM": SENDER}
    needed = {"AzureWebJobsStorage": "x", "BRIDGE_ENCRYPTION_KEYS": "x"}
    with pytest.raises(ValueError, match="for one machine"):
        Settings.model_validate(needed | settings).mail_way(in_azure=True)
