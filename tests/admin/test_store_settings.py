"""Settings that administrators change: recorded, never over another's change, and checked as a whole."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from pydantic import HttpUrl, ValidationError

from shared.admin.store_removal import StillStarted, StoreRemoval
from shared.admin.store_settings import Section, SettingsChanged, StoreSettings, fingerprint, id_from
from shared.app.console import OF_ONE_STORE
from shared.app.container import Bridge
from shared.connection.consent import CLIENT_SECRET
from shared.rules.mail.password import MailNotification, PasswordNotice, PasswordNotification
from shared.rules.secret_token import token_hash
from shared.rules.store import Store, ZohoConnection
from shared.tables.errors import Conflict
from shared.tables.partitions import Partitions

ZOHO = ZohoConnection(sync_endpoint=HttpUrl("https://one.zoho.eu/x"), data_center="eu", client_id="1000.B")


@pytest.fixture
def settings(bridge: Bridge) -> StoreSettings:
    return StoreSettings(bridge.stores, bridge.secrets, lambda: datetime.now(UTC), bridge.local)


@pytest.mark.parametrize(
    ("name", "store_id"),
    [
        ("Contoso", "contoso"),
        ("Müller & Söhne GmbH", "muller-sohne-gmbh"),
        ("  A--B  ", "a-b"),
        ("山田", ""),
        ("x" * 60, "x" * 40),
    ],
)
def test_an_id_looks_like_its_name(name: str, store_id: str) -> None:
    assert id_from(name) == store_id


def test_a_new_store_is_stopped_and_its_secret_kept(settings: StoreSettings, bridge: Bridge, store_id: str) -> None:
    created = settings.create(store_id, "Contoso", ZOHO, "very-secret", "Ada")
    assert not created.is_started
    assert bridge.secrets.get(store_id, CLIENT_SECRET) == "very-secret"
    with pytest.raises(Conflict):
        settings.create(store_id, "Other", ZOHO, "", "Bob")
    (record,) = bridge.stores.records(store_id, 10)
    assert (record.by, record.what) == ("Ada", "Directory store added")
    assert "very-secret" not in record.model_dump_json()
    assert bridge.stores.read(store_id) == created


def test_a_change_made_from_an_old_page_is_refused(settings: StoreSettings, bridge: Bridge, store: Store) -> None:
    seen = fingerprint(store, Section.NAME)

    def named(name: str) -> Mapping[str, object]:
        return {"name": name}

    settings.save(store.id, Section.NAME, seen, lambda _: named("Ada's"), "Ada")
    with pytest.raises(SettingsChanged):
        settings.save(store.id, Section.NAME, seen, lambda _: named("Bob's"), "Bob")
    found = bridge.stores.read(store.id)
    assert found is not None
    assert found.name == "Ada's"
    assert [record.by for record in bridge.stores.records(store.id, 10)] == ["Ada"]
    other = fingerprint(found, Section.GUARD)
    assert other == fingerprint(store, Section.GUARD), "another section is not concerned"


def test_settings_that_do_not_agree_are_refused_whole(settings: StoreSettings, bridge: Bridge, store: Store) -> None:
    chosen = PasswordNotification(
        mail_notification=MailNotification.NOTIFY,
        password_notification=PasswordNotice.USER,
        verified_domains=("contoso.example",),
    )
    seen = fingerprint(store, Section.NOTIFICATION)
    with pytest.raises(ValidationError, match="needs one-time passwords to be sent to Zoho One"):
        settings.save(store.id, Section.NOTIFICATION, seen, lambda _: {"password_notification": chosen}, "Ada")
    assert bridge.stores.read(store.id) == store
    assert bridge.stores.records(store.id, 10) == []


def test_a_token_is_rotated_once_for_each_page(settings: StoreSettings, bridge: Bridge, store: Store) -> None:
    seen = fingerprint(store, Section.TOKENS)
    changed, token = settings.new_token(store.id, seen, "Ada")
    assert changed.token_hashes == (token_hash(token), *store.token_hashes)
    with pytest.raises(SettingsChanged):
        settings.new_token(store.id, seen, "Ada")
    ended = settings.end_older_token(store.id, fingerprint(changed, Section.TOKENS), "Ada")
    assert ended.token_hashes == (token_hash(token),)
    kept = "".join(record.model_dump_json() for record in bridge.stores.records(store.id, 10))
    assert token not in kept
    assert token_hash(token) not in kept


def test_a_store_is_removed_with_all_but_its_record(settings: StoreSettings, bridge: Bridge, store: Store) -> None:
    tables = [bridge.table(name) for name in OF_ONE_STORE]
    removal = StoreRemoval(bridge.stores, bridge.disconnect, Partitions(tables), lambda: datetime.now(UTC))
    with pytest.raises(StillStarted):
        removal.step(store, "Ada")
    bridge.switch.stop(store, "Ada")
    stopped = bridge.stores.read(store.id)
    assert stopped is not None
    steps = 0
    while not removal.step(stopped, "Ada"):
        steps += 1
    assert steps < 5
    assert bridge.stores.read(store.id) is None
    assert bridge.secrets.get(store.id, CLIENT_SECRET) is None
    assert bridge.connections.read(store.id) is None
    whats = [record.what for record in bridge.stores.records(store.id, 10)]
    assert whats == ["Directory store deleted", "Provisioning stopped"]
