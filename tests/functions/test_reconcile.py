"""The timer and the queue of the reconciler, on a running function host."""

import base64
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient

from local.azurite import start_azurite
from local.host.admin import fire
from local.host.process import start_host
from local.parts import app_settings
from local.processes import Processes
from local.store import add_store, new_key
from shared.app.container import Bridge
from shared.rules.run import Run, RunState
from shared.rules.schedule import Schedule
from shared.settings import Settings
from shared.sync.cycle import GIVEN_UP, MOST_INTERRUPTIONS
from shared.sync.cycle_note import CycleRequest
from tests.conftest import Entra, ZohoOne
from tests.sync.reconciled import Reconciled

PATIENCE = 40.0


@dataclass
class Site:
    """A host with tables and queues of its own: its timer works through all stores, and any host takes a message."""

    host: str
    connection_string: str
    key: str
    bridge: Bridge


@pytest.fixture(scope="module")
def site(processes: Processes, zoho_one_process: ZohoOne, entra_process: Entra) -> Iterator[Site]:
    connection_string, key = start_azurite(processes).connection_string, new_key()
    settings = app_settings(connection_string, key, zoho_one_process.parts)
    settings["BRIDGE_ENTRA_CERTIFICATE"] = entra_process.ready["certificate"]
    host = start_host(processes, environment=settings, timers=False, time_scale=30)
    yield Site(host.url, connection_string, key, Bridge(Settings.model_validate(settings)))
    host.process.stop()


@pytest.fixture
def reconciled(site: Site, store_id: str, entra: Entra, zoho_one: ZohoOne) -> Iterator[Reconciled]:
    add_store(site.connection_string, site.key, zoho_one.parts, store_id)
    store = site.bridge.stores.read(store_id)
    assert store is not None
    found = Reconciled.start(site.bridge, store, entra, zoho_one)
    yield found
    found.change(schedule=Schedule())


def _run_of(reconciled: Reconciled, count: int = 1) -> Run:
    gives_up = time.monotonic() + PATIENCE
    while time.monotonic() < gives_up:
        runs = reconciled.bridge.reconciler.runs.newest(reconciled.store_id)
        if len(runs) >= count and runs[0].state is not RunState.RUNNING:
            return runs[0]
        time.sleep(0.1)
    raise AssertionError("no cycle ran")


def test_a_tick_runs_the_cycle_of_a_store_that_is_due_and_of_no_other(site: Site, reconciled: Reconciled) -> None:
    fire(site.host, "tick")
    run = _run_of(reconciled)
    assert (run.state, run.asked_by) == (RunState.DONE, "schedule")
    reconciled.assert_as_in_entra()
    fire(site.host, "tick")
    time.sleep(2)
    assert len(reconciled.bridge.reconciler.runs.newest(reconciled.store_id)) == 1


def test_two_messages_for_one_store_run_one_cycle(site: Site, reconciled: Reconciled) -> None:
    for _ in range(2):
        fire(site.host, "run_cycle", CycleRequest(store=reconciled.store_id).model_dump_json())
    _run_of(reconciled)
    time.sleep(2)
    (run,) = reconciled.bridge.reconciler.runs.newest(reconciled.store_id)
    assert run.state is RunState.DONE


def test_a_message_that_keeps_failing_ends_in_the_poison_queue_and_in_the_runs(
    site: Site, reconciled: Reconciled
) -> None:
    reconciled.break_note(site.connection_string)
    queue = QueueClient.from_connection_string(site.connection_string, "cycles")
    poison = QueueClient.from_connection_string(site.connection_string, "cycles-poison")
    for each in (queue, poison):
        with suppress(ResourceExistsError):
            each.create_queue()
    text = CycleRequest(store=reconciled.store_id, asked_by="test").model_dump_json()
    queue.send_message(base64.b64encode(text.encode()).decode())
    run = _run_of(reconciled)
    assert run.state is RunState.FAILED
    assert run.errors == ("A defect of the bridge: ValueError", GIVEN_UP)
    assert run.interruptions == MOST_INTERRUPTIONS - 1
    gives_up = time.monotonic() + PATIENCE
    while time.monotonic() < gives_up:
        if text in [base64.b64decode(each.content).decode() for each in poison.peek_messages(32)]:
            return
        time.sleep(0.1)
    raise AssertionError("the message is not in the poison queue")
