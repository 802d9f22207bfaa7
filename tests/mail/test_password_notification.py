"""Password notification in the flow: who gets a one-time password, and that nobody else hears of it."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from local.in_process import InProcess
from shared.mail.password_mail import CannotSend
from shared.rules.history import Event, EventKind
from shared.rules.mail.due import MailDue
from shared.rules.mail.password import PasswordNotice, PasswordNotification
from shared.rules.status import Deprovisioning, StatusRules
from shared.rules.store import Store, UpdateVerb
from tests.conftest import ZohoOne
from tests.in_memory import ZOHO_ONE
from tests.mail.mailing import notifying, raw_tables
from tests.mail.office import ADA, EMAILS, Office, assert_ends_well
from tests.tables.memory.tables import MemoryTables


def test_a_new_person_of_a_verified_domain_is_mailed_his_password(office: Office, zoho_one: ZohoOne) -> None:
    user_id = office.create()
    assert_ends_well(office, zoho_one, user_id)
    assert zoho_one.calls() == {"GET /Users": 1, "POST /Users": 1}
    assert [reason for _, reason in office.entra.history(user_id)] == [
        f"The person is active in Entra. A one-time password goes to the user: {ADA}.",
        f"The one-time password was mailed to {ADA}.",
    ]


def test_the_administrators_are_mailed_where_the_store_says_so(office: Office, zoho_one: ZohoOne) -> None:
    office.change(notifying(office.store, PasswordNotice.ADMIN))
    assert_ends_well(office, zoho_one, office.create(), to="admin@contoso.example")


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


def test_without_password_notification_nothing_happens(office: Office, zoho_one: ZohoOne) -> None:
    office.change(office.store.model_copy(update={"password_notification": PasswordNotification()}))
    assert office.entra.history(office.create()) == [(EventKind.CREATED, "The person is active in Entra.")]
    assert (office.received(), zoho_one.with_password(), office.waiting()) == ([], [], [])


def test_what_a_person_who_is_due_costs(
    office: Office, memory: MemoryTables, answering: dict[str, InProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three table transactions, and two calls to Zoho One; tests/scim/test_budget.py counts everybody else's."""
    calls: Counter[str] = Counter()

    def count(kind: str) -> Callable[[object, Callable[[], Any]], Any]:
        def around(_: object, carry_out: Callable[[], Any]) -> Any:
            calls[kind] += 1
            return carry_out()

        return around

    monkeypatch.setattr(memory, "around", count("tables"))
    monkeypatch.setattr(answering[ZOHO_ONE], "around", count("zoho"))
    office.bridge.push.create(office.store, {"userName": "warm@contoso.example", "active": True, **EMAILS})
    calls.clear()
    office.bridge.push.create(office.store, {"userName": ADA, "active": True, **EMAILS})
    assert calls == {"tables": 3, "zoho": 2}


def test_an_adopted_account_keeps_its_password(office: Office, zoho_one: ZohoOne) -> None:
    zoho_one.add({"userName": ADA, "password": "chosen-by-ada", "active": True})
    assert office.kinds(office.create()) == [EventKind.ADOPTED]
    assert zoho_one.signs_in(ADA, "chosen-by-ada")
    assert (office.received(), office.waiting()) == ([], [])


def test_who_is_disabled_gets_one_when_he_is_created(office: Office, zoho_one: ZohoOne) -> None:
    user_id = office.create(active=False)
    assert office.received() == []
    assert office.entra.patch(user_id, active="True") == 200
    assert_ends_well(office, zoho_one, user_id)


def test_an_account_that_is_made_anew_gets_a_new_one(office: Office, zoho_one: ZohoOne) -> None:
    office.change(office.store.model_copy(update={"status_rules": StatusRules(on_deactivated=Deprovisioning.DELETE)}))
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
        for number, reply in enumerate(("250 OK", "451 Later", "550 5.1.1 Never")):
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
