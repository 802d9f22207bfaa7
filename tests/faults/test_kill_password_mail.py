"""The process is killed before and after each kind of call between a creation and its mail, the mail server's included.

However it ends, the person has exactly one valid password, and the last mail he got has it in it.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiosmtpd.smtp import Envelope, Session

from local.host.gate import Call
from local.parts import app_settings
from local.store import add_store
from shared.app.container import Bridge
from shared.mail.password_mail import Postbox
from shared.rules.history import EventKind
from shared.rules.store import Store
from shared.settings import Settings
from shared.sync.errors import BeingWritten, UserNameTaken
from shared.tables.claims import Lookup
from shared.tables.errors import Stale
from tests.conftest import ZohoOne
from tests.faults import mail_steps
from tests.faults.call_kinds import EVERYWHERE, At, moments
from tests.faults.forked import PROCESSES
from tests.faults.gated_host import gates
from tests.faults.killer import Killer
from tests.faults.mail_steps import ADA, PERSON, Doomed
from tests.mail.mailing import mail_settings, notifying, raw_tables, received
from tests.mail.smtp_server import MailServer, new_certificate, serving

LEASE_SECONDS = "0.3"


class GatedMailServer(MailServer):
    """Tells the killer when it has a mail, and when it has taken it."""

    def __init__(self, killer: Killer) -> None:
        super().__init__()
        self._killer = killer

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        call = Call("mail", "DATA", "")
        self._killer(call, "before")
        if self._killer.killed.is_set():
            return "451 The sender is gone"
        reply = await super().handle_DATA(server, session, envelope)
        self._killer(call, "after")
        return reply


class Scene:
    """A store that sends passwords, a process to kill, and one that puts things right."""

    def __init__(self, azurite: str, key: str, zoho_one: ZohoOne, server: GatedMailServer, killer: Killer) -> None:
        self._azurite, self._key, self.zoho_one, self.server, self._killer = azurite, key, zoho_one, server, killer
        self.bridge = Bridge(Settings.model_validate(self._settings(app_settings(azurite, key, zoho_one.parts))))
        self._mailed: dict[str, list[str]] = {}

    def _settings(self, settings: dict[str, str]) -> dict[str, str]:
        return settings | mail_settings(self.server.port) | {"BRIDGE_LEASE_SECONDS": LEASE_SECONDS}

    def new_store(self, store_id: str) -> Store:
        """An empty one, in an empty Zoho One, and no mail so far."""
        self.zoho_one.reset()
        self.server.taken.clear()
        self._killer.arm(None, None)
        assert isinstance(self.bridge.password_mails.postbox, Postbox)
        self.bridge.password_mails.postbox.transport.wake()
        add_store(self._azurite, self._key, self.zoho_one.parts, store_id)
        store = self.bridge.stores.get(store_id)
        assert store is not None
        self.bridge.stores.put(notifying(store))
        return notifying(store)

    def run(self, step: Callable[[Doomed], None], store: Store, at: At | None) -> list[str]:
        """Take the step in a process that is killed at a moment, or not at all: what it called."""
        with gates(self._azurite, self.zoho_one.parts, self._killer) as (connection_string, gated):
            zoho = store.zoho.model_copy(update={"sync_endpoint": type(store.zoho.sync_endpoint)(gated.sync_endpoint)})
            self.bridge.stores.put(store.model_copy(update={"zoho": zoho}))
            settings = self._settings(app_settings(connection_string, self._key, gated))
            process = PROCESSES.Process(target=step, args=(Doomed(settings, store.id),))
            self._killer.arm(process, at)
            process.start()
            process.join(30)
            assert process.exitcode == (0 if at is None else -9), f"{at}: {process.exitcode}"
        seen = self._killer.seen
        self._killer.arm(None, None)
        self.bridge.stores.put(store)
        return seen

    def entra_repeats(self, store: Store) -> None:
        """The same request again, as often as it takes."""
        while True:
            try:
                self.bridge.push.create(store, PERSON)
            except UserNameTaken:
                return
            except (BeingWritten, Stale):
                time.sleep(0.05)
            else:
                return

    def timer_runs(self, store: Store) -> None:
        """Again and again, until nothing is due."""
        ends = time.monotonic() + 10
        while list(self.bridge.mails.waiting(store.id)):
            assert time.monotonic() < ends, list(self.bridge.mails.waiting(store.id))
            self.bridge.password_mails.work_through([store])
            time.sleep(0.05)

    def assert_one_valid_password(self, store: Store, where: str) -> None:
        """That the last mail has it, and that it is the only one."""
        assert [user["userName"] for user in self.zoho_one.users()] == [ADA], where
        passwords = [password for _, password in received(self.server.taken)]
        assert passwords, where
        valid = [password for password in passwords if self.zoho_one.signs_in(ADA, password)]
        assert valid == passwords[-1:], where
        (person,) = self.bridge.identities.find(store.id, Lookup.USER_NAME, ADA)
        history = self.bridge.identities.history(store.id, person.id)
        assert history[0].kind is EventKind.PASSWORD_MAILED, where
        assert [event.kind for event in history].count(EventKind.CREATED) == 1, where
        self._mailed[store.id] = passwords

    def assert_none_is_kept(self) -> None:
        """None of the passwords that were mailed."""
        tables = raw_tables(self._azurite, *self._mailed)
        kept = {store: mailed for store, mailed in self._mailed.items() if any(each in tables for each in mailed)}
        assert not kept


@pytest.fixture
def scene(azurite: str, key: str, zoho_one: ZohoOne, tmp_path: Any) -> Iterator[Scene]:
    killer = Killer()
    with serving(GatedMailServer(killer), new_certificate(tmp_path), starttls=False) as server:
        assert isinstance(server, GatedMailServer)
        yield Scene(azurite, key, zoho_one, server, killer)


def _nothing(scene: Scene, store: Store) -> None:
    """Nobody is there yet."""


def _unmailed(scene: Scene, store: Store) -> None:
    """Somebody's mail did not go, and its next try is due."""
    scene.server.to_sender = "530 Sign in first"
    scene.bridge.push.create(store, PERSON)
    scene.server.to_sender = "250 OK"
    time.sleep(2 * float(LEASE_SECONDS) + 0.05)


CASES = {"create": (_nothing, mail_steps.create), "retry": (_unmailed, mail_steps.retry)}


@pytest.mark.parametrize("name", CASES if EVERYWHERE else ("create",))
def test_whoever_is_killed_one_valid_password_has_been_mailed(
    name: str, scene: Scene, store_id: str, kills: Callable[[object], None]
) -> None:
    prepare, step = CASES[name]
    names = (f"{store_id}-{number}" for number in itertools.count())
    store = scene.new_store(next(names))
    prepare(scene, store)
    seen = scene.run(step, store, None)
    assert {kind.split()[0] for kind in seen} == {"tables", "zoho", "mail"}
    scene.assert_one_valid_password(store, "nobody killed")
    assert len(scene.server.taken) == 1
    for at in moments(seen):
        where = f"{name}: {at}"
        store = scene.new_store(next(names))
        prepare(scene, store)
        scene.run(step, store, at)
        kills(at)
        scene.entra_repeats(store)
        scene.timer_runs(store)
        scene.assert_one_valid_password(store, where)
    scene.assert_none_is_kept()
