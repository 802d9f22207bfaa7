"""A store that is exported and imported is the same store, and a wrong file changes nothing."""

import gzip
import stat
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.__main__ import main
from local.azurite import start_azurite
from local.processes import Processes
from local.store import new_key
from shared.admin.backup import Backup, NotCopied
from shared.admin.store_file import NotAStoreFile
from shared.connection.consent import CLIENT_SECRET
from shared.rules.admin_change import AdminChange
from shared.rules.store import Store
from shared.tables.copies import COPIED, SECRETS, SHARED, Copies
from shared.tables.errors import TablesBusy
from shared.tables.record_table import Row
from shared.tables.secrets import Secrets
from shared.tables.service import connect
from shared.tables.stores import Stores
from tests.conftest import Endpoint

PEOPLE = 25
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def _backup(connection_string: str, key: str, copies: type[Copies] = Copies) -> Backup:
    service = connect(connection_string)
    secrets = Secrets(service.get_table_client("secrets"), key)
    return Backup(Stores(service.get_table_client("stores")), copies(service), secrets, lambda: NOW, "anna", local=True)


@pytest.fixture
def here(azurite: str, key: str) -> Backup:
    """The app that contains the store."""
    return _backup(azurite, key)


@pytest.fixture(scope="module")
def elsewhere(processes: Processes) -> str:
    """The storage account of another app."""
    return start_azurite(processes).connection_string


@pytest.fixture
def filled(endpoint: Endpoint, here: Backup, store_id: str) -> Store:
    """A stopped store with people, their history, mappings and secrets."""
    for number in range(PEOPLE):
        body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": f"ü{number}@contoso.example"}
        body |= {"externalId": str(number), "displayName": "Ünal “x”\n" * 5}
        assert endpoint.request("POST", "/Users", json=body).status_code == 201
    return here.stores.change(
        store_id,
        lambda store: store.model_copy(update={"schedule": store.schedule.stopped()}),
        lambda *_: AdminChange(at=NOW - timedelta(days=1), by="anna", what="Provisioning stopped"),
    )


def _all(backup: Backup, store: str) -> list[tuple[str, Row]]:
    """All rows but the administrators' changes: an export and an import are recorded too."""
    tables = (*(table for table in COPIED if table != SHARED), SECRETS)
    return [(table, row) for table in tables for row in backup.copies.rows(store, table)]


def _but_incarnation(store: Store | None) -> Store | None:
    return store and store.model_copy(update={"incarnation": ""})


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz"])
def test_a_store_comes_back_as_it_was(
    here: Backup, filled: Store, elsewhere: str, key: str, tmp_path: Path, ending: str
) -> None:
    file, secrets, there = tmp_path / f"a.{ending}", tmp_path / f"b.{ending}", _backup(elsewhere, key)
    counts = here.export_store(filled.id, file, secrets)
    assert counts["identities"] > 3 * PEOPLE
    assert counts["secrets"] == 2
    assert stat.S_IMODE(file.stat().st_mode) == stat.S_IMODE(secrets.stat().st_mode) == 0o600
    text = gzip.decompress(file.read_bytes()) if ending.endswith("gz") else file.read_bytes()
    sealed = {row["sealed"] for row in here.copies.rows(filled.id, SECRETS)}
    assert not any(each.encode() in text for each in sealed), "secrets stand apart"
    assert there.import_store(file, secrets, replace=False) == counts
    assert _all(there, filled.id) == _all(here, filled.id)
    for place, what in ((here, "exported"), (there, "imported")):
        assert [record.what for record in place.stores.records(filled.id, 1)] == [f"Directory store {what}"]
    assert _but_incarnation(there.stores.get(filled.id)) == _but_incarnation(filled)
    assert there.secrets.get(filled.id, CLIENT_SECRET) == here.secrets.get(filled.id, CLIENT_SECRET)
    with pytest.raises(NotCopied, match="--replace overwrites it"):
        there.import_store(file, secrets, replace=False)


def test_a_started_store_is_neither_copied_nor_replaced(
    here: Backup, endpoint: Endpoint, store_id: str, tmp_path: Path
) -> None:
    with pytest.raises(NotCopied, match="runs: stop or pause it first"):
        here.export_store(store_id, tmp_path / "a", None)
    store = here.stores.get(store_id)
    assert store is not None
    here.stores.put(store.model_copy(update={"schedule": store.schedule.stopped()}))
    here.export_store(store_id, tmp_path / "a", None)
    here.stores.put(store)
    with pytest.raises(NotCopied, match="runs"):
        here.import_store(tmp_path / "a", None, replace=True)
    here.stores.put(store.model_copy(update={"schedule": store.schedule.stopped()}))
    with pytest.raises(FileExistsError):
        here.export_store(store_id, tmp_path / "a", None)


def test_replacing_takes_away_what_came_since(here: Backup, filled: Store, endpoint: Endpoint, tmp_path: Path) -> None:
    here.export_store(filled.id, tmp_path / "a", None)
    before = _all(here, filled.id)
    here.copies.put(filled.id, "identities", [{"RowKey": "id:later", "id": "later"}])
    here.import_store(tmp_path / "a", None, replace=True)
    assert _all(here, filled.id) == before, "secrets that are not in the file stay"


class _BreaksOff(Copies):
    def put(self, store: str, table: str, rows: Iterable[Row]) -> None:
        if table == "runs":
            raise TablesBusy
        super().put(store, table, rows)


def test_an_import_that_breaks_off_is_no_store_and_is_done_again(
    here: Backup, filled: Store, elsewhere: str, key: str, tmp_path: Path
) -> None:
    here.export_store(filled.id, tmp_path / "a", None)
    with pytest.raises(TablesBusy):
        _backup(elsewhere, key, _BreaksOff).import_store(tmp_path / "a", None, replace=False)
    there = _backup(elsewhere, key)
    assert there.stores.get(filled.id) is None
    assert there.import_store(tmp_path / "a", None, replace=False)["identities"] > PEOPLE
    assert _but_incarnation(there.stores.get(filled.id)) == _but_incarnation(filled)


def test_files_that_are_not_whole_are_refused(here: Backup, filled: Store, tmp_path: Path) -> None:
    file, secrets = tmp_path / "a", tmp_path / "b"
    here.export_store(filled.id, file, secrets)
    lines = file.read_text().splitlines(keepends=True)
    broken = {
        "empty": "",
        "cut": "".join(lines[:-1]),
        "short": "".join([*lines[:5], lines[-1]]),
        "other": '{"format": "x"}\n',
        "more": "".join([*lines, lines[1]]),
        "bytes": "".join(lines)[:-40],
    }
    for name, text in broken.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(NotAStoreFile):
            here.import_store(tmp_path / name, None, replace=True)
    (tmp_path / "cut.gz").write_bytes(gzip.compress(file.read_bytes())[:-30])
    with pytest.raises(NotAStoreFile):
        here.import_store(tmp_path / "cut.gz", None, replace=True)
    with pytest.raises(NotAStoreFile, match="wrong order"):
        here.import_store(secrets, file, replace=True)


def test_secrets_that_nobody_could_read_are_not_imported(
    here: Backup, filled: Store, elsewhere: str, key: str, tmp_path: Path
) -> None:
    file, secrets, other = tmp_path / "a", tmp_path / "b", new_key()
    here.export_store(filled.id, file, secrets)
    with pytest.raises(NotCopied, match="add it there after the others, import, then run"):
        _backup(elsewhere, other).import_store(file, secrets, replace=False)
    assert _backup(elsewhere, other).stores.get(filled.id) is None
    both = _backup(elsewhere, f"{other},{key}")
    both.import_store(file, secrets, replace=False)
    assert both.secrets.reencrypt().unreadable == ()
    assert _backup(elsewhere, other).secrets.get(filled.id, CLIENT_SECRET)


def test_the_command(
    azurite: str,
    key: str,
    filled: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AzureWebJobsStorage", azurite)
    monkeypatch.setenv("BRIDGE_ENCRYPTION_KEYS", key)

    def run(*arguments: str) -> tuple[int, str, str]:
        return main(["backup", *arguments]), *capsys.readouterr()

    file = str(tmp_path / "a.gz")
    status, shown, told = run("export", filled.id, file)
    assert (status, told) == (0, "")
    assert shown.startswith("exported: the store's settings, ")
    refused = run("import", file, "--replace")
    assert refused[0] == 1
    assert "The sync endpoint of a store in the data center us begins with https://" in refused[2]
    monkeypatch.setenv("BRIDGE_ACCOUNTS_SERVERS", '{"us": "http://127.0.0.1:9"}')
    status, _, told = run("import", file)
    assert (status, told.split(" already")[0]) == (1, f"There is a directory store {filled.id}")
    assert run("import", file, "--replace")[1].startswith("imported: ")
    assert run("export", "nobody", file) == (1, "", "There is no directory store nobody\n")
    assert run("import", str(tmp_path / "none"))[0] == 1
