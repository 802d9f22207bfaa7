"""The timer of one-time password mails on the running host, and what the host says of passwords: nothing."""

import time
from collections.abc import Iterator

import pytest

from local.azurite import start_azurite
from local.host.admin import fire
from local.parts import app_settings
from local.processes import Child, Processes
from local.store import add_store, new_key
from shared.tables.mails import Mails
from shared.tables.service import connect
from shared.tables.stores import Stores
from tests.conftest import Endpoint, ZohoOne
from tests.mail.mailing import mail_settings, notifying, raw_tables, received
from tests.mail.smtp_server import MailServer, new_certificate, serving

STORE = "contoso"


@pytest.fixture
def mail_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    with serving(MailServer(), new_certificate(tmp_path_factory.mktemp("smtp")), starttls=False) as server:
        yield server


class Site:
    """A host with tables of its own: its timer works through the stores of all that share them."""

    def __init__(self, processes: Processes, zoho_one: ZohoOne, server: MailServer) -> None:
        self.connection_string, key = start_azurite(processes).connection_string, new_key()
        token = add_store(self.connection_string, key, zoho_one.parts, STORE)
        service = connect(self.connection_string)
        stores = Stores(service.get_table_client("stores"))
        (store,) = stores.started()
        stores.put(notifying(store))
        self.mails = Mails(service.get_table_client("identities"))
        environment = app_settings(self.connection_string, key, zoho_one.parts) | mail_settings(server.port)
        environment["BRIDGE_LEASE_SECONDS"] = "2"  # a mail takes less
        self.process: Child
        self.process, ready = processes.start_module(
            "local.host", "--port", "0", "--no-timers", environment=environment
        )
        self.url: str = ready["url"]
        self.endpoint = Endpoint(f"{self.url}/scim/{STORE}", token)

    def fire_until_nothing_is_due(self) -> None:
        """The timer, again and again."""
        ends = time.monotonic() + 20
        while list(self.mails.waiting(STORE)):
            assert time.monotonic() < ends
            fire(self.url, "tick")
            time.sleep(0.2)


def test_the_timer_sends_what_is_due_and_the_host_tells_no_password(
    processes: Processes, zoho_one: ZohoOne, mail_server: MailServer
) -> None:
    site = Site(processes, zoho_one, mail_server)
    answers = []
    for number, reply in enumerate(("250 OK", "530 Sign in first")):
        mail_server.to_sender = reply
        name = f"ada{number}@contoso.example"
        person = {"userName": name, "active": True, "emails": [{"type": "work", "value": name}]}
        answer = site.endpoint.request("POST", "/Users", json=person)
        assert answer.status_code == 201
        answers.append(answer.text)
    mail_server.to_sender = "250 OK"
    site.fire_until_nothing_is_due()
    got = received(mail_server.taken)
    assert [name for name, _ in got] == ["ada0@contoso.example", "ada1@contoso.example"]
    assert all(zoho_one.signs_in(name, password) for name, password in got)
    site.process.stop()
    log = site.process.log.read_text() + site.process.output.read_text()
    assert "waits, try 1" in log, "the log was kept"
    shown = [log, *answers, raw_tables(site.connection_string, STORE)]
    assert not [text for text in shown for _, password in got if password in text]
