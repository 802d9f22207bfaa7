"""Entra pushes people while cycles read the same people: each has one account in the end, and it is as in Entra."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from local.entra.directory import EntraDirectory
from local.entra.people import PEOPLE, make_people
from local.entra.provisioning_service import ProvisioningService
from local.entra.server import entra_of
from local.parts import app_settings
from shared.app.container import Bridge
from shared.rules.history import EventKind
from shared.rules.run import RunState
from shared.rules.store import Store
from shared.settings import Settings
from tests.conftest import Entra, ZohoOne, held
from tests.sync.reconciled import Reconciled

PUSHERS = 3
"""At the same time, each of which pushes everybody: Entra has one such service for a store."""
ROUNDS = 2
"""That each pushes, and in which as many cycles run beside them."""
MOST_ROUNDS = 5
"""Until all is as in Entra: whoever was being written by the one is left to the next round by the other."""


@pytest.fixture
def directory() -> EntraDirectory:
    """An Entra in this process."""
    return EntraDirectory(PEOPLE)


@pytest.fixture
def reconciled(
    directory: EntraDirectory, azurite: str, key: str, store: Store, zoho_one: ZohoOne
) -> Iterator[Reconciled]:
    """A store whose people come from Graph as it shows that directory."""
    with entra_of(directory) as ready:
        settings = app_settings(azurite, key, zoho_one.parts) | {"BRIDGE_ENTRA_CERTIFICATE": ready["certificate"]}
        entra, bridge = Entra(ready), Bridge(Settings.model_validate(settings))
        yield Reconciled.start(bridge, store, entra, zoho_one)
        # A server that ends waits half a minute for a TLS client that does not say good-bye.
        for session in (bridge.reconciler.graphs._session, entra.session, entra.control):
            session.close()


@pytest.fixture
def pushers(directory: EntraDirectory, reconciled: Reconciled, host: str) -> list[ProvisioningService]:
    """Services that push that directory's people to a host."""
    endpoint = reconciled.endpoint(host)
    return [ProvisioningService(directory, f"{endpoint.url}?aadOptscim062020", endpoint.token) for _ in range(PUSHERS)]


def test_push_and_cycle_at_the_same_time(
    directory: EntraDirectory, reconciled: Reconciled, pushers: list[ProvisioningService]
) -> None:
    _at_once(reconciled, pushers)
    _assert_agreement(reconciled, pushers)
    ids = [person.id for person in directory.people() if directory.get(person.id).account_enabled]
    for person in ids[:6]:
        directory.change_job(person, job_title="Moved", department="Elsewhere")
    for person, new in zip(ids[6:9], make_people(3), strict=True):
        name = new.user_principal_name
        directory.rename(person, user_principal_name=name, given_name="New", surname=None, display_name="New")
    directory.disable(ids[9])
    directory.soft_delete(ids[10])
    directory.unassign(ids[11])
    for new in make_people(8)[3:]:
        directory.create(new.model_copy(update={"manager": None}))
    _at_once(reconciled, pushers)
    _assert_agreement(reconciled, pushers)


def _at_once(reconciled: Reconciled, pushers: list[ProvisioningService]) -> None:
    def again_and_again(work: Callable[[], object]) -> None:
        for _ in range(ROUNDS):
            work()

    writers: list[Callable[[], object]] = [reconciled.cycle, *(pusher.cycle for pusher in pushers)]
    with ThreadPoolExecutor(len(writers)) as pool:
        under_way = [pool.submit(again_and_again, work) for work in writers]
    for each in under_way:
        each.result()


def _assert_agreement(reconciled: Reconciled, pushers: list[ProvisioningService]) -> None:
    """It settles; then everybody is as in Entra, once, and both sides have nothing to do."""
    for _ in range(MOST_ROUNDS):
        reports = [pusher.cycle() for pusher in pushers]
        run = reconciled.cycle()
        assert run.state is RunState.DONE
        if not any(report.errors or report.quarantine for report in reports) and not (run.planned or run.errors):
            break
    else:
        raise AssertionError(f"after {MOST_ROUNDS} rounds: {run} {[report.errors for report in reports]}")
    reconciled.assert_as_in_entra()
    accounts = {user["id"]: user for user in reconciled.zoho_one.users()}
    owned = Counter[str]()
    for stored in reconciled.bridge.identities.everybody(reconciled.store_id):
        identity = stored.identity
        assert identity.pending is None
        if identity.account is not None:
            owned[identity.account.id] += 1
            assert identity.account.holds == held(accounts[identity.account.id]) == identity.said.desired
            history = reconciled.bridge.identities.history(reconciled.store_id, identity.id)
            assert sum(event.kind is EventKind.CREATED for event in history) == 1
    assert owned == Counter(list(accounts))
