"""A mail server for each worker, and a store that mails one-time passwords through it."""

from collections.abc import Iterator

import pytest

from local.parts import app_settings
from shared.app.container import Bridge
from shared.mail.password_mail import Postbox
from shared.rules.store import Store
from shared.settings import Settings
from tests.conftest import ZohoOne
from tests.in_memory import *  # noqa: F403 - fixtures, in the place of processes
from tests.mail.mailing import mail_settings
from tests.mail.office import Office
from tests.mail.smtp_server import MailServer, new_certificate, serving


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
    assert isinstance(postbox, Postbox)
    postbox.transport.wake()
    return Office(mailing_bridge, store, mail_server)
