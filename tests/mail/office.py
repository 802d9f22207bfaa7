"""A store that sends one-time passwords, the mail server, and the clock of the retries: for the tests of the flow."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.app.container import Bridge
from shared.mail.password_mail import PasswordMails
from shared.rules.history import EventKind
from shared.rules.mail.due import MailDue
from shared.rules.store import Store
from tests.conftest import ZohoOne
from tests.mail.mailing import notifying, received
from tests.mail.smtp_server import MailServer
from tests.sync.test_status_sync import Entra

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
        self.bridge.paces.clear()  # by their clock, which nobody sets, no time has passed
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


def assert_ends_well(office: Office, zoho_one: ZohoOne, user_id: str, to: str = ADA) -> None:
    """One account, one mail, its password is valid, and nothing waits."""
    assert [user["userName"] for user in zoho_one.users()] == [ADA]
    ((recipient, password),) = office.received()
    assert recipient == to
    assert zoho_one.signs_in(ADA, password)
    assert office.waiting() == []
    assert office.kinds(user_id)[-2:] == [EventKind.CREATED, EventKind.PASSWORD_MAILED]
