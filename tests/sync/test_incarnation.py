"""A store that was deleted and added again, or restored, knows nothing of the one that had its id before."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from local.entra.people import PEOPLE
from local.store import add_store
from shared.admin.backup import Backup, NotCopied
from shared.admin.store_removal import StoreRemoval
from shared.app.console import OF_ONE_STORE
from shared.entra.clients import SECRET
from shared.rules.run import Result, RunKind, RunState
from shared.rules.schedule import Schedule
from shared.sync.source.people import READING
from shared.tables.copies import Copies
from shared.tables.cycle_leases import StillWorking
from shared.tables.heartbeat import Heartbeat
from shared.tables.partitions import Partitions
from shared.tables.service import connect
from shared.tables.stores import Stores
from tests.conftest import ZohoOne
from tests.console.conftest import pages_of
from tests.sync.reconciled import Hears, Reconciled

NAMES = {person.id: person.mapped_name for person in PEOPLE}
ANNA, BERT = (person.id for person in PEOPLE[:2])
NEW = "00000000-0000-4000-8000-000000000009"


def now() -> datetime:
    return datetime.now(UTC)


def _removal(reconciled: Reconciled) -> StoreRemoval:
    bridge = reconciled.bridge
    partitions = Partitions([bridge.table(name) for name in OF_ONE_STORE])
    return StoreRemoval(bridge.stores, bridge.disconnect, partitions, now)


def _remove(reconciled: Reconciled) -> None:
    reconciled.bridge.switch.stop(reconciled.store)
    store, removal = reconciled.store, _removal(reconciled)
    while not removal.step(store, "admin"):
        pass


def _rows(reconciled: Reconciled) -> int:
    """Every row of the store's, wherever it is."""
    parted = len(reconciled.tables())
    leases = reconciled.bridge.table("leases").list_entities()
    return parted + sum(reconciled.store_id in row["RowKey"].split(":") for row in leases)


def test_a_store_added_again_under_its_id_provisions_everybody(
    reconciled: Reconciled, azurite: str, key: str, zoho_one: ZohoOne
) -> None:
    reconciled.cycle()
    wanted, connection = reconciled.active(), reconciled.store.entra
    reconciled.bridge.cycles.ask(reconciled.store, RunKind.CYCLE, "ada")
    _remove(reconciled)
    assert _rows(reconciled) == 0
    zoho_one.reset()
    add_store(azurite, key, zoho_one.parts, reconciled.store_id)
    reconciled.bridge.secrets.put(reconciled.store_id, SECRET, reconciled.entra.ready["client_secret"])
    reconciled.change(entra=connection)
    assert reconciled.cycle().state is RunState.DONE
    assert reconciled.active() == wanted


def test_a_note_of_another_incarnation_is_no_note(reconciled: Reconciled) -> None:
    """Whatever writes the lease's row last: the store's own incarnation decides."""
    reconciled.cycle()
    cycles = reconciled.bridge.cycles
    assert cycles.standing(reconciled.store).note.reading.position is not None
    other = reconciled.store.model_copy(update={"incarnation": "another"})
    assert cycles.standing(other).note.reading.position is None


def test_a_store_whose_cycle_runs_is_not_deleted_before_it_has_ended(reconciled: Reconciled) -> None:
    reconciled.entra.set(page_size=4)
    store, removal, refused = reconciled.store, _removal(reconciled), list[str]()

    def hook(step: str, done: int, of: int) -> None:
        if step == READING and done and not refused:
            reconciled.bridge.switch.stop(store)
            with pytest.raises(StillWorking) as working:
                removal.step(reconciled.store, "admin")
            refused.append(str(working.value))

    run = reconciled.cycles().run(reconciled.asked(), Hears(hook)).run
    assert refused == ["A cycle of this directory store is still under way. It ends by itself: wait a moment."]
    assert run.state is RunState.FAILED
    assert "stopped" in run.errors[-1]
    assert reconciled.active() == set()
    _remove(reconciled)
    assert _rows(reconciled) == 0


def test_the_page_waits_for_a_cycle_before_it_deletes(reconciled: Reconciled) -> None:
    pages, store = pages_of(reconciled.bridge), reconciled.store
    shown: list[str] = []

    def hook(step: str, done: int, of: int) -> None:
        if not shown:
            reconciled.bridge.switch.stop(store)
            shown.append(pages.post(f"/stores/{store.id}/delete", typed=store.name).text)

    reconciled.cycles().run(reconciled.asked(), Hears(hook))
    assert "A cycle of this directory store is still under way" in shown[0]
    assert reconciled.bridge.stores.read(store.id) is not None


def _backup(reconciled: Reconciled, azurite: str) -> Backup:
    return Backup(
        reconciled.bridge.stores, Copies(connect(azurite)), reconciled.bridge.secrets, now, "admin", local=True
    )


def test_a_store_whose_cycle_runs_is_neither_exported_nor_replaced(
    reconciled: Reconciled, azurite: str, tmp_path: Path
) -> None:
    backup, store, told = _backup(reconciled, azurite), reconciled.store, list[str]()
    reconciled.bridge.switch.stop(store)
    backup.export_store(store.id, tmp_path / "before", None)
    reconciled.bridge.switch.start(store)

    def hook(step: str, done: int, of: int) -> None:
        if step != "applying" or told:
            return
        reconciled.bridge.switch.stop(store)
        with pytest.raises(NotCopied) as refused:
            backup.export_store(store.id, tmp_path / "now", None)
        told.append(str(refused.value))
        with pytest.raises(NotCopied) as refused:
            backup.import_store(tmp_path / "before", None, replace=True)
        told.append(str(refused.value))

    reconciled.cycles().run(reconciled.asked(), Hears(hook))
    assert all("still under way" in text for text in told)
    assert len(told) == 2


def test_a_store_that_is_restored_reads_all_of_entra(reconciled: Reconciled, azurite: str, tmp_path: Path) -> None:
    reconciled.cycle()
    bridge, backup = reconciled.bridge, _backup(reconciled, azurite)
    bridge.switch.stop(reconciled.store)
    backup.export_store(reconciled.store_id, tmp_path / "s.jsonl", None)
    bridge.switch.start(reconciled.store)
    given = PEOPLE[0].model_dump(mode="json", by_alias=True)
    given |= {"id": NEW, "userPrincipalName": "new@contoso.example", "mail": "new@contoso.example", "manager": None}
    reconciled.entra.act(
        {"do": "add", "values": given},
        {"do": "assign", "id": NEW},
        {"do": "change", "id": ANNA, "values": {"jobTitle": "Chief"}},
    )
    reconciled.cycle()
    assert reconciled.accounts()[NAMES[ANNA]]["title"] == "Chief"
    bridge.switch.stop(reconciled.store)
    backup.import_store(tmp_path / "s.jsonl", None, replace=True)
    bridge.switch.start(reconciled.store)
    for kind in (RunKind.CYCLE, RunKind.FULL_CYCLE, RunKind.CYCLE):
        assert reconciled.cycle(kind).state is RunState.DONE
    assert reconciled.accounts()[NAMES[ANNA]]["title"] == "Chief", "not what it was when the backup was made"
    assert reconciled.identity(NEW) is not None, "hired since the backup"
    reconciled.entra.act({"do": "disable", "id": NEW}, {"do": "disable", "id": BERT})
    reconciled.cycle()
    assert not reconciled.accounts()["new@contoso.example"]["active"]
    reconciled.assert_as_in_entra()


def test_stop_ends_a_cycle_that_runs(reconciled: Reconciled) -> None:
    reconciled.change(zoho=reconciled.store.zoho.model_copy(update={"parallel_calls": 1}))

    def hook(step: str, done: int, of: int) -> None:
        if step == "applying" and done == 0:
            reconciled.bridge.switch.stop(reconciled.store)

    run = reconciled.cycles().run(reconciled.asked(), Hears(hook)).run
    assert len(reconciled.active()) <= 2, "those whose turn it was"
    assert run.state is RunState.FAILED
    assert run.errors == (
        "Provisioning is stopped for this directory store. What was left to do waits until it is started again.",
    )
    reconciled.bridge.switch.start(reconciled.store)
    reconciled.cycle()
    reconciled.assert_as_in_entra()


def test_a_stop_in_another_process_is_seen_by_turns_that_wait(
    reconciled: Reconciled, azurite: str, zoho_one: ZohoOne, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the heartbeat reads ends the turns of people whose lease is taken already, and the run says why."""
    reconciled.cycle()
    reconciled.change(zoho=reconciled.store.zoho.model_copy(update={"parallel_calls": 2}))
    people = [person.id for person in PEOPLE if person.account_enabled][:4]
    reconciled.entra.act(*({"do": "change", "id": each, "values": {"jobTitle": "Count"}} for each in people))
    monkeypatch.setattr("shared.sync.cycles.Heartbeat", partial(Heartbeat, every=timedelta(milliseconds=50)))
    zoho_one.fail(method="PATCH", path="/Users/{id}", latency=0.7, times=2)
    other = Stores(connect(azurite).get_table_client("stores"))

    def hook(step: str, done: int, of: int) -> None:
        if step == "applying":
            other.change(reconciled.store_id, lambda store: store.model_copy(update={"schedule": Schedule()}))

    run = reconciled.cycles().run(reconciled.asked(), Hears(hook)).run
    assert run.results.get(Result.NOT_TRIED, 0) >= 2, "those whose turn had not come"
    assert run.errors == (
        "Provisioning is stopped for this directory store. What was left to do waits until it is started again.",
    )
    reconciled.bridge.switch.start(reconciled.store)
    reconciled.cycle()
    reconciled.assert_as_in_entra()


def test_other_limits_of_pace_count_at_once(reconciled: Reconciled) -> None:
    before = reconciled.bridge.users(reconciled.store)._pace
    assert reconciled.bridge.users(reconciled.store)._pace is before
    reconciled.change(zoho=reconciled.store.zoho.model_copy(update={"calls_per_second": 0.5, "parallel_calls": 1}))
    after = reconciled.bridge.users(reconciled.store)._pace
    assert after.keeps(1, 0.5)
